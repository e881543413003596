"""What the tables of a list refuse by themselves, whatever whoever writes believed."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import bbs
from bbs.accumulator import AccumulatorSecret, Epoch, Page
from disclosure import Accumulator, LocalizedText
from tests.zkservice.revoking import new_handles
from tests.zkservice.stored import dump
from tests.zkservice.support import new_id
from zkservice.errors import ServiceError
from zkservice.storage import registered, revocation, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.storage.revocation import Call

NOW: Final = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
SECRET: Final = AccumulatorSecret.generate(suite=str(bbs.SHA_256))
MADE: Final = Accumulator.of("police", SECRET.key)
FIRST: Final = Epoch(0, SECRET.key.start, 1_700_000_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    schema_version.require_newest(engine)
    opened = Database(engine)
    yield opened
    opened.close()


def call() -> Call:
    return Call(new_id(), bytes(32))


async def begin(database: Database) -> None:
    text = LocalizedText("x", "x")
    await database.write(lambda each: registered.add_department(each, "departments/police", text, "t", NOW))
    await database.write(lambda each: revocation.add(each, MADE, b"sealed", FIRST, call(), NOW))


async def append(database: Database, page: Page, after: Epoch, made_by: Call | None = None) -> Epoch:
    made = after.followed_by(after.position.after(page), after.time + 1)
    await database.write(lambda each: revocation.append(each, MADE.name, page, made, made_by or call(), NOW))
    return made


async def refused(database: Database, folder: Path, page: Page, after: Epoch, made_by: Call) -> None:
    before = dump(folder)
    with pytest.raises(ServiceError) as caught:
        await append(database, page, after, made_by)
    assert caught.value.reason == "STORAGE_UNAVAILABLE"
    assert dump(folder) == before


async def test_who_did_not_see_the_newest_list_adds_nothing(database: Database, tmp_path: Path) -> None:
    """Two servers on one database, both from the same ground: the second would make a second list."""
    await begin(database)
    pages = [SECRET.revoke(new_handles(2), FIRST.position, set()) for _ in range(2)]
    second = await append(database, pages[0], FIRST)
    await refused(database, tmp_path, pages[1], FIRST, call())
    following = SECRET.revoke(new_handles(1), second.position, set())
    assert (await append(database, following, second)).position.count == 3


async def test_who_did_not_know_a_handle_for_revoked_adds_nothing(database: Database, tmp_path: Path) -> None:
    """Revoked a second time a handle would come with a witness for the value between."""
    await begin(database)
    (handle,) = new_handles(1)
    second = await append(database, SECRET.revoke([handle], FIRST.position, set()), FIRST)
    again = SECRET.revoke([*new_handles(1), handle], second.position, set())
    await refused(database, tmp_path, again, second, call())


async def test_one_call_makes_one_epoch(database: Database, tmp_path: Path) -> None:
    await begin(database)
    mine = call()
    second = await append(database, SECRET.revoke(new_handles(1), FIRST.position, set()), FIRST, mine)
    await refused(database, tmp_path, SECRET.revoke(new_handles(1), second.position, set()), second, mine)


async def test_a_list_of_another_key_takes_the_same_handle(database: Database) -> None:
    await begin(database)
    handles = new_handles(2)
    await append(database, SECRET.revoke(handles, FIRST.position, set()), FIRST)
    other = AccumulatorSecret.generate(suite=str(bbs.SHA_256))
    made, first = Accumulator.of("police", other.key), Epoch(0, other.key.start, FIRST.time)
    await database.write(lambda each: revocation.add(each, made, b"sealed", first, call(), NOW))
    page = other.revoke(handles, first.position, set())
    following = first.followed_by(first.position.after(page), first.time + 1)
    await database.write(lambda each: revocation.append(each, made.name, page, following, call(), NOW))
    pairs = await database.read(lambda each: revocation.pairs(each, str(made.name), 0, 10))
    assert tuple(pairs) == page.pairs
