"""Whatever is sent to whichever RPC: a clear status, a reason, no fault, nothing changed, and it goes on."""

from collections.abc import AsyncIterator
from typing import Final

import grpc
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.zkservice.fuzzing import MAX, Target, each_method, fuzzed
from tests.zkservice.support import aio_error
from tests.zkservice.wiring import Method
from wire.client import MAX_MESSAGE_OCTETS

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRANSPORT_MAX: Final = min(2 * MAX, MAX_MESSAGE_OCTETS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with fuzzed(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


@each_method
async def test_cut_anywhere(target: Target, method: Method) -> None:
    seed = target.seed(method)
    step = max(1, len(seed) // 25)
    for end in range(0, len(seed), step):
        await target.send(method, seed[:end])


@each_method
async def test_too_large(target: Target, method: Method) -> None:
    for filler in (b"\0", b"\xff", b"\x0a"):
        assert await target.send(method, filler * (MAX + 1)) == "MESSAGE_TOO_LARGE"
    # An unknown field of the right size: decodable, and still too large by one octet.
    head = b"\xa2\x1f" + b"\xfb\xff\x0f"
    assert await target.send(method, head + bytes(MAX + 1 - len(head))) == "MESSAGE_TOO_LARGE"


@each_method
async def test_larger_than_the_transport_carries(target: Target, method: Method) -> None:
    """Here gRPC itself refuses, before anything of ours sees the message: no ErrorInfo, but a clear status.

    So does a small message that grows beyond the limit when it is decompressed.
    """
    before = target.rows()
    for options in ({}, {"compression": grpc.Compression.Gzip}):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await target.call(method, bytes(TRANSPORT_MAX + 1), **options)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert aio_error(caught.value).reason == "RESOURCE_EXHAUSTED"
    assert target.rows() == before


Edit = tuple[float, int, bytes]
"""Where, as a share of the message, how many octets to leave out, and what to put there."""
_EDITS: Final = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=3)), min_size=1, max_size=4
)


def edited(seed: bytes, edits: list[Edit]) -> bytes:
    octets = bytearray(seed)
    for share, count, instead in edits:
        at = int(share * len(octets))
        octets[at : at + count] = instead
    return bytes(octets)


@each_method
@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(edits=_EDITS, noise=st.binary(max_size=200))
async def test_octets_at_random(target: Target, method: Method, edits: list[Edit], noise: bytes) -> None:
    """A valid message with a few octets changed, put in or left out; and octets that never were one."""
    await target.send(method, edited(target.seed(method), edits))
    await target.send(method, noise)


async def test_after_all_of_it_the_service_works(target: Target) -> None:
    issued = await target.city.claim(await target.city.issue())
    await target.city.answered(issued)
