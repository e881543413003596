"""What a person is told to do in the demo of the pages: the steps, and what stands in them.

Which page, what to press there by its label, what is to be seen: tests/browser/test_demo_steps.py follows
them by clicking, and knows no label but theirs.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tlog import Verifier
from zk.demo.web import NUMBER, PASSPHRASE, SCHOOL, Seeded
from zk.demo.web_city import CHEAT

STEPS: Final = (
    "web.demo_open", "web.demo_chain", "web.demo_vault", "web.demo_counter", "web.demo_terminal",
    "web.demo_receipt", "web.demo_alarms", "web.demo_enrolment", "web.demo_centre", "web.demo_inbox",
    "web.demo_board", "web.demo_end",
)  # fmt: skip
"""Messages, in the order in which they are followed."""
_FINGERPRINT_OCTETS: Final = 16


@dataclass(frozen=True)
class Doors:
    """Where the pages and the school's site are, and the codes of the counter's clerks and of the centre."""

    address: str
    site: str
    code: str = field(repr=False)
    centre_code: str = field(repr=False)


def named(made: Seeded, doors: Doors) -> dict[str, str]:
    """Return what the steps name, by the names that their messages have for it."""
    (log,), (permit, insurance, licence) = made.around.policy.logs, made.offers
    return vars(doors) | {
        "root": str(made.server.root),
        "fingerprint": fingerprint(log.verifier),
        "permit": permit,
        "insurance": insurance,
        "licence": licence,
        "home": str(made.citizen),
        "passphrase": PASSPHRASE,
        "cheat": CHEAT,
        "school": SCHOOL,
        "account": made.account[0],
        "number": NUMBER,
        "deliver": " ".join(made.deliver),
    }


def fingerprint(key: Verifier) -> str:
    """Return a log's key as the vault's page has people compare it (web/pages/src/vault/trusting.ts)."""
    digits = hashlib.sha256(str(key).encode()).digest()[:_FINGERPRINT_OCTETS].hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
