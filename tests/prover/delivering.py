"""Sending unasked in tests: the town's school receives, a vault with a permit and an insurance sends."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from disclosure import AccountLink, LocalizedText, VerifierName, canonical
from disclosure.composite import CompositePresentation
from disclosure.delivery import UnaskedQuestion, seal_delivery, sealing
from prover import Vault
from prover.client.account import AccountClient
from prover.client.deliveries import DeliveryClient, Draft, Recipient
from prover.composite.records import HeldComposite
from prover.events import Event
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.prover.composite_town import CompositeTown
from tests.prover.making import PASSPHRASE
from tests.zkservice.residents import PERSON, new_code, number, subject
from tests.zkservice.sessions import opened
from tests.zkservice.support import new_id
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder
from wire.client import Endpoint, call
from wire.convert import moment_to
from wire.delivered import waiting_names
from wire.sessions import Session
from zkproto.v1 import delivery_pb2 as pb
from zkproto.v1 import delivery_pb2_grpc
from zkproto.v1.delivery_pb2 import AcknowledgeDeliveryRequest

SCHOOL = VerifierName("school")
NAME = LocalizedText("第一小学", "First School")
MESSAGE = "这是我的居住证 — my permit"


def folder(path: Path) -> DeliveryFolder:
    path.mkdir()
    return DeliveryFolder(path)


@contextmanager
def with_account(composite: CompositeTown, path: Path, endpoint: Endpoint | None = None) -> Iterator[Vault]:
    """Make a vault that has an account."""
    town, value = composite.town, number()
    service = endpoint or town.endpoint
    link = AccountLink(service.server, "police", town.run(new_code(town.city, subject(value, PERSON))))
    with Vault.create(path, PASSPHRASE, clock=town.city.clock) as made:
        accounts = AccountClient(service, clock=town.city.clock)
        accounts.register(link, "person", value, made, town.log)
        yield made


@contextmanager
def receiving(composite: CompositeTown, endpoint: Endpoint | None = None) -> Iterator[VerifierDeliveries]:
    """Have the school receive; what other tests have sent it is out of the way."""
    town = composite.town
    key, clock = town.city.verifier_keys["school"], town.city.clock
    with VerifierDeliveries(endpoint or town.endpoint, SCHOOL, key, town.log, clock=clock) as made:
        made.open(NAME)
        _empty(composite)
        yield made


def _empty(composite: CompositeTown) -> None:
    town = composite.town
    token = town.run(opened(town.city, str(SCHOOL), town.city.verifier_keys["school"]))
    session = Session(lambda now: (token, now + dt.timedelta(minutes=10)), town.city.clock)
    with town.endpoint.channel() as channel:
        stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
        for name in waiting_names(stub, session):
            call(stub.AcknowledgeDelivery, AcknowledgeDeliveryRequest(delivery=name), token=token)


def client(composite: CompositeTown) -> DeliveryClient:
    return DeliveryClient(composite.town.endpoint, clock=composite.town.city.clock)


def held(vault: Vault, schema: object = PERMIT) -> HeldComposite:
    return next(each for each in vault.composite.credentials() if each.schema == schema)


def drafted(
    composite: CompositeTown, vault: Vault, recipient: Recipient | None = None, message: str = MESSAGE
) -> Draft:
    sender = client(composite)
    to = recipient or sender.verifier(SCHOOL, composite.log)
    wanted = {held(vault).id: ["name", "months"], held(vault, INSURANCE).id: ["employed"]}
    return sender.draft(to, wanted, vault, composite.log, message=message)


def sent(composite: CompositeTown, vault: Vault, recipient: Recipient | None = None) -> Event:
    return client(composite).send(drafted(composite, vault, recipient), vault, composite.log)[1]


def message_of(event: Event) -> pb.SendDeliveryRequest:
    return pb.SendDeliveryRequest.FromString(event.call.message)


def put(
    composite: CompositeTown,
    question: UnaskedQuestion,
    presentation: CompositePresentation,
    note: bytes,
    **changes: Any,
) -> bytes:
    """Send what a sender of one's own has made; return the receipt."""
    fields: dict[str, Any] = {
        "recipient": question.recipient,
        "sealed": seal_delivery(question, presentation),
        "digest": question.digest,
        "expire_time": moment_to(question.expires),
        "holder_note": note,
        "request_id": new_id(),
    }
    with composite.town.endpoint.channel() as channel:
        stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
        return call(stub.SendDelivery, pb.SendDeliveryRequest(**(fields | changes))).receipt


def resealed(question: UnaskedQuestion, presentation: bytes, party: str, key: bytes) -> bytes:
    """Seal a question to somebody else than it names."""
    octets = canonical.encode(sealing._LABEL, question.canonical, presentation)
    size = sealing.SEALED_SIZES[0] - sealing._OVERHEAD
    framed = (len(octets).to_bytes(4) + octets).ljust(size, b"\x00")
    return sealing._SUITE.encrypt(framed, X25519PublicKey.from_public_bytes(key), sealing._info(party, key))
