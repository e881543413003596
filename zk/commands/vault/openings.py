"""Which of the own uses a regulator has opened: everything is read, so nobody is told which they are."""

from typing import Any

from prover.consent import show_moment
from prover.history import OpenedUse, opened_uses
from prover.usages import Usage
from tlog import BlockHeader, Entry, RecordEntry, VerificationError, leaf_hash, parse_entry
from tlog.errors import Reason as TlogReason
from tlog.merkle import root_of
from zk.commands.ledger import keep_grown
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened, table_of
from zk.moments import iso_moment, shown_moment
from zk.progress import progress
from zk.run import Answer, Run, check_same_key
from zk.service import Service


@GROUP.command("openings", remote=True)
def openings(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Read the ledger and tell which escrowed identities of this vault were opened, and by whom."""
    with opened(run, file, passphrase_file) as vault:
        usages = {each.id: each for each in vault.usages()}
    with Service(run.endpoint) as service:
        entries = _entries(run, service)
    records = [(index, octets) for index, octets, read in entries if isinstance(read, RecordEntry)]
    size, times = len(entries), [each.time_ms for *_, each in entries if isinstance(each, BlockHeader)]
    found = list(opened_uses(usages.values(), records))
    table = table_of(
        run,
        "vault.opening_time",
        "vault.history_verifier",
        "vault.opening_regulator",
        "vault.opening_step",
        "vault.opening_entry",
    )
    for each in found:
        usage = usages[each.usage]
        table.add_row(
            show_moment(usage.time, run.lang),
            run.local(usage.verifier_display_name),
            _regulator(run, each, usage),
            run.text("vault.opening_both" if each.is_opened else "vault.opening_part"),
            str(each.index),
        )
    lines: list[Any] = [table] if found else [run.text("vault.no_openings")]
    lines.append(run.text("vault.openings_seen", size=size))
    last = max(times) // 1000 if times else None
    if last is not None:
        lines.append(run.text("vault.openings_until", time=shown_moment(last, run.lang)))
    data = {
        "tree_size": size,
        "last_block": None if last is None else iso_moment(last),
        "openings": [_data(run, each, usages[each.usage]) for each in found],
    }
    return Answer(data, lines)


def _entries(run: Run, service: Service) -> list[tuple[int, bytes, Entry]]:
    """Return the ledger's entries with their indexes: of the pinned log, not older than what was seen.

    All entries together give the root that the log has signed. Raises CommandError LOG_KEY_CHANGED,
    LOG_SHRANK; tlog.TlogError.
    """
    check_same_key(log := run.log_verifier(), (signed := service.ledger.checkpoint(log)).key)
    keep_grown(run, service, signed)
    now, entries = signed.checkpoint, list[bytes]()
    with progress(run, run.text("ledger.exporting"), now.size) as advance:
        for page in service.ledger.entries(0, now.size):
            entries += [each.octets for each in page]
            advance(len(entries))
    if len(entries) != now.size or root_of([leaf_hash(each) for each in entries]) != now.root:
        raise VerificationError(TlogReason.INCLUSION_INVALID, "the entries are not those that the log signed")
    return [(index, octets, parse_entry(octets)) for index, octets in enumerate(entries)]


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
        "officers": found.officers,
    }
