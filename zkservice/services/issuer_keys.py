"""The part of CatalogService that has issuer keys: made, listed, and taken on until they are retired."""

import asyncio
from typing import Any, Final

import bbs
from disclosure import DepartmentName, IssuerKey, IssuerKeyName, KeyState, issuer_key_name
from wire.convert import issuer_key_to
from zkproto.v1 import catalog_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, check_suite
from zkservice.keys import secret_label
from zkservice.listing import listed
from zkservice.services.catalog_part import CatalogPart, parent_of
from zkservice.states import issuer_key_proven
from zkservice.storage import catalog
from zkservice.storage.catalog import StoredKey

_STATES: Final = {
    pb.IssuerKey.STATE_ACTIVE: KeyState.ACTIVE,
    pb.IssuerKey.STATE_VERIFY_ONLY: KeyState.VERIFY_ONLY,
    pb.IssuerKey.STATE_RETIRED: KeyState.RETIRED,
}


class IssuerKeys(CatalogPart):
    """Secret halves are made, sealed and opened here and in the signing worker, and are in no answer."""

    async def CreateIssuerKey(self, request: pb.CreateIssuerKeyRequest, context: Any) -> Any:
        """Make an issuer key; answered once its public half stands on the ledger."""
        parent = DepartmentName.parse(request.parent, field="parent")
        await self._context.access.department(context, str(parent), or_admin=True)
        request_id, suite = check_request_id(request.request_id), check_suite(request.suite)
        stored = await self._existing_key(str(parent), suite, request_id)
        if stored is None:
            key, sealed = await asyncio.get_running_loop().run_in_executor(
                self._context.crypto, self._make_key, parent.department, suite
            )
            stored = await self._context.database.write(
                lambda connection: catalog.add_issuer_key(
                    connection, key, sealed, request_id, self._context.now()
                )
            )
        self._context.signing_keys.forget(str(parent))
        return await self._issuer_key(stored)

    async def _existing_key(self, parent: str, suite: str, request_id: str) -> StoredKey | None:
        stored = await self._context.database.read(
            lambda connection: catalog.issuer_key_of_request(connection, parent, request_id)
        )
        if stored is not None and stored.key.suite != suite:
            detail = "the request_id made a key of another suite"
            raise ServiceError(ServiceReason.REQUEST_ID_REUSED, detail, field="request_id")
        return stored

    def _make_key(self, department: str, suite: str) -> tuple[IssuerKey, bytes]:
        secret = bbs.SecretKey.generate(suite=suite)
        name = issuer_key_name(department, suite, secret.public_key())
        sealed = self._context.keys.seal(secret_label(str(name)), secret.to_octets_secret())
        return IssuerKey(name, suite, secret.public_key()), sealed

    async def GetIssuerKey(self, request: pb.GetIssuerKeyRequest, context: Any) -> Any:
        """One issuer key."""
        name = str(IssuerKeyName.parse(request.name, field="name"))
        stored = await self._context.database.read(lambda each: catalog.issuer_key(each, name))
        return await self._issuer_key(stored)

    async def ListIssuerKeys(self, request: pb.ListIssuerKeysRequest, context: Any) -> Any:
        """A page of the issuer keys of one department, or of all."""
        parent = parent_of(request.parent)
        page, token = await listed(
            self._context,
            request,
            f"issuer keys of {request.parent}",
            lambda connection, after, limit: catalog.issuer_keys(connection, parent, after, limit),
            issuer_key_message,
        )
        return pb.ListIssuerKeysResponse(issuer_keys=page, next_page_token=token)

    async def UpdateIssuerKeyState(self, request: pb.UpdateIssuerKeyStateRequest, context: Any) -> Any:
        """Take a key on; answered once its new state stands on the ledger.

        From then on nothing new is signed with it. Judges ask for a key's state every second
        (`knowledge.KEY_SECONDS`): so long a retired key's credentials may still be accepted.
        """
        name = IssuerKeyName.parse(request.name, field="name")
        parent = str(DepartmentName(name.department))
        await self._context.access.department(context, parent, or_admin=True)
        expected, wanted = (
            _state(request.expected_state, "expected_state"),
            _state(request.state, "state"),
        )
        stored = await self._context.database.write(
            lambda connection: catalog.change_key_state(connection, str(name), expected, wanted)
        )
        self._context.states.changed()
        self._context.signing_keys.forget(parent)
        return await self._issuer_key(stored)

    async def _issuer_key(self, stored: StoredKey) -> pb.IssuerKey:
        return await issuer_key_proven(self._context.proofs, stored)


def issuer_key_message(row: StoredKey) -> pb.IssuerKey:
    """Return a key's message, without proofs."""
    return issuer_key_to(row.key, row.created)


def _state(number: Any, field: str) -> KeyState:
    if number not in _STATES:
        raise ServiceError(ServiceReason.FIELD_INVALID, "a key has no such state", field=field)
    return _STATES[number]
