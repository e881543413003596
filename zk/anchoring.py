"""The policy that says whose cosignatures count, and how the state of a receipt is told under it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tlog import Cosignature, LogLine, Policy, ReceiptState, Verifier
from zk.exits import CommandError, Exit
from zk.home import read_file
from zk.moments import iso_moment, shown_moment
from zk.run import Run


def read_policy(path: Path, log: Verifier | None) -> Policy:
    """Read a policy that is to be believed of a log.

    Raises tlog.MalformedError; CommandError USAGE if it does not name the log, or demands no witness: then
    nothing that it calls anchored would be more than the log's word.
    """
    policy = Policy.parse(read_file(path))
    if log is not None and not any(each.verifier == log for each in policy.logs):
        raise CommandError(
            Exit.USAGE, "POLICY_OF_ANOTHER_LOG", "error.policy_of_another_log", path=path, key=log
        )
    if not policy.demands_witnesses:
        raise CommandError(Exit.USAGE, "POLICY_WITHOUT_QUORUM", "error.policy_without_quorum", path=path)
    return policy


def naming(policy: Policy, keys: Sequence[Verifier]) -> Policy:
    """Return a policy that names a log with a line for each of its keys, beside the line that there is.

    Lines of one origin are the keys of one log, so all are where the first is served. A policy that names
    every key stays as it is. Raises tlog.InputError KEY_AMBIGUOUS (a witness has one of these public keys),
    OUT_OF_RANGE.
    """
    origin = keys[0].name
    at = next(at for at, line in enumerate(policy.logs) if line.verifier.name == origin)
    named, url = policy.logs_of(origin), policy.logs[at].url
    missing = [LogLine(each, url) for each in keys if each not in named]
    return replace(policy, logs=(*policy.logs[:at], *missing, *policy.logs[at:]))


def policy_needed(run: Run, file: Path | None = None, log: Verifier | None = None) -> Policy:
    """Return the policy of a file, else the pinned one; CommandError USAGE if there is neither."""
    policy = run.policy if file is None else read_policy(file, log)
    if policy is None:
        raise CommandError(Exit.USAGE, "POLICY_MISSING", "error.policy_missing")
    return policy


@dataclass(frozen=True)
class Told:
    """What is said of a receipt: for scripts, for people, and whether it is anchored."""

    data: dict[str, Any]
    lines: list[str]
    is_anchored: bool

    @property
    def exit_code(self) -> Exit:
        """What a command ends with that is asked for this and nothing else."""
        return Exit.OK if self.is_anchored else Exit.PENDING


def told(run: Run, policy: Policy | None, state: ReceiptState, cosignatures: Iterable[Cosignature]) -> Told:
    """Tell what a receipt is, and who has cosigned it; without a policy there is nothing to tell."""
    if policy is None:
        return Told({}, [], False)
    if state is ReceiptState.PENDING:
        return Told({"receipt": state.value, "cosigned_by": []}, [run.text("ledger.pending")], False)
    data, line = cosigned_by(run, policy, cosignatures)
    return Told({"receipt": state.value, "cosigned_by": data}, [run.text("ledger.anchored"), *line], True)


def cosigned_by(
    run: Run, policy: Policy, cosignatures: Iterable[Cosignature]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Tell which of a policy's witnesses have cosigned, and when: by its names for them."""
    names = {each.verifier: each.name for each in policy.witnesses}
    data, lines = list[dict[str, Any]](), list[str]()
    for each in cosignatures:
        data.append({"witness": names[each.witness], "time": iso_moment(each.time)})
        shown = shown_moment(each.time, run.lang)
        lines.append("  " + run.text("ledger.cosigned_by", witness=names[each.witness], time=shown))
    return data, lines
