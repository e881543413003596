"""The resource centre: items with their versions, found by words, deprecated; lists, purposes, the export."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disclosure import AttributeDefinition, AttributeType, LocalizedText, SchemaName
from disclosure.centre import DataItem, Refresh, Sensitivity
from disclosure.names import ItemName, PurposeName
from tests.zkservice.centre import (
    DISTRICTS,
    PERMIT_ITEM,
    POLICE,
    PURPOSE,
    add_item,
    call,
    creating_list,
    creating_purpose,
    deprecate,
    get_item,
)
from tests.zkservice.holding import BASE, Holder, identified, offer
from tests.zkservice.publishing import codes
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, TEXT, City, city, new_id, refusal
from wire.centre import item_of, item_to
from wire.composite import published_to, table_name
from wire.convert import text_to
from zkproto.v1 import catalog_pb2, centre_pb2, publication_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES: Final = (
    ("household", "常住户口登记", "Household registration", "户主", "Head of household"),
    ("id_card", "居民身份证", "Identity card", "民族", "Ethnic group"),
    ("permit_100", "临时 100% 通行证", "Pass, 100 percent_ok", "车牌", "Number plate"),
    ("full_width", "ＡＢＣ 证", "Ｗｉｄｅ Straße", "İstanbul", "ﬁle"),
)


def item(number: int) -> DataItem:
    identifier, zh, en, *_ = NAMES[number]
    return replace(PERMIT_ITEM, name=ItemName("police", identifier), display_name=LocalizedText(zh, en))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("centre")) as opened:
        for number, (identifier, _, _, zh, en) in enumerate(NAMES):
            attributes = (
                AttributeDefinition(f"a_{identifier}", LocalizedText(zh, en), AttributeType.BOOLEAN),
            )
            schema = replace(PERMIT, name=SchemaName("police", identifier, 1), attributes=attributes)
            if number % 2:
                await opened.add_schema(schema)
                await add_item(opened, item(number))
            else:
                await add_item(opened, item(number))
                await opened.add_schema(schema)
        await opened.add_department("education")
        await add_item(opened, replace(item(0), name=ItemName("education", "school_place")))
        await add_item(opened)
        yield opened


async def found(town: City, query: str, parent: str = "departments/-") -> list[str]:
    asked, names = centre_pb2.SearchItemsRequest(parent=parent, query=query, page_size=2), list[str]()
    while True:
        page = await town.catalog.SearchItems(asked)
        names += [each.name for each in page.items]
        asked.page_token = page.next_page_token
        if not asked.page_token:
            return names


async def test_an_item_comes_back_as_it_was_sent(town: City) -> None:
    got = await get_item(town)
    assert item_of(got) == PERMIT_ITEM
    assert (got.state, got.successor) == (centre_pb2.Item.STATE_ACTIVE, "")
    assert got.newest_schema == str(PERMIT.name)
    assert got.create_time == got.update_time
    assert got in (await town.catalog.ListItems(centre_pb2.ListItemsRequest(parent=POLICE))).items


async def test_an_item_has_its_newest_version_whichever_was_registered_first(town: City) -> None:
    for identifier, *_ in NAMES:
        got = await get_item(town, ItemName("police", identifier))
        assert got.newest_schema == f"{POLICE}/schemas/{identifier}@1"
    for version in (12, 9):  # as texts they stand in the other order
        await town.add_schema(replace(PERMIT, name=SchemaName("police", "id_card", version)))
    assert (await get_item(town, ItemName("police", "id_card"))).newest_schema.endswith("@12")
    assert await found(town, "民族") == [], "what only an earlier version has is not searched"
    # An underscore is no wildcard: one item's versions are not another's.
    await town.add_schema(replace(PERMIT, name=SchemaName("police", "idxcard", 99)))
    await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "idxcard")))
    assert (await get_item(town, ItemName("police", "id_card"))).newest_schema.endswith("@12")


async def test_a_new_version_moves_the_etag_of_nobody(town: City) -> None:
    """Whoever has read an item may go on: a version is no change of what is told of it."""
    before = await get_item(town, ItemName("police", "household"))
    await town.add_schema(replace(PERMIT, name=SchemaName("police", "household", 2)))
    after = await get_item(town, ItemName("police", "household"))
    assert (after.etag, after.newest_schema) == (before.etag, f"{POLICE}/schemas/household@2")


SEARCHES: Final = {
    "户口": ["household"],
    "住户": ["household"],
    "登记": ["household"],
    "户 登": ["household"],
    "HOUSEHOLD": ["household"],
    "tion": ["household"],
    "registration 户口": ["household"],
    "户口 通行": [],
    "100%": ["permit_100"],
    "t_o": ["permit_100"],
    "%": ["permit_100"],
    "_ok": ["permit_100"],
    "abc": ["full_width"],
    "wide": ["full_width"],
    "strasse": ["full_width"],
    "file": ["full_width"],
    "车牌": ["permit_100"],
    "a_permit_1": ["permit_100"],
    "证临": [],
    "number plate": ["permit_100"],
    "platea": [],
    "nothing of the kind": [],
}


@pytest.mark.parametrize("query", SEARCHES)
async def test_words_are_found_in_the_middle_of_texts_and_are_no_patterns(town: City, query: str) -> None:
    if query in {"户口", "住户", "登记", "户 登", "HOUSEHOLD", "tion", "registration 户口"}:
        assert "departments/education/items/school_place" in await found(town, query)
    mine = [name.rpartition("/")[2] for name in await found(town, query, POLICE)]
    assert [each for each in mine if each in {name for name, *_ in NAMES}] == SEARCHES[query]


async def test_a_department_is_searched_by_what_it_is_called_now(town: City) -> None:
    got = await town.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name="departments/education"))
    assert await found(town, "教育") == []
    got.display_name.CopyFrom(text_to(LocalizedText("教育局", "Education Bureau")))
    changed = await call(town, "UpdateDepartment", catalog_pb2.UpdateDepartmentRequest(department=got))
    assert (changed.display_name, changed.create_time) == (got.display_name, got.create_time)
    assert changed.etag != got.etag
    for query in ("教育", "education BUREAU", "育局 户口"):
        assert await found(town, query) == ["departments/education/items/school_place"]
    changed.display_name.CopyFrom(text_to(LocalizedText("教育局ＡＢ", "ÉDUCATION ＯＦＦＩＣＥ")))
    await call(town, "UpdateDepartment", catalog_pb2.UpdateDepartmentRequest(department=changed))
    for query in ("局ab", "éducation office"):
        assert await found(town, query) == ["departments/education/items/school_place"]
    assert await found(town, "bureau") == []


async def test_whom_a_department_identifies_is_read_and_moves_the_etag(town: City) -> None:
    asked = catalog_pb2.GetDepartmentRequest(name="departments/education")
    got = await town.catalog.GetDepartment(asked)
    assert not got.identifies
    got.identifies.extend([2, 1])
    changed = await call(town, "UpdateDepartment", catalog_pb2.UpdateDepartmentRequest(department=got))
    assert list(changed.identifies) == [1, 2]
    assert changed.etag != got.etag
    assert await town.catalog.GetDepartment(asked) == changed
    listed = await town.catalog.ListDepartments(catalog_pb2.ListDepartmentsRequest())
    assert changed in listed.departments


async def test_a_verifier_is_renamed_and_keeps_its_key_and_record(town: City) -> None:
    asked = catalog_pb2.GetVerifierRequest(name="verifiers/bank")
    before = await town.catalog.GetVerifier(asked)
    sent = catalog_pb2.Verifier()
    sent.CopyFrom(before)
    sent.public_key = bytes(32)
    sent.display_name.en = "Another name"
    changed = await call(town, "UpdateVerifier", catalog_pb2.UpdateVerifierRequest(verifier=sent))
    assert (changed.public_key, changed.display_name.en) == (before.public_key, "Another name")
    assert await town.catalog.GetVerifier(asked) == changed


_TEXTS: Final = st.text(st.sampled_from("户口登记居住证aBc%_\\ẞ１"), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(zh=_TEXTS, start=st.integers(0, 11), length=st.integers(1, 6))
async def test_every_part_of_a_name_finds_its_item(town: City, zh: str, start: int, length: int) -> None:
    name = ItemName("police", "drawn")
    try:
        got = await get_item(town, name)
    except Exception:
        got = await add_item(town, replace(PERMIT_ITEM, name=name))
    got.display_name.zh = zh
    await call(town, "UpdateItem", centre_pb2.UpdateItemRequest(item=got))
    part = zh[start % len(zh) :][:length]
    assert str(name) in await found(town, part)
    missing = "犭".join(part)
    assert (str(name) in await found(town, missing)) == (len(part) == 1)


async def test_an_update_changes_what_its_mask_names(town: City) -> None:
    made = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "updated")))
    await call(town, "CreatePurpose", creating_purpose())
    sent = item_to(
        replace(
            item_of(made),
            display_name=LocalizedText("新", "New"),
            refresh=Refresh.ONCE,
            refresh_days=0,
            sensitivity=Sensitivity.SENSITIVE,
            purposes=(PURPOSE.name,),
        )
    )
    sent.etag = made.etag
    asked = centre_pb2.UpdateItemRequest(item=sent)
    asked.update_mask.paths.extend(["purposes", "display_name"])
    first = await call(town, "UpdateItem", asked)
    assert item_of(first) == replace(
        item_of(made), display_name=LocalizedText("新", "New"), purposes=(PURPOSE.name,)
    )
    assert first.etag != made.etag
    assert (
        first.update_time.ToMilliseconds()
        >= first.create_time.ToMilliseconds()
        == (made.create_time.ToMilliseconds())
    )
    asked.item.etag = first.etag
    asked.update_mask.paths[:] = ["*"]
    whole = await call(town, "UpdateItem", asked)
    assert item_of(whole) == item_of(sent)
    asked.item.etag = whole.etag
    asked.item.ClearField("purposes")
    asked.update_mask.paths[:] = ["purposes"]
    assert item_of(await call(town, "UpdateItem", asked)).purposes == ()


async def test_of_many_who_change_what_they_have_read_one_does(town: City) -> None:
    made = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "raced")))

    async def change(number: int) -> str:
        sent = centre_pb2.Item()
        sent.CopyFrom(made)
        sent.validity_days = 1 + number
        try:
            await call(town, "UpdateItem", centre_pb2.UpdateItemRequest(item=sent))
        except Exception:
            return "refused"
        return "changed"

    outcomes = await asyncio.gather(*(change(number) for number in range(12)))
    assert outcomes.count("changed") == 1
    lost = centre_pb2.UpdateItemRequest(item=made)
    assert (await refusal(call(town, "UpdateItem", lost))).reason == "ETAG_MISMATCH"


async def test_a_deprecated_item_is_offered_no_more_and_verifies_on(town: City) -> None:
    issued, request_id = await town.claim(await town.issue()), new_id()
    answered, waiting = await town.issue(request_id=request_id), await town.issue()
    successor = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "permit_of_now")))
    ended = await deprecate(town, await get_item(town), successor.name)
    assert (ended.state, ended.successor) == (centre_pb2.Item.STATE_DEPRECATED, successor.name)
    assert await deprecate(town, ended, successor.name) == ended
    before = dump(town.ready.data)
    refused = await refusal(town.issue())
    assert (refused.code.name, refused.reason) == ("FAILED_PRECONDITION", "ITEM_DEPRECATED")
    assert [each.field for each in refused.violations] == ["schema"]
    assert dump(town.ready.data) == before
    assert await town.issue(request_id=request_id) == answered, "whoever was answered is answered again"
    await town.claim(waiting)
    await town.answered(issued)


async def test_a_deprecated_item_of_the_composite_form_is_offered_no_more(town: City) -> None:
    await town.add_schema(BASE)
    made = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", BASE.name.item)))
    waiting, holder = await offer(town, identified(person=b"1")), Holder(town)
    await deprecate(town, made)
    refused = await refusal(offer(town, identified(person=b"2")))
    assert refused.reason == "ITEM_DEPRECATED"
    claiming = await holder.commit(waiting)
    held = await holder.accept(claiming, await claiming.send(town))
    assert held.credential.schema == BASE.name


async def test_a_deprecated_item_is_not_pushed_either(town: City) -> None:
    schema = replace(PERMIT, name=SchemaName("police", "pushed", 1))
    await town.add_schema(schema)
    made = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "pushed")))
    police = Pusher(town, town.department_token, schema)
    await police.push([record(1)])
    await deprecate(town, made)
    assert (await police.push([record(1)])).unchanged == 1, "nothing of it is offered"
    before = dump(town.ready.data)
    for values in ({}, {"district": "370103"}):
        error = await refusal(police.push([record(1, changes=values), record(2)]))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "ITEM_DEPRECATED")
    assert dump(town.ready.data) == before


async def test_an_item_without_a_registered_schema_and_a_schema_without_an_item(town: City) -> None:
    alone = await add_item(town, replace(PERMIT_ITEM, name=ItemName("police", "planned")))
    assert alone.newest_schema == ""
    await town.add_schema(replace(PERMIT, name=SchemaName("police", "without", 1)))
    await town.claim(await town.issue(schema=replace(PERMIT, name=SchemaName("police", "without", 1))))


async def test_a_code_list_names_the_newest_signed_table_of_its_owner(town: City) -> None:
    made = await call(town, "CreateCodeList", creating_list(), town.department_token)
    assert (made.signed_table, made.owner) == ("", POLICE)
    assert await call(town, "CreateCodeList", creating_list()) == made
    asked = centre_pb2.GetCodeListRequest(name=str(DISTRICTS.name))
    for published in (codes(), codes()):
        message = published_to(published)
        message.ClearField("name")
        await town.publication.CreateTable(
            publication_pb2.CreateTableRequest(table=message), metadata=town.bearer(town.department_token)
        )
        linked = await town.catalog.GetCodeList(asked)
        assert linked.signed_table == table_name(published.table.digest)
    listed = await town.catalog.ListCodeLists(centre_pb2.ListCodeListsRequest())
    assert list(listed.code_lists) == [linked]


async def test_purposes_are_registered_once_and_listed(town: City) -> None:
    first = await call(town, "CreatePurpose", creating_purpose())
    assert await call(town, "CreatePurpose", creating_purpose()) == first
    other = replace(PURPOSE, name=PurposeName("a-loan"), legal_basis=TEXT)
    second = await call(town, "CreatePurpose", creating_purpose(other))
    listed = await town.catalog.ListPurposes(centre_pb2.ListPurposesRequest())
    found = list(listed.purposes)
    assert [each.name for each in found] == sorted(each.name for each in found)
    assert [each for each in found if "/testing-" not in each.name] == [second, first]
    assert await town.catalog.GetPurpose(centre_pb2.GetPurposeRequest(name=first.name)) == first


async def exported(town: City, size: int) -> list[tuple[str, Any]]:
    asked, records = catalog_pb2.ExportCatalogueRequest(page_size=size), list[tuple[str, Any]]()
    while True:
        page = await town.catalog.ExportCatalogue(asked)
        assert len(page.records) <= (size or 50)
        for each in page.records:
            kind = each.WhichOneof("record")
            records.append((kind, getattr(each, kind)))
        asked.page_token = page.next_page_token
        if not asked.page_token:
            return records


async def test_the_export_has_everything_once_whatever_its_pages_hold(town: City) -> None:
    whole = await exported(town, 500)
    for size in (1, 2, 3, 7, 0):
        assert await exported(town, size) == whole
    rows = dump(town.ready.data)
    kinds = ["department", "purpose", "code_list", "item", "schema", "issuer_key"]
    assert [kind for kind, _ in whole] == [kind for kind in kinds for _ in rows[kind]]
    for kind in kinds:
        assert [each.name for found, each in whole if found == kind] == sorted(row[0] for row in rows[kind])
    schema = next(each for _, each in whole if each.name == str(PERMIT.name))
    got = await town.catalog.GetSchema(catalog_pb2.GetSchemaRequest(name=str(PERMIT.name)))
    got.ClearField("proof")
    assert schema == got


async def test_an_exports_token_is_good_for_nothing_else(town: City) -> None:
    page = await town.catalog.ExportCatalogue(catalog_pb2.ExportCatalogueRequest(page_size=1))
    asked = centre_pb2.ListPurposesRequest(page_token=page.next_page_token)
    assert (await refusal(town.catalog.ListPurposes(asked))).reason == "PAGE_TOKEN_INVALID"
    search = await town.catalog.SearchItems(
        centre_pb2.SearchItemsRequest(parent=POLICE, query="permit", page_size=1)
    )
    other = centre_pb2.SearchItemsRequest(
        parent=POLICE, query="证", page_size=1, page_token=search.next_page_token
    )
    assert (await refusal(town.catalog.SearchItems(other))).reason == "PAGE_TOKEN_INVALID"
