"""`zk issuer`: a department registers itself, publishes what requests name, issues and revokes."""

import typer

from zk.commands.issuer import accounts, applications, issue, keys, openid, publish, push, register
from zk.commands.issuer.common import GROUP

__all__ = ["accounts", "add_to", "applications", "issue", "keys", "openid", "publish", "push", "register"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    GROUP.app.add_typer(applications.APPLICATIONS.app)
    GROUP.app.add_typer(openid.OPENID.app)
    app.add_typer(GROUP.app)
