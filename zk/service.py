"""What the command asks of the service for departments, administrators and auditors.

The holder's and the verifier's calls are in prover.client and verifier.client. Each Service holds one
channel; answers are turned into the project's types and checked at once.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bbs.gadgets.escrow_shares import PartialOpening
from disclosure import (
    Accumulator,
    AccumulatorName,
    DepartmentName,
    IssuerKey,
    LocalizedText,
    MalformedError,
    OfferLink,
    Reason,
    Schema,
    SchemaName,
    SignedRequest,
    Value,
    VerifierName,
)
from disclosure.administration import secret_hash
from disclosure.centre import Subject
from disclosure.composite import CompositePresentation, Published, Regulator, table_entry
from tlog import ProofFile, Verifier
from wire import convert
from wire.centre import identified_to
from wire.client import Endpoint, call
from wire.composite import (
    composite_presentation_to,
    part_to,
    published_of,
    published_to,
    regulator_of,
    regulator_to,
)
from wire.published import Reader
from wire.revocation import accumulator_of
from zk.ledger_reader import LedgerReader
from zkproto.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
    publication_pb2,
    publication_pb2_grpc,
    revocation_pb2,
    revocation_pb2_grpc,
)

PAGE_SIZE = 200


@dataclass(frozen=True)
class Registered:
    """A registered verifier: its name and what people call it."""

    name: str
    display_name: LocalizedText


@dataclass(frozen=True)
class Offer:
    """An issued credential that waits for its holder; the link is the holder's secret."""

    link: OfferLink
    expires: dt.datetime

    @property
    def name(self) -> str:
        """Its resource name, by which the department asks what became of it."""
        return f"offers/{self.link.id}"


@dataclass(frozen=True)
class Required:
    """What a holder must show before a credential of the composite form is issued: of whose it is."""

    schema: Schema
    values: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True)
class Issuance:
    """What became of an offer of the composite form; handle and accumulator are there once it was claimed."""

    offer: str
    schema: SchemaName
    claimed: bool
    handle: bytes | None = field(repr=False)
    accumulator: AccumulatorName | None


@dataclass(frozen=True)
class Revoked:
    """The epoch that a revocation made, and how many are revoked up to it."""

    accumulator: AccumulatorName
    number: int
    count: int


class Service:
    """Catalogue, issuance, revocation and publication over one channel; use it as a context manager.

    Every call raises wire.client.ServiceError if it is refused or does not get through, and MalformedError if
    the answer is not what the contract says.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._channel = endpoint.channel()
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)
        self._issuance = issuance_pb2_grpc.IssuanceServiceStub(self._channel)
        self._revocation = revocation_pb2_grpc.RevocationServiceStub(self._channel)
        self._publication = publication_pb2_grpc.PublicationServiceStub(self._channel)
        self.ledger = LedgerReader(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def create_department(
        self,
        department: DepartmentName,
        display_name: LocalizedText,
        token: str,
        identifies: Collection[Subject] = (),
        own: str | None = None,
        hashed: bytes = b"",
    ) -> str:
        """Register a department, and the kinds of subject that it identifies; return its own token: `own`,
        unless the service makes one; nothing where only the token's hash is known. Takes an administrator's.
        """
        request = catalog_pb2.CreateDepartmentRequest(
            department_id=department.department,
            department=catalog_pb2.Department(
                display_name=convert.text_to(display_name), identifies=identified_to(identifies)
            ),
            access_token_hash=secret_hash(own) if own else hashed,
        )
        return call(self._catalog.CreateDepartment, request, token=token).access_token or own or ""

    def create_schema(self, schema: Schema, token: str) -> Schema:
        """Register a version of a schema; takes the department's token."""
        request = catalog_pb2.CreateSchemaRequest(
            parent=str(DepartmentName(schema.name.department)),
            schema_id=f"{schema.name.item}@{schema.name.version}",
            schema=convert.schema_to(schema),
        )
        return convert.schema_of(call(self._catalog.CreateSchema, request, token=token))

    def create_issuer_key(self, department: DepartmentName, token: str) -> IssuerKey:
        """Have a new issuer key made; takes the department's token."""
        request = catalog_pb2.CreateIssuerKeyRequest(parent=str(department), request_id=str(uuid.uuid4()))
        return convert.issuer_key_of(call(self._catalog.CreateIssuerKey, request, token=token))

    def create_accumulator(self, department: DepartmentName, token: str) -> Accumulator:
        """Have a new accumulator made; takes the department's token."""
        request = revocation_pb2.CreateAccumulatorRequest(
            parent=str(department), request_id=str(uuid.uuid4())
        )
        return accumulator_of(call(self._revocation.CreateAccumulator, request, token=token))

    def revoke(self, accumulator: AccumulatorName | str, handles: Sequence[bytes], token: str) -> Revoked:
        """Revoke handles, all or none; takes the department's token.

        `departments/{department}/accumulators/-` is the accumulator that they were issued with. The
        request_id follows from what is asked: whoever got no answer asks the same again.
        """
        asked = f"{accumulator} {b''.join(handles).hex()}"
        request = revocation_pb2.RevokeCredentialsRequest(
            accumulator=str(accumulator),
            handles=handles,
            request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, asked)),
        )
        epoch = call(self._revocation.RevokeCredentials, request, token=token)
        return Revoked(AccumulatorName.parse(epoch.accumulator), epoch.number, epoch.revocation_count)

    def newest_epoch(self, accumulator: AccumulatorName) -> int:
        """Return the newest epoch's number as the service says it, unchecked: for what is told, no more."""
        request = revocation_pb2.GetEpochRequest(accumulator=str(accumulator))
        return call(self._revocation.GetEpoch, request).number

    def reader(self, log: Verifier) -> Reader:
        """What reads and checks what is published, over this channel, under the log's key."""
        return Reader(self._channel, log)

    def create_table(self, published: Published, token: str, log: Verifier) -> None:
        """Publish a table of digits or a list of codes; its record then stands on the ledger.

        Takes the owner's token, for a verifier's table the administrator's. Also raises tlog.TlogError.
        """
        request = publication_pb2.CreateTableRequest(table=published_to(published))
        answer = call(self._publication.CreateTable, request, token=token)
        if published_of(answer).table.digest != published.table.digest:
            raise MalformedError(Reason.MALFORMED, "the service published another table", field="octets")
        ProofFile.parse(answer.proof).verify(table_entry(published), log)

    def create_regulator(self, regulator: Regulator, token: str, log: Verifier) -> None:
        """Register a regulator's public key; its record then stands on the ledger.

        Takes the administrator's token. Also raises tlog.TlogError.
        """
        request = publication_pb2.CreateRegulatorRequest(
            regulator_id=regulator.name.regulator, regulator=regulator_to(regulator)
        )
        answer = call(self._publication.CreateRegulator, request, token=token)
        if regulator_of(answer) != regulator:
            raise MalformedError(Reason.MALFORMED, "the service registered another key", field="public_key")
        ProofFile.parse(answer.proof).verify(regulator.entry(), log)

    def regulators(self, log: Verifier) -> Iterator[Regulator]:
        """All regulators, each with the proof that its key stands on the ledger checked; in order of name.

        Also raises tlog.TlogError.
        """
        reader, page_token = self.reader(log), ""
        while True:
            request = publication_pb2.ListRegulatorsRequest(page_size=PAGE_SIZE, page_token=page_token)
            page = call(self._publication.ListRegulators, request)
            yield from (reader.regulator(each.digest) for each in page.regulators)
            if not (page_token := page.next_page_token):
                return

    def record_opening(
        self,
        evidence: tuple[SignedRequest, CompositePresentation, bytes],
        schemas: Mapping[SchemaName, Schema],
        case: tuple[str, str],
        parts: Sequence[PartialOpening],
    ) -> bytes:
        """Record an officer's part of an opening, or both; return the proof file, not verified here.

        `evidence` is the request, the presentation and its receipt, `case` the escrow and the reference.
        """
        (signed, presentation, receipt), (escrow, reference) = evidence, case
        request = publication_pb2.RecordOpeningRequest(
            signed_request=convert.signed_request_to(signed),
            presentation=composite_presentation_to(presentation, schemas.__getitem__),
            receipt=receipt,
            escrow=escrow,
            reference=reference,
            parts=map(part_to, parts),
        )
        return call(self._publication.RecordOpening, request).proof

    def create_verifier(
        self, verifier: VerifierName, display_name: LocalizedText, public_key: bytes, token: str
    ) -> Registered:
        """Register a verifier with the key that signs its requests; takes the administrator's token."""
        request = catalog_pb2.CreateVerifierRequest(
            verifier_id=verifier.verifier,
            verifier=catalog_pb2.Verifier(display_name=convert.text_to(display_name), public_key=public_key),
        )
        answer = call(self._catalog.CreateVerifier, request, token=token)
        return Registered(answer.name, convert.text_of(answer.display_name))

    def schemas(self, parent: str = "departments/-") -> Iterator[Schema]:
        """The schemas of a department, or of all."""
        page_token = ""
        while True:
            request = catalog_pb2.ListSchemasRequest(
                parent=parent, page_size=PAGE_SIZE, page_token=page_token
            )
            page = call(self._catalog.ListSchemas, request)
            yield from map(convert.schema_of, page.schemas)
            if not (page_token := page.next_page_token):
                return

    def issuer_keys(self, parent: str = "departments/-") -> Iterator[IssuerKey]:
        """The issuer keys of a department, or of all."""
        page_token = ""
        while True:
            request = catalog_pb2.ListIssuerKeysRequest(
                parent=parent, page_size=PAGE_SIZE, page_token=page_token
            )
            page = call(self._catalog.ListIssuerKeys, request)
            yield from map(convert.issuer_key_of, page.issuer_keys)
            if not (page_token := page.next_page_token):
                return

    def schema(self, name: SchemaName) -> Schema:
        """One version of a schema."""
        return convert.schema_of(call(self._catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(name))))

    def issue(
        self,
        schema: Schema,
        values: Mapping[str, Value],
        token: str,
        identified: bytes | Required | None = None,
        *,
        replace_holder: bool = False,
    ) -> Offer:
        """Have a credential offered; takes the department's token.

        For the composite form `identified` says whose it will be: the department's own number for the person
        (a base credential), or what the holder must show. With `replace_holder` whoever claims it takes the
        place of the vault that the person had.
        """
        request = issuance_pb2.IssueCredentialRequest(
            schema=str(schema.name),
            values=convert.values_to(schema, values.items()),
            replace_holder=replace_holder,
            request_id=str(uuid.uuid4()),
        )
        if isinstance(identified, Required):
            request.required.CopyFrom(_required(identified))
        elif identified is not None:
            request.person = identified
        answer = call(self._issuance.IssueCredential, request, token=token)
        link = OfferLink(self._endpoint.server, answer.offer.removeprefix("offers/"), answer.claim_code)
        return Offer(link, convert.moment_of(answer.expire_time, field="expire_time"))

    def issuance(self, offer: str, token: str) -> Issuance:
        """What became of an offer; takes the department's token."""
        answer = call(self._issuance.GetIssuance, issuance_pb2.GetIssuanceRequest(offer=offer), token=token)
        accumulator = answer.accumulator
        return Issuance(
            offer=answer.offer,
            schema=SchemaName.parse(answer.schema, field="schema"),
            claimed=answer.claimed,
            handle=answer.handle or None,
            accumulator=AccumulatorName.parse(accumulator, field="accumulator") if accumulator else None,
        )


def _required(required: Required) -> issuance_pb2.RequiredCredential:
    return issuance_pb2.RequiredCredential(
        schema=str(required.schema.name),
        values=convert.values_to(required.schema, required.values.items()),
    )
