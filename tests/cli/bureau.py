"""Departments at a server of their own, and people and companies with accounts there, by commands."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.city import SECONDS, Person
from tests.cli.conftest import Fresh
from tests.cli.running import Done, Home, start

ITEMS = {
    "public-security": ("id_card@2",),
    "market-regulation": ("business_licence@2", "agent_appointment@1"),
    "civil-affairs": ("guardianship@1",),
    "health": ("vaccination@1", "birth_cert@1"),
}
IDENTIFIERS = {"person": "public-security", "company": "market-regulation"}
AGENT = Person("周晓岚", "370102199503070000")
OTHER = Person("林远航", "370102199311240000")
COMPANY, RIVAL = "91370100MA3C00001X", "91370100MA3C00002X"
DECIDER = "appointments: {item: agent_appointment, identity: id_card@2}\n"
ERRAND = "company-insurance"
LICENCES = """
schema: business_licence@2
database: LICENCES_DATABASE
query: SELECT uscc, district, rep, salt, months FROM licence
record: uscc
subject: {kind: company, column: uscc}
person: uscc
attributes:
  uscc: uscc
  status: {column: district, codes: {历下区: active}}
  established: {column: rep, date: "%Y%m%d"}
  licence_months: {column: months, scale: 0}
  capital: {column: months, scale: 2}
  legal_rep: {column: rep, hash: {salt: salt}}
  district: {column: district, codes: {历下区: "370102"}}
  industry: {column: district, codes: {历下区: G}}
"""
POLICY = """
form: composite
id: company-errand
purpose: {zh: 企业参保登记, en: Insuring a company's staff}
lifetime: 600
register:
  purpose: purposes/company-errand
  legal_basis: {zh: 《社会保险法》第五十七条, en: "Social Insurance Law, article 57"}
  retention_days: 30
branches:
  - id: agent
    queries:
      - id: appointment
        schemas: [departments/market-regulation/schemas/agent_appointment@1]
        shown: [scope_kind, scope]
        expiry: today
        revocation: {max_epoch_age: 2 days}
      - id: licence
        schemas: [departments/market-regulation/schemas/business_licence@2]
        shown: [status]
        expiry: today
        revocation: {max_epoch_age: 2 days}
    predicates:
      - {equal: [appointment.uscc, licence.uscc]}
      - {of: appointment.until, at_least: today}
"""
GUARDIANS = """
form: composite
id: guardians
purpose: {zh: 监护人陪同办理, en: A guardian acts for a child}
lifetime: 600
register:
  purpose: purposes/guardians
  legal_basis: {zh: 《民法典》第三十四条, en: "Civil Code, article 34"}
  retention_days: 30
branches:
  - id: guardian
    queries:
      - id: card
        schemas: [departments/public-security/schemas/id_card@2]
        shown: []
        expiry: today
        revocation: {max_epoch_age: 2 days}
      - id: guardianship
        schemas: [departments/civil-affairs/schemas/guardianship@1]
        shown: []
        expiry: today
        revocation: {max_epoch_age: 2 days}
      - id: vaccination
        schemas: [departments/health/schemas/vaccination@1]
        shown: [complete]
        expiry: today
        revocation: {max_epoch_age: 2 days}
    predicates:
      - {equal: [guardianship.guardian_id, card.id_commit]}
      - {equal: [guardianship.child_id, vaccination.child_id]}
"""


@dataclass
class Bureau:
    """The departments' home at a server of its own, and parties at it."""

    home: Home
    fresh: Fresh
    files: Path
    people: dict[str, Home] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.files / name
        path.write_text(text, "utf-8")
        return path

    def settle(self, number: str, kind: str = "person") -> Home:
        """A home with a vault and an account."""
        home = Home(self.fresh(), self.home.server).trusting()
        home.json("vault", "create")
        self.register(home, number, kind)
        return home

    def register(self, home: Home, number: str, kind: str = "person") -> dict[str, Any]:
        asked = ("issuer", "identify", f"--{kind}", number, "--department", IDENTIFIERS[kind])
        link = self.home.json(*asked)["link"]
        return home.json("vault", "register", link, f"--{kind}", number)

    def resident(self, person: Person) -> Home:
        """A person with an account and an identity card."""
        if person.number not in self.people:
            home = self.settle(person.number)
            values = {"id_commit": person.commitment, "name": person.name}
            file = Path(__file__).parents[2] / "examples" / "values" / "family" / "id_card.yaml"
            self.deliver("id_card@2", person.number, values, "--values", file, "--person", person.number)
            assert self.claimed(home) == ["id_card"]
            self.people[person.number] = home
        return self.people[person.number]

    def deliver(self, item: str, number: str, values: dict[str, str], *more: object) -> dict[str, Any]:
        pairs = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
        return self.home.json("issuer", "issue", item, *pairs, "--to-person", number, *more)

    @staticmethod
    def claimed(home: Home) -> list[str]:
        """Claim the whole inbox; return the items that came, in order of their names."""
        offers = home.json("vault", "inbox", "--claim", "--yes")["offers"]
        return sorted(each["schema"].rpartition("/")[2].partition("@")[0] for each in offers)

    def appoint(self, company: Home, agent: Home, *scope: str, until: str = "2098-12-31") -> str:
        """Appoint an agent and have the department confirm it; return the appointment's name."""
        before = {each["appointment"] for each in company.json("vault", "appointments")["appointments"]}
        code = agent.json("vault", "agent-code")["code"]
        company.json("vault", "appoint", code, "--until", until, "--grounds", "books", *scope)
        self.decide()
        (made,) = [
            each["appointment"]
            for each in company.json("vault", "appointments")["appointments"]
            if each["appointment"] not in before
        ]
        return str(made)

    def decide(self) -> list[str]:
        asked = ("--connector", self.write("decider.yaml", DECIDER), "--department", "market-regulation")
        return [
            each["decision"] for each in self.home.json("issuer", "applications", "run", *asked)["decided"]
        ]

    def licence(self, agent: Home, company: str) -> list[str]:
        """Have the agent apply for the company's licence, and the department's own database decide."""
        agent.json(
            "vault", "apply", "business_licence@2", "--grounds", "to insure staff", "--company", company
        )
        path = self.files / "licences.sqlite3"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS licence (uscc, district, rep, salt, months)")
            row = (company, "历下区", "20200101", "0123456789abcdef", 70)
            connection.execute("INSERT INTO licence VALUES (?, ?, ?, ?, ?)", row)
        self.write("licences.yaml", LICENCES)
        file = self.write(
            "agents.yaml", DECIDER + "records: [{connector: licences.yaml, agents: agent_appointment@1}]\n"
        )
        done = self.home.json(
            "issuer", "applications", "run", "--connector", file, "--department", "market-regulation",
            env={"LICENCES_DATABASE": f"sqlite:///{path}"},
        )  # fmt: skip
        return [each["decision"] for each in done["decided"]]

    def verifier(self, name: str, *policies: Path) -> Home:
        home = Home(self.fresh(), self.home.server).trusting()
        home.json("verifier", "register", name, "--name-zh", "甲", "--name-en", "A", env=home.admin)
        for policy in policies:
            home.json("verifier", "policy", "register", policy, env=home.admin)
        return home


def answered(asker: Home, policy: Path, holder: Home) -> tuple[Done, Done | None]:
    """Ask in a process and answer; the verifier is ended where the vault has not answered."""
    process = start("verifier", "ask", policy, "--json", "--home", asker.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    said = holder.zk("vault", "present", link, "--yes", "--json")
    if said.code != 0:
        process.kill()
        process.communicate(timeout=SECONDS)
        return said, None
    out, err = process.communicate(timeout=SECONDS)
    return said, Done(process.returncode, out, err)


def values_of(done: Done) -> dict[str, Any]:
    """What was shown of each credential."""
    return {each["query"]: each["values"] for each in done.json["credentials"]}
