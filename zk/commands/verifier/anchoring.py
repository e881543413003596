"""`zk verifier anchor`: a record brought from pending to anchored, in the place where it lies."""

from pathlib import Path
from typing import Annotated

import typer

from verifier import Record, files, load_record, recheck, recheck_composite
from verifier.client.anchoring import anchor_record
from zk.anchoring import policy_needed, told
from zk.commands.verifier.common import GROUP
from zk.home import read_file
from zk.run import Answer, Run


@GROUP.command("anchor", remote=True)
def anchor(run: Run, record: Annotated[Path, typer.Argument(help="help.verifier.check_record")]) -> Answer:
    """Bring a record to the anchored receipt, with all that it rests on, once witnesses have cosigned.

    The file is replaced only by what was verified. Exit code 10: it is still pending.
    """
    log, policy = run.log_verifier(), policy_needed(run)
    read_file(record)  # a file that cannot be read is named, as everywhere
    kept = load_record(record)
    with run.endpoint.channel() as channel:
        made = anchor_record(channel, kept, log, policy)
    if made is not None:
        files.replace(record, made.to_bytes())
        kept = made
    signer = run.log_key_of(kept.receipt, log)
    checked = (
        recheck(kept, log_verifier=signer, policy=policy, accept_pending=True)
        if isinstance(kept, Record)
        else recheck_composite(kept, log_verifier=signer, policy=policy, accept_pending=True)
    )
    state = told(run, policy, checked.state, checked.cosignatures)
    data = {"record": str(record), "entry_index": checked.index, **state.data}
    return Answer(data, state.lines, state.exit_code)
