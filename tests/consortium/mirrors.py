"""Mirrors under test: updating one as a new process would, and sources that lie in one answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from consortium.errors import ConsortiumError
from consortium.folder import opened_folder
from consortium.mirror import Mirror
from consortium.source import HttpSource, Source
from consortium.tiles_app import tiles_app
from tests.consortium.making import LOG, MemoryLog, fetcher, served
from tlog import Policy, TileId, TlogError

POLICY = Policy.of_log(LOG.verifier)


def files(folder: Path) -> dict[str, bytes]:
    """Everything that stands in a folder but for the lock and what was being written."""
    found = {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    return {path: octets for path, octets in found.items() if not path.startswith(".")}


async def mirrored(folder: Path, source: Source, policy: Policy = POLICY) -> bool:
    """Update a mirror by one call of a new process's worth of state."""
    with opened_folder(folder) as opened:
        mirror = await Mirror.opened(opened, policy)
        return await mirror.update(source)


async def refused(reason: str, folder: Path, source: Source, policy: Policy = POLICY) -> Exception:
    with pytest.raises((ConsortiumError, TlogError)) as caught:
        await mirrored(folder, source, policy)
    assert getattr(caught.value, "reason", "") == reason, caught.value
    return caught.value


@asynccontextmanager
async def over_http(log: Source) -> AsyncIterator[HttpSource]:
    async with served(tiles_app(log)) as url, fetcher(whole=30.0) as asks:
        yield HttpSource(url, asks)


class Lying:
    """A log's source with one answer replaced."""

    def __init__(self, log: MemoryLog, **replaced: Callable[..., bytes]) -> None:
        self._log, self._replaced = log, replaced
        self.asked: list[tuple[Any, ...]] = []

    async def _answer(self, name: str, *place: Any) -> bytes:
        self.asked.append((name, *place))
        honest: bytes = await getattr(self._log, name)(*place)
        replaced = self._replaced.get(name)
        return honest if replaced is None else replaced(honest, *place)

    async def checkpoint(self) -> bytes:
        return await self._answer("checkpoint")

    async def tile(self, tile: TileId, width: int) -> bytes:
        return await self._answer("tile", tile, width)

    async def entries(self, index: int, width: int) -> bytes:
        return await self._answer("entries", index, width)

    async def notes(self, index: int, width: int) -> bytes:
        return await self._answer("notes", index, width)
