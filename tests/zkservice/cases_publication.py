"""Refusals of the publication service, and of listing accumulators."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bbs import SHA_256
from bbs.groups.bls12_381 import r
from disclosure.composite import publish_codes
from tests.zkservice.publishing import POLICE, codes, digits, new_regulator, publish, register, table
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, put
from tests.zkservice.stored import change
from wire.composite import published_to
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1 import revocation_pb2

CASES: list[Case] = []
BAD, DENIED, NAMES, MALFORMED = "INVALID_ARGUMENT", "PERMISSION_DENIED", "NAME_INVALID", "MALFORMED"
MISSING = ("NOT_FOUND", "NOT_FOUND")
TAKEN = ("ALREADY_EXISTS", "ALREADY_EXISTS")
NOBODYS = f"tables/{'0' * 64}"
Token = Callable[[Town], str | None]
Alter = Callable[[Any], object]


def departments(town: Town) -> str | None:
    return town.city.department_token


def admins(town: Town) -> str | None:
    return town.city.admin


def given(token: str | None, _: Town) -> str | None:
    return token


def same(_: Any) -> None:
    pass


def publishing(
    code: str,
    reason: str,
    *fields: str,
    alter: Alter,
    token: Token = departments,
    make: Callable[[], pb.Table] = lambda: table(number=9),
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = pb.CreateTableRequest(table=make())
        alter(message)
        stub = town.city.publication.CreateTable
        return lambda: stub(message, metadata=metadata(town.city, token(town)))

    add(CASES, code, reason, *fields, name=f"CreateTable {len(CASES)}")(scenario)


def listed() -> pb.Table:
    return published_to(codes())


for missing in (None, ""):
    publishing("UNAUTHENTICATED", "TOKEN_MISSING", alter=same, token=partial(given, missing))
for wrong in (admins, lambda town: town.tax_token, lambda _: "x" * 43):
    publishing(DENIED, "TOKEN_INVALID", alter=same, token=wrong)
publishing(DENIED, "TOKEN_INVALID", alter=put("table.owner", "verifiers/school"))
publishing(*MISSING, "table.owner", alter=put("table.owner", "verifiers/nobody"), token=admins)
for owner in ("", "police", "authorities/city", "departments/police/tables/-"):
    publishing(BAD, NAMES, "table.owner", alter=put("table.owner", owner))
publishing(BAD, NAMES, "table.owner", alter=put("table.owner", "verifiers/Nobody"))
publishing(BAD, "FIELD_MISSING", "table", alter=lambda each: each.ClearField("table"))
publishing(BAD, NAMES, "table.name", alter=put("table.name", NOBODYS))
for octets in (b"", b"zk-table/v1\n", digits(9).octets[:-1], digits(9).octets + b"\0"):
    publishing(BAD, MALFORMED, "table.octets", alter=put("table.octets", octets))
SWAPPED = digits(9).octets[:-192] + digits(9).octets[-96:] + digits(9).octets[-192:-96]
publishing(BAD, "SIGNATURE_INVALID", "table.octets", alter=put("table.octets", SWAPPED))
publishing(BAD, MALFORMED, "table.octets", alter=put("table.code_system", "GB/T 2260"))
publishing(BAD, MALFORMED, "table.codes", alter=lambda each: each.table.codes.append("370102"))
publishing(BAD, MALFORMED, "table.octets", make=listed, alter=lambda each: each.table.codes.pop())
publishing(BAD, MALFORMED, "table.octets", make=listed, alter=lambda each: each.table.codes.reverse())
publishing(BAD, MALFORMED, "table.octets", make=listed, alter=put("table.code_system", "GB/T 2261"))
publishing(BAD, MALFORMED, "table.code_system", make=listed, alter=put("table.code_system", "x" * 65))
publishing(BAD, MALFORMED, "table.code_system", make=listed, alter=put("table.code_system", "a\u202eb"))
publishing(BAD, MALFORMED, "table.codes[3]", make=listed, alter=lambda each: each.table.codes.append(""))
publishing(
    BAD, MALFORMED, "table.codes", make=listed, alter=lambda each: each.table.ClearField("code_system")
)


def _long() -> pb.Table:
    return published_to(publish_codes("departments/police", "x", ("a" * 65,), SHA_256))


publishing(BAD, MALFORMED, "table.codes[0]", make=_long, alter=same)


@add(CASES, *TAKEN, "table.octets")
async def table_of_another_owner(town: Town) -> Refusable:
    await publish(town.city, table(), town.city.department_token)
    return lambda: publish(town.city, table("departments/tax"), town.tax_token)


@add(CASES, *TAKEN, "table.octets")
async def table_with_the_key_of_another(town: Town) -> Refusable:
    """Its signatures are true; under the other key they could stand for something else."""
    made = table(number=8)
    key = digits(8).key
    await publish(town.city, table(number=7), town.city.department_token)
    change(
        town.city.ready.data,
        "update published_table set public_key = ? where digest = ?",
        key,
        digits(7).digest,
    )
    return lambda: publish(town.city, made, town.city.department_token)


def reading(method: str, message: Any, code: str, reason: str, *fields: str) -> None:
    async def scenario(town: Town) -> Refusable:
        return lambda: getattr(town.city.publication, method)(message)

    add(CASES, code, reason, *fields, name=f"{method} {len(CASES)}")(scenario)


for name in (
    "",
    "tables/-",
    "tables/",
    "tables/00",
    f"tables/{'A' * 64}",
    f"tables/{'0' * 66}",
    "x/tables/-",
):
    reading("GetTable", pb.GetTableRequest(name=name), BAD, NAMES, "name")
for name in (NOBODYS, "departments/nobody/tables/-", "verifiers/school/tables/-"):
    reading("GetTable", pb.GetTableRequest(name=name), *MISSING, "name")
for parent in ("", "departments/-", "authorities/city", "verifiers/a/b"):
    reading("ListTables", pb.ListTablesRequest(parent=parent), BAD, NAMES, "parent")
reading("ListTables", pb.ListTablesRequest(parent=POLICE, page_size=-1), BAD, "FIELD_INVALID", "page_size")
for method, asked in {
    "ListTables": pb.ListTablesRequest(parent=POLICE, page_token="x"),
    "ListRegulators": pb.ListRegulatorsRequest(page_token="x"),
}.items():
    reading(method, asked, BAD, "PAGE_TOKEN_INVALID", "page_token")
reading("ReadStates", pb.ReadStatesRequest(issuer_keys=["x"]), BAD, NAMES, "issuer_keys[0]")
reading("ReadStates", pb.ReadStatesRequest(accumulators=[b"x"]), BAD, "FIELD_INVALID", "accumulators[0]")
reading("ReadStates", pb.ReadStatesRequest(accumulators=[bytes(96)]), *MISSING, "accumulators[0]")
reading("ListRegulators", pb.ListRegulatorsRequest(page_size=-1), BAD, "FIELD_INVALID", "page_size")
for name in ("", "regulators/", "regulators/A", "verifiers/school"):
    reading("GetRegulator", pb.GetRegulatorRequest(name=name), BAD, NAMES, "name")
reading("GetRegulator", pb.GetRegulatorRequest(name="regulators/nobody"), *MISSING, "name")
for digest in (b"", bytes(31), bytes(33)):
    asking = pb.GetRegulatorRequest(name="regulators/-", digest=digest)
    reading("GetRegulator", asking, BAD, "FIELD_INVALID", "digest")
reading("GetRegulator", pb.GetRegulatorRequest(name="regulators/-", digest=bytes(32)), *MISSING, "digest")


@add(CASES, *MISSING, "digest")
async def regulator_that_has_another_key(town: Town) -> Refusable:
    await register(town.city, "known", new_regulator())
    asked = pb.GetRegulatorRequest(name="regulators/known", digest=bytes(32))
    return lambda: town.city.publication.GetRegulator(asked)


def registering(code: str, reason: str, *fields: str, alter: Alter, token: Token = admins) -> None:
    async def scenario(town: Town) -> Refusable:
        message = pb.CreateRegulatorRequest(regulator_id="new", regulator=new_regulator())
        alter(message)
        stub = town.city.publication.CreateRegulator
        return lambda: stub(message, metadata=metadata(town.city, token(town)))

    add(CASES, code, reason, *fields, name=f"CreateRegulator {len(CASES)}")(scenario)


registering("UNAUTHENTICATED", "TOKEN_MISSING", alter=same, token=partial(given, None))
registering(DENIED, "TOKEN_INVALID", alter=same, token=departments)
registering(BAD, "FIELD_MISSING", "regulator", alter=lambda each: each.ClearField("regulator"))
for name in ("", "-", "A", "x" * 64):
    registering(BAD, NAMES, "regulator_id", alter=put("regulator_id", name))
registering(BAD, "VALUE_INVALID", "regulator.display_name.zh", alter=put("regulator.display_name.zh", ""))
registering(BAD, MALFORMED, "regulator.digest", alter=put("regulator.digest", bytes(32)))
registering(BAD, MALFORMED, "regulator.suite", alter=put("regulator.suite", "BBS_OF_MY_OWN"))
INFINITY, SHARES = b"\xc0" + bytes(47), "regulator.shares"


def put_share(place: int, public_key: bytes) -> Callable[[pb.CreateRegulatorRequest], object]:
    return lambda each: setattr(each.regulator.shares[place], "public_key", public_key)


for key in (b"", bytes(47), bytes(48), b"\xff" * 48, INFINITY, r.to_bytes(48)):
    registering(BAD, MALFORMED, SHARES, alter=put_share(1, key))
registering(BAD, MALFORMED, SHARES, alter=lambda each: each.regulator.ClearField("shares"))
registering(BAD, MALFORMED, SHARES, alter=lambda each: each.regulator.shares.pop())  # one officer alone
registering(BAD, MALFORMED, SHARES, alter=lambda each: each.regulator.shares.extend(new_regulator().shares))
registering(
    BAD, MALFORMED, SHARES, alter=lambda each: each.regulator.shares[1].CopyFrom(each.regulator.shares[0])
)
# A key of somebody else's, or one that cancels the first, comes without a proof that its secret is known.
registering(BAD, MALFORMED, SHARES, alter=put_share(1, new_regulator().shares[0].public_key))
registering(
    BAD, MALFORMED, SHARES,
    alter=lambda each: setattr(
        each.regulator.shares[1], "possession_proof", each.regulator.shares[0].possession_proof
    ),
)  # fmt: skip
registering(
    BAD, MALFORMED, SHARES, alter=lambda each: each.regulator.shares[0].ClearField("possession_proof")
)


@add(CASES, *TAKEN, "regulator_id")
async def regulator_of_another_key(town: Town) -> Refusable:
    await register(town.city, "pboc", new_regulator())
    return lambda: register(town.city, "pboc", new_regulator())


@add(CASES, *TAKEN, "regulator.shares")
async def key_of_another_regulator(town: Town) -> Refusable:
    known = new_regulator()
    await register(town.city, "first", known)
    return lambda: register(town.city, "second", known)


def listing(code: str, reason: str, *fields: str, **asked: Any) -> None:
    async def scenario(town: Town) -> Refusable:
        message = revocation_pb2.ListAccumulatorsRequest(**({"parent": POLICE} | asked))
        return lambda: town.city.revocation.ListAccumulators(message)

    add(CASES, code, reason, *fields, name=f"ListAccumulators {len(CASES)}")(scenario)


for parent in ("", "departments/-", f"{POLICE}/accumulators/-"):
    listing(BAD, NAMES, "parent", parent=parent)
listing(BAD, "FIELD_INVALID", "page_size", page_size=-1)
listing(BAD, "PAGE_TOKEN_INVALID", "page_token", page_token="x")
