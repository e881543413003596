"""What goes on without its caller: it is done, however short the time is that the caller gives."""

import asyncio
import datetime as dt
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from disclosure import Reason, RefusedError
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.support import city, refusal
from zkservice import tenants
from zkservice.attempts import StoredAttempts
from zkservice.errors import ServiceError
from zkservice.storage import false_answers, schema_version
from zkservice.storage.database import Database, open_engine

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def nothing(_: Any) -> None:
    pass


def enter(ends: float) -> None:
    """Be a stranger's call from here on."""
    tenants.enter(tenants.Call("address/203.0.113.1", "", False, ends, nothing, nothing, nothing))


def opened(folder: Path) -> Database:
    engine = open_engine(f"sqlite:///{folder / 'service.sqlite3'}")
    schema_version.upgrade(engine)
    return Database(engine)


async def test_what_is_the_services_own_is_no_part_of_a_call() -> None:
    async def seen() -> tuple[str, float]:
        await asyncio.sleep(0)
        return tenants.tenant(), tenants.ends()

    enter(time.monotonic() - 1)
    assert await tenants.own(seen()) == (tenants.OWN, math.inf)
    assert tenants.tenant() == "address/203.0.113.1", "the call goes on as it was"


async def test_a_false_answer_is_counted_though_its_senders_time_is_over(tmp_path: Path) -> None:
    database = opened(tmp_path)
    attempts = StoredAttempts(database, lambda: NOW)
    try:
        for _ in range(3):
            with pytest.raises(RefusedError):
                await asyncio.create_task(_false(attempts))
        assert await database.read(lambda each: false_answers.times(each, "exchange")) == 3
    finally:
        await asyncio.to_thread(database.close)


async def _false(attempts: StoredAttempts) -> None:
    async with attempts.one("exchange"):
        enter(time.monotonic() - 1)  # it is over by the time that the answer is judged
        raise RefusedError(Reason.PROOF_INVALID, "false")


async def test_a_write_of_the_call_itself_is_dropped(tmp_path: Path) -> None:
    database = opened(tmp_path)
    enter(time.monotonic() - 1)
    try:
        with pytest.raises(ServiceError) as caught:
            await database.write(lambda _: None)
        assert caught.value.reason == "CALL_TIMEOUT"
    finally:
        await asyncio.to_thread(database.close)


@contextmanager
def writer_held(folder: Path) -> Iterator[None]:
    """Hold the database's one writing transaction, as a slow disk would."""
    with closing(sqlite3.connect(folder / "service.sqlite3", timeout=60, isolation_level=None)) as other:
        other.execute("begin immediate")
        try:
            yield
        finally:
            other.execute("rollback")


async def test_a_revocation_goes_on_without_its_caller(tmp_path: Path) -> None:
    async with city(tmp_path, call_seconds=3) as town:
        office = await Office.open(town, "police", town.department_token)
        with writer_held(tmp_path):
            first = asyncio.ensure_future(refusal(town.ask(town.request())))
            await asyncio.sleep(0.3)  # the writer has taken it and waits for the database
            asked = office.asking(new_handles(1))
            assert (await refusal(office.send(asked))).reason == "CALL_TIMEOUT"
            await first
        async with asyncio.timeout(60):
            while not (await office.epoch()).position.count:
                await asyncio.sleep(0.05)
