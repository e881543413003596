"""The two kinds of use that are measured: of one credential, and of three."""

from dataclasses import replace
from typing import Final

from zk.bench.questions import ENROLMENT, Question

ONE: Final = Question(
    "one",
    """
form: composite
id: district-question
purpose: {zh: 入园, en: Admission to a park}
lifetime: 600
register:
  purpose: purposes/district-question
  legal_basis: {zh: 测试, en: Test}
  retention_days: 0
branches:
  - id: resident
    queries:
      - id: permit
        schemas: [departments/public-security/schemas/residence_permit@3]
        shown: []
        expiry: today
        revocation: {max_epoch_age: 2 days}
    predicates:
      - of: permit.district
        in_list: {owner: departments/public-security, code_system: GB/T 2260}
""",
    lambda _: True,
)
"""Lives in this city: one credential, a district out of a list, not revoked, not expired."""

THREE: Final = replace(ENROLMENT, label="three")
"""A school enrolment: credentials of three departments, tied in hiding, and a child that comes once."""

KINDS: Final = (ONE, THREE)
