"""`zk regulator`: makes its key, registers it, opens an escrowed identity, checks what others opened."""

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer

import tlog
from disclosure import LocalizedText
from disclosure.composite import EscrowQuery, Regulator, RegulatorKey
from disclosure.names import RegulatorName
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file, write_private
from zk.regulator import (
    Candidates,
    Evidence,
    OpenedFile,
    candidate_of,
    candidates_of,
    create_key,
    evidence_of,
    evidence_of_record,
    load_key,
    open_identity,
)
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token

GROUP = Group("regulator")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


Id = Annotated[str, typer.Argument(metavar="ID", help="help.regulator.id")]
Record = Annotated[Path | None, typer.Argument(help="help.regulator.record")]
RequestFile = Annotated[Path | None, typer.Option("--request", help="help.regulator.request")]
PresentationFile = Annotated[Path | None, typer.Option("--presentation", help="help.regulator.presentation")]
ReceiptFile = Annotated[Path | None, typer.Option("--receipt", help="help.regulator.receipt")]
CandidatesFile = Annotated[Path | None, typer.Option("--candidates", help="help.regulator.candidates")]


@GROUP.command("create")
def create(run: Run, regulator: Id) -> Answer:
    """Make the key that identities are escrowed to; the secret half never leaves its file."""
    name = RegulatorName(regulator)
    path = run.home.regulator_key(regulator)
    if path.exists():
        raise CommandError(Exit.USAGE, "KEY_EXISTS", "error.regulator_key_exists", path=path)
    key = create_key(path)
    data = {"regulator": str(name), "key_file": str(path), "public_key": key.public_key.hex()}
    return Answer(data, [run.text("regulator.created", path=path, regulator=regulator)])


@GROUP.command("register", remote=True)
def register(
    run: Run,
    regulator: Id,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Register the public key; its record stands on the ledger."""
    key, suite = load_key(_key_path(run, regulator))
    made = Regulator(
        RegulatorName(regulator), LocalizedText(name_zh, name_en), RegulatorKey(suite, key.public_key)
    )
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


def _listed(run: Run, regulator: Regulator) -> dict[str, Any]:
    return {
        "regulator": str(regulator.name),
        "display_name": run.local(regulator.display_name),
        "digest": regulator.key.digest.hex(),
    }


def _line(run: Run, regulator: Regulator) -> str:
    name, digest = run.local(regulator.display_name), regulator.key.digest.hex()
    return run.text("regulator.listed", name=name, regulator=regulator.name, digest=digest)


@GROUP.command("open", remote=True)
def open_one(
    run: Run,
    reference: Annotated[str, typer.Option("--case", help="help.regulator.case")],
    record: Record = None,
    escrow: Annotated[str | None, typer.Option("--escrow", help="help.regulator.escrow")] = None,
    regulator: Annotated[str | None, typer.Option("--as", help="help.regulator.as")] = None,
    candidates: CandidatesFile = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
    output: Annotated[Path | None, typer.Option("--output", help="help.regulator.output")] = None,
) -> Answer:
    """Open one escrowed identity. The opening stands on the ledger before anything of it is shown."""
    key, _ = load_key(_key_path(run, regulator or _only_regulator(run)))
    log = run.log_verifier()
    path = output or run.home.path / "openings" / f"{secrets.token_hex(4)}.json"
    with Service(run.endpoint) as service:
        evidence = _evidence(service, log, record, (request, presentation, receipt))
        asked = evidence.escrow(escrow)
        # Whatever is wrong with the candidates is told before the opening is recorded, which is for good.
        known = candidates_of(evidence, asked, candidates) if candidates else None
        opening = open_identity(key, evidence, asked, reference)
        proof = service.record_opening(
            (evidence.signed, evidence.presentation, evidence.receipt),
            evidence.directory.schemas,
            (asked.id, reference),
            opening,
        )
    opened = OpenedFile(asked.id, reference, opening, proof)
    identity = opened.check(evidence, log)
    write_private(path, opened.to_bytes())
    lines = [run.text("regulator.opened", index=opened.index, path=path)]
    return _found(run, evidence, asked, identity, known, {"opening": str(path)}, opened, lines)


@GROUP.command("check", remote=True)
def check(
    run: Run,
    opening: Annotated[Path, typer.Argument(help="help.regulator.opening")],
    record: Record = None,
    candidates: CandidatesFile = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
) -> Answer:
    """Check an opening that somebody made: of this presentation, in this case, recorded on the ledger."""
    try:
        opened = OpenedFile.from_bytes(read_file(opening))
    except ValueError:
        raise CommandError(
            Exit.NOT_VERIFIED, "OPENING_INVALID", "error.opening_invalid", path=opening
        ) from None
    log = run.log_verifier()
    with Service(run.endpoint) as service:
        evidence = _evidence(service, log, record, (request, presentation, receipt))
    asked = evidence.escrow(opened.escrow)
    known = candidates_of(evidence, asked, candidates) if candidates else None
    identity = opened.check(evidence, log)
    lines = [run.text("regulator.holds", case=opened.reference, index=opened.index)]
    return _found(run, evidence, asked, identity, known, {"holds": True}, opened, lines)


def _evidence(
    service: Service,
    log: tlog.Verifier,
    record: Path | None,
    files: tuple[Path | None, Path | None, Path | None],
) -> Evidence:
    """Take a verifier's record, or the three files that somebody without one has kept."""
    match record, files:
        case Path(), (None, None, None):
            return evidence_of_record(record, log)
        case None, (Path() as request, Path() as presentation, Path() as receipt):
            return evidence_of(request, presentation, receipt, service.reader(log), log)
    raise CommandError(Exit.USAGE, "EVIDENCE_UNCLEAR", "error.evidence_unclear")


def _found(
    run: Run,
    evidence: Evidence,
    escrow: EscrowQuery,
    identity: bytes,
    candidates: Candidates | None,
    data: dict[str, Any],
    opened: OpenedFile,
    lines: list[str],
) -> Answer:
    """Tell what an opening found, and who it is in a register of candidates."""
    who = None if candidates is None else candidate_of(evidence, escrow, identity, candidates)
    lines = [*lines, run.text("regulator.identity", identity=identity.hex())]
    if candidates is not None:
        values = {"identifier": who.identifier, "note": who.note} if who else {}
        lines.append(run.text("regulator.is" if who else "regulator.nobody", **values))
    told = {
        "escrow": escrow.id,
        "case": opened.reference,
        "entry_index": opened.index,
        "identity": identity.hex(),
        "candidate": {"identifier": who.identifier, "note": who.note} if who else None,
    }
    return Answer({**data, **told}, lines)


def _key_path(run: Run, regulator: str) -> Path:
    path = run.home.regulator_key(RegulatorName(regulator).regulator)
    if not path.exists():
        raise CommandError(
            Exit.USAGE, "KEY_FILE_INVALID", "error.regulator_key_missing", path=path, regulator=regulator
        )
    return path


def _only_regulator(run: Run) -> str:
    here = run.home.regulators()
    if len(here) != 1:
        key = "error.regulator_unclear" if here else "error.regulator_none"
        raise CommandError(Exit.USAGE, "REGULATOR_UNCLEAR", key, here=", ".join(here))
    return here[0]
