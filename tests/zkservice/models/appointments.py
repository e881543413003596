"""Appointments: two companies appoint two agents, a department decides on each part, they end; days go by.

What nobody has claimed is void with the appointment, and what the agent holds is revoked with it. Lists of
revocations get no epochs by themselves here: a day that goes by leaves nothing on the log.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from disclosure import civil_date
from tests.zkservice.cases_applications import (
    APPOINTMENT,
    appointing,
    company_of,
    ending,
    furnished,
    refusing,
)
from tests.zkservice.holding import Claiming, Holder, get_offer
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.residents import Resident, accounts, applications, appointments
from tests.zkservice.revoking import Office
from tests.zkservice.support import new_id
from wire.convert import date_to, values_to
from zkproto.v1 import account_pb2, issuance_pb2
from zkproto.v1 import application_pb2 as pb
from zkproto.v1 import appointment_pb2 as appointing_pb

OPEN, APPROVED, REFUSED, CANCELLED = (
    pb.Application.STATE_OPEN,
    pb.Application.STATE_APPROVED,
    pb.Application.STATE_REFUSED,
    pb.Application.STATE_CANCELLED,
)
SCOPES: Final = ("business_licence", "tax_return")
SWEPT_SECONDS: Final = 20.0
_two: Final = st.integers(0, 1)


@dataclass
class Part:
    """What the application for an element of a scope has to be."""

    scope: str
    name: str
    state: Any = OPEN
    offer: Any = None
    claiming: Claiming | None = None
    """The agent's answer to the offer's terms, once it has got them."""
    answer: Any = None


@dataclass
class Appointed:
    """What an appointment has to be."""

    by: int
    agent: int
    message: appointing_pb.AppointAgentRequest
    answer: appointing_pb.AppointAgentResponse
    until: dt.date
    parts: list[Part]
    ended: bool = False
    end: Any = None
    """The call that has ended it, with its answer."""

    @property
    def name(self) -> str:
        return self.answer.appointment

    @property
    def claimed(self) -> list[Part]:
        return [each for each in self.parts if each.answer is not None]


async def _no_epoch(_: Any) -> None:
    """Make none."""


class Appointments(Machine):
    """Each rule is one call, or one and the same again, or what an agent's vault does with an offer."""

    made: Bundle[int] = Bundle("made")
    longest = dt.timedelta(days=25)  # no offer ends meanwhile: that is the model of offers

    @classmethod
    def home(cls, **settings: Any) -> Running:
        """Start a server of a department that decides on appointments."""
        silent = {"zkservice.services.revocation.RevocationService.renew": _no_epoch}
        running = Running(patches=silent, **settings)
        running.do(furnished(running.town))
        return running

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.stub, self.applications = appointments(self.town), applications(self.town)
        self.department = self.town.bearer(self.town.department_token)
        self.office = self.do(Office.open(self.town, "police", self.town.department_token))
        self.companies = [self.do(company_of(self.town)) for _ in range(2)]
        self.agents = [self.do(Resident.settle(self.town)) for _ in range(2)]
        self.vaults = [Holder(self.town) for _ in range(2)]
        self.people = [new_id().encode() for _ in range(2)]
        self.model: list[Appointed] = []
        self.entries = server.entries()

    def teardown(self) -> None:
        """End what goes on: its last day would come during another run."""
        for model in self.model:
            if not model.ended:
                self._end(ending(model.name), self.companies[model.by])

    def _session(self, party: Resident) -> Any:
        return self.do(party.session())

    def _appoint(self, message: appointing_pb.AppointAgentRequest, by: Resident) -> tuple[str, Any]:
        session = self._session(by)
        return self.told(lambda: self.stub.AppointAgent(message, metadata=session))

    @rule(target=made, by=_two, agent=_two, days=st.sampled_from((0, 2, 2, 60)), count=st.integers(1, 2))
    def appoint(self, by: int, agent: int, days: int, count: int) -> int:
        until = civil_date(self.now) + dt.timedelta(days=days)
        kind = appointing_pb.Scope.KIND_ITEM
        message = appointing(
            self.companies[by],
            self.agents[agent],
            scopes=[appointing_pb.Scope(kind=kind, scope=each) for each in SCOPES[:count]],
            until=date_to(until),
            nonce=secrets.token_bytes(16),
        )
        reason, answer = self._appoint(message, self.companies[by])
        assert reason == ""
        self.entries += 1
        model = Appointed(by, agent, message, answer, until, [])
        model.parts = [Part(scope, self._part_of(model, scope)) for scope in SCOPES[:count]]
        self.model.append(model)
        return len(self.model) - 1

    def _part_of(self, model: Appointed, scope: str) -> str:
        """Return the name of the one new application that says what the agent may do."""
        known = {part.name for each in self.model for part in each.parts}
        new = [each.name for each in self._applied_for(model.by) if each.name not in known]
        wanted = list(values_to(APPOINTMENT, self._values(model, scope).items()))
        found = [each for each in new if list(self._read(each).values) == wanted]
        assert len(new) == len(model.message.scopes)
        (name,) = found
        assert self._read(name).for_another
        return name

    def _applied_for(self, by: int) -> Sequence[pb.Application]:
        asked, session = pb.ListMyApplicationsRequest(page_size=500), self._session(self.companies[by])
        page = self.granted(lambda: self.applications.ListMyApplications(asked, metadata=session))
        return page.applications  # type: ignore[no-any-return]

    def _read(self, name: str) -> pb.Application:
        asked = pb.GetApplicationRequest(name=name)
        return self.granted(  # type: ignore[no-any-return]
            lambda: self.applications.GetApplication(asked, metadata=self.department)
        )

    def _values(self, model: Appointed, scope: str) -> dict[str, Any]:
        return {
            "id_commit": model.message.agent_commit,
            "uscc": self.companies[model.by].who.number,
            "scope_kind": "item",
            "scope": scope,
            "until": model.until,
        }

    @rule(target=made, by=_two, agent=_two, days=st.sampled_from((0, 2)))
    def appoint_and_claim(self, by: int, agent: int, days: int) -> int:
        which: Any = self.appoint(by, agent, days, 1)
        self.decide(which, 0, approved=True)
        self.claim(which, 0)
        return int(which)

    @rule(which=made, how=st.sampled_from(("again", "other grounds", "another company", "the agent")))
    def appoint_again(self, which: int, how: str) -> None:
        """The same call has the same answer, whatever became of it, until its last day is over."""
        model, message = self.model[which], appointing_pb.AppointAgentRequest()
        message.CopyFrom(model.message)
        by = {"another company": self.companies[1 - model.by], "the agent": self.agents[model.agent]}
        late = "VALUE_INVALID" if civil_date(self.now) > model.until else ""
        if how == "other grounds":
            message.grounds += " At once."
        reason, answer = self._appoint(message, by.get(how, self.companies[model.by]))
        expected = {"again": late, "other grounds": late or "REQUEST_ID_REUSED"}
        assert reason == expected.get(how, "SUBJECT_MISMATCH")
        assert answer in (None, model.answer)

    def _part(self, which: int, place: int) -> tuple[Appointed, Part]:
        model = self.model[which]
        return model, model.parts[place % len(model.parts)]

    @rule(which=made, place=_two, approved=st.sampled_from((True, True, False)))
    def decide(self, which: int, place: int, approved: bool) -> None:
        """Its approval lays an offer into the agent's inbox."""
        model, part = self._part(which, place)
        message = refusing(part.name)
        if approved:
            message = pb.DecideApplicationRequest(name=part.name, request_id=new_id())
            message.approve.values.extend(values_to(APPOINTMENT, self._values(model, part.scope).items()))
            message.approve.person = self.people[model.agent]
        decide = partial(self.applications.DecideApplication, message)
        assert self.told(partial(decide, metadata=self._session(self.companies[model.by])))[0] == (
            "TOKEN_INVALID"
        ), "a company does not approve its own"
        reason, answer = self.told(partial(decide, metadata=self.department))
        assert reason == ("" if part.state == OPEN else "APPLICATION_DECIDED")
        if reason:
            return
        part.state = APPROVED if approved else REFUSED
        if approved:
            waiting = {each.name: each for each in self._waiting(model.agent)}
            part.offer = waiting[answer.offer]

    def _waiting(self, agent: int) -> Sequence[account_pb2.DeliveredOffer]:
        return self.do(self.agents[agent].offers(page_size=500)).offers

    @rule(which=made, place=_two)
    def get(self, which: int, place: int) -> None:
        """The agent's vault looks at an offer, and prepares its claim."""
        model, part = self._part(which, place)
        if part.offer is None or part.claiming is not None:
            return
        made = issuance_pb2.IssueCredentialResponse(offer=part.offer.name, claim_code=part.offer.claim_code)
        assert self.told(lambda: get_offer(self.town, made))[0] == ("OFFER_EXPIRED" if model.ended else "")
        if not model.ended:
            part.claiming = self.do(self.vaults[model.agent].commit(made, APPOINTMENT))

    @rule(which=made, place=_two)
    def claim(self, which: int, place: int) -> None:
        """The same claim has the same answer, also when what it gave is revoked."""
        self.get(which, place)
        model, part = self._part(which, place)
        claiming = part.claiming
        if claiming is None:
            return
        reason, answer = self.told(lambda: claiming.send(self.town))
        assert reason == ("OFFER_EXPIRED" if model.ended and part.answer is None else "")
        if reason == "":
            assert part.answer in (None, answer)
            part.answer = answer

    @rule(which=made, place=_two, company=st.booleans())
    def cancel(self, which: int, place: int, company: bool) -> None:
        """The company takes back what is not decided; it is not the agent's to take back."""
        model, part = self._part(which, place)
        session = self._session(self.companies[model.by] if company else self.agents[model.agent])
        asked = pb.CancelApplicationRequest(name=part.name)
        reason, _ = self.told(lambda: self.applications.CancelApplication(asked, metadata=session))
        if not company:
            assert reason == "NOT_FOUND"
        elif part.state in (OPEN, CANCELLED):
            assert reason == ""
            part.state = CANCELLED
        else:
            assert reason == "APPLICATION_DECIDED"

    def _end(self, message: appointing_pb.EndAppointmentRequest, by: Resident) -> tuple[str, Any]:
        session = self._session(by)
        return self.told(lambda: self.stub.EndAppointment(message, metadata=session))

    @rule(which=made, who=st.sampled_from(("company", "company", "another company", "agent")))
    def end(self, which: int, who: str) -> None:
        model = self.model[which]
        message = ending(model.name)
        others = {"another company": self.companies[1 - model.by], "agent": self.agents[model.agent]}
        reason, answer = self._end(message, others.get(who, self.companies[model.by]))
        if who in others:
            assert reason == "NOT_FOUND"
            return
        assert reason == ("APPOINTMENT_ENDED" if model.ended else "")
        if reason == "":
            model.end = message, answer
            self.entries += 1
            self._has_ended([model])
            assert self.do(self._told_ended()) == self._ended(), "what it gave is revoked when it is answered"

    @rule(which=made)
    def end_again(self, which: int) -> None:
        """The same call has the same receipt."""
        model = self.model[which]
        if model.end is not None:
            message, answer = model.end
            assert self._end(message, self.companies[model.by]) == ("", answer)

    def _has_ended(self, models: Sequence[Appointed]) -> None:
        """Note that appointments have ended at once: with what was claimed there is one epoch more."""
        for model in models:
            model.ended = True
            for part in model.parts:
                part.state = CANCELLED if part.state == OPEN else part.state
        self.entries += any(model.claimed for model in models)

    def _ended(self) -> tuple[set[str], int]:
        ended = [each for each in self.model if each.ended]
        return {each.name for each in ended}, sum(len(each.claimed) for each in ended)

    async def _told_ended(self) -> tuple[set[str], int]:
        """Return what companies are told to have ended, and how many handles everybody reads as revoked."""
        ended = set[str]()
        for company in self.companies:
            ended |= {each.name for each in await self._listed(company) if each.HasField("end_time")}
        return ended, (await self.office.epoch()).position.count

    async def _listed(self, party: Resident) -> Sequence[appointing_pb.Appointment]:
        asked = appointing_pb.ListAppointmentsRequest(page_size=500)
        answer = await self.stub.ListAppointments(asked, metadata=await party.session())
        return answer.appointments  # type: ignore[no-any-return]

    @rule(by=_two)
    def look(self, by: int) -> None:
        """A company reads its own, in their order, and how far each part is; an agent has none."""
        listed = self.do(self._listed(self.companies[by]))
        mine = [each for each in self.model if each.by == by]
        assert [(each.name, each.agent, each.until, each.HasField("end_time")) for each in listed] == [
            (each.name, self.agents[each.agent].account, date_to(each.until), each.ended) for each in mine
        ]
        assert [[(part.scope.scope, part.state) for part in each.elements] for each in listed] == [
            [(part.scope, part.state) for part in each.parts] for each in mine
        ]
        states = {each.name: each.state for each in self._applied_for(by)}
        assert states == {part.name: part.state for each in mine for part in each.parts}
        assert not self.do(self._listed(self.agents[by]))

    @rule(agent=_two)
    def look_into_the_inbox(self, agent: int) -> None:
        """An agent finds what may be claimed, and was told of each end once."""
        mine = [each for each in self.model if each.agent == agent]
        offered = [part for each in mine if not each.ended for part in each.parts if part.offer is not None]
        waiting = {each.name for each in self._waiting(agent)}
        assert waiting == {part.offer.name for part in offered if part.answer is None}
        session, asked = self._session(self.agents[agent]), account_pb2.WatchInboxRequest()
        arrived = self.first(lambda: accounts(self.town).WatchInbox(asked, metadata=session)).arrivals
        ends = [each.about for each in arrived if each.kind == account_pb2.Arrival.KIND_APPOINTMENT]
        assert sorted(ends) == sorted(each.name for each in mine if each.ended)

    @rule()
    def look_what_is_revoked(self) -> None:
        gone = {int.from_bytes(part.answer.handle) for m in self.model if m.ended for part in m.claimed}
        assert (set(self.do(self.office.page()).handles) if gone else set()) == gone

    @rule(days=st.sampled_from((1, 3)))
    def wait(self, days: int) -> None:
        """After its last day an appointment ends by itself, as the company would have ended it."""
        if not self.ahead(dt.timedelta(days=days)):
            return
        over = [each for each in self.model if not each.ended and civil_date(self.now) > each.until]
        if over:
            self._has_ended(over)
            self.do(self._swept())

    async def _swept(self) -> None:
        late = asyncio.get_running_loop().time() + SWEPT_SECONDS
        while await self._told_ended() != self._ended():
            assert asyncio.get_running_loop().time() < late, "what is over goes on"
            await asyncio.sleep(0.05)
