"""`zk ledger init`: make a log's key before its server first runs, so that policies can name it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Answer, Run
from zkservice.beginning import begin
from zkservice.errors import StartError


def add_to(group: Group) -> None:
    """Add the command to those of the ledger."""
    group.command("init")(init)


def init(
    run: Run,
    data: Annotated[Path | None, typer.Option("--data", help="help.serve.data")] = None,
    origin: Annotated[str | None, typer.Option("--origin", help="help.ledger.origin")] = None,
) -> Answer:
    """Make the folder, the database and the log's key; in a folder that has them nothing is changed."""
    given: dict[str, Any] = {"data": data, "log_origin": origin}
    settings = settings_of({name: value for name, value in given.items() if value is not None})
    try:
        key = begin(settings)
    except StartError as error:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=error) from None
    lines = [run.text("ledger.begun", path=settings.data), run.text("witness.key", key=key)]
    return Answer({"data": str(settings.data), "log_key": str(key)}, lines)
