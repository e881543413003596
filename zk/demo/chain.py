"""The ledger in the demo: exported and recomputed, receipts with their places; and how large things are."""

from disclosure.composite import CompositePresentation
from prover.history import check_usage
from prover.usages import Usage
from tlog import BlockHeader, parse_entry
from zk.demo.people import Asker
from zk.demo.result import Ledger, Place
from zk.demo.school import Enrolled
from zk.demo.stage import Stage
from zk.export import export
from zk.messages import Language, local, text
from zk.service import Service


def exported(stage: Stage) -> tuple[Ledger, list[BlockHeader]]:
    """Export and audit the ledger; also return its blocks."""
    path = stage.output / "ledger.txt"
    with Service(stage.endpoint) as service:
        signed = service.ledger.checkpoint()
        report, _ = stage.watch.time(
            "demo.time.ledger", lambda: export(service.ledger, signed, path, stage.log)
        )
        entries = [each for page in service.ledger.entries(0, report.size) for each in page]
    parsed = [parse_entry(each.octets) for each in entries]
    ledger = Ledger(path, report.size, report.blocks, report.receipts, report.records, report.root)
    return ledger, [each for each in parsed if isinstance(each, BlockHeader)]


def place(
    stage: Stage,
    asker: Asker,
    usage: Usage,
    blocks: list[BlockHeader],
    lang: Language,
    *,
    again: bool = False,
) -> Place:
    """Check a receipt as its holder does, offline, and say where it stands; keep it as a file.

    `again` says that it is the one for the true answer, given after a forged one was refused.
    """
    receipt = stage.watch.time("demo.time.receipt", lambda: check_usage(usage, stage.log))
    octets = usage.receipt or b""
    (stage.output / f"receipt-{asker.name.verifier}.tlog-proof").write_bytes(octets)
    block = next(each for each in blocks if each.first_index <= receipt.index < each.index)
    party = local(lang, asker.display_name)
    if again:
        party = text(lang, "demo.places.after_forgery", party=party)
    return Place(party, receipt.index, block.height, receipt.checkpoint.size, len(octets))


def measure_sizes(stage: Stage, enrolled: Enrolled, bank_use: Usage, ledger: Ledger) -> None:
    """Note how large a credential, the requests, proofs and presentations, and what is kept of them are."""
    watch, usage = stage.watch, enrolled.usage
    watch.size("demo.size.signature", len(stage.mother.vault.composite.credentials()[0].credential.signature))
    for name, each in (("school", usage), ("bank", bank_use)):
        watch.size(f"demo.size.request_{name}", len(each.request_payload))
        watch.size(f"demo.size.presentation_{name}", len(each.presentation.canonical))
        if isinstance(each.presentation, CompositePresentation):
            watch.size(f"demo.size.proof_{name}", len(each.presentation.proof))
    watch.size("demo.size.note", len(usage.holder_note))
    watch.size("demo.size.receipt", len(usage.receipt or b""))
    watch.size("demo.size.record", len(enrolled.answered.record.to_bytes()))
    watch.size("demo.size.ledger", ledger.path.stat().st_size)
