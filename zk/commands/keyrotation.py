"""`zk ledger rotate-key`, and following a log to its new key: `zk ledger trust --follow`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure.log_key_change import follow
from tlog import Verifier
from zk.commands.ledger import GROUP
from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.home import read_file
from zk.run import Answer, Run
from zk.service import Service
from zkservice import key_change
from zkservice.errors import StartError
from zkservice.key_change import KeyChangeError

_REFUSALS = {each.value: f"error.{each.value.lower()}" for each in key_change.KeyChangeReason}


@GROUP.command("rotate-key")
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
        detail = {"detail": error.detail}
        raise CommandError(Exit.REFUSED, error.reason, _REFUSALS[error.reason], **detail) from None
    except StartError as error:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=error) from None
    done = "finished" if finish else "begun"
    lines = [run.text(f"ledger.rotation_{done}", old=old, new=new), run.text(f"ledger.rotation_{done}_next")]
    return Answer({"rotation": done, "old_key": str(old), "new_key": str(new)}, lines)


def followed(run: Run, file: Path | None) -> Answer:
    """Move the pinned key to the one that took its place, by proof: from the service, or from a file."""
    pinned = run.profile.log_key
    if pinned is None:
        raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.log_key_unknown")
    passed = follow([read_file(file)] if file else _proofs(run, pinned), pinned)
    if passed:
        earlier = (*run.profile.earlier_log_keys, pinned, *passed[:-1])
        run.home.save_profile(replace(run.profile, log_key=passed[-1], earlier_log_keys=earlier))
    elif file:
        raise CommandError(Exit.NOT_VERIFIED, "LOG_KEY_NOT_FOLLOWED", "error.log_key_not_followed", key=pinned)
    newest = passed[-1] if passed else pinned
    said = run.text("ledger.followed" if passed else "ledger.nothing_to_follow", old=pinned, new=newest)
    return Answer({"log_key": str(newest), "before": str(pinned), "followed": bool(passed)}, [said])


def _proofs(run: Run, pinned: Verifier) -> Sequence[bytes]:
    """Return the service's proofs; CommandError if the pinned key is none that the log says it has had."""
    with Service(run.endpoint) as service:
        keys = service.log_keys()
    if str(pinned) not in [each.verifier_key for each in keys]:
        raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_NOT_FOLLOWED", "error.log_key_not_followed", key=pinned)
    return [each.change_proof for each in keys if each.change_proof]


@GROUP.command("key-proof", remote=True)
def key_proof(run: Run, file: Annotated[Path, typer.Argument(help="help.ledger.key_proof_file")]) -> Answer:
    """Write the proof that a key follows the pinned one to a file, with which others can follow offline."""
    pinned = run.log_verifier()
    found = [each for each in _proofs(run, pinned) if starts_from(each, pinned)]
    if not found:
        raise CommandError(Exit.REFUSED, "LOG_KEY_NOT_FOLLOWED", "error.log_key_not_followed", key=pinned)
    new = follow(found[:1], pinned)[0]
    file.write_bytes(found[0])
    data = {"file": str(file), "old_key": str(pinned), "new_key": str(new)}
    return Answer(data, [run.text("ledger.key_proof", path=file, old=pinned, new=new)])
