"""Refusals of items, purposes, code lists, and the export."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from disclosure.names import ItemName
from tests.zkservice.centre import (
    DISTRICTS,
    PERMIT_ITEM,
    POLICE,
    PURPOSE,
    add_item,
    call,
    creating_item,
    creating_list,
    creating_purpose,
    deprecate,
    deprecating,
)
from tests.zkservice.refusing import Case, Refusable, Seed, Town, add, put, writes
from tests.zkservice.support import PERMIT, TEXT, City
from wire.convert import schema_to, text_to
from zkproto.v1 import catalog_pb2, centre_pb2

CASES: list[Case] = []
BAD, STATE, INVALID = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "ITEM_INVALID"


def named(item_id: str) -> Any:
    return replace(PERMIT_ITEM, name=ItemName("police", item_id))


async def seeds(town: City, number: int) -> dict[str, Message]:
    """What the service answers with OK."""
    made = await add_item(town, named(f"seed_{number}"))
    ended = await add_item(town, named(f"ended_{number}"))
    await call(town, "CreatePurpose", creating_purpose())
    await call(town, "CreateCodeList", creating_list())
    return {
        "CreateItem": creating_item(named(f"grown_{number}")),
        "GetItem": centre_pb2.GetItemRequest(name=made.name),
        "ListItems": centre_pb2.ListItemsRequest(parent="departments/-", page_size=2),
        "UpdateItem": centre_pb2.UpdateItemRequest(item=made),
        "DeprecateItem": deprecating(ended, made.name),
        "SearchItems": centre_pb2.SearchItemsRequest(parent="departments/-", query="居住 permit"),
        "CreateCodeList": creating_list(),
        "GetCodeList": centre_pb2.GetCodeListRequest(name=str(DISTRICTS.name)),
        "ListCodeLists": centre_pb2.ListCodeListsRequest(page_size=1),
        "CreatePurpose": creating_purpose(),
        "GetPurpose": centre_pb2.GetPurposeRequest(name=str(PURPOSE.name)),
        "ListPurposes": centre_pb2.ListPurposesRequest(page_size=1),
        "ExportCatalogue": catalog_pb2.ExportCatalogueRequest(page_size=2),
    }


async def item_seed(_: Town) -> Any:
    return creating_item(named("refused"))


async def purpose_seed(_: Town) -> Any:
    return creating_purpose(replace(PURPOSE, name=replace(PURPOSE.name, purpose="refused")))


async def list_seed(_: Town) -> Any:
    other = replace(DISTRICTS, name=replace(DISTRICTS.name, code_list="refused"), code_system="refused")
    return creating_list(other)


async def stored(town: Town, item_id: str) -> centre_pb2.Item:
    """Return an item of the police's, which is registered if it is not there yet."""
    asked = centre_pb2.ListItemsRequest(parent=POLICE, page_size=500)
    found = (await town.city.catalog.ListItems(asked)).items
    wanted = f"{POLICE}/items/{item_id}"
    return next((each for each in found if each.name == wanted), None) or await add_item(
        town.city, named(item_id)
    )


async def update_seed(town: Town) -> Any:
    return centre_pb2.UpdateItemRequest(item=await stored(town, "kept"))


async def deprecate_seed(town: Town) -> Any:
    return deprecating(await stored(town, "kept"))


WRITES: dict[str, Seed] = {
    "CreateItem": item_seed,
    "UpdateItem": update_seed,
    "DeprecateItem": deprecate_seed,
    "CreatePurpose": purpose_seed,
    "CreateCodeList": list_seed,
}
for method, seed in WRITES.items():
    writes(CASES, method, seed, "UNAUTHENTICATED", "TOKEN_MISSING", name="no token", token=lambda _: None)
    writes(CASES,
        method, seed, "PERMISSION_DENIED", "TOKEN_INVALID", name="another department's token",
        token=lambda town: town.tax_token,
    )  # fmt: skip
writes(CASES,
    "CreatePurpose", purpose_seed, "PERMISSION_DENIED", "TOKEN_INVALID", name="a department's token",
    token=lambda town: town.city.department_token,
)  # fmt: skip


def items(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "CreateItem", item_seed, code, reason, *fields, name=name, alter=alter)


items(BAD, "FIELD_MISSING", "item", name="no item", alter=lambda each: each.ClearField("item"))
items(BAD, "NAME_INVALID", "item_id", name="a version", alter=put("item_id", "refused@1"))
items(BAD, "NAME_INVALID", "item_id", name="no name", alter=put("item_id", ""))
items(BAD, "NAME_INVALID", "parent", name="of all", alter=put("parent", "departments/-"))
items("NOT_FOUND", "NOT_FOUND", "parent", name="of nobody", alter=put("parent", "departments/nobody"))
items(BAD, INVALID, "item.sensitivity", name="no sensitivity", alter=put("item.sensitivity", 0))
items(BAD, INVALID, "item.sensitivity", name="a sensitivity that is none", alter=put("item.sensitivity", 99))
items(BAD, INVALID, "item.sensitivity", name="a person in public", alter=put("item.sensitivity", 1))
items(BAD, INVALID, "item.refresh", name="no refresh", alter=put("item.refresh", 0))
items(BAD, INVALID, "item.refresh_days", name="periodic without days", alter=put("item.refresh_days", 0))
items(BAD, INVALID, "item.refresh_days", name="once with days", alter=put("item.refresh", 3))
items(BAD, INVALID, "item.refresh_days", name="every thousand years", alter=put("item.refresh_days", 400_000))
items(BAD, INVALID, "item.subject", name="about nobody", alter=put("item.subject", 0))
items(BAD, INVALID, "item.validity_days", name="never valid", alter=put("item.validity_days", 0))
items(BAD, INVALID, "item.validity_days", name="valid for ever", alter=put("item.validity_days", 1 << 31))
items(BAD, "VALUE_INVALID", "item.source.zh", name="of nowhere", alter=lambda e: e.item.ClearField("source"))
items(
    BAD, "VALUE_INVALID", "item.display_name.en", name="a name of two lines",
    alter=put("item.display_name.en", "a\nb"),
)  # fmt: skip
items(
    BAD, "NAME_INVALID", "item.purposes[0]", name="a purpose that is none",
    alter=lambda each: each.item.purposes.append("school"),
)  # fmt: skip
items(
    "NOT_FOUND", "NOT_FOUND", "item.purposes[0]", name="an unknown purpose",
    alter=lambda each: each.item.purposes.append("purposes/nobodys"),
)  # fmt: skip
items(
    BAD, INVALID, "item.purposes", name="a purpose twice",
    alter=lambda each: each.item.purposes.extend(["purposes/a", "purposes/a"]),
)  # fmt: skip
items(
    BAD, INVALID, "item.purposes", name="too many purposes",
    alter=lambda each: each.item.purposes.extend(f"purposes/a{number}" for number in range(65)),
)  # fmt: skip


@add(CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "item_id", name="CreateItem: a second time")
async def _twice(town: Town) -> Refusable:
    await stored(town, "kept")
    message = creating_item(named("kept"))
    return lambda: call(town.city, "CreateItem", message)


def updates(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "UpdateItem", update_seed, code, reason, *fields, name=name, alter=alter)


updates(BAD, "FIELD_MISSING", "item", name="no item", alter=lambda each: each.ClearField("item"))
updates(BAD, "FIELD_MISSING", "item.etag", name="no etag", alter=put("item.etag", ""))
updates("ABORTED", "ETAG_MISMATCH", "item.etag", name="another etag", alter=put("item.etag", "0" * 32))
updates(BAD, "NAME_INVALID", "item.name", name="no name", alter=put("item.name", ""))
updates("NOT_FOUND", "NOT_FOUND", "item.name", name="nothing", alter=put("item.name", f"{POLICE}/items/none"))


def masked(*paths: str) -> Callable[[Any], object]:
    return lambda each: each.update_mask.paths.extend(paths)


def cleared(field: str) -> Callable[[Any], object]:
    return lambda each: each.ClearField(field)


for paths in (("name",), ("state",), ("etag",), ("no_field",), ("display_name.zh",), ("",), ("*", "source")):
    updates(BAD, "FIELD_INVALID", "update_mask", name=f"mask {paths}", alter=masked(*paths))
updates(
    BAD, "VALUE_INVALID", "item.display_name.zh", name="a field that the mask clears",
    alter=lambda each: (each.item.ClearField("display_name"), each.update_mask.paths.append("display_name")),
)  # fmt: skip
updates(
    "NOT_FOUND", "NOT_FOUND", "item.purposes[0]", name="an unknown purpose",
    alter=lambda each: each.item.purposes.append("purposes/nobodys"),
)  # fmt: skip


def ends(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "DeprecateItem", deprecate_seed, code, reason, *fields, name=name, alter=alter)


ends(BAD, "FIELD_MISSING", "etag", name="no etag", alter=put("etag", ""))
ends("ABORTED", "ETAG_MISMATCH", "etag", name="another etag", alter=put("etag", "0" * 32))
ends(BAD, "NAME_INVALID", "successor", name="a successor that is none", alter=put("successor", "kept"))
ends("NOT_FOUND", "NOT_FOUND", "successor", name="an unknown successor",
     alter=put("successor", f"{POLICE}/items/none"))  # fmt: skip
ends(BAD, "FIELD_INVALID", "successor", name="itself", alter=put("successor", f"{POLICE}/items/kept"))
ends("NOT_FOUND", "NOT_FOUND", "name", name="nothing", alter=put("name", f"{POLICE}/items/none"))


async def ended(town: Town) -> centre_pb2.Item:
    """Return an item that is offered no more."""
    item = await stored(town, "ended")
    return await deprecate(town.city, item) if item.state == centre_pb2.Item.STATE_ACTIVE else item


@add(CASES, STATE, "ITEM_DEPRECATED", "successor", name="DeprecateItem: a successor that is deprecated")
async def _ended_successor(town: Town) -> Refusable:
    asked = deprecating(await stored(town, "kept"), (await ended(town)).name)
    return lambda: call(town.city, "DeprecateItem", asked)


@add(CASES, STATE, "ITEM_DEPRECATED", "successor", name="DeprecateItem: another successor afterwards")
async def _other_successor(town: Town) -> Refusable:
    asked = deprecating(await ended(town), (await stored(town, "kept")).name)
    return lambda: call(town.city, "DeprecateItem", asked)


@add(CASES, STATE, "ITEM_DEPRECATED", "schema_id", name="CreateSchema: of a deprecated item")
async def _new_version(town: Town) -> Refusable:
    await ended(town)
    schema = schema_to(PERMIT)
    schema.ClearField("digest")
    asked = catalog_pb2.CreateSchemaRequest(parent=POLICE, schema_id="ended@1", schema=schema)
    return lambda: call(town.city, "CreateSchema", asked)


for query in ("", "   ", "a b c d e f g h i", "证" * 67, "a\0b", "a\nb"):
    for parent in (POLICE, "departments/-"):
        asked = centre_pb2.SearchItemsRequest(parent=parent, query=query)

        async def searching(town: Town, asked: Any = asked) -> Refusable:
            return lambda: town.city.catalog.SearchItems(asked)

        add(CASES, BAD, "FIELD_INVALID", "query", name=f"SearchItems {len(CASES)}")(searching)


def purposes(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "CreatePurpose", purpose_seed, code, reason, *fields, name=name, alter=alter)


purposes(BAD, "FIELD_MISSING", "purpose", name="none", alter=lambda each: each.ClearField("purpose"))
purposes(BAD, "NAME_INVALID", "purpose_id", name="an underscore", alter=put("purpose_id", "a_b"))
purposes(
    BAD, "VALUE_INVALID", "purpose.legal_basis.zh", name="no legal basis",
    alter=lambda each: each.purpose.ClearField("legal_basis"),
)  # fmt: skip


@add(CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "purpose_id", name="CreatePurpose: another under its name")
async def _another_purpose(town: Town) -> Refusable:
    await call(town.city, "CreatePurpose", creating_purpose())
    message = creating_purpose(replace(PURPOSE, legal_basis=TEXT))
    return lambda: call(town.city, "CreatePurpose", message)


def lists(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "CreateCodeList", list_seed, code, reason, *fields, name=name, alter=alter)


lists(BAD, "FIELD_MISSING", "code_list", name="none", alter=lambda each: each.ClearField("code_list"))
lists(BAD, "NAME_INVALID", "code_list_id", name="no name", alter=put("code_list_id", "GB/T 2260"))
lists(BAD, "NAME_INVALID", "code_list.owner", name="of a verifier",
      alter=put("code_list.owner", "verifiers/school"))  # fmt: skip
lists("NOT_FOUND", "NOT_FOUND", "code_list.owner", name="of nobody",
      alter=put("code_list.owner", "departments/nobody"))  # fmt: skip
lists(BAD, INVALID, "code_list.code_system", name="no system", alter=put("code_list.code_system", ""))
lists(BAD, INVALID, "code_list.codes", name="empty", alter=lambda each: each.code_list.ClearField("codes"))
lists(BAD, INVALID, "code_list.codes", name="a code twice",
      alter=lambda each: each.code_list.codes.append(each.code_list.codes[0]))  # fmt: skip
lists(BAD, INVALID, "code_list.codes", name="too many",
      alter=lambda each: each.code_list.codes.extend([each.code_list.codes[0]] * 1000))  # fmt: skip
lists(BAD, "SCHEMA_INVALID", "code_list.codes[2].code", name="a code that is none",
      alter=lambda each: each.code_list.codes.add(code="", display_name=text_to(TEXT)))  # fmt: skip


@add(CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "code_list_id", name="CreateCodeList: another of the name")
async def _another_list(town: Town) -> Refusable:
    await call(town.city, "CreateCodeList", creating_list())
    message = creating_list(replace(DISTRICTS, codes=DISTRICTS.codes[:1]))
    return lambda: call(town.city, "CreateCodeList", message)


@add(CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "code_list.code_system", name="CreateCodeList: of a system")
async def _another_name(town: Town) -> Refusable:
    await call(town.city, "CreateCodeList", creating_list())
    message = creating_list(replace(DISTRICTS, name=replace(DISTRICTS.name, code_list="again")))
    return lambda: call(town.city, "CreateCodeList", message)


GETS: dict[str, tuple[Any, str]] = {
    "GetItem": (centre_pb2.GetItemRequest, f"{POLICE}/items/none"),
    "GetPurpose": (centre_pb2.GetPurposeRequest, "purposes/none"),
    "GetCodeList": (centre_pb2.GetCodeListRequest, "codeLists/none"),
}


def reads(method: str, asked: Any, code: str, reason: str, field: str) -> None:
    async def scenario(town: Town) -> Refusable:
        return lambda: getattr(town.city.catalog, method)(asked)

    add(CASES, code, reason, field, name=f"{method} {len(CASES)}")(scenario)


for method, (kind, name) in GETS.items():
    reads(method, kind(name=name), "NOT_FOUND", "NOT_FOUND", "name")
    for bad in ("", f"{name}/x", f" {name}", name.upper()):
        reads(method, kind(name=bad), BAD, "NAME_INVALID", "name")
reads("ListItems", centre_pb2.ListItemsRequest(parent="x"), BAD, "NAME_INVALID", "parent")
reads("SearchItems", centre_pb2.SearchItemsRequest(parent="x", query="a"), BAD, "NAME_INVALID", "parent")
reads("ExportCatalogue", catalog_pb2.ExportCatalogueRequest(page_size=-1), BAD, "FIELD_INVALID", "page_size")
reads(
    "ExportCatalogue", catalog_pb2.ExportCatalogueRequest(page_token="x"), BAD, "PAGE_TOKEN_INVALID",
    "page_token",
)  # fmt: skip
