"""Answers whose keeping was cut short: what lies beside its place as `.pending` is kept after all."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from ordering.light.receipt import Ordering
from tlog import Policy
from verifier import (
    CompositePolicy,
    CompositeRecord,
    files,
    is_anchored,
    load_record,
    recheck,
    recheck_composite,
)
from verifier.client import Answered, CompositeAnswered, VerifierClient
from verifier.client.anchoring import anchor_kept
from verifier.client.exchange import is_kept, pending_of
from verifier.errors import NOT_ORDERED
from zk.commands.ordered import order_of, telling_order
from zk.commands.verifier.asking import keep, moved_order, shown_in_order
from zk.commands.verifier.common import (
    GROUP,
    AnyPolicy,
    PolicyFile,
    key_of,
    loaded_policy,
    shown_log,
)
from zk.commands.verifier.demanding import States, by_policy, demands_of, in_record, said
from zk.commands.verifier.records import AnyRecord
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.home import read_file
from zk.ordered import ORDER_SECONDS
from zk.run import Answer, Run


@GROUP.command("keep", remote=True)
def keep_pending(
    run: Run,
    record: Annotated[Path, typer.Argument(metavar="RECORD.pending", help="help.verifier.keep_record")],
    policy: PolicyFile,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.ask_anchored")] = False,
) -> Answer:
    """Keep an answer that lies as `.pending`: check it again, note and claim its pseudonyms, accept it.

    Its own claim, if it was made before a crash, is found and counts. The same answer may be tried until a
    node answers; it is refused, and its file removed, once another answer of the same person has come first.
    Where the policy demands an anchored receipt, or an ordered one, or --anchored does, that is shown first:
    what is not yet ends with exit code 10, and stays as `.pending` with nothing noted or claimed.
    """
    path = record.with_suffix("")
    if pending_of(path) != record:
        raise CommandError(Exit.USAGE, "RECORD_INVALID", "error.record_not_pending", path=record)
    read_file(record)  # a file that cannot be read is named, as everywhere
    loaded, waiting = loaded_policy(policy), _waiting(record, path)
    _check_policy(waiting, loaded, policy)
    demands = demands_of(run, said(anchored=anchored, ordered=False) | _demanded(run, waiting, loaded))
    answered = _answered(run, waiting)
    if demands.quorum is not None:
        answered = answered.with_record(_anchored(run, waiting, demands.quorum, record))
    _made_same(answered.record, record, path)
    found = None if demands.order is None else _ordered(run, answered.record, record)
    with shown_in_order(path, answered.record, None if found is None else found.to_bytes()):
        keep(run, answered, loaded, path)
    with suppress(FileNotFoundError):  # where something comes once it is gone by now
        files.remove(record)
    told = told_answer(run, answered.record, path)
    moved_order(path, loaded, demands)
    return told if found is None else telling_order(run, told, found)


def _waiting(pending: Path, path: Path) -> AnyRecord:
    """Return the record that waits: as it lies at its place, if it was accepted there before.

    CommandError RECORD_EXISTS if another answer lies there.
    """
    waiting = load_record(pending)
    try:
        return load_record(path) if is_kept(path, waiting) else waiting
    except FileExistsError:
        raise CommandError(Exit.USAGE, "RECORD_EXISTS", "error.record_exists", path=path) from None


def _anchored(run: Run, waiting: AnyRecord, quorum: Policy, pending: Path) -> AnyRecord:
    """Bring a record that waits to anchored; CommandError PENDING if it is not by now."""
    if is_anchored(waiting, quorum):
        return waiting
    with run.endpoint.channel() as channel:
        made = anchor_kept(channel, waiting, run.log_verifier(), quorum)
    if made is None:
        raise CommandError(Exit.PENDING, "RECEIPT_PENDING", "verifier.kept_pending", path=pending)
    return made


def _made_same(record: AnyRecord, pending: Path, path: Path) -> None:
    """Have a record lie as it is now wherever it lies: what its claim was tried with is kept in the end.

    Of an answer that was accepted before, what waits comes first: where the process ends between the two, it
    is brought to its place the next time.
    """
    octets = record.to_bytes()
    for each in (pending, path):
        if each.exists() and each.read_bytes() != octets:
            files.replace(each, octets)


def _ordered(run: Run, waiting: AnyRecord, pending: Path) -> Ordering:
    """Bring what shows a record that waits to be ordered; CommandError PENDING if it is not in time."""
    found = order_of(run, waiting, ORDER_SECONDS)
    if found is None:
        raise CommandError(Exit.PENDING, NOT_ORDERED, "verifier.kept_pending", path=pending)
    return found


def _check_policy(record: AnyRecord, policy: AnyPolicy, path: Path) -> None:
    """Raise CommandError USAGE unless a record was asked by this policy, whose `unique` is noted."""
    is_of_form = isinstance(record, CompositeRecord) == isinstance(policy, CompositePolicy)
    if not is_of_form or policy.registered.name(record.request.verifier) != record.request.policy:
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.record_other_policy", path=path)


def _demanded(run: Run, record: AnyRecord, policy: AnyPolicy) -> States:
    """Return what the registered policy demands; the service is asked where the record has it not in it."""
    if isinstance(record, CompositeRecord):
        return in_record(record) | policy.registered.demands
    name = record.request.verifier
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        return by_policy(client, policy, name)


def _answered(run: Run, record: AnyRecord) -> Answered | CompositeAnswered:
    """Return the answer of a record, verified again."""
    log = run.log_verifier()
    if isinstance(record, CompositeRecord):
        checked = recheck_composite(record, log_verifier=log, accept_pending=True)
        return CompositeAnswered(checked.verified, record, checked.verify_time)
    return Answered(recheck(record, log_verifier=log, accept_pending=True).verified, record)
