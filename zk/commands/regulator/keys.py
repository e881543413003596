"""Making the key that two officers share, registering it, and listing what is registered."""

from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import LocalizedText
from disclosure.composite import Regulator
from disclosure.names import RegulatorName
from zk.commands.regulator.common import GROUP, SHARE, Id
from zk.exits import CommandError, Exit
from zk.regulator.shares import combine_shares, create_share, load_key, save_key
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token


@SHARE.command("new")
def new(run: Run, regulator: Id) -> Answer:
    """Make an officer's share of a regulator's key; the secret half never leaves its file."""
    name = RegulatorName(regulator)
    path = run.home.officer_share(regulator)
    public = path.with_suffix(".share.pub")
    _refuse_existing(path)
    share = create_share(path, public)
    data = {
        "regulator": str(name),
        "share_file": str(path),
        "public_file": str(public),
        "public_key": share.public_key.hex(),
    }
    return Answer(data, [run.text("regulator.share_made", path=path, public=public, regulator=regulator)])


@GROUP.command("combine-keys")
def combine_keys(
    run: Run,
    regulator: Id,
    first: Annotated[Path, typer.Argument(help="help.regulator.share_file")],
    second: Annotated[Path, typer.Argument(help="help.regulator.share_file")],
) -> Answer:
    """Put two officers' public shares together, each checked to be its maker's own."""
    name, path = RegulatorName(regulator), run.home.regulator_key(regulator)
    _refuse_existing(path)
    key = combine_shares(first, second)
    save_key(path, key)
    data = {"regulator": str(name), "key_file": str(path), "digest": key.digest.hex()}
    told = run.text("regulator.combined", path=path, regulator=regulator, digest=key.digest.hex())
    return Answer(data, [told])


@GROUP.command("register", remote=True, proposable=True)
def register(
    run: Run,
    regulator: Id,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Register the key; its record stands on the ledger."""
    name = RegulatorName(regulator)
    path = run.home.regulator_key(name.regulator)
    if not path.exists():
        values = {"path": path, "regulator": regulator}
        raise CommandError(Exit.USAGE, "KEY_FILE_INVALID", "error.regulator_key_missing", **values)
    made = Regulator(name, LocalizedText(name_zh, name_en), load_key(path))
    with Service(run.endpoint) as service:
        service.create_regulator(made, admin_token(admin_token_file), run.log_verifier())
    return Answer(_listed(run, made), [_line(run, made)])


@GROUP.command("list", remote=True)
def list_all(run: Run) -> Answer:
    """List the regulators whose keys stand on the ledger."""
    with Service(run.endpoint) as service:
        found = list(service.regulators(run.log_verifier()))
    lines = [_line(run, each) for each in found] or [run.text("regulator.none")]
    return Answer({"regulators": [_listed(run, each) for each in found]}, lines)


def _refuse_existing(path: Path) -> None:
    """Identities may be escrowed to it already, and could not be opened any more."""
    if path.exists():
        raise CommandError(Exit.USAGE, "KEY_EXISTS", "error.regulator_key_exists", path=path)


def _listed(run: Run, regulator: Regulator) -> dict[str, Any]:
    return {
        "regulator": str(regulator.name),
        "display_name": run.local(regulator.display_name),
        "digest": regulator.key.digest.hex(),
        "officers": [each.hex() for each in regulator.key.officers],
    }


def _line(run: Run, regulator: Regulator) -> str:
    name, digest = run.local(regulator.display_name), regulator.key.digest.hex()
    return run.text("regulator.listed", name=name, regulator=regulator.name, digest=digest)
