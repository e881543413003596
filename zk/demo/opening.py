"""The regulator's part: one identity out of the bank's record, on the ledger before anybody sees it."""

import tempfile
from pathlib import Path

from prover.history import opened_uses
from prover.records import Usage
from zk.demo.people import CASE
from zk.demo.result import Opened
from zk.demo.stage import Stage
from zk.regulator import OpenedFile, candidate_of, candidates_of, evidence_of_record, open_identity
from zk.service import Service


def open_one(stage: Stage, record: Path, usage: Usage) -> Opened:
    """Open, record, check, look the identity up, and have the holder's vault recognise its own use."""
    evidence = evidence_of_record(record, stage.log)
    escrow = evidence.escrow(None)
    key = stage.city.regulator_key
    opening = stage.watch.time("demo.time.open", lambda: open_identity(key, evidence, escrow, CASE))
    sent = (evidence.signed, evidence.presentation, evidence.receipt)
    with Service(stage.endpoint) as service:
        proof = stage.watch.time(
            "demo.time.record_opening",
            lambda: service.record_opening(sent, evidence.directory.schemas, (escrow.id, CASE), opening),
        )
        opened = OpenedFile(escrow.id, CASE, opening, proof)
        identity = opened.check(evidence, stage.log)
        entries = [
            (each.index, each.octets)
            for page in service.entries(opened.index, opened.index + 1)
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
