"""A department registers itself, its schemas and keys, and lists what is registered."""

from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import DepartmentName, LocalizedText, Schema
from zk import catalogue
from zk.commands.issuer.common import GROUP, Item, OfDepartment, chosen_department, unknown_item
from zk.exits import CommandError, Exit
from zk.home import private_folder, write_private
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token


@GROUP.command("register", remote=True)
def register(
    run: Run,
    department: Annotated[str, typer.Argument(help="help.issuer.department_argument")],
    name_zh: Annotated[str | None, typer.Option("--name-zh", help="help.option.name_zh")] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="help.option.name_en")] = None,
    admin_token_file: AdminTokenFile = None,
    replace: Annotated[bool, typer.Option("--replace", help="help.issuer.replace")] = False,
) -> Answer:
    """Register a department; keep its token, which the service shows this once, in the home."""
    name = DepartmentName.parse(f"departments/{department}")
    display_name = _display_name(department, name_zh, name_en)
    path = run.home.token_path(department)
    if path.exists() and not replace:
        raise CommandError(Exit.USAGE, "TOKEN_EXISTS", "error.token_exists", path=path)
    private_folder(path.parent)
    with Service(run.endpoint) as service:
        token = service.create_department(name, display_name, admin_token(admin_token_file))
    write_private(path, token.encode() + b"\n")
    lines = [run.text("issuer.registered", department=name, name=run.local(display_name), path=path)]
    return Answer({"department": str(name), "token_file": str(path)}, lines)


def _display_name(department: str, name_zh: str | None, name_en: str | None) -> LocalizedText:
    known = catalogue.builtin().departments.get(department)
    if known is None and not (name_zh and name_en):
        raise CommandError(Exit.USAGE, "NAMES_MISSING", "error.names_missing", name=department)
    return LocalizedText(
        name_zh or (known.display_name.zh if known else ""),
        name_en or (known.display_name.en if known else ""),
    )


@GROUP.command("schema", remote=True)
def schema(
    run: Run,
    item: Item,
    file: Annotated[Path | None, typer.Option("--file", help="help.issuer.file")] = None,
) -> Answer:
    """Register a schema of the catalogue, or of a department's own file."""
    wanted = _find(item, file)
    with Service(run.endpoint) as service:
        registered = service.create_schema(wanted, run.home.token(wanted.name.department))
    shown = run.text(
        "issuer.schema",
        name=run.local(registered.display_name),
        schema=registered.name,
        digest=registered.digest.hex(),
        count=len(registered.attributes),
    )
    return Answer({"schema": str(registered.name), "digest": registered.digest.hex()}, [shown])


def _find(item: str, file: Path | None) -> Schema:
    source = catalogue.builtin()
    if file is not None:
        own = catalogue.load_department(file)
        source = catalogue.Catalogue({own.name.department: own})
    found = source.find(item)
    if found is None:
        raise unknown_item(item, (each.name.item for each in source.schemas()))
    return found


@GROUP.command("accumulator", remote=True)
def accumulator(run: Run, department: OfDepartment = None) -> Answer:
    """Have a new accumulator made inside the service; credentials issued from now on are revoked by it."""
    name = chosen_department(run, department)
    with Service(run.endpoint) as service:
        made = service.create_accumulator(name, run.home.token(name.department))
    data = {"accumulator": str(made.name), "suite": made.suite, "public_key": made.key.octets.hex()}
    return Answer(data, [run.text("issuer.accumulator", accumulator=made.name, suite=made.suite)])


@GROUP.command("list", remote=True)
def list_all(run: Run, department: OfDepartment = None) -> Answer:
    """List what is registered: departments, their schemas and issuer keys."""
    with Service(run.endpoint) as service:
        found = [each for each in service.departments() if department in {None, _last(each.name)}]
        rows = [_listed(run, service, each.name, run.local(each.display_name)) for each in found]
    lines: list[str] = []
    for row in rows:
        lines.append(f"{row['display_name']}  {row['department']}{'  *' if row['token_here'] else ''}")
        lines += [f"  {each['display_name']}  {each['schema']}" for each in row["schemas"]]
        lines += [f"  {each['issuer_key']}  {each['state']}" for each in row["issuer_keys"]]
    return Answer({"departments": rows}, lines or [run.text("issuer.none")])


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _listed(run: Run, service: Service, name: str, display_name: str) -> dict[str, Any]:
    return {
        "department": name,
        "display_name": display_name,
        "token_here": run.home.token_path(_last(name)).exists(),
        "schemas": [
            {"schema": str(each.name), "display_name": run.local(each.display_name)}
            for each in service.schemas(name)
        ],
        "issuer_keys": [
            {"issuer_key": str(each.name), "suite": each.suite, "state": each.state.value}
            for each in service.issuer_keys(name)
        ],
    }
