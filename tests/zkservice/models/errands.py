"""Errands of three counters: begun, asked, submitted whole, told of, rejected, asked anew, refused, ended."""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice import errands as counters
from tests.zkservice.errands import PARTS, Started
from tests.zkservice.models.machine import Machine, Running, seldom
from tests.zkservice.sessions import opened
from tests.zkservice.support import TEXT, new_id
from tlog.entry import HOLDER_NOTE_OCTETS
from wire.convert import text_to
from zkproto.v1 import errand_pb2 as pb

LIFE = dt.timedelta(hours=24)
ASK_LIFE = dt.timedelta(hours=1)
LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
ORDER: Final = ("submitted", "received", "in-progress", "done")
NEEDS: Final = {"birth": set[str](), "household": {"birth"}, "insurance": {"birth", "household"}}


def _name(state: str) -> str:
    return f"ERRAND_PART_STATE_{state.upper().replace('-', '_')}"


@dataclass
class Part:
    """What a part has to be; `ask` is what its counter asked last, with what it was answered."""

    state: str = "waiting"
    ask: Any = None
    ends: dt.datetime = LONG_AGO

    def at(self, now: dt.datetime) -> str:
        return "waiting" if self.state == "asked" and now >= self.ends else self.state


@dataclass
class Errand:
    """What an errand has to be."""

    message: pb.StartErrandRequest
    started: Started
    ends: dt.datetime
    parts: dict[str, Part] = field(default_factory=lambda: {each: Part() for each in PARTS})
    state: str = "open"
    submitted: list[tuple[Any, Any]] = field(default_factory=list)

    def at(self, now: dt.datetime) -> str:
        if self.state == "open" and now >= self.ends:
            return "expired"
        return "done" if all(each.state == "done" for each in self.parts.values()) else self.state

    def shown(self, part: str, now: dt.datetime) -> str:
        return "ended" if self.at(now) in {"abandoned", "expired"} else self.parts[part].at(now)

    def ended(self, now: dt.datetime) -> str:
        return "ERRAND_ENDED" if self.at(now) in {"abandoned", "expired", "done"} else ""


class ErrandsModel(Machine):
    """Each rule is one call, or one and the same again."""

    made: Bundle[int] = Bundle("made")
    longest = dt.timedelta(days=20)  # an errand that ended unsubmitted is forgotten some time after that

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.model: list[Errand] = []
        self.errands = self.do(counters.Errands.of(self.town, server.issued))
        self.stub = self.errands.stub
        self.entries = server.entries()

    def _note(self) -> bytes:
        return secrets.token_bytes(HOLDER_NOTE_OCTETS)

    @rule(target=made)
    def start(self) -> int:
        message = pb.StartErrandRequest(bundle=str(self.errands.bundle.name), request_id=new_id())
        answer = self.granted(lambda: self.stub.StartErrand(message))
        started = Started(self.errands, answer.errand, answer.ticket)
        started.names = {each.part: each.name for each in self.do(started.get()).parts}
        self.model.append(Errand(message, started, answer.expire_time.ToDatetime(dt.UTC)))
        return len(self.model) - 1

    @rule(which=made)
    def start_again(self, which: int) -> None:
        model = self.model[which]
        reason, answer = self.told(lambda: self.stub.StartErrand(model.message))
        assert (reason, answer.errand) == ("", model.started.errand)

    @rule(which=made, part=st.sampled_from(PARTS))
    def ask(self, which: int, part: str) -> None:
        self._ask(self.model[which], part)

    @rule(which=made)
    def ask_all(self, which: int) -> None:
        for part in PARTS:
            self._ask(self.model[which], part)

    def _ask(self, model: Errand, part: str) -> None:
        verifier = self.errands.bundle.counter(part).verifier.verifier
        request = self.town.request(verifier, lifetime=ASK_LIFE)
        message = self.errands.asking(part, model.started.names[part], request)
        bearer, at = self.errands.session(part), model.parts[part]
        reason, answer = self.told(lambda: self.stub.AskErrandPart(message, metadata=bearer))
        invalid = "" if at.at(self.now) == "waiting" else "PART_STATE_INVALID"
        assert reason == (model.ended(self.now) or invalid)
        if reason == "":
            at.state, at.ask, at.ends = "asked", request, request.expires
            again = self.told(lambda: self.stub.AskErrandPart(message, metadata=bearer))
            assert again == ("", answer), "the same ask, the same exchange"

    @rule(which=made, part=st.sampled_from(PARTS), other=st.sampled_from(PARTS))
    def ask_for_another_s(self, which: int, part: str, other: str) -> None:
        if part != other:
            model, bearer = self.model[which], self.errands.session(other)
            message = self.errands.asking(part, model.started.names[part])
            assert self.told(lambda: self.stub.AskErrandPart(message, metadata=bearer))[0] == "NOT_FOUND"

    @rule(which=made, parts=st.sampled_from((PARTS, PARTS, PARTS, *((each,) for each in PARTS))))
    def submit(self, which: int, parts: tuple[str, ...]) -> None:
        model = self.model[which]
        message = self.do(model.started.submission(*parts))
        sent = [each for each in PARTS if model.started.names[each] in {one.part for one in message.answers}]
        reason, answer = self.told(lambda: self.stub.SubmitErrand(message))
        assert reason == self._submitted(model, sent)
        if reason:
            return
        assert len(answer.receipts) == len(sent)
        self.entries += len(sent) + 1
        model.state = "submitted"
        model.submitted.append((message, answer))
        for each in sent:
            model.parts[each].state = "submitted"

    def _submitted(self, model: Errand, parts: list[str]) -> str:
        first = model.state == "open"
        all_asked = all(model.parts[each].at(self.now) == "asked" for each in parts)
        for reason, refused in (
            ("FIELD_MISSING", not parts),
            (model.ended(self.now), model.ended(self.now)),
            ("ERRAND_INCOMPLETE", first and len(parts) != len(PARTS)),
            ("ERRAND_INCOMPLETE" if first else "PART_STATE_INVALID", not all_asked),
        ):
            if refused:
                return reason
        return ""

    @rule(which=made)
    def submit_again(self, which: int) -> None:
        """The same submission has the same receipts for ever."""
        for message, answer in self.model[which].submitted:
            reason, again = self.told(partial(self.stub.SubmitErrand, message))
            assert (reason, again) == ("", answer)

    @rule(
        which=made,
        part=st.sampled_from(PARTS),
        state=st.sampled_from(("received", "in-progress", "done", "done", "rejected")),
    )
    def tell(self, which: int, part: str, state: str) -> None:
        self._tell(self.model[which], part, state)

    @rule(which=made)
    def settle(self, which: int) -> None:
        for part in PARTS:
            self._tell(self.model[which], part, "done")

    def _tell(self, model: Errand, part: str, state: str) -> None:
        number = pb.ErrandPartState.Value(_name(state))
        said = {"message": text_to(TEXT)} if state == "rejected" else {}
        message, bearer = model.started.telling(part, number, **said), self.errands.session(part)
        reason, _ = self.told(lambda: self.stub.UpdateErrandPart(message, metadata=bearer))
        assert reason == self._tellable(model, part, state)
        if reason == "":
            model.parts[part].state = state

    def _tellable(self, model: Errand, part: str, state: str) -> str:
        now = model.parts[part].at(self.now)
        if now not in ORDER[:-1] or (state != "rejected" and ORDER.index(state) < ORDER.index(now)):
            return "PART_STATE_INVALID"
        ready = all(model.parts[each].state == "done" for each in NEEDS[part])
        return "PART_NOT_READY" if state in {"in-progress", "done"} and not ready else ""

    @rule(which=made, part=st.sampled_from(PARTS))
    def retry(self, which: int, part: str) -> None:
        model, at = self.model[which], self.model[which].parts[part]
        asked = pb.RetryErrandPartRequest(**model.started.own, part=model.started.names[part])
        reason, _ = self.told(lambda: self.stub.RetryErrandPart(asked))
        allowed = at.at(self.now) in {"waiting", "asked", "rejected"}
        assert reason == (model.ended(self.now) or ("" if allowed else "PART_STATE_INVALID"))
        if reason == "" and at.state == "rejected":
            at.state = "waiting"

    @rule(which=made, part=st.sampled_from(PARTS), right=st.booleans())
    def refuse(self, which: int, part: str, right: bool) -> None:
        model, at = self.model[which], self.model[which].parts[part]
        digest = at.ask.digest if right and at.ask is not None else secrets.token_bytes(32)
        message = model.started.refusal(part, digest)
        reason, answer = self.told(lambda: self.stub.RefuseErrandPart(message))
        asked = at.at(self.now) == "asked" and right
        assert reason == (model.ended(self.now) or ("" if asked else "PART_STATE_INVALID"))
        if reason:
            return
        self.entries += 1
        if model.state == "open":
            model.state = "abandoned"
        else:
            at.state = "rejected"
        assert self.told(lambda: self.stub.RefuseErrandPart(message)) == ("", answer)

    @rule(which=made)
    def abandon(self, which: int) -> None:
        model = self.model[which]
        message = pb.AbandonErrandRequest(**model.started.own, holder_note=self._note(), request_id=new_id())
        reason, answer = self.told(lambda: self.stub.AbandonErrand(message))
        assert reason == ("" if model.at(self.now) == "open" else "ERRAND_ENDED")
        if reason == "":
            model.state = "abandoned"
            self.entries += 1
            assert self.told(lambda: self.stub.AbandonErrand(message)) == ("", answer)

    @rule(which=made, forged=seldom)
    def look(self, which: int, forged: bool) -> None:
        model, own = self.model[which], dict(self.model[which].started.own)
        if forged:
            own["ticket"] = own["ticket"][::-1]
        reason, found = self.told(lambda: self.stub.GetErrand(pb.GetErrandRequest(**own)))
        assert reason == ("NOT_FOUND" if forged else "")
        if found is not None:
            assert pb.Errand.State.Name(found.state) == f"STATE_{model.at(self.now).upper()}"
            told = {each.part: pb.ErrandPartState.Name(each.state) for each in found.parts}
            assert told == {each: _name(model.shown(each, self.now)) for each in PARTS}

    @rule(hours=st.sampled_from((0.2, 1.1, 25)))
    def wait(self, hours: float) -> None:
        if not self.ahead(dt.timedelta(hours=hours)):
            return
        for part in PARTS:
            verifier = self.errands.bundle.counter(part).verifier
            self.errands.tokens[part] = self.do(opened(self.town, str(verifier), self.errands.key(part)))
