"""AdministrationService: who administers, and the actions that take two of them."""

import asyncio
import datetime as dt
import hmac
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from disclosure.presentation import DIGEST_OCTETS
from wire.convert import moment_to
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1.administration_pb2_grpc import AdministrationServiceServicer
from zkservice import tenants
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, fresh_id, required, resource_id
from zkservice.listing import listed
from zkservice.services.acting import Proposable, carry_out, opening_label, proposable, sealed
from zkservice.services.administrators import Administrators
from zkservice.storage import actions
from zkservice.storage.actions import ActionState, StoredAction, StoredRecord
from zkservice.two_persons import HARMFUL

_STATES: Final = {
    ActionState.PROPOSED: pb.Action.STATE_PROPOSED,
    ActionState.APPROVED: pb.Action.STATE_APPROVED,
    ActionState.DONE: pb.Action.STATE_DONE,
    ActionState.FAILED: pb.Action.STATE_FAILED,
    ActionState.REJECTED: pb.Action.STATE_REJECTED,
}


class AdministrationService(Administrators, AdministrationServiceServicer):
    """What an action would do is found out when it is carried out; until then it is kept as proposed."""

    async def CreateAction(self, request: pb.CreateActionRequest, context: Any) -> Any:
        """Propose a method; answered once the proposal stands on the ledger."""
        by = await self._context.access.proposer(context)
        request_id = check_request_id(request.request_id)
        required(bool(request.method), "method")
        required(bool(request.request), "request")
        method = proposable(request.method)
        self._check_proposer(by.name, request, method)
        called, keep = (request.method, request.request), partial(sealed, self._context.keys)

        def add(connection: Connection) -> StoredAction:
            # What was known of secrets a moment ago may have let in one that counts no more.
            if not hmac.compare_digest(self._context.secrets.mark_now(connection, by.name) or "", by.mark):
                raise ServiceError(ServiceReason.TOKEN_INVALID, f"{by.name} has another secret now")
            return actions.propose(connection, fresh_id(), by, request_id, called, keep, self._context.now())

        return await self._proven(await self._context.database.write(add))

    def _check_proposer(self, proposer: str, request: pb.CreateActionRequest, method: Proposable) -> None:
        """Let administrators propose everything, and departments what is their own."""
        message, harmful = method.decode(request.request), HARMFUL[request.method]
        if proposer.startswith("departments/"):
            owner = harmful.of_department
            if not harmful.by_departments or owner is None or owner(message) != proposer:
                detail = "a department proposes what is done to issuer keys of its own, and nothing else"
                raise ServiceError(ServiceReason.TOKEN_INVALID, detail)
        if harmful.said_hash and not getattr(message, harmful.said_hash):
            detail = f"a proposal has {harmful.said_hash}, since no secret stands in an action"
            raise ServiceError(ServiceReason.FIELD_MISSING, detail, field="request")

    async def GetAction(self, request: pb.GetActionRequest, context: Any) -> Any:
        """One action with its proofs."""
        stored = await self._seen(request.name, await self._context.access.person(context))
        return await self._proven(stored)

    async def ListActions(self, request: pb.ListActionsRequest, context: Any) -> Any:
        """A page of actions."""
        await self._context.access.admin(context)
        waiting = self._context.now() if request.waiting else None
        page, token = await listed(
            self._context,
            request,
            f"actions {request.waiting}",
            partial(_with_steps, waiting=waiting),
            lambda row: self._message(*row),
            lambda row: str(row[0].outbox),
        )
        return pb.ListActionsResponse(actions=page, next_page_token=token)

    async def ApproveAction(self, request: pb.ApproveActionRequest, context: Any) -> Any:
        """Approve an action and carry it out; answered with its outcome."""
        approver = f"administrators/{await self._context.access.admin(context)}"
        action = resource_id(request.name, "actions", field="name")
        required(bool(request.digest), "digest")
        if len(request.digest) != DIGEST_OCTETS:
            detail = f"a digest has {DIGEST_OCTETS} octets"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="digest")
        keep = partial(sealed, self._context.keys)
        await self._context.database.write(
            lambda each: actions.approve(
                each, action, approver, request.digest, keep, self._context.now(),
                self._context.secrets.mark_now,
            )
        )  # fmt: skip
        # Not given up with its caller: what is approved is carried out.
        await asyncio.shield(tenants.own(carry_out(self._context, action)))
        return await self._proven(await self._context.database.read(lambda each: actions.get(each, action)))

    async def RejectAction(self, request: pb.RejectActionRequest, context: Any) -> Any:
        """Reject an action; answered once that stands on the ledger."""
        person = await self._context.access.person(context)
        action = (await self._seen(request.name, person)).id
        keep = partial(sealed, self._context.keys)
        stored = await self._context.database.write(
            lambda each: actions.reject(each, action, person, keep, self._context.now())
        )
        return await self._proven(stored)

    async def _seen(self, name: str, person: str) -> StoredAction:
        """Return an action that somebody may see; ServiceError NOT_FOUND, as for one that there is not."""
        action = resource_id(name, "actions", field="name")
        stored = await self._context.database.read(lambda each: actions.get(each, action))
        if person.startswith("departments/") and stored.proposer != person:
            raise ServiceError(ServiceReason.NOT_FOUND, "there is no such action", field="name")
        return stored

    async def _proven(self, stored: StoredAction) -> pb.Action:
        """Return the message once all steps stand on the ledger, with the proofs."""
        found = await self._context.database.read(lambda each: actions.records(each, [stored.id]))
        message = self._message(stored, found[stored.id])
        for record, step in zip(message.records, found[stored.id], strict=True):
            record.proof = await self._context.proofs.of(step.outbox)
        return message

    def _message(self, stored: StoredAction, steps: Sequence[StoredRecord]) -> pb.Action:
        expired = stored.is_expired(self._context.now())
        message = pb.Action(
            name=stored.name,
            method=stored.method,
            request=stored.request,
            digest=stored.digest,
            proposer=stored.proposer,
            decider=stored.decider,
            state=pb.Action.STATE_EXPIRED if expired else _STATES[stored.state],
            reason=stored.reason,
            detail=stored.detail,
            response=stored.response,
            create_time=moment_to(stored.created),
            expire_time=moment_to(stored.expires),
        )
        if stored.decided is not None:
            message.decide_time.CopyFrom(moment_to(stored.decided))
        for each in steps:
            label = opening_label(stored.id, each.step)
            message.records.add(opening=self._context.keys.open(label, each.sealed_opening))
        return message


def _with_steps(
    connection: Connection, before: str, limit: int, *, waiting: dt.datetime | None
) -> list[tuple[StoredAction, Sequence[StoredRecord]]]:
    found = actions.listed(connection, int(before or 0), limit, waiting)
    steps = actions.records(connection, [each.id for each in found])
    return [(each, steps[each.id]) for each in found]
