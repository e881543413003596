"""`zk catalogue`: the resource centre: what there is, found and shown; loading, exporting, ending."""

import typer

from zk.commands.catalogue import deprecate, load, read
from zk.commands.catalogue.common import GROUP

__all__ = ["add_to", "deprecate", "load", "read"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
