"""Openings as files: one officer's part, the parts of both, and the opening once it stands on the ledger."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import tlog
from bbs.gadgets.escrow_shares import OFFICERS, EscrowShare, PartialOpening
from disclosure.composite import OpeningRecord, combine_opening, open_part, verify_opening_part
from tlog import bounded_json
from zk.exits import CommandError, Exit
from zk.regulator.evidence import Evidence

_FORMAT: Final = "zk-disclosure/opening/v2"


@dataclass(frozen=True)
class RecordedPart:
    """One officer's part, and the proof that it stood on the ledger before the other officer had it."""

    part: PartialOpening = field(repr=False)
    proof: bytes = field(repr=False)


@dataclass(frozen=True)
class OpeningFile:
    """What officers hand to each other: of which escrow, in which case, the parts so far.

    `proof` is that of the opening's own record, and empty until it stands on the ledger.
    """

    escrow: str
    reference: str
    parts: tuple[RecordedPart, ...] = field(repr=False)
    proof: bytes = field(default=b"", repr=False)

    @property
    def index(self) -> int:
        """The index of the newest record's entry in the log; tlog.MalformedError."""
        return tlog.ProofFile.parse(self.proof or self.parts[-1].proof).index

    @property
    def partials(self) -> tuple[PartialOpening, ...]:
        """The officers' parts."""
        return tuple(each.part for each in self.parts)

    def to_bytes(self) -> bytes:
        """Return the file."""
        data = {
            "format": _FORMAT,
            "escrow": self.escrow,
            "reference": self.reference,
            "parts": [_part_to(each) for each in self.parts],
            "ledger_proof": _text(self.proof),
        }
        return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, octets: bytes) -> "OpeningFile":
        """Decode what `to_bytes` gives and nothing else; ValueError."""
        try:
            data: dict[str, Any] = bounded_json.loads(octets)
            parts = tuple(map(_part_of, data["parts"]))
            parsed = cls(data["escrow"], data["reference"], parts, _octets(data["ledger_proof"]))
            if parsed.to_bytes() == octets and 0 < len(parts) <= OFFICERS:
                return parsed
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise ValueError("the octets are no opening")

    def combined(self, other: "OpeningFile", evidence: Evidence) -> "OpeningFile":
        """Return both officers' parts in the order of the regulator's shares; CommandError NOT_VERIFIED."""
        key = evidence.directory.regulator(evidence.escrow(self.escrow).regulator, field="escrow")
        by_share = {each.part.share: each for each in (*self.parts, *other.parts)}
        same = (self.escrow, self.reference) == (other.escrow, other.reference)
        if not same or set(by_share) != set(key.officers):
            raise CommandError(Exit.NOT_VERIFIED, "PARTS_MISMATCH", "error.parts_mismatch")
        return replace(self, parts=tuple(by_share[each] for each in key.officers), proof=b"")

    def check_parts(self, evidence: Evidence, log: tlog.Verifier) -> None:
        """Return if each part is an officer's of this presentation and case, and stands on the ledger.

        Raises as `verify_opening_part` does, and tlog.TlogError.
        """
        for each in self.parts:
            verify_opening_part(each.part, evidence.claim, self.escrow, self.reference)
            _on_ledger(each.proof, record_of(evidence, self, [each.part]), log)

    def identity(self, evidence: Evidence) -> bytes:
        """Return the identity, 48 octets, that both parts open; raises as `combine_opening` does."""
        return combine_opening(self.partials, evidence.claim, self.escrow, self.reference)

    def check(self, evidence: Evidence, log: tlog.Verifier) -> bytes:
        """Return the identity if both parts and the opening itself stand on the ledger.

        Raises as `check_parts` and `identity` do; CommandError OPENING_UNRECORDED if it was not
        recorded: the file of both parts says nothing of the kind, so it is told how to go on.
        """
        self.check_parts(evidence, log)
        identity = self.identity(evidence)
        if not self.proof:
            raise CommandError(Exit.NOT_VERIFIED, "OPENING_UNRECORDED", "error.opening_unrecorded")
        _on_ledger(self.proof, record_of(evidence, self, self.partials), log)
        return identity


def make_part(share: EscrowShare, evidence: Evidence, escrow: str, reference: str) -> PartialOpening:
    """Make an officer's part; raises as `open_part` does. Nobody is given it before it is recorded."""
    return open_part(share, evidence.claim, escrow, reference)


def record_of(evidence: Evidence, opening: OpeningFile, parts: Sequence[PartialOpening]) -> OpeningRecord:
    """Return what the ledger holds of some of an opening's parts."""
    regulator = evidence.escrow(opening.escrow).regulator
    digest = evidence.presentation.digest
    return OpeningRecord.of(regulator, digest, opening.escrow, opening.reference, parts)


def _on_ledger(proof: bytes, record: OpeningRecord, log: tlog.Verifier) -> None:
    tlog.ProofFile.parse(proof).verify(record.entry(), log)


def _part_to(recorded: RecordedPart) -> dict[str, str]:
    part = recorded.part
    return {
        "share": part.share.hex(),
        "decrypted": part.decrypted.hex(),
        "proof": _text(part.proof),
        "ledger_proof": _text(recorded.proof),
    }


def _part_of(data: dict[str, str]) -> RecordedPart:
    share, decrypted = (bytes.fromhex(data[name]) for name in ("share", "decrypted"))
    return RecordedPart(
        PartialOpening(share, decrypted, _octets(data["proof"])), _octets(data["ledger_proof"])
    )


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()


def _octets(text: str) -> bytes:
    return b64decode(text, validate=True)
