"""Who takes part in the demo and what is said of whom. Everybody is invented."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from disclosure import LocalizedText, Value, VerifierName

PERMIT: Final = "residence_permit"
INSURANCE: Final = "social_insurance"
HOLDER_NAME: Final = "周晓岚"
HOLDER_NUMBER: Final = "370102199503070000"
DISTRICT: Final = "370102"
OTHER_DISTRICT: Final = "370103"
BASE_IN_FEN: Final = 856_400


@dataclass(frozen=True)
class Asker:
    """A verifier of the demo."""

    name: VerifierName
    display_name: LocalizedText


SCHOOL: Final = Asker(VerifierName("lixia-school-3"), LocalizedText("历下区第三小学", "Lixia No. 3 School"))
OTHER_SCHOOL: Final = Asker(VerifierName("other-school"), LocalizedText("另一所学校", "Another School"))
BANK: Final = Asker(VerifierName("qilu-bank-9"), LocalizedText("泉城第九银行", "Bank No. 9"))
ASKERS: Final = (SCHOOL, OTHER_SCHOOL, BANK)


@dataclass(frozen=True)
class Holder:
    """What two departments say of the holder; the number stands there as a salted hash."""

    salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def number_hash(self) -> bytes:
        """The salted hash of the holder's number."""
        return hashlib.sha256(
            b"zk-disclosure/demo-number/v1\x00" + self.salt + HOLDER_NUMBER.encode()
        ).digest()

    def permit(self) -> dict[str, Value]:
        """What the residence permit says."""
        return {
            "name": HOLDER_NAME,
            "number": self.number_hash,
            "district": DISTRICT,
            "continuous_since": dt.date(2021, 9, 1),
            "valid_until": dt.date(2029, 8, 31),
        }

    def insurance(self) -> dict[str, Value]:
        """What the social insurance record says."""
        return {
            "status": "paying",
            "continuous_since": dt.date(2020, 7, 1),
            "base": BASE_IN_FEN,
            "employer": "91370100MA3XXXXX0A",
            "pension_months": 76,
            "unemployed_claim": False,
        }

    def secrets(self) -> dict[str, tuple[bytes, ...]]:
        """What must be found nowhere: name and number, in the forms in which they could leak."""
        return {
            "name": (HOLDER_NAME.encode(), HOLDER_NAME.encode("utf-16-le")),
            "number": (HOLDER_NUMBER.encode(), self.number_hash, self.number_hash.hex().encode()),
        }
