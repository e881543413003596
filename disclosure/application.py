"""What a holder applies for, and whom a company appoints: what the receipts of these are about.

Service and vault compute the same digests; a nonce of the vault's makes each application one of its own.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from disclosure import canonical
from disclosure.attributes import Value, to_item
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import SchemaName

NONCE_OCTETS: Final = 16
MAX_GROUNDS: Final = 2000
MAX_SCOPES: Final = 16
_MAX_SCOPE: Final = 64
_COMMIT_OCTETS: Final = 32
_APPLIED_LABEL: Final = "zk-disclosure/applied/v1"
_APPOINTED_LABEL: Final = "zk-disclosure/appointed/v1"
_ENDED_LABEL: Final = "zk-disclosure/appointment-ended/v1"


class ScopeKind(StrEnum):
    """What an element of an agent's scope is; the values are codes of the appointment's credential."""

    ITEM = "item"
    ERRAND = "errand"


@dataclass(frozen=True)
class Scope:
    """One thing that an agent may do, by its identifier; MalformedError VALUE_INVALID."""

    kind: ScopeKind
    scope: str

    def __post_init__(self) -> None:
        if not 0 < len(self.scope) <= _MAX_SCOPE:
            detail = f"a scope has 1 to {_MAX_SCOPE} characters"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="scope")


@dataclass(frozen=True)
class ApplicationBody:
    """An application as it is made. `on_behalf` is a company's number, "" for one's own item.

    Raises MalformedError VALUE_INVALID.
    """

    schema: SchemaName
    on_behalf: str = field(repr=False)
    grounds: str = field(repr=False)
    values: Mapping[str, Value] = field(repr=False)
    nonce: bytes

    def __post_init__(self) -> None:
        check_words(self.grounds, self.nonce)

    @property
    def digest(self) -> bytes:
        """What its receipt is about: 32 octets."""
        values: list[Item] = [[name, to_item(value)] for name, value in sorted(self.values.items())]
        octets = canonical.encode(
            _APPLIED_LABEL, str(self.schema), self.on_behalf, self.grounds, values, self.nonce
        )
        return canonical.digest(_APPLIED_LABEL, octets)


@dataclass(frozen=True)
class AppointmentBody:
    """An appointment as it is made. Raises MalformedError VALUE_INVALID."""

    schema: SchemaName
    agent: str
    agent_commit: bytes = field(repr=False)
    scopes: Sequence[Scope]
    until: dt.date
    grounds: str = field(repr=False)
    nonce: bytes

    def __post_init__(self) -> None:
        check_words(self.grounds, self.nonce)
        if len(self.agent_commit) != _COMMIT_OCTETS:
            detail = f"a commitment has {_COMMIT_OCTETS} octets"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="agent_commit")
        if not 0 < len(self.scopes) <= MAX_SCOPES or len(set(self.scopes)) != len(self.scopes):
            detail = f"an appointment has 1 to {MAX_SCOPES} scopes, each once"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="scopes")

    @property
    def digest(self) -> bytes:
        """What its receipt is about: 32 octets."""
        scopes: list[Item] = [[each.kind.value, each.scope] for each in self.scopes]
        octets = canonical.encode(
            _APPOINTED_LABEL, str(self.schema), self.agent, self.agent_commit, scopes,
            self.until.isoformat(), self.grounds, self.nonce,
        )  # fmt: skip
        return canonical.digest(_APPOINTED_LABEL, octets)


def ended_digest(appointment: str) -> bytes:
    """Return what the receipt of an appointment's end is about: 32 octets."""
    return canonical.digest(_ENDED_LABEL, canonical.encode(_ENDED_LABEL, appointment))


def check_words(grounds: str, nonce: bytes) -> None:
    """Raise MalformedError VALUE_INVALID unless there are grounds of some length, and a nonce."""
    if not 0 < len(grounds) <= MAX_GROUNDS:
        detail = f"grounds have 1 to {MAX_GROUNDS} characters"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="grounds")
    if len(nonce) != NONCE_OCTETS:
        raise MalformedError(Reason.VALUE_INVALID, f"a nonce has {NONCE_OCTETS} octets", field="nonce")
