"""The regulator's part: one identity out of the bank's record, by two officers."""

import tempfile
from pathlib import Path

from bbs.gadgets.escrow_shares import EscrowShare
from prover.history import opened_uses
from prover.usages import Usage
from zk.demo.people import CASE
from zk.demo.result import Opened
from zk.demo.stage import Stage
from zk.regulator.evidence import Evidence, candidate_of, candidates_of, evidence_of_record
from zk.regulator.openings import OpeningFile, RecordedPart, make_part
from zk.service import Service


def open_one(stage: Stage, record: Path, usage: Usage) -> Opened:
    """Open, record, check, look the identity up, and have the holder's vault recognise its own use."""
    evidence = evidence_of_record(record, stage.log)
    escrow = evidence.escrow(None)
    with Service(stage.endpoint) as service:
        first, second = (_part(stage, service, evidence, each) for each in stage.city.officers)
        both = first.combined(second, evidence)
        proof = stage.watch.time(
            "demo.time.record_opening",
            lambda: service.record_opening(
                evidence.sent, evidence.directory.schemas, (escrow.id, CASE), both.partials
            ),
        )
        opened = OpeningFile(both.escrow, both.reference, both.parts, proof)
        identity = opened.check(evidence, stage.log)
        entries = [
            (each.index, each.octets)
            for page in service.ledger.entries(opened.index, opened.index + 1)
            for each in page
        ]
    seen = [each.usage for each in opened_uses(stage.mother.vault.usages(), entries)]
    others = [each.usage for each in opened_uses(stage.father.vault.usages(), entries)]
    with tempfile.TemporaryDirectory() as folder:
        register = Path(folder) / "register"
        people = (stage.family.father, stage.family.mother)
        register.write_text("".join(f"{each.number_hash.hex()}\t{each.number}\n" for each in people))
        who = candidate_of(evidence, escrow, identity, candidates_of(evidence, escrow, register))
    found = who is not None and who.note == stage.family.mother.number
    return Opened(CASE, opened.index, found, seen == [usage.id] and not others)


def _part(stage: Stage, service: Service, evidence: Evidence, officer: EscrowShare) -> OpeningFile:
    """Have an officer make its part, on the ledger before the other one is given it."""
    escrow = evidence.escrow(None).id
    made = stage.watch.time("demo.time.open", lambda: make_part(officer, evidence, escrow, CASE))
    proof = service.record_opening(evidence.sent, evidence.directory.schemas, (escrow, CASE), [made])
    part = OpeningFile(escrow, CASE, (RecordedPart(made, proof),))
    part.check_parts(evidence, stage.log)
    return part
