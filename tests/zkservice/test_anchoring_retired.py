"""A log that has retired a key, and a witness that shows what somebody signed with it since."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.zkservice.damaging import settings_of
from tests.zkservice.stealing import steal
from tests.zkservice.stored import change, dump, selected
from tests.zkservice.support import reopened
from tests.zkservice.test_anchoring import faults, told
from tests.zkservice.witnessing import (
    CITIES,
    Answering,
    Consortium,
    anchored,
    answering,
    consortium,
    grow,
    published,
)
from tlog import Checkpoint, Signer, Verifier, sign_checkpoint
from tlog.policy import LogLine
from zkservice import key_change
from zkservice.behind import LogBehindError
from zkservice.errors import StartError

HUGE = 10**9
LIAR = CITIES[0]


@dataclass(frozen=True)
class Rotated:
    """The log's server after the change, its keys, and what was anchored when the old one was retired."""

    others: Consortium
    folder: Path
    stolen: Signer
    new: Verifier
    size: int

    @property
    def settings(self) -> dict[str, Any]:
        settings = self.others.settings
        logs = (LogLine(self.others.log), LogLine(self.new))
        settings["policy"].write_bytes(replace(self.others.policy, logs=logs).to_bytes())
        return settings

    async def shows(self, note: bytes) -> None:
        """Let one witness claim to know more, and show a note, while the others are away."""
        claimed = note.split(b"\n")[1]

        async def claims(_: Request) -> Response:
            return Response(claimed + b"\n", 409, media_type="text/x.tlog.size")

        await self.others.end()
        await self.others.witnesses[LIAR].start(answering(claims, _shown(note)))


def _shown(note: bytes) -> Answering:
    async def shown(_: Request) -> Response:
        return Response(note)

    return shown


@pytest.fixture
async def rotated(tmp_path: Path) -> AsyncIterator[Rotated]:
    folder = tmp_path / "server"
    async with consortium(tmp_path, folder) as others:
        key_change.begin(settings_of(folder))
        async with reopened(folder, **others.settings) as town:
            size = await grow(town, "police")
            await anchored(town, size)
        stolen = await steal(folder)
        _, new = key_change.finish(settings_of(folder))
        yield Rotated(others, folder, stolen, new, size)


def signed(size: int, *signers: Signer, root: bytes = bytes(32)) -> bytes:
    return sign_checkpoint(Checkpoint(signers[0].name, size, root), *signers)


async def test_what_a_retired_key_signs_later_stops_nothing_and_is_the_witnesses_fault(
    rotated: Rotated,
) -> None:
    await rotated.shows(signed(HUGE, rotated.stolen))
    with told() as lines:
        async with reopened(rotated.folder, **rotated.settings) as town:
            before = await published(town)
            for name in ("health", "school"):
                assert await grow(town, name) > before
            await asyncio.sleep(0.5)
    named = [each for each in faults(lines) if each[0] == LIAR]
    assert named == [(LIAR, "signature")], "and it is named once"
    assert any("retired" in each.get("detail", "") for each in lines)
    assert dump(rotated.folder)["ledger_mark"] == []


async def test_what_the_new_key_signed_as_well_stops_the_log(rotated: Rotated) -> None:
    """A copy of the time of both keys was put back: the same note counts, since its other signature does."""
    await rotated.shows(signed(HUGE, rotated.stolen, await steal_new(rotated)))
    with pytest.raises(LogBehindError, match=f"it has {HUGE} entries"):
        async with reopened(rotated.folder, **rotated.settings):
            pass


async def steal_new(rotated: Rotated) -> Signer:
    key_change.begin(settings_of(rotated.folder))
    return await steal(rotated.folder)


async def test_another_history_from_before_it_was_retired_still_stops_the_log(rotated: Rotated) -> None:
    """It may be an honest witness's: the log was restored and went on before it changed its key."""
    async with reopened(rotated.folder):
        pass
    ((retired_at,),) = selected(rotated.folder, "select retired_at from log_key where number = 1")
    assert retired_at >= rotated.size

    async def does_not_follow(_: Request) -> Response:
        return Response(status_code=422)

    await rotated.others.end()
    note = signed(rotated.size, rotated.stolen)
    await rotated.others.witnesses[LIAR].start(answering(does_not_follow, _shown(note)))
    with pytest.raises(LogBehindError, match=f"its first {rotated.size} entries"):
        async with reopened(rotated.folder, **rotated.settings):
            pass


async def test_a_head_that_only_a_retired_key_signed_is_not_gone_on_from(rotated: Rotated) -> None:
    async with reopened(rotated.folder) as town:
        size = await grow(town, "health")
    ((note,),) = selected(rotated.folder, "select checkpoint from ledger_state where role = 'published'")
    root = Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n").root
    change(rotated.folder, "update ledger_state set checkpoint = ?", signed(size, rotated.stolen, root=root))
    with pytest.raises(StartError, match="does not hold under the log's key"):
        async with reopened(rotated.folder):
            pass


async def test_a_damaged_anchor_is_told_at_the_start(rotated: Rotated) -> None:
    change(rotated.folder, "update ledger_anchor set checkpoint = ?", b"x")
    with pytest.raises(StartError, match="zk ledger fsck"):
        async with reopened(rotated.folder, **rotated.settings):
            pass
