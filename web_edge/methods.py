"""What pages may call: everything else does not exist here.

Only what some page calls stands here, and only what anybody may call without the secret of a department, an
administrator or an operator: whoever has one of those has no use for a browser that runs others' scripts.
"""

from enum import Enum
from typing import Final


class Kind(Enum):
    """How a method answers."""

    UNARY = "unary"
    STREAM = "stream"


_LEDGER: Final = {
    "GetCheckpoint": Kind.UNARY,
    "GetInclusionProof": Kind.UNARY,
    "GetConsistencyProof": Kind.UNARY,
    "ListEntries": Kind.UNARY,
    "ReadTiles": Kind.UNARY,
    "ListAnchoredCheckpoints": Kind.UNARY,
    "ListLogKeys": Kind.UNARY,
    "WatchCheckpoints": Kind.STREAM,
}

ALLOWED: Final = {f"zkproto.v1.LedgerService/{name}": kind for name, kind in _LEDGER.items()}
"""Each method by its full name, without the leading slash."""
