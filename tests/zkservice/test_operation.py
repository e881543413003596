"""What the operator reads of a running server, and that nobody else does."""

from pathlib import Path
from typing import Any

from tests.zkservice.support import City, city, refusal
from tests.zkservice.walking import token_of
from zkproto.v1 import operation_pb2 as pb
from zkproto.v1.operation_pb2_grpc import OperationServiceStub
from zkservice.config import Settings
from zkservice.observing.metrics import version


def status(town: City, token: str | None) -> Any:
    stub: Any = OperationServiceStub(town.channel)
    metadata = town.bearer(token) if token is not None else None
    return stub.GetStatus(pb.GetStatusRequest(), metadata=metadata)


def operator(town: City) -> str:
    return (town.ready.data / "operator.token").read_text().strip()


async def test_the_operator_reads_how_the_server_is(tmp_path: Path) -> None:
    async with city(tmp_path, rate_named=123.5, calls_anonymous=17, max_concurrent_calls=800) as town:
        before = await status(town, operator(town))
        await town.add_verifier("another")
        after = await status(town, await token_of(town, operator(town)))
    assert after.version == version()
    assert after.log.size > before.log.size > 0
    assert (after.log.pending, after.log.sequences, after.log.anchored_size) == (0, True, 0)
    assert {each.kind for each in after.workers} == {"judge", "signer"}
    assert all(each.alive and not each.restarts for each in after.workers)
    limits = after.limits
    assert (limits.named.rate, limits.anonymous.calls, limits.max_concurrent_calls) == (123.5, 17, 800)
    assert limits.anonymous.rate == Settings.model_fields["rate_anonymous"].default


async def test_nobody_else_does(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        assert (await refusal(status(town, None))).reason == "TOKEN_MISSING"
        for token in (town.admin, town.department_token, "x" * 43):
            assert (await refusal(status(town, token))).reason == "TOKEN_INVALID"


async def test_it_is_about_nobody(tmp_path: Path) -> None:
    """What stands in the answer is the same whoever is registered and calls, but for the log's size."""
    async with city(tmp_path) as town:
        told = str(await status(town, operator(town)))
    assert "police" not in told
    assert "127.0.0.1" not in told
    assert [each.name for each in pb.GetStatusResponse.DESCRIPTOR.fields] == [
        "version", "time", "log", "workers", "limits"
    ]  # fmt: skip
