"""CatalogService: who issues what, under which keys, and who may ask."""

import asyncio
import secrets
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

import bbs
from disclosure import (
    DepartmentName,
    IssuerKey,
    IssuerKeyName,
    Schema,
    SchemaName,
    VerifierName,
    issuer_key_name,
)
from tlog.ed25519 import is_public_key
from wire.convert import issuer_key_to, moment_to, schema_of, text_of, text_to, within
from zkproto.v1 import catalog_pb2 as pb
from zkproto.v1.catalog_pb2_grpc import CatalogServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, check_suite, page_size, required
from zkservice.keys import secret_label
from zkservice.listing import PAGE_OCTETS, listed
from zkservice.storage import catalog
from zkservice.storage.catalog import Named, StoredKey

_ALL: Final = "departments/-"


class CatalogService(CatalogServiceServicer):
    """Reading is open to everybody; writing takes the administrator's token or the department's own."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateDepartment(self, request: pb.CreateDepartmentRequest, context: Any) -> Any:
        """Register a department; its token is in the answer and nowhere else."""
        await self._context.access.admin(context)
        required(request.HasField("department"), "department")
        name = DepartmentName.parse(f"departments/{request.department_id}", field="department_id")
        with within("department.display_name"):
            display_name = text_of(request.department.display_name)
        token = secrets.token_urlsafe(32)
        added = await self._context.database.write(
            lambda connection: catalog.add_department(
                connection, str(name), display_name, token, self._context.now()
            )
        )
        return pb.CreateDepartmentResponse(department=_department(added), access_token=token)

    async def GetDepartment(self, request: pb.GetDepartmentRequest, context: Any) -> Any:
        """One department."""
        name = str(DepartmentName.parse(request.name, field="name"))
        return _department(await self._context.database.read(lambda each: catalog.department(each, name)))

    async def ListDepartments(self, request: pb.ListDepartmentsRequest, context: Any) -> Any:
        """A page of departments."""
        page, token = await listed(self._context, request, "departments", catalog.departments, _department)
        return pb.ListDepartmentsResponse(departments=page, next_page_token=token)

    async def CreateSchema(self, request: pb.CreateSchemaRequest, context: Any) -> Any:
        """Register one version of a schema; answered once its record stands on the ledger."""
        parent = str(DepartmentName.parse(request.parent, field="parent"))
        await self._context.access.department(context, parent, or_admin=True)
        required(request.HasField("schema"), "schema")
        name = SchemaName.parse(f"{parent}/schemas/{request.schema_id}", field="schema_id")
        # A large schema takes longer to convert than the event loop may be held up.
        schema = await asyncio.to_thread(_schema_of, request.schema, name)
        await self._context.database.write(
            lambda connection: catalog.add_schema(connection, schema, self._context.now())
        )
        return await self._schema(str(name))

    async def GetSchema(self, request: pb.GetSchemaRequest, context: Any) -> Any:
        """One version of a schema."""
        return await self._schema(str(SchemaName.parse(request.name, field="name")))

    async def _schema(self, name: str) -> pb.Schema:
        found = await self._context.directories.messages([name], PAGE_OCTETS)
        if not found:
            raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {name}", field="name")
        outbox = await self._context.database.read(lambda each: catalog.schema_outbox(each, name))
        message = pb.Schema.FromString(found[0])
        message.proof = await self._proof(outbox)
        return message

    async def _proof(self, outbox: int) -> bytes:
        """Return the proof of a record, once it stands on the ledger: nobody is shown one that does not."""
        return (await self._context.sequencer.integrated(outbox)).proof()

    async def ListSchemas(self, request: pb.ListSchemasRequest, context: Any) -> Any:
        """A page of the schemas of one department, or of all.

        Names and lengths are read first, so that no schema is read or decoded that the page does not hold.
        """
        parent, listing = _parent(request.parent), f"schemas of {request.parent}"
        after = self._context.pages.take(listing, request.page_token)
        size = page_size(request.page_size)
        sizes = await self._context.database.read(
            lambda connection: catalog.schema_sizes(connection, parent, after, size + 1)
        )
        names = [name for name, _ in _fitting(sizes[:size])]
        page = pb.ListSchemasResponse()
        for octets in await self._context.directories.messages(names, PAGE_OCTETS):
            page.schemas.add().MergeFromString(octets)
        if len(page.schemas) < len(sizes):
            page.next_page_token = self._context.pages.give(listing, page.schemas[-1].name)
        return page

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

    async def _issuer_key(self, stored: StoredKey) -> pb.IssuerKey:
        message = _issuer_key(stored)
        message.proof = await self._proof(stored.outbox)
        return message

    async def ListIssuerKeys(self, request: pb.ListIssuerKeysRequest, context: Any) -> Any:
        """A page of the issuer keys of one department, or of all."""
        parent = _parent(request.parent)
        page, token = await listed(
            self._context,
            request,
            f"issuer keys of {request.parent}",
            lambda connection, after, limit: catalog.issuer_keys(connection, parent, after, limit),
            _issuer_key,
        )
        return pb.ListIssuerKeysResponse(issuer_keys=page, next_page_token=token)

    async def CreateVerifier(self, request: pb.CreateVerifierRequest, context: Any) -> Any:
        """Register a verifier with the public key that signs its requests; answered as a schema is."""
        await self._context.access.admin(context)
        required(request.HasField("verifier"), "verifier")
        name = VerifierName.parse(f"verifiers/{request.verifier_id}", field="verifier_id")
        with within("verifier.display_name"):
            display_name = text_of(request.verifier.display_name)
        public_key = _ed25519(request.verifier.public_key)
        added = await self._context.database.write(
            lambda connection: catalog.add_verifier(
                connection, str(name), display_name, public_key, self._context.now()
            )
        )
        return await self._verifier(added)

    async def GetVerifier(self, request: pb.GetVerifierRequest, context: Any) -> Any:
        """One verifier."""
        name = str(VerifierName.parse(request.name, field="name"))
        stored = await self._context.database.read(lambda each: catalog.verifier(each, name))
        return await self._verifier(stored)

    async def _verifier(self, stored: Named) -> pb.Verifier:
        message = _verifier(stored)
        message.proof = await self._proof(stored.outbox)
        return message

    async def ListVerifiers(self, request: pb.ListVerifiersRequest, context: Any) -> Any:
        """A page of verifiers."""
        page, token = await listed(self._context, request, "verifiers", catalog.verifiers, _verifier)
        return pb.ListVerifiersResponse(verifiers=page, next_page_token=token)


def _parent(name: str) -> str | None:
    return None if name == _ALL else str(DepartmentName.parse(name, field="parent"))


def _schema_of(message: pb.Schema, name: SchemaName) -> Schema:
    with within("schema"):
        return schema_of(message, name)


def _fitting(sizes: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return the first of these rows, at least one and no more than a page has octets for."""
    totals = accumulate(octets for _, octets in sizes)
    return sizes[: max(1, sum(total <= PAGE_OCTETS for total in totals))]


def _ed25519(octets: bytes) -> bytes:
    """Return an Ed25519 public key; ServiceError FIELD_INVALID, also where another could sign as well."""
    if not is_public_key(octets):
        detail = "this is no Ed25519 public key of 32 octets, or one that is not safe to use"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="verifier.public_key")
    return octets


def _department(row: Named) -> pb.Department:
    return pb.Department(
        name=row.name, display_name=text_to(row.display_name), create_time=moment_to(row.created)
    )


def _verifier(row: Named) -> pb.Verifier:
    return pb.Verifier(
        name=row.name,
        display_name=text_to(row.display_name),
        public_key=row.public_key,
        create_time=moment_to(row.created),
    )


def _issuer_key(row: StoredKey) -> pb.IssuerKey:
    return issuer_key_to(row.key, row.created)
