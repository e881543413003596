"""What can go wrong between wallets and OpenID's edges, beside what disclosure, verifier and wire refuse.

`reason` is a stable string, never reused for another meaning; `field` names the place in the input where one
can be named. No message contains a code, a token, a state, a nonce, a key or an attribute's value.
"""

from enum import StrEnum


class OpenIdReason(StrEnum):
    """The stable reasons; the value equals the name."""

    # what was received is not what the specifications say
    DCQL_INVALID = "DCQL_INVALID"
    REQUEST_OBJECT_INVALID = "REQUEST_OBJECT_INVALID"
    RESPONSE_INVALID = "RESPONSE_INVALID"
    METADATA_INVALID = "METADATA_INVALID"
    OFFER_INVALID = "OFFER_INVALID"
    OPENID_URI_INVALID = "OPENID_URI_INVALID"
    # well-formed, and not for this wallet
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
    CLIENT_NOT_TRUSTED = "CLIENT_NOT_TRUSTED"
    REQUEST_OBJECT_EXPIRED = "REQUEST_OBJECT_EXPIRED"
    # asking over HTTP
    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    EDGE_UNREACHABLE = "EDGE_UNREACHABLE"
    EDGE_ANSWER_INVALID = "EDGE_ANSWER_INVALID"
    EDGE_REFUSED = "EDGE_REFUSED"
    # an edge's sessions
    SESSION_UNKNOWN = "SESSION_UNKNOWN"
    SESSION_OVER = "SESSION_OVER"
    SESSIONS_FULL = "SESSIONS_FULL"


class OpenIdError(Exception):
    """What this package raises on purpose, for itself."""

    def __init__(self, reason: OpenIdReason, detail: str, *, field: str = "") -> None:
        super().__init__(reason, detail, field)
        self.reason: str = reason.value
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        place = f" ({self.field})" if self.field else ""
        return f"{self.reason}{place}: {self.detail}"
