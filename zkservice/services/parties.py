"""The part of CatalogService that has departments and verifiers."""

import secrets
from typing import Any

from disclosure import DepartmentName, VerifierName
from disclosure.names import AdministratorName
from tlog.ed25519 import is_public_key
from wire.centre import identified_of, identified_to
from wire.convert import moment_to, text_of, text_to, within
from zkproto.v1 import catalog_pb2 as pb
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import hash_of, required
from zkservice.keys import token_hash
from zkservice.listing import listed
from zkservice.services.catalog_part import CatalogPart, said_etag
from zkservice.storage import registered
from zkservice.storage.registered import Named


class Parties(CatalogPart):
    """Both are registered by the administrator."""

    async def CreateDepartment(self, request: pb.CreateDepartmentRequest, context: Any) -> Any:
        """Register a department; its token is in the answer and nowhere else, unless it has made its own."""
        person = AdministratorName(await self._context.access.admin(context))
        required(request.HasField("department"), "department")
        name = DepartmentName.parse(f"departments/{request.department_id}", field="department_id")
        with within("department.display_name"):
            display_name = text_of(request.department.display_name)
        identifies = identified_of(request.department.identifies, field="department.identifies")
        token, hashed = given_token(self._context, request.access_token_hash)
        added = await self._context.database.write(
            lambda connection: registered.add_department(
                connection, str(name), display_name, hashed, self._context.now(), identifies, str(person)
            )
        )
        return pb.CreateDepartmentResponse(department=department_message(added), access_token=token)

    async def GetDepartment(self, request: pb.GetDepartmentRequest, context: Any) -> Any:
        """One department."""
        name = str(DepartmentName.parse(request.name, field="name"))
        return department_message(
            await self._context.database.read(lambda each: registered.department(each, name))
        )

    async def ListDepartments(self, request: pb.ListDepartmentsRequest, context: Any) -> Any:
        """A page of departments."""
        page, token = await listed(
            self._context, request, "departments", registered.departments, department_message
        )
        return pb.ListDepartmentsResponse(departments=page, next_page_token=token)

    async def UpdateDepartment(self, request: pb.UpdateDepartmentRequest, context: Any) -> Any:
        """Change what a department is called and, for the administrator, whom it identifies."""
        required(request.HasField("department"), "department")
        name = str(DepartmentName.parse(request.department.name, field="department.name"))
        by_admin = await self._context.access.department(context, name, or_admin=True)
        etag = said_etag(request.department.etag, "department.etag")
        with within("department.display_name"):
            display_name = text_of(request.department.display_name)
        identifies = identified_of(request.department.identifies, field="department.identifies")
        return department_message(
            await self._context.database.write(
                lambda connection: registered.change_department(
                    connection, name, display_name, identifies, etag, empowering=by_admin
                )
            )
        )

    async def CreateVerifier(self, request: pb.CreateVerifierRequest, context: Any) -> Any:
        """Register a verifier with the public key that signs its requests; answered as a schema is."""
        await self._context.access.admin(context)
        required(request.HasField("verifier"), "verifier")
        name = VerifierName.parse(f"verifiers/{request.verifier_id}", field="verifier_id")
        with within("verifier.display_name"):
            display_name = text_of(request.verifier.display_name)
        public_key = _ed25519(request.verifier.public_key)
        added = await self._context.database.write(
            lambda connection: registered.add_verifier(
                connection, str(name), display_name, public_key, self._context.now()
            )
        )
        return await verifier_proven(self._context, added)

    async def GetVerifier(self, request: pb.GetVerifierRequest, context: Any) -> Any:
        """One verifier."""
        name = str(VerifierName.parse(request.name, field="name"))
        stored = await self._context.database.read(lambda each: registered.verifier(each, name))
        return await verifier_proven(self._context, stored)

    async def ListVerifiers(self, request: pb.ListVerifiersRequest, context: Any) -> Any:
        """A page of verifiers."""
        page, token = await listed(self._context, request, "verifiers", registered.verifiers, _verifier)
        return pb.ListVerifiersResponse(verifiers=page, next_page_token=token)

    async def UpdateVerifier(self, request: pb.UpdateVerifierRequest, context: Any) -> Any:
        """Change what a verifier is called; what it signs with stays as it is."""
        await self._context.access.admin(context)
        required(request.HasField("verifier"), "verifier")
        name = str(VerifierName.parse(request.verifier.name, field="verifier.name"))
        etag = said_etag(request.verifier.etag, "verifier.etag")
        with within("verifier.display_name"):
            display_name = text_of(request.verifier.display_name)
        renamed = await self._context.database.write(
            lambda connection: registered.rename_verifier(connection, name, display_name, etag)
        )
        return await verifier_proven(self._context, renamed)


def given_token(context: Context, hashed: bytes) -> tuple[str, bytes]:
    """Return a new token and its hash; no token where its owner has made it and says the hash.

    Raises ServiceError FIELD_INVALID.
    """
    if not hashed:
        token = secrets.token_urlsafe(32)
        return token, token_hash(token)
    field = "access_token_hash"
    context.access.check_not_root(hash_of(hashed, field), field=field)
    return "", hashed


def _ed25519(octets: bytes) -> bytes:
    """Return an Ed25519 public key; ServiceError FIELD_INVALID, also where another could sign as well."""
    if not is_public_key(octets):
        detail = "this is no Ed25519 public key of 32 octets, or one that is not safe to use"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="verifier.public_key")
    return octets


def department_message(row: Named) -> pb.Department:
    """Return a department's message."""
    return pb.Department(
        name=row.name,
        display_name=text_to(row.display_name),
        create_time=moment_to(row.created),
        etag=row.etag,
        identifies=identified_to(row.identifies),
    )


async def verifier_proven(context: Context, stored: Named) -> pb.Verifier:
    """Return a verifier's message once its record stands on the ledger, with the proof."""
    message = _verifier(stored)
    message.proof = await context.proofs.of(stored.outbox)
    return message


def _verifier(row: Named) -> pb.Verifier:
    return pb.Verifier(
        name=row.name,
        display_name=text_to(row.display_name),
        public_key=row.public_key,
        create_time=moment_to(row.created),
        etag=row.etag,
    )
