"""`zk ledger rotate-key`, and following a log to its new key: `zk ledger trust --follow`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure.log_key_change import follow, open_change
from tlog import InputError, Policy, VerificationError, Verifier
from tlog.errors import Reason
from verifier.files import write_new
from zk.anchoring import naming, read_policy
from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run
from zk.service import Service
from zkservice import key_change
from zkservice.errors import StartError
from zkservice.key_change import KeyChangeError

_BEGUN: Final = "ledger.rotation_begun", "ledger.rotation_line", "ledger.rotation_begun_next"
_FINISHED: Final = "ledger.rotation_finished", "ledger.rotation_finished_next"


def add_to(group: Group) -> None:
    """Add the commands to those of the ledger."""
    group.command("rotate-key")(rotate_key)
    group.command("key-proof", remote=True)(key_proof)


def rotate_key(
    run: Run,
    data: Annotated[Path | None, typer.Option("--data", help="help.ledger.rotate_data")] = None,
    finish: Annotated[bool, typer.Option("--finish", help="help.ledger.rotate_finish")] = False,
) -> Answer:
    """Make the log's next key, with which it signs beside the old one; or end that, and retire the old key.

    The server on the folder is stopped. All else that it is set by counts as for `zk serve`.
    """
    given: dict[str, Any] = {} if data is None else {"data": data}
    settings = settings_of(given)
    try:
        old, new = key_change.finish(settings) if finish else key_change.begin(settings)
    except KeyChangeError as error:
        text = "error.rotation_refused"
        raise CommandError(
            Exit.REFUSED, error.reason, text, reason=error.reason, detail=error.detail
        ) from None
    except StartError as error:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=error) from None
    found = {"rotation": "finished" if finish else "begun", "old_key": str(old), "new_key": str(new)}
    return Answer(found, [run.text(each, old=old, new=new) for each in (_FINISHED if finish else _BEGUN)])


def followed(run: Run, file: str | None, policy: Path | None) -> Answer:
    """Move the pinned key to the one that took its place, by proof: from the service, or from a file.

    What the home has pinned decides where to start from; --log-key says nothing here. The pinned policy is
    kept with a line for the new key, or `policy` is pinned in its place, which has to name that key. The
    witnesses of the policy that is kept must have seen the change: against a stolen key nothing else stands.
    """
    pinned = run.profile.log_key
    if pinned is None:
        raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.log_key_unknown")
    given = None if policy is None else read_policy(policy, None)
    believed = given or run.policy
    with _by_policy():
        passed = (
            [open_change(read_file(Path(file)), pinned, believed)]
            if file
            else follow(_proofs(run, pinned), pinned, believed)
        )
    newest = passed[-1] if passed else pinned
    if given is not None and newest not in given.logs_of(newest.name):
        raise CommandError(Exit.USAGE, "POLICY_LACKS_KEY", "error.policy_lacks_key", path=policy, key=newest)
    _keep(run, (pinned, *passed), believed, given)
    said = run.text("ledger.followed" if passed else "ledger.nothing_to_follow", old=pinned, new=newest)
    data = {"log_key": str(newest), "before": str(pinned), "followed": bool(passed)}
    if believed is None:
        return Answer(data, [said])
    quorum, count = believed.quorum, len(believed.witnesses)
    told = "ledger.policy_followed" if given is None else "ledger.policy_pinned"
    return Answer({**data, "quorum": quorum}, [said, run.text(told, quorum=quorum, count=count)])


def _keep(run: Run, keys: Sequence[Verifier], believed: Policy | None, given: Policy | None) -> None:
    """Pin the last of these keys, of which each follows the one before, and the policy with it.

    The policy goes first, naming the old key and the new one: so after a crash at any point it names the key
    that is pinned, and what is missing can be asked for again. Whatever is refused is refused before that.
    """
    newest, earlier = keys[-1], (*run.profile.earlier_log_keys, *keys[:-1])
    with _by_policy():
        both = None if believed is None else naming(believed, keys[::-1])
    if both is not None and (given is not None or both != believed):
        run.home.save_policy(both)
    if newest != keys[0]:
        run.home.save_profile(replace(run.profile, log_key=newest, earlier_log_keys=earlier))
    if given is not None and given != both:
        run.home.save_policy(given)


@contextmanager
def _by_policy() -> Iterator[None]:
    """Say what a policy has against a change: too few witnesses have seen it, or one has such a key."""
    try:
        yield
    except VerificationError as error:
        if error.reason != Reason.QUORUM_MISSING:
            raise
        raise CommandError(Exit.NOT_VERIFIED, error.reason, "error.change_not_anchored") from None
    except InputError as error:
        raise CommandError(Exit.NOT_VERIFIED, error.reason, "error.policy_refuses_key") from None


def _proofs(run: Run, pinned: Verifier) -> Sequence[bytes]:
    """Return the service's proofs; CommandError if the pinned key is none that the log says it has had."""
    with Service(run.endpoint) as service:
        keys = service.ledger.keys()
    if str(pinned) not in [each.verifier_key for each in keys]:
        raise _not_followed(pinned)
    return [each.change_proof for each in keys if each.change_proof]


def key_proof(run: Run, file: Annotated[Path, typer.Argument(help="help.ledger.key_proof_file")]) -> Answer:
    """Write the proof that a key follows the pinned one to a file, with which others can follow offline."""
    pinned = run.log_verifier()
    for proof in _proofs(run, pinned):
        if passed := follow([proof], pinned):
            write_new(file, proof)
            data = {"file": str(file), "old_key": str(pinned), "new_key": str(passed[0])}
            return Answer(data, [run.text("ledger.key_proof", path=file, old=pinned, new=passed[0])])
    raise _not_followed(pinned)


def _not_followed(pinned: Verifier) -> CommandError:
    return CommandError(
        Exit.KEY_NOT_TRUSTED, "LOG_KEY_NOT_FOLLOWED", "error.log_key_not_followed", key=pinned
    )
