"""PublicationService: what requests name by digest, the same for everybody, and recorded on the ledger.

What is answered stands on the ledger. A table that is published is never changed, and nobody's key is kept.
"""

import asyncio
import hashlib
from typing import Any, Final

from disclosure import Code, DepartmentName, LocalizedText, MalformedError, Reason, VerifierName
from disclosure.attributes import is_clean
from disclosure.composite import Published, Regulator
from disclosure.names import RegulatorName
from disclosure.presentation import DIGEST_OCTETS
from wire.composite import digest_of, published_of, regulator_of, regulator_to, table_name
from wire.convert import moment_to, within
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1.publication_pb2_grpc import PublicationServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.listing import listed
from zkservice.services.openings import Openings
from zkservice.storage import publication, registered
from zkservice.storage.publication import StoredRegulator, StoredTable

_NEWEST: Final = "/tables/-"
_ANY: Final = "regulators/-"
_MAX_CODE_SYSTEM: Final = 64
_ENTRY_OCTETS: Final = 128
"""What the scalar and the signature of a code have in a table."""
_NOBODY: Final = LocalizedText("-", "-")


class PublicationService(PublicationServiceServicer):
    """Reading is open to everybody; publishing takes a department's token or the administrator's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._openings = Openings(context)

    async def CreateTable(self, request: pb.CreateTableRequest, context: Any) -> Any:
        """Publish a table; answered once its record stands on the ledger.

        What was published before, or is one too many, is found out before any signature is verified.
        """
        required(request.HasField("table"), "table")
        table, most = request.table, self._context.settings.max_tables
        await self._check_owner(table.owner, context)
        digest = hashlib.sha256(table.octets).digest()
        published_as = table.owner, table.code_system, tuple(table.codes)
        stored = await self._context.database.read(
            lambda each: publication.table_before(each, digest, published_as, most)
        )
        if stored is None:
            published = await asyncio.get_running_loop().run_in_executor(
                self._context.crypto, _published_of, table
            )
            stored = await self._context.database.write(
                lambda each: publication.add_table(each, published, self._context.now(), most)
            )
        return await self._table_to(stored)

    async def _check_owner(self, owner: str, context: Any) -> None:
        """Let pass who may publish for an owner, which is registered."""
        if owner.startswith("verifiers/"):
            name = str(VerifierName.parse(owner, field="table.owner"))
            await self._context.access.admin(context)
            await self._context.database.read(
                lambda each: registered.verifier(each, name, field="table.owner")
            )
        else:
            name = str(DepartmentName.parse(owner, field="table.owner"))
            await self._context.access.department(context, name)

    async def GetTable(self, request: pb.GetTableRequest, context: Any) -> Any:
        """One table, or an owner's newest table of digits."""
        if request.name.endswith(_NEWEST):
            owner = _owner(request.name.removesuffix(_NEWEST), "name")
            found = await self._context.database.read(lambda each: publication.newest_digits(each, owner))
        else:
            digest = digest_of(request.name)
            read = await self._context.database.read(lambda each: publication.tables_of(each, [digest]))
            found = read.get(digest)
        if found is None:
            raise ServiceError(ServiceReason.NOT_FOUND, f"there is no {request.name}", field="name")
        return await self._table_to(found)

    async def ListTables(self, request: pb.ListTablesRequest, context: Any) -> Any:
        """A page of an owner's tables, newest first."""
        owner = _owner(request.parent, "parent")
        page, token = await listed(
            self._context,
            request,
            f"tables of {owner}",
            lambda each, before, limit: publication.tables_of_owner(each, owner, int(before or 0), limit),
            _table_to,
            lambda stored: str(stored.outbox),
        )
        return pb.ListTablesResponse(tables=page, next_page_token=token)

    async def CreateRegulator(self, request: pb.CreateRegulatorRequest, context: Any) -> Any:
        """Register a regulator; answered once its record stands on the ledger."""
        await self._context.access.admin(context)
        required(request.HasField("regulator"), "regulator")
        name = RegulatorName.parse(f"regulators/{request.regulator_id}", field="regulator_id")
        regulator = _regulator_of(request.regulator, name)
        stored = await self._context.database.write(
            lambda connection: publication.add_regulator(connection, regulator, self._context.now())
        )
        return await self._regulator_to(stored)

    async def GetRegulator(self, request: pb.GetRegulatorRequest, context: Any) -> Any:
        """One regulator, by its name or by the digest of its key."""
        if request.name == _ANY:
            digest = request.digest
            if len(digest) != DIGEST_OCTETS:
                detail = f"a digest has {DIGEST_OCTETS} octets"
                raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="digest")
            read = await self._context.database.read(lambda each: publication.regulators_of(each, [digest]))
            if digest not in read:
                raise ServiceError(ServiceReason.NOT_FOUND, "there is no such regulator", field="digest")
            return await self._regulator_to(read[digest])
        name = str(RegulatorName.parse(request.name, field="name"))
        found = await self._context.database.read(lambda each: publication.regulator(each, name))
        if request.digest not in (b"", found.regulator.key.digest):
            detail = "the regulator has another key"
            raise ServiceError(ServiceReason.NOT_FOUND, detail, field="digest")
        return await self._regulator_to(found)

    async def ListRegulators(self, request: pb.ListRegulatorsRequest, context: Any) -> Any:
        """A page of regulators."""
        page, token = await listed(
            self._context, request, "regulators", publication.regulators, _regulator_to
        )
        return pb.ListRegulatorsResponse(regulators=page, next_page_token=token)

    async def RecordOpening(self, request: pb.RecordOpeningRequest, context: Any) -> Any:
        """Record an opening that holds."""
        return await self._openings.record(request)

    async def ReadStates(self, request: pb.ReadStatesRequest, context: Any) -> Any:
        """How issuer keys and accumulators stand now."""
        return await self._context.states.asked(request)

    async def _table_to(self, stored: StoredTable) -> pb.Table:
        """Return the message once the record stands on the ledger: nobody is shown one that does not."""
        message = _table_to(stored)
        message.codes.extend(stored.codes)
        message.octets, message.proof = stored.octets, await self._context.proofs.of(stored.outbox)
        return message

    async def _regulator_to(self, stored: StoredRegulator) -> pb.Regulator:
        message = _regulator_to(stored)
        message.proof = await self._context.proofs.of(stored.outbox)
        return message


def _owner(name: str, field: str) -> str:
    """Return an owner's name; MalformedError NAME_INVALID."""
    parse = VerifierName.parse if name.startswith("verifiers/") else DepartmentName.parse
    return str(parse(name, field=field))


def _published_of(message: pb.Table) -> Published:
    """Return a table whose every signature is true; codes are texts as in schemas. Takes a while."""
    with placed("table"):
        _check_codes(message)
        return published_of(message)


def _check_codes(message: pb.Table) -> None:
    if len(message.codes) > len(message.octets) // _ENTRY_OCTETS:
        detail = "the table signs fewer codes than these"
        raise MalformedError(Reason.MALFORMED, detail, field="codes")
    if not is_clean(message.code_system, _MAX_CODE_SYSTEM):
        detail = f"a code system has at most {_MAX_CODE_SYSTEM} octets"
        raise MalformedError(Reason.MALFORMED, detail, field="code_system")
    for place, code in enumerate(message.codes):
        try:
            Code(code, _NOBODY)
        except MalformedError as error:
            raise MalformedError(Reason.MALFORMED, error.detail, field=f"codes[{place}]") from None


def _regulator_of(message: pb.Regulator, name: RegulatorName) -> Regulator:
    """Return a regulator whose officers have proven their shares; MalformedError."""
    with within("regulator"):
        return regulator_of(message, name)


def _table_to(stored: StoredTable) -> pb.Table:
    return pb.Table(
        name=table_name(stored.digest),
        owner=stored.owner,
        code_system=stored.code_system,
        create_time=moment_to(stored.created),
    )


def _regulator_to(stored: StoredRegulator) -> pb.Regulator:
    message = regulator_to(stored.regulator)
    message.create_time.CopyFrom(moment_to(stored.created))
    return message
