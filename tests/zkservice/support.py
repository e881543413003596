"""A real server with TLS, and parties that speak to it through the generated stubs."""

import asyncio
import datetime as dt
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    Credential,
    CredentialForm,
    CredentialPresentation,
    Directory,
    ExpiryRule,
    LocalizedText,
    Presentation,
    Query,
    Request,
    Schema,
    SchemaName,
    Shown,
    Value,
    VerifierName,
    sign_request,
    statements_of,
)
from disclosure.policy import RegisteredPolicy
from tests.zkservice.allowing import allowed, any_policy, creating, registering
from tlog.entry import HOLDER_NOTE_OCTETS, note_hash
from wire.client import ServiceError, service_error
from wire.convert import (
    credential_of,
    issuer_key_of,
    presentation_to,
    schema_to,
    signed_request_to,
    text_to,
    values_to,
)
from zkproto.v1 import (
    account_pb2,
    catalog_pb2,
    catalog_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
    ledger_pb2_grpc,
    policy_pb2,
    policy_pb2_grpc,
    presentation_pb2,
    presentation_pb2_grpc,
    publication_pb2_grpc,
    revocation_pb2_grpc,
)
from zkservice.config import Settings
from zkservice.server import Ready, running

TEXT = LocalizedText("测试", "test")
PERMIT = Schema(
    SchemaName("police", "residence_permit", 1),
    LocalizedText("居住证", "Residence permit"),
    CredentialForm.PLAIN,
    (
        AttributeDefinition("name", TEXT, AttributeType.TEXT, max_length=90),
        AttributeDefinition("number", TEXT, AttributeType.HASH),
        AttributeDefinition(
            "district",
            TEXT,
            AttributeType.CODE,
            code_system="GB/T 2260",
            codes=(Code("370102", TEXT), Code("370103", TEXT)),
        ),
        AttributeDefinition("since", TEXT, AttributeType.DATE, minimum=0, maximum=40_000),
        AttributeDefinition(
            "fee", TEXT, AttributeType.INTEGER, optional=True, unit="CNY", scale=2, minimum=0, maximum=10**9
        ),
        AttributeDefinition("student", TEXT, AttributeType.BOOLEAN),
    ),
    365,
)
ASKED = tuple(
    replace(PERMIT, name=SchemaName(department, item, 1))
    for department, item in (
        ("police", "residence_permit"), ("police", "resident"), ("police", "permit"),
        ("health", "insurance"), ("health", "record"), ("old", "residence_permit"),
        ("tax", "residence_permit"),
    )
)  # fmt: skip
"""Schemas of which every verifier of the tests may ask everything."""
VALUES: dict[str, Value] = {
    "name": "王小明",
    "number": bytes(range(32)),
    "district": "370102",
    "since": dt.date(2019, 9, 1),
    "student": False,
}


def new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Clock:
    """The server's clock; a test may set it ahead."""

    ahead: dt.timedelta = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead


@dataclass
class Issued:
    """A claimed credential with what it takes to show it."""

    credential: Credential
    schema: Schema
    key: Any


@dataclass
class City:
    """A server with one department, one schema, one key, two verifiers."""

    ready: Ready
    clock: Clock
    channel: grpc.aio.Channel
    admin: str
    department_token: str = ""
    verifier_keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.catalog: Any = catalog_pb2_grpc.CatalogServiceStub(self.channel)
        self.policies: Any = policy_pb2_grpc.PolicyServiceStub(self.channel)
        self.issuance: Any = issuance_pb2_grpc.IssuanceServiceStub(self.channel)
        self.presentation: Any = presentation_pb2_grpc.PresentationServiceStub(self.channel)
        self.ledger: Any = ledger_pb2_grpc.LedgerServiceStub(self.channel)
        self.publication: Any = publication_pb2_grpc.PublicationServiceStub(self.channel)
        self.revocation: Any = revocation_pb2_grpc.RevocationServiceStub(self.channel)

    def bearer(self, token: str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {token}"),)

    async def furnish(self) -> "City":
        """Register what the tests use."""
        self.department_token = await self.add_department("police", *account_pb2.Subject.Kind.values()[1:])
        await self.add_schema(PERMIT)
        await self.add_key("police")
        for name in ("school", "bank"):
            await self.add_verifier(name)
        return self

    async def add_department(self, name: str, *identifies: Any) -> str:
        """Register a department that identifies subjects of some kinds; return its token."""
        department = catalog_pb2.Department(display_name=text_to(TEXT), identifies=identifies)
        created = await self.catalog.CreateDepartment(
            catalog_pb2.CreateDepartmentRequest(department_id=name, department=department),
            metadata=self.bearer(self.admin),
        )
        token: str = created.access_token
        return token

    async def add_schema(self, schema: Schema) -> catalog_pb2.Schema:
        """Register a schema, as the administrator."""
        added: catalog_pb2.Schema = await self.catalog.CreateSchema(
            catalog_pb2.CreateSchemaRequest(
                parent=f"departments/{schema.name.department}",
                schema_id=f"{schema.name.item}@{schema.name.version}",
                schema=schema_to(schema),
            ),
            metadata=self.bearer(self.admin),
        )
        return added

    async def add_key(self, department: str, request_id: str | None = None) -> catalog_pb2.IssuerKey:
        """Have an issuer key made, as the administrator."""
        made: catalog_pb2.IssuerKey = await self.catalog.CreateIssuerKey(
            catalog_pb2.CreateIssuerKeyRequest(
                parent=f"departments/{department}", request_id=request_id or new_id()
            ),
            metadata=self.bearer(self.admin),
        )
        return made

    async def add_verifier(self, name: str) -> None:
        self.verifier_keys[name] = Ed25519PrivateKey.generate()
        await self.catalog.CreateVerifier(
            catalog_pb2.CreateVerifierRequest(
                verifier_id=name,
                verifier=catalog_pb2.Verifier(
                    display_name=text_to(TEXT),
                    public_key=self.verifier_keys[name].public_key().public_bytes_raw(),
                ),
            ),
            metadata=self.bearer(self.admin),
        )
        await self.add_policy(allowed(any_policy(VerifierName(name)), ASKED, TEXT))

    async def add_policy(self, policy: RegisteredPolicy) -> policy_pb2.Policy:
        """Register a policy, and the purpose that it names, as the administrator."""
        await self.catalog.CreatePurpose(registering(policy), metadata=self.bearer(self.admin))
        made: policy_pb2.Policy = await self.policies.CreatePolicy(
            creating(policy), metadata=self.bearer(self.admin)
        )
        return made

    async def issue(
        self,
        values: Mapping[str, Value] = VALUES,
        request_id: str | None = None,
        schema: Schema = PERMIT,
        token: str | None = None,
    ) -> issuance_pb2.IssueCredentialResponse:
        answer: issuance_pb2.IssueCredentialResponse = await self.issuance.IssueCredential(
            self.issuing(values, request_id, schema), metadata=self.bearer(token or self.department_token)
        )
        return answer

    def issuing(
        self,
        values: Mapping[str, Value] = VALUES,
        request_id: str | None = None,
        schema: Schema = PERMIT,
    ) -> issuance_pb2.IssueCredentialRequest:
        return issuance_pb2.IssueCredentialRequest(
            schema=str(schema.name),
            values=values_to(schema, values.items()),
            request_id=request_id or new_id(),
        )

    async def claim(self, offer: issuance_pb2.IssueCredentialResponse, schema: Schema = PERMIT) -> Issued:
        asked = {"offer": offer.offer, "claim_code": offer.claim_code, "request_id": new_id()}
        answer = await self.issuance.ClaimCredential(issuance_pb2.ClaimCredentialRequest(**asked))
        await self.issuance.AcknowledgeCredential(issuance_pb2.AcknowledgeCredentialRequest(**asked))
        credential = credential_of(answer.credential)
        key = await self.catalog.GetIssuerKey(
            catalog_pb2.GetIssuerKeyRequest(name=str(credential.issuer_key))
        )
        return Issued(credential, schema, issuer_key_of(key))

    def request(
        self,
        verifier: str = "school",
        shown: tuple[str, ...] = ("district",),
        lifetime: dt.timedelta = dt.timedelta(hours=1),
        expiry: ExpiryRule = ExpiryRule.SHOWN,
        schema: SchemaName = PERMIT.name,
        queries: tuple[str, ...] = ("permit",),
    ) -> Request:
        now = self.clock().replace(microsecond=0)
        asked = tuple(Query(each, schema, shown, expiry) for each in queries)
        name = VerifierName(verifier)
        return Request(name, TEXT, asked, now, now + lifetime, policy=any_policy(name))

    def create_exchange(
        self, request: Request, request_id: str | None = None, key: Ed25519PrivateKey | None = None
    ) -> presentation_pb2.CreateExchangeRequest:
        signed = sign_request(request, key or self.verifier_keys[request.verifier.verifier])
        return presentation_pb2.CreateExchangeRequest(
            signed_request=signed_request_to(signed), request_id=request_id or new_id()
        )

    async def ask(self, request: Request) -> presentation_pb2.CreateExchangeResponse:
        answer: presentation_pb2.CreateExchangeResponse = await self.presentation.CreateExchange(
            self.create_exchange(request)
        )
        return answer

    def present(self, request: Request, issued: Issued) -> tuple[Presentation, bytes]:
        return present(request, issued, self.clock())

    def submission(
        self, exchange: presentation_pb2.CreateExchangeResponse, presentation: Presentation, note: bytes
    ) -> presentation_pb2.SubmitPresentationRequest:
        return presentation_pb2.SubmitPresentationRequest(
            exchange=exchange.exchange,
            ticket=exchange.ticket,
            presentation=presentation_to(presentation, lambda _: PERMIT),
            holder_note=note,
            request_id=new_id(),
        )

    async def answered(self, issued: Issued) -> tuple[Any, presentation_pb2.SubmitPresentationRequest, Any]:
        """Ask and answer once; return exchange, submission and the service's answer."""
        request = self.request()
        exchange = await self.ask(request)
        submission = self.submission(exchange, *self.present(request, issued))
        return exchange, submission, await self.presentation.SubmitPresentation(submission)


def present(
    request: Request, issued: Issued, now: dt.datetime, tag: bytes | None = None
) -> tuple[Presentation, bytes]:
    """Answer every query of a request out of one credential, as a vault does, with a random note."""
    credential, schema = issued.credential, issued.schema
    note, tag = secrets.token_bytes(HOLDER_NOTE_OCTETS), tag or secrets.token_bytes(48)
    shown = tuple(
        Shown(
            query.id,
            schema.name,
            issued.key.name,
            {name: credential.values.get(name) for name in query.shown},
            credential.expiry if query.expiry is ExpiryRule.SHOWN else None,
        )
        for query in request.queries
    )
    directory = Directory({schema.name: schema}, {issued.key.name: issued.key})
    statements = statements_of(request, shown, tag, note_hash(note), directory, now)
    proofs = [
        bbs.proof_gen(
            statement.public_key,
            credential.signature,
            statement.header,
            statement.presentation_header,
            schema.messages(credential.expiry, credential.values),
            statement.disclosed_indexes,
            suite=statement.suite,
        )
        for statement in statements
    ]
    parts = tuple(map(CredentialPresentation, shown, proofs))
    return Presentation(parts, tag, note_hash(note), request.digest), note


@asynccontextmanager
async def reopened(folder: Path, failed: asyncio.Event | None = None, **settings: Any) -> AsyncIterator[City]:
    """Start a server in this process, over TLS on a free port, on whatever its folder holds.

    `failed` is set if its log is lost.
    """
    clock = Clock()
    chosen: dict[str, Any] = {
        "data": folder,
        "dev": True,
        "port": 0,
        "log_level": "error",
        "processes": 0,
        "two_persons": False,
    } | settings
    async with running(Settings(**chosen), clock=clock, failed=failed) as ready:
        credentials = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes())
        async with grpc.aio.secure_channel(ready.address, credentials) as channel:
            yield City(ready, clock, channel, (folder / "admin.token").read_text().strip())


@asynccontextmanager
async def city(folder: Path, **settings: Any) -> AsyncIterator[City]:
    """Start a server on an empty folder and furnish it."""
    async with reopened(folder, **settings) as town:
        yield await town.furnish()


@asynccontextmanager
async def channel_that_outlives(
    server: AbstractAsyncContextManager[City],
) -> AsyncIterator[tuple[City, Callable[[], Awaitable[None]]]]:
    """Start a server; return its city over a channel that stays open, and what ends the server before."""
    async with AsyncExitStack() as stack:
        inner = AsyncExitStack()
        stack.push_async_exit(inner)
        town = await inner.enter_async_context(server)
        root = (town.ready.data / "ca.pem").read_bytes()
        channel = grpc.aio.secure_channel(town.ready.address, grpc.ssl_channel_credentials(root))
        await stack.enter_async_context(channel)
        other = City(town.ready, town.clock, channel, town.admin, town.department_token, town.verifier_keys)
        yield other, inner.aclose


async def refusal(call: Any) -> ServiceError:
    """Await a call that must be refused; return its status and reason."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return aio_error(error)
    raise AssertionError(f"was not refused: {type(answer).__name__}")


def aio_error(error: grpc.aio.AioRpcError) -> ServiceError:
    """Read status and reason of an asynchronous call."""

    call = SimpleNamespace(code=error.code, details=error.details, trailing_metadata=error.trailing_metadata)
    return service_error(call)  # type: ignore[arg-type]
