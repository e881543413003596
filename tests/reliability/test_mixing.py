"""The load generator itself: what it measures is the server, stalls and all, and proofs are others' work."""

import asyncio
import os
import signal
from pathlib import Path

import grpc
import pytest

from tests.reliability.test_load import mixed
from tests.zkservice import processes
from tests.zkservice.support import aio_error
from zk.bench.load.generate import Call, connections
from zk.bench.load.parties import PRESENTATIONS, Parties, meeting
from zk.bench.load.proving import proving
from zk.local_server import UNLIMITED, LocalServer, running_server
from zkproto.v1 import presentation_pb2

SUBMIT = f"{PRESENTATIONS}/SubmitPresentation"
FEW = 16
"""Submissions in stock."""
STALL = 2.0
"""Seconds for which the server is stopped."""


def provers() -> set[int]:
    """Return the processes that prove for this one."""
    return {
        each
        for each in processes.children_of(os.getpid())
        if "zk.bench.load.proving" in processes.command(each)
    }


async def test_each_submission_is_another_one_and_a_lost_prover_ends_the_measuring(tmp_path: Path) -> None:
    with (
        running_server(
            tmp_path / "data", tmp_path / "log", log_level="warning", settings=UNLIMITED
        ) as server,
        meeting(server, tmp_path) as parties,
    ):
        async with proving(server, parties, 2, FEW) as stock:
            assert len(provers()) == 2
            made = [await stock.take() for _ in range(FEW + 8)]
        assert not provers()
        await are_good_once(server, made)
        with pytest.raises(ExceptionGroup) as caught:
            await lose_one(server, parties)
        assert caught.group_contains(RuntimeError, match="a process that proves has ended")
        assert not provers()


async def are_good_once(server: LocalServer, made: list[bytes]) -> None:
    exchanges = {presentation_pb2.SubmitPresentationRequest.FromString(each).exchange for each in made}
    assert len(exchanges) == len(made)
    async with connections(server, 1) as (channel,):
        submit: Call = channel.unary_unary(SUBMIT)
        for octets in made[:4]:
            answer = presentation_pb2.SubmitPresentationResponse.FromString(await submit(octets))
            assert answer.receipt
        other = presentation_pb2.SubmitPresentationRequest.FromString(made[0])
        other.request_id = "00000000-0000-4000-8000-000000000000"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await submit(other.SerializeToString())
    assert aio_error(caught.value).code is grpc.StatusCode.ALREADY_EXISTS


async def lose_one(server: LocalServer, parties: Parties) -> None:
    async with proving(server, parties, 2, FEW) as stock:
        (first, _) = provers()
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(120):
            while True:
                await stock.take()


async def test_a_server_that_stalls_is_charged_for_all_that_was_due_meanwhile(tmp_path: Path) -> None:
    """And no call is left out: that would make a stall look like a pause of the callers."""
    async with mixed(tmp_path) as mix:

        async def stall() -> None:
            await asyncio.sleep(1)
            os.kill(mix.process, signal.SIGSTOP)
            await asyncio.sleep(STALL)
            os.kill(mix.process, signal.SIGCONT)

        stalling = asyncio.create_task(stall())
        seen = await mix.drive(5, 30, 1, seed=1)
        await stalling
    assert seen.calls + len(seen.errors) == 150 == len(seen.begun_late)
    assert not seen.errors
    everything = sorted(each for kind in seen.latencies.values() for each in kind)
    late = [each for each in everything if each >= STALL / 2]
    assert len(late) >= 25, "of 60 that were due in the stall, half waited for half of it"
    assert everything[-1] >= 0.9 * STALL
