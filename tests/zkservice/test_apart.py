"""What strangers have the service compute: never in its event loop, nor on the threads that it needs."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any, Final

import pytest

from disclosure import Request, canonical
from disclosure.standing import StandingTerms
from tests.zkservice.support import City, city, new_id, refusal
from zkproto.v1 import consent_pb2, consent_pb2_grpc, presentation_pb2
from zkservice import signatures, tenants
from zkservice.apart import Apart
from zkservice.errors import ServiceError, ServiceReason
from zkservice.tenants import Call

LABEL: Final = "zk-disclosure/request/v1"
SMALL, LARGE, HUGE = 300, 8_000, 60_000


@pytest.fixture
def apart() -> Iterator[Apart]:
    opened = Apart()
    yield opened
    opened.close()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note in which thread requests and terms are decoded and signatures checked."""
    noted: list[str] = []

    def noting(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*given: Any) -> Any:
            noted.append(threading.current_thread().name)
            return act(*given)

        return acting

    for kind in (Request, StandingTerms):
        monkeypatch.setattr(kind, "from_bytes", staticmethod(noting(kind.from_bytes)))
    monkeypatch.setattr(signatures, "_refusal", noting(signatures._refusal))
    return noted


def unsigned(octets: int) -> presentation_pb2.SignedRequest:
    """Make a request of a verifier that there is: many tiny items, and no signature of anybody's."""
    payload = canonical.encode(LABEL, "verifiers/school", [0] * octets)
    return presentation_pb2.SignedRequest(payload=payload, signature=bytes(64))


def opening(octets: int) -> presentation_pb2.CreateExchangeRequest:
    return presentation_pb2.CreateExchangeRequest(signed_request=unsigned(octets), request_id=new_id())


async def as_tenant(name: str, act: Callable[[], Any], ends: float = float("inf")) -> Any:
    """Run a coroutine as a call of this tenant."""
    call = Call(name, "ipv4:192.0.2.1:1", False, ends, lambda _: None, lambda _: None, lambda _: None)
    context = copy_context()
    context.run(tenants.enter, call)
    return await asyncio.create_task(act(), context=context)


@pytest.mark.parametrize(
    ("octets", "reason", "where"),
    [
        (SMALL, "REQUEST_INVALID", ["MainThread", "MainThread"]),
        (LARGE, "REQUEST_INVALID", ["MainThread", "apart_0"]),
        (HUGE, "REQUEST_SIGNATURE_INVALID", ["MainThread"]),
    ],
    ids=["small", "large", "huge"],
)
async def test_an_unsigned_request_of_some_size_is_not_decoded_in_the_loop(
    town: City, threads: list[str], octets: int, reason: str, where: list[str]
) -> None:
    refused = await refusal(town.presentation.CreateExchange(opening(octets)))
    assert refused.reason == reason
    assert threads == where, "the signature first, and then what else is wrong"


async def test_terms_of_strangers_are_decoded_apart(town: City, threads: list[str]) -> None:
    terms = consent_pb2.SignedTerms(payload=unsigned(LARGE).payload, signature=bytes(64))
    asked = consent_pb2.CreateConsentRequest(signed_terms=terms, request_id=new_id())
    stub = consent_pb2_grpc.ConsentServiceStub(town.channel)
    assert (await refusal(stub.CreateConsent(asked))).reason == "MALFORMED"
    assert threads == ["apart_0"]


async def test_the_signatures_of_a_batch_are_checked_apart(town: City, threads: list[str]) -> None:
    members = [
        presentation_pb2.VerifyPresentationRequest(
            signed_request=unsigned(SMALL + each), presentation=presentation_pb2.Presentation()
        )
        for each in range(70)
    ]
    answer = await town.presentation.BatchVerifyPresentations(
        presentation_pb2.BatchVerifyPresentationsRequest(requests=members)
    )
    assert len(answer.verdicts) == 70
    assert not any(each.HasField("verified") for each in answer.verdicts)
    assert set(threads) == {"apart_0"}
    assert len(threads) == 140


async def test_whoever_has_much_computed_holds_nobody_up(apart: Apart) -> None:
    done: list[str] = []
    gate = threading.Event()

    async def piece(name: str) -> None:
        def act() -> None:
            gate.wait(60)
            done.append(name)

        await apart.run(act)

    flood = [asyncio.create_task(as_tenant("a", lambda: piece("a"))) for _ in range(200)]
    await asyncio.sleep(0)
    other = asyncio.create_task(as_tenant("b", lambda: piece("b")))
    async with asyncio.timeout(60):
        assert await asyncio.to_thread(lambda: 1) == 1, "the service's own threads are free"
        gate.set()
        await asyncio.gather(other, *flood)
    assert done.index("b") <= 2
    assert len(done) == 201


async def test_what_raises_is_told_to_its_caller_alone(apart: Apart) -> None:
    def fail() -> None:
        raise ValueError("mine")

    told = await asyncio.gather(apart.run(fail), apart.run(lambda: 2), return_exceptions=True)
    assert isinstance(told[0], ValueError)
    assert told[1] == 2


async def test_what_nobody_waits_for_is_not_computed(apart: Apart) -> None:
    done: list[int] = []

    async def late() -> None:
        await apart.run(lambda: done.append(1))

    with pytest.raises(ServiceError) as refused:
        await as_tenant("a", late, ends=time.monotonic() - 1)
    assert refused.value.reason == ServiceReason.CALL_TIMEOUT
    assert done == []
