"""Who is there under load: a department, a verifier, a holder with a credential of ten messages."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc

from benchmarks.load.server import Server
from disclosure import (
    AttributeDefinition,
    AttributeType,
    CredentialForm,
    ExpiryRule,
    LocalizedText,
    Request,
    Schema,
    SchemaName,
    Value,
)
from tests.zkservice.support import City, Clock, Issued, new_id
from wire.convert import presentation_to
from zkproto.v1 import presentation_pb2
from zkservice.server import Ready

PRESENTATIONS = "/zkproto.v1.PresentationService"
TEXT = LocalizedText("测试", "test")
SHOWN = ("district", "since", "student")
SCHEMA = Schema(
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
VALUES: dict[str, Value] = {
    "name": "王小明",
    "number": bytes(range(32)),
    "district": "370102",
    "since": dt.date(2019, 9, 1),
    "student": False,
    **{f"level_{i}": i % 2 == 0 for i in range(4)},
}


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

    city: City
    issued: Issued

    @classmethod
    async def meet(cls, server: Server, channel: grpc.aio.Channel) -> "Parties":
        """Register department, schema, key and verifier, and have a credential issued."""
        token = (server.data / "admin.token").read_text().strip()
        city = City(Ready(server.address, "", server.data), Clock(), channel, token)
        city.department_token = await city.add_department("police")
        await city.add_schema(SCHEMA)
        await city.add_key("police")
        await city.add_verifier("school")
        return cls(city, await city.claim(await city.issue(VALUES, schema=SCHEMA), SCHEMA))

    def _request(self) -> Request:
        """Ask for three attributes: with the hidden day of expiry seven messages stay hidden."""
        return self.city.request(shown=SHOWN, schema=SCHEMA.name, expiry=ExpiryRule.WAIVED)

    def verify(self, count: int) -> Job:
        """Have presentations verified, `count` different ones, each as often as it takes."""
        messages = []
        for _ in range(count):
            request = self._request()
            presentation, _ = self.city.present(request, self.issued)
            message = presentation_pb2.VerifyPresentationRequest(
                signed_request=self.city.create_exchange(request).signed_request,
                presentation=presentation_to(presentation, lambda _: SCHEMA),
            )
            messages.append(message.SerializeToString())
        return Job(f"{PRESENTATIONS}/VerifyPresentation", messages, again=True)

    async def submit(self, count: int) -> Job:
        """Submit presentations, each once, to exchanges that are opened here."""
        messages = []
        for _ in range(count):
            request = self._request()
            exchange = await self.city.ask(request)
            presentation, note = self.city.present(request, self.issued)
            message = presentation_pb2.SubmitPresentationRequest(
                exchange=exchange.exchange,
                ticket=exchange.ticket,
                presentation=presentation_to(presentation, lambda _: SCHEMA),
                holder_note=note,
                request_id=new_id(),
            )
            messages.append(message.SerializeToString())
        return Job(f"{PRESENTATIONS}/SubmitPresentation", messages)

    def issue(self, count: int) -> Job:
        """Have credentials issued."""
        messages = [self.city.issuing(VALUES, schema=SCHEMA).SerializeToString() for _ in range(count)]
        bearer = self.city.bearer(self.city.department_token)
        return Job("/zkproto.v1.IssuanceService/IssueCredential", messages, metadata=bearer)
