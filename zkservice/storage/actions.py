"""Actions that take two persons: proposed, decided on, carried out; each step with its record in the outbox.

What an action does and the word that it was done are one transaction (`finish` is called within it), so it is
done once or not at all, whoever tries it how often.
"""

import datetime as dt
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select, update

from disclosure.administration import ActionBody, ActionOpening, Step, action_digest
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.storage import administrators, ledger, registered, tables

LIFETIME: Final = dt.timedelta(days=7)
MAX_WAITING: Final = 100
"""So many proposals of one proposer wait at once."""
_DETAIL: Final = 1000

Marks = Callable[[Connection, str], str | None]
"""Gives the mark of the secret that a person has now, None for whoever has none."""
Sealed = Callable[[str, Step, ActionOpening], bytes]
"""Seals the opening of an action's step for storage."""


class ActionState(StrEnum):
    """How far an action is, as it is stored; whether time is up is told by the clock."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"


class NotApprovedError(Exception):
    """The action is approved no more: somebody else has carried it out."""


@dataclass(frozen=True)
class Proposer:
    """Who proposes, by the resource name, and the mark of the secret that was shown (`tokens.mark_of`)."""

    name: str
    mark: str = field(repr=False)


@dataclass(frozen=True)
class StoredAction:
    """An action; `outbox` is where its proposal stands there, `mark` that of the secret it was made with."""

    id: str
    proposer: str
    request_id: str
    method: str
    request: bytes
    state: ActionState
    decider: str
    reason: str
    detail: str
    response: bytes
    outbox: int
    created: dt.datetime
    expires: dt.datetime
    decided: dt.datetime | None
    mark: str = field(repr=False)

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"actions/{self.id}"

    @property
    def digest(self) -> bytes:
        """What an approval carries."""
        return action_digest(self.name, self.proposer, self.method, self.request)

    def is_expired(self, now: dt.datetime) -> bool:
        """Tell whether nobody has decided on it in time."""
        return self.state is ActionState.PROPOSED and now >= self.expires


@dataclass(frozen=True)
class StoredRecord:
    """A step of an action in the outbox."""

    step: Step
    sealed_opening: bytes
    outbox: int


def propose(
    connection: Connection,
    action: str,
    by: Proposer,
    request_id: str,
    called: tuple[str, bytes],
    sealed: Sealed,
    now: dt.datetime,
) -> StoredAction:
    """Keep a proposal of a method and the octets of its request; the same request_id gets the same action.

    Raises ServiceError REQUEST_ID_REUSED, OVERLOADED (too many of this proposer wait).
    """
    table, proposer, (method, request) = tables.admin_action, by.name, called
    mine = (table.c.proposer == proposer) & (table.c.request_id == request_id)
    row = connection.execute(select(table).where(mine)).one_or_none()
    if row is not None:
        if row.method != method or not hmac.compare_digest(row.request, request):
            detail = "the request_id was used for something else"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        return _action(row)
    waiting = _waiting(now) & (table.c.proposer == proposer)
    if (connection.execute(select(func.count()).where(waiting)).scalar() or 0) >= MAX_WAITING:
        detail = f"{MAX_WAITING} proposals wait for another person; have them decided on first"
        raise ServiceError(ServiceReason.OVERLOADED, detail)
    digest = action_digest(f"actions/{action}", proposer, method, request)
    body = ActionBody(Step.PROPOSED, f"actions/{action}", digest, proposer, "", from_ms(to_ms(now)))
    opening = ActionOpening.of(body)
    outbox = ledger.enqueue(connection, opening.entry(), None)
    values = {
        "id": action, "proposer": proposer, "mark": by.mark, "request_id": request_id, "method": method,
        "request": request, "state": ActionState.PROPOSED.value, "reason": "", "detail": "", "outbox": outbox,
        "created": to_ms(now), "expires": to_ms(now + LIFETIME),
    }  # fmt: skip
    connection.execute(table.insert().values(**values))
    _keep(connection, action, Step.PROPOSED, sealed(action, Step.PROPOSED, opening), outbox)
    return get(connection, action)


def approve(
    connection: Connection,
    action: str,
    approver: str,
    digest: bytes,
    sealed: Sealed,
    now: dt.datetime,
    marks: Marks,
) -> StoredAction:
    """Approve an action; what the same person has approved before is returned as it is.

    Raises ServiceError NOT_FOUND, ACTION_MISMATCH (another digest), ACTION_DECIDED, ACTION_EXPIRED,
    SAME_PERSON, SECOND_PERSON_REQUIRED (the proposer is no administrator any more, or has another secret than
    it was proposed with), TOKEN_INVALID (the approver is none).
    """
    found = get(connection, action)
    if not hmac.compare_digest(found.digest, digest):
        detail = "this is the digest of something else than the action; look at it again"
        raise ServiceError(ServiceReason.ACTION_MISMATCH, detail, field="digest")
    if not administrators.is_active(connection, approver):
        raise ServiceError(ServiceReason.TOKEN_INVALID, f"{approver} is no administrator any more")
    approved = found.state in {ActionState.APPROVED, ActionState.DONE, ActionState.FAILED}
    if approved and found.decider == approver:
        return found
    _check_waits(found, now)
    _check_other_person(connection, found, approver)
    mark = marks(connection, found.proposer)
    if mark is None or not hmac.compare_digest(mark, found.mark):
        detail = (
            f"{found.proposer} has another secret than it was proposed with; it is proposed anew with that"
        )
        raise ServiceError(ServiceReason.SECOND_PERSON_REQUIRED, detail)
    return _decide(connection, found, (Step.APPROVED, approver), sealed, now)


def reject(
    connection: Connection, action: str, person: str, sealed: Sealed, now: dt.datetime
) -> StoredAction:
    """Reject an action; what the same person has rejected before is returned as it is.

    Raises ServiceError NOT_FOUND, ACTION_DECIDED, ACTION_EXPIRED.
    """
    found = get(connection, action)
    if found.state is ActionState.REJECTED and found.decider == person:
        return found
    _check_waits(found, now)
    return _decide(connection, found, (Step.REJECTED, person), sealed, now)


def _check_waits(found: StoredAction, now: dt.datetime) -> None:
    if found.state is not ActionState.PROPOSED:
        detail = f"{found.decider} has decided on it"
        raise ServiceError(ServiceReason.ACTION_DECIDED, detail, field="name")
    if found.is_expired(now):
        detail = f"nobody decided on it before {found.expires:%Y-%m-%d %H:%M:%S} UTC; propose it again"
        raise ServiceError(ServiceReason.ACTION_EXPIRED, detail, field="name")


def _check_other_person(connection: Connection, found: StoredAction, approver: str) -> None:
    """Raise ServiceError SAME_PERSON, SECOND_PERSON_REQUIRED unless two persons act.

    A department's token is no person of its own for whom it was given to: who registered a department, or
    has replaced its token, could propose in its name.
    """
    persons = {found.proposer}
    if found.proposer.startswith("departments/"):
        persons |= registered.given_to(connection, found.proposer)
    elif not administrators.is_active(connection, found.proposer):
        detail = f"{found.proposer} is no administrator any more; somebody else proposes it anew"
        raise ServiceError(ServiceReason.SECOND_PERSON_REQUIRED, detail)
    if approver in persons:
        detail = "whoever proposes an action, or was given the token that proposed it, does not approve it"
        raise ServiceError(ServiceReason.SAME_PERSON, detail)


def _decide(
    connection: Connection, found: StoredAction, step: tuple[Step, str], sealed: Sealed, now: dt.datetime
) -> StoredAction:
    (taken, person), table = step, tables.admin_action
    state = ActionState.APPROVED if taken is Step.APPROVED else ActionState.REJECTED
    values = {"state": state.value, "decider": person, "decided": to_ms(now)}
    connection.execute(update(table).where(table.c.id == found.id).values(**values))
    _record(connection, found, (taken, person, ""), sealed, now)
    return get(connection, found.id)


def check_approved(connection: Connection, action: str) -> StoredAction:
    """Return an action that is to be carried out; NotApprovedError for any other."""
    found = get(connection, action)
    if found.state is not ActionState.APPROVED:
        raise NotApprovedError
    return found


def finish(
    connection: Connection,
    action: str,
    sealed: Sealed,
    now: dt.datetime,
    reason: str = "",
    detail: str = "",
) -> None:
    """Say that an approved action was done or, with a reason, that it failed; NotApprovedError."""
    found, table = check_approved(connection, action), tables.admin_action
    state, step = (ActionState.FAILED, Step.FAILED) if reason else (ActionState.DONE, Step.DONE)
    values = {"state": state.value, "reason": reason, "detail": detail[:_DETAIL]}
    connection.execute(update(table).where(table.c.id == action).values(**values))
    _record(connection, found, (step, found.decider, reason), sealed, now)


def keep_response(connection: Connection, action: str, response: bytes) -> None:
    """Keep what the method answered, of an action that was done."""
    table = tables.admin_action
    done = (table.c.id == action) & (table.c.state == ActionState.DONE.value)
    connection.execute(update(table).where(done).values(response=response))


def get(connection: Connection, action: str) -> StoredAction:
    """Return an action; ServiceError NOT_FOUND."""
    table = tables.admin_action
    row = connection.execute(select(table).where(table.c.id == action)).one_or_none()
    if row is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such action", field="name")
    return _action(row)


def listed(
    connection: Connection, before: int, limit: int, waiting: dt.datetime | None = None
) -> list[StoredAction]:
    """Return actions that were proposed before one, newest first; only those that wait at a moment, if one is
    said."""
    table = tables.admin_action
    query = select(table).order_by(table.c.outbox.desc()).limit(limit)
    if before:
        query = query.where(table.c.outbox < before)
    if waiting is not None:
        query = query.where(_waiting(waiting))
    return [_action(row) for row in connection.execute(query)]


def approved(connection: Connection) -> list[str]:
    """Return the actions that are to be carried out, oldest first."""
    table = tables.admin_action
    query = select(table.c.id).where(table.c.state == ActionState.APPROVED.value).order_by(table.c.decided)
    return list(connection.execute(query).scalars())


def records(connection: Connection, actions: list[str]) -> dict[str, list[StoredRecord]]:
    """Return the steps of actions in the outbox, in their order."""
    table, found = tables.admin_action_record, dict[str, list[StoredRecord]]()
    query = select(table).where(table.c.action.in_(actions)).order_by(table.c.outbox)
    for row in connection.execute(query):
        kept = StoredRecord(Step(row.step), row.sealed_opening, row.outbox)
        found.setdefault(row.action, []).append(kept)
    return found


def _waiting(now: dt.datetime) -> Any:
    table = tables.admin_action
    return (table.c.state == ActionState.PROPOSED.value) & (table.c.expires > to_ms(now))


def _record(
    connection: Connection, found: StoredAction, step: tuple[Step, str, str], sealed: Sealed, now: dt.datetime
) -> None:
    taken, person, reason = step
    body = ActionBody(taken, found.name, found.digest, person, reason, from_ms(to_ms(now)))
    opening = ActionOpening.of(body)
    outbox = ledger.enqueue(connection, opening.entry(), None)
    _keep(connection, found.id, taken, sealed(found.id, taken, opening), outbox)


def _keep(connection: Connection, action: str, step: Step, sealed_opening: bytes, outbox: int) -> None:
    values = {"action": action, "step": step.value, "sealed_opening": sealed_opening, "outbox": outbox}
    connection.execute(tables.admin_action_record.insert().values(**values))


def _action(row: Row[Any]) -> StoredAction:
    return StoredAction(
        row.id, row.proposer, row.request_id, row.method, row.request, ActionState(row.state),
        row.decider or "", row.reason, row.detail, row.response or b"", row.outbox, from_ms(row.created),
        from_ms(row.expires), None if row.decided is None else from_ms(row.decided),
        row.mark,
    )  # fmt: skip
