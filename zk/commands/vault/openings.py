"""Which of the own uses a regulator has opened: everything is read, so nobody is told which they are."""

from typing import Any

from prover.consent import show_moment
from prover.history import OpenedUse, opened_uses
from prover.records import Usage
from tlog import RecordEntry, VerificationError, leaf_hash, parse_entry
from tlog.errors import Reason as TlogReason
from tlog.merkle import root_of
from zk.commands.ledger import fetch_checkpoint
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened, table_of
from zk.progress import progress
from zk.run import Answer, Run
from zk.service import Service


@GROUP.command("openings", remote=True)
def openings(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Read the ledger and tell which escrowed identities of this vault were opened, and by whom."""
    with opened(run, file, passphrase_file) as vault:
        usages = {each.id: each for each in vault.usages()}
    with Service(run.endpoint) as service:
        found = list(opened_uses(usages.values(), _records(run, service)))
    table = table_of(
        run, "vault.history_time", "vault.history_verifier", "vault.opening_regulator", "vault.opening_entry"
    )
    for each in found:
        usage = usages[each.usage]
        table.add_row(
            show_moment(usage.time, run.lang),
            run.local(usage.verifier_display_name),
            _regulator(run, each, usage),
            str(each.index),
        )
    lines = [table] if found else [run.text("vault.no_openings")]
    return Answer({"openings": [_data(run, each, usages[each.usage]) for each in found]}, lines)


def _records(run: Run, service: Service) -> list[tuple[int, bytes]]:
    """Return the ledger's records by index, once all entries give the root that the log has signed.

    Raises tlog.VerificationError.
    """
    signed, _, _ = fetch_checkpoint(run, service)
    now = signed.checkpoint
    entries = list[bytes]()
    with progress(run, run.text("ledger.exporting"), now.size) as advance:
        for page in service.entries(0, now.size):
            entries += [each.octets for each in page]
            advance(len(entries))
    if len(entries) != now.size or root_of([leaf_hash(each) for each in entries]) != now.root:
        raise VerificationError(TlogReason.INCLUSION_INVALID, "the entries are not those that the log signed")
    return [
        (index, octets)
        for index, octets in enumerate(entries)
        if isinstance(parse_entry(octets), RecordEntry)
    ]


def _regulator(run: Run, found: OpenedUse, usage: Usage) -> str:
    """Return who opened, by the name that the vault kept with the use."""
    known = usage.facts.regulators.get(found.regulator) if usage.facts else None
    return run.local(known.display_name) if known else found.regulator.hex()


def _data(run: Run, found: OpenedUse, usage: Usage) -> dict[str, Any]:
    return {
        "usage": found.usage,
        "verifier": str(usage.verifier),
        "escrow": found.escrow,
        "regulator_key": found.regulator.hex(),
        "regulator_name": _regulator(run, found, usage),
        "entry_index": found.index,
    }
