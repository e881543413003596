"""Following a log from a key that is believed to the one that took its place.

A log says on its own ledger that a key follows another, and for a while signs with both. The proof of a
change is the proof file of that record, with the record as its extra data, under a checkpoint that both keys
signed: the old one vouches for the new one, and the new one for itself. A record that only the new key's
checkpoints cover proves nothing, since anybody can make a key and write of it what he likes.

What no proof can tell is whether the old key was stolen before. Against that stand the witnesses: with a
policy, the checkpoint has to be anchored as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.registry import LOG_KEY_RECORD, log_keys_of_record
from tlog.checkpoint import open_checkpoint
from tlog.entry import RecordEntry, parse_entry
from tlog.keys import Verifier
from tlog.policy import LogLine, Policy, open_by_policy
from tlog.proof_file import ProofFile


def open_change(proof: bytes, pinned: Verifier, policy: Policy | None = None) -> Verifier:
    """Return the key that follows the pinned one by this proof.

    Raises RefusedError LOG_KEY_NOT_FOLLOWED (it is of another key); MalformedError MALFORMED; tlog.TlogError:
    MalformedError, VerificationError NOTE_UNSIGNED, NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN,
    INCLUSION_INVALID, and QUORUM_MISSING if the policy's witnesses did not cosign.
    """
    file = ProofFile.parse(proof)
    old, new = _named(file)
    if old != pinned:
        raise RefusedError(Reason.LOG_KEY_NOT_FOLLOWED, f"it is a proof of what follows {old}")
    file.verify(file.extra or b"", old)
    open_checkpoint(file.checkpoint, new)
    if policy is not None:
        open_by_policy(file.checkpoint, replace(policy, logs=(LogLine(old),)))
    return new


def _named(file: ProofFile) -> tuple[Verifier, Verifier]:
    entry = None if file.extra is None else parse_entry(file.extra)
    if not isinstance(entry, RecordEntry) or entry.kind != LOG_KEY_RECORD:
        raise MalformedError(Reason.MALFORMED, "it is no proof of a log's new key")
    return log_keys_of_record(entry.payload)


def follow(proofs: Iterable[bytes], pinned: Verifier, policy: Policy | None = None) -> Sequence[Verifier]:
    """Return the keys that followed the pinned one, the newest last; none if no proof starts from it.

    Proofs of changes before the pinned key are passed over unverified; from it on each has to hold. Raises as
    `open_change` does.
    """
    passed = list[Verifier]()
    for proof in proofs:
        here = passed[-1] if passed else pinned
        if passed or _named(ProofFile.parse(proof))[0] == here:
            passed.append(open_change(proof, here, policy))
    return passed


def predecessors(proofs: Iterable[bytes], pinned: Verifier) -> Sequence[Verifier]:
    """Return the keys whose place the pinned one has taken, the newest first; none if no proof ends at it.

    Each is proven by its own signature and that of the key after it, so nobody is led here from a key that is
    not this log's. Proofs of other changes are passed over unverified. Raises as `open_change` does.
    """
    before = dict[Verifier, tuple[Verifier, bytes]]()
    for proof in proofs:
        old, new = _named(ProofFile.parse(proof))
        before[new] = old, proof
    found = list[Verifier]()
    here = pinned
    while here in before:
        here, proof = before.pop(here)
        open_change(proof, here)
        found.append(here)
    return found
