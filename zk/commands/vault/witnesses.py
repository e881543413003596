"""Keeping up with revocations: once, or for as long as the command runs. No handle is ever sent."""

import time
from collections.abc import Sequence
from typing import Any

from prover.client import HolderClient
from prover.composite.records import HeldComposite
from prover.consent import show_moment
from prover.following import Following
from prover.vault import Vault
from zk.commands.vault.common import GROUP, SHORT_ID, PassphraseFile, VaultFile, opened
from zk.failure import explain
from zk.progress import progress
from zk.run import Answer, Run, terminable

_LOOK_SECONDS = 0.3


@GROUP.command("update", remote=True)
def update(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Catch up with all revocations; what breaks off goes on where it was."""
    log = run.log_verifier()
    with (
        opened(run, file, passphrase_file) as vault,
        progress(run, run.text("vault.updating"), None) as advance,
    ):
        HolderClient(run.endpoint).catch_up_all(vault, log, lambda _, missing: advance(-missing))
        held = vault.composite.credentials()
    lines = [_line(run, each) for each in held] or [run.text("vault.nothing_to_follow")]
    return Answer({"credentials": [_data(run, each) for each in held]}, lines)


@GROUP.command("follow", remote=True)
def follow(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Keep all witnesses at the newest epoch until Ctrl-C, and say what changes.

    With --json it prints a line for each change.
    """
    log, known = run.log_verifier(), dict[str, Any]()
    with opened(run, file, passphrase_file) as vault, terminable():
        following = Following(
            HolderClient(run.endpoint), vault, log, failed=lambda error: _failed(run, error)
        )
        run.say(run.text("vault.following"))
        try:
            with following:
                while True:
                    _tell_changes(run, vault, known)
                    time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            _tell_changes(run, vault, known)
        held = vault.composite.credentials()
    data = {"event": "ended", "credentials": [_data(run, each) for each in held]}
    return Answer(data, [run.text("vault.follow_ended")])


def _tell_changes(run: Run, vault: Vault, known: dict[str, Any]) -> None:
    """Print each credential whose standing has changed, and note it in `known`."""
    for each in _followed(vault.composite.credentials()):
        now = _data(run, each)
        if known.get(each.id) != now:
            known[each.id] = now
            run.document({"event": "followed", **now})
            run.say(_line(run, each))


def _followed(held: Sequence[HeldComposite]) -> list[HeldComposite]:
    return [each for each in held if each.standing is not None]


def _failed(run: Run, error: Exception) -> None:
    run.warn("vault.follow_failed", problem=explain(error, run.lang, way=run.way()).message)


def _data(run: Run, held: HeldComposite) -> dict[str, Any]:
    standing = held.standing
    revoked = standing.revoked if standing else None
    return {
        "id": held.id,
        "display_name": run.local(held.schema.display_name),
        "epoch": standing.epoch.number if standing else None,
        "known_until": standing.time.isoformat(timespec="seconds") if standing else None,
        "revoked": revoked.isoformat(timespec="seconds") if revoked else None,
    }


def _line(run: Run, held: HeldComposite) -> str:
    name, standing = run.local(held.schema.display_name), held.standing
    values = {"name": name, "id": held.id[:SHORT_ID]}
    if standing is None:
        return run.text("vault.update_none", **values)
    key, moment = "vault.update_known", standing.time
    if standing.revoked is not None:
        key, moment = "vault.update_revoked", standing.revoked
    return run.text(key, time=show_moment(moment, run.lang), **values)
