"""The composite form over a real server, with judges that are threads and judges that are processes."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
import pytest_asyncio

import wire.published
from disclosure import ReceiptBody, VerifierName, sign_request
from disclosure.composite import (
    CompositeRequest,
    verify_composite,
)
from tests.disclosure.world import asked_by
from tests.zkservice.auditing import audit
from tests.zkservice.cases_composite import (
    ANSWER,
    MUTATIONS,
    UNANSWERABLE,
    Mutation,
    flipped,
    unanswerable,
    waived,
)
from tests.zkservice.composite_city import SCHOOL, CompositeCity, composite_city, where
from tests.zkservice.stored import dump
from tests.zkservice.support import new_id, refusal
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.composite import composite_presentation_of
from wire.convert import signed_request_of, signed_request_to
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 2], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


def log_of(town: CompositeCity) -> Verifier:
    return Verifier.from_string(town.city.ready.verifier_key)


@pytest.mark.parametrize("branch", ["main", "small"])
async def test_an_exchange_ends_with_a_receipt_that_both_sides_verify(
    town: CompositeCity, branch: str
) -> None:
    request = town.request()
    exchange = await town.ask(request)
    fetched = await town.city.presentation.FetchRequest(
        pb.FetchRequestRequest(exchange=exchange.exchange, ticket=exchange.ticket)
    )
    assert CompositeRequest.from_bytes(signed_request_of(fetched.signed_request).payload) == request
    watch = pb.WatchExchangeRequest(exchange=exchange.exchange, result_token=exchange.result_token)
    stream = town.city.presentation.WatchExchange(watch)
    assert (await stream.read()).state == pb.WatchExchangeResponse.STATE_PENDING
    answer, note = town.presented(request, branch)
    submission = town.submission(exchange, answer.presentation, note)
    stored = await town.city.presentation.SubmitPresentation(submission)
    seen = await stream.read()
    assert (seen.state, seen.receipt) == (pb.WatchExchangeResponse.STATE_VERIFIED, stored.receipt)
    assert not seen.HasField("presentation")
    presentation = composite_presentation_of(seen.composite_presentation)
    assert presentation == answer.presentation
    receipt = verify_receipt(stored.receipt, log_of(town))
    assert receipt.index == stored.entry_index
    body = ReceiptBody.from_bytes(receipt.opening.body)
    body.check(request, presentation)
    verify_composite(request, presentation, town.directory(), body.verified)
    assert await town.city.presentation.SubmitPresentation(submission) == stored
    later = await town.city.presentation.WatchExchange(watch).read()
    assert later == seen


async def test_a_verifier_reads_all_that_it_verifies_with_over_the_wire(town: CompositeCity) -> None:
    submission = await town.submitting(request := town.request())
    await town.city.presentation.SubmitPresentation(submission)
    presentation = composite_presentation_of(submission.composite_presentation)
    credentials = grpc.ssl_channel_credentials((town.city.ready.data / "ca.pem").read_bytes())

    def read() -> Any:
        with grpc.secure_channel(town.city.ready.address, credentials) as channel:
            proven = [each.epoch for each in presentation.answer.credentials if each.epoch]
            directory = wire.published.Reader(channel, log_of(town)).directory(request, proven)
            return verify_composite(request, presentation, directory, town.now)

    assert (await asyncio.to_thread(read)).digest == presentation.digest


@pytest.mark.parametrize("branch", ["main", "small"])
async def test_what_is_answered_is_what_the_library_says(town: CompositeCity, branch: str) -> None:
    request = town.request()
    presentation = town.presented(request, branch)[0].presentation
    before = dump(town.city.ready.data)
    answer = await town.verified(town.member(request, presentation))
    assert dump(town.city.ready.data) == before
    own = verify_composite(request, presentation, town.directory(), town.now)
    assert (answer.presentation_digest, answer.branch) == (own.digest, branch)
    assert {each.id: each.pseudonym for each in answer.pseudonyms} == own.pseudonyms
    assert list(answer.escrows) == (["who"] if branch == "main" else [])
    assert answer.commitment == b""
    assert [each.query for each in answer.credentials] == [
        each.shown.query for each in own.answer.credentials
    ]
    name = answer.credentials[0].values[0]
    assert (name.attribute, name.value.text) == ("name", "王小明")


async def test_a_credential_whose_revocation_is_waived(town: CompositeCity) -> None:
    request = town.request(waived(town))
    answers = [
        await town.verified(town.member(request, town.presented(request)[0].presentation)) for _ in range(2)
    ]
    assert len({each.pseudonyms[0].pseudonym for each in answers}) == 1
    assert len({each.presentation_digest for each in answers}) == 2


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
async def test_a_message_that_was_changed_is_refused_at_its_place(
    town: CompositeCity, mutation: Mutation
) -> None:
    member = town.good()
    mutation.change(member.composite_presentation)
    error = await refusal(town.verified(member))
    assert where(error) == (mutation.reason, mutation.field)
    assert error.detail


@pytest.mark.parametrize(
    "name", ["another usage tag", "an epoch of tomorrow", "no credentials", "another request", "proof cut"]
)
async def test_a_submission_that_was_changed_leaves_nothing(town: CompositeCity, name: str) -> None:
    mutation = next(each for each in MUTATIONS if each.name == name)
    submission = await town.submitting()
    before = dump(town.city.ready.data)
    changed = pb.SubmitPresentationRequest()
    changed.CopyFrom(submission)
    mutation.change(changed.composite_presentation)
    error = await refusal(town.city.presentation.SubmitPresentation(changed))
    assert where(error) == (mutation.reason, mutation.field)
    assert dump(town.city.ready.data) == before
    await town.city.presentation.SubmitPresentation(submission)


async def test_every_octet_of_a_message_counts(town: CompositeCity) -> None:
    """A sample of places: what still decodes as another message is refused."""
    member = town.good("small")
    octets = member.composite_presentation.SerializeToString()
    members = []
    for place in range(0, len(octets), 7):
        other = pb.VerifyPresentationRequest()
        other.CopyFrom(member)
        try:
            changed = bytes([*octets[:place], octets[place] ^ 1, *octets[place + 1 :]])
            other.composite_presentation.ParseFromString(changed)
        except Exception:  # no message
            continue
        members.append(other)
    assert len(members) > 100
    for first in range(0, len(members), 40):
        verdicts = await town.batch(*members[first : first + 40])
        assert not any(each.HasField("verified") for each in verdicts)


async def test_what_cannot_be_compiled_is_never_asked(town: CompositeCity) -> None:
    cases = list(unanswerable(town))
    assert {reason for reason, _, _ in cases} == UNANSWERABLE
    before = dump(town.city.ready.data)
    for reason, field, request in cases:
        error = await refusal(town.city.presentation.CreateExchange(town.asking(request)))
        assert where(error) == (reason, field), (reason, field)
    assert dump(town.city.ready.data) == before


async def test_a_request_that_its_verifier_did_not_sign_is_never_asked(town: CompositeCity) -> None:
    request = town.request(town.small())
    foreign = sign_request(request, town.city.verifier_keys["bank"])
    asked = pb.CreateExchangeRequest(signed_request=signed_request_to(foreign), request_id=new_id())
    error = await refusal(town.city.presentation.CreateExchange(asked))
    assert error.reason == "REQUEST_SIGNATURE_INVALID"
    stranger = asked_by(request, VerifierName("stranger"))
    signed = sign_request(stranger, town.city.verifier_keys[SCHOOL])
    asked.signed_request.CopyFrom(signed_request_to(signed))
    error = await refusal(town.city.presentation.CreateExchange(asked))
    assert where(error) == ("VERIFIER_UNKNOWN", "signed_request")
    asked.signed_request.payload = request.canonical[:-1]
    error = await refusal(town.city.presentation.CreateExchange(asked))
    assert where(error) == ("MALFORMED", "signed_request")
    past = replace(request, created=request.created - dt.timedelta(days=1), expires=request.created)
    error = await refusal(town.city.presentation.CreateExchange(town.asking(past)))
    assert error.reason == "REQUEST_EXPIRED"
    future = replace(request, created=request.expires, expires=request.expires + dt.timedelta(hours=1))
    error = await refusal(town.city.presentation.CreateExchange(town.asking(future)))
    assert error.reason == "REQUEST_NOT_YET_VALID"


async def test_the_same_call_opens_one_exchange(town: CompositeCity) -> None:
    asked = town.asking(town.request(town.small()))
    first = await town.city.presentation.CreateExchange(asked)
    assert await town.city.presentation.CreateExchange(asked) == first
    asked.request_id = new_id()
    assert (await refusal(town.city.presentation.CreateExchange(asked))).reason == "REPLAYED"


async def test_a_copy_of_an_opened_request_costs_no_judge_anything(
    town: CompositeCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = town.asking(town.request(town.small()))
    first = await town.city.presentation.CreateExchange(asked)

    def judged(*_: Any) -> Any:
        raise AssertionError("a judge is asked")

    monkeypatch.setattr("zkservice.services.asking.request_judgement", judged)
    assert await town.city.presentation.CreateExchange(asked) == first
    forged = pb.CreateExchangeRequest()
    forged.CopyFrom(asked)
    forged.signed_request.signature = bytes(64)
    error = await refusal(town.city.presentation.CreateExchange(forged))
    assert error.reason == "REQUEST_SIGNATURE_INVALID"
    asked.request_id = new_id()
    assert (await refusal(town.city.presentation.CreateExchange(asked))).reason == "REPLAYED"


async def test_nothing_is_accepted_twice(town: CompositeCity) -> None:
    submission = await town.submitting(request := town.request(town.small()))
    await town.city.presentation.SubmitPresentation(submission)
    again = pb.SubmitPresentationRequest()
    again.CopyFrom(submission)
    again.request_id = new_id()
    assert (await refusal(town.city.presentation.SubmitPresentation(again))).reason == "REPLAYED"
    other = await town.ask(town.request(town.small()))
    again.exchange, again.ticket = other.exchange, other.ticket
    assert (await refusal(town.city.presentation.SubmitPresentation(again))).reason == "REPLAYED"
    for change in (
        {"usage_tag": bytes(48)},
        {"proof": bytes(len(again.composite_presentation.proof))},
    ):
        part = pb.SubmitPresentationRequest()
        part.CopyFrom(again)
        for name, octets in change.items():
            setattr(part.composite_presentation, name, octets)
        assert (await refusal(town.city.presentation.SubmitPresentation(part))).reason == "REPLAYED"
    fetch = pb.FetchRequestRequest(exchange=submission.exchange, ticket=submission.ticket)
    error = await refusal(town.city.presentation.FetchRequest(fetch))
    assert (error.reason, request.digest != b"") == ("EXCHANGE_ANSWERED", True)


async def test_a_presentation_of_another_exchange_is_refused(town: CompositeCity) -> None:
    first, second = await town.submitting(), await town.submitting()
    first.exchange, first.ticket = second.exchange, second.ticket
    error = await refusal(town.city.presentation.SubmitPresentation(first))
    assert where(error) == ("REQUEST_MISMATCH", f"{ANSWER}.request_digest")


async def test_the_note_is_the_one_that_the_presentation_commits_to(town: CompositeCity) -> None:
    submission = await town.submitting()
    submission.holder_note = bytes(1024)
    error = await refusal(town.city.presentation.SubmitPresentation(submission))
    assert where(error) == ("NOTE_MISMATCH", "holder_note")


async def test_a_ticket_buys_no_verification_without_end(town: CompositeCity) -> None:
    submission = await town.submitting(town.request(town.small()))
    false = pb.SubmitPresentationRequest()
    false.CopyFrom(submission)
    false.composite_presentation.proof = flipped(submission.composite_presentation.proof)
    for _ in range(20):
        assert (await refusal(town.city.presentation.SubmitPresentation(false))).reason == "PROOF_INVALID"
    error = await refusal(town.city.presentation.SubmitPresentation(submission))
    assert error.reason == "TOO_MANY_ATTEMPTS"


async def test_an_exchange_ends_with_its_request(town: CompositeCity) -> None:
    submission = await town.submitting()
    town.city.clock.ahead = dt.timedelta(hours=1)
    try:
        error = await refusal(town.city.presentation.SubmitPresentation(submission))
        assert error.reason == "REQUEST_EXPIRED"
        fetch = pb.FetchRequestRequest(exchange=submission.exchange, ticket=submission.ticket)
        assert (await refusal(town.city.presentation.FetchRequest(fetch))).reason == "REQUEST_EXPIRED"
    finally:
        town.city.clock.ahead = dt.timedelta()


async def test_a_presentation_is_judged_as_of_the_moment_that_is_asked_for(town: CompositeCity) -> None:
    member = town.good("small")
    member.verify_time.FromDatetime(town.now + dt.timedelta(hours=2))
    assert (await refusal(town.verified(member))).reason == "REQUEST_EXPIRED"
    member.verify_time.FromDatetime(town.now + dt.timedelta(minutes=30))
    assert (await town.verified(member)).branch == "small"
    member.verify_time.nanos = -1
    assert where(await refusal(town.verified(member))) == ("VALUE_INVALID", "verify_time")


async def test_the_ledger_holds_what_was_answered_and_says_nothing_of_it(town: CompositeCity) -> None:
    submission = await town.submitting()
    await town.city.presentation.SubmitPresentation(submission)
    assert (await audit(town.city)).receipts > 0
    rows = repr(dump(town.city.ready.data)["ledger_entry"]) + repr(dump(town.city.ready.data)["answer"])
    proof = bytes(submission.composite_presentation.proof)
    assert repr(proof)[2:40] not in rows
    assert "王小明" not in rows
