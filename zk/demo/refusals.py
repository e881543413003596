"""What must fail: each forgery goes to the real server, and its own status and reason come back."""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from disclosure import Schema
from prover.present import plan, present
from prover.records import Usage
from verifier.client import OpenExchange
from verifier.policy import Policy
from wire.client import ServiceError
from zk.demo.people import OTHER_DISTRICT, OTHER_SCHOOL, SCHOOL
from zk.demo.result import Refusal
from zk.demo.rogue import Submission, self_issued
from zk.demo.stage import Answering, Stage, utc_now
from zk.exits import Exit
from zk.messages import Language

SHORT_LIFE: Final = dt.timedelta(seconds=2)
_INVALID: Final = "INVALID_ARGUMENT"


def refused(name: str, expected: tuple[str, str], action: Callable[[], object]) -> Refusal:
    """Do what must fail; note how the service refused it, or that it did not."""
    try:
        action()
    except ServiceError as error:
        return Refusal(name, expected, error.code.name, error.reason, error.detail)
    return Refusal(name, expected, "OK", "", "")


def changed_attribute(stage: Stage, policy: Policy) -> tuple[Refusal, Usage]:
    """Another district than the signed one; then the same exchange takes the true answer all the same."""
    opened = stage.ask(SCHOOL, policy)
    answering = stage.prepare(opened.link)
    forged = Submission.of(answering.prepared).with_value("residence", "district", OTHER_DISTRICT)
    refusal = refused(
        "demo.refused.changed_attribute",
        (_INVALID, "PROOF_INVALID"),
        lambda: forged.submit(stage.endpoint, opened.link),
    )
    return refusal, stage.send(answering)


def replayed(stage: Stage, policy: Policy, usage: Usage) -> tuple[list[Refusal], bool]:
    """An answer that was accepted, sent again: by its vault, by somebody else, into another exchange.

    Its own vault gets the stored receipt once more; second in the result is whether it was the same.
    """
    sent = Submission(usage.presentation, usage.holder_note, usage.schemas, usage.request_id)
    again = sent.submit(stage.endpoint, usage.link)
    other = stage.ask(SCHOOL, policy)
    stranger = sent.by_somebody_else()
    refusals = [
        refused(
            "demo.refused.replayed",
            ("ALREADY_EXISTS", "REPLAYED"),
            lambda: stranger.submit(stage.endpoint, usage.link),
        ),
        refused(
            "demo.refused.replayed_elsewhere",
            ("ALREADY_EXISTS", "REPLAYED"),
            lambda: stranger.submit(stage.endpoint, other.link),
        ),
    ]
    return refusals, again.receipt == usage.receipt


def other_verifier(stage: Stage, policy: Policy) -> list[Refusal]:
    """An answer for the school, sent by somebody to an exchange of another school that asks the same."""
    answering = stage.prepare(stage.ask(SCHOOL, policy).link)
    other = stage.ask(OTHER_SCHOOL, policy)
    stolen = Submission.of(answering.prepared)
    rewritten = stolen.for_request(other.signed_request.request.digest)
    return [
        refused(
            "demo.refused.other_verifier",
            (_INVALID, "REQUEST_MISMATCH"),
            lambda: stolen.submit(stage.endpoint, other.link),
        ),
        refused(
            "demo.refused.other_verifier_rewritten",
            (_INVALID, "PROOF_INVALID"),
            lambda: rewritten.submit(stage.endpoint, other.link),
        ),
    ]


def prepare_to_be_late(stage: Stage, policy: Policy) -> tuple[OpenExchange, Answering]:
    """Ask for a moment only, and prove in time what will be sent too late."""
    opened = stage.ask(SCHOOL, policy, SHORT_LIFE)
    return opened, stage.prepare(opened.link)


def expired(stage: Stage, late: tuple[OpenExchange, Answering]) -> Refusal:
    """Send an answer after its request has ended."""
    opened, answering = late
    left = (opened.expires - utc_now()).total_seconds()
    time.sleep(max(0.0, left) + 0.05)
    return refused(
        "demo.refused.expired",
        ("FAILED_PRECONDITION", "REQUEST_EXPIRED"),
        lambda: Submission.of(answering.prepared).submit(stage.endpoint, opened.link),
    )


def unknown_issuer(stage: Stage, policy: Policy, permit: Schema) -> Refusal:
    """A permit that the holder signed in the department's name, with a key that nobody registered."""
    opened = stage.ask(SCHOOL, policy)
    answering = stage.prepare(opened.link)
    values = {**stage.holder.permit(), "district": OTHER_DISTRICT}
    own = self_issued(permit, values, utc_now())
    others = [each for each in stage.vault.credentials() if each.schema.name != permit.name]
    planned = plan(answering.fetched.request, [own, *others], utc_now())
    prepared = present(planned, stage.vault.keys, utc_now())
    return refused(
        "demo.refused.unknown_issuer",
        ("FAILED_PRECONDITION", "ISSUER_KEY_UNKNOWN"),
        lambda: Submission.of(prepared).submit(stage.endpoint, opened.link),
    )


def tampered_ledger(stage: Stage, ledger: Path, tampered: Path, lang: Language) -> Refusal:
    """One letter of a receipt in a copy of the ledger file is changed; `zk ledger verify` names the place."""
    lines = ledger.read_bytes().splitlines(keepends=True)
    chosen = next(index for index, line in enumerate(lines) if not line.endswith(b" -\n") and index > 1)
    index, entry, note = lines[chosen].split(b" ")
    changed = entry[:-8] + (b"A" if entry[-8:-7] != b"A" else b"B") + entry[-7:]
    lines[chosen] = b" ".join((index, changed, note))
    tampered.write_bytes(b"".join(lines))
    command = [sys.executable, "-m", "zk.cli", "ledger", "verify", str(tampered)]
    done = subprocess.run(  # noqa: S603
        [*command, "--key", str(stage.server.log_key), "--lang", lang, "--json"],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    error = json.loads(done.stdout).get("error", {})
    return Refusal(
        "demo.refused.tampered_ledger",
        (f"exit {int(Exit.NOT_VERIFIED)}", "ARCHIVE_INVALID"),
        f"exit {done.returncode}",
        error.get("reason", ""),
        error.get("message", ""),
    )
