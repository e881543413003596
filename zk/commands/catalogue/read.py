"""What the catalogue holds: listed, searched, shown, exported."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from disclosure import Schema
from zk.clients.centre import Centre, Listed
from zk.commands.catalogue.common import GROUP, OfDepartment, find_item, parent_of
from zk.run import Answer, Run


@GROUP.command("list", remote=True)
def list_all(run: Run, department: OfDepartment = None) -> Answer:
    """List the items of a department, or of all."""
    with Centre(run.endpoint) as centre:
        names = {str(each.name): each.display_name for each in centre.departments()}
        found = list(centre.items(parent_of(department)))
    lines: list[str] = []
    before = ""
    for each in found:
        owner = f"departments/{each.item.name.department}"
        if owner != before:
            lines.append(f"{run.local(names[owner])}  {owner}")
        before = owner
        lines.append(f"  {item_line(run, each)}")
    return Answer({"items": list(map(item_data, found))}, lines or [run.text("catalogue.nothing")])


@GROUP.command("search", remote=True)
def search(
    run: Run,
    word: Annotated[list[str], typer.Argument(metavar="WORD...", help="help.catalogue.word")],
    department: OfDepartment = None,
) -> Answer:
    """Find the items that have every one of some words in their names, attributes or departments."""
    with Centre(run.endpoint) as centre:
        found = list(centre.search(" ".join(word), parent_of(department)))
    lines = [item_line(run, each) for each in found]
    return Answer({"items": list(map(item_data, found))}, lines or [run.text("catalogue.nothing")])


@GROUP.command("show", remote=True)
def show(
    run: Run,
    item: Annotated[str, typer.Argument(help="help.catalogue.item")],
) -> Answer:
    """Show an item: what is told of it, and the attributes of its newest version."""
    with Centre(run.endpoint) as centre:
        found = find_item(centre.items(), item)
        schema = centre.schema(found.newest) if found.newest else None
    lines = [item_line(run, found), *_told(run, found), *(_attributes(run, schema) if schema else ())]
    attributes = [_attribute(each) for each in schema.attributes] if schema else []
    return Answer({**item_data(found), "attributes": attributes}, lines)


@GROUP.command("export", remote=True)
def export(
    run: Run,
    out: Annotated[Path | None, typer.Option("--out", help="help.catalogue.out")] = None,
) -> Answer:
    """Write everything that the catalogue holds, one line of JSON a record."""
    with Centre(run.endpoint) as centre:
        if out is None:
            return Answer({"records": _write(centre.export(), sys.stdout)})
        with out.open("w", encoding="utf-8", newline="\n") as file:
            count = _write(centre.export(), file)
    return Answer(
        {"records": count, "file": str(out)}, [run.text("catalogue.exported", count=count, path=out)]
    )


def _write(lines: Iterable[str], file: TextIO) -> int:
    count = 0
    for line in lines:
        file.write(line + "\n")
        count += 1
    return count


def item_line(run: Run, each: Listed) -> str:
    """Return the line that a list has for an item."""
    ended = f"  {run.text('catalogue.deprecated')}" if each.deprecated else ""
    version = f"@{each.newest.version}" if each.newest else ""
    return f"{each.item.name.item}{version}  {run.local(each.item.display_name)}{ended}"


def _told(run: Run, each: Listed) -> list[str]:
    item = each.item
    lines = [
        run.text(f"catalogue.about.{item.subject.value}", name=item.name),
        run.text(f"catalogue.sensitivity.{item.sensitivity.value}"),
        run.text("catalogue.validity", days=item.validity_days),
        run.text(f"catalogue.refresh.{item.refresh.value}", days=item.refresh_days),
        run.text("catalogue.applicable" if item.applicable else "catalogue.offered"),
        run.text("catalogue.source", source=run.local(item.source)),
    ]
    if item.purposes:
        lines.append(run.text("catalogue.purposes", purposes=", ".join(map(str, item.purposes))))
    if each.successor:
        lines.append(run.text("catalogue.successor", successor=each.successor))
    return lines


def _attributes(run: Run, schema: Schema) -> list[str]:
    return [
        f"  {each.id}  {run.local(each.display_name)}  {each.type.value}"
        f"{f'  {each.code_system}' if each.code_system else ''}{f'  {each.unit}' if each.unit else ''}"
        for each in schema.attributes
    ]


def _attribute(each: Any) -> dict[str, Any]:
    return {
        "id": each.id,
        "display_name": {"zh": each.display_name.zh, "en": each.display_name.en},
        "type": each.type.value,
        "optional": each.optional,
        "unit": each.unit,
        "code_system": each.code_system,
    }


def item_data(each: Listed) -> dict[str, Any]:
    """Return an item for a machine to read."""
    item = each.item
    return {
        "item": str(item.name),
        "display_name": {"zh": item.display_name.zh, "en": item.display_name.en},
        "sensitivity": item.sensitivity.value,
        "validity_days": item.validity_days,
        "refresh": item.refresh.value,
        "refresh_days": item.refresh_days,
        "subject": item.subject.value,
        "applicable": item.applicable,
        "source": {"zh": item.source.zh, "en": item.source.en},
        "purposes": list(map(str, item.purposes)),
        "deprecated": each.deprecated,
        "successor": each.successor,
        "newest": str(each.newest or ""),
        "etag": each.etag,
    }
