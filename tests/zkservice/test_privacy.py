"""What the operator sees: logs, database files and ledger tell nothing of a person, and no secret."""

import asyncio
import base64
import datetime as dt
import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from disclosure import ReceiptBody
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, City, Issued, city, new_id, refusal, reopened
from tlog.entry import RecordEntry, parse_entry
from tlog.receipt import ReceiptOpening
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2

NAME, NUMBER = str(VALUES["name"]), VALUES["number"]
assert isinstance(NUMBER, bytes)
PERSONAL = [NAME.encode(), NAME.encode("utf-16-le"), NUMBER, NUMBER.hex().encode(), base64.b64encode(NUMBER)]


def forms(text: str) -> list[bytes]:
    """Return a text as it might stand in a log or file."""
    return [text.encode(), json.dumps(text)[1:-1].encode(), repr(text.encode())[2:-1].encode()]


def found(needles: Iterable[bytes], *files: Path) -> list[str]:
    """Return which needle stands in which file."""
    octets = {path: path.read_bytes() for path in files if path.exists()}
    return [f"{needle!r} in {path.name}" for needle in needles for path in octets if needle in octets[path]]


def database_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("service.sqlite3*"))


async def claim(town: City, offer: Any) -> issuance_pb2.ClaimCredentialRequest:
    asked = issuance_pb2.ClaimCredentialRequest(
        offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
    )
    await town.issuance.ClaimCredential(asked)
    return asked


async def acknowledge(town: City, asked: issuance_pb2.ClaimCredentialRequest) -> None:
    await town.issuance.AcknowledgeCredential(
        issuance_pb2.AcknowledgeCredentialRequest.FromString(asked.SerializeToString())
    )


async def ask_for_everything(town: City, issued: Issued) -> Any:
    """Show every value, as no honest verifier asks: the worst that the service ever gets to see."""
    request = town.request(shown=tuple(VALUES))
    exchange = await town.ask(request)
    submission = town.submission(exchange, *town.present(request, issued))
    answer = await town.presentation.SubmitPresentation(submission)
    return request, exchange, submission, answer


async def refused_calls(town: City, secrets: list[str]) -> None:
    """Send personal data and secrets to where they do not belong."""
    wrong = town.issuing()
    wrong.values.add(attribute=NAME).value.text = NAME
    wrong.values[0].value.text = NAME * 40
    for token in (town.department_token, secrets[0]):
        await refusal(town.issuance.IssueCredential(wrong, metadata=town.bearer(token)))
    ask = issuance_pb2.ClaimCredentialRequest(offer=f"offers/{NAME}", claim_code=NAME, request_id=NAME)
    await refusal(town.issuance.ClaimCredential(ask))
    fetch = presentation_pb2.FetchRequestRequest(exchange="exchanges/none", ticket=secrets[1])
    await refusal(town.presentation.FetchRequest(fetch))


async def test_the_log_of_a_whole_story_names_nobody_and_holds_no_secret(tmp_path: Path) -> None:
    async with started(tmp_path, log_level="debug") as process:
        async with process.city() as town:
            await town.furnish()
            offer = await town.issue()
            issued = await town.claim(offer)
            request, exchange, submission, answer = await ask_for_everything(town, issued)
            watch = presentation_pb2.WatchExchangeRequest(
                exchange=exchange.exchange, result_token=exchange.result_token
            )
            assert await town.presentation.WatchExchange(watch).read()
            assert await town.presentation.SubmitPresentation(submission) == answer
            secrets = [
                town.admin, town.department_token, offer.claim_code, exchange.ticket, exchange.result_token,
                submission.request_id, exchange.exchange[10:], offer.offer[7:],
            ]  # fmt: skip
            await refused_calls(town, secrets)
        process.end(signal.SIGTERM)
        assert await process.ended() == 0
    log = tmp_path / "server.log"
    assert log.read_text().count("SubmitPresentation") == 2
    assert "ATTRIBUTE_UNKNOWN" in log.read_text()
    needles = [*PERSONAL, *(form for each in (NAME, *secrets) for form in forms(each))]
    needles += [request.nonce.hex().encode(), answer.receipt, base64.b64encode(request.digest)]
    assert found(needles, log) == []
    for line in log.read_text().splitlines():
        assert set(json.loads(line)) <= {
            "event", "level", "timestamp", "method", "code", "reason", "ms", "address", "count", "height",
            "request_id", "role",
        }  # fmt: skip


async def test_the_database_never_holds_a_value_in_clear(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        offer = await town.issue()
        assert found(PERSONAL, *database_files(tmp_path)) == []
        asked = await claim(town, offer)
        assert found(PERSONAL, *database_files(tmp_path)) == []
        await acknowledge(town, asked)
        issued = await town.claim(await town.issue())
        _, exchange, submission, _ = await ask_for_everything(town, issued)
        assert found(PERSONAL, *database_files(tmp_path)) == []
        secrets = [
            town.admin, town.department_token, offer.claim_code, exchange.ticket, exchange.result_token
        ]  # fmt: skip
        proof = submission.presentation.credentials[0].proof
        hidden = [
            *map(str.encode, secrets),
            issued.credential.signature,
            proof,
            submission.presentation.usage_tag,
        ]
        assert found(hidden, *database_files(tmp_path)) == []
        assert any(path.name.endswith("-wal") and path.stat().st_size for path in database_files(tmp_path))
    assert found([*PERSONAL, *hidden], *database_files(tmp_path)) == []


async def test_what_is_kept_of_an_issued_value_cannot_be_guessed_at(tmp_path: Path) -> None:
    """Two services that issue the same values under the same request_id keep different fingerprints."""
    request_id, kept = new_id(), []
    for name in "ab":
        (tmp_path / name).mkdir()
        async with city(tmp_path / name) as town:
            await town.issue(request_id=request_id)
            await town.issue(request_id=request_id)
        (row,) = dump(tmp_path / name)["offer"]
        kept.append(row[4])
    assert len({*kept}) == 2
    assert {len(each) for each in kept} == {32}


async def test_a_credential_that_is_stored_in_its_vault_is_gone(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        asked = await claim(town, await town.issue())
        (offer,) = dump(tmp_path)["offer"]
        sealed = offer[7]
        assert len(sealed) > 200
        await acknowledge(town, asked)
        (offer,) = dump(tmp_path)["offer"]
        assert (offer[5], offer[7]) == ("done", None)
    # The log of writes goes with the last connection; what is then left of the database has it no more.
    kept = [path.name for path in database_files(tmp_path) if path.stat().st_size]  # a lock is empty
    assert kept == ["service.sqlite3"]
    assert (
        found([sealed[at : at + 24] for at in range(0, len(sealed) - 24, 24)], *database_files(tmp_path))
        == []
    )


@pytest.mark.parametrize("claimed", [False, True])
async def test_a_credential_that_nobody_stores_is_forgotten_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claimed: bool
) -> None:
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.05)
    async with city(tmp_path, offer_days=1) as town:
        offer = await town.issue()
        if claimed:
            await claim(town, offer)
        await asyncio.sleep(0.15)
        assert dump(tmp_path)["offer"][0][7] is not None
        town.clock.ahead = dt.timedelta(days=1, seconds=1)
        async with asyncio.timeout(5):
            while dump(tmp_path)["offer"][0][7] is not None:
                await asyncio.sleep(0.02)
        assert dump(tmp_path)["offer"][0][5] == "expired"
        with pytest.raises(Exception, match="in time"):
            await claim(town, offer)


async def test_the_ledger_holds_nothing_of_request_or_values(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        request, exchange, submission, answer = await ask_for_everything(town, issued)
        again_request, again_exchange, again, again_answer = await ask_for_everything(town, issued)
        listed = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=1000))
        public = b"".join(each.entry for each in listed.entries)
        public += (await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())).SerializeToString()
    presentation = submission.presentation
    private = [
        *PERSONAL, request.digest, request.nonce, request.canonical, presentation.usage_tag,
        presentation.credentials[0].proof, exchange.exchange.encode()[10:], issued.credential.signature,
        exchange.ticket.encode(),
    ]  # fmt: skip
    assert [each for each in private if each in public] == []
    # Who is registered stands there, and not who has asked for what.
    entries = [each.entry for each in listed.entries]
    uses = b"".join(each for each in entries if not isinstance(parse_entry(each), RecordEntry))
    assert [each for each in (b"school", b"residence_permit") if each in uses] == []
    # Two uses of one credential for the same question have nothing in common that outsiders see.
    leaves = [listed.entries[each.entry_index] for each in (answer, again_answer)]
    prefix = len(b"zk-disclosure/receipt/v1\n")
    assert leaves[0].entry[:prefix] == leaves[1].entry[:prefix]
    parts = [{each.entry[at : at + 8] for at in range(prefix, len(each.entry) - 8)} for each in leaves]
    assert not parts[0] & parts[1]
    assert again_exchange.exchange != exchange.exchange
    assert again.presentation.usage_tag != presentation.usage_tag
    assert again_request.digest != request.digest


async def test_a_receipt_opens_for_its_holder_only_to_what_it_says(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        request, _, _, answer = await ask_for_everything(town, issued)
    line = next(each for each in answer.receipt.splitlines() if each.startswith(b"extra "))
    opening = ReceiptOpening.parse(base64.b64decode(line[6:]))
    body = ReceiptBody.from_bytes(opening.body)
    assert (body.verifier, body.request_digest) == (request.verifier, request.digest)
    assert not any(each in opening.to_bytes() for each in PERSONAL)
    async with reopened(tmp_path):
        assert found([opening.salt, opening.body], *database_files(tmp_path)) == []
