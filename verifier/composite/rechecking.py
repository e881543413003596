"""Records of the composite form verified again, offline: everything in one, from the log's key on."""

import datetime as dt
from dataclasses import dataclass

import tlog
from disclosure import Reason, RefusedError, VerifierName, epoch_entry
from disclosure.allowance import check_allowed
from disclosure.composite import VerifiedComposite, open_composite_request, verify_composite
from verifier.audit import are_anchored, audit_receipt, receipt_body
from verifier.composite.record import CompositeRecord, proof_files


@dataclass(frozen=True)
class CompositeRechecked:
    """A record that holds: what was proven, when the service verified it, and where its receipt stands.

    `log_key` is the key that signed the checkpoints; `pinned` tells whether the caller brought it, or the
    record did, which shows only that the record fits together. `others` are the verified answers whose
    numbers it counts. `state` is what the record is under the policy that was asked for: anchored only if
    the receipt, everything that the answer rests on and the records that it counts are. `cosignatures` says
    who has cosigned an anchored one's receipt.
    """

    verified: VerifiedComposite
    verify_time: dt.datetime
    index: int
    checkpoint: tlog.Checkpoint
    log_key: str
    pinned: bool
    others: tuple[VerifiedComposite, ...] = ()
    state: tlog.ReceiptState = tlog.ReceiptState.PENDING
    cosignatures: tuple[tlog.Cosignature, ...] = ()


def recheck_composite(
    record: CompositeRecord,
    *,
    log_verifier: tlog.Verifier | None,
    policy: tlog.Policy | None = None,
    accept_pending: bool = False,
) -> CompositeRechecked:
    """Verify everything in a record offline, as of the moment that its receipt states.

    So are the records of the answers whose numbers it counts, each as of its own receipt. What the answer
    rests on stood on the ledger before its receipt did. With a policy all of it has to be anchored, unless
    `accept_pending` says that its state is to be told.

    Raises RefusedError, MalformedError (request and scopes' signatures, presentation, receipt's body; also
    OVER_ASKING, for a request that asked more than its policy allows, and RECEIPT_MISMATCH, for a receipt
    that stands before what the answer rests on), tlog.TlogError (the log's key and signatures, the place of
    the receipt, or of anything published).
    """
    log = log_verifier or tlog.Verifier.from_string(record.log_key)
    request = open_composite_request(record.signed_request, lambda name: _key_of(record, name))
    if policy is not None and accept_pending:
        policy = policy if are_anchored((file for file, _ in proof_files(record)), policy) else None
    receipt = audit_receipt(record.receipt, request, record.presentation, log, policy=policy)
    _check_published(record, receipt.index, log, policy)
    check_allowed(request, record.policy)
    moment = receipt_body(receipt).verified
    others = tuple(
        recheck_composite(each, log_verifier=log, policy=policy).verified for each in record.counterparts
    )
    return CompositeRechecked(
        verified=verify_composite(request, record.presentation, record.directory, moment, others),
        verify_time=moment,
        index=receipt.index,
        checkpoint=receipt.checkpoint,
        log_key=str(log),
        pinned=log_verifier is not None,
        others=others,
        state=receipt.state,
        cosignatures=receipt.cosignatures,
    )


def _check_published(
    record: CompositeRecord, index: int, log: tlog.Verifier, policy: tlog.Policy | None
) -> None:
    """Check that everything stands on the ledger, and that it did so before the receipt at an index.

    Else a wider policy, or a key, could be registered after the answer, for whoever looks. An entry never
    changes its place in a log, so the indexes tell, though the proofs lead to different checkpoints.
    """
    newer = _epochs_not_proven(record)
    for entry, proof in record.proofs.items():
        place = tlog.ProofFile.parse(proof)
        place.verify(entry, log, policy=policy)
        if place.index >= index and entry not in newer:
            detail = f"the receipt is entry {index}, and what it rests on is entry {place.index}"
            raise RefusedError(Reason.RECEIPT_MISMATCH, detail, field="proofs")


def _epochs_not_proven(record: CompositeRecord) -> set[bytes]:
    """Return the entries of epochs that the answer does not prove: the latest when the record was made."""
    proven = {
        (each.epoch.accumulator, each.epoch.number)
        for each in record.presentation.answer.credentials
        if each.epoch is not None
    }
    return {
        epoch_entry(epoch)
        for key, accumulator in record.directory.accumulators.items()
        for number, epoch in accumulator.epochs.items()
        if (key, number) not in proven
    }


def _key_of(record: CompositeRecord, name: VerifierName) -> bytes:
    """Return a verifier's key; the asking one has one only, as a member of a scope too."""
    if name == record.request.verifier:
        if record.directory.verifiers.get(name, record.verifier_key) != record.verifier_key:
            detail = "the verifier signs a scope with another key than its requests"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="verifier_key")
        return record.verifier_key
    return record.directory.verifier_key(name)
