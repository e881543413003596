"""`zk vault`: a holder keeps credentials, sees what is asked, consents, proves, and keeps the receipts."""

import typer

from zk.commands.vault import credentials, handovers, openings, present, trust, uses, witnesses
from zk.commands.vault.common import GROUP

__all__ = ["add_to", "credentials", "handovers", "openings", "present", "trust", "uses", "witnesses"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
