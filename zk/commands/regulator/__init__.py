"""`zk regulator`: officers make a key and open identities together, anybody checks, figures are shown."""

import typer

from zk.commands.regulator import checking, keys, opening, progress, view
from zk.commands.regulator.common import GROUP, OPEN, SHARE

__all__ = ["add_to", "checking", "keys", "opening", "progress", "view"]

# Once, however often the program is built in one process.
for _each in (SHARE, OPEN):
    GROUP.app.add_typer(_each.app)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
