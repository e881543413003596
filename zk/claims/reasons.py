"""Why a claim is not made for a verifier: what service and verifier call it."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

PATH: Final = "/v1/claim"


class ClaimReason(StrEnum):
    """The stable reasons; the value equals the name."""

    CLAIM_MALFORMED = "CLAIM_MALFORMED"
    CLAIM_NOT_LISTED = "CLAIM_NOT_LISTED"
    """The service does not claim for this verifier, or no verifier of this name is registered."""
    CLAIM_SIGNATURE_INVALID = "CLAIM_SIGNATURE_INVALID"
    CLAIM_ELSEWHERE = "CLAIM_ELSEWHERE"
    """The request is for another city, or for another chain."""
    CLAIM_STALE = "CLAIM_STALE"
    CLAIM_SCOPE_INVALID = "CLAIM_SCOPE_INVALID"
    """The verifier is no member of the scope, or not every member has signed it."""
    CLAIM_HEADER_UNKNOWN = "CLAIM_HEADER_UNKNOWN"
    """The verifier's header is not the one that the chain has, or too old to go on from."""
    CLAIM_TOO_MANY = "CLAIM_TOO_MANY"
    CLAIM_NOT_NOW = "CLAIM_NOT_NOW"
    """Neither made nor refused: a node or the city's service is away, or the block did not come in time."""


STATUS: Final[Mapping[ClaimReason, int]] = MappingProxyType(
    {
        ClaimReason.CLAIM_MALFORMED: 400,
        ClaimReason.CLAIM_NOT_LISTED: 403,
        ClaimReason.CLAIM_SIGNATURE_INVALID: 403,
        ClaimReason.CLAIM_ELSEWHERE: 409,
        ClaimReason.CLAIM_STALE: 409,
        ClaimReason.CLAIM_SCOPE_INVALID: 403,
        ClaimReason.CLAIM_HEADER_UNKNOWN: 409,
        ClaimReason.CLAIM_TOO_MANY: 429,
        ClaimReason.CLAIM_NOT_NOW: 503,
    }
)
PASSING: Final = frozenset({ClaimReason.CLAIM_TOO_MANY, ClaimReason.CLAIM_NOT_NOW})
"""What may be another way a moment later."""
MENDABLE: Final = frozenset(
    {ClaimReason.CLAIM_HEADER_UNKNOWN, ClaimReason.CLAIM_STALE, ClaimReason.CLAIM_NOT_LISTED}
)
"""What the verifier or its city mends, by a newer header, a clock or a list: no holder's fault."""


class ClaimRefusedError(Exception):
    """A claim that is not made: its reason, which is answered, and a detail for the operator alone.

    `verifier` is who asked, once that is shown by a signature.
    """

    def __init__(self, reason: ClaimReason, detail: str = "", verifier: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail, self.verifier = reason, detail, verifier
