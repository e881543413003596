"""`zk ledger`: what anybody may do with the public log: read, export, recompute; and pinning its key."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import Accumulator, IssuerKey
from disclosure import MalformedError as DisclosureMalformedError
from disclosure.composite import OpeningRecord
from disclosure.registry import issuer_key_state_of_record, schema_of_record, verifier_of_record
from tlog import (
    ArchiveInvalidError,
    ArchiveMalformedError,
    AuditReport,
    BlockHeader,
    Entry,
    ReceiptEntry,
    RecordEntry,
    Verifier,
    leaf_hash,
    open_checkpoint,
    parse_entry,
    verify_archive,
    verify_consistency,
    verify_inclusion,
)
from tlog.archive import Place, read_lines
from zk.commands import mirroring, monitoring
from zk.exits import CommandError, Exit
from zk.export import export as export_to
from zk.group import Group
from zk.home import write_private
from zk.progress import progress
from zk.run import Answer, Run, check_same_key, read_log_key
from zk.service import Service, SignedCheckpoint

GROUP = Group("ledger")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    mirroring.add_to(GROUP)
    monitoring.add_to(GROUP)
    app.add_typer(GROUP.app)


_KEY_LINE = 2  # of a ledger file: the log's key


@GROUP.command("trust", remote=True)
def trust(
    run: Run,
    key: Annotated[str, typer.Argument(metavar="KEY|FILE", help="help.ledger.trust_key")],
    replace_key: Annotated[bool, typer.Option("--replace", help="help.ledger.replace")] = False,
) -> Answer:
    """Pin the log's key, and keep --server and --root with it; another key is refused without --replace."""
    given, pinned = read_log_key(key), run.profile.log_key
    if pinned is not None and not replace_key:
        check_same_key(pinned, given)
    profile = replace(
        run.profile,
        log_key=given,
        server=run.server if run.remote.server else run.profile.server,
        root=run.remote.root or run.profile.root,
    )
    run.home.save_profile(profile)
    data = {"log_key": str(given), "server": profile.server, "home": str(run.home.path)}
    return Answer(data, [run.text("ledger.pinned", key=given, home=run.home.path)])


def fetch_checkpoint(run: Run, service: Service) -> tuple[SignedCheckpoint, Verifier, bool]:
    """Return the newest checkpoint, the key it holds under, and whether that key is pinned.

    A key that the service states and that is not the pinned one is refused. Without a pin the stated key is
    believed, with a warning.
    """
    signed = service.checkpoint()
    if run.profile.log_key is None and run.remote.log_key is None:
        run.warn("ledger.not_pinned", key=signed.key)
        return signed, signed.key, False
    pinned = run.log_verifier()
    check_same_key(pinned, signed.key)
    return signed, pinned, True


@GROUP.command("checkpoint", remote=True)
def checkpoint(run: Run) -> Answer:
    """Show the newest checkpoint, checked against the one that this home has seen last."""
    with Service(run.endpoint) as service:
        signed, key, pinned = fetch_checkpoint(run, service)
        seen = keep_grown(run, service, signed) if pinned else None
    found = signed.checkpoint
    data = {
        "origin": found.origin,
        "size": found.size,
        "root": found.root.hex(),
        "log_key": str(key),
        "key_pinned": pinned,
        "consistent_with": seen,
        "note": signed.note.decode(),
    }
    lines = [run.text("ledger.checkpoint", origin=found.origin, size=found.size, root=found.root.hex())]
    if seen is not None:
        lines.append(run.text("ledger.consistent", size=seen))
    return Answer(data, lines)


def keep_grown(run: Run, service: Service, signed: SignedCheckpoint) -> int | None:
    """Keep a checkpoint under the pinned key, once the log is seen to hold everything that was seen of it.

    Returns the size that was seen before, if any was. Raises CommandError LOG_SHRANK; tlog.TlogError.
    """
    path = run.home.path / "checkpoint"
    seen = _checked_growth(run, service, signed, path) if path.exists() else None
    write_private(path, signed.note)
    return seen


def _checked_growth(run: Run, service: Service, signed: SignedCheckpoint, path: Path) -> int:
    before, now = open_checkpoint(path.read_bytes(), run.log_verifier()), signed.checkpoint
    if now.size < before.size:
        # A replica may lag, a log may not: which of the two it is, is for the operator to say.
        raise CommandError(
            Exit.NOT_VERIFIED, "LOG_SHRANK", "error.log_shrank", before=before.size, now=now.size
        )
    if before.size:
        proof = service.consistency(before.size, now.size)
        verify_consistency(before.size, now.size, proof, before.root, now.root)
    return before.size


@GROUP.command("export", remote=True)
def export(run: Run, file: Annotated[Path, typer.Argument(help="help.ledger.export_file")]) -> Answer:
    """Write the whole ledger to a file and audit it; what broke off goes on from where it was."""
    with Service(run.endpoint) as service:
        signed, key, _ = fetch_checkpoint(run, service)
        with progress(run, run.text("ledger.exporting"), signed.checkpoint.size) as advance:
            report, begun = export_to(service, signed, file, key, advance)
    return Answer(
        {"file": str(file), **_report(report), "resumed_from": begun},
        [run.text("ledger.exported", path=file, octets=file.stat().st_size), *_shown(run, report)],
    )


@GROUP.command("verify")
def verify(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.ledger.verify_file")],
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
) -> Answer:
    """Recompute the whole ledger from a file, offline; a changed octet is found and its place named."""
    pinned = read_log_key(key) if key else run.profile.log_key
    if pinned is None:
        run.warn("ledger.key_of_file")
    try:
        with file.open("rb") as lines, progress(run, run.text("ledger.verifying"), None) as advance:
            report = verify_archive(read_lines(lines), pinned, advance)
    except (ArchiveInvalidError, ArchiveMalformedError) as error:
        raise _not_the_ledger(run, file, pinned, error) from None
    data = {"file": str(file), **_report(report), "key_pinned": pinned is not None}
    return Answer(data, [run.text("ledger.verified", path=file), *_shown(run, report)])


def _not_the_ledger(
    run: Run, file: Path, pinned: Verifier | None, error: ArchiveInvalidError | ArchiveMalformedError
) -> CommandError:
    """Say where a file differs from what was signed, or that it is another log's altogether."""
    if pinned is not None and isinstance(error, ArchiveInvalidError) and error.place.line == _KEY_LINE:
        return CommandError(
            Exit.NOT_VERIFIED, error.reason, "error.ledger_of_another_log", path=file, key=pinned
        )
    detail = error.detail if run.lang == "en" else _place(run, error.place)
    return CommandError(Exit.NOT_VERIFIED, error.reason, "error.ledger_changed", path=file, detail=detail)


def _place(run: Run, place: Place) -> str:
    if place.first is None:
        return run.text("ledger.place_line", line=place.line)
    if place.first == place.last:
        return run.text("ledger.place_entry", line=place.line, first=place.first)
    return run.text("ledger.place_entries", line=place.line, first=place.first, last=place.last)


def _report(report: AuditReport) -> dict[str, Any]:
    return {
        "size": report.size,
        "blocks": report.blocks,
        "receipts": report.receipts,
        "records": report.records,
        "root": report.root.hex(),
        "origin": report.origin,
        "log_key": report.verifier_key,
    }


def _shown(run: Run, report: AuditReport) -> list[str]:
    counts = {"blocks": report.blocks, "receipts": report.receipts, "records": report.records}
    return [
        run.text("ledger.counts", size=report.size, **counts),
        run.text("ledger.root", root=report.root.hex()),
        run.text("ledger.key", key=report.verifier_key),
    ]


@GROUP.command("show", remote=True)
def show(run: Run, index: Annotated[int, typer.Argument(min=0, help="help.ledger.index")]) -> Answer:
    """Show one entry of the ledger, with the proof that it stands there checked."""
    with Service(run.endpoint) as service:
        signed, _, pinned = fetch_checkpoint(run, service)
        now = signed.checkpoint
        if index >= now.size:
            raise CommandError(Exit.USAGE, "INDEX_UNKNOWN", "error.index_unknown", size=now.size)
        proof = service.inclusion(index, now.size)
        found = [each.octets for page in service.entries(index, index + 1) for each in page]
    octets = found[0] if found else b""
    verify_inclusion(leaf_hash(octets), index, now.size, proof, now.root)
    described = describe(parse_entry(octets))
    data = {"index": index, "size": now.size, "key_pinned": pinned, "entry": described}
    values = [f"  {name}: {each}" for name, each in described.items()]
    return Answer(data, [run.text("ledger.entry", index=index, size=now.size), *values])


def describe(entry: Entry) -> dict[str, Any]:
    """Return what an entry says, for a JSON document."""
    match entry:
        case ReceiptEntry():
            return {
                "kind": "receipt",
                "commitment": entry.commitment.hex(),
                "note_hash": entry.note_hash.hex(),
            }
        case BlockHeader():
            moment = dt.datetime.fromtimestamp(entry.time_ms / 1000, dt.UTC)
            return {
                "kind": "block",
                "height": entry.height,
                "previous": entry.previous.hex(),
                "first_index": entry.first_index,
                "count": entry.count,
                "root": entry.root.hex(),
                "time": moment.isoformat(timespec="milliseconds"),
            }
        case RecordEntry():
            return {"kind": "record", "record": entry.kind, **_record(entry)}


def _record(entry: RecordEntry) -> dict[str, Any]:
    try:
        if entry.kind in _RECORDS:
            return _RECORDS[entry.kind](entry.payload)
        if opened := OpeningRecord.of_entry(entry):
            return {
                "regulator_key": opened.regulator.hex(),
                "escrow": opened.escrow.hex(),
                "officers": opened.officers,
            }
    except DisclosureMalformedError:
        pass  # shown as the octets that it is
    return {"payload": entry.payload.hex()}


def _issuer_key(payload: bytes) -> dict[str, Any]:
    key = IssuerKey.from_record(payload)
    return {"issuer_key": str(key.name), "suite": key.suite, "public_key": key.public_key.hex()}


def _issuer_key_state(payload: bytes) -> dict[str, Any]:
    name, state = issuer_key_state_of_record(payload)
    return {"issuer_key": str(name), "state": state.value}


def _accumulator(payload: bytes) -> dict[str, Any]:
    made = Accumulator.from_record(payload)
    return {"accumulator": str(made.name), "suite": made.suite, "public_key": made.key.octets.hex()}


def _schema(payload: bytes) -> dict[str, Any]:
    name, digest = schema_of_record(payload)
    return {"schema": str(name), "digest": digest.hex()}


def _verifier(payload: bytes) -> dict[str, Any]:
    name, public_key = verifier_of_record(payload)
    return {"verifier": str(name), "public_key": public_key.hex()}


_RECORDS: Final[Mapping[str, Callable[[bytes], dict[str, Any]]]] = {
    "issuer-key": _issuer_key,
    "issuer-key-state": _issuer_key_state,
    "accumulator": _accumulator,
    "schema": _schema,
    "verifier": _verifier,
}
