"""What the commands of regulators share: their groups, their options, and the evidence that they read."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import tlog
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file, read_secret
from zk.regulator.evidence import (
    Candidates,
    Evidence,
    candidate_of,
    candidates_of,
    evidence_of,
    evidence_of_record,
)
from zk.regulator.openings import OpeningFile
from zk.run import Answer, Run
from zk.service import Service

GROUP: Final = Group("regulator")


def _below(name: str) -> Group:
    app = typer.Typer(name=name, help=f"help.regulator.{name}", no_args_is_help=True)
    return Group(f"regulator.{name}", app)


SHARE: Final = _below("share")
OPEN: Final = _below("open")

Id = Annotated[str, typer.Argument(metavar="ID", help="help.regulator.id")]
Record = Annotated[Path | None, typer.Argument(help="help.regulator.record")]
RequestFile = Annotated[Path | None, typer.Option("--request", help="help.regulator.request")]
PresentationFile = Annotated[Path | None, typer.Option("--presentation", help="help.regulator.presentation")]
ReceiptFile = Annotated[Path | None, typer.Option("--receipt", help="help.regulator.receipt")]
CandidatesFile = Annotated[Path | None, typer.Option("--candidates", help="help.regulator.candidates")]
Opening = Annotated[Path, typer.Argument(help="help.regulator.opening")]
Output = Annotated[Path | None, typer.Option("--output", help="help.regulator.output")]
TokenFile = Annotated[Path | None, typer.Option("--token-file", help="help.regulator.token_file")]


def date_of(written: str) -> dt.date:
    """Read a day as it is written; CommandError USAGE."""
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        raise CommandError(Exit.USAGE, "DATE_INVALID", "error.date_invalid", given=written) from None


def reading_token(run: Run, file: Path | None) -> str:
    """Return the token that a regulator reads with: of a file, else the only one of the home.

    Raises CommandError USAGE.
    """
    if file is not None:
        return read_secret(file)
    here = sorted((run.home.path / "regulators").glob("*.token"))
    if len(here) != 1:
        raise CommandError(Exit.USAGE, "REGULATOR_UNCLEAR", "error.regulator_token_unclear")
    return run.home.current(here[0], f"regulators/{here[0].stem}")


def evidence_from(
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


def opening_from(path: Path) -> OpeningFile:
    """Read an opening's file, or a part's; CommandError USAGE, NOT_VERIFIED."""
    try:
        return OpeningFile.from_bytes(read_file(path))
    except ValueError:
        raise CommandError(Exit.NOT_VERIFIED, "OPENING_INVALID", "error.opening_invalid", path=path) from None


@dataclass(frozen=True)
class Register:
    """Whom an identity may be, read before anything is recorded: what is wrong with it must cost no entry."""

    candidates: Candidates | None

    @classmethod
    def read(cls, evidence: Evidence, escrow: str, path: Path | None) -> "Register":
        """Read a register, if one is given; raises as `candidates_of` does."""
        return cls(candidates_of(evidence, evidence.escrow(escrow), path) if path else None)

    def found(
        self,
        run: Run,
        evidence: Evidence,
        opened: OpeningFile,
        identity: bytes,
        data: dict[str, Any],
        said: str,
    ) -> Answer:
        """Tell what an opening found, and who it is among the candidates."""
        escrow, known = evidence.escrow(opened.escrow), self.candidates
        who = None if known is None else candidate_of(evidence, escrow, identity, known)
        values = {"identifier": who.identifier, "note": who.note} if who else {}
        lines = [said, run.text("regulator.identity", identity=identity.hex())]
        if known is not None:
            lines.append(run.text("regulator.is" if who else "regulator.nobody", **values))
        told = {
            "escrow": opened.escrow,
            "case": opened.reference,
            "officers": len(opened.parts),
            "entry_index": opened.index,
            "identity": identity.hex(),
            "candidate": values or None,
        }
        return Answer({**data, **told}, lines)
