"""What the parts of CatalogService share."""

from typing import Final

from disclosure import DepartmentName
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason

ALL: Final = "departments/-"


class CatalogPart:
    """Some of CatalogService's methods; the service is put together of all parts."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def _proof(self, outbox: int) -> bytes:
        """Return the proof of a record, once it stands on the ledger: nobody is shown one that does not."""
        return await self._context.proofs.of(outbox)


def parent_of(name: str) -> str | None:
    """Return the department that a listing is of, None for all; MalformedError NAME_INVALID."""
    return None if name == ALL else str(DepartmentName.parse(name, field="parent"))


def said_etag(etag: str, field: str) -> str:
    """Return the etag that whoever changes something has read; ServiceError FIELD_MISSING."""
    if not etag:
        detail = "whoever changes something says the etag of what was read"
        raise ServiceError(ServiceReason.FIELD_MISSING, detail, field=field)
    return etag
