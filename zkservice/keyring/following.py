"""A server, or a command, takes over what the database says of the master key's generations.

A generation that is announced is unwrapped, kept in the folder's keyring, and opens from then on; one that is
current seals; one that is retired goes from memory and file. A server looks every second, and says in the
database how far it is: whoever rotates waits for that. What is in the file is durable before it is said.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from disclosure import canonical
from zkservice.errors import ServiceError, StartError
from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.opening import Opened
from zkservice.keyring.providers import KeyProvider
from zkservice.keyring.ring import Generation
from zkservice.keys import FIRST
from zkservice.storage import master_keys
from zkservice.storage.database import Database
from zkservice.storage.master_keys import MasterState, Progress, StoredMaster

SECONDS: Final = 1.0
"""How often a server looks."""
_HANDED: Final = "zk-disclosure/master-key/v1"


def label_of(number: int) -> str:
    """Return the label that a generation is sealed under for the servers that do not have it."""
    return f"master-key/{number}"


def handed(generation: Generation) -> bytes:
    """Return what is sealed for them: the generation as the provider has wrapped it."""
    return canonical.encode(_HANDED, generation.made, generation.wrapped)


def take_over(opened: Opened, stored: tuple[StoredMaster, ...]) -> None:
    """Bring keys and keyring to what is stored; KeyringError, having changed nothing that is not whole.

    May ask the provider, so it is for a thread and not for an event loop.
    """
    keys, current = opened.keys, master_keys.current(stored)
    retired = [each.number for each in stored if each.state is MasterState.RETIRED]
    wanted = [each for each in stored if each.state is not MasterState.RETIRED]
    for each in wanted:
        if each.number in keys.known:
            continue
        if opened.provider is None:
            detail = f"the database is sealed under generation {each.number}: set key_provider"
            raise KeyringError(KeyringReason.PROVIDER_MISSING, detail)
        generation = _received(opened, opened.provider, each)
        with rings.locked(opened.folder):
            ring = rings.load(opened.folder, opened.provider)
            if ring.of(each.number) is None:
                rings.save(opened.folder, ring.adding(generation), opened.provider)
        keys.learn(each.number, generation.master)
    if current not in keys.known:
        raise _behind(current)
    if opened.provider is not None and (current != keys.current or set(retired) & set(keys.known)):
        _turn(opened, opened.provider, current, retired)
        keys.turn(current, retired)


def _received(opened: Opened, provider: KeyProvider, stored: StoredMaster) -> Generation:
    """Return a generation that the database hands over, or that the folder's keyring has got meanwhile."""
    ring = rings.load(opened.folder, provider)
    generation = ring.of(stored.number)
    if generation is None:
        if stored.sealed is None:
            raise _behind(stored.number)
        try:
            said = canonical.decode(_HANDED, opened.keys.open(label_of(stored.number), stored.sealed))
        except StartError:
            raise _other(stored.number) from None
        match said:
            case [str(made), bytes(wrapped)]:
                generation = ring.unwrapped(stored.number, made, wrapped, provider)
            case _:
                raise _other(stored.number)
    if generation.check != stored.check:
        raise _other(stored.number)
    return generation


def _turn(opened: Opened, provider: KeyProvider, current: int, retired: list[int]) -> None:
    with rings.locked(opened.folder):
        ring = rings.load(opened.folder, provider)
        turned = ring.turned(current, retired)
        if turned != ring:
            rings.save(opened.folder, turned, provider)


def check(opened: Opened, stored: tuple[StoredMaster, ...]) -> None:
    """See that a folder's keyring is the one that the database is sealed under; KEYRING_OTHER."""
    if opened.provider is None or not stored:
        return
    ring = rings.load(opened.folder, opened.provider)
    for each in stored:
        mine = ring.of(each.number)
        if mine is not None and mine.check != each.check:
            raise _other(each.number)


def _behind(number: int) -> KeyringError:
    detail = (
        f"the database is sealed under generation {number}, which this folder never got: "
        "copy keys/keyring.json from another server's folder or from a backup"
    )
    return KeyringError(KeyringReason.KEYRING_BEHIND, detail)


def _other(number: int) -> KeyringError:
    detail = f"generation {number} of the folder's keyring is not the one that the database is sealed under"
    return KeyringError(KeyringReason.KEYRING_OTHER, detail)


def open_stored(connection: Connection, opened: Opened) -> Opened:
    """Bring what a command has opened to what the database says; KeyringError."""
    stored = master_keys.listed(connection)
    check(opened, stored)
    take_over(opened, stored)
    return opened


class Following:
    """A server's own following, for its event loop; `server` is the name that it runs under."""

    def __init__(self, database: Database, opened: Opened, server: str) -> None:
        self._database, self._opened, self._server = database, opened, server
        self._told: Progress | None = None
        self._failed = ""

    async def start(self) -> None:
        """Take over what there is before anything is opened or sealed; KeyringError, ServiceError."""
        stored = await self._database.read(master_keys.listed)
        await asyncio.to_thread(check, self._opened, stored)
        await self._take_over(stored)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look every second until the block ends."""
        looking = asyncio.create_task(self._run())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait((looking,))

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            with suppress(ServiceError):  # the next look tells
                await self._look()

    async def _look(self) -> None:
        try:
            await self._take_over(await self._database.read(master_keys.listed))
        except (StartError, OSError) as error:
            text = str(error)
            if text != self._failed:  # once, and not every second
                structlog.get_logger().error("the master key cannot be followed", reason=text)
            self._failed = text
        else:
            self._failed = ""

    async def _take_over(self, stored: tuple[StoredMaster, ...]) -> None:
        if not stored:  # there has been no rotation, and nobody waits to hear of this server
            return
        before = self._opened.keys.current
        await asyncio.to_thread(take_over, self._opened, stored)
        keys = self._opened.keys
        if keys.current != before:
            structlog.get_logger().info("another generation of the master key seals", generation=keys.current)
        progress = Progress(max(keys.known, default=FIRST), keys.current)
        if progress != self._told:
            await self._database.write(partial(master_keys.tell, server=self._server, progress=progress))
            self._told = progress
