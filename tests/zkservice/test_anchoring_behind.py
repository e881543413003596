"""A log that is behind its witnesses stops and says why, for good; a lying witness cannot stop it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.zkservice.stored import change, dump, selected
from tests.zkservice.support import City, reopened
from tests.zkservice.test_anchoring import faults, told
from tests.zkservice.witnessing import (
    CITIES,
    QUORUM,
    Answering,
    Consortium,
    anchored,
    answering,
    consortium,
    grow,
    head,
    published,
)
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.note import Signer
from zkservice.behind import LogBehindError
from zkservice.errors import StartError

HUGE: Final = 10**9
SIGNED: Final = ("ledger_state", "ledger_block", "ledger_staged", "ledger_entry")


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


def server(others: Consortium) -> Path:
    return others.folder / "server"


def backup(others: Consortium) -> Path:
    return others.folder / "backup"


async def restored(others: Consortium, *, anchor: bool = True) -> int:
    """Grow the log and anchor it, put the folder of before back; return the size that the witnesses have."""
    async with reopened(server(others), **others.settings) as town:
        await anchored(town, await grow(town, "police"))
    shutil.copytree(server(others), backup(others))
    async with reopened(server(others), **others.settings) as town:
        for name in ("health", "school", "tax"):
            size = await grow(town, name)
        await anchored(town, size)
    shutil.rmtree(server(others))
    shutil.copytree(backup(others), server(others))
    return size


def signed(folder: Path) -> dict[str, Any]:
    tables = dump(folder)
    return {name: tables[name] for name in SIGNED}


async def stops(others: Consortium, *said: str) -> None:
    before = signed(server(others))
    with pytest.raises(StartError) as caught:
        async with reopened(server(others), **others.settings):
            pass
    for each in said:
        assert each in str(caught.value)
    assert signed(server(others)) == before, "something was signed"


async def test_a_restored_log_stops_at_its_start_and_says_why(others: Consortium) -> None:
    size = await restored(others)
    ours = selected(server(others), "select size from ledger_state where role = 'published'")[0][0]
    told_why = (
        "LOG_BEHIND_WITNESSES",
        "the witness ",  # whichever was the first to show it
        f"it has {size} entries",
        f"database {ours}",
        "zk ledger forward",
    )
    await stops(others, *told_why)
    assert [name for name, _ in dump(server(others))["ledger_mark"]] == ["behind"]


async def test_what_was_found_holds_when_no_witness_can_be_asked(others: Consortium) -> None:
    await restored(others)
    await stops(others, "LOG_BEHIND_WITNESSES")
    await others.end()
    await stops(others, "LOG_BEHIND_WITNESSES")
    with pytest.raises(LogBehindError):
        async with reopened(server(others)):
            pass


async def test_one_witness_that_shows_it_is_enough(others: Consortium) -> None:
    await restored(others)
    await others.end()
    await others.start(CITIES[7])
    await stops(others, "LOG_BEHIND_WITNESSES", CITIES[7])


async def test_found_while_running_it_stops_for_good(others: Consortium) -> None:
    """Nobody could be asked at the start, as an operator who copies files back has it."""
    size = await restored(others)
    await others.end()
    async with losing(others, f"it has {size} entries") as (town, stopped):
        assert await grow(town, "anew") < size
        await others.start(CITIES[0])
        await stopped.wait()
        at = signed(server(others))
        await town.add_department("later")
        await asyncio.sleep(0.5)
        assert signed(server(others)) == at
    await others.end()
    await stops(others, "LOG_BEHIND_WITNESSES")


async def test_a_second_history_that_has_become_longer_is_found_too(others: Consortium) -> None:
    """The witness has fewer entries than the log by then, and they are not those of the log."""
    size = await restored(others)
    await others.end()
    async with losing(others, "are not those of the database") as (town, stopped):
        number = 0
        while await published(town) <= size:
            number += 1
            await grow(town, f"anew-{number}")
        await others.start(CITIES[0])
        await stopped.wait()
    await stops(others, "LOG_BEHIND_WITNESSES")


async def test_the_same_size_with_another_root_is_found(others: Consortium) -> None:
    async with reopened(server(others), **others.settings) as town:
        await anchored(town, await grow(town, "police"))
    shutil.copytree(server(others), backup(others))
    async with reopened(server(others), **others.settings) as town:
        size = await grow(town, "health")
        await anchored(town, size)
    shutil.rmtree(server(others))
    shutil.copytree(backup(others), server(others))
    await others.end()
    async with reopened(server(others), **others.settings) as town:
        assert await grow(town, "school") == size
    await others.start()
    await stops(others, "LOG_BEHIND_WITNESSES", f"its first {size} entries are not those of the database")


@asynccontextmanager
async def losing(others: Consortium, said: str) -> AsyncIterator[tuple[City, asyncio.Event]]:
    """Run a server that has to find that its log is behind; give what is set when it has stopped."""
    stopped, stack = asyncio.Event(), AsyncExitStack()
    town = await stack.enter_async_context(reopened(server(others), stopped, **others.settings))
    async with asyncio.timeout(20):
        yield town, stopped
    with pytest.raises(LogBehindError, match="LOG_BEHIND_WITNESSES") as caught:
        await stack.aclose()
    assert said in str(caught.value)


async def _claims(_: Request) -> Response:
    return Response(f"{HUGE}\n", 409, media_type="text/x.tlog.size")


def _shows(note: bytes) -> Answering:
    async def shown(_: Request) -> Response:
        return Response(note)

    return shown


@pytest.mark.parametrize("kind", ["nothing", "foreign", "own older", "garbage"])
async def test_a_lying_witness_is_named_and_stops_nothing(others: Consortium, kind: str) -> None:
    """It claims more, and shows a checkpoint that somebody else signed, or one of ours that we grew from."""
    async with reopened(server(others), **others.settings) as town:
        older = await anchored(town, await grow(town, "police"))
    other = Signer.generate(others.log.name)
    shown = {
        "nothing": None,
        "foreign": _shows(sign_checkpoint(Checkpoint(others.log.name, HUGE, bytes(32)), other)),
        "own older": _shows(older),
        "garbage": _shows(b"\xff" * 1000),
    }[kind]
    for liar in CITIES[:2]:
        await others.witnesses[liar].start(answering(_claims, shown))
    with told() as lines:
        async with reopened(server(others), **others.settings) as town:
            for name in ("health", "school"):
                size = await grow(town, name)
                cosigned = set(others.cosigned(await anchored(town, size)))
                assert len(cosigned.intersection(CITIES[2:])) >= QUORUM
                assert not cosigned.intersection(CITIES[:2])
    assert sorted(witness for witness, _ in faults(lines)) == list(CITIES[:2])
    assert dump(server(others))["ledger_mark"] == []


class TestMarkedAsRestored:
    """A database that says of itself that it comes from a backup."""

    @pytest.fixture
    async def marked(self, others: Consortium) -> Consortium:
        async with reopened(server(others), **others.settings) as town:
            await anchored(town, await grow(town, "police"))
        change(server(others), "insert into ledger_mark values ('restored', 'at noon')")
        return others

    async def test_nothing_is_signed_before_a_quorum_has_answered(self, marked: Consortium) -> None:
        await marked.end(*CITIES[:4])
        await stops(marked, "no quorum has answered", *CITIES[:4])
        await stops(marked, "no quorum has answered")
        await marked.start(CITIES[0])
        async with reopened(server(marked), **marked.settings) as town:
            await anchored(town, await grow(town, "health"))
        assert dump(server(marked))["ledger_mark"] == []

    async def test_without_its_policy_an_anchored_log_does_not_start(self, marked: Consortium) -> None:
        before = dump(server(marked))
        with pytest.raises(StartError, match="set the policy"):
            async with reopened(server(marked)):
                pass
        assert dump(server(marked)) == before

    async def test_unmarked_it_starts_when_nobody_can_be_asked(self, marked: Consortium) -> None:
        change(server(marked), "delete from ledger_mark")
        await marked.end()
        async with reopened(server(marked), **marked.settings) as town:
            await grow(town, "health")


class TestPolicies:
    """What a server refuses of the policy that it is given."""

    async def refused(self, others: Consortium, text: bytes, said: str) -> None:
        settings = others.settings
        settings["policy"].write_bytes(text)
        with pytest.raises(StartError, match=said):
            async with reopened(server(others), **settings):
                pass

    async def test_of_another_log(self, others: Consortium) -> None:
        text = others.policy.to_bytes().replace(
            str(others.log).encode(), str(Signer.generate("a/b").verifier).encode()
        )
        await self.refused(others, text, "does not name this log's key")

    async def test_malformed(self, others: Consortium) -> None:
        await self.refused(others, b"quorum nobody\n", "POLICY_MALFORMED")

    async def test_without_urls(self, others: Consortium) -> None:
        text = others.policy.to_bytes()
        for name in CITIES[:4]:
            text = text.replace(b" " + others.witnesses[name].url.encode(), b"")
        await self.refused(others, text, "too few witnesses' URLs")

    async def test_not_there(self, others: Consortium) -> None:
        settings = others.settings | {"policy": others.folder / "nowhere"}
        with pytest.raises(StartError, match="cannot be read"):
            async with reopened(server(others), **settings):
                pass

    async def test_roots_that_are_none(self, others: Consortium) -> None:
        (others.folder / "roots").write_bytes(b"nothing")
        settings = others.settings | {"witness_roots": others.folder / "roots"}
        with pytest.raises(StartError, match="witness_roots"):
            async with reopened(server(others), **settings):
                pass


async def test_a_quorum_of_nobody_anchors_nothing(others: Consortium) -> None:
    settings = others.settings
    settings["policy"].write_bytes(f"log {others.log}\nquorum none\n".encode())
    async with reopened(server(others), **settings) as town:
        await grow(town, "police")
        await asyncio.sleep(0.3)
        assert not (await head(town)).anchored
