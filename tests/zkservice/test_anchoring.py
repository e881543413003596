"""Anchoring with real witnesses: what reaches the quorum and what does not, late lines, dead ones, liars."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.zkservice.auditing import audit
from tests.zkservice.stored import selected
from tests.zkservice.support import City, reopened
from tests.zkservice.witnessing import (
    CITIES,
    REGULATOR,
    Answering,
    Consortium,
    anchored,
    answering,
    consortium,
    grow,
    head,
    published,
    size_of,
    until,
)
from tlog import AddCheckpoint, CosignatureSigner, cosign
from tlog.note import parse_unverified
from tlog.policy import open_pending
from zkproto.v1 import ledger_pb2
from zkservice.anchoring import unheard

FOUR: Final = CITIES[:4]
ALL: Final = {*CITIES, REGULATOR}
HUGE: Final = 10**9


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


@pytest.fixture
async def town(others: Consortium) -> AsyncIterator[City]:
    async with reopened(others.folder / "server", **others.settings) as opened:
        yield opened


@contextmanager
def told() -> Iterator[list[Any]]:
    """Give what is logged meanwhile."""
    with structlog.testing.capture_logs() as lines:
        yield lines


def faults(lines: list[Any]) -> list[tuple[str, str]]:
    return [(each["witness"], each["fault"]) for each in lines if each["event"] == "a witness did not cosign"]


async def all_of(others: Consortium, town: City, size: int) -> bytes:
    """Wait until everybody's line stands under the anchored checkpoint; return the note."""

    async def look() -> bytes | None:
        note = await anchored(town, size)
        return note if others.cosigned(note) == ALL else None

    note: bytes = await until(look)
    return note


async def test_what_is_published_is_anchored_with_everybody(others: Consortium, town: City) -> None:
    size = await grow(town, "police")
    note = await all_of(others, town, size)
    assert size_of(note) == size
    assert size_of((await head(town)).checkpoint) == size
    assert unheard(note, others.policy) == ()
    assert all(each.size() == size for each in others.witnesses.values())


async def test_the_empty_log_is_anchored_too(others: Consortium, town: City) -> None:
    assert size_of(await anchored(town, 0)) == 0


async def test_watching_gives_each_anchored_checkpoint(others: Consortium, town: City) -> None:
    stream = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest(anchored=True))
    seen = [size_of((await stream.read()).checkpoint)]
    for number in range(3):
        size = await grow(town, f"department-{number}")
        async with asyncio.timeout(10):
            while seen[-1] < size:
                note = (await stream.read()).checkpoint
                others.cosigned(note)
                seen.append(size_of(note))
    stream.cancel()
    assert seen == sorted(set(seen))


async def test_the_regulator_is_there_and_does_not_count(others: Consortium, town: City) -> None:
    """Four other cities, the regulator and the log's own key are six signatures, and not six cities."""
    before = size_of(await anchored(town, 0))
    await others.end(*FOUR)
    size = await grow(town, "police")
    regulator = others.witnesses[REGULATOR]

    async def asked() -> bool:
        return regulator.size() == size

    await until(asked)
    await asyncio.sleep(0.5)
    assert size_of((await head(town)).anchored) == before
    await others.start(FOUR[0])
    assert others.cosigned(await anchored(town, size)) >= {FOUR[0], *CITIES[4:]}


async def test_without_the_quorum_everything_goes_on_pending(others: Consortium, town: City) -> None:
    before = size_of(await anchored(town, 0))
    await others.end(*FOUR)
    await town.furnish()
    issued = await town.claim(await town.issue())
    answers = await asyncio.gather(*(town.answered(issued) for _ in range(3)))
    size = await published(town)

    async def asked() -> bool:
        return all(others.witnesses[name].size() == size for name in CITIES[4:])

    await until(asked)  # so the fault point is reached: half of them have cosigned it
    now = await head(town)
    assert (size_of(now.anchored), size_of(now.checkpoint)) == (before, size)
    await others.start(*FOUR)
    note = await anchored(town, size)
    others.cosigned(note)
    assert all(answer.entry_index < size_of(note) for _, _, answer in answers)
    assert (await audit(town)).receipts == len(answers)


async def test_those_who_answer_one_after_the_other_count_together(others: Consortium) -> None:
    """No five are there at one moment; what the first gave is kept until the checkpoint is another."""
    await others.end()
    async with reopened(others.folder / "server", **others.settings) as town:
        size = await grow(town, "police")
        first = CITIES[:3]
        await others.start(*first)

        async def asked() -> bool:
            return all(others.witnesses[name].size() == size for name in first)

        await until(asked)
        await asyncio.sleep(0.3)
        await others.end(*first)
        await others.start(*CITIES[3:5])
        assert others.cosigned(await anchored(town, size)) == set(CITIES[:5])


async def test_late_lines_are_added(others: Consortium) -> None:
    late = others.witnesses[REGULATOR]
    released = asyncio.Event()
    await late.start(held_until(released))
    async with reopened(others.folder / "server", **others.settings | {"witness_seconds": 10}) as town:
        size = await grow(town, "police")

        async def but_one() -> bool:
            return unheard(await anchored(town, size), others.policy) == (REGULATOR,)

        await until(but_one)
        released.set()
        note = await all_of(others, town, size)
        (stored,) = selected(town.ready.data, "select checkpoint from ledger_anchor where size = ?", size)
        assert stored == (note,)
        assert len(parse_unverified(note).lines) == 1 + len(ALL)


def held_until(released: asyncio.Event) -> Callable[[ASGIApp], ASGIApp]:
    def wrap(app: ASGIApp) -> ASGIApp:
        async def held(scope: Scope, receive: Receive, send: Send) -> None:
            await released.wait()
            await app(scope, receive, send)

        return held

    return wrap


async def _asleep(_: Request) -> Response:
    await asyncio.sleep(30)
    return Response(status_code=200)


async def _claims_more(_: Request) -> Response:
    return Response(f"{HUGE}\n", 409, media_type="text/x.tlog.size")


async def _garbage(_: Request) -> Response:
    return Response(b"\xff\x00\n\n" * 9)


async def _endless(_: Request) -> Response:
    return Response(b"a" * (4 << 20))


async def _broken(_: Request) -> Response:
    raise RuntimeError


def _signs(signer: CosignatureSigner, alter: Callable[[bytes], bytes]) -> Answering:
    async def answer(request: Request) -> Response:
        note = AddCheckpoint.parse(await request.body()).note
        return Response(alter(cosign(note, signer, 1)))

    return answer


def _stale(signer: CosignatureSigner) -> Answering:
    """Return a witness that gives its first line again for every checkpoint."""
    given: list[bytes] = []

    async def answer(request: Request) -> Response:
        given.append(cosign(AddCheckpoint.parse(await request.body()).note, signer, 1))
        return Response(given[0])

    return answer


def _flipped(line: bytes) -> bytes:
    return line[:-8] + (b"A" if line[-8:-7] != b"A" else b"B") + line[-7:]


async def test_slow_and_lying_witnesses_are_named_and_harm_nobody(others: Consortium) -> None:
    slow, liar, regulator = CITIES[0], CITIES[1], REGULATOR
    await others.witnesses[slow].start(answering(_asleep))
    await others.witnesses[liar].start(answering(_claims_more))
    await others.witnesses[regulator].start(answering(_broken))
    with told() as lines:
        async with reopened(others.folder / "server", **others.settings) as town:
            for name in ("police", "health", "school"):
                size = await grow(town, name)
                assert size_of(await anchored(town, size, 5)) == size
    assert sorted(faults(lines)) == [(slow, "slow"), (liar, "ahead"), (regulator, "refused")]


@pytest.mark.parametrize(
    "kind", ["other key", "flipped", "stale", "no line", "garbage", "endless", "far ahead"]
)
async def test_what_is_no_cosignature_is_named_and_never_stored(others: Consortium, kind: str) -> None:
    forger = others.witnesses[CITIES[0]]
    signer = forger.signer
    stranger = CosignatureSigner.generate(signer.name)
    add: Answering = {
        "other key": _signs(stranger, lambda line: line),
        "flipped": _signs(signer, _flipped),
        "stale": _stale(signer),
        "no line": _signs(signer, lambda _: b""),
        "garbage": _garbage,
        "endless": _endless,
        "far ahead": _far_ahead(signer),
    }[kind]
    await forger.start(answering(add))
    with told() as lines:
        async with reopened(others.folder / "server", **others.settings) as town:
            for name in ("police", "health"):
                size = await grow(town, name)
                await anchored(town, size)
            await asyncio.sleep(0.3)
    assert [witness for witness, _ in faults(lines)] == [CITIES[0]]
    notes = selected(others.folder / "server", "select size, checkpoint from ledger_anchor order by size")
    keys = {each.signer.verifier for each in others.witnesses.values()}
    for at, note in notes:
        _, cosignatures = open_pending(note, others.policy)
        assert len(parse_unverified(note).lines) == 1 + len(cosignatures)
        assert {each.witness for each in cosignatures} <= keys
        if not (kind == "stale" and at == notes[0][0]):
            assert signer.verifier not in {each.witness for each in cosignatures}


def _far_ahead(signer: CosignatureSigner) -> Answering:
    async def answer(request: Request) -> Response:
        note = AddCheckpoint.parse(await request.body()).note
        return Response(cosign(note, signer, 1 << 40))

    return answer


async def test_a_witness_is_named_once_and_again_when_it_is_back(others: Consortium) -> None:
    with told() as lines:
        async with reopened(others.folder / "server", **others.settings) as town:
            await anchored(town, 0)
            await others.end(CITIES[0])
            for name in ("police", "health", "school"):
                await anchored(town, await grow(town, name))
            await others.start(CITIES[0])
            await all_of(others, town, await grow(town, "tax"))
    assert faults(lines) == [(CITIES[0], "unreachable")]
    assert [each["witness"] for each in lines if each["event"] == "a witness cosigns again"] == [CITIES[0]]


async def test_a_witness_that_is_back_is_not_blamed_for_the_rest_of_a_quiet_night(
    others: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.anchoring.LOOK_AGAIN_SECONDS", 0.2)
    rows = "select count(*) from ledger_anchor"
    with told() as lines:
        async with reopened(others.folder / "server", **others.settings) as town:
            await others.end(CITIES[0])
            size = await grow(town, "police")
            await anchored(town, size)
            await others.start(CITIES[0])
            note = await all_of(others, town, size)
            stored = selected(others.folder / "server", rows)
            await asyncio.sleep(1)
            assert (await head(town)).anchored == note
    assert selected(others.folder / "server", rows) == stored
    assert [each["witness"] for each in lines if each["event"] == "a witness cosigns again"] == [CITIES[0]]


async def test_no_quorum_is_told_once(others: Consortium) -> None:
    with told() as lines:
        async with reopened(others.folder / "server", **others.settings) as town:
            await anchored(town, 0)
            await others.end(*FOUR)
            size = await grow(town, "police")
            await asyncio.sleep(0.6)
            await others.start(*FOUR)
            await anchored(town, size)
            await asyncio.sleep(0.2)
    events = [each["event"] for each in lines]
    assert events.count("no quorum: what is new stays pending") == 1
    assert events.count("the quorum is reached again") == 1


async def test_a_replica_that_does_not_sequence_asks_nobody_and_follows(
    others: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reopened(others.folder / "server", **others.settings) as town:
        await anchored(town, await grow(town, "police"))
        monkeypatch.setattr("zkservice.sequencer.Sequencer.leads", property(lambda _: False))
        await asyncio.sleep(0.3)
        before = {name: each.size() for name, each in others.witnesses.items()}
        size = await grow(town, "health")
        await asyncio.sleep(0.5)
        assert {name: each.size() for name, each in others.witnesses.items()} == before
        assert size_of((await head(town)).anchored) < size
        monkeypatch.undo()
        await anchored(town, size)


async def test_anchored_checkpoints_by_range(others: Consortium, town: City) -> None:
    sizes = [size_of(await anchored(town, 0))]
    for number in range(4):
        size = await grow(town, f"department-{number}")
        sizes.append(size_of(await anchored(town, size)))
    asked = ledger_pb2.ListAnchoredCheckpointsRequest(start_size=sizes[1], page_size=2)
    found: list[bytes] = []
    while True:
        page = await town.ledger.ListAnchoredCheckpoints(asked)
        assert 0 < len(page.checkpoints) <= 2
        found += page.checkpoints
        asked.page_token = page.next_page_token
        if not asked.page_token:
            break
    listed = list(map(size_of, found))
    assert listed == sorted(set(listed))
    assert set(sizes[1:]) <= set(listed)
    assert all(others.cosigned(each) for each in found)
