"""What owners publish at a real server: tables of digits, lists of codes, regulators."""

from functools import cache

from bbs import SHA_256
from bbs.gadgets.tables import Table, new_digits
from disclosure.composite import PublishedCodeList, publish_codes
from tests.disclosure.composite.officers import new_officers, shared_by
from tests.zkservice.support import TEXT, City
from wire.convert import text_to
from zkproto.v1 import publication_pb2 as pb

POLICE, SCHOOL = "departments/police", "verifiers/school"


@cache
def digits(number: int) -> Table:
    """Return a table of digits, another one for each number."""
    return new_digits(SHA_256)


def table(owner: str = POLICE, number: int = 0) -> pb.Table:
    return pb.Table(owner=owner, octets=digits(number).octets)


async def publish(city: City, message: pb.Table, token: str) -> pb.Table:
    asked = pb.CreateTableRequest(table=message)
    published: pb.Table = await city.publication.CreateTable(asked, metadata=city.bearer(token))
    return published


def codes(owner: str = POLICE) -> PublishedCodeList:
    return publish_codes(owner, "GB/T 2260", ("370102", "370103", "370104"), SHA_256)


def new_regulator() -> pb.Regulator:
    shares = (
        pb.OfficerShare(public_key=each.public_key, possession_proof=each.possession)
        for each in shared_by(new_officers()).shares
    )
    return pb.Regulator(display_name=text_to(TEXT), suite=str(SHA_256), shares=shares)


async def register(city: City, name: str, regulator: pb.Regulator) -> pb.Regulator:
    asked = pb.CreateRegulatorRequest(regulator_id=name, regulator=regulator)
    made: pb.Regulator = await city.publication.CreateRegulator(asked, metadata=city.bearer(city.admin))
    return made
