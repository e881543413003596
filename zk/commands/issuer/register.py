"""A department registers itself, its schemas and keys, and lists what is registered."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import DepartmentName, LocalizedText, Schema
from disclosure.centre import Subject
from zk import catalogue
from zk.clients.centre import Centre, ListedDepartment
from zk.commands.issuer.common import GROUP, Item, OfDepartment, chosen_department, unknown_item
from zk.exits import CommandError, Exit
from zk.fresh import TokenHash, fresh_secret, made_here, read_hash
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token


@GROUP.command("register", remote=True, proposable=True)
def register(
    run: Run,
    department: Annotated[str, typer.Argument(help="help.issuer.department_argument")],
    name_zh: Annotated[str | None, typer.Option("--name-zh", help="help.option.name_zh")] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="help.option.name_en")] = None,
    identifies: Annotated[
        list[Subject] | None, typer.Option("--identifies", help="help.issuer.register_identifies")
    ] = None,
    admin_token_file: AdminTokenFile = None,
    replacing: Annotated[bool, typer.Option("--replace", help="help.issuer.replace")] = False,
    token_hash: TokenHash = None,
) -> Answer:
    """Register a department; keep its token, of which the service is told the hash, in the home.

    Or, by its hash, with a token that the department has made: nothing is kept here then.
    """
    name = DepartmentName.parse(f"departments/{department}")
    display_name = _display_name(department, name_zh, name_en)
    if token_hash is not None:
        return _register_by_hash(run, name, display_name, identifies, token_hash, admin_token_file)
    path = run.home.token_path(department)
    if path.exists() and not replacing:
        raise CommandError(Exit.USAGE, "TOKEN_EXISTS", "error.token_exists", path=path)
    kinds, admin = _identifies(department, identifies), admin_token(admin_token_file)
    with fresh_secret(path) as own, Service(run.endpoint) as service:
        service.create_department(name, display_name, admin, kinds, own)
    lines = [run.text("issuer.registered", department=name, name=run.local(display_name), path=path)]
    lines += [run.text(f"issuer.identifies.{each}") for each in kinds]
    return Answer({"department": str(name), "identifies": kinds, "token_file": str(path)}, lines)


def _register_by_hash(
    run: Run,
    name: DepartmentName,
    display_name: LocalizedText,
    identifies: list[Subject] | None,
    token_hash: str,
    admin_token_file: Path | None,
) -> Answer:
    """Register a department with a token that only the department knows."""
    hashed, kinds = read_hash(token_hash), _identifies(name.department, identifies)
    with Service(run.endpoint) as service:
        service.create_department(name, display_name, admin_token(admin_token_file), kinds, hashed=hashed)
    lines = [run.text("issuer.registered_by_hash", department=name, name=run.local(display_name))]
    lines += [run.text(f"issuer.identifies.{each}") for each in kinds]
    return Answer({"department": str(name), "identifies": kinds, "token_hash": hashed.hex()}, lines)


@GROUP.command("token")
def token(
    run: Run,
    department: Annotated[str, typer.Argument(help="help.issuer.department_argument")],
    replacing: Annotated[bool, typer.Option("--replace", help="help.option.token_replace")] = False,
) -> Answer:
    """Make a department's token here and print its hash, by which administrators register it without knowing
    the token."""
    name = DepartmentName.parse(f"departments/{department}")
    path, hashed = made_here(run.home.token_path(department), replacing=replacing)
    data = {"department": str(name), "token_file": str(path), "token_hash": hashed}
    return Answer(data, [run.text("tokens.made", name=name, path=path, hash=hashed)])


def _identifies(department: str, said: list[Subject] | None) -> list[Subject]:
    """Return whom a department shall identify: as was said, else as the catalogue has it."""
    known = catalogue.builtin().departments.get(department)
    return sorted(set(said or (known.identifies if known else ())))


@GROUP.command("identifies", remote=True, proposable=True)
def identifies(
    run: Run,
    department: Annotated[str, typer.Argument(help="help.issuer.department_argument")],
    kinds: Annotated[list[Subject] | None, typer.Argument(help="help.issuer.identifies_kinds")] = None,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Say for whose accounts a department makes codes from now on; for nobody's if no kind is said."""
    name, wanted = DepartmentName.parse(f"departments/{department}"), frozenset(kinds or ())
    with Centre(run.endpoint) as centre:
        before = centre.department(name)
        changed = centre.change_department(replace(before, identifies=wanted), admin_token(admin_token_file))
    told = sorted(changed.identifies)
    lines = [run.text(f"issuer.identifies.{each}") for each in told]
    data = {"department": str(name), "identifies": told}
    return Answer(data, lines or [run.text("issuer.identifies.nobody")])


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
    """List what is registered: departments, whom they identify, their schemas and issuer keys."""
    with Service(run.endpoint) as service, Centre(run.endpoint) as centre:
        found = [each for each in centre.departments() if department in {None, each.name.department}]
        rows = [_listed(run, service, each) for each in found]
    lines: list[str] = []
    for row in rows:
        lines.append(f"{row['display_name']}  {row['department']}{'  *' if row['token_here'] else ''}")
        lines += [f"  {run.text(f'issuer.identifies.{each}')}" for each in row["identifies"]]
        lines += [f"  {each['display_name']}  {each['schema']}" for each in row["schemas"]]
        lines += [f"  {each['issuer_key']}  {each['state']}" for each in row["issuer_keys"]]
    return Answer({"departments": rows}, lines or [run.text("issuer.none")])


def _listed(run: Run, service: Service, listed: ListedDepartment) -> dict[str, Any]:
    name = str(listed.name)
    return {
        "department": name,
        "display_name": run.local(listed.display_name),
        "identifies": sorted(listed.identifies),
        "token_here": run.home.token_path(listed.name.department).exists(),
        "schemas": [
            {"schema": str(each.name), "display_name": run.local(each.display_name)}
            for each in service.schemas(name)
        ],
        "issuer_keys": [
            {"issuer_key": str(each.name), "suite": each.suite, "state": each.state.value}
            for each in service.issuer_keys(name)
        ],
    }
