"""`zk errands`: which errands there are; the administrator registers them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure.errand import ErrandBundle
from verifier.errors import PolicyError
from zk.clients.errands import Bundles, load_bundle
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run
from zk.tokens import AdminTokenFile, admin_token

GROUP = Group("errands")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("register", remote=True)
def register(
    run: Run,
    bundle: Annotated[Path, typer.Argument(help="help.errands.file")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Register a bundle from its file; the same again changes nothing, another one is another version."""
    read_file(bundle)  # a file that cannot be read is named, as everywhere
    try:
        made = load_bundle(bundle)
    except PolicyError as error:
        place = error.field or "-"
        raise CommandError(
            Exit.USAGE, "BUNDLE_INVALID", "error.bundle_invalid", place=place, detail=error.detail
        ) from None
    with Bundles(run.endpoint, run.log_verifier()) as register_of:
        register_of.create(made, admin_token(admin_token_file))
    return Answer(_data(made), [run.text("errands.registered", bundle=made.name), *_lines(run, made)])


@GROUP.command("list", remote=True)
def listed(run: Run) -> Answer:
    """List the bundles with their counters."""
    with Bundles(run.endpoint, run.log_verifier()) as register_of:
        found = register_of.all()
    lines = [line for each in found for line in (_title(run, each), *_lines(run, each))]
    return Answer({"bundles": list(map(_data, found))}, lines or [run.text("errands.none")])


def _title(run: Run, bundle: ErrandBundle) -> str:
    return run.text("errands.bundle", name=run.local(bundle.display_name), bundle=bundle.name)


def _lines(run: Run, bundle: ErrandBundle) -> list[str]:
    return [
        run.text("errands.counter", name=run.local(each.display_name), verifier=each.verifier, part=each.part)
        for each in bundle.counters
    ]


def _data(bundle: ErrandBundle) -> dict[str, Any]:
    return {
        "bundle": str(bundle.name),
        "counters": [
            {
                "part": each.part,
                "verifier": str(each.verifier),
                "policy": str(each.policy),
                "fields": [one.id for one in each.fields],
                "depends_on": list(each.depends_on),
            }
            for each in bundle.counters
        ],
    }
