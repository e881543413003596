"""Another generation of the master key, beside running servers: announced, taken over by all, then current.

    announced   one transaction: the generation, wrapped by the provider and sealed under the current one
    kept        it is in this folder's keyring
    current     one transaction, when every live server has said that it opens it
    sealing     every live server has said that it seals under it

So no value is ever stored that a live server cannot open. After a crash before `current` the same command
goes on; after it there is nothing left to do but to re-seal. A server that starts meanwhile takes over what
is announced before it opens anything.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from zkservice.config import Settings
from zkservice.databases import opened_engine
from zkservice.errors import StartError
from zkservice.hosting import in_use
from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.following import handed, label_of, open_stored, take_over
from zkservice.keyring.opening import Opened, open_keys
from zkservice.keyring.providers import KeyProvider
from zkservice.keyring.ring import Ring
from zkservice.keys import FIRST
from zkservice.storage import master_keys, running, secrets
from zkservice.storage.database import sqlite_file
from zkservice.storage.master_keys import MasterState, Progress, StoredMaster

WAIT_SECONDS: Final = 240.0
"""How long servers are waited for: who was killed counts as running for three minutes."""
_LOOK_SECONDS: Final = 0.2
Waiting = Callable[[Sequence[str]], None]
"""Told the names of the servers that are waited for, whenever these change."""


class Step(StrEnum):
    """The points after each thing that is durable; a test may end the process there."""

    ANNOUNCED = "announced"
    KEPT = "kept"
    CURRENT = "current"
    TURNED = "turned"


def nothing(_: object) -> None:
    """Stand in for a hook."""


@dataclass(frozen=True)
class Work:
    """A folder's keys with its database, for a command that runs beside servers."""

    settings: Settings
    engine: Engine
    opened: Opened

    @property
    def provider(self) -> KeyProvider:
        """Who wraps; KeyringError PROVIDER_MISSING where the master key lies open."""
        if self.opened.provider is None:
            detail = "the master key lies open in its file; set key_provider, and run zk keys wrap"
            raise KeyringError(KeyringReason.PROVIDER_MISSING, detail)
        return self.opened.provider

    def behind(self, is_there: Callable[[Progress], bool]) -> list[str]:
        """Return the names of the live servers that are not as far as they have to be."""
        with self.engine.connect() as connection:
            told = master_keys.told(connection)
            live = [each.id for each in running.live(connection)]
        if self.engine.dialect.name != "sqlite":
            return [each for each in live if each not in told or not is_there(told[each])]
        # One server at most, whose row may be of one that was killed: what any has said, a later one read.
        file = sqlite_file(self.settings.database_url)
        if file is None or not in_use(file) or any(map(is_there, told.values())):
            return []
        return [f"the server on {self.settings.data}"]

    def wait(self, is_there: Callable[[Progress], bool], seconds: float, waiting: Waiting) -> None:
        """Wait until all live servers are as far as they have to be; KeyringError SERVERS_BEHIND."""
        until, told = time.monotonic() + seconds, list[str]()
        while behind := self.behind(is_there):
            if behind != told:
                waiting(told := behind)
            if time.monotonic() >= until:
                detail = (
                    f"not taken over by {', '.join(behind)}: does it run this program, with the provider?"
                )
                raise KeyringError(KeyringReason.SERVERS_BEHIND, f"{detail} Then give the command again")
            time.sleep(_LOOK_SECONDS)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give one write transaction."""
        with self.engine.connect().execution_options(writing=True) as connection, connection.begin():
            yield connection

    def take_over(self) -> tuple[StoredMaster, ...]:
        """Bring this folder's keyring to what the database says, and return that."""
        with self.engine.connect() as connection:
            stored = master_keys.listed(connection)
        take_over(self.opened, stored)
        return stored


@contextmanager
def working(settings: Settings, provider: KeyProvider | None = None) -> Iterator[Work]:
    """Open a folder's keys and database beside a server, or without one; StartError, KeyringError."""
    if not settings.data.is_dir():
        raise KeyringError(KeyringReason.KEYRING_MISSING, f"{settings.data} is no data folder of a server")
    opened = open_keys(settings, make=False, provider=provider)
    engine = opened_engine(settings)
    try:
        with engine.connect() as connection:
            if not secrets.begun(connection):
                detail = "nothing is sealed yet: start the server on this folder first"
                raise KeyringError(KeyringReason.KEYRING_MISSING, detail)
            open_stored(connection, opened)
        yield Work(settings, engine, opened)
    except SQLAlchemyError as error:
        raise StartError(f"the database cannot be read or written ({type(error).__name__})") from None
    finally:
        engine.dispose()


def rotate(
    work: Work,
    *,
    seconds: float = WAIT_SECONDS,
    waiting: Waiting = nothing,
    after: Callable[[Step], None] = nothing,
) -> int:
    """Make another generation the current one, or finish what was begun; return its number.

    Raises KeyringError ROTATION_UNDER_WAY while a former generation is not retired; SERVERS_BEHIND, then the
    generation stays announced and the same call goes on; of the provider.
    """
    number = _announce(work, work.provider)
    after(Step.ANNOUNCED)
    work.take_over()
    after(Step.KEPT)
    work.wait(lambda each: each.known >= number, seconds, waiting)
    with work.writing() as connection:
        stored = master_keys.listed(connection)
        announced = master_keys.of_state(stored, MasterState.ANNOUNCED)
        if announced is not None and announced.number == number:
            master_keys.change(connection, master_keys.current(stored), MasterState.FORMER)
            master_keys.change(connection, number, MasterState.CURRENT)
    after(Step.CURRENT)
    work.take_over()
    after(Step.TURNED)
    work.wait(lambda each: each.sealing >= number, seconds, waiting)
    return number


def rewrap(work: Work, other: KeyProvider) -> Ring:
    """Wrap the folder's keyring by another provider, in one step; return it.

    Raises KeyringError ROTATION_UNDER_WAY while a generation is handed over, wrapped by the present provider;
    of either provider. Nothing is changed then. Servers that run go on, and have to be started again with the
    other provider before the next rotation.
    """
    provider = work.provider
    with work.engine.connect() as connection:
        if any(each.sealed is not None for each in master_keys.listed(connection)):
            detail = "a former generation is not retired yet: run zk keys reseal first"
            raise KeyringError(KeyringReason.ROTATION_UNDER_WAY, detail)
    with rings.locked(work.opened.folder):
        ring = rings.load(work.opened.folder, provider).rewrapped(other)
        rings.save(work.opened.folder, ring, other)
    return ring


def _announce(work: Work, provider: KeyProvider) -> int:
    """Announce a generation, unless one is already; return its number."""
    ring = rings.load(work.opened.folder, provider)
    made = ring.made(max(ring.numbers) + 1, provider, dt.datetime.now(dt.UTC))
    sealed = work.opened.keys.seal(label_of(made.number), handed(made))
    announcing = partial(StoredMaster, made.number, made.check, MasterState.ANNOUNCED, sealed)
    with work.writing() as connection:
        stored = master_keys.listed(connection)
        announced = master_keys.of_state(stored, MasterState.ANNOUNCED)
        if announced is not None:
            return announced.number
        if master_keys.of_state(stored, MasterState.FORMER) is not None:
            detail = "a former generation is not retired yet: run zk keys reseal first"
            raise KeyringError(KeyringReason.ROTATION_UNDER_WAY, detail)
        if not stored:
            first = ring.of(FIRST)
            if first is None:
                raise KeyringError(KeyringReason.KEYRING_OTHER, "the keyring has no first generation")
            master_keys.add(connection, StoredMaster(FIRST, first.check, MasterState.CURRENT))
        elif made.number <= stored[-1].number:
            detail = "another process rotates the same keyring: give the command again"
            raise KeyringError(KeyringReason.KEYRING_BUSY, detail)
        master_keys.add(connection, announcing())
    return made.number
