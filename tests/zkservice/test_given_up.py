"""Calls that are given up: one line of each method in a second, and a sum, but no line for each."""

import asyncio
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from tests.zkservice.support import city
from zkproto.v1 import presentation_pb2
from zkservice.observing.given_up import GivenUp

WATCH = "/zkproto.v1.PresentationService/WatchExchange"


async def summed(told: list[Any]) -> list[Any]:
    """Wait until the sum is logged."""
    async with asyncio.timeout(60):
        while not any(each["event"] == "calls given up" for each in told):
            await asyncio.sleep(0.05)
    return told


async def test_a_flood_is_a_line_and_a_sum() -> None:
    with capture_logs() as told:
        given_up = GivenUp()
        for _ in range(1000):
            given_up.log("a", 0.25)
        given_up.log("b", 0.5)
        await summed(told)
        given_up.log("a", 0.25)
    first = {"event": "call", "log_level": "info", "code": "CANCELLED", "reason": ""}
    assert told == [
        {**first, "method": "a", "ms": 250.0},
        {**first, "method": "b", "ms": 500.0},
        {"event": "calls given up", "log_level": "info", "method": "a", "count": 999},
        {**first, "method": "a", "ms": 250.0},
    ]
    assert not given_up._more


async def test_calls_that_are_reset_are_summed_up(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        exchange = await town.ask(town.request())
        watch = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        with capture_logs() as told:
            streams = [town.presentation.WatchExchange(watch) for _ in range(4)]
            for stream in streams:
                await stream.read()
            for stream in streams:
                stream.cancel()
            await summed(told)
    lines = [each for each in told if each.get("code") == "CANCELLED" and each["method"] == WATCH]
    sums = [each for each in told if each["event"] == "calls given up" and each["method"] == WATCH]
    assert len(lines) + sum(each["count"] for each in sums) == 4
    assert len(lines) < 4
