"""Opening one escrowed identity: each officer's part, both together, and the record before it is shown."""

import secrets
import shlex
from pathlib import Path
from typing import Annotated

import typer

from disclosure import Reason, RefusedError
from disclosure.names import RegulatorName
from tlog import Verifier
from zk.commands.regulator.common import (
    OPEN,
    CandidatesFile,
    Opening,
    Output,
    PresentationFile,
    ReceiptFile,
    Record,
    Register,
    RequestFile,
    evidence_from,
    opening_from,
)
from zk.exits import CommandError, Exit
from zk.home import write_private
from zk.regulator.openings import OpeningFile, RecordedPart, make_part
from zk.regulator.shares import load_share
from zk.run import Answer, Run
from zk.service import Service


@OPEN.command("part", remote=True)
def part(
    run: Run,
    reference: Annotated[str, typer.Option("--case", help="help.regulator.case")],
    record: Record = None,
    escrow: Annotated[str | None, typer.Option("--escrow", help="help.regulator.escrow")] = None,
    regulator: Annotated[str | None, typer.Option("--as", help="help.regulator.as")] = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
    output: Output = None,
) -> Answer:
    """Make this officer's part. It stands on the ledger before the file for the other officer is written."""
    name = regulator or _only_regulator(run)
    share = load_share(_share_path(run, name))
    log, path = run.log_verifier(), _output(run, output, "part")
    with Service(run.endpoint) as service:
        evidence = evidence_from(service, log, record, (request, presentation, receipt))
        asked = evidence.escrow(escrow)
        _check_own(service, RegulatorName(name), asked.regulator, log)
        made = make_part(share, evidence, asked.id, reference)
        proof = service.record_opening(
            evidence.sent, evidence.directory.schemas, (asked.id, reference), [made]
        )
    opening = OpeningFile(asked.id, reference, (RecordedPart(made, proof),))
    opening.check_parts(evidence, log)
    write_private(path, opening.to_bytes())
    data = {"part": str(path), "escrow": asked.id, "case": reference, "entry_index": opening.index}
    return Answer(data, [run.text("regulator.part_made", index=opening.index, path=path)])


@OPEN.command("combine", remote=True)
def combine(
    run: Run,
    first: Annotated[Path, typer.Argument(help="help.regulator.part_file")],
    second: Annotated[Path, typer.Argument(help="help.regulator.part_file")],
    record: Record = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
    output: Output = None,
) -> Answer:
    """Put the parts of both officers together, each checked to be of this case and on the ledger."""
    parts, log, path = (
        list(map(opening_from, (first, second))),
        run.log_verifier(),
        _output(run, output, "both"),
    )
    with Service(run.endpoint) as service:
        evidence = evidence_from(service, log, record, (request, presentation, receipt))
    both = parts[0].combined(parts[1], evidence)
    both.check_parts(evidence, log)
    write_private(path, both.to_bytes())
    data = {"opening": str(path), "escrow": both.escrow, "case": both.reference, "officers": len(both.parts)}
    command = _record_command(path, record, request, presentation, receipt)
    said = run.text("regulator.parts_combined", case=both.reference, path=path, command=command)
    return Answer(data, [said])


@OPEN.command("record", remote=True)
def record_both(
    run: Run,
    opening: Opening,
    record: Record = None,
    candidates: CandidatesFile = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
    output: Output = None,
) -> Answer:
    """Record an opening by both officers. It stands on the ledger before anything of it is shown."""
    both, log, path = opening_from(opening), run.log_verifier(), _output(run, output, "opening")
    with Service(run.endpoint) as service:
        evidence = evidence_from(service, log, record, (request, presentation, receipt))
        # Whatever is wrong with the candidates is told before the opening is recorded, which is for good.
        known = Register.read(evidence, both.escrow, candidates)
        both.check_parts(evidence, log)
        case = both.escrow, both.reference
        proof = service.record_opening(evidence.sent, evidence.directory.schemas, case, both.partials)
    opened = OpeningFile(both.escrow, both.reference, both.parts, proof)
    identity = opened.check(evidence, log)
    write_private(path, opened.to_bytes())
    said = run.text("regulator.opened", index=opened.index, path=path)
    return known.found(run, evidence, opened, identity, {"opening": str(path)}, said)


def _record_command(
    both: Path, record: Path | None, request: Path | None, presentation: Path | None, receipt: Path | None
) -> str:
    """Return the command that records an opening by the same evidence, whole: it can be copied."""
    options = {"--request": request, "--presentation": presentation, "--receipt": receipt}
    named = [part for option, path in options.items() if path for part in (option, path)]
    words = ("zk", "regulator", "open", "record", both, *([record] if record else []), *named)
    return shlex.join(map(str, words))


def _output(run: Run, output: Path | None, what: str) -> Path:
    return output or run.home.path / "openings" / f"{secrets.token_hex(4)}.{what}.json"


def _share_path(run: Run, regulator: str) -> Path:
    path = run.home.officer_share(RegulatorName(regulator).regulator)
    if not path.exists():
        values = {"path": path, "regulator": regulator}
        raise CommandError(Exit.USAGE, "KEY_FILE_INVALID", "error.officer_share_missing", **values)
    return path


def _check_own(service: Service, name: RegulatorName, escrowed_to: bytes, log: Verifier) -> None:
    """Raise RefusedError REGULATOR_UNKNOWN unless an identity is escrowed to the regulator that is acted for.

    An officer's public share can be copied, with its proof, and registered under another regulator's name
    beside anybody's: whoever has that other half needs no more than this officer's part.
    """
    if all(each.name != name or each.key.digest != escrowed_to for each in service.regulators(log)):
        detail = f"the identity is not escrowed to {name}"
        raise RefusedError(Reason.REGULATOR_UNKNOWN, detail, field="escrow")


def _only_regulator(run: Run) -> str:
    here = run.home.regulators()
    if len(here) != 1:
        key = "error.regulator_unclear" if here else "error.regulator_none"
        raise CommandError(Exit.USAGE, "REGULATOR_UNCLEAR", key, here=", ".join(here))
    return here[0]
