"""`zk vault`: a holder keeps credentials, sees what is asked, consents, proves, and keeps the receipts."""

import typer

from zk.commands.vault import (
    account,
    anchoring,
    applications,
    consents,
    credentials,
    deliveries,
    errands,
    handovers,
    openid,
    openings,
    present,
    recovery,
    trust,
    uses,
    w3c,
    witnesses,
)
from zk.commands.vault.common import GROUP

__all__ = [
    "account",
    "add_to",
    "anchoring",
    "applications",
    "consents",
    "credentials",
    "deliveries",
    "errands",
    "handovers",
    "openid",
    "openings",
    "present",
    "recovery",
    "trust",
    "uses",
    "w3c",
    "witnesses",
]

# Once, however often the program is built in one process.
for _each in (consents.CONSENTS, deliveries.DELIVERIES, errands.ERRANDS, w3c.W3C, openid.OPENID):
    GROUP.app.add_typer(_each.app)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
