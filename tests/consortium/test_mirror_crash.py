"""A mirror whose disk fails, or that is killed, at each single write: what is published stays whole."""

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consortium.checking import check
from consortium.folder import Step
from consortium.source import HttpSource
from consortium.tiles_app import tiles_app
from tests.consortium.making import MemoryLog, fetcher, served
from tests.consortium.mirror_process import killed_at
from tests.consortium.mirrors import POLICY, mirrored, refused


@pytest.mark.parametrize(("owner", "name"), [(os, "fsync"), (Path, "replace")])
async def test_a_write_that_fails_leaves_what_is_published(tmp_path: Path, owner: Any, name: str) -> None:
    """Each call that stores something fails once, as on a full disk; the next attempt goes on."""
    log = MemoryLog().grow(300)
    assert await mirrored(tmp_path / "held", log)
    log.grow(300)
    real, calls = getattr(owner, name), list[int]()

    def at(failing: int) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            calls.append(failing)
            if calls.count(failing) == failing:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)

        return call

    shutil.copytree(tmp_path / "held", tmp_path / "counted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, at(0))
        assert await mirrored(tmp_path / "counted", log)
    reached = len(calls)
    assert reached > 5
    for failing in range(1, reached + 1):
        folder = tmp_path / str(failing)
        shutil.copytree(tmp_path / "held", folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, at(failing))
            await refused("STORE_FAILED", folder, log)
        check(folder, POLICY)
        await mirrored(folder, log)
        assert check(folder, POLICY).checkpoint.size == log.size


async def _killed(folder: Path, url: str, last: int) -> tuple[str, str] | None:
    return await asyncio.to_thread(killed_at, folder, url, POLICY.to_bytes(), last)


async def test_a_mirror_that_is_killed_at_any_write_goes_on(tmp_path: Path) -> None:
    log = MemoryLog().grow(100, 160)
    assert await mirrored(tmp_path / "held", log)
    older, steps = log.note, set[str]()
    log.grow(300)
    async with served(tiles_app(log)) as url, fetcher() as asks:
        for last in range(1000):
            folder = tmp_path / str(last)
            shutil.copytree(tmp_path / "held", folder)
            reached = await _killed(folder, url, last)
            if reached is None:
                break
            steps.add(reached[0])
            note = (folder / "checkpoint").read_bytes()
            assert note in (older, log.note)
            check(folder, POLICY)
            if reached[0] == Step.PUBLISHED:
                assert note == log.note
            assert await mirrored(folder, HttpSource(url, asks)) == (note == older)
            assert check(folder, POLICY).checkpoint.size == log.size
            shutil.rmtree(folder)
    assert steps == {each.value for each in Step}
    assert last > 20


async def test_a_mirror_that_is_killed_over_and_over_arrives(tmp_path: Path) -> None:
    log = MemoryLog().grow(1500)
    async with served(tiles_app(log)) as url:
        for last in range(3, 400, 7):
            if await _killed(tmp_path, url, last) is None:
                break
        else:
            pytest.fail("it never arrived")
    assert last > 3
    assert check(tmp_path, POLICY).checkpoint.size == log.size
