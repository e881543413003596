"""The part of CatalogService that has data items: what there is, what is told of it, what was offered."""

from typing import Any, Final

from disclosure import Schema
from disclosure.attributes import is_clean
from disclosure.centre import DataItem
from disclosure.names import DepartmentName, ItemName
from wire.centre import item_of, item_to
from wire.convert import moment_to, within
from zkproto.v1 import centre_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.listing import listed
from zkservice.services.catalog_part import CatalogPart, parent_of, said_etag
from zkservice.storage import items
from zkservice.storage.items import StoredItem

_MUTABLE: Final = (
    "display_name", "sensitivity", "validity_days", "refresh", "refresh_days", "subject", "applicable",
    "source", "purposes",
)  # fmt: skip
_WHOLE: Final = "*"
_QUERY_OCTETS: Final = 200
_MOST_WORDS: Final = 8
_TRIES: Final = 3
"""How often an item is registered while versions of it are registered at the same moment."""


class Items(CatalogPart):
    """A schema may stand there without an item; an item is what people find, and what is deprecated."""

    async def CreateItem(self, request: pb.CreateItemRequest, context: Any) -> Any:
        """Register an item; its schemas may have been registered before, and may come later."""
        parent = DepartmentName.parse(request.parent, field="parent")
        await self._context.access.department(context, str(parent), or_admin=True)
        required(request.HasField("item"), "item")
        name = ItemName.parse(f"{parent}/items/{request.item_id}", field="item_id")
        with within("item"):
            item = item_of(request.item, name)
        for _ in range(_TRIES):
            newest = await self._newest(name)
            stored = await self._added(item, newest)
            if stored is not None:
                return item_message(stored)
        detail = "versions of the item are being registered; try again"
        raise ServiceError(ServiceReason.OVERLOADED, detail)

    async def _newest(self, name: ItemName) -> Schema | None:
        """Return an item's newest version, decoded where nobody waits for it."""
        newest = await self._context.database.read(lambda each: items.newest_schema(each, name))
        return (await self._context.directories.load([newest])).schema(newest) if newest else None

    async def _added(self, item: DataItem, newest: Schema | None) -> StoredItem | None:
        return await self._context.database.write(
            lambda connection: items.add(connection, item, newest, self._context.now())
        )

    async def GetItem(self, request: pb.GetItemRequest, context: Any) -> Any:
        """One item."""
        name = ItemName.parse(request.name, field="name")
        return item_message(await self._context.database.read(lambda each: items.get(each, name)))

    async def ListItems(self, request: pb.ListItemsRequest, context: Any) -> Any:
        """A page of the items of one department, or of all."""
        parent = parent_of(request.parent)
        page, token = await listed(
            self._context,
            request,
            f"items of {request.parent}",
            lambda connection, after, limit: items.listed(connection, parent, after, limit),
            item_message,
        )
        return pb.ListItemsResponse(items=page, next_page_token=token)

    async def UpdateItem(self, request: pb.UpdateItemRequest, context: Any) -> Any:
        """Change what is told of an item, whole or the fields of a mask (AIP-134)."""
        required(request.HasField("item"), "item")
        name = ItemName.parse(request.item.name, field="item.name")
        await self._context.access.department(context, str(DepartmentName(name.department)), or_admin=True)
        etag, fields = said_etag(request.item.etag, "item.etag"), _masked(request)

        def changed(before: DataItem) -> DataItem:
            with within("item"):
                return item_of(_merged(item_to(before), request.item, fields), name)

        return item_message(
            await self._context.database.write(
                lambda connection: items.change(connection, name, changed, etag, self._context.now())
            )
        )

    async def DeprecateItem(self, request: pb.DeprecateItemRequest, context: Any) -> Any:
        """Have an item offered no more; its credentials go on to verify."""
        name = ItemName.parse(request.name, field="name")
        await self._context.access.department(context, str(DepartmentName(name.department)), or_admin=True)
        successor = ItemName.parse(request.successor, field="successor") if request.successor else None
        etag = said_etag(request.etag, "etag")
        stored = await self._context.database.write(
            lambda connection: items.deprecate(connection, name, successor, etag, self._context.now())
        )
        return item_message(stored)

    async def SearchItems(self, request: pb.SearchItemsRequest, context: Any) -> Any:
        """A page of the items in which every word of a query is found."""
        parent, words = parent_of(request.parent), _words(request.query)
        page, token = await listed(
            self._context,
            request,
            f"items of {request.parent} with {' '.join(words)}",
            lambda connection, after, limit: items.found(connection, parent, words, after, limit),
            item_message,
        )
        return pb.SearchItemsResponse(items=page, next_page_token=token)


def _masked(request: pb.UpdateItemRequest) -> tuple[str, ...]:
    """Return the fields that an update changes; ServiceError FIELD_INVALID."""
    paths = tuple(request.update_mask.paths)
    if paths in {(), (_WHOLE,)}:
        return _MUTABLE
    if len(paths) > len(_MUTABLE) or not set(paths) <= set(_MUTABLE):
        detail = f"what may be changed of an item is {', '.join(_MUTABLE)}"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="update_mask")
    return paths


def _merged(stored: pb.Item, said: pb.Item, fields: tuple[str, ...]) -> pb.Item:
    """Return the stored message with these fields of the other: what is not set there is cleared."""
    merged: Any = pb.Item()  # fields are named by texts here, which only the descriptor has checked
    merged.CopyFrom(stored)
    for each in fields:
        merged.ClearField(each)
    taken: Any = pb.Item()
    taken.CopyFrom(said)
    for each in set(pb.Item.DESCRIPTOR.fields_by_name) - set(fields):
        taken.ClearField(each)
    merged.MergeFrom(taken)
    whole: pb.Item = merged
    return whole


def _words(query: str) -> tuple[str, ...]:
    """Return the words of a query, as they are searched for; ServiceError FIELD_INVALID."""
    words = tuple(sorted(set(items.folded(query).split()))) if is_clean(query, _QUERY_OCTETS) else ()
    if not 0 < len(words) <= _MOST_WORDS:
        detail = f"a query has 1 to {_MOST_WORDS} words, {_QUERY_OCTETS} octets, in normal form C"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="query")
    return words


def item_message(stored: StoredItem) -> pb.Item:
    """Return an item's message."""
    message = item_to(stored.item)
    message.state = pb.Item.STATE_DEPRECATED if stored.deprecated else pb.Item.STATE_ACTIVE
    message.successor = str(stored.successor or "")
    message.newest_schema = str(stored.newest or "")
    message.etag = stored.etag
    message.create_time.CopyFrom(moment_to(stored.created))
    message.update_time.CopyFrom(moment_to(stored.updated))
    return message
