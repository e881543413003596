"""What is sent unasked: two that receive and close, senders who are nobody, each delivery received once."""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice.delivering import Receiver, deliveries
from tests.zkservice.models.machine import MOST_DELIVERIES, Machine, Running
from tests.zkservice.residents import note
from tests.zkservice.sessions import opened
from tests.zkservice.support import new_id
from zkproto.v1 import delivery_pb2 as pb

LIFE = dt.timedelta(days=30)


@dataclass
class Sent:
    """What a delivery has to be."""

    to: int
    message: pb.SendDeliveryRequest
    answer: Any
    name: str
    at: dt.datetime
    received: Any = None
    """The acknowledgement that its recipient's event tells of, with its answer."""
    is_acknowledged: bool = False

    def waits(self, now: dt.datetime) -> bool:
        return not self.is_acknowledged and now < self.at + LIFE


class Deliveries(Machine):
    """Each rule is one call, or one and the same again."""

    made: Bundle[int] = Bundle("made")

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.stub = deliveries(self.town)
        self.receivers = self.do(self._two())
        self.is_open = [True, True]
        self.model: list[Sent] = []
        self.entries = server.entries()

    async def _two(self) -> list[Receiver]:
        return [await Receiver.account(self.town), await Receiver.verifier(self.town)]

    def _waiting(self, to: int) -> list[Sent]:
        return [each for each in self.model if each.to == to and each.waits(self.now)]

    def _names(self, to: int) -> set[str]:
        asked, bearer = pb.ListDeliveriesRequest(page_size=100), self.receivers[to].bearer
        page = self.granted(lambda: self.stub.ListDeliveries(asked, metadata=bearer))
        return {each.name for each in page.deliveries}

    @rule(target=made, to=st.integers(0, 1), late=st.sampled_from((False, False, False, True)))
    def send(self, to: int, late: bool) -> Any:
        message, before = self.receivers[to].sending(), self._names(to)
        if late:
            message.expire_time.FromDatetime(self.now - dt.timedelta(seconds=1))
        reason, answer = self.told(lambda: self.stub.SendDelivery(message))
        full = len(self._waiting(to)) >= MOST_DELIVERIES
        closed = not self.is_open[to] and "RECEIVING_CLOSED"
        assert reason == (("REQUEST_EXPIRED" if late else closed) or ("DELIVERIES_FULL" if full else ""))
        if reason:
            return -1
        (name,) = self._names(to) - before
        self.model.append(Sent(to, message, answer, name, self.now))
        self.entries += 1
        return len(self.model) - 1

    @rule(which=made, how=st.sampled_from(("again", "other request_id", "other note")))
    def send_again(self, which: int, how: str) -> None:
        """The same call has the same receipt for ever; the same question goes to nobody twice."""
        if which < 0:
            return
        model, message = self.model[which], pb.SendDeliveryRequest()
        message.CopyFrom(model.message)
        if how == "other note":
            message.holder_note = note()
        expected = "" if how == "again" else "REQUEST_ID_REUSED"
        if how == "other request_id":
            message.request_id = new_id()
            message.expire_time.FromDatetime(self.now + dt.timedelta(minutes=30))
            if self.now > model.at + LIFE - dt.timedelta(minutes=1):
                return  # it may be forgotten by now
            full = len(self._waiting(model.to)) >= MOST_DELIVERIES
            expected = "DELIVERIES_FULL" if full else "REPLAYED"
            expected = expected if self.is_open[model.to] else "RECEIVING_CLOSED"
        reason, answer = self.told(lambda: self.stub.SendDelivery(message))
        assert reason == expected
        assert answer in (None, model.answer)

    @rule(to=st.integers(0, 1))
    def look(self, to: int) -> None:
        waiting = {each.name for each in self._waiting(to)}
        assert self._names(to) == waiting
        bearer = self.receivers[to].bearer
        told = self.first(lambda: self.stub.WatchDeliveries(pb.WatchDeliveriesRequest(), metadata=bearer))
        assert told.waiting == len(waiting)

    @rule(which=made, by=st.integers(0, 1))
    def fetch(self, which: int, by: int) -> None:
        if which < 0:
            return
        model, bearer = self.model[which], self.receivers[by].bearer
        asked = pb.FetchDeliveryRequest(delivery=model.name)
        reason, answer = self.told(lambda: self.stub.FetchDelivery(asked, metadata=bearer))
        assert reason == ("" if by == model.to and model.waits(self.now) else "NOT_FOUND")
        if answer is not None:
            assert (answer.sealed, answer.receipt) == (model.message.sealed, model.answer.receipt)

    @rule(which=made, by=st.integers(0, 1), noted=st.booleans())
    def acknowledge(self, which: int, by: int, noted: bool) -> None:
        if which < 0:
            return
        model, bearer = self.model[which], self.receivers[by].bearer
        with_note: dict[str, Any] = {"holder_note": note(), "request_id": new_id()} if noted else {}
        asked = pb.AcknowledgeDeliveryRequest(delivery=model.name, **with_note)
        reason, answer = self.told(lambda: self.stub.AcknowledgeDelivery(asked, metadata=bearer))
        mine = by == model.to and self.now < model.at + LIFE
        assert reason == ("" if mine and not (noted and model.is_acknowledged) else "NOT_FOUND")
        if reason:
            return
        model.is_acknowledged = True
        if noted:
            self.entries += 1
            model.received = asked, answer

    @rule(which=made)
    def acknowledge_again(self, which: int) -> None:
        if which < 0 or self.model[which].received is None or self.now >= self.model[which].at + LIFE:
            return
        (asked, answer), bearer = self.model[which].received, self.receivers[self.model[which].to].bearer
        assert self.told(lambda: self.stub.AcknowledgeDelivery(asked, metadata=bearer)) == ("", answer)

    @rule(to=st.integers(0, 1), is_open=st.booleans())
    def receive(self, to: int, is_open: bool) -> None:
        receiver = self.receivers[to]
        call, asked = (
            (self.stub.PublishReceivingCard, receiver.publishing())
            if is_open
            else (self.stub.CloseReceiving, pb.CloseReceivingRequest())
        )
        assert self.told(lambda: call(asked, metadata=receiver.bearer))[0] == ""
        self.is_open[to] = is_open
        card = pb.GetReceivingCardRequest(recipient=receiver.name)
        assert self.told(lambda: self.stub.GetReceivingCard(card))[0] == (
            "" if is_open else "RECEIVING_CLOSED"
        )

    @rule()
    def send_to_nobody(self) -> None:
        message = self.receivers[0].sending(recipient=f"verifiers/{secrets.token_hex(8)}x")
        message.recipient = f"verifiers/x{secrets.token_hex(8)}"
        assert self.told(lambda: self.stub.SendDelivery(message))[0] == "NOT_FOUND"

    @rule(days=st.sampled_from((0.01, 1, 16)))
    def wait(self, days: float) -> None:
        self.ahead(dt.timedelta(days=days))
        for each in self.receivers:
            each.token = self.do(opened(self.town, each.name, each.key))
