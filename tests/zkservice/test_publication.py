"""Tables, lists, regulators over a real server: what is published is the same for everybody, and logged."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest

from disclosure import DepartmentName
from disclosure.composite import contents_of
from tests.zkservice.publishing import POLICE, SCHOOL, codes, digits, new_regulator, publish, register, table
from tests.zkservice.revoking import Office
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, refusal, reopened
from tlog.note import Verifier
from tlog.proof_file import ProofFile
from wire.composite import published_of, published_to, regulator_of
from wire.published import Reader
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1 import revocation_pb2

_Read = TypeVar("_Read")


async def read(town: City, act: Callable[[Reader], _Read]) -> _Read:
    """Read as holders and verifiers do, with every check that they make."""
    root = grpc.ssl_channel_credentials((town.ready.data / "ca.pem").read_bytes())

    def run() -> _Read:
        with closing(grpc.secure_channel(town.ready.address, root)) as channel:
            return act(Reader(channel, Verifier.from_string(town.ready.verifier_key)))

    return await asyncio.to_thread(run)


async def test_a_table_is_published_once_and_read_with_its_place_on_the_ledger(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        first = await publish(town, table(), town.department_token)
        assert first.name == f"tables/{digits(0).digest.hex()}"
        assert await publish(town, table(), town.department_token) == first
        assert len(dump(tmp_path)["published_table"]) == 1
        second = await publish(town, table(number=1), town.department_token)
        theirs = await publish(town, table(SCHOOL, 2), town.admin)
        assert await town.publication.GetTable(pb.GetTableRequest(name=first.name)) == first
        for owner, newest, number in ((POLICE, second, 1), (SCHOOL, theirs, 2)):
            got = await town.publication.GetTable(pb.GetTableRequest(name=f"{owner}/tables/-"))
            assert got == newest
            assert (await read(town, lambda reader, o=owner: reader.newest_digits(o))).table.digest == (  # type: ignore[misc]
                digits(number).digest
            )
    async with reopened(tmp_path) as town:
        assert await town.publication.GetTable(pb.GetTableRequest(name=first.name)) == first


async def test_a_list_of_codes_is_read_with_its_codes(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        older, newer = codes(), codes()
        for each in (older, newer):
            message = published_to(each)
            got = await publish(town, message, town.department_token)
            assert published_of(got).table.digest == each.table.digest
            assert (list(got.codes), got.code_system) == (list(each.codes), each.code_system)
        # An owner's newest table of digits is no list.
        missing = town.publication.GetTable(pb.GetTableRequest(name=f"{POLICE}/tables/-"))
        assert (await refusal(missing)).reason == "NOT_FOUND"
        found = await read(town, lambda reader: reader.newest_list(POLICE, "GB/T 2260"))
        assert found is not None
        assert (found.table.digest, found.codes) == (newer.table.digest, newer.codes)
        assert await read(town, lambda reader: reader.newest_list(POLICE, "another")) is None
        said = contents_of(POLICE, "GB/T 2260", reversed(older.codes))
        assert said == older.contents == newer.contents
        first = await read(town, lambda reader: reader.first_list(POLICE, "GB/T 2260", said))
        assert first is not None
        assert first.table.digest == older.table.digest
        for owner, system, codes_of in (
            ("departments/hrss", "GB/T 2260", older.codes),
            (POLICE, "another", older.codes),
            (POLICE, "GB/T 2260", older.codes[1:]),
        ):
            other = contents_of(owner, system, codes_of)
            assert other != said
            assert await read(town, lambda it, each=other: it.first_list(POLICE, "GB/T 2260", each)) is None  # type: ignore[misc]


async def test_tables_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        made = [await publish(town, table(number=each), town.department_token) for each in range(3)]
        made.append(await publish(town, published_to(codes()), town.department_token))
        await publish(town, table(SCHOOL, 3), town.admin)
        listed, token = list[pb.Table](), ""
        while True:
            asked = pb.ListTablesRequest(parent=POLICE, page_size=2, page_token=token)
            page = await town.publication.ListTables(asked)
            assert len(page.tables) <= 2
            listed += page.tables
            if not (token := page.next_page_token):
                break
        assert [each.name for each in listed] == [each.name for each in reversed(made)]
        assert not any(each.octets or each.proof or each.codes for each in listed)
        assert [each.code_system for each in listed] == ["GB/T 2260", "", "", ""]
        stranger = pb.ListTablesRequest(parent="departments/nobody")
        assert await town.publication.ListTables(stranger) == pb.ListTablesResponse()


async def test_regulators_are_found_by_name_and_by_digest(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        asked = new_regulator()
        made = await register(town, "pboc", asked)
        assert await register(town, "pboc", asked) == made
        other = await register(town, "court", new_regulator())
        assert len(dump(tmp_path)["regulator"]) == 2
        for name, digest in ((made.name, b""), (made.name, made.digest), ("regulators/-", made.digest)):
            asking = pb.GetRegulatorRequest(name=name, digest=digest)
            assert await town.publication.GetRegulator(asking) == made
        found = await read(town, lambda reader: reader.regulator(made.digest))
        assert found == regulator_of(made)
        log = Verifier.from_string(town.ready.verifier_key)
        ProofFile.parse(made.proof).verify(found.entry(), log)
        listed, token = [], ""
        for _ in range(2):
            page = await town.publication.ListRegulators(
                pb.ListRegulatorsRequest(page_size=1, page_token=token)
            )
            listed += [each.name for each in page.regulators]
            token = page.next_page_token
        assert (listed, token) == ([other.name, made.name], "")


async def test_whoever_publishes_one_table_twice_at_once_is_answered_twice(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        made = await asyncio.gather(*(publish(town, table(), town.department_token) for _ in range(4)))
        assert all(each == made[0] for each in made)
        assert len(dump(tmp_path)["published_table"]) == 1


async def test_accumulators_are_listed_newest_first(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        offices = [await Office.open(town, "police", town.department_token) for _ in range(3)]
        names, token = [], ""
        for _ in range(2):
            asked = revocation_pb2.ListAccumulatorsRequest(parent=POLICE, page_size=2, page_token=token)
            page = await town.revocation.ListAccumulators(asked)
            names += [each.name for each in page.accumulators]
            token = page.next_page_token
        assert (names, token) == ([each.name for each in reversed(offices)], "")
        found = await read(town, lambda reader: reader.accumulators(DepartmentName("police")))
        assert [each.name for each in found] == [each.accumulator.name for each in reversed(offices)]
        nobody: Any = await town.revocation.ListAccumulators(
            revocation_pb2.ListAccumulatorsRequest(parent="departments/nobody")
        )
        assert not nobody.accumulators


@pytest.mark.parametrize("place", [40, 300, 9000, -1])
async def test_a_table_that_is_false_anywhere_is_published_nowhere(tmp_path: Path, place: int) -> None:
    async with city(tmp_path) as town:
        false = table()
        octets = bytearray(false.octets)
        octets[place] ^= 1
        false.octets = bytes(octets)
        before = dump(tmp_path)
        error = await refusal(publish(town, false, town.department_token))
        assert error.reason in {"MALFORMED", "SIGNATURE_INVALID"}
        assert error.violations[0].field == "table.octets"
        assert dump(tmp_path) == before
