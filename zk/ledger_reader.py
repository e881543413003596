"""What the command reads of the ledger at the service: checkpoints, keys, proofs, entries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import grpc

from consortium.faults import FaultKind
from tlog import Checkpoint, Verifier, open_checkpoint
from wire.client import call
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc

PAGE_SIZE = 500
_FAULTS: Final = {ledger_pb2.WitnessFault.Kind.Value(f"KIND_{each.name}"): each for each in FaultKind}


@dataclass(frozen=True)
class Witnessing:
    """How the witnesses of the log do, by the service's word.

    `late`: the quorum has been missing for too long. Unless the server `asks` them itself nothing more is
    known: whether the quorum was missing in the last round, and who failed in it, by name. A fault of a kind
    that is not known here is None.
    """

    late: bool
    asks: bool
    quorum_missing: bool
    faults: Mapping[str, FaultKind | None]


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint whose signature holds under `key`, which the service states itself.

    Beside it, unverified: the note that the service calls anchored, empty without one, and how the witnesses
    do, None where the log has none.
    """

    note: bytes
    key: Verifier
    checkpoint: Checkpoint
    anchored: bytes
    witnessing: Witnessing | None


@dataclass(frozen=True)
class LogKey:
    """A key that a log says it has had, and what is to prove that it followed the one before."""

    verifier_key: str
    change_proof: bytes


@dataclass(frozen=True)
class Entry:
    """One entry of the log with the holder's note beside it, if it is a receipt."""

    index: int
    octets: bytes
    holder_note: bytes | None


class LedgerReader:
    """Reads over a channel that is somebody else's. Raises as `zk.service.Service` does, and tlog.TlogError
    for a checkpoint that does not hold."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = ledger_pb2_grpc.LedgerServiceStub(channel)

    def checkpoint(self, pinned: Verifier | None = None) -> SignedCheckpoint:
        """The newest checkpoint, its signature verified under a key that the service states.

        While the log changes its key that is the pinned one, if it is the old or the new one.
        """
        answer = call(self._stub.GetCheckpoint, ledger_pb2.GetCheckpointRequest())
        following = str(pinned) == answer.next_verifier_key
        key = Verifier.from_string(answer.next_verifier_key if following else answer.verifier_key)
        witnessing = _witnessing(answer.witnessing) if answer.HasField("witnessing") else None
        opened = open_checkpoint(answer.checkpoint, key)
        return SignedCheckpoint(answer.checkpoint, key, opened, answer.anchored, witnessing)

    def keys(self) -> list[LogKey]:
        """The keys that the log says it has had, oldest first, with the proofs of its changes, unverified."""
        answer = call(self._stub.ListLogKeys, ledger_pb2.ListLogKeysRequest())
        return [LogKey(each.verifier_key, each.change_proof) for each in answer.log_keys]

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The hashes that lead from an entry to the root of a tree of `size` entries."""
        request = ledger_pb2.GetInclusionProofRequest(entry_index=index, tree_size=size)
        return list(call(self._stub.GetInclusionProof, request).hashes)

    def consistency(self, first: int, second: int) -> list[bytes]:
        """The hashes that show one tree to be the beginning of another."""
        request = ledger_pb2.GetConsistencyProofRequest(first_size=first, second_size=second)
        return list(call(self._stub.GetConsistencyProof, request).hashes)

    def entries(self, start: int, stop: int) -> Iterator[list[Entry]]:
        """The entries [start, stop), in pages; ends early if the service has no more."""
        page_token = ""
        while start < stop:
            request = ledger_pb2.ListEntriesRequest(
                start_index=start, page_size=PAGE_SIZE, page_token=page_token
            )
            page = call(self._stub.ListEntries, request)
            entries = [Entry(each.index, each.entry, each.holder_note or None) for each in page.entries]
            yield [each for each in entries if each.index < stop]
            page_token = page.next_page_token
            if not page_token or (entries and entries[-1].index >= stop - 1):
                return


def _witnessing(told: ledger_pb2.Witnessing) -> Witnessing:
    faults = {each.witness: _FAULTS.get(each.kind) for each in told.faults}
    return Witnessing(told.late, told.asks, told.quorum_missing, faults)
