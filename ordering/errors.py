"""Why something is refused, and what ends a process.

A refusal is an outcome that all machines agree on, so each has a number that the engine passes on and that is
never given to another.
"""

from enum import IntEnum


class Refusal(IntEnum):
    """Why a transaction is refused; 0, which the engine takes for accepted, is none of them."""

    MALFORMED = 1
    TOO_LARGE = 2
    CHAIN_MISMATCH = 3
    OPERATOR_UNKNOWN = 4
    SIGNATURE_INVALID = 5
    REPLAYED = 6
    LOG_MISMATCH = 7
    CHECKPOINT_INVALID = 8
    CHECKPOINT_NOT_NEWER = 9
    CHECKPOINT_FORKED = 10
    EPOCH_NOT_NEWER = 11
    TAKEN = 12
    PROPOSAL_UNKNOWN = 13
    PROPOSAL_ENDED = 14
    PROPOSALS_TOO_MANY = 15
    VOTED = 16
    CHANGE_IMPOSSIBLE = 17
    KEY_INVALID = 18
    SEQUENCE_TOO_FAR = 19
    NOT_BEGUN = 20
    TOO_MANY = 21


class RefusedError(Exception):
    """A transaction that changes nothing: its reason, and a detail that holds nothing secret."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(refusal, detail)
        self.refusal, self.detail = refusal, detail

    def __str__(self) -> str:
        return f"{self.refusal.name}: {self.detail}"


class StateError(Exception):
    """What is stored is not what a machine can have stored: it stops, and is brought anew from the others."""
