"""Standing consents and declined exchanges through the stubs, for tests of the service."""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import Request, civil_date
from disclosure.standing import StandingTerms, sign_terms, template_of
from tests.zkservice import sessions
from tests.zkservice.support import City, new_id
from tlog.entry import HOLDER_NOTE_OCTETS
from zkproto.v1 import consent_pb2 as pb
from zkproto.v1 import presentation_pb2
from zkproto.v1.consent_pb2_grpc import ConsentServiceStub

DAY = dt.timedelta(days=1)


def a_note() -> bytes:
    return secrets.token_bytes(HOLDER_NOTE_OCTETS)


def stub(town: City) -> Any:
    return ConsentServiceStub(town.channel)


def terms(town: City, request: Request | None = None, **wanted: Any) -> StandingTerms:
    now = town.clock().replace(microsecond=0)
    chosen: dict[str, Any] = {"times": 10, "interval_days": 0, "until": civil_date(now) + 90 * DAY} | wanted
    template = template_of(request or town.request("bank"))
    return StandingTerms(template=template, created=now, expires=now + DAY, **chosen)


def creating(town: City, of: StandingTerms, key: Ed25519PrivateKey | None = None) -> pb.CreateConsentRequest:
    signed = sign_terms(of, key or town.verifier_keys[of.verifier.verifier])
    return pb.CreateConsentRequest(
        signed_terms=pb.SignedTerms(payload=signed.payload, signature=signed.signature), request_id=new_id()
    )


@dataclass
class Asked:
    """A consent that was asked for, with the key that the holder would grant it with."""

    town: City
    answer: pb.CreateConsentResponse
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def ticketed(self) -> dict[str, Any]:
        return {"consent": self.answer.consent, "ticket": self.answer.ticket}

    def granting(self) -> pb.GrantConsentRequest:
        public = self.key.public_key().public_bytes_raw()
        return pb.GrantConsentRequest(
            **self.ticketed, public_key=public, holder_note=a_note(), request_id=new_id()
        )

    def declining(self) -> pb.DeclineConsentRequest:
        return pb.DeclineConsentRequest(**self.ticketed, holder_note=a_note(), request_id=new_id())

    def withdrawing(self) -> pb.WithdrawConsentRequest:
        return pb.WithdrawConsentRequest(
            consent=self.answer.consent, holder_note=a_note(), request_id=new_id()
        )

    async def token(self) -> str:
        return await sessions.opened(self.town, self.answer.consent, self.key)

    async def withdraw(self) -> None:
        metadata = self.town.bearer(await self.token())
        await stub(self.town).WithdrawConsent(self.withdrawing(), metadata=metadata)

    def using(self, request: Request | None = None) -> presentation_pb2.CreateExchangeRequest:
        message = self.town.create_exchange(request or self.town.request("bank"))
        message.consent, message.consent_token = self.answer.consent, self.answer.result_token
        return message


async def asked(town: City, **wanted: Any) -> Asked:
    return Asked(town, await stub(town).CreateConsent(creating(town, terms(town, **wanted))))


async def granted(town: City, **wanted: Any) -> Asked:
    made = await asked(town, **wanted)
    await stub(town).GrantConsent(made.granting())
    return made


async def declining(town: City) -> presentation_pb2.DeclineExchangeRequest:
    """Return what declines a new exchange."""
    opened = await town.ask(town.request())
    return presentation_pb2.DeclineExchangeRequest(
        exchange=opened.exchange,
        ticket=opened.ticket,
        why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
        holder_note=a_note(),
        request_id=new_id(),
    )
