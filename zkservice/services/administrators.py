"""The part of AdministrationService that has administrators. No secret of theirs ever comes here: each makes
their own, and says its hash."""

from typing import Any, Final

from sqlalchemy import Connection

from disclosure.names import AdministratorName
from wire.convert import moment_to, text_of, text_to, within
from zkproto.v1 import administration_pb2 as pb
from zkservice.callers import Approved
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import hash_of, required
from zkservice.listing import listed
from zkservice.roles import Role
from zkservice.services.catalog_part import said_etag
from zkservice.storage import administrators
from zkservice.storage.administrators import ROOT, AdministratorState, StoredAdministrator

_STATES: Final = {
    AdministratorState.ACTIVE: pb.Administrator.STATE_ACTIVE,
    AdministratorState.REMOVED: pb.Administrator.STATE_REMOVED,
}


class Administrators:
    """Root makes and removes them, or two persons do (`two_persons`)."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateAdministrator(self, request: pb.CreateAdministratorRequest, context: Any) -> Any:
        """Make an administrator; where two persons are demanded root makes the first one only."""
        await self._root_or_two(context)
        required(request.HasField("administrator"), "administrator")
        name = str(
            AdministratorName.parse(f"administrators/{request.administrator_id}", field="administrator_id")
        )
        if name == ROOT:
            detail = "root is whoever holds admin.token"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="administrator_id")
        with within("administrator.display_name"):
            display_name = text_of(request.administrator.display_name)
        hashed = self._hash(request.secret_hash)
        first = self._context.settings.demands_two_persons and not isinstance(context, Approved)

        def add(connection: Connection) -> StoredAdministrator:
            if first and administrators.anybody(connection):
                detail = "root alone makes the first administrator; another person approves the others"
                raise ServiceError(ServiceReason.SECOND_PERSON_REQUIRED, detail)
            return administrators.add(connection, name, display_name, hashed, self._context.now())

        return administrator_message(await self._context.database.write(add))

    async def ListAdministrators(self, request: pb.ListAdministratorsRequest, context: Any) -> Any:
        """A page of administrators; root is none of them."""
        await self._context.access.admin(context)
        page, token = await listed(
            self._context, request, "administrators", administrators.listed, administrator_message
        )
        return pb.ListAdministratorsResponse(administrators=page, next_page_token=token)

    async def GetAdministrator(self, request: pb.GetAdministratorRequest, context: Any) -> Any:
        """One administrator, also one who was removed."""
        await self._context.access.admin(context)
        name = str(AdministratorName.parse(request.name, field="name"))
        return administrator_message(
            await self._context.database.read(lambda each: administrators.get(each, name))
        )

    async def UpdateAdministrator(self, request: pb.UpdateAdministratorRequest, context: Any) -> Any:
        """Change a display name: one's own, or as root, or as two persons another's."""
        required(request.HasField("administrator"), "administrator")
        name = str(AdministratorName.parse(request.administrator.name, field="administrator.name"))
        if name != f"administrators/{await self._context.access.admin(context)}":
            await self._root_or_two(context)
        etag = said_etag(request.administrator.etag, "administrator.etag")
        with within("administrator.display_name"):
            display_name = text_of(request.administrator.display_name)
        return administrator_message(
            await self._context.database.write(
                lambda each: administrators.rename(each, name, display_name, etag)
            )
        )

    async def SetAdministratorSecret(self, request: pb.SetAdministratorSecretRequest, context: Any) -> Any:
        """Replace a secret: one's own, or as root, or as two persons another's."""
        name = str(AdministratorName.parse(request.name, field="name"))
        if name != await self._context.access.replacing(context, name, {Role.ADMINISTRATOR}):
            await self._root_or_two(context)
        hashed = self._hash(request.secret_hash)
        return administrator_message(
            await self._context.database.write(lambda each: administrators.set_secret(each, name, hashed))
        )

    async def RemoveAdministrator(self, request: pb.RemoveAdministratorRequest, context: Any) -> Any:
        """End an administrator, however often it is said."""
        await self._root_or_two(context)
        name = str(AdministratorName.parse(request.name, field="name"))
        return administrator_message(
            await self._context.database.write(lambda each: administrators.remove(each, name))
        )

    async def _root_or_two(self, context: Any) -> None:
        """Let root pass, and two persons of whom one has proposed and the other approved."""
        name = await self._context.access.admin(context)
        if not isinstance(context, Approved) and f"administrators/{name}" != ROOT:
            detail = "administrators are root's, or take two persons: one proposes, another approves"
            raise ServiceError(ServiceReason.TOKEN_INVALID, detail)

    def _hash(self, octets: bytes) -> bytes:
        required(bool(octets), "secret_hash")
        hashed = hash_of(octets, "secret_hash")
        self._context.access.check_not_root(hashed, field="secret_hash")
        return hashed


def administrator_message(stored: StoredAdministrator) -> pb.Administrator:
    """Return an administrator's message."""
    return pb.Administrator(
        name=stored.name,
        display_name=text_to(stored.display_name),
        state=_STATES[stored.state],
        create_time=moment_to(stored.created),
        etag=stored.etag,
    )
