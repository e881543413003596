"""`zk verifier`: a relying party registers with its policies, asks by one, verifies, and keeps the record."""

import typer

from zk.commands.verifier import (
    anchoring,
    asking,
    consents,
    deliveries,
    errands,
    keeping,
    openid,
    policies,
    records,
    w3c,
)
from zk.commands.verifier.common import GROUP
from zk.commands.verifier.consents import CONSENTS
from zk.commands.verifier.deliveries import DELIVERIES
from zk.commands.verifier.errands import ERRANDS
from zk.commands.verifier.openid import OPENID
from zk.commands.verifier.policies import POLICIES

__all__ = [
    "add_to",
    "anchoring",
    "asking",
    "consents",
    "deliveries",
    "errands",
    "keeping",
    "openid",
    "policies",
    "records",
    "w3c",
]

# Once, however often the program is built in one process.
for _each in (POLICIES, CONSENTS, DELIVERIES, ERRANDS, w3c.W3C, OPENID):
    GROUP.app.add_typer(_each.app)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
