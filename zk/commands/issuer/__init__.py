"""`zk issuer`: a department registers itself, publishes what requests name, issues and revokes."""

import typer

from zk.commands.issuer import issue, publish, register
from zk.commands.issuer.common import GROUP

__all__ = ["add_to", "issue", "publish", "register"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
