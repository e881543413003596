"""A city of the composite form at a server of its own: departments publish, issue and revoke by commands."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.running import EXAMPLES, VALUES, Done, Home, start
from zk.local_server import LocalServer

ITEMS = {
    "public-security": ("id_card@2", "household@2", "child_registration@1", "residence_permit@2"),
    "hrss": ("social_insurance@2",),
    "tax": ("income_tax@1",),
    "housing-fund": ("housing_fund@2",),
    "natural-resources": ("real_estate@2",),
}
AUTHORITY = "big-data"
LOAN = ("social_insurance@2", "income_tax@1", "real_estate@2", "housing_fund@2")
REGULATOR = "finance"
POLICIES = EXAMPLES / "policies"
SECONDS = 60


@dataclass(frozen=True)
class Person:
    """Somebody invented: a name, a number and what it is committed to."""

    name: str
    number: str

    @property
    def commitment(self) -> str:
        return hashlib.sha256(b"salt" + self.number.encode()).hexdigest()

    @property
    def identified(self) -> tuple[str, ...]:
        """What an issue command says of whose the credential will be."""
        return ("--requires", "id_card@2", f"id_commit={self.commitment}")


MOTHER = Person("周晓岚", "370102199503070000")
FATHER = Person("林远航", "370102199311240000")


@dataclass
class City:
    """The departments' home; `secrets` has the file that each item's secret is kept in."""

    home: Home
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, server: LocalServer, path: Path) -> "City":
        """Register all departments, each with schemas, key, accumulator and digits, and the authority."""
        home = Home(path, server).trusting()
        for department in (*ITEMS, AUTHORITY):
            home.json("issuer", "register", department, env=home.admin)
            home.json("issuer", "digits", "--department", department)
            for item in ITEMS.get(department, ()):
                home.json("issuer", "schema", item)
            if department in ITEMS:
                home.json("issuer", "key", "--department", department)
                home.json("issuer", "accumulator", "--department", department)
        return cls(home)

    def offer(self, item: str, person: Person, *more: object) -> dict[str, Any]:
        """Issue an item to a person; the same child or home has the same secret in all that name it."""
        pairs, identified = {"id_commit": person.commitment}, person.identified
        if item == "id_card@2":
            pairs["name"], identified = person.name, ("--person", person.number)
        if item in self.secrets:
            pairs["child_secret" if item == "child_registration@1" else "home_secret"] = self.secrets[item]
        values = [part for name, value in pairs.items() for part in ("-v", f"{name}={value}")]
        file = VALUES / "family" / f"{item.partition('@')[0]}.yaml"
        offered = self.home.json("issuer", "issue", item, "--values", file, *values, *identified, *more)
        for path in offered["secrets"].values():
            self.secrets[item] = f"@{path}"
        return offered

    def holder(self, path: Path, person: Person, *items: str) -> Home:
        """A home with a vault that has the identity card and these items."""
        home = Home(path, self.home.server).trusting()
        home.json("vault", "create")
        for item in ("id_card@2", *items):
            home.json("vault", "claim", self.offer(item, person)["link"], "--yes")
        return home

    def verifier(self, path: Path, name: str, *policies: str) -> Home:
        """A home with a registered verifier that may ask by these policies; by that of enrolment if none."""
        home = Home(path, self.home.server).trusting()
        home.json("verifier", "register", name, "--name-zh", "甲", "--name-en", "A", env=home.admin)
        for policy in policies or ("enrolment",):
            home.json("verifier", "policy", "register", POLICIES / f"{policy}.yaml", env=home.admin)
        return home


def answered(asker: Home, policy: str, holder: Home, *more: object) -> tuple[Done, Done]:
    """Ask in a process, answer, and return how both ended: holder, verifier."""
    process = start("verifier", "ask", POLICIES / f"{policy}.yaml", "--json", "--home", asker.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    said = holder.zk("vault", "present", link, "--yes", "--json", *more)
    if said.code != 0:
        process.kill()
    out, err = process.communicate(timeout=SECONDS)
    return said, Done(process.returncode, out, err)


@dataclass(frozen=True)
class Officers:
    """Two officers of a regulator, who open out of a record together."""

    first: Home
    second: Home

    def combined(self, record: object, case: str, *evidence: object) -> str:
        """Have both make their parts, and return the file of both."""
        at = [record] if record else []
        parts = [
            each.json("regulator", "open", "part", *at, "--case", case, *evidence)["part"]
            for each in (self.second, self.first)
        ]
        both: str = self.first.json("regulator", "open", "combine", *parts, *at, *evidence)["opening"]
        return both

    def open(self, record: object, case: str, *more: object) -> dict[str, Any]:
        """Open an identity, and return what the record of it says."""
        both = self.combined(record, case)
        return self.first.json("regulator", "open", "record", both, record, *more)
