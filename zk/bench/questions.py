"""Questions whose way from link to verdict is measured: what is asked, and who in the city can answer."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from disclosure import Schema, Value
from verifier import CompositePolicy, PolicyError, parse_policy
from zk.catalogue import builtin
from zk.synthetic import City, records_of

CARD: Final = "id_card"
Papers = Mapping[str, Mapping[str, Any]]
"""Values of credentials, by item and attribute."""
_HEAD: Final = """
form: composite
id: {id}
purpose: {{zh: 入学, en: Admission}}
lifetime: 600
register:
  purpose: purposes/{id}
  legal_basis: {{zh: 测试, en: Test}}
  retention_days: 0
"""
_QUERY: Final = """
      - id: {id}
        schemas: [departments/{department}/schemas/{item}]
        shown: [{shown}]
        expiry: today
        revocation: {{max_epoch_age: 2 days}}"""
_DISTRICT: Final = "in_list: {owner: departments/public-security, code_system: GB/T 2260}"


@dataclass(frozen=True)
class Question:
    """A policy, and a test of the papers that answer it. `label` names the row of its figure."""

    label: str
    text: str
    fits: Callable[[Papers], bool]
    limit: float | None = None

    @property
    def policy(self) -> CompositePolicy:
        """The policy."""
        policy = parse_policy(self.text.encode())
        if not isinstance(policy, CompositePolicy):
            raise PolicyError("the question is of the composite form")
        return policy

    @property
    def schemas(self) -> dict[str, Schema]:
        """The newest schemas of what is asked, and of the identity card that all is issued on."""
        newest = builtin().newest
        return {item: newest[item] for item in (CARD, *(each.item for each in self.policy.schemas))}

    def papers(self) -> dict[str, dict[str, Value]]:
        """Return the papers, by item, of the first in the synthetic city who can answer."""
        city, people = City(400), defaultdict[str, dict[str, dict[str, Value]]](dict)
        children = dict[str, Value]()
        for item, schema in self.schemas.items():
            info = builtin().info(item)
            for record in records_of(city, schema, info.subject) if info is not None else ():
                child = record.values.get("child_id")
                if child is None or children.setdefault(record.number, child) == child:
                    people[record.number].setdefault(item, dict(record.values))
        return next(
            each for each in people.values() if each.keys() == self.schemas.keys() and self.fits(each)
        )


def _policy(name: str, queries: str, *rest: str) -> str:
    return "\n".join(
        [_HEAD.format(id=name), "branches:", "  - id: resident", f"    queries:{queries}", *rest, ""]
    )


SCHOOL: Final = Question(
    "bench.row.school",
    _policy(
        "school-question",
        _QUERY.format(id="permit", department="public-security", item="residence_permit@3", shown="")
        + _QUERY.format(id="insured", department="hrss", item="social_insurance@3", shown=""),
        "    predicates:",
        f"      - {{of: permit.district, {_DISTRICT}}}",
        "      - {of: insured.continuous_since, at_most: 6 months ago}",
        "      - {equal: [permit.id_commit, insured.id_commit]}",
    ),
    lambda papers: (
        papers["social_insurance"]["continuous_since"]
        < dt.datetime.now(dt.UTC).date() - dt.timedelta(days=200)
    ),
    limit=60.0,
)
"""The project's first example: lives in this district, insured without a break for six months."""

ENROLMENT: Final = Question(
    "bench.row.enrolment",
    _policy(
        "enrolment-question",
        _QUERY.format(id="birth", department="health", item="birth_cert@1", shown="child_name, child_number")
        + _QUERY.format(id="guard", department="civil-affairs", item="guardianship@1", shown="")
        + _QUERY.format(id="register", department="public-security", item="household@3", shown=""),
        "    predicates:",
        "      - {of: birth.birth, at_most: 2026-08-31}",
        f"      - {{of: register.district, {_DISTRICT}}}",
        "      - {equal: [birth.child_id, guard.child_id]}",
        "      - {equal: [birth.id_commit, guard.guardian_id, register.id_commit]}",
        "    pseudonyms:",
        "      - {id: child, of: birth.child_secret, scope: enrolment}",
        "unique: [child]",
    ),
    lambda papers: papers["birth_cert"]["birth"] <= dt.date(2026, 8, 31),
)
"""Three credentials of three departments, a child in hiding that may come once."""
