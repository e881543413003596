"""`zk ledger`: what anybody may do with the public log: read, export, recompute; and pinning its key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import Accumulator, IssuerKey
from disclosure import MalformedError as DisclosureMalformedError
from disclosure.composite import OpeningRecord
from disclosure.registry import (
    issuer_key_state_of_record,
    log_keys_of_record,
    schema_of_record,
    verifier_of_record,
)
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
from wire.anchored import newest
from zk.anchoring import cosigned_by, read_policy
from zk.exits import CommandError, Exit
from zk.export import export as export_to
from zk.group import Group
from zk.home import write_private
from zk.ledger_file import stated_key, states_change
from zk.ledger_reader import SignedCheckpoint
from zk.moments import iso_moment
from zk.progress import progress
from zk.run import Answer, Run, check_same_key, read_log_key
from zk.service import Service

GROUP = Group("ledger")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    _complete()
    app.add_typer(GROUP.app)


@cache
def _complete() -> None:
    """Add the commands of other modules, once, and where the group is run alone: they load the service."""
    from zk.commands import beginning, keyrotation, mirroring, monitoring, receipts, upkeep  # noqa: PLC0415

    for each in (beginning, keyrotation, mirroring, monitoring, receipts, upkeep):
        each.add_to(GROUP)


_KEY_LINE = 2  # of a ledger file: the log's key


@GROUP.command("trust", remote=True)
def trust(
    run: Run,
    key: Annotated[str | None, typer.Argument(metavar="KEY|FILE", help="help.ledger.trust_key")] = None,
    replace_key: Annotated[bool, typer.Option("--replace", help="help.ledger.replace")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="help.ledger.follow")] = False,
    policy: Annotated[Path | None, typer.Option("--policy", help="help.ledger.trust_policy")] = None,
) -> Answer:
    """Pin the log's key, and keep --server and --root with it; another key is refused without --replace.

    With --follow the pinned key moves to the one that took its place, by proof: of the service, or of a file.
    The pinned policy then names both; or --policy gives another one, which has to name the new key.
    With --policy it is pinned whose cosignatures make a receipt of this log anchored; without KEY the pinned
    log's. Another policy takes the place of the one before; another log's is forgotten with its key.
    """
    if follow:
        from zk.commands.keyrotation import followed  # noqa: PLC0415, it loads the service

        return followed(run, key, policy)
    pinned = run.profile.log_key
    given = read_log_key(key) if key else pinned if policy else None
    if given is None:
        raise CommandError(Exit.USAGE, "LOG_KEY_MISSING", "error.log_key_missing")
    believed = None if policy is None else read_policy(policy, given)
    if pinned is not None and not replace_key:
        check_same_key(pinned, given)
    profile = replace(
        run.profile,
        log_key=given,
        earlier_log_keys=run.profile.earlier_log_keys if given == pinned else (),
        server=run.server if run.remote.server else run.profile.server,
        root=run.remote.root or run.profile.root,
    )
    if given != pinned:
        run.home.drop_policy()
    run.home.save_profile(profile)
    data = {"log_key": str(given), "server": profile.server, "home": str(run.home.path)}
    lines = [run.text("ledger.pinned", key=given, home=run.home.path)]
    if believed is not None:
        run.home.save_policy(believed)
        data["quorum"] = believed.quorum
        count = len(believed.witnesses)
        lines.append(run.text("ledger.policy_pinned", quorum=believed.quorum, count=count))
    return Answer(data, lines)


def fetch_checkpoint(run: Run, service: Service) -> tuple[SignedCheckpoint, Verifier, bool]:
    """Return the newest checkpoint, the key it holds under, and whether that key is pinned.

    A key that the service states and that is not the pinned one is refused. Without a pin the stated key is
    believed, with a warning.
    """
    signed = service.ledger.checkpoint(
        read_log_key(run.remote.log_key) if run.remote.log_key else run.profile.log_key
    )
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
    anchored, shown = _anchored(run, key) if pinned else ({}, [])
    found = signed.checkpoint
    data = {
        "origin": found.origin,
        "size": found.size,
        "root": found.root.hex(),
        "log_key": str(key),
        "key_pinned": pinned,
        "consistent_with": seen,
        "note": signed.note.decode(),
        **anchored,
    }
    lines = [run.text("ledger.checkpoint", origin=found.origin, size=found.size, root=found.root.hex())]
    if seen is not None:
        lines.append(run.text("ledger.consistent", size=seen))
    return Answer(data, [*lines, *shown])


def _anchored(run: Run, log: Verifier) -> tuple[dict[str, Any], list[str]]:
    """Return what the newest anchored checkpoint is by the pinned policy, and who has cosigned it."""
    policy = run.policy
    if policy is None:
        return {}, []
    with run.endpoint.channel() as channel:
        found = newest(channel, log, policy)
    if found is None:
        return {"anchored": None}, [run.text("ledger.nothing_anchored")]
    by, lines = cosigned_by(run, policy, found.cosignatures)
    root, size = found.checkpoint.root.hex(), found.checkpoint.size
    anchored = {"size": size, "root": root, "cosigned_by": by, "note": found.note.decode()}
    return {"anchored": anchored}, [run.text("ledger.anchored_at", size=size, root=root), *lines]


def keep_grown(run: Run, service: Service, signed: SignedCheckpoint) -> int | None:
    """Keep a checkpoint under the pinned key, once the log is seen to hold everything that was seen of it.

    Returns the size that was seen before, if any was. Raises CommandError LOG_SHRANK; tlog.TlogError.
    """
    path = run.home.path / "checkpoint"
    seen = _checked_growth(run, service, signed, path) if path.exists() else None
    write_private(path, signed.note)
    return seen


def _checked_growth(run: Run, service: Service, signed: SignedCheckpoint, path: Path) -> int:
    # What was seen last may be older than the pinned key.
    keys = (run.log_verifier(), *run.profile.log_keys[1:])
    before, now = open_checkpoint(path.read_bytes(), keys), signed.checkpoint
    if now.size < before.size:
        # A replica may lag, a log may not: which of the two it is, is for the operator to say.
        raise CommandError(
            Exit.NOT_VERIFIED, "LOG_SHRANK", "error.log_shrank", before=before.size, now=now.size
        )
    if before.size:
        proof = service.ledger.consistency(before.size, now.size)
        verify_consistency(before.size, now.size, proof, before.root, now.root)
    return before.size


@GROUP.command("export", remote=True)
def export(run: Run, file: Annotated[Path, typer.Argument(help="help.ledger.export_file")]) -> Answer:
    """Write the whole ledger to a file and audit it; what broke off goes on from where it was."""
    with Service(run.endpoint) as service:
        signed, key, _ = fetch_checkpoint(run, service)
        with progress(run, run.text("ledger.exporting"), signed.checkpoint.size) as advance:
            report, begun = export_to(service.ledger, signed, file, key, advance)
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
    try:
        pinned = read_log_key(key) if key else _known(run, file)
        if pinned is None:
            run.warn("ledger.key_of_file")
        with file.open("rb") as lines, progress(run, run.text("ledger.verifying"), None) as advance:
            report = verify_archive(read_lines(lines), pinned, advance)
    except (ArchiveInvalidError, ArchiveMalformedError) as error:
        raise _not_the_ledger(run, file, pinned, error) from None
    data = {"file": str(file), **_report(report), "key_pinned": pinned is not None}
    return Answer(data, [run.text("ledger.verified", path=file), *_shown(run, report)])


def _known(run: Run, file: Path) -> Verifier | None:
    """Return the pinned key, or the one before it that a file is of: what that signed still holds."""
    stated = stated_key(file)
    return stated if stated in run.profile.log_keys else run.profile.log_key


def _not_the_ledger(
    run: Run, file: Path, pinned: Verifier | None, error: ArchiveInvalidError | ArchiveMalformedError
) -> CommandError:
    """Say where a file differs from what was signed, or that it is another log's altogether."""
    if pinned is not None and isinstance(error, ArchiveInvalidError) and error.place.line == _KEY_LINE:
        if states_change(file, pinned):
            return CommandError(
                Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED", "error.ledger_of_next_key",
                path=file, key=stated_key(file), pinned=pinned,
            )  # fmt: skip
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
        proof = service.ledger.inclusion(index, now.size)
        found = [each.octets for page in service.ledger.entries(index, index + 1) for each in page]
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
            return {
                "kind": "block",
                "height": entry.height,
                "previous": entry.previous.hex(),
                "first_index": entry.first_index,
                "count": entry.count,
                "root": entry.root.hex(),
                "time": iso_moment(entry.time_ms / 1000, "milliseconds"),
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


def _log_key(payload: bytes) -> dict[str, Any]:
    old, new = log_keys_of_record(payload)
    return {"old_log_key": str(old), "new_log_key": str(new)}


_RECORDS: Final[Mapping[str, Callable[[bytes], dict[str, Any]]]] = {
    "issuer-key": _issuer_key,
    "issuer-key-state": _issuer_key_state,
    "accumulator": _accumulator,
    "schema": _schema,
    "verifier": _verifier,
    "log-key": _log_key,
}
