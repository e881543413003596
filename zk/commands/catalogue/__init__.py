"""`zk catalogue`: the resource centre: what there is, found and shown; loading and exporting it."""

import typer

from zk.commands.catalogue import load, read
from zk.commands.catalogue.common import GROUP

__all__ = ["add_to", "load", "read"]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)
