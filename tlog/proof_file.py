"""Proof files: an entry's place in a log, to be checked offline (c2sp.org/tlog-proof).

The extra data is the application's and nobody signed it: trust what of it the entry was recomputed from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tlog.checkpoint import Checkpoint, LogKeys, open_checkpoint
from tlog.cosignature import Cosignature
from tlog.encoding import check_bytes, check_count, decoding, from_base64, from_decimal, from_utf8, to_base64
from tlog.errors import InputError, MalformedError, Reason
from tlog.merkle import HASH_OCTETS, leaf_hash, verify_inclusion
from tlog.note import MAX_NOTE_OCTETS, parse_unverified
from tlog.policy import Policy, open_by_policy

PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_OCTETS = 1_100_000
MAX_PROOF_HASHES = 63
MAX_PROOF_FILE_OCTETS = 2 * MAX_EXTRA_OCTETS + MAX_NOTE_OCTETS


@dataclass(frozen=True)
class ProofFile:
    """An inclusion proof, siblings from the leaf's upwards, with the checkpoint's note that it leads to.

    The constructor raises InputError OUT_OF_RANGE, INVALID_LENGTH, INVALID_TYPE; MalformedError
    NOTE_MALFORMED, CHECKPOINT_MALFORMED.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        check_count(self.index, "the index")
        check_count(len(self.hashes), "the number of hashes", 0, MAX_PROOF_HASHES + 1)
        for value in self.hashes:
            check_bytes(value, "a hash of the proof", HASH_OCTETS)
        Checkpoint.parse(parse_unverified(self.checkpoint).text)
        if self.extra is not None and len(check_bytes(self.extra, "the extra data")) > MAX_EXTRA_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"the extra data has at most {MAX_EXTRA_OCTETS} octets")

    def to_bytes(self) -> bytes:
        """Encode the file."""
        extra = [] if self.extra is None else [f"extra {to_base64(self.extra)}"]
        lines = [PROOF_HEADER, *extra, f"index {self.index}", *map(to_base64, self.hashes)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> "ProofFile":
        """Decode a file; MalformedError PROOF_MALFORMED, NOTE_MALFORMED, CHECKPOINT_MALFORMED."""
        head, gap, checkpoint = data.partition(b"\n\n")
        if not gap or len(data) > MAX_PROOF_FILE_OCTETS:
            raise MalformedError(Reason.PROOF_MALFORMED, "no empty line, or the file is too long")
        with decoding(Reason.PROOF_MALFORMED):
            lines = from_utf8(head, "the proof").split("\n")
            if lines.pop(0) != PROOF_HEADER:
                raise InputError(Reason.INVALID_TEXT, f"the first line is not {PROOF_HEADER}")
            extra = _labelled(lines, "extra")
            index = _labelled(lines, "index")
            if index is None:
                raise InputError(Reason.INVALID_TEXT, "no index")
            return cls(
                from_decimal(index, "the index"),
                tuple(from_base64(line, "a hash of the proof", HASH_OCTETS) for line in lines),
                checkpoint,
                None if extra is None else from_base64(extra, "the extra data"),
            )

    def verify(self, entry: bytes, log: LogKeys, *, policy: Policy | None = None) -> Checkpoint:
        """Verify that the log's checkpoint includes an entry and, with a policy, that its quorum cosigned it.

        Raises VerificationError INCLUSION_INVALID and what `open_checkpoint` and `open_by_policy` raise.
        """
        return self.verify_leaf(leaf_hash(entry), log, policy=policy)[0]

    def verify_leaf(
        self, leaf: bytes, log: LogKeys, *, policy: Policy | None = None
    ) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
        """Verify as `verify` does, by the hash of the leaf; also return the cosignatures, with a policy."""
        checkpoint = open_checkpoint(self.checkpoint, log)
        cosignatures = () if policy is None else open_by_policy(self.checkpoint, policy)[1]
        verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint, cosignatures

    def moved(
        self, leaf: bytes, hashes: Sequence[bytes], checkpoint_note: bytes, log: LogKeys, policy: Policy
    ) -> "ProofFile":
        """Return the proof of the same entry in an anchored checkpoint, to whose root `hashes` lead.

        What is returned was verified. Raises as the constructor and `verify` do.
        """
        proof = replace(self, hashes=tuple(hashes), checkpoint=checkpoint_note)
        proof.verify_leaf(leaf, log, policy=policy)
        return proof


def _labelled(lines: list[str], label: str) -> str | None:
    """Take the first line off if it has this label, and return what follows it."""
    if not lines or not lines[0].startswith(f"{label} "):
        return None
    return lines.pop(0)[len(label) + 1 :]
