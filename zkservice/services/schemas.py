"""The part of CatalogService that has schemas, whose versions never change."""

import asyncio
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import Connection

from disclosure import DepartmentName, Schema, SchemaName
from wire.convert import schema_of, within
from zkproto.v1 import catalog_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import page_size, required
from zkservice.listing import PAGE_OCTETS
from zkservice.services.catalog_part import CatalogPart, parent_of
from zkservice.storage import catalog, items


class Schemas(CatalogPart):
    """A schema needs no item to stand there before it (see `items`)."""

    async def CreateSchema(self, request: pb.CreateSchemaRequest, context: Any) -> Any:
        """Register one version of a schema; answered once its record stands on the ledger."""
        parent = str(DepartmentName.parse(request.parent, field="parent"))
        await self._context.access.department(context, parent, or_admin=True)
        required(request.HasField("schema"), "schema")
        name = SchemaName.parse(f"{parent}/schemas/{request.schema_id}", field="schema_id")
        # A large schema takes longer to convert than the event loop may be held up.
        schema = await asyncio.to_thread(_schema_of, request.schema, name)

        def add(connection: Connection) -> None:
            catalog.add_schema(connection, schema, self._context.now())
            items.note_schema(connection, schema)

        await self._context.database.write(add)
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

    async def ListSchemas(self, request: pb.ListSchemasRequest, context: Any) -> Any:
        """A page of the schemas of one department, or of all.

        Names and lengths are read first, so that no schema is read or decoded that the page does not hold.
        """
        parent, listing = parent_of(request.parent), f"schemas of {request.parent}"
        after = self._context.pages.take(listing, request.page_token)
        size = page_size(request.page_size)
        sizes = await self._context.database.read(
            lambda connection: catalog.schema_sizes(connection, parent, after, size + 1)
        )
        names = [name for name, _ in fitting(sizes[:size])]
        page = pb.ListSchemasResponse()
        for octets in await self._context.directories.messages(names, PAGE_OCTETS):
            page.schemas.add().MergeFromString(octets)
        if len(page.schemas) < len(sizes):
            page.next_page_token = self._context.pages.give(listing, page.schemas[-1].name)
        return page


def _schema_of(message: pb.Schema, name: SchemaName) -> Schema:
    with within("schema"):
        return schema_of(message, name)


def fitting(sizes: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Return the first of these rows, at least one and no more than a page has octets for."""
    totals = accumulate(octets for _, octets in sizes)
    return sizes[: max(1, sum(total <= PAGE_OCTETS for total in totals))]
