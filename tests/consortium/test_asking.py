"""Asking witnesses over real HTTP: those that are right cosign, the others are named, each with its fault."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from consortium.asking import Asked, Asking
from consortium.faults import FaultKind
from consortium.fetching import Fetcher
from consortium.witness import WitnessStore, load_keys, make_keys, opened_store, witness_app
from tests.consortium.making import LOG, ORIGIN, MemoryLog, cosigner, served
from tests.consortium.witnesses import KNOWN
from tlog import (
    AddCheckpoint,
    Checkpoint,
    MldsaCosignatureSigner,
    Signer,
    cosign,
    mldsa,
    open_cosigned,
    sign_checkpoint,
)
from tlog.keys import CosignatureSigner, Verifier
from tlog.note import parse_unverified
from tlog.policy import WitnessLine

NOW = 1_700_000_000
WHOLE = 1.5
Answering = Callable[[Request], Awaitable[Response]]


def liar(add: Answering, shown: bytes | None = None) -> Starlette:
    """Return a witness that answers add-checkpoint in its own way and shows what it likes, if anything."""

    async def checkpoint(_: Request) -> Response:
        return Response(shown, 404 if shown is None else 200)

    return Starlette(
        routes=[Route("/add-checkpoint", add, methods=["POST"]), Route("/{place}/checkpoint", checkpoint)]
    )


def says(body: bytes | str, status: int = 200, kind: str = "text/plain") -> Answering:
    async def answer(_: Request) -> Response:
        return Response(body, status, media_type=kind)

    return answer


def signs(make: Callable[[bytes], bytes]) -> Answering:
    """Answer with what is made of the note that was sent."""

    async def answer(request: Request) -> Response:
        return Response(make(AddCheckpoint.parse(await request.body()).note))

    return answer


@dataclass
class Round:
    """A log and those whom it asks."""

    log: MemoryLog
    asking: Asking

    async def ask(self, size: int | None = None) -> list[Asked]:
        note = self.log.note if size is None else self.log.notes_at[size]
        return [each async for each in self.asking.asked(note, self.log.prove)]

    async def one(self, size: int | None = None) -> Asked:
        (asked,) = await self.ask(size)
        return asked


@asynccontextmanager
async def asking(
    log: MemoryLog, *apps: ASGIApp | str, keys: Sequence[Verifier] = (), now: int = NOW
) -> AsyncIterator[Round]:
    """Ask applications, or URLs, as the witnesses w0, w1 and so on."""
    mounts = [Mount(f"/w{n}", app) for n, app in enumerate(apps) if not isinstance(app, str)]
    async with served(Starlette(routes=mounts)) as url, Fetcher(connect=WHOLE, whole=WHOLE) as fetcher:
        lines = [
            WitnessLine(
                f"w{n}",
                keys[n] if keys else cosigner(n).verifier,
                app if isinstance(app, str) else f"{url}/w{n}" + "/" * (n % 2),
            )
            for n, app in enumerate(apps)
        ]
        yield Round(log, Asking((LOG.verifier,), lines, fetcher, lambda: now))


@asynccontextmanager
async def witness(
    folder: Path, signers: tuple[CosignatureSigner, ...] = (), now: int = NOW
) -> AsyncIterator[tuple[Starlette, WitnessStore]]:
    if not folder.exists():
        make_keys(folder, "w.example")
    with opened_store(folder, KNOWN, signers or (cosigner(0),)) as store:
        yield witness_app(store, KNOWN, lambda: now), store


async def test_a_witness_follows_as_the_log_grows(tmp_path: Path) -> None:
    log = MemoryLog()
    async with witness(tmp_path / "w") as (app, store), asking(log, app) as this:
        for _ in range(3):
            log.grow(2, 300)
            asked = await this.one()
            assert asked.fault is None
            assert asked.line is not None
            assert open_cosigned(log.note + asked.line, LOG.verifier, [cosigner(0).verifier], 1)
            found = store.cosigned(ORIGIN)
            assert found is not None
            assert found.checkpoint.size == log.size
        async with asking(log.grow(1), app) as other:  # which remembers nothing, and is told the size
            assert (await other.one()).line is not None
            assert (await other.one()).line is not None, "the same again"


@pytest.mark.skipif(not mldsa.is_supported(), reason="no ML-DSA in the cryptographic library")
async def test_a_witness_with_several_keys_gives_each_policy_its_line(tmp_path: Path) -> None:
    folder, log = tmp_path / "w", MemoryLog().grow(3)
    made = [
        make_keys(folder, "w.example", kind)
        for kind in (CosignatureSigner, CosignatureSigner, MldsaCosignatureSigner)
    ]
    keys = [each.verifier for each in made]
    async with witness(folder, load_keys(folder)) as (app, _), asking(log, app, app, app, keys=keys) as this:
        lines = {each.witness.verifier: each.line for each in await this.ask()}
        assert set(lines) == set(keys)
        for key, line in lines.items():
            assert line is not None
            assert open_cosigned(log.note + line, LOG.verifier, [key], 1)


OLD = MemoryLog().grow(1)
OTHER_KEY = CosignatureSigner.generate(cosigner(0).name)


async def _endless(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(8192)
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


async def _dripping(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"\xe2"
            await asyncio.sleep(WHOLE / 10)

    return StreamingResponse(pieces())


async def _silent(_: Request) -> Response:
    await asyncio.sleep(WHOLE * 2)
    return Response()


def _line(key: CosignatureSigner, time: int = NOW) -> Callable[[bytes], bytes]:
    return lambda note: cosign(note, key, time)


LIES = {
    "says nothing": (says(b""), FaultKind.MALFORMED),
    "talks nonsense": (says(b"\xff\xfe nonsense"), FaultKind.MALFORMED),
    "gives half a line": (signs(lambda note: _line(cosigner(0))(note)[:-9]), FaultKind.MALFORMED),
    "gives a web page": (says("<html>welcome</html>\n"), FaultKind.MALFORMED),
    "answers without end": (_endless, FaultKind.MALFORMED),
    "answers drop by drop": (_dripping, FaultKind.SLOW),
    "does not answer": (_silent, FaultKind.SLOW),
    "signs with another key of its name": (signs(_line(OTHER_KEY)), FaultKind.SIGNATURE),
    "signs in another's name": (signs(_line(cosigner(1))), FaultKind.SIGNATURE),
    "signs another checkpoint": (says(cosign(OLD.note, cosigner(0), NOW)), FaultKind.SIGNATURE),
    "signs twice": (signs(lambda note: _line(cosigner(0))(note) * 2), FaultKind.SIGNATURE),
    "signs in the future": (signs(_line(cosigner(0), NOW + 3600)), FaultKind.SIGNATURE),
    "signs another text before ours": (
        signs(lambda note: b"x\n\n" + _line(cosigner(0))(note)),
        FaultKind.MALFORMED,
    ),
    "knows no such log": (says(b"", 404), FaultKind.REFUSED),
    "has a broken store": (says(b"", 503), FaultKind.REFUSED),
    "sends elsewhere": (says(b"", 302), FaultKind.REFUSED),
    "says a size that is none": (says(b"many\n", 409), FaultKind.REFUSED),
    "says a negative size": (says(b"-1\n", 409), FaultKind.REFUSED),
    "says an endless size": (says(b"1" * 4000 + b"\n", 409), FaultKind.REFUSED),
    "says another size each time": (says(b"1\n", 409), FaultKind.REFUSED),
    "does not take what follows": (says(b"", 422), FaultKind.REFUSED),
    "claims to be ahead": (says(b"1000000\n", 409), FaultKind.AHEAD),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_witness_that_misbehaves_is_named_and_the_others_count(tmp_path: Path, lie: str) -> None:
    add, kind = LIES[lie]
    log = MemoryLog().grow(3)
    signers = (cosigner(1),)
    async with witness(tmp_path / "w", signers) as (app, _), asking(log, liar(add), app) as this:
        asked = {each.witness.name: each for each in await this.ask()}
        fault = asked["w0"].fault
        assert fault is not None
        assert fault.kind is kind, fault.detail
        assert (asked["w0"].line, asked["w0"].ahead) == (None, None)
        assert (asked["w1"].fault, asked["w1"].ahead) == (None, None)
        assert asked["w1"].line is not None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no.such.host.invalid", "http://[", "gopher://x"]
)
async def test_a_witness_that_is_not_there_is_named(url: str) -> None:
    async with asking(MemoryLog().grow(1), url) as this:
        fault = (await this.one()).fault
        assert fault is not None
        assert fault.kind is FaultKind.UNREACHABLE


async def test_a_good_line_among_strangers_lines_counts() -> None:
    stranger = cosigner(7)
    both = signs(lambda note: _line(stranger)(note) + _line(cosigner(0))(note) + _line(cosigner(8))(note))
    log = MemoryLog().grow(3)
    async with asking(log, liar(both)) as this:
        asked = await this.one()
        assert asked.line is not None
        (line,) = parse_unverified(log.note[: log.note.index(b"\n\n") + 2] + asked.line).lines
        assert line.is_by(cosigner(0).verifier)


async def test_quick_witnesses_do_not_wait_for_slow_ones(tmp_path: Path) -> None:
    signers = (cosigner(1),)
    async with (
        witness(tmp_path / "w", signers) as (app, _),
        asking(MemoryLog().grow(1), liar(_silent), app) as this,
    ):
        begun, names = time.perf_counter(), list[str]()
        async for each in this.asking.asked(this.log.note, this.log.prove):
            names.append(each.witness.name)
            if each.line is not None:
                assert time.perf_counter() - begun < WHOLE
        assert names == ["w1", "w0"]
        assert time.perf_counter() - begun < 3 * WHOLE


async def test_stopping_to_read_cancels_the_rest(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with asking(MemoryLog().grow(1), liar(says(b"")), liar(_silent)) as this:
        asked = this.asking.asked(this.log.note, this.log.prove)
        assert (await anext(asked)).witness.name == "w0"
        servers = {each for each in asyncio.all_tasks() - before if "_ask" in repr(each.get_coro())}
        assert servers
        await asked.aclose()  # type: ignore[attr-defined]
        assert all(each.done() for each in servers)


async def test_a_log_that_forgot_is_shown_what_it_signed(tmp_path: Path) -> None:
    log = MemoryLog().grow(2)
    small = log.size
    async with witness(tmp_path / "w") as (app, _), asking(log.grow(2), app) as this:
        assert (await this.one()).line is not None
        asked = await this.one(small)
        assert asked.fault is not None
        assert asked.fault.kind is FaultKind.AHEAD
        assert asked.ahead is not None
        assert asked.ahead.startswith(log.note)
        assert open_cosigned(asked.ahead, LOG.verifier, [cosigner(0).verifier], 1)[0].size == log.size


@pytest.mark.parametrize("grown", [0, 1])
async def test_a_log_that_went_another_way_is_shown_the_first(tmp_path: Path, grown: int) -> None:
    """Of the same size the witness tells its size again, of a larger one that it does not follow."""
    log = MemoryLog().grow(2)
    async with witness(tmp_path / "w") as (app, _), asking(log, app) as this:
        assert (await this.one()).line is not None
        this.log = MemoryLog(seed=500).grow(2, *[1] * grown)
        asked = await this.one()
        assert asked.fault is not None
        assert asked.fault.kind is (FaultKind.REFUSED if grown else FaultKind.AHEAD)
        assert asked.ahead is not None
        assert asked.ahead.startswith(log.note)


STRANGER = Signer.from_secret(ORIGIN, bytes(32))
ELSEWHERE = Signer.from_secret("other.example/log", bytes(32))
CLAIMED = sign_checkpoint(Checkpoint(ORIGIN, 50, bytes(32)), LOG)
SHOWN = {
    "a forged one": (sign_checkpoint(Checkpoint(ORIGIN, 50, bytes(32)), STRANGER), FaultKind.SIGNATURE),
    "one of another log": (
        sign_checkpoint(Checkpoint(ELSEWHERE.name, 50, bytes(32)), ELSEWHERE),
        FaultKind.SIGNATURE,
    ),
    "nonsense": (b"nonsense", FaultKind.SIGNATURE),
    "one that is not larger": (OLD.note, FaultKind.AHEAD),
    "one without end": (CLAIMED + Signer.generate("junk.example").sign_line("x\n") * 4000, FaultKind.AHEAD),
}


@pytest.mark.parametrize("shown", SHOWN)
@pytest.mark.parametrize("size", [b"50\n", b"4\n"])
async def test_whoever_claims_to_be_ahead_and_shows_no_such_thing_lies(shown: str, size: bytes) -> None:
    note, kind = SHOWN[shown]
    async with asking(MemoryLog().grow(3), liar(says(size, 409), note)) as this:
        asked = await this.one()
        assert asked.fault is not None
        assert (asked.fault.kind, asked.ahead) == (kind, None)


async def test_a_larger_checkpoint_of_our_own_key_is_found_whatever_the_witness() -> None:
    async with asking(MemoryLog().grow(3), liar(says(b"50\n", 409), CLAIMED)) as this:
        asked = await this.one()
        assert asked.fault is not None
        assert (asked.fault.kind, asked.ahead) == (FaultKind.AHEAD, CLAIMED)


async def test_a_smaller_size_than_before_is_believed_and_proven_from(tmp_path: Path) -> None:
    """A witness that lost its memory is brought up again; that it did is for monitors to find."""
    log = MemoryLog().grow(2)
    async with witness(tmp_path / "a") as (first, _), witness(tmp_path / "b") as (second, store):
        current = first

        async def either(scope: Scope, receive: Receive, send: Send) -> None:
            await current(scope, receive, send)

        async with asking(log, either) as this:
            assert (await this.one()).line is not None
            current = second
            log.grow(1)
            assert (await this.one()).line is not None
            assert [each.checkpoint.size for each in store.all()] == [log.size]
