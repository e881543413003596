"""Errands: a company's agent insures its staff at two counters at once, a newborn is registered at three."""

import datetime as dt
from typing import Final

from disclosure.application import Scope, ScopeKind
from prover.client.applications import ApplicationClient, agent_code
from prover.vault import Vault
from zk.clients.records import Subject
from zk.connectors.deciding import AppointmentDecider, Approve, ForAgents, decide_all
from zk.demo.refusals import VAULT, refused
from zk.demo.stage import utc_now
from zk.demo.stories.counters import Bureau, Handled
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story, part
from zk.demo.stories.town import ID_CARD, Town, today
from zk.exits import CommandError, Exit
from zk.synthetic import Company, Person
from zk.synthetic.people import Role

AGENT: Final = "agent"
PARENT: Final = "parent"
APPOINTMENT: Final = "agent_appointment@1"
LICENCE: Final = "business_licence@2"
MARKET: Final = "market-regulation"
PLAIN: Final = ("id_card@1", "household@1")
INSURING: Final = {
    "social-insurance": "open-social-insurance-by-agent",
    "medical-insurance": "open-medical-insurance-by-agent",
}
NEWBORN: Final = {"birth": "register-birth", "household": "enter-child", "insurance": "insure-child"}


def cast(registers: Registers) -> Cast:
    """Find a company's bookkeeper, and a parent who is registered here."""
    day = today()
    bookkeeper = next(
        each for each in registers.people.values() if each.role is Role.SPOUSE and _employer(registers, each)
    )
    parent = next(
        each.members[0]
        for each in registers.households(lambda home: home.members[0].native and len(home.parents) == 2)
        if each.members[0].age(day) < 40 and each.members[0] is not bookkeeper
    )
    return Cast({AGENT: Part(bookkeeper, (ID_CARD,)), PARENT: Part(parent, (ID_CARD, *PLAIN))})


def _employer(registers: Registers, person: Person) -> Company | None:
    """Return the company that somebody works for, if it still exists."""
    company = None if person.employer is None else registers.city.company(person.employer)
    return company if company is not None and company.active else None


def play(town: Town, cast: Cast, told: Told) -> None:
    """Play both errands."""
    town.need(APPOINTMENT, LICENCE, *PLAIN)
    cast.furnish(town)
    _company(town, part(cast, AGENT).person, told)
    _newborn(town, part(cast, PARENT).person, told)


def _company(town: Town, agent: Person, told: Told) -> None:
    """Appoint, submit once, end the appointment: from then on the agent's vault has no answer."""
    company = _employer(town.registers, agent)
    if company is None:
        raise CommandError(Exit.UNHEALTHY, "NOBODY_FITS", "error.nobody_fits", part=AGENT)
    vault, own = town.vaults[agent.number], _settled(town, company)
    bureau = Bureau(town, "company-insurance", INSURING)
    applications = ApplicationClient(town.endpoint)
    _appointed(town, applications, own, vault, bureau.bundle.name.bundle)
    told.fact("story.errands.appointed", holds=town.receive(agent) == 2)
    _licensed(town, applications, company, vault)
    told.fact("story.errands.licence", holds=town.receive(agent) == 1)
    day = today()
    forms = {"contact_phone": "053100000000", "employees": 12, "first_month": day.replace(day=1)}
    handled = bureau.handle(vault, forms)
    told.fact(
        "story.errands.company",
        holds=handled.done and all(_may_act(handled, each) for each in INSURING),
        counters=len(handled.uses),
    )
    for each in applications.appointments(own, town.log):
        applications.end(each, own, town.log)
    told.refusals.append(
        refused("story.errands.ended", (VAULT, "NOTHING_FITS"), lambda: bureau.handle(vault, forms))
    )


def _may_act(handled: Handled, part: str) -> bool:
    """Compare, as a counter does, the company of the appointment with that of the licence."""
    appointment, licence = handled.shown[part]
    return bool(appointment["uscc"] == licence["uscc"] and appointment["scope_kind"] == "errand")


def _settled(town: Town, company: Company) -> Vault:
    """Give a company its own vault and account, by a code of the department that licensed it."""
    vault, subject = town.new_vault(f"company-{company.index}"), Subject("company", company.uscc)
    link = town.desk(MARKET).code(subject).link
    town.accounts.register(link, "company", company.uscc, vault, town.log)
    return vault


def _appointed(
    town: Town, applications: ApplicationClient, company: Vault, agent: Vault, errand: str
) -> None:
    """Appoint an agent for one item and one errand; the department sees that the company itself does."""
    code = agent_code(agent, town.endpoint.server, "id_card")
    scopes = [Scope(ScopeKind.ITEM, "business_licence"), Scope(ScopeKind.ERRAND, errand)]
    schema, until = town.registers.schema(APPOINTMENT), today() + dt.timedelta(days=90)
    applications.appoint(schema.name, code, scopes, until, "staff insurance", company, town.log)
    decider = AppointmentDecider("agent_appointment", town.registers.schema(ID_CARD), utc_now)
    for _ in decide_all(town.desk(MARKET), decider, lambda each: town.service.schema(each.schema)):
        pass


def _licensed(town: Town, applications: ApplicationClient, company: Company, agent: Vault) -> None:
    """Apply for the company's licence as its agent; only who shows the appointment can claim it."""
    schema = town.registers.schema(LICENCE)
    values = town.registers.of(LICENCE, company.legal_rep) or {}
    applications.apply(schema, "staff insurance", agent, town.log, company=company.uscc)
    decider = ForAgents(lambda _: Approve(values, None), town.registers.schema(APPOINTMENT))
    for _ in decide_all(town.desk(MARKET), decider, lambda each: town.service.schema(each.schema)):
        pass


def _newborn(town: Town, parent: Person, told: Told) -> None:
    """Submit once for three counters, of which the later ones wait for the earlier."""
    bureau = Bureau(town, "newborn", NEWBORN)
    forms = {"child_name": "小满", "born_on": today() - dt.timedelta(days=3), "weight": 3350,
             "contact_phone": "053100000000"}  # fmt: skip
    handled = bureau.handle(town.vaults[parent.number], forms)
    told.fact(
        "story.errands.newborn",
        holds=handled.done and handled.names("insurance") == {"district"},
        counters=len(handled.uses),
    )


STORY: Final = Story("errands", cast, play)
