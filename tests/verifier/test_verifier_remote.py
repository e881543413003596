"""Many presentations that a service verifies: one verdict each, over as few calls as it takes."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import status_pb2

import tlog
from disclosure import (
    DisclosureError,
    Presentation,
    SchemaName,
    SignedRequest,
    VerifierName,
    sign_request,
)
from tests.disclosure.world import DIRECTORY, REQUEST, SCHOOL_KEY
from tests.verifier.judging import ANSWER
from tests.verifier.scripted import Script, scripted
from tests.zkservice.batching import Crowd, crowd
from tests.zkservice.support import VALUES
from verifier import AnswerError
from verifier.client import RemoteVerdict, VerifierClient
from wire import convert
from wire.batch import MESSAGE_OCTETS
from wire.client import Endpoint, ServiceError
from zkproto.v1 import presentation_pb2

Asked = tuple[SignedRequest, Presentation]
Verdict = presentation_pb2.PresentationVerdict
ASKED = (sign_request(REQUEST, SCHOOL_KEY), ANSWER)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    async with crowd(tmp_path_factory.mktemp("crowd")) as opened:
        yield opened


def client_of(people: Crowd) -> VerifierClient:
    town = people.city
    endpoint = Endpoint.at(town.ready.address, town.ready.data / "ca.pem")
    log = tlog.Verifier.from_string(town.ready.verifier_key)
    return VerifierClient(endpoint, VerifierName("school"), town.verifier_keys["school"], log)


def asked(people: Crowd, number: int) -> Asked:
    request, presentation = people.answer(number)
    return sign_request(request, people.city.verifier_keys[request.verifier.verifier]), presentation


def flipped(answer: Asked) -> Asked:
    signed, presentation = answer
    *others, last = presentation.credentials
    proof = last.proof[:-1] + bytes([last.proof[-1] ^ 1])
    return signed, replace(presentation, credentials=(*others, replace(last, proof=proof)))


def bad(people: Crowd) -> list[tuple[str, Asked]]:
    signed, presentation = asked(people, 1)
    unknown = sign_request(
        people.city.request(schema=SchemaName("health", "nothing", 1)), people.city.verifier_keys["school"]
    )
    (part,) = presentation.credentials
    of_another_type = replace(part, shown=replace(part.shown, values={"district": 370102}))
    return [
        ("PROOF_INVALID", flipped(asked(people, 0))),
        ("PROOF_INVALID", flipped(asked(people, 2))),
        ("REQUEST_SIGNATURE_INVALID", (SignedRequest(signed.payload, bytes(64)), presentation)),
        ("MALFORMED", (SignedRequest(b"none", bytes(64)), presentation)),
        ("REQUEST_MISMATCH", (asked(people, 1)[0], presentation)),
        ("NOT_FOUND", (unknown, replace(presentation, request_digest=unknown.request.digest))),
        ("VALUE_INVALID", (signed, replace(presentation, credentials=(of_another_type,)))),
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_bad_ones_among_many_over_several_calls(people: Crowd) -> None:
    """Three hundred: more than one call takes, by their number and by their octets."""
    false = bad(people)
    members = [("", asked(people, number % 40)) for number in range(300 - len(false))] + false
    random.Random(1).shuffle(members)
    with client_of(people) as client:
        verdicts = await asyncio.to_thread(client.verify_remote_batch, [each for _, each in members])
        one = next(each for reason, each in members if not reason)
        assert await asyncio.to_thread(client.verify_remote, *one) in verdicts
    assert [getattr(each, "reason", "") for each in verdicts] == [reason for reason, _ in members]
    for (_, (signed, presentation)), verdict in zip(members, verdicts, strict=True):
        if isinstance(verdict, RemoteVerdict):
            assert verdict.presentation_digest == presentation.digest
            for query, said in zip(signed.request.queries, verdict.credentials, strict=True):
                assert said.values == {name: VALUES[name] for name in query.shown}
        else:
            assert isinstance(verdict, ServiceError | DisclosureError)


@pytest.mark.asyncio(loop_scope="module")
async def test_who_is_refused_is_told_code_reason_and_field(people: Crowd) -> None:
    with client_of(people) as client:
        (verdict,) = await asyncio.to_thread(client.verify_remote_batch, [flipped(asked(people, 0))])
        later = people.city.clock() + (REQUEST.expires - REQUEST.created) * 100
        (late,) = await asyncio.to_thread(client.verify_remote_batch, [asked(people, 0)], at=later)
        assert await asyncio.to_thread(client.verify_remote_batch, []) == ()
    assert isinstance(verdict, ServiceError)
    assert (verdict.code.name, verdict.reason) == ("INVALID_ARGUMENT", "PROOF_INVALID")
    assert [each.field for each in verdict.violations] == ["presentation.credentials[1].proof"]
    assert isinstance(late, ServiceError)
    assert late.reason == "REQUEST_EXPIRED"


async def test_a_service_that_takes_smaller_messages_gets_smaller_ones(tmp_path: Path) -> None:
    async with crowd(tmp_path, max_message_octets=MESSAGE_OCTETS // 2) as people:
        members = [asked(people, number % 10) for number in range(200)]
        members[77] = flipped(members[77])
        with client_of(people) as client:
            verdicts = await asyncio.to_thread(client.verify_remote_batch, members)
    assert [getattr(each, "reason", "") for each in verdicts] == [
        "PROOF_INVALID" if at == 77 else "" for at in range(200)
    ]


async def test_a_member_that_is_too_large_by_itself_fails_no_other(tmp_path: Path) -> None:
    async with crowd(tmp_path, max_message_octets=16 << 10) as people:
        members = [asked(people, 1), asked(people, 2)]
        for factor in (20, 60):  # for the service, and for what gRPC carries to it
            signed, presentation = members[0]
            (part,) = presentation.credentials
            large = replace(part.shown, values={"district": "1" * (factor << 10)})
            one = signed, replace(presentation, credentials=(replace(part, shown=large),))
            with client_of(people) as client:
                verdicts = await asyncio.to_thread(client.verify_remote_batch, [one])
                assert verdicts[0].reason in {"MESSAGE_TOO_LARGE", "RESOURCE_EXHAUSTED"}  # type: ignore[union-attr]
                if factor == 20:
                    verdicts = await asyncio.to_thread(client.verify_remote_batch, [members[1], one])
                    assert [getattr(each, "reason", "") for each in verdicts] == ["", "MESSAGE_TOO_LARGE"]


# ---- a service that fails or lies


def holds(**changes: Any) -> Verdict:
    parts = [
        presentation_pb2.VerifiedCredential(
            query=each.shown.query,
            department=f"departments/{each.shown.schema.department}",
            schema=str(each.shown.schema),
            values=convert.values_to(DIRECTORY.schema(each.shown.schema), each.shown.values.items()),
            expiry=convert.date_to(each.shown.expiry) if each.shown.expiry else None,
        )
        for each in ANSWER.credentials
    ]
    fields: dict[str, Any] = {"credentials": parts, "presentation_digest": ANSWER.digest} | changes
    return Verdict(verified=presentation_pb2.VerifyPresentationResponse(**fields))


def answer(*verdicts: Verdict) -> presentation_pb2.BatchVerifyPresentationsResponse:
    return presentation_pb2.BatchVerifyPresentationsResponse(verdicts=verdicts)


async def verdicts_of(folder: Path, count: int, *batches: Any) -> tuple[Any, list[Any]]:
    script = Script(batches=list(batches))
    async with scripted(folder, script) as client:
        verdicts = await asyncio.to_thread(client.verify_remote_batch, [ASKED] * count)
    return verdicts, script.calls


async def test_a_service_out_of_reach_for_a_moment_is_asked_the_same_again(tmp_path: Path) -> None:
    broken = grpc.StatusCode.UNAVAILABLE
    verdicts, calls = await verdicts_of(tmp_path, 2, broken, broken, answer(holds(), holds()))
    assert [type(each) for each in verdicts] == [RemoteVerdict] * 2
    assert len(calls) == 3
    assert len({each.SerializeToString(deterministic=True) for each in calls}) == 1


async def test_a_service_with_too_much_to_do_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.gathering.MAX_BULK", 1)
    async with crowd(tmp_path) as people:
        members = [asked(people, number) for number in range(2)]
        with client_of(people) as client:
            waiting = asyncio.create_task(asyncio.to_thread(client.verify_remote_batch, members))
            await asyncio.sleep(0.5)
            assert not waiting.done()
            monkeypatch.setattr("zkservice.gathering.MAX_BULK", 2)
            assert [type(each) for each in await waiting] == [RemoteVerdict] * 2


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_a_call_that_is_refused_as_a_whole(tmp_path: Path, code: grpc.StatusCode) -> None:
    with pytest.raises(ServiceError) as caught:
        await verdicts_of(tmp_path, 2, code)
    assert caught.value.code is code


@pytest.mark.parametrize(
    "lie",
    [
        answer(),
        answer(holds()),
        answer(holds(), holds(), holds()),
        answer(holds(), Verdict()),
        answer(holds(), Verdict(refused=status_pb2.Status())),
        answer(holds(presentation_digest=bytes(32)), holds()),
        answer(holds(), holds(credentials=[])),
    ],
)
async def test_what_no_service_says_of_a_batch(tmp_path: Path, lie: Any) -> None:
    with pytest.raises(AnswerError) as caught:
        await verdicts_of(tmp_path, 2, lie)
    assert caught.value.reason == "ANSWER_MALFORMED"
