"""What holders and verifiers read: a service that shows one of them something of its own is found out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tlog
from bbs import SHA_256, SecretKey
from bbs.accumulator import AccumulatorSecret
from disclosure import (
    Accumulator,
    CredentialForm,
    DepartmentName,
    IssuerKeyName,
    SchemaName,
    VerifierName,
    issuer_key_name,
)
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from tests.zkservice.publishing import POLICE, new_regulator, register
from tests.zkservice.revoking import Office
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, City, city, reopened
from tests.zkservice.test_publication import read
from wire.published import Reader

BASE = replace(PERMIT, name=SchemaName("police", "resident", 1), form=CredentialForm.COMPOSITE)
SCHOOL = VerifierName("school")
POLICE_NAME = DepartmentName("police")


async def furnished(town: City) -> Office:
    await town.add_schema(BASE)
    return await Office.open(town, "police", town.department_token)


async def test_all_that_is_read_has_its_record_on_the_ledger(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        office = await furnished(town)

        def act(reader: Reader) -> None:
            assert reader.schema(BASE.name) == BASE
            (key,) = reader.issuer_keys(POLICE_NAME)
            assert reader.issuer_key(key.name) == key
            public_key = reader.verifier_key(SCHOOL)
            assert reader.accumulators(POLICE_NAME) == [office.accumulator]
            log = tlog.Verifier.from_string(town.ready.verifier_key)
            for entry in (
                schema_entry(BASE),
                issuer_key_entry(key),
                verifier_entry(SCHOOL, public_key),
                office.accumulator.entry(),
            ):
                tlog.ProofFile.parse(reader.proof(entry)).verify(entry, log)

        await read(town, act)


async def test_what_was_registered_before_there_were_records_is_recorded_at_the_start(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        await furnished(town)
    for table in ("schema", "verifier"):
        change(tmp_path, f"update {table} set outbox = null")
    for _ in range(2):
        async with reopened(tmp_path) as town:
            assert await read(town, lambda reader: reader.schema(BASE.name)) == BASE
            assert len(await read(town, lambda reader: reader.verifier_key(SCHOOL))) == 32


def of_another_schema(folder: Path) -> None:
    other = replace(BASE, validity_days=BASE.validity_days + 1)
    change(folder, "update schema set canonical = ? where name = ?", other.canonical, str(BASE.name))


def of_another_verifier_key(folder: Path) -> None:
    change(folder, "update verifier set public_key = ? where name = ?", bytes(32), str(SCHOOL))


def another_issuer_key() -> tuple[IssuerKeyName, bytes]:
    public_key = SecretKey.generate(suite=SHA_256).public_key()
    return issuer_key_name("police", str(SHA_256), public_key), public_key


TAGGED_KEY, TAGGED_OCTETS = another_issuer_key()
TAGGED = Accumulator.of("police", AccumulatorSecret.generate(suite=SHA_256).key)


def of_another_issuer_key(folder: Path) -> None:
    query = "update issuer_key set name = ?, public_key = ? where department = ?"
    change(folder, query, str(TAGGED_KEY), TAGGED_OCTETS, POLICE)


def of_another_accumulator(folder: Path) -> None:
    change(
        folder,
        "insert into accumulator select ?, department, suite, ?, sealed_secret, 'x', outbox, created"
        " from accumulator",
        str(TAGGED.name),
        TAGGED.key.octets,
    )


async def test_a_regulator_is_called_what_the_ledger_says(tmp_path: Path) -> None:
    """A person trusts it under that name."""
    async with city(tmp_path) as town:
        digest = (await register(town, "court", new_regulator())).digest
        assert str((await read(town, lambda reader: reader.regulator(digest))).name) == "regulators/court"
        change(tmp_path, "update regulator set en = 'Another court'")
        with pytest.raises(tlog.VerificationError):
            await read(town, lambda reader: reader.regulator(digest))


TAGS: dict[str, tuple[Callable[[Path], None], Callable[[Reader], Any]]] = {
    "a schema": (of_another_schema, lambda reader: reader.schema(BASE.name)),
    "a verifier's key": (of_another_verifier_key, lambda reader: reader.verifier_key(SCHOOL)),
    "an issuer key": (of_another_issuer_key, lambda reader: reader.issuer_key(TAGGED_KEY)),
    "an issuer key of a list": (of_another_issuer_key, lambda reader: reader.issuer_keys(POLICE_NAME)),
    "an accumulator of a list": (of_another_accumulator, lambda reader: reader.accumulators(POLICE_NAME)),
}


@pytest.mark.parametrize(("tag", "act"), TAGS.values(), ids=TAGS.keys())
async def test_what_has_no_record_of_its_own_is_refused(
    tmp_path: Path, tag: Callable[[Path], None], act: Callable[[Reader], Any]
) -> None:
    async with city(tmp_path) as town:
        await furnished(town)
    tag(tmp_path)
    async with reopened(tmp_path) as town:
        with pytest.raises(tlog.VerificationError):
            await read(town, act)
