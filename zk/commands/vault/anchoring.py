"""`zk vault anchor` and `zk vault receipt`: receipts that witnesses have cosigned, and giving one away."""

import random
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from disclosure import DisclosureError
from ordering.light.receipt import Ordering
from ordering.light.verifying import OrderError
from prover.anchoring import check_kept
from prover.client import HolderClient
from prover.errors import ContentError, VaultReason
from prover.finding import one_of
from prover.vault import Vault
from tlog import Checkpoint, TlogError, Verifier
from verifier import files
from zk.anchoring import policy_needed, told
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.exits import Exit
from zk.ordered import Pinned, ordering_for, seconds
from zk.run import Answer, Run


@GROUP.command("anchor", remote=True)
def anchor(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Bring all pending receipts to anchored, as far as witnesses have cosigned; nobody learns which."""
    log, policy = run.log_verifier(), policy_needed(run)
    with opened(run, file, passphrase_file) as vault:
        made = HolderClient(run.endpoint).anchor(vault, run.log_keys(log), policy)
    size = made.checkpoint.size if made.checkpoint else None
    lines = [run.text("vault.anchored", count=made.anchored)]
    if made.pending:
        lines.append(run.text("vault.still_pending", count=made.pending))
    return Answer({"anchored": made.anchored, "pending": made.pending, "tree_size": size}, lines)


@GROUP.command("order", remote=True)
def order(
    run: Run,
    wait: Annotated[float, typer.Option("--wait", min=0, max=3_600, help="help.consortium.wait")] = 0,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Bring what shows the receipts to be in the consortium's order; neither node nor service learns which.

    Exit code 10: some are in trees that are not ordered yet. A receipt that does not hold is left out.
    """
    pinned, log = Pinned.needed(run).with_node(""), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        wanted = _checkpoints(run, vault, log)
        known = vault.orders.all()
        missing = [each for each in wanted if not _holds(known.get(each), each, pinned)]
        random.SystemRandom().shuffle(missing)
        left = 0
        for each in missing:  # each tree over a channel of its own, as by `zk vault anchor`
            found = ordering_for(run, pinned, [each], wait)
            if found is None:
                left += 1
            else:
                vault.orders.put(each, found)
    data = {"ordered": len(wanted) - left, "pending": left}
    lines = [run.text("vault.trees_ordered", count=len(wanted) - left)]
    if left:
        lines.append(run.text("vault.trees_not_ordered", count=left))
    return Answer(data, lines, Exit.PENDING if left else Exit.OK)


def _checkpoints(run: Run, vault: Vault, log: Verifier) -> list[Checkpoint]:
    """Return the checkpoints that receipts of the log which hold are proven in, each once."""
    found = dict[Checkpoint, None]()
    for each in vault.anchoring.all():
        if each.receipt is not None:
            with suppress(TlogError, DisclosureError):
                signer = run.log_key_of(each.receipt, log)
                found[check_kept(each, signer, None, accept_pending=True).checkpoint] = None
    return list(found)


def _holds(ordering: Ordering | None, checkpoint: Checkpoint, pinned: Pinned) -> bool:
    if ordering is None:
        return False
    try:
        ordering.check(checkpoint, pinned.trusted, seconds())
    except OrderError:
        return False
    return True


@GROUP.command("receipt")
def receipt(
    run: Run,
    use: Annotated[str, typer.Argument(metavar="ID", help="help.vault.receipt_of")],
    to: Annotated[Path, typer.Argument(metavar="FILE", help="help.vault.receipt_file")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Write the receipt of a use, an event or what was received: whoever has it can check it, and read it."""
    log = run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        every = vault.anchoring.all()
    kept = one_of(every, use, VaultReason.USAGE_NOT_FOUND)
    octets = kept.receipt
    if octets is None:
        raise ContentError(VaultReason.NO_RECEIPT, "it was not recorded, or not yet, and has no receipt")
    verified = check_kept(kept, run.log_key_of(octets, log), run.policy, accept_pending=True)
    files.write_new(to, octets)
    state = told(run, run.policy, verified.state, verified.cosignatures)
    data = {"file": str(to), "entry_index": verified.index, **state.data}
    return Answer(data, [run.text("vault.receipt_written", path=to), *state.lines], Exit.OK)
