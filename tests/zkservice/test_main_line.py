"""The main line over a real server: issue, claim, ask, present, verify, receipt, audit."""

from pathlib import Path

from disclosure import ReceiptBody
from tests.zkservice.support import VALUES, City, city, new_id, refusal, reopened
from tlog.archive import verify_archive, write
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.convert import presentation_of
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2

Watch = presentation_pb2.WatchExchangeResponse


async def archive_of(town: City) -> list[bytes]:
    entries, token = [], ""
    while True:
        page = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=3, page_token=token))
        entries += page.entries
        token = page.next_page_token
        if not token:
            break
    head = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
    rows = ((each.entry, each.holder_note or None) for each in entries)
    return b"".join(write(Verifier.from_string(head.verifier_key), rows, head.checkpoint)).splitlines(True)


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

        report = verify_archive(await archive_of(town), key)
        assert (report.receipts, report.records) == (1, 1)


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
        verify_archive(await archive_of(town), Verifier.from_string(town.ready.verifier_key))


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
