"""Receipts count in the vault's page for what they count for in Python's; records are read strictly."""

import datetime as dt
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from disclosure import DisclosureError, ReceiptBody, Schema, VerifierName
from disclosure.event import EventBody, EventKind
from prover import Usage, UsageState, VaultKeys, check_usage, plan, present
from prover.events import Call, Event, EventState
from prover.history import check_event
from prover.notes import EventNote, seal_event
from tests.prover.making import (
    LOG_KEY,
    NOW,
    SCHOOL,
    VERIFIER,
    fetched,
    flip,
    insurance,
    receipt_of,
    request,
    residence,
)
from tests.tlog.making import ORIGIN, Log, record
from tests.web.showing import needs_pages, run_showing
from tlog import ReceiptOpening, Signer, TlogError, inclusion_proof, receipt_file

pytestmark = needs_pages
KEYS: Final = VaultKeys(bytes(range(32)))
OTHERS: Final = VaultKeys(bytes(32))
NOTE: Final = EventNote(EventKind.DECLINED, "verifiers/school", SCHOOL, bytes(range(32)), NOW)


def usage_by(keys: VaultKeys) -> tuple[Usage, list[Schema]]:
    held = [residence(), insurance()]
    made = present(plan(request(), held, NOW), keys, NOW)
    asked = fetched(made.request)
    schemas = {each.schema.name: each.schema for each in held}
    usage = Usage(
        "0" * 32, UsageState.SENT, NOW, asked.link, made.request_id, SCHOOL, asked.signed_request,
        made.presentation, schemas, made.holder_note, KEYS.recognises(made.presentation.usage_tag),
    )  # fmt: skip
    return usage, list(schemas.values())


def of_usage(usage: Usage, schemas: list[Schema], receipt: bytes) -> list[Any]:
    return [
        "usage",
        {
            "payload": usage.signed_request.payload.hex(), "signature": usage.signed_request.signature.hex(),
            "canonical": usage.presentation.canonical.hex(), "holderNote": usage.holder_note.hex(),
            "schemas": [each.canonical.hex() for each in schemas], "receipt": receipt.hex(),
        },
    ]  # fmt: skip


def of_event(event: Event, receipt: bytes) -> list[Any]:
    note = event.note
    return [
        "event",
        {
            "holderNote": event.holder_note.hex(), "receipt": receipt.hex(),
            "note": {
                "kind": note.kind.value, "party": note.party, "title": {"zh": "校", "en": "School"},
                "digest": note.digest.hex(), "time": round(note.time.timestamp() * 1000), "detail": "",
            },
        },
    ]  # fmt: skip


def expected(kept: Usage | Event, receipt: bytes) -> str:
    try:
        if isinstance(kept, Usage):
            answered = replace(kept, state=UsageState.ANSWERED, receipt=receipt)
            return str(check_usage(answered, LOG_KEY).index)
        recorded = replace(kept, state=EventState.RECORDED, receipt=receipt)
        return str(check_event(recorded, LOG_KEY).index)
    except (TlogError, DisclosureError) as error:
        return str(error.reason)


def event_receipt(body: bytes, note: bytes) -> bytes:
    opening = ReceiptOpening(hashlib.sha256(b"salt").digest(), body, note)
    log = Log()
    log.add([record(0), opening.entry().to_bytes()], [None, bytes(1024)])
    return receipt_file(opening, 1, inclusion_proof(1, log.size, log.node), log.signed())


async def said(built: Path, cases: list[list[Any]]) -> list[Any]:
    given = {"log": str(LOG_KEY), "tags": KEYS._tags.hex(), "cases": cases}
    answers: list[Any] = json.loads(await run_showing(built, "receipts.mjs", given))
    return answers


async def test_a_receipt_counts_for_its_own_use_only(built: Path) -> None:
    usage, schemas = usage_by(KEYS)
    foreign, _ = usage_by(OTHERS)
    body = ReceiptBody(VERIFIER, usage.request.digest, usage.presentation.digest, NOW)
    note = usage.answer.note_hash
    bodies = {
        "another verifier": replace(body, verifier=VerifierName("bank")),
        "another request": replace(body, request_digest=bytes(32)),
        "another presentation": replace(body, presentation_digest=bytes(32)),
        "verified when the request had ended": replace(body, verified=usage.request.expires),
        "verified before": replace(body, verified=usage.request.created - dt.timedelta(hours=1)),
    }
    cases = {
        "good": (usage, receipt_of(usage)),
        **{name: (usage, receipt_of(usage, body=each)) for name, each in bodies.items()},
        "another note": (usage, receipt_of(usage, holder_note_hash=bytes(32))),
        "another sealed note": (replace(usage, holder_note=flip(usage.holder_note, 500)), receipt_of(usage)),
        "another vault's tag": (foreign, receipt_of(foreign)),
        "another use": (usage, receipt_of(foreign)),
        "an event's body": (
            usage, event_receipt(EventBody(EventKind.SENT, "verifiers/v", bytes(32), NOW).to_bytes(), note)
        ),
        "a body that goes on": (usage, event_receipt(body.to_bytes() + b"\x00", note)),
        "no body": (usage, event_receipt(b"", note)),
        "no receipt": (usage, b""),
    }  # fmt: skip
    mine = {name: expected(*each) for name, each in cases.items()}
    theirs = await said(built, [of_usage(one, schemas, receipt) for one, receipt in cases.values()])
    assert dict(zip(cases, theirs, strict=True)) == mine
    assert [name for name, each in mine.items() if each == "1"] == ["good"]


async def test_a_receipt_that_was_changed_or_is_of_another_log_is_refused(built: Path) -> None:
    usage, schemas = usage_by(KEYS)
    receipt = receipt_of(usage)
    changed = [flip(receipt, place) for place in range(0, len(receipt), 5)]
    theirs = await said(built, [of_usage(usage, schemas, each) for each in changed])
    assert not any(each.isdigit() for each in theirs)
    stranger = Signer.from_secret(ORIGIN, hashlib.sha256(b"stranger").digest())
    given = {
        "log": str(stranger.verifier),
        "tags": KEYS._tags.hex(),
        "cases": [of_usage(usage, schemas, receipt)],
    }
    assert json.loads(await run_showing(built, "receipts.mjs", given)) == ["NOTE_UNSIGNED"]


async def test_an_events_receipt_is_of_its_kind_party_matter_and_note(built: Path) -> None:
    sealed = seal_event(KEYS, NOTE)
    event = Event("1" * 32, EventState.SENT, NOTE, "h:1", "r", Call("/a/b", b"\x00"), sealed)
    body = EventBody(NOTE.kind, NOTE.party, NOTE.digest, NOW)
    own = hashlib.sha256(b"zk-disclosure/holder-note/v1\n" + sealed).digest()
    bodies = {
        "good": body,
        "another kind": replace(body, kind=EventKind.OVER_ASKED),
        "another party": replace(body, party="verifiers/bank"),
        "another matter": replace(body, digest=bytes(32)),
    }
    cases = {name: event_receipt(each.to_bytes(), own) for name, each in bodies.items()}
    cases |= {
        "another note": event_receipt(body.to_bytes(), bytes(32)),
        "a use's body": event_receipt(ReceiptBody(VERIFIER, bytes(32), bytes(32), NOW).to_bytes(), own),
        "cut": event_receipt(body.to_bytes()[:-1], own),
    }
    mine = {name: expected(event, each) for name, each in cases.items()}
    theirs = await said(built, [of_event(event, each) for each in cases.values()])
    assert dict(zip(cases, theirs, strict=True)) == mine
    assert [name for name, each in mine.items() if each == "1"] == ["good"]


async def test_records_are_read_as_they_were_written_and_nothing_else_is(built: Path) -> None:
    usage, schemas = usage_by(KEYS)
    event = Event("1" * 32, EventState.SENT, NOTE, "h:1", "r", Call("/a/b", b"\x00"), seal_event(KEYS, NOTE))
    (found,) = await said(
        built,
        [["records", {"usage": of_usage(usage, schemas, b"")[1], "event": of_event(event, b"")[1]}]],
    )
    assert (found["same"], found["roundtrip"]) == ([True] * 3, True)
    assert found["wrong"] == ["VAULT_DAMAGED"] * 3
    # Of what is only told or sent (a server's name, a message) another value of its kind is read.
    for kind, items, free in (("uses", 13, 5), ("events", 10, 4)):
        assert len(found[kind]) > items * 7
        assert set(found[kind]) == {"VAULT_DAMAGED", "read"}
        assert found[kind].count("read") <= free, found[kind]
