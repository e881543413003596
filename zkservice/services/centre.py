"""The part of CatalogService that has purposes and code lists."""

import asyncio
from typing import Any

from disclosure import DepartmentName
from disclosure.centre import CodeList
from disclosure.names import CodeListName, PurposeName
from wire.centre import code_list_of, code_list_to, purpose_of, purpose_to
from wire.composite import table_name
from wire.convert import moment_to, within
from zkproto.v1 import centre_pb2 as pb
from zkservice.fields import required
from zkservice.listing import listed
from zkservice.services.catalog_part import CatalogPart
from zkservice.storage import code_lists, purposes
from zkservice.storage.code_lists import StoredCodeList
from zkservice.storage.purposes import StoredPurpose


class Centre(CatalogPart):
    """Purposes are the administrator's; code lists belong to the departments that answer for them."""

    async def CreatePurpose(self, request: pb.CreatePurposeRequest, context: Any) -> Any:
        """Register a purpose."""
        await self._context.access.admin(context)
        required(request.HasField("purpose"), "purpose")
        name = PurposeName.parse(f"purposes/{request.purpose_id}", field="purpose_id")
        with within("purpose"):
            purpose = purpose_of(request.purpose, name)
        return purpose_message(
            await self._context.database.write(
                lambda connection: purposes.add(connection, purpose, self._context.now())
            )
        )

    async def GetPurpose(self, request: pb.GetPurposeRequest, context: Any) -> Any:
        """One purpose."""
        name = PurposeName.parse(request.name, field="name")
        return purpose_message(await self._context.database.read(lambda each: purposes.get(each, name)))

    async def ListPurposes(self, request: pb.ListPurposesRequest, context: Any) -> Any:
        """A page of purposes."""
        page, token = await listed(self._context, request, "purposes", purposes.after, purpose_message)
        return pb.ListPurposesResponse(purposes=page, next_page_token=token)

    async def CreateCodeList(self, request: pb.CreateCodeListRequest, context: Any) -> Any:
        """Register a code list."""
        required(request.HasField("code_list"), "code_list")
        name = CodeListName.parse(f"codeLists/{request.code_list_id}", field="code_list_id")
        owner = DepartmentName.parse(request.code_list.owner, field="code_list.owner")
        await self._context.access.department(context, str(owner), or_admin=True)
        # A large list takes longer to convert than the event loop may be held up.
        made = await asyncio.to_thread(_code_list_of, request.code_list, name)
        return code_list_message(
            await self._context.database.write(
                lambda connection: code_lists.add(connection, made, self._context.now())
            )
        )

    async def GetCodeList(self, request: pb.GetCodeListRequest, context: Any) -> Any:
        """One code list, with the newest signed table of it."""
        name = CodeListName.parse(request.name, field="name")
        return code_list_message(await self._context.database.read(lambda each: code_lists.get(each, name)))

    async def ListCodeLists(self, request: pb.ListCodeListsRequest, context: Any) -> Any:
        """A page of code lists."""
        page, token = await listed(self._context, request, "code lists", code_lists.after, code_list_message)
        return pb.ListCodeListsResponse(code_lists=page, next_page_token=token)


def _code_list_of(message: pb.CodeList, name: CodeListName) -> CodeList:
    with within("code_list"):
        return code_list_of(message, name)


def purpose_message(stored: StoredPurpose) -> pb.Purpose:
    """Return a purpose's message."""
    message = purpose_to(stored.purpose)
    message.create_time.CopyFrom(moment_to(stored.created))
    return message


def code_list_message(stored: StoredCodeList) -> pb.CodeList:
    """Return a code list's message."""
    message = code_list_to(stored.code_list)
    message.signed_table = table_name(stored.table) if stored.table else ""
    message.create_time.CopyFrom(moment_to(stored.created))
    return message
