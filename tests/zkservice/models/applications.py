"""Applications: two with accounts who apply and take back, one department that decides each of them once."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice.cases_applications import approval, refusing
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.residents import Resident, applications
from tests.zkservice.support import TEXT, new_id
from wire.convert import text_to
from zkproto.v1 import application_pb2 as pb

OPEN, APPROVED, REFUSED, CANCELLED = (
    pb.Application.STATE_OPEN,
    pb.Application.STATE_APPROVED,
    pb.Application.STATE_REFUSED,
    pb.Application.STATE_CANCELLED,
)
LIFE: Final = dt.timedelta(days=30)
"""Of an offer."""


@dataclass
class Applied:
    """What an application has to be."""

    by: int
    message: pb.ApplyRequest
    answer: pb.ApplyResponse
    state: Any = OPEN
    decision: pb.DecideApplicationRequest | None = None
    offer: str = ""
    ends: dt.datetime | None = None

    @property
    def name(self) -> str:
        return self.answer.application


class Applications(Machine):
    """Each rule is one call, or one and the same again. Nothing but applying stands on the log."""

    made: Bundle[int] = Bundle("made")

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.stub = applications(self.town)
        self.residents = [self.do(Resident.settle(self.town)) for _ in range(2)]
        self.department = self.town.bearer(self.town.department_token)
        self.model: list[Applied] = []
        self.entries = server.entries()

    def _session(self, by: int) -> Any:
        return self.do(self.residents[by].session())

    @rule(target=made, by=st.integers(0, 1))
    def apply(self, by: int) -> int:
        message, session = self.residents[by].applying(), self._session(by)
        answer = self.granted(lambda: self.stub.Apply(message, metadata=session))
        self.entries += 1
        self.model.append(Applied(by, message, answer))
        return len(self.model) - 1

    @rule(which=made, how=st.sampled_from(("again", "other grounds", "another's")))
    def apply_again(self, which: int, how: str) -> None:
        """The same call has the same answer, whatever became of it since; and nobody applies for another."""
        model, message = self.model[which], pb.ApplyRequest()
        message.CopyFrom(model.message)
        by = 1 - model.by if how == "another's" else model.by
        if how == "other grounds":
            message.grounds += " At once."
        session = self._session(by)
        reason, answer = self.told(lambda: self.stub.Apply(message, metadata=session))
        expected = {"again": "", "other grounds": "REQUEST_ID_REUSED", "another's": "SUBJECT_MISMATCH"}
        assert reason == expected[how]
        assert answer in (None, model.answer)

    @rule(which=made, by=st.integers(0, 1))
    def cancel(self, which: int, by: int) -> None:
        model, session = self.model[which], self._session(by)
        asked = pb.CancelApplicationRequest(name=model.name)
        reason, _ = self.told(lambda: self.stub.CancelApplication(asked, metadata=session))
        if by != model.by:
            assert reason == "NOT_FOUND"
        elif model.state in (OPEN, CANCELLED):
            assert reason == ""
            model.state = CANCELLED
        else:
            assert reason == "APPLICATION_DECIDED"

    def _decide(self, message: pb.DecideApplicationRequest) -> tuple[str, Any]:
        return self.told(lambda: self.stub.DecideApplication(message, metadata=self.department))

    @rule(which=made, approved=st.booleans())
    def decide(self, which: int, approved: bool) -> None:
        model = self.model[which]
        message, now = (approval if approved else refusing)(model.name), self.now
        reason, answer = self._decide(message)
        if model.state != OPEN:
            assert reason == "APPLICATION_DECIDED"
            return
        assert reason == ""
        assert bool(answer.offer) == approved
        model.state, model.decision, model.offer = APPROVED if approved else REFUSED, message, answer.offer
        model.ends = now + LIFE if approved else None

    @rule(which=made, how=st.sampled_from(("again", "other request_id", "other words")))
    def decide_again(self, which: int, how: str) -> None:
        """The same decision is told again, and no other one is taken for it."""
        model = self.model[which]
        if model.decision is None:
            return
        message = pb.DecideApplicationRequest()
        message.CopyFrom(model.decision)
        if how == "other request_id":
            message.request_id = new_id()
        elif how == "other words" and model.state == REFUSED:
            message.refuse.en += "!"
        elif how == "other words":
            message.approve.person = new_id().encode()
        reason, answer = self._decide(message)
        assert reason == ("" if how == "again" else "APPLICATION_DECIDED")
        assert answer is None or answer.offer == model.offer

    @rule(which=made)
    def decide_in_vain(self, which: int) -> None:
        """An approval that makes no offer decides nothing."""
        model = self.model[which]
        message = approval(model.name)
        del message.approve.values[0]
        reason, _ = self._decide(message)
        assert reason == ("ATTRIBUTE_MISSING" if model.state == OPEN else "APPLICATION_DECIDED")

    @rule(which=made)
    def look(self, which: int) -> None:
        """The department reads what an application says while it is open, and not after."""
        model, asked = self.model[which], pb.GetApplicationRequest(name=self.model[which].name)
        found = self.granted(lambda: self.stub.GetApplication(asked, metadata=self.department))
        assert (found.state, found.offer) == (model.state, model.offer)
        said = (model.message.grounds, model.message.applicant) if model.state == OPEN else ("", None)
        assert (found.grounds, found.applicant if found.HasField("applicant") else None) == said
        assert found.reason == (text_to(TEXT) if model.state == REFUSED else type(found.reason)())

    @rule()
    def look_at_the_queue(self) -> None:
        """Others' applications may stand there too."""
        names: list[str] = []
        asked = pb.ListApplicationsRequest(parent="departments/police", page_size=500)
        while True:
            page = self.granted(lambda: self.stub.ListApplications(asked, metadata=self.department))
            names += [each.name for each in page.applications]
            if not page.next_page_token:
                break
            asked.page_token = page.next_page_token
        mine = {each.name for each in self.model}
        waiting = [each.name for each in self.model if each.state == OPEN]
        assert [each for each in names if each in mine] == waiting

    @rule(by=st.integers(0, 1))
    def look_at_ones_own(self, by: int) -> None:
        session, asked = self._session(by), pb.ListMyApplicationsRequest(page_size=500)
        page = self.granted(lambda: self.stub.ListMyApplications(asked, metadata=session))
        mine = [each for each in self.model if each.by == by]
        assert [(each.name, each.state, each.offer) for each in page.applications] == [
            (each.name, each.state, each.offer) for each in mine
        ]
        inbox = self.do(self.residents[by].offers(page_size=500))
        waiting = {each.offer for each in mine if each.ends is not None and self.now < each.ends}
        assert {each.name for each in inbox.offers} == waiting

    @rule(days=st.sampled_from((0.01, 1, 16)))
    def wait(self, days: float) -> None:
        self.ahead(dt.timedelta(days=days))
