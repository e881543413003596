"""`zk ledger check-receipt`: is a receipt, or a file with one, anchored, and by whom? Offline, by files."""

from pathlib import Path
from typing import Annotated, Final

import typer

import tlog
from ordering.light.receipt import is_ordered_receipt, parse_ordered, verify_ordered
from tlog import Policy, ProofFile, Verifier
from tlog.note import parse_unverified
from tlog.proof_file import PROOF_HEADER
from verifier import parse_kept, recheck_kept
from verifier.anchoring import KeptRechecked
from zk.anchoring import policy_needed, told
from zk.commands.ordered import check_trusted, told_ordered
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run, read_log_key

_RECEIPT: Final = PROOF_HEADER.encode()


def add_to(group: Group) -> None:
    """Add the command to those of the ledger."""
    group.command("check-receipt")(check_receipt)


def check_receipt(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.ledger.receipt_file")],
    policy: Annotated[Path | None, typer.Option("--policy", help="help.ledger.receipt_policy")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
    trusted: Annotated[
        Path | None, typer.Option("--trusted", metavar="FILE", help="help.ledger.receipt_trusted")
    ] = None,
) -> Answer:
    """Verify a receipt, a record or what was sent unasked by a policy's quorum, offline; it names the log.

    A receipt with what shows it to be ordered is verified up to the consortium's header that is trusted, and
    needs no policy where the log's key is known otherwise.
    Exit code 0: it is anchored, or ordered. 10: it holds, and is pending. 4: it does not hold.
    """
    given = read_log_key(key) if key else None
    named = policy_needed(run, policy, given) if policy else None
    octets = read_file(file)
    if is_ordered_receipt(octets):
        return _ordered(run, file, octets, named, given, trusted)
    believed = named or policy_needed(run, None, given)
    if octets.startswith(_RECEIPT):
        log = _signer(octets, believed, given)
        checked: KeptRechecked = tlog.verify_receipt(octets, log, policy=believed, accept_pending=True)
    else:
        kept = parse_kept(octets)
        log = _signer(kept.receipt, believed, given)
        checked = recheck_kept(kept, log, believed, accept_pending=True)
    index, checkpoint = checked.index, checked.checkpoint
    state = told(run, believed, checked.state, checked.cosignatures)
    data = {"file": str(file), "log_key": str(log), "entry_index": index, "tree_size": checkpoint.size}
    stands = run.text("ledger.receipt_stands", origin=log.name, index=index, size=checkpoint.size)
    return Answer({**data, **state.data}, [stands, *state.lines], state.exit_code)


def _ordered(
    run: Run, file: Path, octets: bytes, named: Policy | None, given: Verifier | None, trusted: Path | None
) -> Answer:
    """Check an ordered receipt; what witnesses say of it is told where a policy is given or pinned."""
    believed = named or (run.policy if given is None else None)
    header, now = check_trusted(run, trusted)
    receipt, ordering = parse_ordered(octets)
    log = _signer(receipt, believed or Policy.of_log(given or run.log_verifier()), given)
    checked = verify_ordered(octets, log, header, now, policy=believed)
    index, size = checked.receipt.index, checked.receipt.checkpoint.size
    state = told(run, believed, checked.receipt.state, checked.receipt.cosignatures)
    said, lines = told_ordered(run, ordering)
    data = {"file": str(file), "log_key": str(log), "entry_index": index, "tree_size": size}
    stands = run.text("ledger.receipt_stands", origin=log.name, index=index, size=size)
    shown = [stands, *lines, *(state.lines if state.is_anchored else ())]
    return Answer({**data, **state.data, **said, "ordered_size": checked.ordered.size}, shown)


def _signer(receipt: bytes, policy: Policy, given: Verifier | None) -> Verifier:
    """Return the log's key that a receipt says it is signed by, of those that are believed.

    Raises CommandError KEY_NOT_TRUSTED if it is another log's; tlog.MalformedError.
    """
    note = parse_unverified(ProofFile.parse(receipt).checkpoint)
    origin = tlog.Checkpoint.parse(note.text).origin
    known = policy.logs_of(origin) if given is None else (given,)
    if not known:
        raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_UNKNOWN", "error.receipt_of_unknown_log", origin=origin)
    return next((each for each in known if any(line.is_by(each) for line in note.lines)), known[0])
