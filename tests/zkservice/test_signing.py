"""Signing: which key signs and since when, and what the worker that signs keeps."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import bbs
from disclosure import Credential, IssuerKey, MalformedError, SchemaName, check_credential
from disclosure.attributes import to_item
from disclosure.credential import issuer_key_name
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, VALUES, city, new_id, refusal
from zkservice.errors import ServiceError
from zkservice.keys import Keys
from zkservice.signing import BulkDraft, Draft, Signer, signed_in_bulk
from zkservice.signing_keys import SECONDS, SigningKeys
from zkservice.storage.database import Database, open_engine
from zkservice.tasks import Done, Missing, Names, Supplies
from zkservice.worker import done

TODAY = dt.date(2026, 11, 25)


@dataclass(frozen=True)
class Pair:
    key: IssuerKey
    secret: bytes

    @property
    def name(self) -> str:
        return str(self.key.name)


def pair(department: str = "police") -> Pair:
    secret = bbs.SecretKey.generate(suite=bbs.SHA_256)
    public = secret.public_key()
    name = issuer_key_name(department, str(bbs.SHA_256), public)
    return Pair(IssuerKey(name, str(bbs.SHA_256), public), secret.to_octets_secret())


def draft(key: Pair, **changes: Any) -> Draft:
    items = {name: to_item(value) for name, value in VALUES.items()} | changes
    return Draft(f"departments/{key.key.name.department}/schemas/residence_permit@1", key.name, items, TODAY)


def told(*pairs: Pair) -> Supplies:
    schemas = [
        replace(PERMIT, name=SchemaName(each.key.name.department, "residence_permit", 1)) for each in pairs
    ]
    return Supplies(
        schemas={str(each.name): each.canonical for each in schemas},
        issuer_keys={each.name: each.key for each in pairs},
        secrets={each.name: each.secret for each in pairs},
    )


def test_a_cold_signer_asks_for_what_it_needs_and_signs_what_verifies() -> None:
    signer, key = Signer(), pair()
    job = draft(key)
    assert signer.work([job], Supplies()) == [Missing(Names(schemas=frozenset({job.schema})))]
    schema_only = Supplies(schemas={job.schema: PERMIT.canonical})
    assert signer.work([job], schema_only) == [Missing(Names(issuer_keys=frozenset({key.name})))]
    for supplies in (told(key), Supplies()):
        (outcome,) = signer.work([job], supplies)
        assert isinstance(outcome, Done)
        credential = Credential.from_bytes(outcome.octets, PERMIT)
        assert credential.values == VALUES
        assert credential.issuer_key == key.key.name
        check_credential(credential, PERMIT, key.key)


def test_of_each_department_one_key_is_kept() -> None:
    signer, old, new, other = Signer(), pair(), pair(), pair("health")
    for key in (old, other, new):
        (outcome,) = signer.work([draft(key)], told(key))
        assert isinstance(outcome, Done)
    assert {str(each.key.name) for each in signer._opened.values()} == {new.name, other.name}
    assert signer.work([draft(old)], Supplies()) == [Missing(Names(issuer_keys=frozenset({old.name})))]
    # Both at once are signed, each with its own, though one only is kept.
    one, two = signer.work([draft(old), draft(new)], told(old, new))
    assert isinstance(one, Done)
    assert isinstance(two, Done)
    keys = [Credential.from_bytes(each.octets, PERMIT).issuer_key for each in (one, two)]
    assert keys == [old.key.name, new.key.name]


def test_a_key_without_its_secret_half_signs_nothing() -> None:
    key = pair()
    without = replace(told(key), secrets={})
    assert Signer().work([draft(key)], without) == [Missing(Names(issuer_keys=frozenset({key.name})))]


def test_a_draft_that_cannot_be_signed_hurts_nobody_else() -> None:
    signer, key = Signer(), pair()
    drafts = [draft(key), draft(key, district="999999"), draft(key, student=[[]]), draft(key)]
    one, refused, wrong, two = done(signer, drafts, told(key))
    assert isinstance(one, Done)
    assert isinstance(two, Done)
    for each in (refused, wrong):
        assert not isinstance(each, Done | Missing)
        assert "999999" not in repr(each)


def test_neither_secrets_nor_values_are_written_out() -> None:
    signer, key = Signer(), pair()
    signer.work([draft(key)], told(key))
    texts = [repr(each) for each in (draft(key), told(key), *signer._opened.values())]
    for text in texts:
        assert "王小明" not in text
        assert key.secret.hex() not in text
        assert repr(key.secret)[2:-1] not in text


@pytest.mark.parametrize("processes", [0, 1])
async def test_a_new_key_signs_at_once_and_a_retired_one_no_more_after_its_seconds(
    tmp_path: Path, processes: int
) -> None:
    async with city(tmp_path, processes=processes) as town:
        first = await town.claim(await town.issue())
        for _ in range(3):
            made = await town.add_key("police")
            assert str((await town.claim(await town.issue())).key.name) == made.name
        assert str(first.key.name) != made.name
        request_id = new_id()
        offer = await town.issue(request_id=request_id)
        change(tmp_path, "update issuer_key set state = 'retired'")
        await asyncio.sleep(SECONDS)
        assert (await refusal(town.issue())).reason == "ISSUER_KEY_MISSING"
        assert await town.issue(request_id=request_id) == offer, "whoever was answered is answered again"
        change(tmp_path, "update issuer_key set state = 'active' where name = ?", str(first.key.name))
        assert (await town.claim(await town.issue())).key.name == first.key.name


@dataclass
class Stopwatch:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def signing_keys(folder: Path, clock: Stopwatch) -> AsyncIterator[tuple[SigningKeys, Database]]:
    """Open what a server has left in its folder."""
    database = Database(open_engine(f"sqlite:///{folder / 'service.sqlite3'}"))
    try:
        yield SigningKeys(database, Keys.load(folder / "keys", make=False), clock), database
    finally:
        database.close()


POLICE = "departments/police"


async def test_which_key_signs_is_asked_again_after_a_second(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        newer = await town.add_key("police")
    clock = Stopwatch()
    async with signing_keys(tmp_path, clock) as (keys, _):
        assert str(await keys.of(POLICE)) == newer.name
        change(tmp_path, "update issuer_key set state = 'verify-only' where name = ?", newer.name)
        clock.seconds += SECONDS * 0.9
        assert str(await keys.of(POLICE)) == newer.name
        clock.seconds += SECONDS * 0.2
        assert str(older := await keys.of(POLICE)) != newer.name
        change(tmp_path, "update issuer_key set state = 'active'")
        assert await keys.of(POLICE) == older
        keys.forget(POLICE)
        assert str(await keys.of(POLICE)) == newer.name
        change(tmp_path, "update issuer_key set state = 'retired'")
        clock.seconds += SECONDS
        for _ in range(2):
            with pytest.raises(ServiceError) as caught:
                await keys.of(POLICE)
            assert caught.value.reason == "ISSUER_KEY_MISSING"


async def test_what_was_read_before_a_new_key_was_made_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with city(tmp_path) as town:
        newer = await town.add_key("police")
    change(tmp_path, "update issuer_key set state = 'retired' where name = ?", newer.name)
    read = Database.read
    async with signing_keys(tmp_path, Stopwatch()) as (keys, _):

        async def overtaken(self: Database, act: Any) -> Any:
            found = await read(self, act)
            change(tmp_path, "update issuer_key set state = 'active' where name = ?", newer.name)
            keys.forget(POLICE)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(Database, "read", overtaken)
            assert str(await keys.of(POLICE)) != newer.name
        assert str(await keys.of(POLICE)) == newer.name


async def test_a_secret_that_does_not_open_stops_its_own_department_only(tmp_path: Path) -> None:
    async with city(tmp_path, processes=1) as town:
        token = await town.add_department("health")
        health = replace(PERMIT, name=SchemaName("health", "residence_permit", 1))
        await town.add_schema(health)
        await town.add_key("health")
        change(
            tmp_path,
            "update issuer_key set sealed_secret = zeroblob(60) where department = 'departments/health'",
        )
        assert (await refusal(town.issue(schema=health, token=token))).reason == "INTERNAL"
        assert (await town.claim(await town.issue())).credential.values == VALUES


def test_a_bulk_is_signed_as_each_would_be_alone_and_what_it_prepares_is_bounded() -> None:
    signer, key = Signer(), pair()
    rows = [draft(key).values, draft(key, district="370103").values, draft(key, student=True).values]
    signer.work([draft(key)], told(key))
    for day in range(6):
        today = TODAY + dt.timedelta(days=day)
        bulk = BulkDraft(draft(key).schema, key.name, rows, today)
        (outcome,) = signer.work([bulk], Supplies())
        assert isinstance(outcome, Done)
        alone = signer.work([replace(draft(key), values=each, today=today) for each in rows], Supplies())
        assert [Done(each) for each in signed_in_bulk(outcome.octets)] == alone
    assert len(signer._opened["police"].prepared) == 4


def test_a_bulk_of_which_one_does_not_fit_is_refused() -> None:
    signer, key = Signer(), pair()
    bulk = BulkDraft(draft(key).schema, key.name, [draft(key).values, {"name": "x"}], TODAY)
    (outcome,) = signer.work([bulk], told(key))
    assert isinstance(outcome, MalformedError)
    assert outcome.reason == "ATTRIBUTE_MISSING"
