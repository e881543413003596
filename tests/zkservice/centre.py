"""Items, purposes, code lists at a real server."""

from typing import Any

from disclosure import Code, DepartmentName, LocalizedText
from disclosure.centre import CodeList, DataItem, Purpose, Refresh, Sensitivity, Subject
from disclosure.names import CodeListName, ItemName, PurposeName
from tests.zkservice.support import PERMIT, TEXT, City
from wire.centre import code_list_to, item_to, purpose_to
from zkproto.v1 import catalog_pb2, centre_pb2

POLICE = "departments/police"
PERMIT_ITEM = DataItem(
    name=ItemName("police", PERMIT.name.item),
    display_name=LocalizedText("居住证", "Residence permit"),
    sensitivity=Sensitivity.PERSONAL,
    validity_days=365,
    refresh=Refresh.PERIODIC,
    refresh_days=30,
    subject=Subject.PERSON,
    applicable=True,
    source=LocalizedText("《居住证暂行条例》", "Interim Regulations on Residence Permits"),
)
PURPOSE = Purpose(
    PurposeName("school-enrolment"), TEXT, LocalizedText("义务教育法", "Compulsory Education Law")
)
DISTRICTS = CodeList(
    CodeListName("districts"),
    DepartmentName("police"),
    "GB/T 2260",
    LocalizedText("区划", "Districts"),
    (Code("370102", TEXT), Code("370103", TEXT)),
)


def creating_item(item: DataItem = PERMIT_ITEM, **changes: Any) -> centre_pb2.CreateItemRequest:
    message = item_to(item)
    message.ClearField("name")
    fields: dict[str, Any] = {
        "parent": str(DepartmentName(item.name.department)),
        "item_id": item.name.item,
        "item": message,
    }
    return centre_pb2.CreateItemRequest(**(fields | changes))


def creating_purpose(purpose: Purpose = PURPOSE, **changes: Any) -> centre_pb2.CreatePurposeRequest:
    fields: dict[str, Any] = {"purpose_id": purpose.name.purpose, "purpose": purpose_to(purpose)}
    return centre_pb2.CreatePurposeRequest(**(fields | changes))


def creating_list(made: CodeList = DISTRICTS, **changes: Any) -> centre_pb2.CreateCodeListRequest:
    fields: dict[str, Any] = {"code_list_id": made.name.code_list, "code_list": code_list_to(made)}
    return centre_pb2.CreateCodeListRequest(**(fields | changes))


async def call(town: City, method: str, message: Any, token: str | None = None) -> Any:
    """Call a method of the catalogue, as the administrator if nobody else is named."""
    return await getattr(town.catalog, method)(message, metadata=town.bearer(token or town.admin))


async def add_item(town: City, item: DataItem = PERMIT_ITEM) -> centre_pb2.Item:
    made: centre_pb2.Item = await call(town, "CreateItem", creating_item(item))
    return made


async def get_item(town: City, name: ItemName = PERMIT_ITEM.name) -> centre_pb2.Item:
    found: centre_pb2.Item = await town.catalog.GetItem(centre_pb2.GetItemRequest(name=str(name)))
    return found


def deprecating(item: centre_pb2.Item, successor: object = "") -> centre_pb2.DeprecateItemRequest:
    return centre_pb2.DeprecateItemRequest(name=item.name, etag=item.etag, successor=str(successor))


async def deprecate(town: City, item: centre_pb2.Item, successor: object = "") -> centre_pb2.Item:
    ended: centre_pb2.Item = await call(town, "DeprecateItem", deprecating(item, successor))
    return ended


async def change_key(town: City, name: str, before: int, after: int) -> catalog_pb2.IssuerKey:
    """Take an issuer key on, as the administrator."""
    asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=name, state=after, expected_state=before)  # type: ignore[arg-type]
    changed: catalog_pb2.IssuerKey = await call(town, "UpdateIssuerKeyState", asked)
    return changed
