"""Links that a QR code carries: to a verifier's exchange or standing consent, and to a department's offer.

A link is a secret in so far as whoever has it may fetch the request, or claim the offer, in the holder's
place.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from disclosure.errors import MalformedError, Reason

_SCHEME: Final = "zk"
_SERVER: Final = re.compile(r"[A-Za-z0-9.\[\]:-]{1,255}:([1-9][0-9]{0,4})", re.ASCII)
_MAX_PORT: Final = 65_535
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
MAX_LENGTH: Final = 1000
"""Characters of a link."""


def check_server(server: str) -> None:
    """Raise MalformedError LINK_INVALID unless it is written as `host:port`."""
    found = _SERVER.fullmatch(server)
    if not found or int(found[1]) > _MAX_PORT:
        raise MalformedError(Reason.LINK_INVALID, "the server is not host:port", field="server")


@dataclass(frozen=True)
class _Link:
    server: str
    id: str
    secret: str = field(repr=False)

    _action = ""

    def __post_init__(self) -> None:
        check_server(self.server)
        if not _TOKEN.fullmatch(self.id) or not _TOKEN.fullmatch(self.secret):
            raise MalformedError(Reason.LINK_INVALID, "an identifier or secret is malformed", field="id")

    def __str__(self) -> str:
        query = urlencode({"server": self.server, "id": self.id, "secret": self.secret})
        return f"{_SCHEME}://{self._action}?{query}"

    @classmethod
    def parse(cls, link: str) -> Self:
        """Parse it; MalformedError LINK_INVALID."""
        try:
            parts = urlsplit(link if len(link) <= MAX_LENGTH else "")
            pairs = dict(parse_qsl(parts.query, strict_parsing=True, keep_blank_values=True))
        except ValueError:
            parts, pairs = urlsplit(""), {}
        if (parts.scheme, parts.netloc) != (_SCHEME, cls._action) or set(pairs) != {"server", "id", "secret"}:
            raise MalformedError(Reason.LINK_INVALID, f"a link begins with {_SCHEME}://{cls._action}?")
        parsed = cls(**pairs)
        if str(parsed) != link:
            raise MalformedError(Reason.LINK_INVALID, "the link is not written as links are")
        return parsed


class ExchangeLink(_Link):
    """`zk://present?...`: the exchange's id with the holder's ticket."""

    _action = "present"

    @property
    def exchange(self) -> str:
        """The exchange's resource name."""
        return f"exchanges/{self.id}"

    @property
    def ticket(self) -> str:
        """The holder's one-time ticket."""
        return self.secret


class ConsentLink(_Link):
    """`zk://consent?...`: the standing consent's id with the holder's ticket."""

    _action = "consent"

    @property
    def consent(self) -> str:
        """The consent's resource name."""
        return f"consents/{self.id}"

    @property
    def ticket(self) -> str:
        """What fetches its terms, and answers them."""
        return self.secret


class AccountLink(_Link):
    """`zk://account?...`: the department that identified somebody, and the code that registers an account."""

    _action = "account"

    @property
    def department(self) -> str:
        """The department's resource name."""
        return f"departments/{self.id}"

    @property
    def code(self) -> str:
        """The one-time code."""
        return self.secret


class OfferLink(_Link):
    """`zk://offer?...`: the offer's id with its claim code."""

    _action = "offer"

    @property
    def offer(self) -> str:
        """The offer's resource name."""
        return f"offers/{self.id}"

    @property
    def claim_code(self) -> str:
        """The secret that claims it."""
        return self.secret


class ErrandLink(_Link):
    """`zk://errand?...`: the errand's id with its ticket. The vault's own: nobody hands it to anybody."""

    _action = "errand"

    @property
    def errand(self) -> str:
        """The errand's resource name."""
        return f"errands/{self.id}"

    @property
    def ticket(self) -> str:
        """The secret that everything about the errand is done with."""
        return self.secret


class SendLink(_Link):
    """`zk://send?...`: where somebody receives what is sent unasked; the secret is the hash of its card.

    No secret in truth: whoever has it can send something, and nobody can put another key in its place. The id
    is the kind of recipient, "verifiers" or "accounts", a hyphen and its identifier.
    """

    _action = "send"

    @classmethod
    def to(cls, server: str, recipient: str, card: bytes) -> "SendLink":
        """Make the link to a recipient's card, of which `card` is the digest; MalformedError LINK_INVALID."""
        hashed = base64.urlsafe_b64encode(card).rstrip(b"=").decode()
        return cls(server, recipient.replace("/", "-", 1), hashed)

    @property
    def recipient(self) -> str:
        """The recipient's resource name."""
        return self.id.replace("-", "/", 1)

    @property
    def card(self) -> bytes:
        """The digest of its card; MalformedError LINK_INVALID."""
        try:
            return base64.urlsafe_b64decode(self.secret + "=")
        except binascii.Error:
            raise MalformedError(Reason.LINK_INVALID, "the card's hash is malformed", field="id") from None
