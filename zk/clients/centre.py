"""The service's resource centre, for departments, administrators and everybody who reads."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from google.protobuf.json_format import MessageToDict

from disclosure import DepartmentName, IssuerKey, IssuerKeyName, KeyState, LocalizedText, Schema, SchemaName
from disclosure.centre import CodeList, DataItem, Purpose, Subject
from disclosure.names import ItemName
from disclosure.registry import issuer_key_state_entry
from tlog import ProofFile, Verifier
from wire import convert
from wire.centre import (
    code_list_of,
    code_list_to,
    identified_of,
    identified_to,
    item_of,
    item_to,
    purpose_of,
    purpose_to,
)
from wire.client import Endpoint, call
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, centre_pb2

_PAGE: Final = 200
_EVERYWHERE: Final = "departments/-"
_STATES: Final = {
    KeyState.ACTIVE: catalog_pb2.IssuerKey.STATE_ACTIVE,
    KeyState.VERIFY_ONLY: catalog_pb2.IssuerKey.STATE_VERIFY_ONLY,
    KeyState.RETIRED: catalog_pb2.IssuerKey.STATE_RETIRED,
}


@dataclass(frozen=True)
class ListedDepartment:
    """A department as the service has it; `identifies` are the kinds of subject that it makes codes for."""

    name: DepartmentName
    display_name: LocalizedText
    identifies: frozenset[Subject]
    etag: str


@dataclass(frozen=True)
class Listed:
    """An item as the service has it."""

    item: DataItem
    deprecated: bool
    successor: str
    newest: SchemaName | None
    etag: str


@dataclass(frozen=True)
class ListedCodes:
    """A code list, with the name of its newest signed table (empty: none)."""

    code_list: CodeList
    table: str


class Centre:
    """Over one channel, which leaving the context closes; threads may share it.

    Raises wire.client.ServiceError, MalformedError.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._channel = endpoint.channel()
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def departments(self) -> Iterator[ListedDepartment]:
        """All departments, in order of name."""
        asked = catalog_pb2.ListDepartmentsRequest()
        yield from map(_department, self._all(self._catalog.ListDepartments, asked, "departments"))

    def department(self, name: DepartmentName) -> ListedDepartment:
        """One department."""
        asked = catalog_pb2.GetDepartmentRequest(name=str(name))
        return _department(call(self._catalog.GetDepartment, asked))

    def change_department(self, changed: ListedDepartment, token: str) -> ListedDepartment:
        """Change what a department is called and whom it identifies, from the state whose etag this has.

        Takes the administrator's token; the department's own where it identifies whom it did.
        """
        message = catalog_pb2.Department(
            name=str(changed.name),
            display_name=convert.text_to(changed.display_name),
            identifies=identified_to(changed.identifies),
            etag=changed.etag,
        )
        asked = catalog_pb2.UpdateDepartmentRequest(department=message)
        return _department(call(self._catalog.UpdateDepartment, asked, token=token))

    def digests(self) -> dict[SchemaName, bytes]:
        """The digests of all schemas."""
        asked = catalog_pb2.ListSchemasRequest(parent=_EVERYWHERE)
        found = map(convert.schema_of, self._all(self._catalog.ListSchemas, asked, "schemas"))
        return {each.name: each.digest for each in found}

    def schema(self, name: SchemaName) -> Schema:
        """One version of a schema, as the service says it."""
        return convert.schema_of(call(self._catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(name))))

    def purposes(self) -> Iterator[Purpose]:
        """All purposes, in order of name."""
        asked = centre_pb2.ListPurposesRequest()
        yield from map(purpose_of, self._all(self._catalog.ListPurposes, asked, "purposes"))

    def create_purpose(self, purpose: Purpose, token: str) -> None:
        """Register a purpose; takes the administrator's token."""
        request = centre_pb2.CreatePurposeRequest(
            purpose_id=purpose.name.purpose, purpose=purpose_to(purpose)
        )
        call(self._catalog.CreatePurpose, request, token=token)

    def code_lists(self) -> Iterator[ListedCodes]:
        """All code lists, in order of name."""
        asked = centre_pb2.ListCodeListsRequest()
        for each in self._all(self._catalog.ListCodeLists, asked, "code_lists"):
            yield ListedCodes(code_list_of(each), each.signed_table)

    def create_code_list(self, made: CodeList, token: str) -> None:
        """Register a code list; takes its owner's token."""
        request = centre_pb2.CreateCodeListRequest(
            code_list_id=made.name.code_list, code_list=code_list_to(made)
        )
        call(self._catalog.CreateCodeList, request, token=token)

    def items(self, parent: str = _EVERYWHERE) -> Iterator[Listed]:
        """The items of a department, or of all, in order of name."""
        asked = centre_pb2.ListItemsRequest(parent=parent)
        yield from map(_listed, self._all(self._catalog.ListItems, asked, "items"))

    def search(self, query: str, parent: str = _EVERYWHERE) -> Iterator[Listed]:
        """The items in which every word of a query is found, in order of name."""
        asked = centre_pb2.SearchItemsRequest(parent=parent, query=query)
        yield from map(_listed, self._all(self._catalog.SearchItems, asked, "items"))

    def create_item(self, item: DataItem, token: str) -> Listed:
        """Register an item; takes its department's token."""
        request = centre_pb2.CreateItemRequest(
            parent=str(DepartmentName(item.name.department)), item_id=item.name.item, item=item_to(item)
        )
        return _listed(call(self._catalog.CreateItem, request, token=token))

    def update_item(self, item: DataItem, etag: str, token: str) -> Listed:
        """Change all that is told of an item; takes its department's token."""
        message = item_to(item)
        message.etag = etag
        return _listed(
            call(self._catalog.UpdateItem, centre_pb2.UpdateItemRequest(item=message), token=token)
        )

    def deprecate_item(self, name: ItemName, etag: str, successor: ItemName | None, token: str) -> Listed:
        """Have an item offered no more; takes its department's token."""
        request = centre_pb2.DeprecateItemRequest(name=str(name), etag=etag, successor=str(successor or ""))
        return _listed(call(self._catalog.DeprecateItem, request, token=token))

    def create_schema(self, schema: Schema, token: str) -> None:
        """Register a version of a schema; takes its department's token."""
        request = catalog_pb2.CreateSchemaRequest(
            parent=str(DepartmentName(schema.name.department)),
            schema_id=f"{schema.name.item}@{schema.name.version}",
            schema=convert.schema_to(schema),
        )
        call(self._catalog.CreateSchema, request, token=token)

    def change_key(self, key: IssuerKey, state: KeyState, token: str, log: Verifier) -> IssuerKey:
        """Take an issuer key on, and check the record of its new state; takes its department's token.

        Also raises tlog.TlogError.
        """
        request = catalog_pb2.UpdateIssuerKeyStateRequest(
            name=str(key.name), expected_state=_STATES[key.state], state=_STATES[state]
        )
        answer = call(self._catalog.UpdateIssuerKeyState, request, token=token)
        ProofFile.parse(answer.state_proof).verify(issuer_key_state_entry(key.name, state), log)
        return convert.issuer_key_of(answer)

    def issuer_key(self, name: IssuerKeyName) -> IssuerKey:
        """One issuer key, as the service says it."""
        asked = catalog_pb2.GetIssuerKeyRequest(name=str(name))
        return convert.issuer_key_of(call(self._catalog.GetIssuerKey, asked))

    def export(self) -> Iterator[str]:
        """The whole catalogue, one line of JSON a record; the same catalogue gives the same lines."""
        asked = catalog_pb2.ExportCatalogueRequest()
        for record in self._all(self._catalog.ExportCatalogue, asked, "records"):
            data = MessageToDict(record, preserving_proto_field_name=True)
            yield json.dumps(data, ensure_ascii=False, sort_keys=True)

    def _all(self, method: Any, asked: Any, field: str) -> Iterator[Any]:
        """Give what all pages of a listing hold."""
        asked.page_size = _PAGE
        while True:
            page = call(method, asked)
            yield from getattr(page, field)
            asked.page_token = page.next_page_token
            if not asked.page_token:
                return


def _department(message: catalog_pb2.Department) -> ListedDepartment:
    return ListedDepartment(
        DepartmentName.parse(message.name),
        convert.text_of(message.display_name),
        identified_of(message.identifies),
        message.etag,
    )


def _listed(message: centre_pb2.Item) -> Listed:
    return Listed(
        item_of(message),
        message.state == centre_pb2.Item.STATE_DEPRECATED,
        message.successor,
        SchemaName.parse(message.newest_schema, field="newest_schema") if message.newest_schema else None,
        message.etag,
    )
