"""How a witness may fail, in one word, without what it takes to ask it."""

from enum import StrEnum


class FaultKind(StrEnum):
    """How a witness failed."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    REFUSED = "refused"
    MALFORMED = "malformed"
    SIGNATURE = "signature"
    AHEAD = "ahead"
