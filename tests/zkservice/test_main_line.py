"""The main line over a real server: issue, claim, ask, present, verify, receipt, audit."""

from pathlib import Path

from disclosure import ReceiptBody
from tests.zkservice.auditing import audit
from tests.zkservice.support import VALUES, city, new_id, refusal, reopened
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.convert import presentation_of
from zkproto.v1 import issuance_pb2, presentation_pb2

Watch = presentation_pb2.WatchExchangeResponse


async def test_from_issue_to_audit(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        assert issued.credential.values == VALUES
        request = town.request(shown=("since", "district", "fee"))
        exchange = await town.ask(request)
        watch = town.presentation.WatchExchange(
            presentation_pb2.WatchExchangeRequest(
                exchange=exchange.exchange, result_token=exchange.result_token
            )
        )
        assert (await watch.read()).state == Watch.STATE_PENDING
        fetched = await town.presentation.FetchRequest(
            presentation_pb2.FetchRequestRequest(exchange=exchange.exchange, ticket=exchange.ticket)
        )
        assert fetched.signed_request.payload == request.canonical
        presentation, note = town.present(request, issued)
        submission = town.submission(exchange, presentation, note)
        answer = await town.presentation.SubmitPresentation(submission)
        key = Verifier.from_string(town.ready.verifier_key)
        receipt = verify_receipt(answer.receipt, key)
        assert receipt.index == answer.entry_index
        ReceiptBody.from_bytes(receipt.opening.body).check(request, presentation)

        told = await watch.read()
        assert told.state == Watch.STATE_VERIFIED
        assert told.receipt == answer.receipt
        assert presentation_of(told.presentation) == presentation
        again = await town.presentation.SubmitPresentation(submission)
        assert again.receipt == answer.receipt

        report = await audit(town)
        assert (report.receipts, report.records) == (1, 6), "a key, a schema, two verifiers, their policies"


async def test_the_log_outlives_the_process(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        _, submission, answer = await town.answered(issued)
        tokens, keys = town.department_token, town.verifier_keys
    async with reopened(tmp_path) as town:
        town.department_token, town.verifier_keys = tokens, keys
        again = await town.presentation.SubmitPresentation(submission)
        assert again.receipt == answer.receipt
        _, _, other = await town.answered(issued)
        assert other.entry_index > answer.entry_index
        await audit(town)


async def test_anything_seen_before_is_replayed(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        _, submission, _ = await town.answered(issued)
        changed = presentation_pb2.SubmitPresentationRequest()
        changed.CopyFrom(submission)
        changed.request_id = new_id()
        error = await refusal(town.presentation.SubmitPresentation(changed))
        assert (error.code.name, error.reason) == ("ALREADY_EXISTS", "REPLAYED")
        other = await town.ask(town.request())
        changed.exchange, changed.ticket = other.exchange, other.ticket
        error = await refusal(town.presentation.SubmitPresentation(changed))
        assert error.reason == "REPLAYED"


async def test_an_offer_is_claimed_once(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        offer = await town.issue()
        await town.claim(offer)
        ask = issuance_pb2.ClaimCredentialRequest(
            offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
        )
        assert (await refusal(town.issuance.ClaimCredential(ask))).reason == "OFFER_TAKEN"
        ask.claim_code = "x" * len(offer.claim_code)
        assert (await refusal(town.issuance.ClaimCredential(ask))).reason == "NOT_FOUND"
