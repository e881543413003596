"""`zk vault anchor` and `zk vault receipt`: receipts that witnesses have cosigned, and giving one away."""

from pathlib import Path
from typing import Annotated

import typer

from prover.anchoring import check_kept
from prover.client import HolderClient
from prover.errors import ContentError, VaultReason
from prover.finding import one_of
from verifier import files
from zk.anchoring import policy_needed, told
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.exits import Exit
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
