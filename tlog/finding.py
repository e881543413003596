"""What a file of evidence comes to: who is accused of what, and on whose word it rests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tlog.keys import Verifier


class Kind(StrEnum):
    """The kinds of evidence. The value equals the name and is never reused."""

    SPLIT_VIEW = "SPLIT_VIEW"
    """A log signed two trees of which neither is the other's beginning."""
    DOUBLE_COSIGNED = "DOUBLE_COSIGNED"
    """A witness cosigned two such trees."""
    ROLLED_BACK = "ROLLED_BACK"
    """A witness cosigned a smaller tree as the latest, after a larger one by its own times."""
    BROKEN_CHAIN = "BROKEN_CHAIN"
    """A log signed a tree with an entry that no honest ledger of these formats has there."""
    LATE = "LATE"
    """Witnesses had not been shown a block a while after its time."""
    OBSERVATION = "OBSERVATION"
    """A monitor says so."""


class Fault(StrEnum):
    """What exactly is wrong, for the sentence that is made of it."""

    SAME_SIZE = "SAME_SIZE"
    OTHER_BEGINNING = "OTHER_BEGINNING"
    TIMES_REVERSED = "TIMES_REVERSED"
    EMPTY_TREE = "EMPTY_TREE"
    ENTRY_UNKNOWN = "ENTRY_UNKNOWN"
    END_WITHOUT_HEADER = "END_WITHOUT_HEADER"
    HEADER_MISPLACED = "HEADER_MISPLACED"
    HEADER_WITHIN_BLOCK = "HEADER_WITHIN_BLOCK"
    HEADER_UNLINKED = "HEADER_UNLINKED"
    HEADER_ROOT = "HEADER_ROOT"
    NOT_COVERED = "NOT_COVERED"
    OBSERVED = "OBSERVED"


class Grade(StrEnum):
    """How much is shown.

    PROVEN: only who holds the accused keys can have brought it about. STATED: others, named in `word_of`,
    have signed it, and it convicts nobody: a network between honest parties could have brought it about.
    OBSERVED: a monitor says so, and whoever does not know it need not believe it.
    """

    PROVEN = "PROVEN"
    STATED = "STATED"
    OBSERVED = "OBSERVED"


@dataclass(frozen=True)
class Finding:
    """What evidence that verifies says.

    `accused` is empty unless the grade is PROVEN. `concerned` are the keys of whom it is about, `word_of` the
    keys whose word it rests on where nothing is proven. A name in a key is whatever its holder wrote: compare
    whole keys with those of a policy. `parts` fill the sentence of the fault.
    """

    kind: Kind
    fault: Fault
    grade: Grade
    origin: str
    accused: tuple[Verifier, ...] = ()
    concerned: tuple[Verifier, ...] = ()
    word_of: tuple[Verifier, ...] = ()
    parts: Mapping[str, str | int] = field(default_factory=dict)
