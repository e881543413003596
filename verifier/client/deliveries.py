"""What is sent to a relying party unasked: where it receives, and what waits, verified and kept."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import LocalizedText, SendLink, VerifierName
from disclosure.delivery import ReceivingCard, ReceivingKey
from verifier import files
from verifier.client import sessions, tracing
from verifier.client.published import PublishedReader
from verifier.delivery import DeliveryFolder, KeptDelivery
from verifier.errors import NotNowError
from verifier.ordered import order_file
from wire.anchored import anchored_now
from wire.client import Endpoint
from wire.delivered import FAULTS, delivered, discard, fault_of, waiting_names
from zkproto.v1 import delivery_pb2, delivery_pb2_grpc

Order = Callable[[KeptDelivery], bytes]
"""Gives what shows something to be in the order of all cities; NotNowError while nothing does."""


@dataclass(frozen=True)
class Came:
    """What became of something that waited: it is kept in a file, or it does not hold and was thrown away.

    Where nobody can tell yet, it `waits` at the service still.
    """

    delivery: str
    kept: KeptDelivery | None
    path: Path | None
    reason: str = ""
    waits: bool = False


class VerifierDeliveries:
    """One relying party that receives at one service. A context manager: leaving it closes the channel.

    Every method raises ServiceError.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log: tlog.Verifier,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._endpoint, self._name, self._key, self._log, self._clock = endpoint, name, key, log, clock
        self._channel = tracing.channel(endpoint)
        self._stub = delivery_pb2_grpc.DeliveryServiceStub(self._channel)
        self._reader = PublishedReader(self._channel, log)
        self._session = sessions.session(self._channel, name, key, log, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def open(self, display_name: LocalizedText) -> SendLink:
        """Receive from now on; return the link that senders may scan instead of searching by name."""
        card = ReceivingCard(str(self._name), display_name, ReceivingKey.of(self._key).public)
        signed = card.sign(self._key)
        message = delivery_pb2.PublishReceivingCardRequest(
            card=delivery_pb2.SignedCard(payload=signed.payload, signature=signed.signature)
        )
        self._session.call(self._stub.PublishReceivingCard, message)
        return SendLink.to(self._endpoint.server, card.party, card.digest)

    def shut(self) -> None:
        """Receive nothing more; what waits can still be received."""
        self._session.call(self._stub.CloseReceiving, delivery_pb2.CloseReceivingRequest())

    def receive(
        self, folder: DeliveryFolder, policy: tlog.Policy | None = None, order: Order | None = None
    ) -> list[Came]:
        """Fetch, verify and keep everything that waits; what does not hold is thrown away, and told.

        What is not on the ledger is told, too, and still waits; with a policy so does what is not anchored
        (QUORUM_MISSING), and with `order` that for which it raises NotNowError. Raises OSError, and what else
        `order` raises.
        """
        return [self._came(name, folder, policy, order) for name in waiting_names(self._stub, self._session)]

    def _came(
        self, name: str, folder: DeliveryFolder, policy: tlog.Policy | None, order: Order | None
    ) -> Came:
        """Fetch and verify one, and keep it before the service is told to forget it.

        Whatever is wrong with it is told, and the next is gone on with.
        """
        try:
            kept = self._kept(name, policy)
            shown = None if order is None else order(kept)
            path = folder.keep(kept)
        except NotNowError as error:
            return Came(name, None, None, error.reason, waits=True)
        except FAULTS as error:
            fault = fault_of(error)
            if fault.final:
                discard(self._stub, name, self._session)
            return Came(name, None, None, fault.reason, waits=not fault.final)
        if shown is not None:
            files.replace(order_file(path), shown)
        discard(self._stub, name, self._session)
        return Came(name, kept, path)

    def _kept(self, name: str, policy: tlog.Policy | None) -> KeptDelivery:
        fetch = delivery_pb2.FetchDeliveryRequest(delivery=name)
        answer = self._session.call(self._stub.FetchDelivery, fetch)
        found = delivered(
            answer.sealed, answer.receipt, ReceivingKey.of(self._key), str(self._name), self._reader,
            self._log, self._clock(),
        )  # fmt: skip
        receipt = found.receipt
        if policy is not None:
            receipt = anchored_now(self._channel, receipt, self._log, policy)
        return KeptDelivery(name, found.question, found.presentation, found.schemas, receipt)

    def watch(self) -> Iterator[int]:
        """Give how many wait, at once and at each change, until the session ends (TOKEN_INVALID)."""
        message = delivery_pb2.WatchDeliveriesRequest()
        for told in self._session.stream(self._stub.WatchDeliveries, message):
            yield told.waiting
