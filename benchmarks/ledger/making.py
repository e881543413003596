"""A big log made fast: whole blocks of random receipts, written in bulk, as the sequencer leaves them.

Not a way to measure writing. What stands in the database afterwards is what a server would have left there,
but for the business rows: `zk ledger fsck` finds no fault in it.
"""

import secrets
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import event

from tlog.block import GENESIS_PREVIOUS, BlockHeader
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, note_hash
from tlog.follower import Follower
from tlog.keys import Signer, Verifier
from tlog.merkle import EMPTY_ROOT, Frontier, leaf_hash
from zkservice.storage import forwarding, ledger, schema_version
from zkservice.storage.database import open_engine
from zkservice.storage.ledger import State
from zkservice.upkeep.growing import Growing

BATCH: Final = 256
_TOGETHER: Final = 16
"""So many blocks are written in one transaction."""
_BEGUN_MS: Final = 1_800_000_000_000


def make(
    url: str,
    entries: int,
    *,
    batch: int = BATCH,
    signer: Signer | None = None,
    tell: Callable[[int], object] = lambda _: None,
) -> Verifier:
    """Make a log of at least so many receipts, in blocks of `batch`, in an empty database; return its key.

    `tell` hears how many entries there are, headers included.
    """
    signer = signer or Signer.generate("zk-disclosure.example/made")
    origin = signer.name
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _hurry)
    schema_version.require_newest(engine)
    state, growing, made = State(0, _sign(signer, 0, EMPTY_ROOT)), Growing(Follower(), {}), _Making(batch)
    writing = engine.execution_options(writing=True)
    with writing.begin() as connection:
        ledger.begin(connection, state)
    while (missing := -(-entries // batch) * (batch + 1) - state.size) > 0:
        for _ in range(min(_TOGETHER, missing // (batch + 1))):
            growing.take(*made.block())
        blocks = growing.blocks(origin, lambda each: sign_checkpoint(each, signer))
        with writing.begin() as connection:
            forwarding.append(connection, state, blocks)
            forwarding.place(connection, dict.fromkeys(index for index, _ in blocks.placed))
        state = blocks.state
        tell(state.size)
    engine.dispose()
    return signer.verifier


class _Making:
    """Blocks of random receipts, one after the other."""

    def __init__(self, batch: int) -> None:
        self._batch, self._frontier = batch, Frontier()
        self._last: BlockHeader | None = None

    def block(self) -> tuple[list[bytes], list[bytes | None]]:
        """Return the entries of the next block, the header last, and the notes beside them."""
        last, notes = self._last, [secrets.token_bytes(HOLDER_NOTE_OCTETS) for _ in range(self._batch)]
        entries = [ReceiptEntry(secrets.token_bytes(32), note_hash(each)).to_bytes() for each in notes]
        self._frontier.extend([leaf_hash(each) for each in entries])
        self._last = BlockHeader(
            height=last.height + 1 if last else 0,
            previous=last.hash() if last else GENESIS_PREVIOUS,
            first_index=last.size if last else 0,
            count=self._batch,
            root=self._frontier.root(),
            time_ms=_BEGUN_MS + (last.height + 1 if last else 0),
        )
        header = self._last.to_bytes()
        self._frontier.append(leaf_hash(header))
        return [*entries, header], [*notes, None]


def _sign(signer: Signer, size: int, root: bytes) -> bytes:
    return sign_checkpoint(Checkpoint(signer.name, size, root), signer)


def _hurry(connection: Any, _: object) -> None:
    """Wait for no disk: a log that is made to be measured is made again after a crash."""
    connection.execute("PRAGMA synchronous = OFF")
