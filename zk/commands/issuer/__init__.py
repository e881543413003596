"""`zk issuer`: a department registers itself, publishes what requests name, issues and revokes."""

import typer

from zk.commands.issuer import accounts, applications, issue, keys, openid, publish, push, register
from zk.commands.issuer.common import GROUP

__all__ = ["accounts", "add_to", "applications", "issue", "keys", "openid", "publish", "push", "register"]

# Once, however often the program is built in one process.
for _each in (applications.APPLICATIONS, openid.OPENID):
    GROUP.app.add_typer(_each.app)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
