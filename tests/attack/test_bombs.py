"""Messages that are small on the wire and large once they are unpacked."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests.reliability.flooding import resident
from tests.reliability.test_floods import MOST_GROWTH, served
from tests.zkservice.refusing import raw
from tests.zkservice.server_process import Process
from tests.zkservice.stored import Rows
from tests.zkservice.support import City, aio_error
from zkproto.v1 import presentation_pb2

in_module = pytest.mark.asyncio(loop_scope="module")
Served = tuple[Process, City, Rows]
METHODS: Final = (
    "CatalogService/ListSchemas",
    "PresentationService/CreateExchange",
    "PresentationService/SubmitPresentation",
    "PresentationService/VerifyPresentation",
    "LedgerService/ListEntries",
    "SessionService/OpenSession",
    "TokenService/CreateToken",
)
"""Methods of which most are everybody's."""
BOMB: Final = 64 << 20
DEPTH: Final = 50_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("bombs")
    async with served(folder, log_level="error") as (process, city):
        rows = Rows(folder)
        try:
            yield process, city, rows
        finally:
            rows.close()


async def refused(town: Served, call: Callable[[], Any]) -> tuple[str, str]:
    """Make a call that must be refused, change nothing, and leave the server as large as it was."""
    process, city, rows = town
    before, size = rows(), resident(process.handle.pid)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call()
    assert process.handle.returncode is None
    assert rows() == before
    assert resident(process.handle.pid) - size <= MOST_GROWTH
    assert (await city.ask(city.request())).exchange
    error = aio_error(caught.value)
    return error.code.name, error.reason


@in_module
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["Gzip", "Deflate"])
async def test_a_compressed_bomb_is_not_unpacked(town: Served, method: str, how: str) -> None:
    """A few ten thousand octets of gzip hold 64 MiB of zeros."""
    call = raw(town[1], method)
    compression = getattr(grpc.Compression, how)
    code, reason = await refused(town, lambda: call(bytes(BOMB), compression=compression, timeout=60))
    assert (code, reason) == ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"), "gRPC itself refuses it"


@in_module
async def test_a_bomb_within_a_field_stays_a_bomb(town: Served) -> None:
    """What a field carries is canonical octets, and is not unpacked by anybody."""
    call = raw(town[1], "PresentationService/CreateExchange")
    for packed in (gzip.compress(bytes(BOMB)), zlib.compress(bytes(BOMB))):
        payload = presentation_pb2.CreateExchangeRequest(
            signed_request=presentation_pb2.SignedRequest(payload=packed, signature=bytes(64)),
            request_id="00000000-0000-4000-8000-000000000000",
        )
        code, reason = await refused(town, partial(call, payload.SerializeToString(), timeout=60))
        assert code == "INVALID_ARGUMENT", reason


CANONICAL: Final[dict[str, bytes]] = {
    "CBOR: lists within lists": b"\x81" * DEPTH + b"\0",
    "CBOR: maps within maps": b"\xa1\0" * DEPTH + b"\0",
    "CBOR: tags on tags": b"\xc1" * DEPTH + b"\0",
    "CBOR: a list of 2^63 members": b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
    "CBOR: a list of 2^32 members": b"\x9a\xff\xff\xff\xff",
    "CBOR: a map of 2^31 members": b"\xba\x7f\xff\xff\xff",
    "CBOR: octets of 2^62": b"\x5b\x3f\xff\xff\xff\xff\xff\xff\xff",
    "CBOR: text of 2^31": b"\x7a\x7f\xff\xff\xff" + b"x" * 1000,
    "CBOR: lists without an end": b"\x9f" * DEPTH,
    "CBOR: a large number": b"\xc2\x59\xff\xff" + b"\xff" * 65_535,
    "CBOR: a power of ten": b"\xc4\x82\x1b\x7f\xff\xff\xff\xff\xff\xff\xff\x01",
    "CBOR: an alias of itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "JSON: lists within lists": b"[" * DEPTH,
    "JSON: objects within objects": b'{"a":' * DEPTH,
    "JSON: a number of many digits": b"1" + b"0" * 100_000,
    "YAML: a billion laughs": b"a: &a [x,x,x]\n"
    + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c]\n" % (n, n, n - 1, n - 1, n - 1, n - 1) for n in range(98, 122)),
}


def carrying(octets: bytes) -> dict[str, bytes]:
    """Return messages of methods that everybody may call, with octets in a field that is parsed."""
    pb, identifier = presentation_pb2, "00000000-0000-4000-8000-000000000000"
    signed = pb.SignedRequest(payload=octets, signature=bytes(64))
    return {
        "PresentationService/CreateExchange": pb.CreateExchangeRequest(
            signed_request=signed, request_id=identifier
        ).SerializeToString(),
        "PresentationService/VerifyPresentation": pb.VerifyPresentationRequest(
            signed_request=signed
        ).SerializeToString(),
    }


@in_module
@pytest.mark.parametrize("name", CANONICAL)
async def test_octets_that_unpack_without_end_are_refused(town: Served, name: str) -> None:
    for method, octets in carrying(CANONICAL[name]).items():
        call = raw(town[1], method)
        code, reason = await refused(town, partial(call, octets, timeout=60))
        assert code == "INVALID_ARGUMENT", method
        assert reason not in {"", "INTERNAL"}


@in_module
@pytest.mark.parametrize("field", range(1, 9))
@pytest.mark.parametrize("method", METHODS[:4])
async def test_entries_without_content_by_the_hundred_thousand(town: Served, method: str, field: int) -> None:
    """Two octets each on the wire, an object each in memory; as many as a message may have."""
    octets = bytes([field << 3 | 2, 0]) * 130_000
    call = raw(town[1], method)
    process, city, rows = town
    before, size = rows(), resident(process.handle.pid)
    reason = "OK"
    try:
        await call(octets, timeout=60)
    except grpc.aio.AioRpcError as error:
        reason = aio_error(error).reason
    assert reason not in {"", "INTERNAL"}
    assert rows() == before
    assert resident(process.handle.pid) - size <= MOST_GROWTH
    assert (await city.ask(city.request())).exchange


@in_module
async def test_groups_within_groups_and_more_fields_than_there_are(town: Served) -> None:
    call = raw(town[1], "PresentationService/VerifyPresentation")
    for octets in (
        b"\x7b" * DEPTH,
        b"\x7b" * DEPTH + b"\x7c" * DEPTH,
        b"\xfa\xff\xff\xff\x0f\x00" * 40_000,
        b"\x0a\xff\xff\xff\xff\x07",
        b"\xff" * 10_000,
    ):
        code, reason = await refused(town, partial(call, octets, timeout=60))
        assert code == "INVALID_ARGUMENT", octets[:4]
        assert reason not in {"", "INTERNAL"}
