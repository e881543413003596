"""Sending unasked in tests: the town's school receives, a vault with a permit and an insurance sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disclosure import LocalizedText, VerifierName
from prover import Vault
from prover.client.deliveries import DeliveryClient, Draft, Recipient
from prover.composite.records import HeldComposite
from prover.events import Event
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.prover.composite_town import CompositeTown
from tests.zkservice.sessions import opened
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder
from wire.client import call
from wire.delivered import waiting_names
from zkproto.v1 import delivery_pb2_grpc
from zkproto.v1.delivery_pb2 import AcknowledgeDeliveryRequest

SCHOOL = VerifierName("school")
NAME = LocalizedText("第一小学", "First School")
MESSAGE = "这是我的居住证 — my permit"


def folder(path: Path) -> DeliveryFolder:
    path.mkdir()
    return DeliveryFolder(path)


@contextmanager
def receiving(composite: CompositeTown) -> Iterator[VerifierDeliveries]:
    """Have the school receive; what other tests have sent it is out of the way."""
    town = composite.town
    key, clock = town.city.verifier_keys["school"], town.city.clock
    with VerifierDeliveries(town.endpoint, SCHOOL, key, town.log, clock=clock) as made:
        made.open(NAME)
        _empty(composite)
        yield made


def _empty(composite: CompositeTown) -> None:
    town = composite.town
    token = town.run(opened(town.city, str(SCHOOL), town.city.verifier_keys["school"]))
    with town.endpoint.channel() as channel:
        stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
        for name in waiting_names(stub, token):
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
