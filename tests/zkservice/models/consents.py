"""Standing consents: asked for, granted or declined, used so often and so seldom, withdrawn, over."""

import datetime as dt
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from disclosure import Request, civil_date
from tests.zkservice import consenting
from tests.zkservice.consenting import Asked
from tests.zkservice.models.machine import Machine, Running, seldom
from zkproto.v1 import consent_pb2 as pb
from zkproto.v1 import presentation_pb2

State = pb.WatchConsentResponse
DAY = dt.timedelta(days=1)
TIMES = 2


@dataclass
class Use:
    """An exchange under a consent."""

    request: Request
    message: presentation_pb2.CreateExchangeRequest
    opened: Any
    ticket: str = ""
    state: str = "open"

    def is_open(self, now: dt.datetime) -> bool:
        return self.state == "open" and now < self.request.expires


@dataclass
class Consent:
    """What a consent has to be."""

    asked: Asked
    message: pb.CreateConsentRequest
    interval: dt.timedelta
    ends: dt.datetime
    until: dt.date
    state: str = "asked"
    uses: list[Use] = field(default_factory=list)
    last: dt.datetime | None = None

    def usable(self, now: dt.datetime) -> str:
        """Return why it cannot be used, "" if it can."""
        for reason, refused in (
            ("CONSENT_WITHDRAWN", self.state == "withdrawn"),
            ("CONSENT_NOT_GRANTED", self.state != "granted"),
            ("CONSENT_EXPIRED", civil_date(now) > self.until),
            ("CONSENT_EXHAUSTED", len(self.uses) >= TIMES),
            ("CONSENT_TOO_EARLY", self.last is not None and now < self.last + self.interval),
        ):
            if refused:
                return reason
        return ""

    def answerable(self, now: dt.datetime) -> str:
        """Return why it can neither be granted nor declined, "" if it can."""
        if self.state != "asked":
            return "CONSENT_ANSWERED"
        return "REQUEST_EXPIRED" if now >= self.ends else ""

    def shown(self, now: dt.datetime) -> Any:
        late = self.state == "asked" and now >= self.ends
        if late or (self.state == "granted" and civil_date(now) > self.until):
            return State.STATE_EXPIRED
        return {
            "asked": State.STATE_PENDING,
            "granted": State.STATE_GRANTED,
            "declined": State.STATE_DECLINED,
            "withdrawn": State.STATE_WITHDRAWN,
        }[self.state]


class Consents(Machine):
    """Each rule is one call, or one and the same again."""

    made: Bundle[int] = Bundle("made")

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.model: list[Consent] = []
        self.stub = consenting.stub(self.town)

    @rule(target=made, days=st.integers(0, 1))
    def ask(self, days: int) -> int:
        until = civil_date(self.now) + 90 * DAY
        terms = consenting.terms(self.town, times=TIMES, interval_days=days, until=until)
        message = consenting.creating(self.town, terms)
        answer = self.granted(lambda: self.stub.CreateConsent(message))
        asked = Asked(self.town, answer)
        self.model.append(Consent(asked, message, days * DAY, terms.expires, until))
        return len(self.model) - 1

    @rule(target=made, days=st.integers(0, 1), uses=st.integers(0, TIMES))
    def ask_and_grant(self, days: int, uses: int) -> int:
        which: Any = self.ask(days)
        self.answer(which, yes=True, forged=False)
        for _ in range(uses):
            self.use(which, "right")
        return int(which)

    @rule(which=made)
    def ask_again(self, which: int) -> None:
        model = self.model[which]
        reason, answer = self.told(lambda: self.stub.CreateConsent(model.message))
        assert reason == ("REQUEST_EXPIRED" if self.now >= model.ends else "")
        assert answer in (None, model.asked.answer)

    @rule(which=made, forged=seldom)
    def fetch(self, which: int, forged: bool) -> None:
        model = self.model[which]
        asked = pb.FetchConsentRequest(**model.asked.ticketed)
        if forged:
            asked.ticket = model.asked.answer.result_token
        reason, answer = self.told(lambda: self.stub.FetchConsent(asked))
        assert reason == ("NOT_FOUND" if forged else "")
        assert answer is None or answer.signed_terms == model.message.signed_terms

    @rule(which=made, yes=st.booleans(), forged=seldom)
    def answer(self, which: int, yes: bool, forged: bool) -> None:
        model = self.model[which]
        sent: Any = model.asked.granting() if yes else model.asked.declining()
        call = self.stub.GrantConsent if yes else self.stub.DeclineConsent
        if forged:
            sent.ticket = model.asked.answer.result_token
        reason, answer = self.told(lambda: call(sent))
        assert reason == ("NOT_FOUND" if forged else model.answerable(self.now))
        if reason:
            return
        model.state = "granted" if yes else "declined"
        self.entries += 1
        assert self.told(lambda: call(sent)) == ("", answer), "the same answer, the same receipt"
        if yes:
            sent.public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
            assert self.told(lambda: call(sent))[0] == "REQUEST_ID_REUSED", "nobody takes a grant over"

    @rule(which=made, how=st.sampled_from(("right", "right", "right", "forged", "other question")))
    def use(self, which: int, how: str) -> None:
        model, now = self.model[which], self.now
        shown = ("name",) if how == "other question" else ("district",)
        request = self.town.request("bank", shown=shown)
        sent = model.asked.using(request)
        if how == "forged":
            sent.consent_token = model.asked.answer.ticket
        other = {"forged": "NOT_FOUND", "other question": "CONSENT_MISMATCH"}
        expected = other.get(how) or model.usable(now)
        reason, opened = self.told(lambda: self.town.presentation.CreateExchange(sent))
        assert reason == expected
        if reason == "":
            assert opened.ticket == "", "only the vault that granted it gets at it"
            model.last = now
            model.uses.append(Use(request, sent, opened))
            self._list(model)

    @rule(which=made)
    def use_again(self, which: int) -> None:
        """The same call is no second use, also after the withdrawal."""
        for use in self.model[which].uses:
            reason, opened = self.told(partial(self.town.presentation.CreateExchange, use.message))
            assert reason == ("REQUEST_EXPIRED" if self.now >= use.request.expires else "")
            assert opened in (None, use.opened)

    def _list(self, model: Consent) -> None:
        bearer = self.town.bearer(self.do(model.asked.token()))
        asked = pb.ListConsentExchangesRequest(consent=model.asked.answer.consent)
        listed = self.granted(lambda: self.stub.ListConsentExchanges(asked, metadata=bearer))
        tickets = {each.exchange: each.ticket for each in listed.exchanges}
        assert set(tickets) == {each.opened.exchange for each in model.uses if each.is_open(self.now)}
        for each in model.uses:
            each.ticket = tickets.get(each.opened.exchange, each.ticket)

    @rule(which=made)
    def look_what_waits(self, which: int) -> None:
        if self.model[which].state in {"granted", "withdrawn"}:
            self._list(self.model[which])

    @rule(which=made, number=st.integers(0, TIMES - 1))
    def answer_use(self, which: int, number: int) -> None:
        uses = self.model[which].uses
        if number >= len(uses):
            return
        use = uses[number]
        ticketed = presentation_pb2.CreateExchangeResponse(exchange=use.opened.exchange, ticket=use.ticket)
        sent = self.town.submission(ticketed, *self.town.present(use.request, self.server.issued))
        reason, _ = self.told(lambda: self.town.presentation.SubmitPresentation(sent))
        assert reason == self._submitted(use)
        if reason == "":
            use.state = "answered"
            self.entries += 1

    def _submitted(self, use: Use) -> str:
        for reason, refused in (
            ("REPLAYED", use.state == "answered"),
            ("REQUEST_EXPIRED", self.now >= use.request.expires),
            ("CONSENT_WITHDRAWN", use.state == "withdrawn"),
        ):
            if refused:
                return reason
        return ""

    @rule(which=made)
    def withdraw(self, which: int) -> None:
        model = self.model[which]
        if model.state not in {"granted", "withdrawn"}:
            return  # it has no key yet by which anybody could
        bearer, sent = self.town.bearer(self.do(model.asked.token())), model.asked.withdrawing()
        reason, answer = self.told(lambda: self.stub.WithdrawConsent(sent, metadata=bearer))
        assert reason == ("CONSENT_WITHDRAWN" if model.state == "withdrawn" else "")
        if reason:
            return
        model.state = "withdrawn"
        self.entries += 1
        for use in model.uses:
            if use.is_open(self.now):
                use.state = "withdrawn"
        again = self.told(lambda: self.stub.WithdrawConsent(sent, metadata=bearer))
        assert again == ("", answer), "the same withdrawal, the same receipt"

    @rule(which=made)
    def watch(self, which: int) -> None:
        model, answer = self.model[which], self.model[which].asked.answer
        asked = pb.WatchConsentRequest(consent=answer.consent, result_token=answer.result_token)
        told = self.first(lambda: self.stub.WatchConsent(asked))
        assert (told.state, told.used) == (model.shown(self.now), len(model.uses))

    @rule(hours=st.sampled_from((0.5, 2, 25, 30 * 24)))
    def wait(self, hours: float) -> None:
        self.ahead(dt.timedelta(hours=hours))
