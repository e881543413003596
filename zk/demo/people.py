"""Who takes part in the demo and what is said of whom. Everybody is invented."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from disclosure import LocalizedText, Value, VerifierName

ID_CARD: Final = "id_card@2"
CHILD: Final = "child_registration@1"
HOUSEHOLD: Final = "household@2"
PERMIT: Final = "residence_permit@2"
INSURANCE: Final = "social_insurance@2"
TAX: Final = "income_tax@1"
ESTATE: Final = "real_estate@2"
FUND: Final = "housing_fund@2"
ITEMS: Final = (ID_CARD, CHILD, HOUSEHOLD, PERMIT, INSURANCE, TAX, ESTATE, FUND)
MOTHERS: Final = (CHILD, HOUSEHOLD, INSURANCE, TAX, ESTATE, FUND)
"""What the first parent has besides the identity card: all that school and bank ask for."""
FATHERS: Final = (CHILD, PERMIT, INSURANCE)
"""What the second parent has: the other way to enrol the same child."""
DISTRICT: Final = "370102"
OTHER_DISTRICT: Final = "370103"
CASE: Final = "2026-17"


@dataclass(frozen=True)
class Asker:
    """A verifier of the demo; `policy` is the example that it registers and asks by."""

    name: VerifierName
    display_name: LocalizedText
    policy: str = "enrolment"


SCHOOL: Final = Asker(VerifierName("lixia-school-3"), LocalizedText("历下区第三小学", "Lixia No. 3 School"))
OTHER_SCHOOL: Final = Asker(VerifierName("other-school"), LocalizedText("另一所学校", "Another School"))
BANK: Final = Asker(VerifierName("qilu-bank-9"), LocalizedText("泉城第九银行", "Bank No. 9"), "loan")
ASKERS: Final = (SCHOOL, OTHER_SCHOOL, BANK)
REGULATOR: Final = "finance"
REGULATOR_NAME: Final = LocalizedText("金融监管局", "Financial Regulator")


@dataclass(frozen=True)
class Person:
    """A parent; departments know the number by a salted hash, the same in everything about the person."""

    name: str
    number: str
    birth: dt.date
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def number_hash(self) -> bytes:
        """The salted hash of the person's number."""
        return hashlib.sha256(b"zk-disclosure/demo-number/v1\x00" + self.salt + self.number.encode()).digest()


@dataclass(frozen=True)
class Family:
    """Two parents with one child and one home; the secrets of both are the departments', who keep them."""

    mother: Person = field(
        default_factory=lambda: Person("周晓岚", "370102199503070000", dt.date(1995, 3, 7)), repr=False
    )
    father: Person = field(
        default_factory=lambda: Person("林远航", "370102199311240000", dt.date(1993, 11, 24)), repr=False
    )
    child_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    home_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def values(self, item: str, person: Person) -> Mapping[str, Value]:
        """What a department says of a person."""
        said: dict[str, dict[str, Value]] = {
            ID_CARD: {"name": person.name, "birth": person.birth},
            CHILD: {
                "birth": dt.date(2020, 2, 29), "district": DISTRICT, "child_secret": self.child_secret,
            },
            HOUSEHOLD: {"district": DISTRICT, "since": dt.date(2012, 5, 1), "relation": "head"},
            PERMIT: {"district": DISTRICT, "continuous_since": dt.date(2021, 9, 1), "months": 60},
            INSURANCE: {
                "status": "paying", "continuous_since": dt.date(2020, 7, 1), "months": 76, "base": 856_400,
            },
            TAX: {"annual_income": 18_200_000, "arrears": 0, "year": 2025},
            ESTATE: {
                "district": DISTRICT, "area": 96, "mortgaged": False, "home_secret": self.home_secret,
            },
            FUND: {"months": 70, "monthly": 205_500},
        }  # fmt: skip
        return {"id_commit": person.number_hash, **said[item]}

    def secrets(self) -> dict[str, tuple[bytes, ...]]:
        """What must be found nowhere: names, numbers, secrets, in the forms in which they could leak."""
        found: dict[str, tuple[bytes, ...]] = {}
        for who, person in (("first parent", self.mother), ("second parent", self.father)):
            hashed = person.number_hash
            found[f"name of the {who}"] = (person.name.encode(), person.name.encode("utf-16-le"))
            found[f"number of the {who}"] = (person.number.encode(), hashed, hashed.hex().encode())
        for what, secret in (("child", self.child_secret), ("home", self.home_secret)):
            found[f"secret of the {what}"] = (secret, secret.hex().encode())
        return found
