"""`zk tokens`: short-lived tokens of a secret, the keys that sign them, another secret for a department."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import DepartmentName
from disclosure.administration import secret_hash
from zk.clients.tokens import TokenClient, TokenKey
from zk.fresh import TokenHash, fresh_secret, read_hash
from zk.group import Group
from zk.home import read_secret, write_private
from zk.run import Answer, Run
from zk.tokens import AdminTokenFile, admin_token

GROUP: Final = Group("tokens")
SecretFile = Annotated[Path | None, typer.Option("--secret-file", help="help.tokens.secret_file")]
Department = Annotated[str | None, typer.Option("--department", metavar="ID", help="help.tokens.department")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("create", remote=True)
def create(
    run: Run,
    department: Department = None,
    secret_file: SecretFile = None,
    admin_token_file: AdminTokenFile = None,
    output: Annotated[Path | None, typer.Option("--output", help="help.tokens.output")] = None,
) -> Answer:
    """Make a token of a secret, and print it or write it to a file that only its owner can read."""
    with TokenClient(run.endpoint) as client:
        made = client.create(_secret(run, department, secret_file, admin_token_file))
    told: dict[str, Any] = {"name": made.name, "expire_time": made.ends.isoformat()}
    if output is None:
        return Answer({**told, "token": made.token}, [made.token])
    write_private(output, f"{made.token}\n".encode())
    written = run.text("tokens.written", name=made.name, path=output, ends=made.ends.isoformat())
    return Answer({**told, "token_file": str(output)}, [written])


@GROUP.command("keys", remote=True)
def keys(run: Run) -> Answer:
    """List the keys that tokens are signed with now."""
    with TokenClient(run.endpoint) as client:
        found = client.keys()
    lines = [_line(run, each) for each in found] or [run.text("tokens.none")]
    return Answer({"keys": [_data(each) for each in found]}, lines)


@GROUP.command("rotate", remote=True)
def rotate(
    run: Run,
    secret_file: SecretFile = None,
    admin_token_file: AdminTokenFile = None,
    at_once: Annotated[bool, typer.Option("--at-once", help="help.tokens.at_once")] = False,
) -> Answer:
    """Sign with a new key from now on."""
    with TokenClient(run.endpoint) as client:
        key = client.rotate(_secret(run, None, secret_file, admin_token_file), at_once=at_once)
    return Answer({"key": _data(key)}, [_line(run, key)])


@GROUP.command("replace", remote=True, proposable=True)
def replace(
    run: Run,
    department: Annotated[str, typer.Argument(metavar="ID", help="help.tokens.replaced")],
    secret_file: SecretFile = None,
    admin_token_file: AdminTokenFile = None,
    token_hash: TokenHash = None,
) -> Answer:
    """Give a department another secret, kept here in the place of the one before.

    Or, by its hash, one that the department has made: then an administrator's secret is shown, and nothing is
    kept here.
    """
    name, path = DepartmentName(department), run.home.token_path(department)
    if token_hash is not None:
        hashed = read_hash(token_hash)
        with TokenClient(run.endpoint) as client:
            client.replace(name, _secret(run, None, secret_file, admin_token_file), hashed)
        done = run.text("tokens.replaced_by_hash", department=name)
        return Answer({"department": str(name), "token_hash": hashed.hex()}, [done])
    by_itself = secret_file is None and admin_token_file is None and path.exists()
    own = department if by_itself else None
    before = _secret(run, own, secret_file, admin_token_file)
    with fresh_secret(path) as secret, TokenClient(run.endpoint) as client:
        client.replace(name, before, secret_hash(secret))
    done = run.text("tokens.replaced", department=name, path=path)
    return Answer({"department": str(name), "token_file": str(path)}, [done])


def _secret(run: Run, department: str | None, secret_file: Path | None, admin_file: Path | None) -> str:
    """Return the secret that was said, else the administrator's; CommandError USAGE."""
    if secret_file is not None:
        return read_secret(secret_file)
    return run.home.token(department) if department is not None else admin_token(admin_file)


def _data(key: TokenKey) -> dict[str, Any]:
    ends = key.ends.isoformat() if key.ends else None
    return {"kid": key.kid, "x": key.x, "create_time": key.created.isoformat(), "expire_time": ends}


def _line(run: Run, key: TokenKey) -> str:
    if key.ends is None:
        return run.text("tokens.signs", kid=key.kid, created=key.created.isoformat())
    return run.text("tokens.counts", kid=key.kid, ends=key.ends.isoformat())
