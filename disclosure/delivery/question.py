"""The question of what is sent unasked: made by the sender's vault, and telling that nobody asked it.

It is a request of the composite form with a label of its own. All of it, the label first, is part of the
proof's transcript. So the proof holds for no request that anybody could have asked: whoever receives it can
show it on only as what it is, something that was sent to this recipient unasked. No signature makes an asked
question of it either, for its octets decode as no request.

What it may hold is narrow: attributes that are shown, each credential by one schema and one key, none waived
to be revoked. A sender cannot have the recipient believe more by a clever question.
"""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import LocalizedText, is_clean
from disclosure.composite.query import CompositeQuery, OldestEpoch, invalid
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.delivery.card import KEY_OCTETS, check_recipient
from disclosure.errors import Reason, RefusedError
from disclosure.names import VerifierName
from disclosure.request import moment_of

QUESTION_LIFE: Final = dt.timedelta(hours=1)
"""So long what was stored may be sent: afterwards it says less of the present than it seems to."""
DELIVERY_LIFE: Final = dt.timedelta(days=30)
"""So long a delivery waits for its recipient; what was taken before is no news, whoever brings it."""
MAX_MESSAGE_OCTETS: Final = 500
PURPOSE: Final = LocalizedText("主动出示，无人要求", "Sent by its owner; nobody asked")
NOBODY: Final = VerifierName("nobody")
"""Who has asked: there is no verifier in what is hashed, and nothing in the question depends on one."""
BRANCH: Final = "sent"
_LABEL: Final = "zk-disclosure/unasked-question/v1"


@dataclass(frozen=True, kw_only=True)
class UnaskedQuestion(CompositeRequest):
    """What is shown to whom: `recipient` by name, `key` its receiving key, to which it is sealed.

    `message` is the sender's own text, one line of at most 500 octets, or "". Raises MalformedError
    REQUEST_INVALID, NAME_INVALID.
    """

    recipient: str
    key: bytes = field(repr=False)
    message: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check_recipient(self.recipient)
        if len(self.key) != KEY_OCTETS:
            raise invalid(f"a receiving key has {KEY_OCTETS} octets", "key")
        if self.message and not is_clean(self.message, MAX_MESSAGE_OCTETS):
            detail = f"a message has at most {MAX_MESSAGE_OCTETS} octets, without control characters"
            raise invalid(detail, "message")
        super().__post_init__()
        if (self.verifier, self.purpose, self.policy, self.issuance) != (NOBODY, PURPOSE, None, None):
            raise invalid("nobody asks it, for no purpose but being sent", "verifier")
        if self.expires - self.created != QUESTION_LIFE:
            raise invalid(f"it lives for {QUESTION_LIFE}", "expires")
        if self.branches != (Branch(BRANCH, self.queries),):
            raise invalid("it shows attributes and asks nothing else", "branches")
        for index, query in enumerate(self.queries):
            _check_query(query, f"queries[{index}]")

    @property
    def queries(self) -> tuple[CompositeQuery, ...]:
        """What is shown, credential by credential."""
        return self.branches[0].queries

    @classmethod
    def of(
        cls,
        recipient: str,
        key: bytes,
        queries: tuple[CompositeQuery, ...],
        created: dt.datetime,
        message: str = "",
    ) -> "UnaskedQuestion":
        """Make one with a fresh nonce; `created` is whole seconds with a zone."""
        return cls(
            verifier=NOBODY,
            purpose=PURPOSE,
            branches=(Branch(BRANCH, queries),),
            created=created,
            expires=created + QUESTION_LIFE,
            recipient=recipient,
            key=key,
            message=message,
        )

    @cached_property
    def canonical(self) -> bytes:
        """The canonical bytes, with the label that no request has."""
        return canonical.encode(
            _LABEL, self.recipient, self.key, self.message, int(self.created.timestamp()), self.nonce,
            [each.items() for each in self.queries],
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated: what the ledger's entry is about."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "UnaskedQuestion":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [str(recipient), bytes(key), str(message), int(created), bytes(nonce), list(queries)]:
                begun = moment_of(created)
                parsed = cls(
                    verifier=NOBODY,
                    purpose=PURPOSE,
                    branches=(Branch(BRANCH, tuple(map(CompositeQuery.from_items, queries))),),
                    created=begun,
                    expires=begun + QUESTION_LIFE,
                    nonce=nonce,
                    recipient=recipient,
                    key=key,
                    message=message,
                )
                if parsed.canonical == octets:
                    return parsed
        raise invalid("the octets are no unasked question", "")

    def check_recipient(self, party: str, key: bytes) -> None:
        """Raise RefusedError REQUEST_MISMATCH unless it was sent to this party and sealed to its own key.

        Without it whoever received something could pass it on as if its owner had sent it there.
        """
        if (self.recipient, self.key) != (party, key):
            raise RefusedError(Reason.REQUEST_MISMATCH, "it was sent to somebody else", field="recipient")


def _check_query(query: CompositeQuery, place: str) -> None:
    """Raise MalformedError REQUEST_INVALID unless a query shows one credential that is not revoked."""
    if len(query.schemas) != 1 or len(query.issuers) != 1 or not query.shown:
        raise invalid("it shows something of one schema, by one key", place)
    if not isinstance(query.issuers[0].revocation, OldestEpoch):
        raise invalid("it cannot waive that the credential is not revoked", place)
