"""What a monitor saw and cannot prove to others: a statement under the monitor's own key, and no more.

A log that answers with an old checkpoint, that lacks what it should serve or says nothing, leaves nothing
that it has signed. The monitor's word is then all that there is, and it is written so that nobody takes it
for proof: a signed note of type 01 whose text is no checkpoint.

    zk-disclosure/observation/v1
    what <one of `What`>
    about <verifier key of the log or the witness>
    time <POSIX seconds by the monitor's clock>
    source <where it was seen>
    detail <one line>
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tlog.encoding import check_count, check_line, decoding, from_decimal
from tlog.errors import InputError, Reason, VerificationError
from tlog.keys import KeyType, Signer, Verifier
from tlog.note import open_note, sign

PREFIX: Final = "zk-disclosure/observation/v1"
MAX_DETAIL: Final = 500

_LABELS: Final = ("what", "about", "time", "source", "detail")


class What(StrEnum):
    """What was seen. The value equals the name and is never reused."""

    BEHIND = "BEHIND"
    """A log shows less than it has signed before, for longer than the bound."""
    UNCOVERED = "UNCOVERED"
    """A checkpoint that the log signed, as of a pending receipt, is not covered by what it shows in time."""
    LATE = "LATE"
    """A block was shown later than its time, by more than the bound."""
    SILENT = "SILENT"
    """A source that was asked gave no answer, for longer than the bound."""
    MISSING = "MISSING"
    """A log lacks entries or notes of the tree that it has signed."""
    MISMATCH = "MISMATCH"
    """What a log serves as its entries does not give the root that it has signed."""
    NOTE_WRONG = "NOTE_WRONG"
    """What a log serves beside an entry is not what the entry commits to."""
    UNPROVEN_SPLIT = "UNPROVEN_SPLIT"
    """Two signed checkpoints cannot both be right, and the entries that would prove it are not served."""


@dataclass(frozen=True)
class Observation:
    """One thing that a monitor saw.

    The constructor raises InputError INVALID_TEXT, INVALID_TYPE, INVALID_LENGTH, OUT_OF_RANGE.
    """

    what: What
    about: Verifier
    time: int
    source: str
    detail: str

    def __post_init__(self) -> None:
        if not isinstance(self.what, What) or not isinstance(self.about, Verifier):
            raise InputError(Reason.INVALID_TYPE, "an observation is of a known kind and about a key")
        check_count(self.time, "the time")
        for line in (self.source, self.detail):
            if len(check_line(line, "a line of an observation")) > MAX_DETAIL:
                raise InputError(Reason.INVALID_LENGTH, f"a line has at most {MAX_DETAIL} characters")

    def text(self) -> str:
        """Return the text that is signed."""
        values = (self.what.value, str(self.about), str(self.time), self.source, self.detail)
        lines = [f"{label} {value}" for label, value in zip(_LABELS, values, strict=True)]
        return "".join(f"{line}\n" for line in (PREFIX, *lines))

    def signed(self, monitor: Signer) -> bytes:
        """Return the note under the monitor's key."""
        return sign(self.text(), monitor)

    @classmethod
    def parse(cls, text: str) -> "Observation":
        """Decode the text of a note; MalformedError OBSERVATION_MALFORMED, KEY_MALFORMED, KEY_UNSUPPORTED."""
        with decoding(Reason.OBSERVATION_MALFORMED):
            first, *lines = text.removesuffix("\n").split("\n")
            parts = [line.partition(" ") for line in lines]
            if first != PREFIX or tuple(label for label, _, _ in parts) != _LABELS:
                raise InputError(Reason.INVALID_TEXT, "not the lines of an observation")
            what, about, time, source, detail = (value for _, _, value in parts)
            if what not in What.__members__:
                raise InputError(Reason.INVALID_TEXT, "an observation of an unknown kind")
            found = cls(
                What(what), Verifier.from_string(about), from_decimal(time, "the time"), source, detail
            )
            if found.text() != text:
                raise InputError(Reason.INVALID_TEXT, "not the one text of its observation")
        return found


def open_observation(note: bytes, monitor: Verifier) -> Observation:
    """Verify a monitor's statement: that it said so, not that it is so.

    Raises MalformedError NOTE_MALFORMED, OBSERVATION_MALFORMED; VerificationError NOTE_UNSIGNED,
    NOTE_SIGNATURE_INVALID.
    """
    if monitor.key_type is not KeyType.ED25519:
        raise VerificationError(Reason.NOTE_UNSIGNED, "a cosigner's key signs no observations")
    return Observation.parse(open_note(note, [monitor]).text)
