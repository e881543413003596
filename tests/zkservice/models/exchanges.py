"""Exchanges: opened, fetched with and without a pairing code, answered, declined, over; and all again."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from disclosure import Request
from tests.zkservice.cases_policies import fetching, wrong_code
from tests.zkservice.consenting import a_note
from tests.zkservice.models.machine import Machine, Running, seldom
from tests.zkservice.support import new_id
from zkproto.v1 import presentation_pb2 as pb

State = pb.WatchExchangeResponse
LIFE = dt.timedelta(hours=1)
MOST_WRONG = 5


@dataclass
class Exchange:
    """What an exchange has to be."""

    request: Request
    message: pb.CreateExchangeRequest
    opened: Any
    paired: bool
    wrong: int = 0
    state: str = "open"
    kept: Any = None
    """The call that was acknowledged last, with its answer."""
    submission: Any = field(default=None, repr=False)

    @property
    def is_closed(self) -> bool:
        return self.wrong >= MOST_WRONG

    def ended(self, now: dt.datetime, *, declining: bool = False) -> str:
        """Return why it can neither be answered nor declined, "" if it can."""
        declined = "EXCHANGE_DECLINED" if self.state == "declined" else ""
        if self.state == "answered":
            return "EXCHANGE_ANSWERED"
        if declining and declined:
            return declined
        if now >= self.request.expires:
            return "REQUEST_EXPIRED"
        return declined or ("PAIRING_FAILED" if self.is_closed else "")

    def shown(self, now: dt.datetime) -> Any:
        """Return the state that its verifier is told first."""
        if self.state != "open":
            return {"answered": State.STATE_VERIFIED, "declined": State.STATE_DECLINED}[self.state]
        if self.is_closed:
            return State.STATE_PAIRING_FAILED
        return State.STATE_EXPIRED if now >= self.request.expires else State.STATE_PENDING


class Exchanges(Machine):
    """Each rule is one call. Exchanges are told by their place in the order of opening."""

    made: Bundle[int] = Bundle("made")

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.model: list[Exchange] = []

    @rule(target=made, paired=st.booleans())
    def open(self, paired: bool) -> int:
        request = self.town.request(lifetime=LIFE)
        message = self.town.create_exchange(request)
        message.pairing = paired
        opened = self.granted(lambda: self.town.presentation.CreateExchange(message))
        assert bool(opened.pairing_code) is paired
        self.model.append(Exchange(request, message, opened, paired))
        return len(self.model) - 1

    @rule(target=made)
    def open_and_close(self) -> int:
        which: Any = self.open(paired=True)
        self.guess(which, MOST_WRONG)
        return int(which)

    @rule(which=made, how=st.sampled_from(("again", "other request", "other request_id")))
    def open_again(self, which: int, how: str) -> None:
        model, message = self.model[which], pb.CreateExchangeRequest()
        message.CopyFrom(model.message)
        expected = "REQUEST_EXPIRED" if self.now >= model.request.expires else ""
        if how == "other request":
            message.CopyFrom(self.town.create_exchange(self.town.request(), model.message.request_id))
            expected = "REQUEST_ID_REUSED"
        elif how == "other request_id":
            message.request_id, expected = new_id(), expected or "REPLAYED"
        reason, opened = self.told(lambda: self.town.presentation.CreateExchange(message))
        assert reason == expected
        assert opened in (None, model.opened)

    @rule(which=made, code=st.sampled_from(("none", "right", "right", "wrong", "wrong")), forged=seldom)
    def fetch(self, which: int, code: str, forged: bool) -> None:
        model = self.model[which]
        right = model.opened.pairing_code or "123456"
        sent = {"none": "", "right": right, "wrong": wrong_code(right)}[code]
        asked = fetching(model.opened, sent)
        if forged:
            asked.ticket = model.opened.result_token
        reason, answer = self.told(lambda: self.town.presentation.FetchRequest(asked))
        assert reason == self._fetched(model, code, forged)
        if reason == "":
            assert answer.signed_request == model.message.signed_request
        if reason == "PAIRING_WRONG":
            model.wrong += 1

    @rule(which=made, times=st.sampled_from((MOST_WRONG - 1, MOST_WRONG, MOST_WRONG)))
    def guess(self, which: int, times: int) -> None:
        for _ in range(times):
            self.fetch(which, "wrong", forged=False)

    def _fetched(self, model: Exchange, code: str, forged: bool) -> str:
        over = model.ended(self.now)
        for reason, refused in (
            ("NOT_FOUND", forged),
            (over, over not in {"", "PAIRING_FAILED"}),
            ("", not model.paired),
            ("PAIRING_FAILED", model.is_closed),
            ("PAIRING_REQUIRED", code == "none"),
            ("PAIRING_WRONG", code == "wrong"),
        ):
            if refused:
                return reason
        return ""

    @rule(which=made, forged=seldom)
    def answer(self, which: int, forged: bool) -> None:
        model = self.model[which]
        sent = self.town.submission(model.opened, *self.town.present(model.request, self.server.issued))
        if forged:
            sent.ticket = model.opened.result_token
        expected = "NOT_FOUND" if forged else model.ended(self.now)
        if expected == "EXCHANGE_ANSWERED":
            expected = "REPLAYED"
        reason, answer = self.told(lambda: self.town.presentation.SubmitPresentation(sent))
        assert reason == expected
        if reason == "":
            model.state, model.kept, model.submission = "answered", answer, sent
            self.entries += 1

    @rule(which=made)
    def answer_again(self, which: int) -> None:
        """The same octets get the same receipt, however late; others under the same request_id do not."""
        model = self.model[which]
        if model.submission is None:
            return
        reason, answer = self.told(lambda: self.town.presentation.SubmitPresentation(model.submission))
        assert (reason, answer) == ("", model.kept)
        other = pb.SubmitPresentationRequest()
        other.CopyFrom(model.submission)
        other.request_id = new_id()
        assert self.told(lambda: self.town.presentation.SubmitPresentation(other))[0] == "REPLAYED"

    @rule(which=made, other=made)
    def answer_with_another_s(self, which: int, other: int) -> None:
        """A presentation that was accepted counts nowhere else, and is for one request in any case."""
        model, whose = self.model[which], self.model[other]
        self.answer(other, forged=False)
        if which == other or whose.submission is None:
            return
        sent = pb.SubmitPresentationRequest()
        sent.CopyFrom(whose.submission)
        sent.exchange, sent.ticket = model.opened.exchange, model.opened.ticket
        assert self.told(lambda: self.town.presentation.SubmitPresentation(sent))[0] == "REPLAYED"

    @rule(which=made, forged=seldom)
    def decline(self, which: int, forged: bool) -> None:
        model = self.model[which]
        sent = pb.DeclineExchangeRequest(
            exchange=model.opened.exchange,
            ticket=model.opened.result_token if forged else model.opened.ticket,
            why=pb.DeclineExchangeRequest.WHY_DECLINED,
            holder_note=a_note(),
            request_id=new_id(),
        )
        reason, answer = self.told(lambda: self.town.presentation.DeclineExchange(sent))
        assert reason == ("NOT_FOUND" if forged else model.ended(self.now, declining=True))
        if reason == "":
            model.state = "declined"
            self.entries += 1
            again = self.told(lambda: self.town.presentation.DeclineExchange(sent))
            assert again == ("", answer), "the same no, the same receipt"

    @rule(which=made)
    def watch(self, which: int) -> None:
        model = self.model[which]
        asked = pb.WatchExchangeRequest(
            exchange=model.opened.exchange, result_token=model.opened.result_token
        )
        told = self.first(lambda: self.town.presentation.WatchExchange(asked))
        assert told.state == model.shown(self.now)
        if model.state == "answered":
            assert told.receipt == model.kept.receipt
            assert told.presentation == model.submission.presentation

    @rule(minutes=st.sampled_from((1, 20, 61)))
    def wait(self, minutes: int) -> None:
        self.ahead(dt.timedelta(minutes=minutes))
