"""`zk admin`: administrators, and what takes two of them."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import LocalizedText
from disclosure.administration import new_secret, secret_hash
from disclosure.names import AdministratorName
from wire.client import ServiceError
from zk import actions as told
from zk.clients.administration import Administration, ListedAdministrator
from zk.exits import CommandError, Exit
from zk.fresh import keep, read_hash
from zk.group import Group
from zk.home import read_secret, write_private
from zk.run import Answer, Run, confirmed
from zk.tokens import AdminTokenFile, admin_token

GROUP = Group("admin")

Name = Annotated[str, typer.Argument(help="help.admin.name")]
Id = Annotated[str, typer.Argument(metavar="ID", help="help.admin.id")]
Hash = Annotated[str | None, typer.Option("--hash", metavar="HASH", help="help.admin.hash")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("add", remote=True, proposable=True)
def add(
    run: Run,
    name: Name,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    hashed: Hash = None,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Make an administrator, by the hash of a secret: the one that is said, else that of this home's own.

    Whoever proposes one says the hash: the proposer would have both secrets otherwise, and be two persons.
    """
    wanted, path = AdministratorName(name), run.home.administrator_secret(name)
    token = admin_token(admin_token_file)
    if hashed is None and run.remote.propose:
        raise CommandError(Exit.USAGE, "HASH_MISSING", "error.hash_missing", name=name)
    if hashed is None and not path.exists():
        write_private(path, f"{new_secret()}\n".encode())
    octets = read_hash(hashed) if hashed is not None else secret_hash(read_secret(path))
    with Administration(run.endpoint, token) as client:
        made = client.create(wanted, LocalizedText(name_zh, name_en), octets)
    return Answer(_data(made), [_line(run, made)])


@GROUP.command("secret", remote=True, proposable=True)
def secret(
    run: Run,
    name: Name,
    replacing: Annotated[bool, typer.Option("--replace", help="help.admin.replace")] = False,
    hashed: Hash = None,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Make a secret in this home and print its hash; replace one's own; or another's by the hash."""
    wanted, path = AdministratorName(name), run.home.administrator_secret(name)
    if hashed is not None:
        with Administration(run.endpoint, admin_token(admin_token_file)) as client:
            client.set_secret(wanted, read_hash(hashed))
        return Answer({"administrator": str(wanted)}, [run.text("admin.secret_set", administrator=wanted)])
    if path.exists():
        if not replacing:
            raise CommandError(Exit.USAGE, "SECRET_EXISTS", "error.secret_exists", path=path)
        _replace(run, wanted, path)
    else:
        write_private(path, f"{new_secret()}\n".encode())
    octets = secret_hash(read_secret(path)).hex()
    data = {"administrator": str(wanted), "secret_file": str(path), "secret_hash": octets}
    return Answer(data, [run.text("admin.secret", administrator=wanted, path=path, hash=octets)])


def _replace(run: Run, name: AdministratorName, path: Path) -> None:
    """Replace one's own secret. The new one is on disk before the service knows it; run it again after a
    failure and the same new one is used."""
    waiting = path.with_suffix(".new")
    if not waiting.exists():
        write_private(waiting, f"{new_secret()}\n".encode())
    fresh = read_secret(waiting)
    try:
        with Administration(run.endpoint, read_secret(path)) as client:
            client.set_secret(name, secret_hash(fresh))
    except ServiceError as error:
        if error.reason != "TOKEN_INVALID":
            raise
        # It may have been replaced, and the answer lost.
        with Administration(run.endpoint, fresh) as client:
            client.set_secret(name, secret_hash(fresh))
    keep(path, fresh)


@GROUP.command("rename", remote=True, proposable=True)
def rename(
    run: Run,
    name: Name,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Change what an administrator is called: oneself, or by two persons another."""
    wanted, token = AdministratorName(name), admin_token(admin_token_file)
    directly = replace(run, remote=replace(run.remote, propose=False))
    with Administration(directly.endpoint, token) as reading:
        before = reading.administrator(wanted)
    with Administration(run.endpoint, token) as client:
        made = client.rename(wanted, LocalizedText(name_zh, name_en), before.etag)
    return Answer(_data(made), [_line(run, made)])


@GROUP.command("remove", remote=True, proposable=True)
def remove(run: Run, name: Name, admin_token_file: AdminTokenFile = None) -> Answer:
    """End an administrator for good; the name is never given again."""
    wanted = AdministratorName(name)
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        client.remove(wanted)
    return Answer({"administrator": str(wanted)}, [run.text("admin.removed", administrator=wanted)])


@GROUP.command("list", remote=True)
def list_all(
    run: Run,
    verify: Annotated[bool, typer.Option("--verify", help="help.admin.verify")] = False,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """List administrators; with --verify check all actions against the ledger, and it against them."""
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        found = list(client.administrators())
        checked = told.verified(run, client) if verify else None
    lines = [_line(run, each) for each in found] or [run.text("admin.none")]
    if checked is not None:
        lines.append(run.text("admin.verified", **checked))
    return Answer({"administrators": list(map(_data, found)), "verified": checked}, lines)


@GROUP.command("actions", remote=True)
def actions(
    run: Run,
    everything: Annotated[bool, typer.Option("--all", help="help.admin.all")] = False,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """List the actions that wait for another person, or all; the newest first."""
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        found = list(client.actions(waiting=not everything))
    lines = [told.line(run, each) for each in found] or [run.text("admin.nothing_waits")]
    return Answer({"actions": list(map(told.data, found))}, lines)


@GROUP.command("show", remote=True)
def show(run: Run, action: Id, admin_token_file: AdminTokenFile = None) -> Answer:
    """Show an action: every field of what would be sent, and the digest that an approval carries."""
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        found = client.get(told.named(action))
    lines = told.lines(run, found)
    return Answer({**told.data(found), "fields": list(told.fields(found.message()))}, lines)


@GROUP.command("approve", remote=True)
def approve(
    run: Run,
    action: Id,
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="DIGEST", help="help.admin.digest")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.admin.yes")] = False,
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Show an action, ask, and approve just what was shown; it is carried out, and its outcome is told."""
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        found = client.get(told.named(action))
        shown = told.lines(run, found)
        if digest is not None and digest.lower() != found.digest.hex():
            raise CommandError(Exit.NOT_VERIFIED, "ACTION_MISMATCH", "error.action_mismatch", id=found.id)
        if not yes:
            for each in shown:
                run.err.print(each, soft_wrap=True)
            if not confirmed(run, "admin.ask_approve"):
                raise CommandError(Exit.DECLINED, "DECLINED", "error.not_approved")
        decided = client.approve(found)
    done = decided.state == "done"
    return Answer(told.data(decided), told.lines(run, decided), Exit.OK if done else Exit.REFUSED)


@GROUP.command("reject", remote=True)
def reject(run: Run, action: Id, admin_token_file: AdminTokenFile = None) -> Answer:
    """Reject an action; whoever proposed it takes it back so."""
    with Administration(run.endpoint, admin_token(admin_token_file)) as client:
        decided = client.reject(told.named(action))
    return Answer(told.data(decided), [told.line(run, decided)])


def _data(made: ListedAdministrator) -> dict[str, Any]:
    return {
        "administrator": made.name,
        "display_name": {"zh": made.display_name.zh, "en": made.display_name.en},
        "active": made.active,
        "created": made.created.isoformat(),
    }


def _line(run: Run, made: ListedAdministrator) -> str:
    key = "admin.active" if made.active else "admin.ended"
    return run.text(key, name=run.local(made.display_name), administrator=made.name)
