"""What the commands of `zk issuer` share: the group, options, and how items and departments are found."""

import difflib
from collections.abc import Iterable
from typing import Annotated

import typer

from disclosure import DepartmentName, Schema, SchemaName
from zk import catalogue
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Run
from zk.service import Service

GROUP = Group("issuer")

Item = Annotated[str, typer.Argument(help="help.issuer.item")]
OfDepartment = Annotated[str | None, typer.Option("--department", help="help.issuer.department")]


def unknown_item(item: str, known: Iterable[str]) -> CommandError:
    """Say that there is no such item, and which ones are written much like it."""
    items = sorted(set(known))
    near = difflib.get_close_matches(item.partition("@")[0], items)
    if not items:
        return CommandError(Exit.USAGE, "ITEM_UNKNOWN", "error.items_none", item=item)
    if not near:
        listed = ", ".join(items)
        return CommandError(Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown", item=item, known=listed)
    return CommandError(
        Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown_near", item=item, near=", ".join(near)
    )


def only_department(run: Run) -> str:
    """Return the department whose token is here, if there is just one; CommandError USAGE."""
    here = run.home.departments()
    if not here:
        raise CommandError(Exit.USAGE, "DEPARTMENT_UNCLEAR", "error.department_none")
    if len(here) > 1:
        raise CommandError(Exit.USAGE, "DEPARTMENT_UNCLEAR", "error.department_unclear", here=", ".join(here))
    return here[0]


def chosen_department(run: Run, said: str | None) -> DepartmentName:
    """Return the department that was said, else the only one that is here; CommandError USAGE."""
    return DepartmentName.parse(f"departments/{said or only_department(run)}")


def registered_schema(run: Run, service: Service, item: str, department: str | None) -> Schema:
    """Return the registered schema that an item's name stands for: the newest version if none is said."""
    if "/" in item:
        return service.schema(SchemaName.parse(item))
    identifier, _, version = item.partition("@")
    known = catalogue.builtin().find(identifier)
    items = [each.name.item for each in catalogue.builtin().schemas()]
    if known is None and department is None and len(run.home.departments()) != 1:
        raise unknown_item(item, items)
    owner = department or (known.name.department if known else only_department(run))
    schemas = list(service.schemas(str(DepartmentName.parse(f"departments/{owner}"))))
    found = [
        each for each in schemas if each.name.item == identifier and version in {"", str(each.name.version)}
    ]
    if not found and known is None:
        raise unknown_item(item, [*items, *(each.name.item for each in schemas)])
    if not found:
        raise CommandError(Exit.REFUSED, "SCHEMA_UNKNOWN", "error.schema_unregistered", item=item)
    return max(found, key=lambda each: each.name.version)
