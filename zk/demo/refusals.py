"""What must fail: each forgery goes to the real server, and its own status and reason come back."""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from prover.composite.presenting import PreparedComposite
from prover.errors import VaultError
from prover.usages import Usage
from verifier import CompositePolicy, VerifierError
from verifier.client import CompositeExchange
from wire.client import ServiceError
from zk.demo.people import OTHER_DISTRICT, OTHER_SCHOOL, SCHOOL
from zk.demo.result import Refusal
from zk.demo.rogue import Forger, Submission, accepting
from zk.demo.stage import Answering, Stage, utc_now
from zk.exits import Exit
from zk.messages import Language

SHORT_LIFE: Final = dt.timedelta(seconds=2)
INVALID: Final = "INVALID_ARGUMENT"
VAULT: Final = "vault"
VERIFIER: Final = "verifier"


def refused(name: str, expected: tuple[str, str], action: Callable[[], object]) -> Refusal:
    """Do what must fail; note who refused it and why, or that nobody did."""
    try:
        action()
    except ServiceError as error:
        return Refusal(name, expected, error.code.name, error.reason, error.detail)
    except VaultError as error:
        return Refusal(name, expected, VAULT, error.reason, error.detail)
    except VerifierError as error:
        return Refusal(name, expected, VERIFIER, error.reason, error.detail)
    return Refusal(name, expected, "OK", "", "")


def forger_of(answering: Answering) -> Forger:
    """Return a holder with a program of his own, who has what a vault would have answered with."""
    contents, planned = answering.plan.contents, answering.plan
    if contents.secret is None:
        raise TypeError("a vault that can answer has a secret")
    return Forger(contents.secret, planned.holdings, planned.directory)


def changed_attribute(stage: Stage, policy: CompositePolicy) -> tuple[Refusal, Usage]:
    """Another district than the signed one; then the same exchange takes the true answer all the same."""
    opened = stage.ask(OTHER_SCHOOL, policy)
    answering = stage.prepare(stage.mother, opened.link)
    forger = forger_of(answering).with_value("home", "district", OTHER_DISTRICT)
    forged = forger.answer(answering.plan.request, answering.plan.branch, utc_now())
    refusal = refused(
        "demo.refused.changed_attribute",
        (INVALID, "PROOF_INVALID"),
        lambda: forged.submit(stage.endpoint, opened.link),
    )
    return refusal, stage.send(answering)


def unknown_issuer(stage: Stage, policy: CompositePolicy) -> Refusal:
    """A household register that the holder signed in the department's name, with a key of her own."""
    opened = stage.ask(SCHOOL, policy)
    answering = stage.prepare(stage.mother, opened.link)
    now, asked = utc_now(), answering.plan.request
    forger, key = forger_of(answering).with_own_key("home", now)
    forged = forger.answer(accepting(asked, "home", key), answering.plan.branch, now).for_request(
        asked.digest
    )
    return refused(
        "demo.refused.unknown_issuer",
        (INVALID, "QUERY_MISMATCH"),
        lambda: forged.submit(stage.endpoint, opened.link),
    )


def replayed(
    stage: Stage, policy: CompositePolicy, usage: Usage, sent: PreparedComposite
) -> tuple[list[Refusal], bool]:
    """An answer that was accepted, sent again: by its vault, by somebody else, into another exchange.

    Its own vault gets the stored receipt once more; second in the result is whether it was the same.
    """
    submission = Submission.of(sent)
    again = submission.submit(stage.endpoint, usage.exchange)
    other = stage.ask(SCHOOL, policy)
    stranger = submission.by_somebody_else()
    refusals = [
        refused(
            "demo.refused.replayed",
            ("ALREADY_EXISTS", "REPLAYED"),
            lambda: stranger.submit(stage.endpoint, usage.exchange),
        ),
        refused(
            "demo.refused.replayed_elsewhere",
            ("ALREADY_EXISTS", "REPLAYED"),
            lambda: stranger.submit(stage.endpoint, other.link),
        ),
    ]
    return refusals, again.receipt == usage.receipt


def other_verifier(stage: Stage, policy: CompositePolicy) -> list[Refusal]:
    """An answer for the school, sent by somebody to an exchange of another school that asks the same."""
    answering = stage.prepare(stage.mother, stage.ask(SCHOOL, policy).link)
    other = stage.ask(OTHER_SCHOOL, policy)
    stolen = Submission.of(answering.prepared)
    fetched = stage.client.fetch(other.link, stage.log)
    rewritten = stolen.for_request(fetched.request.digest)
    return [
        refused(
            "demo.refused.other_verifier",
            (INVALID, "REQUEST_MISMATCH"),
            lambda: stolen.submit(stage.endpoint, other.link),
        ),
        refused(
            "demo.refused.other_verifier_rewritten",
            (INVALID, "PROOF_INVALID"),
            lambda: rewritten.submit(stage.endpoint, other.link),
        ),
    ]


def prepare_to_be_late(stage: Stage, policy: CompositePolicy) -> tuple[CompositeExchange, Answering]:
    """Ask for a moment only, and prove in time what will be sent too late."""
    opened = stage.ask(SCHOOL, policy, SHORT_LIFE)
    return opened, stage.prepare(stage.mother, opened.link)


def expired(stage: Stage, late: tuple[CompositeExchange, Answering]) -> Refusal:
    """Send an answer after its request has ended."""
    opened, answering = late
    left = (opened.expires - utc_now()).total_seconds()
    time.sleep(max(0.0, left) + 0.05)
    return refused(
        "demo.refused.expired",
        ("FAILED_PRECONDITION", "REQUEST_EXPIRED"),
        lambda: Submission.of(answering.prepared).submit(stage.endpoint, opened.link),
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
