"""The administrator's token, from where an operator keeps it; never an argument."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from zk.exits import CommandError, Exit
from zk.home import read_secret

ADMIN_TOKEN_VARIABLE: Final = "ZK_ADMIN_TOKEN"  # noqa: S105
AdminTokenFile = Annotated[
    Path | None,
    typer.Option("--admin-token-file", envvar="ZK_ADMIN_TOKEN_FILE", help="help.option.admin_token_file"),
]


def admin_token(file: Path | None) -> str:
    """Return it from a file, else from ZK_ADMIN_TOKEN; CommandError USAGE."""
    if file is not None:
        return read_secret(file)
    if token := os.environ.get(ADMIN_TOKEN_VARIABLE):
        return token
    raise CommandError(Exit.USAGE, "ADMIN_TOKEN_MISSING", "error.admin_token_missing")
