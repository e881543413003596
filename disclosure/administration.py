"""Administrative actions: the digest that is approved, and what their records on the ledger commit to.

An action is the message of one method that somebody proposes and another person approves. Whoever approves
approves octets, by a digest computed from what was shown. Each step (proposed, approved or rejected, done or
failed) is a record of the kind "administration" that holds a salted commitment and nothing else: outsiders
see that administration took place, and whoever has the opening sees what it was (docs/administration.md).
"""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from disclosure import canonical
from disclosure.errors import MalformedError, Reason
from disclosure.presentation import DIGEST_OCTETS
from tlog.entry import RecordEntry

ADMINISTRATION_RECORD: Final = "administration"
MAX_REQUEST_OCTETS: Final = 60_000
"""Of a message that is proposed."""
SALT_OCTETS: Final = 32
_ACTION_LABEL: Final = "zk-disclosure/administrative-action/v1"
_BODY_LABEL: Final = "zk-disclosure/administration-body/v1"
_COMMITMENT_LABEL: Final = "zk-disclosure/administration-commitment/v1"
_RECORD_LABEL: Final = "zk-disclosure/administration-record/v1"
_OPENING_LABEL: Final = "zk-disclosure/administration-opening/v1"
_TOKEN_LABEL: Final = b"zk-disclosure/access-token/v1\x00"
_EPOCH: Final = dt.datetime.fromtimestamp(0, dt.UTC)
_MAX_MILLISECONDS: Final = 1 << 47


class Step(StrEnum):
    """The steps of an action; the values stand in hashed bytes and are never reused."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"
    DONE = "done"
    FAILED = "failed"


def new_secret() -> str:
    """Return a new secret of an administrator, a department or a regulator: 32 random octets in base64url."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> bytes:
    """Return what the service is told and keeps of a random secret: 32 octets."""
    return hashlib.sha256(_TOKEN_LABEL + secret.encode()).digest()


def action_digest(name: str, proposer: str, method: str, request: bytes) -> bytes:
    """Return the SHA-256 that an approval carries: of the action's name, its proposer, its method and the
    octets of the method's request."""
    octets = canonical.encode(_ACTION_LABEL, name, proposer, method, request)
    return canonical.digest(_ACTION_LABEL, octets)


@dataclass(frozen=True)
class ActionBody:
    """What the record of one step commits to.

    `digest` is the action's, `person` who took the step (for an outcome, who approved), `reason` why it
    failed and otherwise empty, `time` the service's in whole milliseconds. Raises MalformedError MALFORMED.
    """

    step: Step
    action: str
    digest: bytes
    person: str
    reason: str
    time: dt.datetime

    def __post_init__(self) -> None:
        if len(self.digest) != DIGEST_OCTETS or not self.action or not self.person:
            raise _malformed()
        if self.time.tzinfo is None or self.time.microsecond % 1000:
            raise MalformedError(Reason.MALFORMED, "a time is whole milliseconds with a zone")

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        milliseconds = (self.time - _EPOCH) // dt.timedelta(milliseconds=1)
        return canonical.encode(
            _BODY_LABEL, self.step.value, self.action, self.digest, self.person, self.reason, milliseconds
        )

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ActionBody":
        """Decode canonical bytes; MalformedError MALFORMED."""
        match canonical.decode(_BODY_LABEL, octets):
            case [str(step), str(action), bytes(digest), str(person), str(reason), int(time)] if (
                step in set(Step) and not isinstance(time, bool) and 0 <= time < _MAX_MILLISECONDS
            ):
                moment = _EPOCH + dt.timedelta(milliseconds=time)
                return cls(Step(step), action, digest, person, reason, moment)
        raise _malformed()


@dataclass(frozen=True)
class ActionOpening:
    """The salt of a record, 32 octets that are used in no other, with what the record commits to."""

    salt: bytes
    body: ActionBody

    def __post_init__(self) -> None:
        if len(self.salt) != SALT_OCTETS:
            raise _malformed()

    @classmethod
    def of(cls, body: ActionBody) -> "ActionOpening":
        """Draw a salt."""
        return cls(secrets.token_bytes(SALT_OCTETS), body)

    def entry(self) -> bytes:
        """Return the entry on the ledger."""
        commitment = canonical.digest(_COMMITMENT_LABEL, self.salt + self.body.to_bytes())
        return RecordEntry(ADMINISTRATION_RECORD, canonical.encode(_RECORD_LABEL, commitment)).to_bytes()

    def to_bytes(self) -> bytes:
        """Return its canonical bytes."""
        return canonical.encode(_OPENING_LABEL, self.salt, self.body.to_bytes())

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ActionOpening":
        """Decode canonical bytes; MalformedError MALFORMED."""
        match canonical.decode(_OPENING_LABEL, octets):
            case [bytes(salt), bytes(body)]:
                return cls(salt, ActionBody.from_bytes(body))
        raise _malformed()


def _malformed() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the octets are no step of an administrative action")
