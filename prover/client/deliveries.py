"""Sending unasked, the holder's side: a recipient found, a question of the vault's own, what comes opened.

Who sends shows nothing of itself to the service, and opens no session. Who receives does: only here, and in
its inbox, does the service learn whose a call is.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import grpc

import tlog
from disclosure import (
    LocalizedText,
    Reason,
    RefusedError,
    SendLink,
    VerifierName,
    civil_date,
)
from disclosure.composite import (
    AcceptedIssuer,
    CompositePresentation,
    CompositeQuery,
    ExpiryShown,
    OldestEpoch,
    ValidOn,
)
from disclosure.delivery import (
    QUESTION_LIFE,
    ReceivingCard,
    ReceivingKey,
    SignedCard,
    UnaskedQuestion,
    seal_delivery,
)
from prover.accounts import Account
from prover.client import events, sessions
from prover.client.answers import Planner
from prover.client.calls import Way, checked, verifier_of
from prover.client.events import outgoing
from prover.client.witnesses import Report, catch_up_held
from prover.composite.planning import CompositePlan
from prover.composite.presenting import present_plan
from prover.composite.records import HeldComposite
from prover.deliveries import ReceivedDelivery, SentDelivery
from prover.errors import ContentError, PresentingError, VaultReason
from prover.events import Call, Event
from prover.vault import Vault, utc_now
from wire import convert
from wire.anchored import anchored_now
from wire.client import Endpoint, ServiceError, call, stream
from wire.delivered import FAULTS, MAX_EPOCH_AGE, Delivered, delivered, discard, fault_of, waiting_names
from wire.published import Reader
from wire.sessions import Session
from zkproto.v1 import delivery_pb2, delivery_pb2_grpc

_SERVICE: Final = "DeliveryService"
_PAGE: Final = 100


@dataclass(frozen=True)
class Recipient:
    """Whom something can be sent to: a card that its party has signed."""

    card: ReceivingCard

    @property
    def display_name(self) -> LocalizedText:
        """What the party calls itself."""
        return self.card.display_name


@dataclass(frozen=True)
class FoundRecipient:
    """A verifier that receives, as the service lists it."""

    name: VerifierName
    display_name: LocalizedText


@dataclass(frozen=True)
class Draft:
    """What would be sent: for the person to see before anything is proven."""

    recipient: Recipient
    question: UnaskedQuestion
    plan: CompositePlan = field(repr=False)


@dataclass(frozen=True)
class Came:
    """What became of something that waited: it was received, or it does not hold and was thrown away.

    Where nobody can tell yet, it `waits` at the service still.
    """

    delivery: str
    received: ReceivedDelivery | None
    reason: str = ""
    waits: bool = False


def _nothing(_: HeldComposite, __: int) -> None:
    """Report to nobody."""


class DeliveryClient:
    """A holder that sends and receives unasked at one service. Errors are those of HolderClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._way = Way(endpoint, clock)

    # Whom to send to

    def search(self, query: str) -> list[FoundRecipient]:
        """Return the verifiers that receive and have a text in their name."""
        found, token = list[FoundRecipient](), ""
        with self._way.channel() as channel, checked():
            stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
            while True:
                asked = delivery_pb2.ListRecipientsRequest(query=query, page_size=_PAGE, page_token=token)
                page = call(stub.ListRecipients, asked)
                found += [
                    FoundRecipient(VerifierName.parse(each.name), convert.text_of(each.display_name))
                    for each in page.recipients
                ]
                if not (token := page.next_page_token):
                    return found

    def verifier(self, name: VerifierName, log: tlog.Verifier) -> Recipient:
        """Return a verifier by its name, whose card is signed by the key that the ledger has of it.

        What it is called is what the card says, which it has signed: what the service lists it as, whoever
        runs the service could choose.

        Raises RefusedError SIGNATURE_INVALID; tlog.TlogError; ServiceError NOT_FOUND, RECEIVING_CLOSED.
        """
        with self._way.channel() as channel, checked():
            registered = verifier_of(channel, name, log)
            return Recipient(_card(channel, str(name)).open(str(name), registered.public_key))

    def scanned(self, link: SendLink, log: tlog.Verifier) -> Recipient:
        """Return who showed a link: the card is the very one that the link has the hash of.

        What a card calls an account is its owner's own word. Raises RefusedError SIGNATURE_INVALID.
        """
        self._way.check_server(link.server)
        if link.recipient.startswith("verifiers/"):
            found = self.verifier(VerifierName.parse(link.recipient), log)
        else:
            with self._way.channel() as channel, checked():
                found = Recipient(_card(channel, link.recipient).card)
        if (found.card.party, found.card.digest) != (link.recipient, link.card):
            detail = "the service has another card than the one that was shown"
            raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="card")
        return found

    # Sending

    def draft(
        self,
        recipient: Recipient,
        wanted: Mapping[str, Sequence[str]],
        vault: Vault,
        log: tlog.Verifier,
        *,
        message: str = "",
        report: Report = _nothing,
    ) -> Draft:
        """Prepare to show some attributes of some credentials, by the credentials' identifiers.

        They are caught up with what is published first: the proof says that they are not revoked. Raises
        PresentingError NOTHING_FITS (revoked, expired, or of a department that cannot revoke); ContentError
        CREDENTIAL_NOT_FOUND; MalformedError REQUEST_INVALID, ATTRIBUTE_UNKNOWN.
        """
        chosen = [(self._caught_up(each, vault, log, report), names) for each, names in wanted.items()]
        for held, names in chosen:
            for name in names:
                held.schema.attribute(name)
        created = self._way.clock().replace(microsecond=0)
        with self._way.channel() as channel, checked():
            reader = self._way.reader(channel, log)
            queries = tuple(_queries(chosen, reader, created + QUESTION_LIFE))
        question = UnaskedQuestion.of(
            recipient.card.party, recipient.card.public_key, queries, created, message
        )
        planner = Planner(self._way, vault, log, MAX_EPOCH_AGE)
        pinned = {query.id: held.id for query, (held, _) in zip(queries, chosen, strict=True)}
        branch = question.branches[0].id
        return Draft(recipient, question, planner.planned(question, branch, pinned))

    def _caught_up(self, wanted: str, vault: Vault, log: tlog.Verifier, report: Report) -> HeldComposite:
        held = vault.credential(wanted)
        if isinstance(held, HeldComposite):
            catch_up_held(self._way, vault, held, log, report)
            held = vault.credential(held.id)
        if not isinstance(held, HeldComposite) or held.standing is None:
            detail = "it is of the plain form, or of a department that cannot revoke: it cannot be sent"
            raise PresentingError(VaultReason.NOTHING_FITS, detail)
        if held.revoked is not None:
            raise PresentingError(VaultReason.NOTHING_FITS, "its department has revoked it")
        return held

    def send(self, draft: Draft, vault: Vault, log: tlog.Verifier) -> tuple[SentDelivery, Event]:
        """Prove what the person has agreed to, store it, send it; `resume` sends what could not be sent.

        Raises what `present_plan` does. That the service refuses is told by the event.
        """
        plan = Planner(self._way, vault, log, MAX_EPOCH_AGE).ready(draft.plan, _nothing)
        question = draft.question

        def prove(request_id: str, note: bytes) -> tuple[CompositePresentation, Call]:
            prepared = present_plan(plan, vault.keys, self._way.clock(), note=note)
            message = delivery_pb2.SendDeliveryRequest(
                recipient=question.recipient,
                sealed=seal_delivery(question, prepared.presentation),
                digest=question.digest,
                expire_time=convert.moment_to(question.expires),
                holder_note=note,
                request_id=request_id,
            )
            return prepared.presentation, outgoing(_SERVICE, "SendDelivery", message)

        server = self._way.endpoint.server
        name = draft.recipient.display_name
        sent, event = vault.deliveries.begin(server, question, name, plan.schemas, prove)
        return sent, events.tried(self._way, vault, event, log)

    # Receiving

    def receive_by(self, display_name: LocalizedText, vault: Vault, log: tlog.Verifier) -> SendLink:
        """Publish where the vault's account receives; return the link that senders scan.

        Whoever has the link can send, and reads the name in it. Raises ContentError ACCOUNT_NOT_FOUND.
        """
        server = self._way.endpoint.server
        account = vault.accounts.at(server)
        card = ReceivingCard(account.name, display_name, ReceivingKey.of(account.key).public)
        signed = card.sign(account.key)
        with self._way.channel() as channel:
            token = sessions.opened(self._way, channel, vault, account.name, log)
            message = delivery_pb2.PublishReceivingCardRequest(
                card=delivery_pb2.SignedCard(payload=signed.payload, signature=signed.signature)
            )
            call(delivery_pb2_grpc.DeliveryServiceStub(channel).PublishReceivingCard, message, token=token)
        return SendLink.to(server, account.name, card.digest)

    def close(self, vault: Vault, log: tlog.Verifier) -> None:
        """Receive nothing more; ContentError ACCOUNT_NOT_FOUND, ServiceError NOT_FOUND."""
        account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel:
            token = sessions.opened(self._way, channel, vault, account.name, log)
            stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
            call(stub.CloseReceiving, delivery_pb2.CloseReceivingRequest(), token=token)

    def receive(self, vault: Vault, log: tlog.Verifier, policy: tlog.Policy | None = None) -> list[Came]:
        """Fetch, verify and keep everything that waits; what does not hold is thrown away, and told.

        What is not on the ledger is told, too, and still waits; with a policy so does what is not anchored
        (QUORUM_MISSING). Raises ServiceError if the service cannot be reached.
        """
        account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel:
            session = sessions.session(self._way, channel, vault, account.name, log)
            box = _Box(self._way, channel, session, account, vault, log, policy)
            return [box.came(name) for name in waiting_names(box.stub, session)]

    def watch(self, vault: Vault, log: tlog.Verifier) -> Iterator[int]:
        """Give how many wait, at once and at each change, until its session ends (TOKEN_INVALID)."""
        account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel:
            token = sessions.opened(self._way, channel, vault, account.name, log)
            stub = delivery_pb2_grpc.DeliveryServiceStub(channel)
            for told in stream(stub.WatchDeliveries, delivery_pb2.WatchDeliveriesRequest(), token=token):
                yield told.waiting


def _card(channel: grpc.Channel, recipient: str) -> SignedCard:
    message = delivery_pb2.GetReceivingCardRequest(recipient=recipient)
    card = call(delivery_pb2_grpc.DeliveryServiceStub(channel).GetReceivingCard, message).card
    return SignedCard(card.payload, card.signature)


class _Box:
    """What waits for an account, fetched over one channel and session."""

    def __init__(
        self,
        way: Way,
        channel: grpc.Channel,
        session: Session,
        account: Account,
        vault: Vault,
        log: tlog.Verifier,
        policy: tlog.Policy | None,
    ) -> None:
        self.stub, self._channel = delivery_pb2_grpc.DeliveryServiceStub(channel), channel
        self._policy = policy
        self._way, self._session, self._account, self._vault, self._log = way, session, account, vault, log
        self._reader, self._key = way.reader(channel, log), ReceivingKey.of(account.key)

    def came(self, name: str) -> Came:
        """Fetch and verify one, and keep it before the service is told to forget it.

        Whatever is wrong with it is told, and the next is gone on with.
        """
        try:
            kept, event = self._kept(name)
        except FAULTS as error:
            fault = fault_of(error)
            if fault.final:
                discard(self.stub, name, self._session)
            return Came(name, None, fault.reason, waits=not fault.final)
        events.tried(self._way, self._vault, event, self._log)
        return Came(name, kept)

    def _kept(self, name: str) -> tuple[ReceivedDelivery, Event]:
        fetch = delivery_pb2.FetchDeliveryRequest(delivery=name)
        answer = self._session.call(self.stub.FetchDelivery, fetch)
        found = delivered(
            answer.sealed, answer.receipt, self._key, self._account.name, self._reader, self._log,
            self._way.clock(),
        )  # fmt: skip
        if self._policy is not None:  # the service has handed it to this account: the tile tells it nothing
            receipt = anchored_now(self._channel, found.receipt, self._log, self._policy)
            found = replace(found, receipt=receipt)

        def make(request_id: str, sealed: bytes) -> Call:
            message = delivery_pb2.AcknowledgeDeliveryRequest(
                delivery=name, holder_note=sealed, request_id=request_id
            )
            return outgoing(_SERVICE, "AcknowledgeDelivery", message, session=self._account.name)

        received = _received(self._vault, self._way.endpoint.server, name, found)
        return self._vault.deliveries.receive(received, make)


def _received(vault: Vault, server: str, name: str, found: Delivered) -> ReceivedDelivery:
    return ReceivedDelivery(
        vault.deliveries.new_id(),
        server,
        name,
        found.question,
        found.presentation,
        found.schemas,
        found.receipt,
        found.sent,
    )


def _queries(
    chosen: Sequence[tuple[HeldComposite, Sequence[str]]], reader: Reader, expires: dt.datetime
) -> Iterator[CompositeQuery]:
    taken = set[str]()
    for held, names in chosen:
        if held.standing is None:
            raise ContentError(VaultReason.CREDENTIAL_NOT_FOUND, "it stands in no accumulator")
        identifier = _fresh(held.schema.name.item, taken)
        digits = _digits(reader, f"departments/{held.schema.name.department}", held)
        epoch = OldestEpoch(held.standing.accumulator.key.octets, held.standing.epoch.number)
        yield CompositeQuery(
            identifier,
            (held.schema.name,),
            (AcceptedIssuer(held.credential.issuer_key, epoch, digits),),
            ExpiryShown() if digits is None else ValidOn(civil_date(expires)),
            tuple(held.schema.in_order(names)),
        )


def _fresh(item: str, taken: set[str]) -> str:
    """Return an identifier for an item's query; of two credentials of one item the second has a number."""
    wanted, number = item, 1
    while wanted in taken:
        number += 1
        wanted = f"{item[:60]}_{number}"
    taken.add(wanted)
    return wanted


def _digits(reader: Reader, owner: str, held: HeldComposite) -> bytes | None:
    """Return the table that a hidden expiry is proven with; None if the department has none of its suite."""
    try:
        found = reader.newest_digits(owner).table
    except ServiceError as error:
        if error.code is not grpc.StatusCode.NOT_FOUND:
            raise
        return None
    return found.digest if found.suite.identifier.decode() == held.issuer_key.suite else None
