"""What the history holds besides the uses that this vault made: events, and what the ledger gave back."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from disclosure import DisclosureError, LocalizedText
from ordering.light.receipt import Ordering
from ordering.light.verifying import OrderError
from prover.anchoring import Receipted, check_kept
from prover.consent import show_moment
from prover.events import Event, EventState
from prover.history import check_found
from prover.notes import EventNote, NoteSummary
from prover.reading import Found
from prover.usages import Usage
from prover.vault import Vault
from tlog import Checkpoint, ReceiptState, TlogError, VerifiedReceipt, Verifier
from zk.anchoring import told
from zk.commands.vault.common import SHORT_ID
from zk.ordered import Pinned, seconds
from zk.run import Run

Orders: TypeAlias = Mapping[Checkpoint, Ordering]
NO_ORDERS: Final[Orders] = MappingProxyType({})
_FOUND: Final = "found"


@dataclass(frozen=True)
class Row:
    """One line of the history: when it was, for scripts, for people, and whether its check failed."""

    time: dt.datetime
    data: dict[str, Any]
    cells: tuple[str, ...]
    broken: bool = False


def event_row(run: Run, event: Event, log: Verifier | None, orders: Orders = NO_ORDERS) -> Row:
    """Return what an event is, its receipt checked again."""
    note = event.note
    data = {**_said(run, note), "event": event.id, "state": event.state.value, "reason": event.reason}
    state, broken = run.text("vault.sent"), False
    if event.state is EventState.REFUSED:
        state = run.text("vault.refused", reason=event.reason)
    elif event.state is EventState.RECORDED and log is not None:
        found, state = checked(run, event, log, orders)
        data, broken = data | found, not found["holds"]
    return Row(note.time, data, (event.id[:SHORT_ID], *_cells(run, note), state), broken)


def checked(
    run: Run, kept: Receipted, log: Verifier, orders: Orders = NO_ORDERS
) -> tuple[dict[str, Any], str]:
    """Check a receipt again, and what it is under the pinned policy; return it for scripts and for people.

    With what shows trees to be ordered it is told as ordered, where that holds from the trusted header on.
    """
    try:
        signer = run.log_key_of(kept.receipt or b"", log)
        receipt = check_kept(kept, signer, run.policy, accept_pending=True)
    except (TlogError, DisclosureError) as error:
        found = {"holds": False, "receipt_reason": error.reason}
        return found, run.text("vault.receipt_fails", reason=error.reason)
    found = {"holds": True, "entry_index": receipt.index, "tree_size": receipt.checkpoint.size}
    found |= told(run, run.policy, receipt.state, receipt.cosignatures).data
    if _is_ordered(run, receipt, orders):
        state = run.text("vault.receipt_ordered", index=receipt.index)
        return found | {"receipt": ReceiptState.ORDERED.value}, state
    return found, holds(run, receipt)


def _is_ordered(run: Run, receipt: VerifiedReceipt, orders: Orders) -> bool:
    ordering, pinned = orders.get(receipt.checkpoint), Pinned.of(run) if orders else None
    if ordering is None or pinned is None:
        return False
    try:
        ordering.check(receipt.checkpoint, pinned.trusted, seconds())
    except OrderError:  # it begins before the header that is trusted now: `zk vault order` brings it anew
        return False
    return True


def holds(run: Run, receipt: VerifiedReceipt) -> str:
    """Say in a word or two that a receipt holds and, where a policy is pinned, whether it is anchored."""
    if run.policy is None:
        return run.text("vault.receipt_holds", index=receipt.index)
    key = "vault.receipt_anchored" if receipt.is_anchored else "vault.receipt_pending"
    return run.text(key, index=receipt.index)


def unknown(vault: Vault, usages: Iterable[Usage], events: Iterable[Event]) -> list[Found]:
    """Return what was found on the ledger and the vault has no record of its own of."""
    own = {each.holder_note for each in usages} | {each.holder_note for each in events}
    found = vault.readings.found()
    return [each for each in found if each.holder_note not in own or each.copy_of is not None]


def found_row(run: Run, vault: Vault, found: Found, log: Verifier | None) -> Row:
    """Return what an entry's note says, and that the entry stands on the ledger."""
    data: dict[str, Any] = {
        "found": found.id,
        "state": _FOUND,
        "entry_index": found.index,
        "block_height": found.height,
        "block_time": found.time.isoformat(timespec="seconds"),
        "copy_of": found.copy_of,
    }
    cells, state, broken = ("", "", "", ""), run.text("vault.found", index=found.index), False
    if found.note is not None:
        data |= _said(run, found.note)
        cells = _cells(run, found.note)
    if found.copy_of is not None:
        state = run.text("vault.found_copy", index=found.index, first=found.copy_of)
    if log is not None:
        try:
            proof = vault.readings.proof(found)
            check_found(found, proof, run.log_key_of(proof, log))
        except TlogError as error:
            data |= {"holds": False, "receipt_reason": error.reason}
            state, broken = run.text("vault.receipt_fails", reason=error.reason), True
        else:
            data["holds"] = True
    moment = found.time if found.note is None else found.note.time
    return Row(moment, data, (found.id[:SHORT_ID], *cells, state), broken)


def _said(run: Run, note: EventNote | NoteSummary) -> dict[str, Any]:
    if isinstance(note, EventNote):
        return {
            "kind": note.kind.value,
            "party": note.party,
            "title": run.local(note.title),
            "time": note.time.isoformat(timespec="seconds"),
        }
    return {
        "kind": "use",
        "party": str(note.verifier),
        "title": run.local(note.purpose),
        "time": note.time.isoformat(timespec="seconds"),
        "shown": {query: list(names) for query, names in note.shown.items()},
        "whole": note.whole,
    }


def _cells(run: Run, note: EventNote | NoteSummary) -> tuple[str, str, str, str]:
    """Return when, with whom, what about, and what."""
    title: LocalizedText = note.title if isinstance(note, EventNote) else note.purpose
    party = note.party if isinstance(note, EventNote) else str(note.verifier)
    if isinstance(note, EventNote):
        what = run.text(f"vault.event.{note.kind.value}")
    else:
        what = ", ".join(name for names in note.shown.values() for name in names)
    return show_moment(note.time, run.lang), party, run.local(title), what
