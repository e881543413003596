"""The check of a stored ledger: everything rebuilt from the entries, and compared with what is stored.

Order: keys, the two states, the outbox, the staged block, then the entries with all that follows from them,
in one pass, then what is left over. The first fault in this order ends it. One transaction sees one state, so
a server may go on writing meanwhile; what it writes is not looked at.

Some things cannot be seen here: which of the service's rows an entry belongs to, but that the row of the
outbox between them is there; whether a secret half of a key is the right one, since the master key is not
needed; the time at which a checkpoint was anchored, and that of a block that is staged; how far a lease has
been counted; what an entry says that waits and is not staged; and a cosignature under a stored checkpoint
where no policy names its witness.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tlog.checkpoint import Checkpoint
from tlog.errors import TlogError
from tlog.follower import Covered, Follower
from tlog.keys import Verifier
from tlog.merkle import EMPTY_ROOT, leaf_hash
from tlog.policy import Policy
from zkservice.errors import StartError
from zkservice.storage import ledger, reading, schema_version
from zkservice.upkeep import beside, keyring
from zkservice.upkeep.beside import Anchors, Outbox, Places, Staged, States
from zkservice.upkeep.faults import FaultError, FaultReason, Place
from zkservice.upkeep.keyring import Keyring
from zkservice.upkeep.rebuilding import Rebuilding


@dataclass(frozen=True)
class Report:
    """What a ledger without a fault holds. `size` is what is published; so many more are `locked`."""

    origin: str
    schema: str
    size: int = 0
    root: bytes = EMPTY_ROOT
    checkpoint: bytes = b""
    blocks: int = 0
    receipts: int = 0
    records: int = 0
    tiles: int = 0
    anchors: int = 0
    waiting: int = 0
    locked: int = 0
    marks: dict[str, str] = field(default_factory=dict)


def check(
    connection: Connection,
    keys: Sequence[Verifier],
    policy: Policy | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Check the ledger of a database under the log's key, or several; with a policy also who cosigned.

    The quorum of the policy is then demanded of each anchored checkpoint. `progress` gets the number of
    entries so far. Raises FaultError, with the first fault.
    """
    try:
        return _Check(connection, keys, policy, progress).run()
    except (SQLAlchemyError, OverflowError, UnicodeDecodeError) as error:  # the last in SQLite's own words
        name = type(getattr(error, "orig", None) or error).__name__
        place = Place("database")
        raise FaultError(FaultReason.DATABASE_UNREADABLE, place, f"it cannot be read ({name})") from None


def read_keys(written: Path) -> Verifier:
    """Return the log's key from a file as a server writes it into its folder; StartError."""
    try:
        return Verifier.from_string(written.read_text("ascii").strip())
    except (OSError, ValueError, TlogError):
        raise StartError(f"{written} holds no key of a log; say the key itself") from None


class _Check:
    """One check."""

    def __init__(
        self,
        connection: Connection,
        keys: Sequence[Verifier],
        policy: Policy | None,
        progress: Callable[[int], None],
    ) -> None:
        self._connection, self._given, self._policy = connection, keys, policy
        self._progress = progress

    def run(self) -> Report:
        connection, schema = self._connection, schema_version.version_of(self._connection)
        if schema is None or not schema_version.tolerates(schema, schema_version.oldest_of(connection)):
            detail = f"it is {schema}, this program knows {schema_version.newest()}"
            raise FaultError(FaultReason.SCHEMA_MISMATCH, Place("alembic_version"), detail)
        keys, doubt = keyring.read(connection, self._given)
        try:
            report = self._all(keys, schema)
        except FaultError as fault:
            # A key that no record names makes everything look wrong that it signed; a lost record does not.
            raise fault if doubt is None or fault.place.table == "ledger_entry" else doubt from None
        if doubt is not None:
            raise doubt
        return report

    def _all(self, keys: Keyring, schema: str) -> Report:
        connection = self._connection
        states = beside.states(connection, keys)
        keys.check_ends(states.lock.size if states is not None else 0)
        waiting = beside.outbox(connection)
        report = Report(keys.all[-1].name, schema, waiting=len(waiting.rows))
        if states is None:
            beside.nothing(connection)
        else:
            report = self._pass(keys, states, waiting, report)
        beside.references(connection)
        beside.lease(connection)
        return replace(report, marks=beside.marks(connection))

    def _pass(self, keys: Keyring, states: States, waiting: Outbox, report: Report) -> Report:
        connection, published = self._connection, states.published.size
        staged = beside.staged(connection, states, waiting)
        # A locked block is applied in one transaction: all of it stands beyond what is published, or nothing.
        applied = states.ahead and bool(reading.entries(connection, published, 1))
        size = states.lock.size if applied else published
        passing = _Passing(connection, states, waiting, Anchors(connection, keys, self._policy))
        rebuilt = Rebuilding(connection, keys, passing.page).run(size, self._progress)
        passing.end(staged if applied else None)
        if staged is not None and not applied:
            self._check_staged(staged, states, rebuilt.follower)
        return replace(
            report,
            size=published,
            root=states.shown.root,
            checkpoint=states.published.checkpoint,
            blocks=rebuilt.blocks,
            receipts=rebuilt.receipts,
            records=size - rebuilt.blocks - rebuilt.receipts,
            tiles=rebuilt.tiles,
            anchors=passing.anchors.count,
            locked=states.lock.size - published,
        )

    def _check_staged(self, staged: Staged, states: States, follower: Follower) -> None:
        found = ledger.staged(self._connection, staged.header.size)
        beside.staged_builds(
            staged, follower, found[1] if found else [], states.locked if states.ahead else None
        )


class _Passing:
    """What is compared with the entries as they pass: the rows that point at them, anchors, both states."""

    def __init__(self, connection: Connection, states: States, waiting: Outbox, anchors: Anchors) -> None:
        self.anchors = anchors
        self._places, self._states, self._waiting = Places(connection), states, waiting
        self._tail, self._met = list[bytes](), set[str]()
        self._meet("published", states.published.size, states.shown, 0, EMPTY_ROOT)

    def page(self, first: int, leaves: Sequence[bytes], covered: Sequence[Covered]) -> None:
        """Check a page of entries that were found right."""
        published = self._states.published.size
        within = max(min(published - first, len(leaves)), 0)
        headers = {each.header.index for each in covered}
        self._places.check(first, within, headers)
        self._tail += leaves[within:]
        doubled = self._waiting.receipts.keys() & set(leaves[:within]) if self._waiting.receipts else ()
        if doubled:
            index, row = min((first + leaves.index(each), self._waiting.receipts[each]) for each in doubled)
            place = Place("outbox_content", str(row), index)
            raise FaultError(FaultReason.OUTBOX_DOUBLED, place, "what waits stands on the log already")
        self.anchors.check([each for each in covered if each.header.size <= published])
        for each in covered:
            self._meet("published", published, self._states.shown, each.header.size, each.root)
            self._meet("lock", self._states.lock.size, self._states.locked, each.header.size, each.root)

    def _meet(self, role: str, size: int, stated: Checkpoint, reached: int, root: bytes) -> None:
        if size != reached:
            return
        if stated.root != root:
            raise _not_the_state(role, "its checkpoint is of another tree than the entries give")
        self._met.add(role)

    def end(self, applied: Staged | None) -> None:
        """Check what can be checked only when all have passed; `applied` is the block that is locked."""
        if "published" not in self._met:
            raise _not_the_state("published", "no block ends at its size")
        self._places.end()
        self.anchors.end()
        if applied is None:
            return
        expected = [self._waiting.rows[each] for each in applied.rows]
        if self._tail != [*expected, leaf_hash(applied.header.to_bytes())] or "lock" not in self._met:
            place = Place("ledger_staged", str(applied.header.size), block=applied.header.height)
            raise FaultError(FaultReason.STAGED_INVALID, place, "not the block that was locked and applied")


def _not_the_state(role: str, detail: str) -> FaultError:
    return FaultError(FaultReason.STATE_INVALID, Place("ledger_state", role), detail)
