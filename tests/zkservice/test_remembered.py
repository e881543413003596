"""What is good once is good once at all servers of a database, and after each restart."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import Reason, RefusedError
from tests import postgres
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.sessions import statement
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, city, new_id, refusal, reopened
from zkproto.v1 import presentation_pb2
from zkproto.v1.session_pb2_grpc import SessionServiceStub
from zkservice.attempts import StoredAttempts
from zkservice.errors import ServiceError
from zkservice.moments import to_ms
from zkservice.storage import false_answers, schema_version, statements, tables
from zkservice.storage.database import Database, open_engine

BANK = "verifiers/bank"
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@asynccontextmanager
async def two(folder: Path, settings: dict[str, Any]) -> AsyncIterator[tuple[City, City]]:
    """Run two servers on one database."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(city(folder / "first", **settings))
        replica(folder / "second", folder / "first")
        other = await stack.enter_async_context(reopened(folder / "second", **settings))
        other.department_token, other.verifier_keys = one.department_token, one.verifier_keys
        yield one, other


async def open_session(town: City, message: Any) -> Any:
    stub: Any = SessionServiceStub(town.channel)
    return await stub.OpenSession(message)


async def test_a_statement_opens_one_session_at_all_servers(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    async with two(tmp_path, Store.on(postgresql).settings) as (one, other):
        message = statement(one, BANK, one.verifier_keys["bank"])
        outcomes = await asyncio.gather(
            *(open_session(town, message) for town in (one, other) * 4), return_exceptions=True
        )
        assert sum(not isinstance(each, BaseException) for each in outcomes) == 1
        for town in (one, other):
            assert (await refusal(open_session(town, message))).reason == "REPLAYED"
        await open_session(other, statement(one, BANK, one.verifier_keys["bank"]))


async def test_a_statement_opens_no_second_session_after_a_restart(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        message = statement(town, BANK, town.verifier_keys["bank"])
        await open_session(town, message)
    async with reopened(tmp_path) as town:
        assert (await refusal(open_session(town, message))).reason == "REPLAYED"


def false(submission: Any) -> Any:
    """Return a submission whose proof does not hold, as a sender that tries again makes it."""
    changed = presentation_pb2.SubmitPresentationRequest()
    changed.CopyFrom(submission)
    part = changed.presentation.credentials[0]
    part.proof = part.proof[:-1] + bytes([part.proof[-1] ^ 1])
    changed.request_id = new_id()
    return changed


async def test_false_answers_are_counted_at_all_servers_together(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    settings = Store.on(postgresql).settings
    async with two(tmp_path, settings) as (one, other):
        issued, request = await one.claim(await one.issue()), one.request()
        exchange = await one.ask(request)
        submission = one.submission(exchange, *one.present(request, issued))
        for number in range(20):
            town = (one, other)[number % 2]
            refused = await refusal(town.presentation.SubmitPresentation(false(submission)))
            assert refused.reason == "PROOF_INVALID", number
        for town in (one, other):
            refused = await refusal(town.presentation.SubmitPresentation(submission))
            assert refused.reason == "TOO_MANY_ATTEMPTS"
    async with reopened(tmp_path / "first", **settings) as again:
        refused = await refusal(again.presentation.SubmitPresentation(submission))
        assert refused.reason == "TOO_MANY_ATTEMPTS", "a restart gives no more"


async def test_a_record_that_two_servers_push_at_once_has_one_credential(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    """Whoever looked it up before the other one kept it is told so, and goes on from there."""
    store = Store.on(postgresql)
    async with two(tmp_path, store.settings) as towns:
        pushers = [Pusher(each, each.department_token) for each in towns]
        for turn in range(4):
            values = [{"fee": 10 * turn}, {"fee": 10 * turn + 1}]
            pushed = [[record(number, changes=each) for number in range(24)] for each in values]
            await asyncio.gather(*(_pushed(each, rows) for each, rows in zip(pushers, pushed, strict=True)))
            live = store.select(tmp_path, "select id from offer where state = 'offered' order by id")
            newest = store.select(tmp_path, "select offer from record order by offer")
            assert len(newest) == 24
            assert live == newest, "no offer goes on beside a record's newest one"


async def _pushed(pusher: Pusher, records: list[Any]) -> None:
    """Push all, going on where the push is when another one was in between."""
    push, first = new_id(), 0
    async with asyncio.timeout(60):
        while True:
            try:
                await pusher.push(records[first:], push, size=8, first=first)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                with suppress(grpc.aio.AioRpcError):  # it has kept nothing yet
                    first = (await pusher.get(push)).done
            else:
                return


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    engine = open_engine(f"sqlite:///{tmp_path}/x.sqlite3")
    schema_version.require_newest(engine)
    made = Database(engine)
    yield made
    made.close()


FALSE = RefusedError(Reason.PROOF_INVALID, "false")


async def attempt(attempts: StoredAttempts, error: BaseException | None = None) -> None:
    async with attempts.one("x"):
        if error is not None:
            raise error


async def test_whoever_leaves_before_the_answer_has_had_an_attempt(database: Database) -> None:
    attempts, entered = StoredAttempts(database, lambda: MOMENT, most=3), asyncio.Event()

    async def leaving() -> None:
        async with attempts.one("x"):
            entered.set()
            await asyncio.Event().wait()

    for _ in range(3):
        entered.clear()
        task = asyncio.create_task(leaving())
        await entered.wait()
        task.cancel()
        await asyncio.wait((task,))
    fresh = StoredAttempts(database, lambda: MOMENT, most=3)
    with pytest.raises(ServiceError) as caught:
        await attempt(fresh)
    assert caught.value.reason == "TOO_MANY_ATTEMPTS"


async def test_what_holds_and_what_is_no_false_answer_writes_nothing(database: Database) -> None:
    attempts = StoredAttempts(database, lambda: MOMENT, most=2)
    for error in (None, RefusedError(Reason.REQUEST_EXPIRED, "late"), RuntimeError("a fault")) * 3:
        with suppress(RefusedError, RuntimeError):
            await attempt(attempts, error)
    assert await database.read(lambda each: false_answers.times(each, "x")) == 0


async def test_what_cannot_be_counted_is_refused_as_what_it_is(database: Database) -> None:
    """The storage fails just then: the sender hears what is wrong, and this process counts it."""
    attempts = StoredAttempts(database, lambda: MOMENT, most=2)
    await database.write(lambda each: each.exec_driver_sql("alter table false_answer rename to f").close())
    await database.write(
        lambda each: each.exec_driver_sql("create view false_answer as select * from f").close()
    )
    for _ in range(2):
        with pytest.raises(RefusedError):
            await attempt(attempts, FALSE)
    with pytest.raises(ServiceError) as caught:
        await attempt(attempts, FALSE)
    assert caught.value.reason == "TOO_MANY_ATTEMPTS"


async def test_what_counts_no_more_is_forgotten_and_nothing_else(database: Database) -> None:
    ends = MOMENT + dt.timedelta(minutes=15)

    async def remember(number: int, until: dt.datetime) -> None:
        digest = number.to_bytes(32)
        await database.write(lambda each: statements.remember(each, BANK, digest, until, MOMENT))

    for number in range(600):
        await remember(number, ends + dt.timedelta(minutes=number >= 500))
    swept = [await database.write(lambda each: statements.forget_over(each, ends)) for _ in range(3)]
    assert swept == [256, 244, 0]
    kept = await database.read(lambda each: each.execute(tables.session_statement.select()).all())
    assert {each.expires for each in kept} == {to_ms(ends + dt.timedelta(minutes=1))}
    await database.write(lambda each: false_answers.count(each, "x", MOMENT))
    assert await database.write(lambda each: false_answers.forget_over(each, MOMENT)) == 0
    later = MOMENT + dt.timedelta(days=401)
    assert await database.write(lambda each: false_answers.forget_over(each, later)) == 1


async def test_a_party_that_opens_sessions_without_end_hinders_itself_alone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST", 3)
    ends = MOMENT + dt.timedelta(minutes=15)

    async def remember(party: str, number: int, now: dt.datetime = MOMENT) -> None:
        digest = f"{party}{number}".encode().ljust(32)
        await database.write(lambda each: statements.remember(each, party, digest, ends, now))

    for number in range(3):
        await remember(BANK, number)
    with pytest.raises(ServiceError) as caught:
        await remember(BANK, 3)
    assert caught.value.reason == "OVERLOADED"
    await remember("verifiers/school", 0)
    await remember(BANK, 3, ends)
