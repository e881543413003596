"""`zk keys`: the master key's keyring, and the keys that are sealed under it."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from zk.commands import keyrotation
from zk.commands.issuer import keys as issuer_keys
from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.messages import reason_text
from zk.progress import progress
from zk.run import Answer, Run
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keyring import keeping, resealing, rotating, server_key
from zkservice.keyring.drill import drill as run_drill
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.opening import FOLDER, open_ring
from zkservice.keyring.providers import KeyProvider, provider_of
from zkservice.keyring.ring import Ring
from zkservice.storage import master_keys
from zkservice.storage.master_keys import StoredMaster
from zkservice.storage.sealed import total
from zkservice.upkeep.faults import FaultError, UpkeepError

_NOT_VERIFIED: Final = frozenset(
    {
        KeyringReason.BACKUP_CHANGED,
        KeyringReason.KEYRING_CHANGED,
        KeyringReason.KEYRING_OTHER,
        KeyringReason.SEALED_BROKEN,
    }
)
_What = Literal["master", "log", "issuer"]
Data = Annotated[Path | None, typer.Option("--data", help="help.serve.data")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = Group("keys")
    group.command("status")(status)
    group.command("wrap")(wrap)
    group.command("rewrap")(rewrap)
    group.command("rotate", remote=True)(rotate)
    group.command("reseal")(reseal)
    group.command("backup")(backup)
    group.command("restore")(restore)
    group.command("drill")(drill)
    group.command("protect")(protect)
    app.add_typer(group.app)


def status(run: Run, data: Data = None) -> Answer:
    """Say how the master key is kept, which generations there are, and how much each of them seals."""
    with _refusals(run), rotating.working(_settings(data)) as work:
        with work.engine.connect() as connection:
            stored, told = master_keys.listed(connection), dict(master_keys.told(connection))
        counted = {each.name: dict(many) for each, many in resealing.counts(work.engine).items()}
        provider, keys = work.opened.provider, work.opened.keys
    name = "plain" if provider is None else provider.name
    summed = total(counted)
    generations = [_generation(each, summed.get(each, 0), stored, keys.current) for each in keys.known]
    found = {
        "provider": name,
        "current": keys.current,
        "generations": generations,
        "columns": {each: {str(number): many for number, many in of.items()} for each, of in counted.items()},
        "servers": {each: {"known": far.known, "sealing": far.sealing} for each, far in told.items()},
    }
    lines = [run.text("keys.plain" if provider is None else "keys.provider", provider=name)]
    lines += [run.text("keys.generation", **each) for each in generations]
    lines += [
        run.text("keys.server", server=each, known=far.known, sealing=far.sealing)
        for each, far in told.items()
    ]
    return Answer(found, lines)


def _generation(
    number: int, values: int, stored: tuple[StoredMaster, ...], current: int
) -> dict[str, object]:
    states = {each.number: each.state.value for each in stored}
    state = states.get(number, "current" if number == current else "former")
    return {"number": number, "state": state, "values": values}


def wrap(run: Run, data: Data = None) -> Answer:
    """Wrap the master key that lies open, by the provider of the settings; the open file goes."""
    settings = _settings(data)
    with _refusals(run):
        ring = open_ring(settings.data / FOLDER, _provider(settings), make=False)
    return _kept(run, "keys.wrapped", ring)


def rewrap(
    run: Run,
    settings_file: Annotated[Path, typer.Argument(metavar="FILE", help="help.keys.rewrap_file")],
    data: Data = None,
) -> Answer:
    """Wrap the keyring by the provider that a file of settings names, in the place of the present one."""
    settings = _settings(data)
    other_settings = _other(settings, settings_file)
    with _refusals(run), rotating.working(settings) as work:
        ring = rotating.rewrap(work, _provider(other_settings))
    return _kept(run, "keys.rewrapped", ring)


def _other(settings: Settings, path: Path) -> Settings:
    """Return the settings of a provider that is to be, from a file that says nothing else."""
    import tomllib  # noqa: PLC0415, which no other command needs

    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(Exit.USAGE, "FILE_UNUSABLE", "error.keys_settings", path=path) from error
    if "key_provider" not in found or not all(each.startswith("key_") for each in found):
        raise CommandError(Exit.USAGE, "FILE_UNUSABLE", "error.keys_settings", path=path)
    return settings_of({"data": settings.data, **found})


def _kept(run: Run, key: str, ring: Ring) -> Answer:
    found = {"provider": ring.provider, "current": ring.current, "generations": list(ring.numbers)}
    return Answer(found, [run.text(key, provider=ring.provider, count=len(ring.numbers))])


def rotate(
    run: Run,
    what: Annotated[_What, typer.Argument(metavar="master|log|issuer", help="help.keys.rotate_what")],
    data: Data = None,
    finish: Annotated[bool, typer.Option("--finish", help="help.ledger.rotate_finish")] = False,
    department: Annotated[str | None, typer.Option("--department", help="help.issuer.department")] = None,
    seconds: Annotated[float, typer.Option("--wait", min=0, help="help.keys.wait")] = rotating.WAIT_SECONDS,
) -> Answer:
    """Make another generation of the master key, beside running servers; or go over to another key of the
    log, or of a department, as `zk ledger rotate-key` and `zk issuer key rotate` do.
    """
    if what == "log":
        return keyrotation.rotate_key(run, data, finish)
    if what == "issuer":
        return issuer_keys.key(run, "rotate", None, department)
    with _refusals(run), rotating.working(_settings(data)) as work:
        number = rotating.rotate(work, seconds=seconds, waiting=_waiting(run))
    return Answer({"current": number}, [run.text("keys.rotated", number=number)])


def reseal(
    run: Run,
    data: Data = None,
    seconds: Annotated[float, typer.Option("--wait", min=0, help="help.keys.wait")] = rotating.WAIT_SECONDS,
    settle: Annotated[float | None, typer.Option("--settle", min=0, help="help.keys.settle")] = None,
) -> Answer:
    """Seal anew what a former generation seals, and retire it; may be interrupted, and given again."""
    with (
        _refusals(run),
        rotating.working(_settings(data)) as work,
        progress(run, run.text("keys.resealing"), None) as advance,
    ):
        done = resealing.reseal(
            work, seconds=seconds, settle=settle, waiting=_waiting(run), progress=_counting(advance)
        )
    found = {"values": done.values, "retired": done.retired}
    if done.retired is None:
        return Answer(found, [run.text("keys.nothing_former")])
    return Answer(found, [run.text("keys.resealed", values=done.values, number=done.retired)])


def backup(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="help.keys.backup_folder")],
    data: Data = None,
) -> Answer:
    """Back the keyring up into a new folder, wrapped as it is, once it has been opened."""
    settings = _settings(data)
    with _refusals(run):
        now = dt.datetime.now(dt.UTC)
        manifest = keeping.back_up(settings.data / FOLDER, _provider(settings), folder, now)
    found = {
        "folder": str(folder),
        "generations": sorted(map(int, manifest.checks)),
        "sha256": manifest.sha256,
    }
    lines = [
        run.text("keys.backed_up", folder=folder, count=len(manifest.checks)),
        run.text("keys.backup_without", provider=manifest.provider),
    ]
    return Answer({**found, "provider": manifest.provider}, lines)


def restore(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="help.keys.restore_folder")],
    data: Data = None,
) -> Answer:
    """Put a backup's keyring into a data folder that has none, once the provider has opened it."""
    settings = _settings(data)
    with _refusals(run):
        manifest = keeping.restore(folder, settings.data / FOLDER, _provider(settings))
    found = {"data": str(settings.data), "generations": sorted(map(int, manifest.checks))}
    return Answer(found, [run.text("keys.restored", data=settings.data, made=manifest.made)])


def drill(
    run: Run,
    database_backup: Annotated[Path, typer.Argument(help="help.keys.drill_database")],
    keyring_backup: Annotated[Path, typer.Argument(help="help.keys.drill_keyring")],
    data: Data = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="help.keys.drill_url")
    ] = None,
) -> Answer:
    """Restore both backups to a scratch place, open all that is sealed, sign as the log; leave nothing."""
    with _refusals(run), progress(run, run.text("keys.opening"), None) as advance:
        provider = _provider(_settings(data))
        done = run_drill(
            database_backup, keyring_backup, provider, url=database or "", opened=_counting(advance)
        )
    values = sum(done.values.values())
    found = {
        "origin": done.origin,
        "size": done.size,
        "values": values,
        "columns": dict(done.values),
        "generations": {str(each): many for each, many in done.generations.items()},
        "log_keys": done.log_keys,
        "issuer_keys": done.issuer_keys,
        "database_made": done.database_made,
        "keyring_made": done.keyring_made,
    }
    lines = [
        run.text("keys.drilled", values=values, size=done.size, origin=done.origin),
        run.text("keys.drilled_keys", log_keys=done.log_keys, issuer_keys=done.issuer_keys),
    ]
    return Answer(found, lines)


def protect(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="help.keys.protect_file")],
    data: Data = None,
    lay_open: Annotated[bool, typer.Option("--open", help="help.keys.protect_open")] = False,
) -> Answer:
    """Encrypt the private key of a server's certificate, in its file, under what the keyring holds; or, with
    `--open`, write it in the open again.
    """
    settings = _settings(data)
    act = server_key.lay_open if lay_open else server_key.protect
    try:
        with _refusals(run):
            changed = act(file, server_key.password_of(settings.data / FOLDER, _provider(settings)))
    except (OSError, ValueError):
        raise CommandError(Exit.USAGE, "FILE_UNUSABLE", "error.keys_private", path=file) from None
    key = "keys.laid_open" if lay_open else "keys.protected" if changed else "keys.protected_already"
    return Answer({"file": str(file), "changed": changed}, [run.text(key, file=file)])


def _settings(data: Path | None) -> Settings:
    return settings_of({} if data is None else {"data": data})


def _provider(settings: Settings) -> KeyProvider:
    provider = provider_of(settings)
    if provider is None:
        detail = "key_provider is `plain`: set the one that wraps"
        raise KeyringError(KeyringReason.PROVIDER_MISSING, detail)
    return provider


def _waiting(run: Run) -> rotating.Waiting:
    def told(servers: Sequence[str]) -> None:
        run.err.print(run.text("keys.waiting", servers=", ".join(servers)), soft_wrap=True)

    return told


def _counting(advance: Any) -> Any:
    """Return what adds up, for a progress that is told the whole count."""
    done = 0

    def more(many: int) -> None:
        nonlocal done
        done += many
        advance(done)

    return more


@contextmanager
def _refusals(run: Run) -> Iterator[None]:
    """Say why something is not done; what does not hold has its own exit code."""
    try:
        yield
    except (KeyringError, FaultError, UpkeepError) as error:
        wrong = isinstance(error, FaultError) or error.reason in _NOT_VERIFIED
        meaning = reason_text(run.lang, error.reason, error.detail)
        raise CommandError(
            Exit.NOT_VERIFIED if wrong else Exit.REFUSED,
            error.reason,
            "error.upkeep",
            meaning=meaning,
            detail=error.detail,
        ) from None
    except StartError as error:
        raise CommandError(Exit.USAGE, "DATABASE_UNUSABLE", "error.upkeep_unusable", detail=error) from None
