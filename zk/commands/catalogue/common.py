"""What the commands of `zk catalogue` share."""

from typing import Annotated

import typer

from disclosure import DepartmentName
from zk.group import Group

GROUP = Group("catalogue")

OfDepartment = Annotated[str | None, typer.Option("--department", help="help.catalogue.department")]


def parent_of(department: str | None) -> str:
    """Return what a listing of one department, or of all, is asked under."""
    return "departments/-" if department is None else str(DepartmentName(department))
