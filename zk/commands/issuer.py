"""`zk issuer`: a department registers itself, its schemas and keys, and issues credentials."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import AccumulatorName, DepartmentName, LocalizedText, Schema, SchemaName
from prover.consent import show_moment
from verifier import strict_yaml
from zk import catalogue
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import write_private
from zk.qr import qr_lines
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import admin_token
from zk.values import parse_values

GROUP = Group("issuer")
_HANDLE = re.compile(r"[0-9a-f]{64}", re.ASCII)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


Item = Annotated[str, typer.Argument(help="help.issuer.item")]
OfDepartment = Annotated[str | None, typer.Option("--department", help="help.issuer.department")]
AdminTokenFile = Annotated[
    Path | None,
    typer.Option("--admin-token-file", envvar="ZK_ADMIN_TOKEN_FILE", help="help.option.admin_token_file"),
]


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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
        raise _unknown_item(item, (each.name.item for each in source.schemas()))
    return found


def _unknown_item(item: str, known: Iterable[str]) -> CommandError:
    """Say that there is no such item, and which ones are written much like it."""
    near = difflib.get_close_matches(item.partition("@")[0], sorted(set(known)))
    if not near:
        return CommandError(Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown", item=item)
    return CommandError(
        Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown_near", item=item, near=", ".join(near)
    )


@GROUP.command("key", remote=True)
def key(run: Run, department: OfDepartment = None) -> Answer:
    """Have a new issuer key made inside the service; its public half goes onto the ledger."""
    name = DepartmentName.parse(f"departments/{department or _only_department(run)}")
    with Service(run.endpoint) as service:
        made = service.create_issuer_key(name, run.home.token(name.department))
    data = {"issuer_key": str(made.name), "suite": made.suite, "public_key": made.public_key.hex()}
    return Answer(data, [run.text("issuer.key", key=made.name, suite=made.suite)])


@GROUP.command("accumulator", remote=True)
def accumulator(run: Run, department: OfDepartment = None) -> Answer:
    """Have a new accumulator made inside the service; credentials issued from now on are revoked by it."""
    name = DepartmentName.parse(f"departments/{department or _only_department(run)}")
    with Service(run.endpoint) as service:
        made = service.create_accumulator(name, run.home.token(name.department))
    data = {"accumulator": str(made.name), "suite": made.suite, "public_key": made.key.octets.hex()}
    return Answer(data, [run.text("issuer.accumulator", accumulator=made.name, suite=made.suite)])


@GROUP.command("revoke", remote=True)
def revoke(
    run: Run,
    handle: Annotated[list[str], typer.Argument(metavar="HANDLE...", help="help.issuer.handle")],
    accumulator: Annotated[str | None, typer.Option("--accumulator", help="help.issuer.by")] = None,
    department: OfDepartment = None,
) -> Answer:
    """Revoke credentials by their handles, all or none; the same command again answers the same."""
    handles = [_handle(each) for each in handle]
    with Service(run.endpoint) as service:
        if accumulator is not None:
            name = AccumulatorName.parse(accumulator)
        else:
            name = service.newest_accumulator(DepartmentName(department or _only_department(run))).name
        epoch = service.revoke(name, handles, run.home.token(name.department))
    data = {"accumulator": str(name), "epoch": epoch.number, "revoked": epoch.count}
    return Answer(data, [run.text("issuer.revoked", count=len(handles), epoch=epoch.number)])


def _handle(written: str) -> bytes:
    if not _HANDLE.fullmatch(written):
        raise CommandError(Exit.USAGE, "HANDLE_UNREADABLE", "error.handle_unreadable", handle=written)
    return bytes.fromhex(written)


def _only_department(run: Run) -> str:
    here = run.home.departments()
    if not here:
        raise CommandError(Exit.USAGE, "DEPARTMENT_UNCLEAR", "error.department_none")
    if len(here) > 1:
        raise CommandError(Exit.USAGE, "DEPARTMENT_UNCLEAR", "error.department_unclear", here=", ".join(here))
    return here[0]


@GROUP.command("issue", remote=True)
def issue(
    run: Run,
    item: Item,
    value: Annotated[
        list[str] | None, typer.Option("-v", "--value", metavar="NAME=VALUE", help="help.issuer.value")
    ] = None,
    values: Annotated[Path | None, typer.Option("--values", help="help.issuer.values")] = None,
    department: OfDepartment = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Sign values as a credential and print the link with which its holder claims it."""
    written = _written(value or [], values)
    with Service(run.endpoint) as service:
        found = _registered(run, service, item, department)
        token = run.home.token(found.name.department)
        offer = service.issue(found, parse_values(found, written), token)
    ends = offer.expires.isoformat(timespec="seconds")
    lines = [
        run.text(
            "issuer.offer", name=run.local(found.display_name), expires=show_moment(offer.expires, run.lang)
        ),
        *(qr_lines(str(offer.link)) if qr else ()),
        str(offer.link),
        run.text("issuer.offer_secret"),
    ]
    return Answer({"link": str(offer.link), "schema": str(found.name), "expires": ends}, lines)


def _written(pairs: list[str], file: Path | None) -> dict[str, str]:
    """Return the values as they were written, those of the command line over those of the file."""
    written: dict[str, str] = {}
    for pair in pairs:
        name, equals, each = pair.partition("=")
        if not equals or name in written:
            raise CommandError(Exit.USAGE, "VALUE_UNREADABLE", "error.value_unreadable", name=name)
        written[name] = each
    return {**_values_of(file), **written} if file else written


def _values_of(file: Path) -> dict[str, str]:
    data = strict_yaml.load(file, text_only=True)
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        raise CommandError(Exit.USAGE, "VALUES_FILE_INVALID", "error.values_file_invalid", path=file)
    return data


def _registered(run: Run, service: Service, item: str, department: str | None) -> Schema:
    """Return the registered schema that an item's name stands for: the newest version if none is said."""
    if "/" in item:
        return service.schema(SchemaName.parse(item))
    identifier, _, version = item.partition("@")
    known = catalogue.builtin().find(identifier)
    items = [each.name.item for each in catalogue.builtin().schemas()]
    if known is None and department is None and len(run.home.departments()) != 1:
        raise _unknown_item(item, items)
    owner = department or (known.name.department if known else _only_department(run))
    schemas = list(service.schemas(str(DepartmentName.parse(f"departments/{owner}"))))
    found = [
        each for each in schemas if each.name.item == identifier and version in {"", str(each.name.version)}
    ]
    if not found and known is None:
        raise _unknown_item(item, [*items, *(each.name.item for each in schemas)])
    if not found:
        raise CommandError(Exit.REFUSED, "SCHEMA_UNKNOWN", "error.schema_unregistered", item=item)
    return max(found, key=lambda each: each.name.version)


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
