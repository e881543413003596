"""Exporting the ledger: page by page, and from where it broke off when it is run again.

Beside FILE stands FILE.part with the entries so far, a line each. Each page is durable before the next is
asked for; a line that a crash cut off is dropped. At the end the archive is written to a file of its own,
audited from its first line to its last, and only then put in FILE's place; FILE.part goes last. So FILE is
always a whole ledger that verified, or what it was before.
"""

import base64
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from tlog import AuditReport, InputError, Verifier, archive, verify_archive
from zk.exits import CommandError, Exit
from zk.ledger_reader import Entry, LedgerReader, SignedCheckpoint


def export(
    ledger: LedgerReader,
    checkpoint: SignedCheckpoint,
    path: Path,
    log: Verifier,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[AuditReport, int]:
    """Export the entries that a checkpoint covers.

    Returns what the audit of the written file found, and with how many entries an export before had begun.

    `progress` is called with the number of entries at hand. Raises what the service refuses,
    tlog.VerificationError if what it handed out does not fit together, CommandError EXPORT_DAMAGED if
    FILE.part is not one of ours, OSError.
    """
    part = path.with_name(f"{path.name}.part")
    size = checkpoint.checkpoint.size
    have = begun = _repair(part, size)
    progress(have)
    with part.open("ab") as file:
        for page in ledger.entries(have, size):
            have = _append(file, page, have)
            progress(have)
    report = _assemble(part, path, checkpoint.note, log, size)
    part.unlink()
    return report, begun


def _repair(part: Path, size: int) -> int:
    """Cut off a line that was not finished, and lines that the checkpoint does not cover; count the rest."""
    if not part.exists():
        return 0
    count, end = 0, 0
    with part.open("r+b") as file:
        for line in file:
            if not line.endswith(b"\n") or count == size:
                break
            count, end = count + 1, end + len(line)
        file.truncate(end)
    return count


def _append(file: BinaryIO, page: Iterable[Entry], have: int) -> int:
    for entry in page:
        if entry.index != have:
            raise CommandError(Exit.NOT_VERIFIED, "ENTRIES_WITH_GAPS", "error.entries_with_gaps", index=have)
        file.write(_line(entry))
        have += 1
    file.flush()
    os.fsync(file.fileno())
    return have


def _line(entry: Entry) -> bytes:
    note = b"-" if entry.holder_note is None else base64.b64encode(entry.holder_note)
    return base64.b64encode(entry.octets) + b" " + note + b"\n"


def _assemble(part: Path, path: Path, note: bytes, log: Verifier, size: int) -> AuditReport:
    whole = path.with_name(f"{path.name}.new")
    try:
        with part.open("rb") as source, whole.open("wb") as file:
            for line in archive.write(log, _entries(source, part, size), note):
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        with whole.open("rb") as file:
            report = verify_archive(archive.read_lines(file), log)
        whole.replace(path)
    except InputError:
        raise _damaged(part) from None
    finally:
        whole.unlink(missing_ok=True)
    return report


def _entries(source: BinaryIO, part: Path, size: int) -> Iterator[tuple[bytes, bytes | None]]:
    for line, _ in zip(source, range(size), strict=False):
        entry, _, note = line.rstrip(b"\n").partition(b" ")
        try:
            yield base64.b64decode(entry, validate=True), _note(note)
        except ValueError:
            raise _damaged(part) from None


def _note(written: bytes) -> bytes | None:
    return None if written == b"-" else base64.b64decode(written, validate=True)


def _damaged(part: Path) -> CommandError:
    return CommandError(Exit.NOT_VERIFIED, "EXPORT_DAMAGED", "error.export_damaged", path=part)
