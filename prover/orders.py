"""The part of a vault that holds what shows its receipts to be ordered; `Vault.orders` gives it.

It is about trees of a log and not about entries, and lies sealed all the same: which trees they are tells
when the vault was used. It is under an identifier that says nothing of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from disclosure.canonical import Item
from ordering.light.receipt import Ordering
from ordering.light.verifying import OrderError
from prover.records import Kind, head_of, malformed, pack, unpack
from prover.shelf import Records, Shelf
from tlog import Checkpoint


@dataclass(frozen=True)
class KeptOrder:
    """What shows one tree of a log to be ordered, under the header that was trusted when it came."""

    id: str
    checkpoint: Checkpoint
    ordering: Ordering

    def octets(self) -> bytes:
        """Return what is sealed."""
        size = self.checkpoint.size
        head: list[Item] = [Kind.ORDER.value, self.checkpoint.origin, size, self.checkpoint.root]
        return pack(head, self.ordering.to_bytes())


def kept_order_of(record_id: str, octets: bytes) -> KeptOrder | None:
    """Decode an order's record; None of an ordering to be brought anew. MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.ORDER, str(origin), int(size), bytes(root)], [ordering]:
            try:
                return KeptOrder(record_id, Checkpoint(origin, size, root), Ordering.parse(ordering))
            except OrderError:
                return None
    raise malformed()


class Orders:
    """What shows trees to be ordered, one record for a tree."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def all(self) -> Mapping[Checkpoint, Ordering]:
        """Return everything, by the checkpoint that it is about; nothing of it is verified."""
        with self._shelf.reading() as records:
            return {each.checkpoint: each.ordering for each in _all(records)}

    def put(self, checkpoint: Checkpoint, ordering: Ordering) -> None:
        """Keep what was verified of a tree, in the place of what there is. Durable on return."""
        with self._shelf.writing() as records:
            known = [each.id for each in _all(records) if each.checkpoint == checkpoint]
            records.put(KeptOrder(known[0] if known else self._shelf.new_id(), checkpoint, ordering))


def _all(records: Records) -> list[KeptOrder]:
    return [each for each in records.all(Kind.ORDER, kept_order_of) if each is not None]
