"""Checking an opening that two officers of some regulator have made."""

from zk.commands.regulator.common import (
    GROUP,
    CandidatesFile,
    Opening,
    PresentationFile,
    ReceiptFile,
    Record,
    Register,
    RequestFile,
    evidence_from,
    opening_from,
)
from zk.run import Answer, Run
from zk.service import Service


@GROUP.command("check", remote=True)
def check(
    run: Run,
    opening: Opening,
    record: Record = None,
    candidates: CandidatesFile = None,
    request: RequestFile = None,
    presentation: PresentationFile = None,
    receipt: ReceiptFile = None,
) -> Answer:
    """Check an opening: of this presentation, in this case, by two officers, recorded on the ledger."""
    opened, log = opening_from(opening), run.log_verifier()
    with Service(run.endpoint) as service:
        evidence = evidence_from(service, log, record, (request, presentation, receipt))
    known = Register.read(evidence, opened.escrow, candidates)
    identity = opened.check(evidence, log)
    said = run.text("regulator.holds", case=opened.reference, index=opened.index)
    return known.found(run, evidence, opened, identity, {"holds": True}, said)
