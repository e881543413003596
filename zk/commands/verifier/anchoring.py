"""`zk verifier anchor`: what is kept brought from pending to anchored, in the place where it lies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from disclosure import DisclosureError
from tlog import Policy, TlogError, Verifier
from verifier import VerifierError, files, is_anchored, load_kept, recheck_kept
from verifier.client.anchoring import anchor_kept
from wire.client import ServiceError
from zk.anchoring import Told, policy_needed, told
from zk.commands.verifier.common import GROUP
from zk.exits import Exit
from zk.home import read_file
from zk.run import Answer, Run


@GROUP.command("anchor", remote=True)
def anchor(
    run: Run,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="help.verifier.anchor_file")] = None,
) -> Answer:
    """Bring what is kept to the anchored receipt, with all that it rests on, once witnesses have cosigned.

    That is a record, of whichever kind of asking, or a file of what was sent unasked; without FILE all that
    lie in the home. A file is replaced only by what was verified. Exit code 10: something is still pending.
    """
    log, policy = run.log_verifier(), policy_needed(run)
    with run.endpoint.channel() as channel:
        if file is None:
            return _all(run, channel, log, policy)
        read_file(file)  # a file that cannot be read is named, as everywhere
        index, state, _ = _anchored(run, channel, file, log, policy)
    data = {"record": str(file), "entry_index": index, **state.data}
    return Answer(data, state.lines, state.exit_code)


def _all(run: Run, channel: grpc.Channel, log: Verifier, policy: Policy) -> Answer:
    """Anchor everything in the home. What is wrong with one file is told, and the next is gone on with."""
    anchored, pending, failed = 0, list[str](), list[dict[str, Any]]()
    for path in _kept_in(run):
        try:
            _, state, moved = _anchored(run, channel, path, log, policy)
        except (TlogError, DisclosureError, VerifierError, ServiceError) as error:
            if isinstance(error, ServiceError) and error.is_of_all:
                raise
            failed.append({"file": str(path), "reason": error.reason})
            run.warn("verifier.anchor_failed", path=path, reason=error.reason)
        else:
            anchored += moved
            pending += [] if state.is_anchored else [str(path)]
    lines = [run.text("verifier.anchored_count", count=anchored)]
    if pending:
        lines.append(run.text("verifier.still_pending", count=len(pending)))
    code = Exit.NOT_VERIFIED if failed else Exit.PENDING if pending else Exit.OK
    return Answer({"anchored": anchored, "pending": pending, "failed": failed}, lines, code)


def _kept_in(run: Run) -> Iterator[Path]:
    """Give the files of records, and of what was received by each verifier of the home."""
    yield from sorted(run.home.records.glob("*.json"))
    yield from sorted(run.home.deliveries.glob("*/*.json"))


def _anchored(
    run: Run, channel: grpc.Channel, path: Path, log: Verifier, policy: Policy
) -> tuple[int, Told, bool]:
    """Anchor one file; return its entry, what it is now, and whether that is new. What is anchored stays."""
    kept, moved = load_kept(path), False
    if not is_anchored(kept, policy) and (made := anchor_kept(channel, kept, log, policy)) is not None:
        files.replace(path, made.to_bytes())
        kept, moved = made, True
    checked = recheck_kept(kept, run.log_key_of(kept.receipt, log), policy, accept_pending=True)
    return checked.index, told(run, policy, checked.state, checked.cosignatures), moved
