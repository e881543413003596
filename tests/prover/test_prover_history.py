import datetime as dt
import hashlib
from dataclasses import replace

import pytest

from disclosure import Reason, ReceiptBody, RefusedError, VerifierName
from prover import ContentError, Usage, UsageState, Vault, VaultKeys, check_usage, plan, present
from tests.prover.making import (
    LOG_KEY,
    NOW,
    PASSPHRASE,
    VERIFIER,
    fetched,
    flip,
    insurance,
    plain,
    receipt_of,
    refused,
    request,
    residence,
)
from tests.tlog.making import ORIGIN, WITNESS_KEYS
from tlog import LogLine, Policy, Signer, TlogError, WitnessLine

OTHERS = VaultKeys(bytes(32))


@pytest.fixture(scope="module")
def usage(tmp_path_factory: pytest.TempPathFactory) -> Usage:
    """An answered use with its receipt, as the vault gives it."""
    path = tmp_path_factory.mktemp("history") / "my.vault"
    with Vault.create(path, PASSPHRASE) as vault:
        made = present(plan(request(), [residence(), insurance()], NOW), vault.keys, NOW)
        begun = vault.begin_usage(fetched(made.request), made)
        vault.finish_usage(begun.id, receipt=receipt_of(begun))
    with Vault.open(path, PASSPHRASE) as vault:
        return vault.usages()[0]


def other(usage: Usage) -> Usage:
    """Another use of the same request by another vault."""
    made = present(plan(request(), [residence(), insurance()], NOW), OTHERS, NOW)
    return replace(usage, presentation=made.presentation, holder_note=made.holder_note)


def body(usage: Usage) -> ReceiptBody:
    return ReceiptBody(VERIFIER, usage.request.digest, usage.presentation.digest, NOW)


def test_an_answered_use_is_checked_offline(usage: Usage) -> None:
    verified = check_usage(usage, LOG_KEY)
    assert verified.index == 1
    assert verified.checkpoint.origin == ORIGIN
    said = ReceiptBody.from_bytes(verified.opening.body)
    assert (said.verifier, said.verified) == (VERIFIER, NOW + dt.timedelta(seconds=1))


@pytest.mark.parametrize("state", [UsageState.SENT, UsageState.REFUSED])
def test_without_a_receipt_there_is_nothing_to_check(usage: Usage, state: UsageState) -> None:
    reason = "REPLAYED" if state is UsageState.REFUSED else None
    refused(
        ContentError,
        "NO_RECEIPT",
        check_usage,
        replace(usage, state=state, receipt=None, reason=reason),
        LOG_KEY,
    )


def test_a_receipt_changed_anywhere_is_refused(usage: Usage) -> None:
    receipt = usage.receipt or b""
    assert len(receipt) > 500
    for place in range(0, len(receipt), 11):
        with pytest.raises((TlogError, RefusedError)):
            check_usage(replace(usage, receipt=flip(receipt, place)), LOG_KEY)


def test_the_log_has_to_be_the_one_that_is_trusted(usage: Usage) -> None:
    for name in (ORIGIN, "log.example.org/other"):
        stranger = Signer.from_secret(name, hashlib.sha256(b"stranger").digest())
        refused(TlogError, "NOTE_UNSIGNED", check_usage, usage, stranger.verifier)


def test_a_receipt_counts_for_its_own_use_only(usage: Usage) -> None:
    strange = {
        "of another presentation": receipt_of(other(usage)),
        "of another verifier": receipt_of(usage, body=replace(body(usage), verifier=VerifierName("bank"))),
        "of another request": receipt_of(usage, body=replace(body(usage), request_digest=bytes(32))),
        "with another note": receipt_of(usage, holder_note_hash=bytes(32)),
    }
    for receipt in strange.values():
        refused(RefusedError, Reason.RECEIPT_MISMATCH, check_usage, replace(usage, receipt=receipt), LOG_KEY)


def test_the_note_has_to_be_the_one_that_was_sealed(usage: Usage) -> None:
    changed = replace(usage, holder_note=flip(usage.holder_note, 500))
    refused(RefusedError, Reason.RECEIPT_MISMATCH, check_usage, changed, LOG_KEY)


def test_the_presentation_has_to_answer_the_request(usage: Usage) -> None:
    presentation = replace(plain(usage.presentation), request_digest=bytes(32))
    changed = replace(usage, presentation=presentation)
    receipt = receipt_of(changed)
    refused(RefusedError, Reason.RECEIPT_MISMATCH, check_usage, replace(changed, receipt=receipt), LOG_KEY)


def test_the_tag_has_to_be_the_vaults(usage: Usage) -> None:
    refused(RefusedError, Reason.RECEIPT_MISMATCH, check_usage, replace(usage, own_tag=False), LOG_KEY)


def test_a_quorum_that_was_demanded_has_to_be_there(usage: Usage) -> None:
    witness = WitnessLine("w", WITNESS_KEYS[0])
    policy = Policy((LogLine(LOG_KEY),), (witness,), quorum=witness.name)
    refused(TlogError, "QUORUM_MISSING", check_usage, usage, LOG_KEY, policy=policy)
    assert not check_usage(usage, LOG_KEY, policy=policy, accept_pending=True).is_anchored
    assert not check_usage(usage, LOG_KEY).is_anchored
