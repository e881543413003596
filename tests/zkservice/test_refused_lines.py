"""Log lines of refused calls: the first of each reason, a sum, and no line for each; metrics count all."""

import asyncio
import secrets
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import pytest
from structlog.testing import capture_logs

from tests.zkservice.seeing import lines, metrics, until, value
from tests.zkservice.server_process import started
from tests.zkservice.support import City, city, new_id, refusal
from zkproto.v1 import issuance_pb2, ledger_pb2
from zkservice.observing.refused import OF_A_REASON, OF_ALL, Refused

CLAIM = "/zkproto.v1.IssuanceService/ClaimCredential"


def told_of(lines: list[Any], event: str) -> list[Any]:
    return [each for each in lines if each["event"] == event]


async def test_of_each_reason_the_first_are_told_and_the_rest_is_summed_up() -> None:
    with capture_logs() as told:
        bounded = Refused(seconds=0.2)
        for _ in range(1000):
            bounded.call("m", "NOT_FOUND", "NOT_FOUND", 1.0)
        bounded.call("m", "PERMISSION_DENIED", "TOKEN_INVALID", 2.0)
        await until(lambda: _is_there(told, "refusals left out"))
        bounded.call("m", "NOT_FOUND", "NOT_FOUND", 1.0)
        bounded.end()
    calls, sums = told_of(told, "call"), told_of(told, "refusals left out")
    assert Counter(each["reason"] for each in calls) == {"NOT_FOUND": OF_A_REASON + 1, "TOKEN_INVALID": 1}
    left_out = 1000 - OF_A_REASON
    assert sums == [
        {
            "event": "refusals left out",
            "log_level": "warning",
            "count": left_out,
            "counts": {"NOT_FOUND": left_out},
        }
    ]


async def _is_there(told: list[Any], event: str) -> bool:
    return bool(told_of(told, event))


async def test_many_reasons_together_are_bounded_and_none_is_hidden() -> None:
    with capture_logs() as told:
        bounded = Refused()
        for _ in range(100):
            for reason in range(40):
                bounded.call("m", "NOT_FOUND", f"REASON_{reason}", 1.0)
        bounded.end()
    calls = told_of(told, "call")
    assert {each["reason"] for each in calls} == {f"REASON_{reason}" for reason in range(40)}
    assert len(calls) <= OF_ALL + 40
    (total,) = told_of(told, "refusals left out")
    assert len(calls) + total["count"] == 4000


async def test_faults_are_told_by_where_they_arose() -> None:
    with capture_logs() as told:
        bounded = Refused()
        for _ in range(100):
            bounded.fault("m", "KeyError", ["a:1", "b:2"])
        bounded.fault("m", "KeyError", ["a:1", "b:3"])
        bounded.end()
    assert [each["at"][-1] for each in told_of(told, "fault")] == ["b:2"] * OF_A_REASON + ["b:3"]
    (total,) = told_of(told, "faults left out")
    assert total["counts"] == {"KeyError b:2": 100 - OF_A_REASON}


async def test_an_interval_that_was_ended_does_not_end_again() -> None:
    with capture_logs() as told:
        bounded = Refused(seconds=0.05)
        for _ in range(OF_A_REASON + 1):
            bounded.call("m", "NOT_FOUND", "NOT_FOUND", 1.0)
        bounded.end()
        bounded.end()
        await asyncio.sleep(0.2)
    assert len(told_of(told, "refusals left out")) == 1


async def guess(town: City, code: str) -> None:
    """Claim an offer with a code that is made up, under a token that is."""
    asked = issuance_pb2.ClaimCredentialRequest(offer="offers/x", claim_code=code, request_id=new_id())
    metadata = (("authorization", f"Bearer {code}"),)
    with pytest.raises(grpc.aio.AioRpcError):
        await town.issuance.ClaimCredential(asked, metadata=metadata)


async def test_a_flood_of_refused_calls_does_not_fill_the_log(tmp_path: Path) -> None:
    """A real process: its log grows by some lines, all calls are accounted for, and no guess stands in it."""
    flood, log = 600, tmp_path / "server.log"
    async with started(tmp_path, log_level="info") as process, process.city() as town:
        guesses = [secrets.token_urlsafe(24) for _ in range(flood)]
        for begin in range(0, flood, 50):
            await asyncio.gather(*(guess(town, each) for each in guesses[begin : begin + 50]))
        await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
        process.end(signal.SIGTERM)
        assert await process.ended() == 0
    told = lines(log)
    calls = [each for each in told_of(told, "call") if each["method"] == CLAIM]
    sums = told_of(told, "refusals left out")
    assert len(calls) + sum(each["count"] for each in sums) == flood
    assert len(calls) <= OF_A_REASON * (len(sums) + 1)
    assert len({each["request_id"] for each in calls}) == len(calls)
    assert not [each for each in sums if "request_id" in each or "role" in each]
    assert [each["code"] for each in told_of(told, "call") if each["method"] != CLAIM] == ["OK"]
    assert not [each for each in guesses if each in log.read_text()]


async def test_metrics_count_what_the_log_leaves_out(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0) as town:
        with capture_logs() as told:
            for _ in range(3 * OF_A_REASON):
                asked = issuance_pb2.ClaimCredentialRequest(
                    offer="offers/x", claim_code="y", request_id=new_id()
                )
                error = await refusal(town.issuance.ClaimCredential(asked))
        found = await metrics(town.ready)
    labels = {"method": "IssuanceService/ClaimCredential", "code": "NOT_FOUND", "reason": error.reason}
    assert value(found, "zk_calls_total", **labels) == 3 * OF_A_REASON
    assert len(told_of(told, "call")) < 3 * OF_A_REASON
