"""The catalogue: listing over many pages, schemas as they were sent, keys with their record on the ledger."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio

from disclosure import (
    AttributeDefinition,
    AttributeType,
    CredentialForm,
    IssuerKey,
    LocalizedText,
    Schema,
    SchemaName,
)
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, TEXT, City, city, new_id
from tlog.entry import RecordEntry, parse_entry
from wire.convert import issuer_key_of, schema_of, text_to
from zkproto.v1 import catalog_pb2, ledger_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
MANY: Final = 7


def small(name: SchemaName, **changes: Any) -> Schema:
    return replace(PERMIT, name=name, attributes=PERMIT.attributes[:1], **changes)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("catalog")) as opened:
        for number in range(MANY):
            await opened.add_department(f"d{number}")
        for number in range(MANY):
            await opened.add_verifier(f"v{number}")
            await opened.add_schema(small(SchemaName("d0", "item", number + 1)))
            await opened.add_key("d1")
        yield opened


LISTINGS: Final[dict[str, tuple[Any, str, str]]] = {
    "ListDepartments": (catalog_pb2.ListDepartmentsRequest(), "departments", "department"),
    "ListVerifiers": (catalog_pb2.ListVerifiersRequest(), "verifiers", "verifier"),
    "ListSchemas": (catalog_pb2.ListSchemasRequest(parent="departments/-"), "schemas", "schema"),
    "ListIssuerKeys": (
        catalog_pb2.ListIssuerKeysRequest(parent="departments/-"),
        "issuer_keys",
        "issuer_key",
    ),
}


@pytest.mark.parametrize("method", LISTINGS)
@pytest.mark.parametrize("size", [1, 2, 3, MANY, 0, 500, 100_000])
async def test_pages_give_everything_once_and_in_order(town: City, method: str, size: int) -> None:
    asked, field, table = LISTINGS[method]
    message, names = type(asked)(), []
    message.CopyFrom(asked)
    message.page_size = size
    while True:
        answer = await getattr(town.catalog, method)(message)
        page = [each.name for each in getattr(answer, field)]
        assert len(page) <= (size or 50)
        names += page
        message.page_token = answer.next_page_token
        if not message.page_token:
            break
        assert page
    assert len(names) > MANY
    assert names == sorted(row[0] for row in dump(town.ready.data)[table])


async def test_a_listing_of_one_department_has_its_own_only(town: City) -> None:
    schemas = await town.catalog.ListSchemas(catalog_pb2.ListSchemasRequest(parent="departments/police"))
    assert [each.name for each in schemas.schemas] == [str(PERMIT.name)]
    keys = await town.catalog.ListIssuerKeys(catalog_pb2.ListIssuerKeysRequest(parent="departments/d1"))
    assert len(keys.issuer_keys) == MANY
    none = await town.catalog.ListSchemas(catalog_pb2.ListSchemasRequest(parent="departments/nobody"))
    assert (len(none.schemas), none.next_page_token) == (0, "")


async def test_a_row_put_in_while_paging_moves_no_other(town: City) -> None:
    asked = catalog_pb2.ListVerifiersRequest(page_size=4)
    first = await town.catalog.ListVerifiers(asked)
    await town.add_verifier("a-new-one")
    asked.page_token = first.next_page_token
    second = await town.catalog.ListVerifiers(asked)
    names = [each.name for each in (*first.verifiers, *second.verifiers)]
    assert names == sorted(set(names))
    assert "verifiers/a-new-one" not in names


async def test_a_page_of_large_schemas_stays_below_what_clients_receive(town: City) -> None:
    long = LocalizedText("长" * 333, "l" * 1000)
    wide = tuple(
        AttributeDefinition(f"a{number}", long, AttributeType.TEXT, max_length=9) for number in range(30)
    )
    await town.add_department("wide")
    for number in range(45):
        schema = Schema(SchemaName("wide", "item", number + 1), long, CredentialForm.PLAIN, wide, 1)
        await town.add_schema(schema)
    asked, sizes, names = catalog_pb2.ListSchemasRequest(parent="departments/wide", page_size=500), [], []
    while True:
        page = await town.catalog.ListSchemas(asked)
        sizes.append(page.ByteSize())
        names += [each.name for each in page.schemas]
        asked.page_token = page.next_page_token
        if not asked.page_token:
            break
    assert len(sizes) > 1
    assert max(sizes) < 3 << 20
    assert len(set(names)) == len(names) == 45


async def test_a_schema_comes_back_as_it_was_sent(town: City) -> None:
    got = await town.catalog.GetSchema(catalog_pb2.GetSchemaRequest(name=str(PERMIT.name)))
    assert schema_of(got) == PERMIT
    assert got.digest == PERMIT.digest
    assert got.create_time.ToSeconds() > 0
    extremes = (
        AttributeDefinition(
            "low", TEXT, AttributeType.INTEGER, unit="°C", scale=18, minimum=-(1 << 63), maximum=(1 << 63) - 1
        ),
        AttributeDefinition("first", TEXT, AttributeType.DATE, True, minimum=-719_162, maximum=2_932_896),
    )
    schema = replace(PERMIT, name=SchemaName("police", "extremes", 999_999), attributes=extremes)
    added = await town.add_schema(schema)
    assert schema_of(added) == schema
    assert await town.catalog.GetSchema(catalog_pb2.GetSchemaRequest(name=str(schema.name))) == added


async def test_the_same_call_for_a_key_gives_the_same_key(town: City) -> None:
    request_id = new_id()
    made = await town.add_key("d2", request_id)
    before = dump(town.ready.data)
    assert await town.add_key("d2", request_id) == made
    assert dump(town.ready.data) == before
    assert (await town.add_key("d3", request_id)).name != made.name, "a request_id is the department's own"
    assert (await town.add_key("d2")).name != made.name


async def test_the_record_of_a_key_stands_on_the_ledger_when_it_is_answered(town: City) -> None:
    key = issuer_key_of(await town.add_key("d2"))
    head = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=1000))
    records = [parse_entry(each.entry) for each in head.entries]
    assert RecordEntry("issuer-key", key.record()) in records
    assert IssuerKey.from_record(key.record()) == key


async def test_the_newest_active_key_signs(town: City) -> None:
    for _ in range(2):
        newest = await town.add_key("police")
        issued = await town.claim(await town.issue())
        assert str(issued.key.name) == newest.name
        await town.answered(issued)


async def test_secrets_are_neither_listed_nor_given_again(town: City) -> None:
    created = await town.catalog.CreateDepartment(
        catalog_pb2.CreateDepartmentRequest(
            department_id="once",
            department=catalog_pb2.Department(display_name=text_to(TEXT)),
        ),
        metadata=town.bearer(town.admin),
    )
    got = await town.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name="departments/once"))
    assert created.access_token not in str(got)
    assert not any(created.access_token in str(row) for row in dump(town.ready.data)["department"])
