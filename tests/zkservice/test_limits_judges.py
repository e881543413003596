"""Nobody has a worker do anything for nothing: garbage of each kind causes no job."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import VerifierName, canonical
from tests.zkservice.allowing import any_policy
from tests.zkservice.support import City, Issued, city, new_id, refusal
from zkproto.v1 import (
    errand_pb2,
    errand_pb2_grpc,
    issuance_pb2,
    presentation_pb2,
    publication_pb2,
    publication_pb2_grpc,
)
from zkservice import judging, signing
from zkservice.tasks import Outcome, Supplies

COMPOSITE: Final = "zk-disclosure/composite-request/v1"
Verify = presentation_pb2.VerifyPresentationRequest
JOBS: Counter[str] = Counter()


@pytest.fixture(scope="module")
def counted() -> Any:
    """Count the jobs that workers are given."""
    with pytest.MonkeyPatch.context() as patch:
        for kind, worker in (("judge", judging.Judge), ("signer", signing.Signer)):
            patch.setattr(worker, "work", counting(kind, worker.work))
        yield JOBS


def counting(kind: str, work: Callable[..., list[Outcome]]) -> Callable[..., list[Outcome]]:
    def act(self: Any, jobs: Sequence[Any], supplies: Supplies) -> list[Outcome]:
        JOBS[kind] += len(jobs)
        return work(self, jobs, supplies)

    return act


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(counted: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("judges")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issued(town: City) -> Issued:
    return await town.claim(await town.issue())


def true(town: City, issued: Issued) -> Verify:
    request = town.request()
    shown, note = town.present(request, issued)
    message = town.submission(presentation_pb2.CreateExchangeResponse(), shown, note)
    return Verify(
        signed_request=town.create_exchange(request).signed_request, presentation=message.presentation
    )


def altered(message: Verify, alter: Callable[[Verify], object]) -> Verify:
    made = Verify()
    made.CopyFrom(message)
    alter(made)
    return made


def composite(*items: Any) -> bytes:
    return canonical.encode(COMPOSITE, *items)


def _signature(message: Verify, octets: bytes) -> None:
    message.signed_request.signature = octets


def _payload(message: Verify, octets: bytes) -> None:
    message.signed_request.payload = octets


def _composite(message: Verify, octets: bytes) -> None:
    message.signed_request.payload = octets
    message.ClearField("presentation")
    message.composite_presentation.proof = bytes(20_000)


LARGE = ["verifiers/school", None, ["x" * 30_000]]
NOBODYS = ["verifiers/nobody", "x" * 20_000, *[0] * 6]
NAMELESS = canonical.encode("zk-disclosure/request/v1", "school")
GARBAGE: Final[dict[str, tuple[str, Callable[[Verify], object]]]] = {
    "no request": ("FIELD_MISSING", lambda each: each.ClearField("signed_request")),
    "no presentation": ("FIELD_MISSING", lambda each: each.ClearField("presentation")),
    "no signature": ("REQUEST_INVALID", lambda each: _signature(each, b"")),
    "a signature of zeros": ("REQUEST_SIGNATURE_INVALID", lambda each: _signature(each, bytes(64))),
    "no CBOR": ("MALFORMED", lambda each: _payload(each, b"\xff" * 60_000)),
    "nothing": ("MALFORMED", lambda each: _payload(each, b"")),
    "another label": ("MALFORMED", lambda each: _payload(each, canonical.encode("x", "verifiers/school"))),
    "a name that is none": (
        "REQUEST_INVALID", lambda each: _payload(each, NAMELESS),
    ),
    "the other form": ("REQUEST_MISMATCH", lambda each: _payload(each, composite(*LARGE, *[0] * 5))),
    "composite, large": (
        "REQUEST_SIGNATURE_INVALID", lambda each: _composite(each, composite(*LARGE, *[0] * 5)),
    ),
    "composite, nobody's": (
        "VERIFIER_UNKNOWN", lambda each: _composite(each, composite(*NOBODYS)),
    ),
    "composite, malformed": ("REQUEST_INVALID", lambda each: _composite(each, composite(7, *[0] * 7))),
}  # fmt: skip


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_without_a_verifiers_signature_is_no_job(town: City, issued: Issued, kind: str) -> None:
    reason, alter = GARBAGE[kind]
    good = true(town, issued)
    bad, before = altered(good, alter), +JOBS
    told = await refusal(town.presentation.VerifyPresentation(bad))
    batch = presentation_pb2.BatchVerifyPresentationsRequest(requests=[bad] * 2)
    verdicts = (await town.presentation.BatchVerifyPresentations(batch)).verdicts
    if bad.HasField("signed_request"):
        asked = presentation_pb2.CreateExchangeRequest(signed_request=bad.signed_request, request_id=new_id())
        if kind not in {"no presentation"}:
            await refusal(town.presentation.CreateExchange(asked))
    assert told.reason == reason
    assert all(each.WhichOneof("verdict") == "refused" for each in verdicts)
    assert before == JOBS


@pytest.mark.asyncio(loop_scope="module")
async def test_another_verifiers_signature_is_no_job(town: City, issued: Issued) -> None:
    request = town.request("school")
    for key, reason in (
        (town.verifier_keys["bank"], "REQUEST_SIGNATURE_INVALID"),
        (Ed25519PrivateKey.generate(), "REQUEST_SIGNATURE_INVALID"),
    ):
        forged, before = true(town, issued), +JOBS
        forged.signed_request.CopyFrom(town.create_exchange(request, key=key).signed_request)
        assert (await refusal(town.presentation.VerifyPresentation(forged))).reason == reason
        assert before == JOBS
    nobody = VerifierName("nobody")
    stranger = replace(request, verifier=nobody, policy=any_policy(nobody))
    forged, before = true(town, issued), +JOBS
    forged.signed_request.CopyFrom(
        town.create_exchange(stranger, key=Ed25519PrivateKey.generate()).signed_request
    )
    assert (await refusal(town.presentation.VerifyPresentation(forged))).reason == "VERIFIER_UNKNOWN"
    assert before == JOBS


@pytest.mark.asyncio(loop_scope="module")
async def test_of_a_batch_only_what_is_signed_is_judged(town: City, issued: Issued) -> None:
    good = true(town, issued)
    bad = [altered(good, alter) for _, alter in GARBAGE.values()]
    mixed = [each for pair in zip(bad, [good] * len(bad), strict=True) for each in pair]
    await town.presentation.VerifyPresentation(good)  # its judge knows by now what it needs
    before = JOBS["judge"]
    asked = presentation_pb2.BatchVerifyPresentationsRequest(requests=mixed)
    verdicts = (await town.presentation.BatchVerifyPresentations(asked)).verdicts
    kinds = [each.WhichOneof("verdict") for each in verdicts]
    assert kinds == ["refused", "verified"] * len(bad), "each verdict stands at its member's place"
    assert len(bad) <= JOBS["judge"] - before <= 3 * len(bad), "a job may be given again with what it missed"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_ticket_comes_before_any_job(town: City, issued: Issued) -> None:
    request = town.request()
    exchange = await town.ask(request)
    shown, note = town.present(request, issued)
    before = +JOBS
    for name, value, reason in (
        ("ticket", "x" * 43, "NOT_FOUND"),
        ("exchange", "exchanges/AAAAAAAAAAAAAAAAAAAAAA", "NOT_FOUND"),
        ("holder_note", bytes(1024), "NOTE_MISMATCH"),
        ("request_id", "1", "FIELD_INVALID"),
    ):
        submission = town.submission(exchange, shown, note)
        setattr(submission, name, value)
        assert (await refusal(town.presentation.SubmitPresentation(submission))).reason == reason
    assert before == JOBS
    assert (await town.presentation.SubmitPresentation(town.submission(exchange, shown, note))).receipt
    assert JOBS["judge"] > before["judge"], "and what holds is judged"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_code_or_token_comes_before_any_signature(town: City) -> None:
    offer = await town.issue()
    before = +JOBS
    wrong: dict[str, Any] = {"offer": offer.offer, "claim_code": "x" * 43, "request_id": new_id()}
    claim = town.issuance.ClaimCredential(issuance_pb2.ClaimCredentialRequest(**wrong))
    assert (await refusal(claim)).reason == "NOT_FOUND"
    composite_claim = town.issuance.ClaimCompositeCredential(
        issuance_pb2.ClaimCompositeCredentialRequest(**wrong)
    )
    assert (await refusal(composite_claim)).reason == "NOT_FOUND"
    issuing = town.issuing()
    assert (await refusal(town.issuance.IssueCredential(issuing))).reason == "TOKEN_MISSING"
    made_up = town.bearer("made up")
    assert (await refusal(town.issuance.IssueCredential(issuing, metadata=made_up))).reason == "TOKEN_INVALID"
    assert before == JOBS


@pytest.mark.asyncio(loop_scope="module")
async def test_an_errand_and_an_opening_take_what_only_the_service_gives(town: City, issued: Issued) -> None:
    before = +JOBS
    errands: Any = errand_pb2_grpc.ErrandServiceStub(town.channel)
    submitted = errand_pb2.SubmitErrandRequest(
        errand="errands/AAAAAAAAAAAAAAAAAAAAAA", ticket="x" * 43, request_id=new_id(),
        answers=[errand_pb2.ErrandAnswer()],
    )  # fmt: skip
    assert (await refusal(errands.SubmitErrand(submitted))).reason == "NOT_FOUND"
    publication: Any = publication_pb2_grpc.PublicationServiceStub(town.channel)
    opening = publication_pb2.RecordOpeningRequest(
        signed_request=true(town, issued).signed_request,
        presentation=presentation_pb2.CompositePresentation(proof=bytes(1000)),
        receipt=bytes(300), escrow="who", reference="2026-1", parts=[publication_pb2.PartialOpening()],
    )  # fmt: skip
    assert (await refusal(publication.RecordOpening(opening))).reason == "MALFORMED"
    assert before == JOBS


@pytest.mark.asyncio(loop_scope="module")
async def test_a_flood_of_garbage_leaves_the_judges_idle(town: City, issued: Issued) -> None:
    good = true(town, issued)
    bad = altered(good, GARBAGE["composite, large"][1])
    before = +JOBS
    calls = [refusal(town.presentation.VerifyPresentation(bad)) for _ in range(60)]
    assert {each.reason for each in await asyncio.gather(*calls)} == {"REQUEST_SIGNATURE_INVALID"}
    assert before == JOBS
