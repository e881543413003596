"""The part of CatalogService that gives out the whole catalogue, page by page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from google.protobuf.message import Message
from sqlalchemy import Connection

from zkproto.v1 import catalog_pb2 as pb
from zkservice.fields import page_size
from zkservice.listing import PAGE_OCTETS
from zkservice.services.catalog_part import CatalogPart
from zkservice.services.centre import code_list_message, purpose_message
from zkservice.services.issuer_keys import issuer_key_message
from zkservice.services.items import item_message
from zkservice.services.parties import department_message
from zkservice.services.schemas import fitting
from zkservice.storage import catalog, code_lists, items, purposes, registered

_LISTING: Final = "the catalogue"
_Page = tuple[Sequence[Any], bool]
"""Messages, and whether there are more of their kind."""
_Read = Callable[[Connection, str, int], Sequence[Any]]
_Convert = Callable[[Any], Message]


class Export(CatalogPart):
    """One page has records of one kind; its token says the kind, and the last name of it."""

    async def ExportCatalogue(self, request: pb.ExportCatalogueRequest, context: Any) -> Any:
        """A page of everything, in an order that is always the same: by kind, then by name."""
        at, _, after = self._context.pages.take(_LISTING, request.page_token).partition(" ")
        size, kinds = page_size(request.page_size), self._kinds()
        for place in range(int(at or 0), len(kinds)):
            field, read = kinds[place]
            messages, more = await read(after, size)
            after = ""
            if messages:
                return self._page(field, messages, place, more or place + 1 < len(kinds), more)
        return pb.ExportCatalogueResponse()

    def _page(
        self, field: str, messages: Sequence[Any], place: int, goes_on: bool, more: bool
    ) -> pb.ExportCatalogueResponse:
        records = [pb.CatalogueRecord(**{field: each}) for each in messages]
        then = f"{place} {messages[-1].name}" if more else f"{place + 1} "
        token = self._context.pages.give(_LISTING, then) if goes_on else ""
        return pb.ExportCatalogueResponse(records=records, next_page_token=token)

    def _kinds(self) -> tuple[tuple[str, Callable[[str, int], Awaitable[_Page]]], ...]:
        return (
            ("department", self._rows(registered.departments, department_message)),
            ("purpose", self._rows(purposes.after, purpose_message)),
            ("code_list", self._rows(code_lists.after, code_list_message)),
            ("item", self._rows(_all(items.listed), item_message)),
            ("schema", self._schemas),
            ("issuer_key", self._rows(_all(catalog.issuer_keys), issuer_key_message)),
        )

    def _rows(self, read: _Read, convert: _Convert) -> Callable[[str, int], Awaitable[_Page]]:
        async def page(after: str, size: int) -> _Page:
            rows = await self._context.database.read(lambda connection: read(connection, after, size + 1))
            messages, octets = list[Message](), 0
            for row in rows[:size]:
                message = convert(row)
                octets += message.ByteSize()
                if messages and octets > PAGE_OCTETS:
                    break
                messages.append(message)
            return messages, len(messages) < len(rows)

        return page

    async def _schemas(self, after: str, size: int) -> _Page:
        sizes = await self._context.database.read(
            lambda connection: catalog.schema_sizes(connection, None, after, size + 1)
        )
        names = [name for name, _ in fitting(sizes[:size])]
        found = await self._context.directories.messages(names, PAGE_OCTETS)
        return [pb.Schema.FromString(each) for each in found], len(found) < len(sizes)


def _all(read: Callable[[Connection, None, str, int], Sequence[Any]]) -> _Read:
    """Return what reads the rows of all departments."""
    return lambda connection, after, limit: read(connection, None, after, limit)
