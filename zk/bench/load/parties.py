"""Who is there under load: a department, a verifier, a holder with a credential of ten messages."""

import datetime as dt
import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import (
    AttributeDefinition,
    AttributeType,
    CredentialForm,
    DepartmentName,
    ExpiryRule,
    LocalizedText,
    PolicyName,
    Presentation,
    Query,
    Request,
    Schema,
    SchemaName,
    Value,
    VerifierName,
    sign_request,
)
from disclosure.policy import AllowedItem, RegisteredPolicy
from prover.client import HolderClient
from prover.present import PreparedPresentation, plan, present
from prover.records import HeldCredential
from prover.sealing import VaultKeys
from prover.vault import Vault
from tlog import Verifier
from verifier import keys
from verifier.client import VerifierClient
from wire.client import Endpoint
from wire.convert import presentation_to, signed_request_to, values_to
from zk.clients.policies import Policies
from zk.home import read_secret
from zk.local_server import LocalServer
from zk.service import Service
from zkproto.v1 import issuance_pb2, presentation_pb2

PRESENTATIONS: Final = "/zkproto.v1.PresentationService"
SCHOOL: Final = VerifierName("school")
_LIFETIME: Final = dt.timedelta(hours=3)
"""Longer than any load lasts: what is verified again and again is made before it begins."""
TEXT: Final = LocalizedText("测试", "test")
SHOWN: Final = ("district", "since", "student")
SCHEMA: Final = Schema(
    SchemaName("police", "benchmark", 1),
    TEXT,
    CredentialForm.PLAIN,
    (
        AttributeDefinition("name", TEXT, AttributeType.TEXT, max_length=90),
        AttributeDefinition("number", TEXT, AttributeType.HASH),
        AttributeDefinition("district", TEXT, AttributeType.TEXT, max_length=90),
        AttributeDefinition("since", TEXT, AttributeType.DATE, minimum=0, maximum=40_000),
        AttributeDefinition("student", TEXT, AttributeType.BOOLEAN),
        *(AttributeDefinition(f"level_{i}", TEXT, AttributeType.BOOLEAN) for i in range(4)),
    ),
    365,
)
"""Nine attributes; with the day of expiry a credential has ten messages."""
VALUES: Final[dict[str, Value]] = {
    "name": "王小明",
    "number": bytes(range(32)),
    "district": "370102",
    "since": dt.date(2019, 9, 1),
    "student": False,
    **{f"level_{i}": i % 2 == 0 for i in range(4)},
}


POLICY: Final = RegisteredPolicy(
    PolicyName(SCHOOL.verifier, "benchmark", 1), "purposes/benchmark", TEXT, TEXT, 0,
    (AllowedItem("police", "benchmark", tuple(sorted(SHOWN))),),
)  # fmt: skip
"""What the school asks, and no more."""


@dataclass(frozen=True)
class Job:
    """Calls of one method, each a message in its octets; `again` says that they may be sent repeatedly."""

    method: str
    messages: Sequence[bytes]
    again: bool = False
    metadata: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Parties:
    """The parties of one server; each method makes a job for it."""

    token: str = field(repr=False)
    school: VerifierClient
    school_key: Ed25519PrivateKey = field(repr=False)
    vault_keys: VaultKeys
    held: HeldCredential

    def verify(self, count: int) -> Job:
        """Have presentations verified, `count` different ones, each as often as it takes."""
        messages = []
        for _ in range(count):
            request = _request()
            message = presentation_pb2.VerifyPresentationRequest(
                signed_request=signed_request_to(sign_request(request, self.school_key)),
                presentation=_plain(self._answer(request)),
            )
            messages.append(message.SerializeToString())
        return Job(f"{PRESENTATIONS}/VerifyPresentation", messages, again=True)

    def submit(self, count: int) -> Job:
        """Submit presentations, each once, to exchanges that are opened here."""
        return Job(f"{PRESENTATIONS}/SubmitPresentation", [self.submission() for _ in range(count)])

    def submission(self) -> bytes:
        """Open an exchange and prove; return the message that submits it."""
        request = _request()
        exchange = self.school.ask(request)
        answer = self._answer(request)
        message = presentation_pb2.SubmitPresentationRequest(
            exchange=exchange.link.exchange,
            ticket=exchange.link.ticket,
            presentation=_plain(answer),
            holder_note=answer.holder_note,
            request_id=answer.request_id,
        )
        return message.SerializeToString()

    def issue(self, count: int) -> Job:
        """Have credentials issued."""
        values = list(values_to(SCHEMA, VALUES.items()))
        messages = [
            issuance_pb2.IssueCredentialRequest(
                schema=str(SCHEMA.name), values=values, request_id=str(uuid.uuid4())
            ).SerializeToString()
            for _ in range(count)
        ]
        bearer = (("authorization", f"Bearer {self.token}"),)
        return Job("/zkproto.v1.IssuanceService/IssueCredential", messages, metadata=bearer)

    def _answer(self, request: Request) -> PreparedPresentation:
        now = dt.datetime.now(dt.UTC)
        return present(plan(request, [self.held], now), self.vault_keys, now)


def _plain(answer: PreparedPresentation) -> presentation_pb2.Presentation:
    """Return the message of an answer of the plain form, which all requests here are of."""
    if not isinstance(answer.presentation, Presentation):
        raise TypeError("the request was of the plain form")
    return presentation_to(answer.presentation, lambda _: SCHEMA)


@contextmanager
def meeting(server: LocalServer, folder: Path) -> Iterator[Parties]:
    """Register department, schema, key and verifier at a server, and have a credential issued and claimed."""
    endpoint, admin = Endpoint.at(server.address, server.root), read_secret(server.admin_token)
    key, department = keys.generate(), DepartmentName(SCHEMA.name.department)
    with Service(endpoint) as service:
        token = service.create_department(department, TEXT, admin)
        service.create_schema(SCHEMA, token)
        service.create_issuer_key(department, token)
        service.create_verifier(SCHOOL, TEXT, keys.public_key(key), admin)
        link = service.issue(SCHEMA, VALUES, token).link
    log = Verifier.from_string(read_secret(server.log_key))
    with Policies(endpoint, log) as policies:
        policies.create(POLICY, admin)
    with Vault.create(folder / "vault.sqlite3", secrets.token_urlsafe(24)) as vault:
        HolderClient(endpoint).claim(link, vault, log)
        (held,) = vault.credentials()
    with VerifierClient(endpoint, SCHOOL, key, log) as school:
        yield Parties(token, school, key, vault.keys, held)


def _request() -> Request:
    """Ask for three attributes: with the hidden day of expiry seven messages stay hidden."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    query = Query("benchmark", SCHEMA.name, SHOWN, ExpiryRule.WAIVED)
    return Request(SCHOOL, TEXT, (query,), now, now + _LIFETIME, policy=POLICY.name)
