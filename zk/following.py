"""From a running log into the consortium's order: its newest checkpoint, and epochs of revocation.

What the log shows is checked here as the machines check it, so that a fork is seen before anything is signed.
Nothing is kept: what is ordered is read from the chain each time, so a stop at any moment costs nothing. The
log knows nothing of it and waits for nothing.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from bbs.accumulator import Epoch
from consortium.source import Source, fetch_consistency
from disclosure import AccumulatorName, DepartmentName
from ordering import state
from ordering.errors import Refusal, RefusedError
from ordering.state import Ordered
from ordering.submitting import Submitter
from ordering.transactions import Body, SubmitCheckpoint, SubmitEpoch
from tlog import Checkpoint, Verifier, open_checkpoint
from tlog.errors import VerificationError
from tlog.merkle import verify_consistency
from tlog.note import only_lines_of
from wire.published import Reader

_SETTLED = frozenset({Refusal.CHECKPOINT_NOT_NEWER, Refusal.EPOCH_NOT_NEWER})
"""Another process of this operator came first with the same: that is all there is to it."""
Said: TypeAlias = dict[str, Any]
Epochs: TypeAlias = Callable[[], Iterator[tuple[AccumulatorName, Epoch]]]


def epochs_of(reader: Reader, departments: list[str]) -> Epochs:
    """Return what gives the newest epoch of each accumulator of some departments; raises as Reader does."""
    names = [DepartmentName(each) for each in departments]

    def newest() -> Iterator[tuple[AccumulatorName, Epoch]]:
        for name in names:
            for each in reader.accumulators(name):
                yield each.name, reader.epoch(each.name, each.key)

    return newest


def epoch_digest(epoch: Epoch) -> bytes:
    """Return what is ordered of an epoch; its octets begin with a label of their own."""
    return hashlib.sha256(epoch.octets).digest()


@dataclass(frozen=True)
class _Standing:
    """What the chain has of this operator's log."""

    key: Verifier
    ordered: Ordered | None


class Following:
    """Orders what one log shows; `once` as often as one likes."""

    def __init__(self, submitter: Submitter, source: Source, epochs: Epochs | None = None) -> None:
        self._submitter, self._source, self._epochs = submitter, source, epochs

    async def checkpoint(self) -> Said | None:
        """Order the newest checkpoint, and return what was ordered, None if it was already.

        Raises RefusedError CHECKPOINT_FORKED, CHECKPOINT_NOT_NEWER (the log shows less than is ordered), and
        others of the machine's; StateError, SourceError, tlog's errors.
        """
        standing = await asyncio.to_thread(self._standing)
        note = await self._source.checkpoint()
        found, known = open_checkpoint(note, standing.key), standing.ordered
        if known is not None and known.size == found.size and known.root == found.root:
            return None
        proof = await self._proof(known, found)
        body = SubmitCheckpoint(only_lines_of(note, [standing.key]), proof)
        height = await asyncio.to_thread(self._submit, body)
        if height is None:
            return None
        return {
            "event": "ordered", "origin": found.origin, "size": found.size, "root": found.root.hex(),
            "height": height,
        }  # fmt: skip

    def _standing(self) -> _Standing:
        with self._submitter.client() as client:
            log = self._submitter.operator(client).log
            row = client.read(state.checkpoint_key(log.name)).value
        return _Standing(log, Ordered.parse(row) if row is not None else None)

    async def _proof(self, known: Ordered | None, found: Checkpoint) -> tuple[bytes, ...]:
        if known is None or not known.size:
            return ()
        if found.size < known.size:
            raise RefusedError(
                Refusal.CHECKPOINT_NOT_NEWER, f"the log shows {found.size} entries, {known.size} are ordered"
            )
        proof = tuple(await fetch_consistency(self._source, known.size, found.size))
        try:
            verify_consistency(known.size, found.size, proof, known.root, found.root)
        except VerificationError:
            raise RefusedError(
                Refusal.CHECKPOINT_FORKED, f"the log does not go on from the {known.size} that are ordered"
            ) from None
        return proof

    def _submit(self, body: Body) -> int | None:
        try:
            return self._submitter.submit(body)[1].height
        except RefusedError as error:
            if error.refusal in _SETTLED:
                return None
            raise

    async def epochs(self) -> list[Said]:
        """Order the epochs that are newer than those ordered; return them. Raises as `checkpoint` does."""
        return await asyncio.to_thread(self._ordered_epochs) if self._epochs is not None else []

    def _ordered_epochs(self) -> list[Said]:
        said = list[Said]()
        for name, epoch in self._epochs() if self._epochs is not None else ():
            with self._submitter.client() as client:
                operator = self._submitter.operator(client).name
                row = client.read(state.epoch_key(operator, str(name))).value
            if row is not None and state.Epoch.parse(row).number >= epoch.number:
                continue
            height = self._submit(SubmitEpoch(str(name), epoch.number, epoch_digest(epoch)))
            if height is not None:
                values = {"accumulator": str(name), "number": epoch.number, "height": height}
                said.append({"event": "epoch", **values})
        return said
