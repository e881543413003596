"""Loading the project's catalogue, or a department's own file, into a running service."""

from pathlib import Path
from typing import Annotated

import typer

from zk import catalogue
from zk.catalogue import Catalogue, Department
from zk.clients.centre import Centre
from zk.clients.loading import DiffersError, Loaded, Loader, total
from zk.commands.catalogue.common import GROUP, OfDepartment, tokens_of
from zk.exits import CommandError, Exit
from zk.home import private_folder, write_private
from zk.progress import progress
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile


@GROUP.command("load", remote=True)
def load(
    run: Run,
    department: OfDepartment = None,
    file: Annotated[Path | None, typer.Option("--file", help="help.catalogue.file")] = None,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Load a department, or all; again after a break, it goes on; again after that, nothing is left to do."""
    source, chosen = _chosen(department, file)
    label = run.text("catalogue.loading")
    with Centre(run.endpoint) as centre, Service(run.endpoint) as service:
        tokens = tokens_of(run, admin_token_file)

        def register(made: Department) -> None:
            path = run.home.token_path(made.name.department)
            private_folder(path.parent)
            token = service.create_department(made.name, made.display_name, tokens.admin(), made.identifies)
            write_private(path, token.encode() + b"\n")

        with progress(run, label, total(source, chosen)) as advance:
            loaded = _load(Loader(centre, tokens, register, advance), source, chosen)
    data = {"registered": loaded.registered, "changed": loaded.changed, "unchanged": loaded.there}
    counts = {kind: loaded.registered.get(kind, 0) for kind in _KINDS}
    return Answer(
        data, [run.text("catalogue.loaded", changed=loaded.changed, unchanged=loaded.there, **counts)]
    )


_KINDS = ("purpose", "department", "code_list", "item", "schema")


def _chosen(department: str | None, file: Path | None) -> tuple[Catalogue, list[str]]:
    """Return where to load from, and the departments to load."""
    source = catalogue.builtin()
    if file is not None:
        own = catalogue.load_department(file)
        source = Catalogue({**source.departments, own.name.department: own})
        department = department or own.name.department
    if department is None:
        return source, list(source.departments)
    if department not in source.departments:
        known = ", ".join(source.departments)
        raise CommandError(
            Exit.USAGE, "DEPARTMENT_UNKNOWN", "error.department_unknown", department=department, known=known
        )
    return source, [department]


def _load(loader: Loader, source: Catalogue, chosen: list[str]) -> Loaded:
    try:
        return loader.load(source, chosen)
    except DiffersError as error:
        names = ", ".join(error.names)
        raise CommandError(
            Exit.REFUSED, "CATALOGUE_DIFFERS", "error.catalogue_differs", names=names
        ) from None
