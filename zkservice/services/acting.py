"""Carrying out what two persons have agreed on: by the very method that they agreed on, once.

The method runs over a database whose one write is committed together with the word that the action was
done. So whoever carries it out, however often and in however many processes: it is done once, or not at all.
A crash between the approval and that commit has changed nothing, and the action is carried out at the next
start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from sqlalchemy import Connection

from disclosure import DisclosureError, MalformedError
from disclosure.administration import MAX_REQUEST_OCTETS, ActionOpening, Step
from wire.administration import whole_message
from zkproto.v1 import administration_pb2, catalog_pb2, publication_pb2, statistics_pb2, token_pb2
from zkservice import logs
from zkservice.callers import Approved
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.services.administrators import Administrators
from zkservice.services.catalog import CatalogService
from zkservice.services.publication import PublicationService
from zkservice.services.statistics import StatisticsService
from zkservice.services.token import TokenService
from zkservice.status import known
from zkservice.storage import actions
from zkservice.storage.actions import ActionState, NotApprovedError, StoredAction
from zkservice.storage.database import Database
from zkservice.tasks import Fault
from zkservice.two_persons import HARMFUL

_Result = TypeVar("_Result")
_SERVED: Final = (
    (administration_pb2.DESCRIPTOR.services_by_name["AdministrationService"], Administrators),
    (catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"], CatalogService),
    (publication_pb2.DESCRIPTOR.services_by_name["PublicationService"], PublicationService),
    (statistics_pb2.DESCRIPTOR.services_by_name["StatisticsService"], StatisticsService),
    (token_pb2.DESCRIPTOR.services_by_name["TokenService"], TokenService),
)
_LATER: Final = {
    ServiceReason.STORAGE_UNAVAILABLE,
    ServiceReason.SHUTTING_DOWN,
    ServiceReason.OVERLOADED,
    ServiceReason.CALL_TIMEOUT,
}
"""Reasons that say nothing of the action: it is tried again."""


@dataclass(frozen=True)
class Proposable:
    """A method that may be proposed, and the servicer that has it."""

    descriptor: MethodDescriptor
    servicer: Callable[[Context], Any]

    def decode(self, octets: bytes) -> Message:
        """Return the request of these octets; ServiceError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE.

        They are exactly what deterministic serialization gives: nothing in them is unknown, or said twice, so
        whoever looks at the message has seen all of it.
        """
        if len(octets) > MAX_REQUEST_OCTETS:
            detail = f"a request that is proposed has at most {MAX_REQUEST_OCTETS} octets"
            raise ServiceError(ServiceReason.MESSAGE_TOO_LARGE, detail, field="request")
        try:
            return whole_message(self.descriptor.input_type, octets)
        except MalformedError as error:
            raise ServiceError(ServiceReason.MESSAGE_MALFORMED, error.detail, field="request") from None


PROPOSABLE: Final[Mapping[str, Proposable]] = {
    name: Proposable(method, servicer)
    for service, servicer in _SERVED
    for method in service.methods
    if (name := f"{service.full_name}/{method.name}") in HARMFUL
}


def proposable(method: str) -> Proposable:
    """Return a method that may be proposed; ServiceError FIELD_INVALID."""
    if method not in PROPOSABLE:
        detail = "no such method takes two persons"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="method")
    return PROPOSABLE[method]


def sealed(keys: Keys, action: str, step: Step, opening: ActionOpening) -> bytes:
    """Seal the opening of an action's step for storage."""
    return keys.seal(opening_label(action, step), opening.to_bytes())


def opening_label(action: str, step: Step) -> str:
    """Return the label that the opening of an action's step is sealed under."""
    return f"action-opening/{action}/{step.value}"


class _Once(Database):
    """A database whose one write also says that the action was done; everything else is the service's."""

    def __init__(self, database: Database, action: str, finish: Callable[[Connection], None]) -> None:
        self._inner, self._action, self._finish = database, action, finish
        self.written = False

    @property
    def alone(self) -> bool:
        return self._inner.alone

    async def read(self, act: Callable[[Connection], _Result]) -> _Result:
        return await self._inner.read(act)

    async def write(self, act: Callable[[Connection], _Result]) -> _Result:
        if self.written:
            raise RuntimeError("a method that takes two persons writes once")
        self.written = True

        def both(connection: Connection) -> _Result:
            actions.check_approved(connection, self._action)
            result = act(connection)
            self._finish(connection)
            return result

        return await self._inner.write(both)

    def close(self) -> None:
        """Do nothing: it is not this one's."""


async def carry_out(context: Context, action: str) -> None:
    """Carry out an action that is approved, unless it was; ServiceError for what says nothing of it.

    The approval stands on the ledger before anything is done.
    """
    stored = await context.database.read(lambda each: actions.get(each, action))
    if stored.state is not ActionState.APPROVED:
        return
    steps = await context.database.read(lambda each: actions.records(each, [action]))
    for each in steps[action]:
        await context.proofs.place(each.outbox)
    try:
        answer = await _carried_out(context, stored)
    except NotApprovedError:
        return
    except Exception as error:  # whatever it is, the action has an outcome
        told = known(error)
        if told.reason in _LATER:
            raise
        if told is not error:
            fault = Fault.of(error)
            structlog.get_logger().error("an approved action failed", kind=fault.kind, at=list(fault.places))
        await _failed(context, stored, told)
        return
    octets = answer.SerializeToString()
    await context.database.write(lambda each: actions.keep_response(each, action, octets))


async def _carried_out(context: Context, stored: StoredAction) -> Message:
    if context.now() >= stored.expires:
        detail = "it was approved, and could not be carried out in time"
        raise ServiceError(ServiceReason.ACTION_EXPIRED, detail)
    method = proposable(stored.method)
    request = method.decode(stored.request)
    finish = partial(
        actions.finish, action=stored.id, sealed=partial(sealed, context.keys), now=context.now()
    )
    once = _Once(context.database, stored.id, finish)
    servicer = method.servicer(replace(context, database=once))
    act = getattr(servicer, method.descriptor.name)
    answer: Message = await act(request, Approved(stored.proposer, stored.decider))
    if not once.written:  # it stood there already
        await context.database.write(finish)
    return answer


async def _failed(context: Context, stored: StoredAction, told: DisclosureError | ServiceError) -> None:
    """Say that an action failed, unless it was done all the same."""

    def fail(connection: Connection) -> None:
        if actions.get(connection, stored.id).state is not ActionState.APPROVED:
            return
        kept = partial(sealed, context.keys)
        detail = f"{told.field}: {told.detail}" if told.field else told.detail
        actions.finish(connection, stored.id, kept, context.now(), str(told.reason), detail)

    await context.database.write(fail)


async def carry_out_all(context: Context) -> None:
    """Carry out whatever is approved and was not carried out: a server ended between the two."""
    for action in await context.database.read(actions.approved):
        with logs.logged("an approved action could not be carried out, will be tried again"):
            await carry_out(context, action)
