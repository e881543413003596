"""What the commands of `zk catalogue` share."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from disclosure import DepartmentName
from disclosure.names import ItemName
from zk.clients.centre import Listed
from zk.clients.loading import Tokens
from zk.commands.issuer.common import unknown_item
from zk.group import Group
from zk.run import Run
from zk.tokens import ADMIN_TOKEN_VARIABLE, admin_token

GROUP = Group("catalogue")

OfDepartment = Annotated[str | None, typer.Option("--department", help="help.catalogue.department")]


def parent_of(department: str | None) -> str:
    """Return what a listing of one department, or of all, is asked under."""
    return "departments/-" if department is None else str(DepartmentName(department))


def tokens_of(run: Run, admin_file: Path | None) -> Tokens:
    """Return the tokens: a department's own where it is here, else the administrator's."""
    given = admin_file is not None or bool(os.environ.get(ADMIN_TOKEN_VARIABLE))

    def of(name: DepartmentName) -> str:
        if given and not run.home.token_path(name.department).exists():
            return admin_token(admin_file)
        return run.home.token(name.department)

    return Tokens(lambda: admin_token(admin_file), of)


def find_item(items: Iterable[Listed], wanted: str) -> Listed:
    """Return the item of an identifier or a whole name; CommandError ITEM_UNKNOWN with those near it."""
    known: list[str] = []
    for each in items:
        if wanted in {each.item.name.item, str(each.item.name)}:
            return each
        known.append(each.item.name.item)
    raise unknown_item(ItemName.parse(wanted).item if "/" in wanted else wanted, known)
