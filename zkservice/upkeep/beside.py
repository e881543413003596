"""What stands beside the entries: the two states of the log, the outbox, anchors, marks, the lease.

Each check takes rows as they were found, of whatever type, and raises FaultError for the first that is not as
it has to be.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Table

from tlog.block import BlockHeader
from tlog.checkpoint import Checkpoint
from tlog.entry import parse_entry
from tlog.errors import TlogError
from tlog.follower import Covered, Follower, check_note
from tlog.merkle import EMPTY_ROOT, leaf_hash
from tlog.policy import Policy, open_by_policy
from zkservice.storage import reading, tables
from zkservice.storage.lease import HOLDER_OCTETS
from zkservice.storage.ledger import State, Waiting
from zkservice.storage.marks import Mark
from zkservice.storage.reading import Raw
from zkservice.upkeep.faults import FaultError, FaultReason, Place
from zkservice.upkeep.keyring import Keyring

_FEW: Final = 1000
_ID_OCTETS: Final = 8
_MOST: Final = 1 << 63


@dataclass(frozen=True)
class States:
    """Both states of the log, and the checkpoints that they state."""

    lock: State
    published: State
    locked: Checkpoint
    shown: Checkpoint

    @property
    def ahead(self) -> bool:
        """Whether a block is locked and not published yet."""
        return self.lock.size > self.published.size


def states(connection: Connection, keys: Keyring) -> States | None:
    """Return lock and published state, None for a log that was never begun; STATE_INVALID, STATE_FORKED."""
    found = dict[str, tuple[State, Checkpoint]]()
    for role, size, note in reading.everything(connection, tables.ledger_state, _FEW):
        place = Place("ledger_state", str(role))
        try:
            checkpoint = keys.open(note) if type(note) is bytes else None
        except TlogError as error:
            raise _fault(FaultReason.STATE_INVALID, place, error.detail) from None
        if checkpoint is None or checkpoint.size != size or role not in ("lock", "published"):
            raise _fault(FaultReason.STATE_INVALID, place, "not a checkpoint of the row's size")
        found[role] = State(size, note), checkpoint
    if not found:
        return None
    for role in ("lock", "published"):
        if role not in found:
            raise _fault(FaultReason.STATE_INVALID, Place("ledger_state", role), "the row is not there")
    (lock, locked), (published, shown) = found["lock"], found["published"]
    place = Place("ledger_state", "published")
    if published.size > lock.size:
        raise _fault(FaultReason.STATE_INVALID, place, "ahead of the lock")
    if published.size == lock.size and published.checkpoint != lock.checkpoint:
        raise _fault(FaultReason.STATE_FORKED, place, "two checkpoints of one size")
    return States(lock, published, locked, shown)


@dataclass(frozen=True)
class Outbox:
    """What waits: the leaf hashes of the rows, and the receipts among the rows by their leaf hashes."""

    rows: dict[int, bytes]
    receipts: dict[bytes, int]


def outbox(connection: Connection) -> Outbox:
    """Return what waits in the outbox; OUTBOX_MISSING, OUTBOX_INVALID, OUTBOX_DOUBLED."""
    found = Outbox({}, {})
    for identifier, index, content, entry, note in reading.waiting(connection):
        place = Place("outbox_content", str(content if identifier is None else identifier))
        if content is None:
            raise _fault(FaultReason.OUTBOX_MISSING, place, "a row that waits has lost its content")
        if identifier is None or index is not None:
            raise _fault(FaultReason.OUTBOX_INVALID, place, "content of a row that waits no more")
        try:
            parsed = parse_entry(entry)
            check_note(parsed, note)
        except (TlogError, TypeError, AttributeError):
            raise _fault(FaultReason.OUTBOX_INVALID, place, "what waits is no entry with its note") from None
        if isinstance(parsed, BlockHeader):
            raise _fault(FaultReason.OUTBOX_INVALID, place, "a block's header waits")
        leaf = leaf_hash(entry)
        found.rows[identifier] = leaf
        if note is not None and found.receipts.setdefault(leaf, identifier) != identifier:
            raise _fault(FaultReason.OUTBOX_DOUBLED, place, "the same receipt waits twice")
    return found


class Places:
    """The outbox rows whose entries stand on the log: one for each entry but the headers."""

    def __init__(self, connection: Connection) -> None:
        self._pages = reading.pages(connection, tables.outbox, tables.outbox.c.entry_index)
        self._rows = list[Raw]()

    def check(self, first: int, count: int, headers: Collection[int]) -> None:
        """Check those of the next entries; OUTBOX_MISSING, OUTBOX_INVALID."""
        wanted = [index for index in range(first, first + count) if index not in headers]
        rows = self._take(len(wanted))
        if [row[0] for row in rows] == wanted:
            return
        for index, row in zip_longest(wanted, rows):
            if row is None or row[0] != index:
                _not_placed(row, index)

    def end(self) -> None:
        """Check that no row points beyond the log."""
        for row in self._take(1):
            _not_placed(row, None)

    def _take(self, count: int) -> list[Raw]:
        while len(self._rows) < count and (page := next(self._pages, None)):
            self._rows += page
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


def _not_placed(row: Raw | None, index: int | None) -> NoReturn:
    """Name what is wrong where an entry's row was to come, for None none at all."""
    if row is None or (type(row[0]) is int and index is not None and row[0] > index):
        raise _fault(FaultReason.OUTBOX_MISSING, Place("outbox", index=index), "no row points at the entry")
    place = Place("outbox", str(row[1]), row[0] if type(row[0]) is int else None)
    raise _fault(FaultReason.OUTBOX_INVALID, place, "the row points at no entry of its own")


class Anchors:
    """The anchored checkpoints, each of the tree that a block ends."""

    def __init__(self, connection: Connection, keys: Keyring, policy: Policy | None) -> None:
        self._rows = _all(connection, tables.ledger_anchor, tables.ledger_anchor.c.size)
        self._keys, self._policy = keys, policy
        self._next: Raw | None = next(self._rows, None)
        self.count = 0
        self._meet(0, EMPTY_ROOT)

    def check(self, covered: Sequence[Covered]) -> None:
        """Check those of the trees that these headers end; ANCHOR_INVALID."""
        for each in covered:
            if self._next is None:
                return
            self._meet(each.header.size, each.root)

    def end(self) -> None:
        """Check that none is left."""
        if self._next is not None:
            raise self._fault("of a size at which no block ends")

    def _meet(self, size: int, root: bytes) -> None:
        if self._next is None:
            return
        if type(self._next[0]) is not int or self._next[0] < size:
            raise self._fault("of a size at which no block ends")
        if self._next[0] > size:
            return
        _, note, at = self._next
        if type(note) is not bytes or type(at) is not int or not 0 <= at < _MOST:
            raise self._fault("the row is malformed")
        try:
            checkpoint = self._opened(note)
        except TlogError as error:
            raise self._fault(error.detail) from None
        if (checkpoint.size, checkpoint.root) != (size, root):
            raise self._fault("the checkpoint is of another tree")
        self.count += 1
        self._next = next(self._rows, None)

    def _opened(self, note: bytes) -> Checkpoint:
        checkpoint = self._keys.open(note)
        return checkpoint if self._policy is None else open_by_policy(note, self._policy)[0]

    def _fault(self, detail: str) -> FaultError:
        row = self._next or (None,)
        return _fault(FaultReason.ANCHOR_INVALID, Place("ledger_anchor", str(row[0])), detail)


@dataclass(frozen=True)
class Staged:
    """A block that was staged: its header, and the outbox rows of its entries."""

    header: BlockHeader
    rows: tuple[int, ...]


def staged(connection: Connection, states: States, waiting: Outbox) -> Staged | None:
    """Return the block that is staged; STAGED_INVALID if it can be none, or if the lock needs it and it is
    not there.
    """
    rows = reading.everything(connection, tables.ledger_staged, _FEW)
    ahead = states.ahead
    if not rows and not ahead:
        return None
    place = Place("ledger_staged", str(rows[0][0]) if rows else str(states.lock.size))
    if len(rows) != 1:
        raise _fault(FaultReason.STAGED_INVALID, place, "not the one block that is to be there")
    size, octets, packed = rows[0]
    try:
        header = BlockHeader.parse(octets)
    except (TlogError, TypeError, AttributeError):
        raise _fault(FaultReason.STAGED_INVALID, place, "the row holds no header") from None
    packed = packed if type(packed) is bytes else b""
    ids = tuple(int.from_bytes(packed[at : at + _ID_OCTETS]) for at in range(0, len(packed), _ID_OCTETS))
    if not (
        size == header.size
        and header.first_index == states.published.size
        and (size == states.lock.size or not ahead)
    ):
        raise _fault(FaultReason.STAGED_INVALID, place, "not a block that follows the published ones")
    if len(packed) % _ID_OCTETS or len(set(ids)) != header.count or not set(ids) <= set(waiting.rows):
        raise _fault(FaultReason.STAGED_INVALID, place, "its rows are not as many, or do not wait")
    return Staged(header, ids)


def staged_builds(
    staged: Staged, before: Follower, found: Sequence[Waiting], locked: Checkpoint | None
) -> None:
    """Check that the staged entries give the staged header, and the locked checkpoint; STAGED_INVALID."""
    follower = Follower(before.size, before.hashes, before.header)
    place = Place("ledger_staged", str(staged.header.size), block=staged.header.height)
    try:
        follower.extend([each.entry for each in found], [each.holder_note for each in found])
        follower.append(staged.header.to_bytes(), None)
    except TlogError as error:
        raise _fault(FaultReason.STAGED_INVALID, place, error.detail) from None
    if locked is not None and follower.root() != locked.root:
        raise _fault(FaultReason.STAGED_INVALID, place, "the block does not give the locked checkpoint")


def lease(connection: Connection) -> None:
    """Check the row that says who sequences; LEASE_INVALID."""
    rows = reading.everything(connection, tables.ledger_lease, _FEW)
    for row in rows:
        role, holder, term, beat = row
        sound = (
            len(rows) == 1
            and role == "sequencer"
            and type(holder) is bytes
            and len(holder) in (0, HOLDER_OCTETS)
            and all(type(each) is int and 0 <= each < _MOST for each in (term, beat))
        )
        if not sound:
            raise _fault(FaultReason.LEASE_INVALID, Place("ledger_lease", str(role)), "the row is malformed")


def marks(connection: Connection) -> dict[str, str]:
    """Return the marks that are set; MARK_INVALID."""
    found = dict[str, str]()
    for name, value in reading.everything(connection, tables.ledger_mark, _FEW):
        if name not in list(Mark) or type(value) is not str or not value:
            raise _fault(
                FaultReason.MARK_INVALID, Place("ledger_mark", str(name)), "not a mark that there is"
            )
        found[name] = value
    return found


def references(connection: Connection) -> None:
    """Check that what refers to an outbox row finds it; OUTBOX_MISSING."""
    for table, outbox in reading.dangling(connection):
        raise _fault(
            FaultReason.OUTBOX_MISSING, Place("outbox", str(outbox)), f"a row of {table} refers to it"
        )


def nothing(connection: Connection) -> None:
    """Check that a log that was never begun has no rows; STATE_INVALID."""
    for table in (tables.ledger_entry, tables.ledger_tile, tables.ledger_block, tables.ledger_anchor):
        if reading.everything(connection, table, 1):
            raise _fault(
                FaultReason.STATE_INVALID, Place("ledger_state"), f"the rows are gone, {table.name} is not"
            )


def _all(connection: Connection, table: Table, key: Any) -> Iterator[Raw]:
    for page in reading.pages(connection, table, key):
        yield from page


def _fault(reason: FaultReason, place: Place, detail: str) -> FaultError:
    return FaultError(reason, place, detail)
