"""A log asks its witnesses: the honest are counted, the others are named and harm nobody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from consortium.asking import Asked, Asking, FaultKind
from consortium.witness.app import origin_hash, witness_app
from consortium.witness.store import WitnessStore
from tests.consortium.making import LOG, ORIGIN, MemoryLog, cosigner, fetcher, policy_of, served
from tlog import (
    AddCheckpoint,
    CosignatureSigner,
    Policy,
    WitnessLine,
    cosign,
    open_by_policy,
    open_checkpoint,
)

KNOWN = {ORIGIN: (LOG.verifier,)}
NOW = 1_000_000
Answer = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def honest(folder: Path, number: int, now: int = NOW) -> AsyncIterator[str]:
    store = WitnessStore(folder / f"{number}.sqlite3", KNOWN, (cosigner(number),))
    try:
        async with served(witness_app(store, KNOWN, lambda: now)) as url:
            yield url
    finally:
        store.close()


def lying(add: Answer, shown: Answer | None = None) -> Starlette:
    routes = [Route("/add-checkpoint", add, methods=["POST"])]
    if shown is not None:
        routes.append(Route(f"/{origin_hash(ORIGIN)}/checkpoint", shown))
    return Starlette(routes=routes)


async def ask(policy: Policy, log: MemoryLog, asking: Asking | None = None) -> dict[str, Asked]:
    async with fetcher(connect=0.5, whole=1.0) as asks:
        made = asking or Asking([LOG.verifier], policy.witnesses, asks, lambda: NOW)
        return {each.witness.name: each async for each in made.asked(log.note, log.prove)}


async def test_all_that_are_honest_cosign_as_the_log_grows(tmp_path: Path) -> None:
    log = MemoryLog()
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(honest(tmp_path, number)) for number in range(3)]
        asks = await stack.enter_async_context(fetcher())
        policy = policy_of(urls, threshold=3)
        asking = Asking([LOG.verifier], policy.witnesses, asks, lambda: NOW)
        for count in (1, 300, 2):
            log.grow(count)
            found = [each async for each in asking.asked(log.note, log.prove)]
            assert [each.fault for each in found] == [None] * 3
            note = log.note + b"".join(each.line or b"" for each in found)
            checkpoint, cosignatures = open_by_policy(note, policy)
            assert (checkpoint.size, len(cosignatures)) == (log.size, 3)
        again = Asking([LOG.verifier], policy.witnesses, asks, lambda: NOW)
        log.grow(5)
        found = [each async for each in again.asked(log.note, log.prove)]
        assert all(each.line for each in found), "who has forgotten the sizes is told them"


async def _status(status: int, body: bytes = b"no\n") -> Response:
    return Response(body, status)


async def the_wrong_key(request: Request) -> Response:
    note = AddCheckpoint.parse(await request.body()).note
    other = CosignatureSigner.from_secret("w0.example", bytes(32))
    return Response(cosign(note, other, NOW))


async def another_checkpoint(_: Request) -> Response:
    return Response(cosign(MemoryLog(seed=900).grow(1).note, cosigner(0), NOW))


async def twice(request: Request) -> Response:
    note = AddCheckpoint.parse(await request.body()).note
    return Response(cosign(note, cosigner(0), NOW) + cosign(note, cosigner(0), NOW + 1))


async def far_ahead(request: Request) -> Response:
    note = AddCheckpoint.parse(await request.body()).note
    return Response(cosign(note, cosigner(0), NOW + 10_000))


async def garbage(_: Request) -> Response:
    return Response(b"\xff\x00 nothing of the kind")


async def nothing(_: Request) -> Response:
    return Response(b"")


async def endless(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(4096)
            await asyncio.sleep(0.001)

    return StreamingResponse(pieces())


async def silent(_: Request) -> Response:
    await asyncio.sleep(20)
    return Response(b"")


async def refusing(_: Request) -> Response:
    return await _status(403)


async def broken(_: Request) -> Response:
    return await _status(500)


async def unreadable_size(_: Request) -> Response:
    return await _status(409, b"07\n")


async def another_size_each_time(request: Request) -> Response:
    old = AddCheckpoint.parse(await request.body()).old_size
    return await _status(409, b"1\n" if old == 0 else b"0\n")


async def claims_more(_: Request) -> Response:
    return await _status(409, b"999999\n")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (the_wrong_key, FaultKind.SIGNATURE),
        (another_checkpoint, FaultKind.SIGNATURE),
        (twice, FaultKind.SIGNATURE),
        (far_ahead, FaultKind.SIGNATURE),
        (garbage, FaultKind.MALFORMED),
        (nothing, FaultKind.MALFORMED),
        (endless, FaultKind.MALFORMED),
        (silent, FaultKind.SLOW),
        (refusing, FaultKind.REFUSED),
        (broken, FaultKind.REFUSED),
        (unreadable_size, FaultKind.REFUSED),
        (another_size_each_time, FaultKind.REFUSED),
        (claims_more, FaultKind.AHEAD),
    ],
)
async def test_each_kind_of_failing_is_named_and_the_honest_one_counts(
    tmp_path: Path, answer: Answer, kind: FaultKind
) -> None:
    log = MemoryLog().grow(3)
    async with served(lying(answer)) as bad, honest(tmp_path, 1) as good:
        found = await ask(policy_of([bad, good]), log)
    assert found["w1"].line is not None
    assert found["w0"].line is None
    assert found["w0"].ahead is None
    fault = found["w0"].fault
    assert fault is not None
    assert fault.kind is kind, fault


async def test_one_that_is_not_there(tmp_path: Path) -> None:
    log = MemoryLog().grow(3)
    async with honest(tmp_path, 1) as good:
        found = await ask(policy_of(["http://127.0.0.1:1", good, None]), log)
    assert set(found) == {"w0", "w1"}, "who has no URL is not asked"
    fault = found["w0"].fault
    assert fault is not None
    assert fault.kind is FaultKind.UNREACHABLE


async def test_a_checkpoint_of_ours_that_we_have_forgotten_is_found(tmp_path: Path) -> None:
    log = MemoryLog().grow(3)
    older = log.fork(0)
    fork = log.fork(800).grow(2)
    log.grow(2)
    async with honest(tmp_path, 0) as url:
        policy = policy_of([url])
        assert (await ask(policy, log))["w0"].line
        behind = (await ask(policy, older))["w0"]
        assert behind.ahead is not None
        assert behind.ahead.startswith(log.note)
        forked = (await ask(policy, fork))["w0"]
        assert forked.ahead is not None, "the same size with another root"
        async with fetcher() as asks:
            asking = Asking([LOG.verifier], policy.witnesses, asks, lambda: NOW)
            (seen,) = await asking.newest(open_checkpoint(older.note, LOG.verifier))
            assert seen.ahead is not None
            (level,) = await asking.newest(open_checkpoint(log.note, LOG.verifier))
            assert (level.ahead, level.fault) == (None, None)


async def test_a_larger_checkpoint_that_is_not_ours_is_a_lie() -> None:
    log = MemoryLog().grow(3)
    forged = MemoryLog(type(LOG).from_secret(ORIGIN, bytes(32))).grow(9)

    async def shown(_: Request) -> Response:
        return Response(forged.note)

    async with served(lying(claims_more, shown)) as url:
        found = (await ask(policy_of([url]), log))["w0"]
    assert found.ahead is None
    assert found.fault is not None
    assert found.fault.kind is FaultKind.SIGNATURE


async def test_an_old_checkpoint_of_ours_does_not_show_that_we_are_behind() -> None:
    log = MemoryLog().grow(3)
    old = log.note
    log.grow(4)

    async def shown(_: Request) -> Response:
        return Response(old)

    async with served(lying(claims_more, shown)) as url:
        found = (await ask(policy_of([url]), log))["w0"]
    assert found.ahead is None
    assert found.fault is not None
    assert found.fault.kind is FaultKind.AHEAD


async def test_the_first_come_first_and_the_slow_are_not_waited_for(tmp_path: Path) -> None:
    log = MemoryLog().grow(3)
    async with served(lying(silent)) as slow, honest(tmp_path, 1) as good, fetcher(whole=10.0) as asks:
        lines: tuple[WitnessLine, ...] = policy_of([slow, good]).witnesses
        asking = Asking([LOG.verifier], lines, asks, lambda: NOW)
        answers = asking.asked(log.note, log.prove)
        async with asyncio.timeout(5):
            first = await anext(answers)
            await answers.aclose()  # type: ignore[attr-defined]
        assert first.witness.name == "w1"
