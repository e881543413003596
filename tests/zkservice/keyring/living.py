"""A city in which everything was done, with a keyring; and what is sealed in its database."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from sqlalchemy import Connection, LargeBinary, select

from tests.zkservice.fuzzing import METHODS, filled_target
from tests.zkservice.holding import BASE
from tests.zkservice.keyring.making import by_file
from tests.zkservice.stored import Rows
from tests.zkservice.stores import Store
from tests.zkservice.support import City, city
from zkservice.config import Settings
from zkservice.keyring.rotating import Work, rotate, working
from zkservice.keys import generation_of
from zkservice.storage import tables
from zkservice.storage.sealed import SEALED, page


@dataclass(frozen=True)
class Lived:
    """A data folder whose server has ended, and the settings of its provider and database."""

    folder: Path
    given: dict[str, Any]

    @property
    def settings(self) -> Settings:
        return Settings(data=self.folder, **self.given)

    @contextmanager
    def working(self) -> Iterator[Work]:
        with working(self.settings) as work:
            yield work

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with self.working() as work, work.engine.connect() as connection:
            yield connection


async def rotated(town: City, given: dict[str, Any]) -> int:
    """Rotate the master key of a running server, as a command beside it does."""

    def act() -> int:
        with working(Settings(data=town.ready.data, **given)) as work:
            return rotate(work, seconds=60)

    return await asyncio.to_thread(act)


async def live(folder: Path, key: Path, *, store: Store | None = None) -> Lived:
    """Do everything that there is to do, half of it under generation 1 and all of it under generation 2."""
    given = by_file(key) | (store.settings if store else {})
    async with city(folder, **given) as town:
        await town.answered(await town.claim(await town.issue()))
        for _ in range(9):
            await town.issue()
        await rotated(town, given)
        issued = await town.claim(await town.issue())
        await town.answered(issued)
        await town.add_schema(BASE)
        with closing(Rows(folder)) as rows:
            target = await filled_target(town, issued, rows)
            for method in METHODS:
                # Some use up what others need; that every column came to be is asserted of the database.
                with suppress(grpc.aio.AioRpcError):
                    await target.call(method, target.seed(method))
    return Lived(folder, given)


def sealed_columns(connection: Connection) -> set[str]:
    """Return every column, listed or not, of which a value says that it is of a later generation."""
    found = set()
    for table in tables.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                values = connection.execute(select(column).where(column.is_not(None))).scalars()
                if any(generation_of(bytes(each)) > 1 for each in values):
                    found.add(f"{table.name}.{column.name}")
    return found


def all_open(work: Work) -> dict[str, list[int]]:
    """Open every listed value; return the generations of each column."""
    found: dict[str, list[int]] = {}
    with work.engine.connect() as connection:
        for each in SEALED:
            values = page(connection, each, None, 100_000)
            for value in values:
                value.open(work.opened.keys)
            found[each.name] = sorted({value.generation for value in values})
    return found
