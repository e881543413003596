"""Answers whose keeping was cut short: what lies beside its place as `.pending` is kept after all."""

from pathlib import Path
from typing import Annotated

import typer

from verifier import CompositePolicy, CompositeRecord, is_anchored, load_record, recheck_composite
from verifier.client import CompositeAnswered
from verifier.client.exchange import pending_of
from zk.commands.ordered import with_order
from zk.commands.verifier.asking import keep
from zk.commands.verifier.common import GROUP, AnyPolicy, PolicyFile, loaded_policy
from zk.commands.verifier.demanding import demands_of, in_record
from zk.commands.verifier.records import AnyRecord
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.home import read_file
from zk.ordered import ORDER_SECONDS
from zk.run import Answer, Run


@GROUP.command("keep")
def keep_pending(
    run: Run,
    record: Annotated[Path, typer.Argument(metavar="RECORD.pending", help="help.verifier.keep_record")],
    policy: PolicyFile,
) -> Answer:
    """Keep an answer that lies as `.pending`: check it again, note and claim its pseudonyms, accept it.

    Its own claim, if it was made before a crash, is found and counts. The same answer may be tried until a
    node answers; it is refused, and its file removed, once another answer of the same person has come first.
    Where the policy demands an anchored receipt, or an ordered one, and that is not shown yet, it is kept and
    not accepted, exit code 10: `zk verifier anchor` or `zk consortium order` goes on from there.
    """
    path = record.with_suffix("")
    if pending_of(path) != record:
        raise CommandError(Exit.USAGE, "RECORD_INVALID", "error.record_not_pending", path=record)
    read_file(record)  # a file that cannot be read is named, as everywhere
    loaded, kept = loaded_policy(policy), load_record(record)
    waiting = _of_policy(kept, loaded, policy)
    if path.exists() and path.read_bytes() != record.read_bytes():
        raise CommandError(Exit.USAGE, "RECORD_EXISTS", "error.record_exists", path=path)
    demands = demands_of(run, in_record(waiting) | loaded.registered.demands)
    checked = recheck_composite(waiting, log_verifier=run.log_verifier(), accept_pending=True)
    keep(run, CompositeAnswered(checked.verified, waiting, checked.verify_time), loaded, path)
    if demands.quorum is not None and not is_anchored(waiting, demands.quorum):
        raise CommandError(Exit.PENDING, "RECEIPT_PENDING", "error.record_pending", path=path)
    told = told_answer(run, waiting, path)
    return told if demands.order is None else with_order(run, told, waiting, path, ORDER_SECONDS)


def _of_policy(record: AnyRecord, policy: AnyPolicy, path: Path) -> CompositeRecord:
    """Return the record if it was asked by this policy, whose `unique` is noted; CommandError USAGE."""
    if not isinstance(record, CompositeRecord) or not isinstance(policy, CompositePolicy):
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.record_other_policy", path=path)
    if policy.registered.name(record.request.verifier) != record.request.policy:
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.record_other_policy", path=path)
    return record
