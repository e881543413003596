"""One database and its two ways in: one writer that commits in groups, and a few readers.

Writes wait in a queue; the writer takes all that wait, runs them in one transaction, commits once, and only
then answers all of them. So a write costs a share of a commit, and whoever was answered is durable (SQLite in
WAL mode with synchronous FULL, PostgreSQL with synchronous_commit). On PostgreSQL, which several servers may
share, each write transaction first takes one lock that all of them know (decisions/0011), so that writes come
one after the other there too: use cases read, decide and write without thinking of others. If one of a group
raises, the transaction is undone and each is run again in a
savepoint of its own, so that it undoes itself only: a write may be run twice, and does nothing but to its
connection. If the commit itself fails, everybody in the group is told so, and nobody may assume that it did
not happen: use cases are keyed so that sending the same again is safe.
"""

import asyncio
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from zkservice import tenants
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fairness import Turns
from zkservice.storage.engines import open_engine, sqlite_file
from zkservice.storage.readers import Readers
from zkservice.timing import Timings
from zkservice.waking import answer, wake

__all__ = ["THREAD_SWITCH_SECONDS", "Database", "Joined", "open_engine", "sqlite_file"]

_GROUP: Final = 256
THREAD_SWITCH_SECONDS: Final = 0.0003
"""How long the event loop may keep the interpreter while the writer waits for it (`sys.setswitchinterval`).

The writer gives it up with each row and each commit, and has to get it back: with Python's own five
milliseconds it spends more time waiting for a busy loop than for the disk. Whoever runs a loop sets it.
"""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_Write = tuple[Any, "asyncio.Future[Any]"]
"""What is done in a transaction, and who waits for it: a function of a connection, or a `Joined`."""
_Answer = Callable[[], None]
_MAX_WAITING: Final = 4_096
"""Writes of one tenant that wait; a call has a few at most."""


@dataclass(frozen=True)
class Joined(Generic[_Item, _Result]):
    """A write of one thing, done at once with those of the same `act` that are in its group.

    `act` takes some things and returns as many results. If it raises, it is run for fewer of them at once.
    """

    act: Callable[[Connection, Sequence[_Item]], Sequence[_Result]]
    item: _Item

    def __call__(self, connection: Connection) -> _Result:
        """Write this one thing alone."""
        (result,) = self.act(connection, [self.item])
        return result


class _Queued(NamedTuple):
    write: _Write
    tenant: str
    ends: float
    since: float


class _RaisedError(Exception):
    """A write raised, or the transaction did not begin: before any commit."""


class Database:
    """The engine with its writer thread and reader threads. `write` and `read` are for one event loop.

    `groups` counts what was committed together, `waits` how long writes waited for their group, `failures`
    how often the database failed a write group or a read.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading: dict[str, Any] = {}
        if not self.alone:
            self._reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._writes: queue.SimpleQueue[_Queued | None] = queue.SimpleQueue()
        self._waiting: Turns[_Queued] = Turns()  # the writer's own
        self._counts: Counter[str] = Counter()  # the event loop's own
        self._readers = Readers()
        self._lock = threading.Lock()
        self._closed = False
        self.groups, self.waits = Timings("write group"), Timings("write wait")
        self.reading = 0
        self._failures = {"read": 0, "write": 0}
        self._writer = threading.Thread(target=self._run, name="db-write", daemon=True)
        self._writer.start()

    @property
    def alone(self) -> bool:
        """Whether no other process can write to this database (`hosting` sees to that)."""
        return self._engine.dialect.name == "sqlite"

    @property
    def waiting(self) -> int:
        """How many writes wait for their group."""
        return self._writes.qsize() + len(self._waiting)

    @property
    def failures(self) -> dict[str, int]:
        """How often the database failed a `read`, and a `write` group."""
        return dict(self._failures)

    @property
    def connections(self) -> int:
        """How many connections are in use."""
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def write(self, act: Callable[[Connection], _Result]) -> _Result:
        """Run `act` in a transaction; when this returns, what it did is durable.

        Tenants (`tenants`) take turns, after what the service writes for itself. What nobody waits for any
        more is not run. Raises what `act` raises; ServiceError STORAGE_UNAVAILABLE if the database fails,
        SHUTTING_DOWN, OVERLOADED, CALL_TIMEOUT.
        """
        future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        tenant = tenants.tenant()
        if self._counts[tenant] >= _MAX_WAITING and tenant != tenants.OWN:
            raise ServiceError(ServiceReason.OVERLOADED, "too many writes wait already; try again later")
        with self._lock:
            if self._closed:
                raise _shutting_down()
            self._writes.put(_Queued((act, future), tenant, tenants.ends(), time.monotonic()))
        self._counts[tenant] += 1
        try:
            return await future
        finally:
            self._counts[tenant] -= 1
            if not self._counts[tenant]:
                del self._counts[tenant]

    async def read(self, act: Callable[[Connection], _Result]) -> _Result:
        """Run `act` in a transaction that sees one state and changes nothing.

        Tenants take turns, after what the service reads for itself (`readers`). Raises what `act` raises;
        ServiceError STORAGE_UNAVAILABLE if the database fails, SHUTTING_DOWN, OVERLOADED, CALL_TIMEOUT.
        """
        if self._closed:
            raise _shutting_down()
        self.reading += 1
        try:
            return await self._readers.run(lambda: self._read(act))
        finally:
            self.reading -= 1

    def _read(self, act: Callable[[Connection], _Result]) -> _Result:
        try:
            return self._read_once(act)
        except SQLAlchemyError as error:
            if not _is_broken(error):
                raise self._failed("read", error) from error
        # The connection has ended since it was used last, and with it all that the pool has.
        try:
            return self._read_once(act)
        except SQLAlchemyError as error:
            raise self._failed("read", error) from error

    def _failed(self, kind: str, error: Exception) -> ServiceError:
        with self._lock:
            self._failures[kind] += 1
        return _unavailable(error)

    def _read_once(self, act: Callable[[Connection], _Result]) -> _Result:
        connecting = self._engine.connect().execution_options(**self._reading)
        with connecting as connection, connection.begin() as transaction:
            result = act(connection)
            transaction.rollback()
            return result

    def _run(self) -> None:
        own: deque[_Queued] = deque()
        last = False
        while not last or own or self._waiting:
            last = self._receive(own, wait=not (last or own or self._waiting)) or last
            group: list[_Queued] = []
            while len(group) < _GROUP and (own or self._waiting):
                group.append(own.popleft() if own else self._waiting.take()[1])
            started = time.monotonic()
            for each in group:
                self.waits.took(started - each.since)
            with self.groups.timed(len(group)):
                self._commit([each.write for each in group if _is_wanted(each)])

    def _receive(self, own: deque[_Queued], *, wait: bool) -> bool:
        """Sort what has come, and wait for it if there is nothing to do; return whether it was the last."""
        try:
            queued = self._writes.get(block=wait)
            while queued is not None:
                if queued.tenant == tenants.OWN:
                    own.append(queued)
                else:
                    self._waiting.put(queued.tenant, queued)
                queued = self._writes.get_nowait()
        except queue.Empty:
            return False
        return True

    def _commit(self, group: list[_Write]) -> None:
        if not group:  # everybody has given up before their turn
            return
        try:
            outcomes = self._attempt(group, _unguarded)
        except _RaisedError:  # nothing has happened; the second run finds out whose fault it is
            try:
                outcomes = self._attempt(group, _guarded)
            except _RaisedError as error:
                outcomes = self._fail_all(group, error)
        # One call for the whole group: each costs a system call and wakes the loop.
        loop = group[0][1].get_loop()
        with suppress(RuntimeError):  # whoever waited has gone with the loop
            loop.call_soon_threadsafe(wake, loop, outcomes)

    def _attempt(
        self, group: list[_Write], run: Callable[[Connection, list[_Write]], list[_Answer]]
    ) -> list[_Answer]:
        try:
            with self._transaction() as connection:
                return run(connection, group)
        except _RaisedError:
            raise
        except Exception as error:  # whatever it is, each caller must be answered
            return self._fail_all(group, error)

    def _fail_all(self, group: list[_Write], error: Exception) -> list[_Answer]:
        failure = self._failed("write", error)
        return [_fails(future, failure) for _, future in group]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._engine.connect().execution_options(writing=True) as connection:
            try:
                transaction = connection.begin()
            except DBAPIError as error:
                if _is_broken(error):
                    raise _RaisedError from error
                raise
            with transaction:
                yield connection

    def close(self) -> None:
        """Finish what was queued, then close. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._writes.put(None)
        self._writer.join()
        self._readers.close()
        with suppress(SQLAlchemyError):
            self._engine.dispose()


def _is_wanted(queued: _Queued) -> bool:
    """Tell whether somebody waits for a write; one whose time is over is answered, and not run."""
    future = queued.write[1]
    if future.cancelled():
        return False
    if time.monotonic() < queued.ends:
        return True
    with suppress(RuntimeError):  # whoever waited has gone with the loop
        future.get_loop().call_soon_threadsafe(_fails(future, tenants.out_of_time()))
    return False


def _unguarded(connection: Connection, group: list[_Write]) -> list[_Answer]:
    """Run writes, those that are joined at once; if one raises, nobody knows yet which it was."""
    alone, joined = _parted(group)
    answers = dict[int, _Answer]()
    try:
        for place in alone:
            act, future = group[place]
            answers[place] = _succeeds(future, act(connection))
        for act, places in joined.items():
            results = act(connection, [group[place][0].item for place in places])
            for place, result in zip(places, results, strict=True):
                answers[place] = _succeeds(group[place][1], result)
    except Exception as error:
        raise _RaisedError from error
    return [answers[place] for place in range(len(group))]


def _guarded(connection: Connection, group: list[_Write]) -> list[_Answer]:
    """Run writes so that what one of them raises is its own: each alone, of those that are joined as many at
    once as raise nothing."""
    alone, joined = _parted(group)
    answers = {place: _guarded_one(connection, group[place]) for place in alone}
    for act, places in joined.items():
        _guarded_some(connection, group, act, places, answers)
    return [answers[place] for place in range(len(group))]


def _parted(group: list[_Write]) -> tuple[list[int], dict[Any, list[int]]]:
    """Return the places of the writes that go alone, and of those that are joined by what joins them."""
    alone, joined = list[int](), dict[Any, list[int]]()
    for place, (act, _) in enumerate(group):
        if isinstance(act, Joined):
            joined.setdefault(act.act, []).append(place)
        else:
            alone.append(place)
    return alone, joined


def _guarded_some(
    connection: Connection, group: list[_Write], act: Any, places: list[int], answers: dict[int, _Answer]
) -> None:
    """Run joined writes; where one raises, each half by itself: it is not for one to have all run alone."""
    if len(places) == 1:
        answers[places[0]] = _guarded_one(connection, group[places[0]])
        return
    try:
        with connection.begin_nested():
            results = act(connection, [group[place][0].item for place in places])
    except Exception as error:
        if isinstance(error, DBAPIError) and (_is_broken(error) or not _is_of_the_caller(error)):
            raise
    else:
        for place, result in zip(places, results, strict=True):
            answers[place] = _succeeds(group[place][1], result)
        return
    middle = len(places) // 2
    for half in (places[:middle], places[middle:]):
        _guarded_some(connection, group, act, half, answers)


def _guarded_one(connection: Connection, write: _Write) -> _Answer:
    act, future = write
    try:
        with connection.begin_nested():
            result = act(connection)
    except DBAPIError as error:
        # What a use case writes is its own affair; anything else ends the whole group.
        if _is_broken(error) or not _is_of_the_caller(error):
            raise
        return _fails(future, _unavailable(error))
    except Exception as error:  # belongs to this caller alone
        return _fails(future, error)
    return _succeeds(future, result)


def _succeeds(future: "asyncio.Future[_Result]", result: _Result) -> _Answer:
    return partial(answer, future, result)


def _fails(future: "asyncio.Future[Any]", error: Exception) -> _Answer:
    return lambda: None if future.done() else future.set_exception(error)


def _is_of_the_caller(error: DBAPIError) -> bool:
    """Tell whether a constraint stands against the row, or the column cannot hold the value."""
    return isinstance(error, IntegrityError | DataError)


def _is_broken(error: SQLAlchemyError) -> bool:
    """Tell whether the connection is gone. The pool has then given up all that are older."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _shutting_down() -> ServiceError:
    return ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")


def _unavailable(error: Exception) -> ServiceError:
    failure = ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "the storage failed; send the same again later")
    failure.__cause__ = error
    return failure
