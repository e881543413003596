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


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    GROUP.app.add_typer(consents.CONSENTS.app)
    GROUP.app.add_typer(deliveries.DELIVERIES.app)
    GROUP.app.add_typer(errands.ERRANDS.app)
    GROUP.app.add_typer(w3c.W3C.app)
    GROUP.app.add_typer(openid.OPENID.app)
    app.add_typer(GROUP.app)
