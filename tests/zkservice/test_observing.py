"""Request ids, log lines and metrics of calls over a real server: what is told, and that it stays bounded."""

import asyncio
import os
import re
import secrets
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.zkservice import processes
from tests.zkservice.seeing import http, lines, metrics, readiness, until, value
from tests.zkservice.server_process import started
from tests.zkservice.support import City, city, new_id, refusal
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.observing.request_ids import request_id
from zkservice.server import running
from zkservice.status import CODES

MADE = re.compile(r"[0-9a-f]{24}")
ID = "x-request-id"


async def returned(call: Any) -> tuple[str, list[str]]:
    """Await a call; return its code and the ids that came back with it."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name, [str(each) for name, each in error.trailing_metadata() if name == ID]
    return "OK", [str(each) for name, each in await call.trailing_metadata() if name == ID]


def checkpoint(town: City, *metadata: tuple[str, str]) -> Any:
    return town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), metadata=metadata)


def unknown_claim(town: City, *metadata: tuple[str, str]) -> Any:
    asked = issuance_pb2.ClaimCredentialRequest(offer="offers/x", claim_code="y", request_id=new_id())
    return town.issuance.ClaimCredential(asked, metadata=metadata)


# request ids


@pytest.mark.parametrize("given", ["a", "proxy-7.Az_9", "0" * 64])
def test_an_id_that_is_one_is_taken(given: str) -> None:
    assert request_id([("user-agent", "x"), (ID, given)]) == given


@pytest.mark.parametrize(
    "given",
    [[], [""], ["a" * 65], ["a b"], ["a\n"], ["ä"], ["a/b"], ['a"'], ["a", "b"], ["a", "a"], [b"a"], ["٣"]],
    ids=repr,
)
def test_what_is_no_id_is_replaced_by_one_that_was_never_given(given: list[str | bytes]) -> None:
    made = [request_id([(ID, each) for each in given]) for _ in range(2)]
    assert all(map(MADE.fullmatch, made))
    assert made[0] != made[1]


def issue(town: City, token: str, *ids: str) -> Any:
    metadata = (("authorization", f"Bearer {token}"), *((ID, each) for each in ids))
    return town.issuance.IssueCredential(town.issuing(), metadata=metadata)


async def test_each_call_gets_its_id_back_and_its_line_in_the_log(tmp_path: Path) -> None:
    async with started(tmp_path, log_level="info") as process, process.city() as straight:
        town = await straight.furnish()
        assert await returned(issue(town, town.department_token, "proxy.1")) == ("OK", ["proxy.1"])
        assert await returned(issue(town, "none", "proxy.2")) == ("PERMISSION_DENIED", ["proxy.2"])
        code, (made,) = await returned(issue(town, town.department_token, "no id of ours"))
        assert code == "OK"
        assert MADE.fullmatch(made)
        code, (refused,) = await returned(issue(town, "none", "x", "y"))
        assert code == "PERMISSION_DENIED"
        exchange = await town.ask(town.request())
        watch = town.presentation.WatchExchange(
            presentation_pb2.WatchExchangeRequest(
                exchange=exchange.exchange, result_token=exchange.result_token
            ),
            metadata=((ID, "given-up"),),
        )
        await watch.read()
        watch.cancel()

        async def told() -> bool:
            return "given-up" in {each.get("request_id") for each in lines(tmp_path / "server.log")}

        await until(told)
    calls = [each for each in lines(tmp_path / "server.log") if each["event"] == "call"]
    told_of = {each["request_id"]: each for each in calls}
    assert len(told_of) == len(calls)
    for each in calls:
        assert set(each) == {
            "event", "level", "timestamp", "method", "code", "reason", "ms", "request_id", "role"
        }  # fmt: skip
    outcomes = {name: (each["code"], each["reason"], each["role"]) for name, each in told_of.items()}
    expected = {
        "proxy.1": ("OK", "", "bearer"),
        "proxy.2": ("PERMISSION_DENIED", "TOKEN_INVALID", "bearer"),
        made: ("OK", "", "bearer"),
        refused: ("PERMISSION_DENIED", "TOKEN_INVALID", "bearer"),
        "given-up": ("CANCELLED", "", "none"),
    }
    assert {name: outcomes[name] for name in expected} == expected


async def test_what_a_vault_calls_gets_an_id_that_nobody_chose(tmp_path: Path) -> None:
    """One id on several of its calls would link them in the log."""
    async with started(tmp_path, log_level="info") as process, process.city() as town:
        given = [await returned(checkpoint(town, (ID, "vault.1"))) for _ in range(2)]
        given += [await returned(unknown_claim(town, (ID, "vault.1"))) for _ in range(2)]
        watch = town.ledger.WatchCheckpoints(
            ledger_pb2.WatchCheckpointsRequest(), metadata=((ID, "vault.1"),)
        )
        await watch.read()
        watch.cancel()
    assert [code for code, _ in given] == ["OK", "OK", "NOT_FOUND", "NOT_FOUND"]
    made = [name for _, (name,) in given]
    assert all(map(MADE.fullmatch, made))
    assert len(set(made)) == 4
    assert "vault.1" not in (tmp_path / "server.log").read_text()


async def test_what_is_done_for_all_has_no_call_s_id(tmp_path: Path) -> None:
    """A worker is lost over one caller's job, and the runner that found out goes on for others."""
    async with started(tmp_path, log_level="info", processes=1) as process, process.city() as town:
        await town.furnish()
        issuing = [asyncio.ensure_future(town.issue()) for _ in range(20)]
        (signer,) = processes.workers("signer", process.handle.pid)
        os.kill(signer, signal.SIGKILL)
        await asyncio.gather(*issuing)
        await town.issue()
    told = lines(tmp_path / "server.log")
    calls = [each for each in told if each["event"] == "call"]
    assert len({each["request_id"] for each in calls}) == len(calls) > 20
    others = [each for each in told if each["event"] != "call"]
    assert "worker lost" in {each["event"] for each in others}
    assert not [each for each in others if "request_id" in each]


# metrics of calls


async def test_calls_are_counted_by_method_code_and_reason(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0) as town:
        for _ in range(3):
            await checkpoint(town)
        await refusal(unknown_claim(town))
        watch = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest())
        await watch.read()
        found = await metrics(town.ready)
        method: dict[str, str] = {"method": "LedgerService/GetCheckpoint"}
        assert value(found, "zk_calls_total", **method, code="OK", reason="") == 3
        assert value(found, "zk_call_seconds_count", **method) == 3
        assert value(found, "zk_calls_in_flight", **method) == 0
        claim = {"method": "IssuanceService/ClaimCredential", "code": "NOT_FOUND", "reason": "NOT_FOUND"}
        assert value(found, "zk_calls_total", **claim) == 1
        watching = {"method": "LedgerService/WatchCheckpoints"}
        assert value(found, "zk_calls_in_flight", **watching) == 1
        watch.cancel()

        async def ended() -> bool:
            now = await metrics(town.ready)
            assert value(now, "zk_call_seconds_count", **watching) is None, (
                "how long one watches says nothing"
            )
            return value(now, "zk_calls_total", **watching, code="CANCELLED", reason="") == 1 and not value(
                now, "zk_calls_in_flight", **watching
            )

        await until(ended)


async def test_nobody_can_make_new_series(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0) as town:
        await refusal(unknown_claim(town))
        before = await metrics(town.ready)

        async def shouted() -> None:
            name = secrets.token_hex(8)
            method: Any = town.channel.unary_unary(f"/zkproto.v1.LedgerService/{name}")
            with pytest.raises(grpc.aio.AioRpcError):
                await method(b"", metadata=((f"x-{name}", name), (ID, name)))
            await refusal(unknown_claim(town, (ID, name), ("user-agent", name)))

        await asyncio.gather(*(shouted() for _ in range(50)))
        after = await metrics(town.ready)
        assert value(after, "zk_calls_total", method="unknown", code="UNIMPLEMENTED", reason="") == 50
        new = {name for name, _ in after.keys() - before.keys()}
        assert new <= {"zk_calls_total"}
        assert len(after.keys() - before.keys()) == 1
        reasons = {dict(labels)["reason"] for name, labels in after if name == "zk_calls_total"}
        assert reasons <= {"", *CODES}


async def test_what_servers_do_together_is_counted(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0, processes=1) as town:
        issued = await town.claim(await town.issue())
        await town.answered(issued)
        found = await metrics(town.ready)
        for kind in ("judge", "signer"):
            assert value(found, "zk_workers_alive", kind=kind) == 1
            assert value(found, "zk_workers_busy", kind=kind) == 0
            assert value(found, "zk_worker_restarts_total", kind=kind) == 0
            assert value(found, "zk_worker_jobs_total", kind=kind) == 1
            assert value(found, "zk_desk_wait_seconds_count", kind=kind) == 1
            assert (value(found, "zk_desk_job_seconds_sum", kind=kind) or 0) > 0
        size = (await checkpoint(town)).checkpoint
        assert value(found, "zk_log_size") == int(size.split(b"\n")[1])
        assert (value(found, "zk_sequencer_entries_total") or 0) >= 6
        assert value(found, "zk_sequencer_leads") == 1
        assert (value(found, "zk_database_writes_total") or 0) > 10
        groups = value(found, "zk_database_group_seconds_count") or 0
        assert value(found, "zk_database_group_seconds_bucket", le="+Inf") == groups > 10
        assert (
            value(found, "zk_certificate_not_after_seconds") or 0
        ) > town.clock().timestamp() + 86_400 * 300
        assert (value(found, "zk_data_free_bytes") or 0) > 0


# the port


async def test_without_a_port_nothing_is_served(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        assert town.ready.metrics_port is None
        assert (await returned(checkpoint(town)))[0] == "OK"


async def test_the_port_has_three_resources(tmp_path: Path) -> None:
    async with city(tmp_path, metrics_port=0) as town, http(town.ready) as client:
        assert (await client.get("/live")).text == "live\n"
        assert (await readiness(town.ready))[0] == 200
        for path in ("/", "/metrics/", "/metrics2", "/debug", "/ready?x"):
            assert (await client.get(path)).status_code == (200 if path.endswith("?x") else 404)
        for path in ("/metrics", "/live", "/ready"):
            assert (await client.post(path, content=b"x")).status_code == 405
            assert (await client.get(path)).headers["cache-control"] == "no-store"


async def test_a_port_that_is_taken_keeps_the_server_from_starting(tmp_path: Path) -> None:
    async with city(tmp_path / "one", metrics_port=0) as town:
        settings = Settings(
            data=tmp_path / "two", dev=True, port=0, processes=0, metrics_port=town.ready.metrics_port
        )
        with pytest.raises(StartError, match=r"\(metrics_port\) cannot be listened on"):
            async with running(settings):
                pass
