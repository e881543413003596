"""Ending an item: its department offers nothing new of it, and what was issued goes on to verify."""

from typing import Annotated

import typer

from disclosure import DepartmentName
from zk.clients.centre import Centre
from zk.commands.catalogue.common import GROUP, find_item, tokens_of
from zk.commands.catalogue.read import item_data, item_line
from zk.run import Answer, Run
from zk.tokens import AdminTokenFile


@GROUP.command("deprecate", remote=True)
def deprecate(
    run: Run,
    item: Annotated[str, typer.Argument(help="help.catalogue.item")],
    successor: Annotated[str | None, typer.Option("--successor", help="help.catalogue.successor")] = None,
    etag: Annotated[str | None, typer.Option("--etag", help="help.catalogue.etag")] = None,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Have an item offered no more, in all its versions; there is no way back. Said again, it is as it is."""
    tokens = tokens_of(run, admin_token_file)
    with Centre(run.endpoint) as centre:
        known = list(centre.items())
        found = find_item(known, item)
        after = find_item(known, successor).item.name if successor else None
        token = tokens.department(DepartmentName(found.item.name.department))
        ended = centre.deprecate_item(found.item.name, etag or found.etag, after, token)
    lines = [item_line(run, ended), run.text("catalogue.ended", name=ended.item.name)]
    if ended.successor:
        lines.append(run.text("catalogue.successor", successor=ended.successor))
    return Answer(item_data(ended), lines)
