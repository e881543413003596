"""Parties that receive what is sent unasked, and senders who are nobody, at a real server.

The service cannot open what is sent, so here it is octets of the right size.
"""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.delivery import QUESTION_LIFE, SEALED_SIZES, ReceivingCard, ReceivingKey
from tests.zkservice.residents import Resident, note
from tests.zkservice.sessions import opened
from tests.zkservice.support import TEXT, City, new_id
from wire.convert import moment_to
from zkproto.v1 import delivery_pb2 as pb
from zkproto.v1.delivery_pb2_grpc import DeliveryServiceStub

SIZE = SEALED_SIZES[0]


def deliveries(town: City) -> Any:
    return DeliveryServiceStub(town.channel)


@dataclass
class Receiver:
    """A verifier or an account of its own, with a session."""

    town: City
    name: str
    key: Ed25519PrivateKey = field(repr=False)
    token: str = field(repr=False, default="")
    number: str = field(repr=False, default="")

    @classmethod
    async def verifier(cls, town: City) -> "Receiver":
        name = f"receiver-{secrets.token_hex(6)}"
        await town.add_verifier(name)
        return await cls(town, f"verifiers/{name}", town.verifier_keys[name]).opened()

    @classmethod
    async def account(cls, town: City) -> "Receiver":
        resident = await Resident.settle(town)
        return await cls(town, resident.account, resident.key, number=resident.who.number).opened()

    async def opened(self) -> "Receiver":
        """Open a session and receive."""
        self.token = await opened(self.town, self.name, self.key)
        await deliveries(self.town).PublishReceivingCard(self.publishing(), metadata=self.bearer)
        return self

    @property
    def bearer(self) -> Any:
        return self.town.bearer(self.token)

    def publishing(self, key: Ed25519PrivateKey | None = None, **changes: Any) -> Any:
        fields: dict[str, Any] = {
            "party": self.name,
            "display_name": TEXT,
            "public_key": ReceivingKey.of(self.key).public,
        }
        signed = ReceivingCard(**(fields | changes)).sign(key or self.key)
        card = pb.SignedCard(payload=signed.payload, signature=signed.signature)
        return pb.PublishReceivingCardRequest(card=card)

    def sending(self, **changes: Any) -> pb.SendDeliveryRequest:
        fields: dict[str, Any] = {
            "recipient": self.name,
            "sealed": secrets.token_bytes(SIZE),
            "digest": secrets.token_bytes(32),
            "expire_time": moment_to(self.town.clock() + QUESTION_LIFE),
            "holder_note": note(),
            "request_id": new_id(),
        }
        return pb.SendDeliveryRequest(**(fields | changes))

    async def send(self, message: pb.SendDeliveryRequest | None = None, **changes: Any) -> bytes:
        """Send something as somebody unknown; return the receipt."""
        answer = await deliveries(self.town).SendDelivery(message or self.sending(**changes))
        receipt: bytes = answer.receipt
        return receipt

    async def waiting(self, **asked: Any) -> pb.ListDeliveriesResponse:
        found: pb.ListDeliveriesResponse = await deliveries(self.town).ListDeliveries(
            pb.ListDeliveriesRequest(**asked), metadata=self.bearer
        )
        return found

    async def one(self, **changes: Any) -> str:
        """Be sent something; return its name."""
        before = {each.name for each in (await self.waiting()).deliveries}
        await self.send(**changes)
        (name,) = {each.name for each in (await self.waiting()).deliveries} - before
        return name

    async def fetch(self, name: str) -> pb.FetchDeliveryResponse:
        found: pb.FetchDeliveryResponse = await deliveries(self.town).FetchDelivery(
            pb.FetchDeliveryRequest(delivery=name), metadata=self.bearer
        )
        return found

    async def acknowledge(self, name: str, **changes: Any) -> bytes:
        asked = pb.AcknowledgeDeliveryRequest(delivery=name, **changes)
        answer = await deliveries(self.town).AcknowledgeDelivery(asked, metadata=self.bearer)
        receipt: bytes = answer.receipt
        return receipt

    async def close(self) -> None:
        await deliveries(self.town).CloseReceiving(pb.CloseReceivingRequest(), metadata=self.bearer)


async def seeds(town: City) -> dict[str, tuple[Any, str | None]]:
    """Return what each method answers with OK, with the token that its call takes."""
    mine, closing = await Receiver.account(town), await Receiver.verifier(town)
    fetched, acknowledged = await mine.one(), await mine.one()
    noted: dict[str, Any] = {"holder_note": note(), "request_id": new_id()}
    return {
        "PublishReceivingCard": (mine.publishing(), mine.token),
        "CloseReceiving": (pb.CloseReceivingRequest(), closing.token),
        "GetReceivingCard": (pb.GetReceivingCardRequest(recipient=mine.name), None),
        "ListRecipients": (pb.ListRecipientsRequest(query="receiver", page_size=2), None),
        "SendDelivery": (mine.sending(), None),
        "ListDeliveries": (pb.ListDeliveriesRequest(page_size=1), mine.token),
        "FetchDelivery": (pb.FetchDeliveryRequest(delivery=fetched), mine.token),
        "AcknowledgeDelivery": (pb.AcknowledgeDeliveryRequest(delivery=acknowledged, **noted), mine.token),
        "WatchDeliveries": (pb.WatchDeliveriesRequest(), mine.token),
    }


def later(town: City, days: float) -> None:
    """Set the service's clock so much ahead."""
    town.clock.ahead = dt.timedelta(days=days)
