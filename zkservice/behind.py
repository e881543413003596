"""A log that is behind its witnesses: they know more of it than its own database does.

That is what an old backup looks like when it is started, and going on would sign a second history beside the
one that everybody has seen. Only a checkpoint that the log's own key signed shows it: what a witness merely
claims counts for nothing, or one liar could stop any log. Nor does a checkpoint that only a retired key
signed, and that is larger than the log was when it was retired, or whoever has copied an old key could.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from tlog.checkpoint import Checkpoint, open_checkpoint
from tlog.errors import TlogError
from tlog.keys import Verifier
from tlog.merkle import tree_root
from tlog.policy import Policy
from tlog.tiles import node_reader, tiles_for_append
from zkservice.errors import StartError
from zkservice.log_keys import counting
from zkservice.storage import anchors, ledger, marks, secrets
from zkservice.storage.database import Database
from zkservice.storage.marks import Mark


class LogBehindError(StartError):
    """The witnesses hold a checkpoint of this log's own key that is not of the stored log."""


def explained(witness: str, why: str) -> str:
    """Return what the operator is told."""
    return (
        f"LOG_BEHIND_WITNESSES: the witness {witness} shows a checkpoint of this log's own key: {why}. "
        "The database lacks a part of the log, or holds another one; nothing more is signed. "
        "Bring it forward from a mirror with zk ledger forward"
    )[:1000]


@dataclass(frozen=True)
class Finding:
    """Why a checkpoint of the log's own key is not of the stored log.

    Where it does not count, a retired key signed it, and whoever shows it is to blame.
    """

    why: str
    counts: bool = True


def contradiction(connection: Connection, note: bytes, keys: Sequence[Verifier]) -> Finding | None:
    """Return why a checkpoint of the log's own key is not of the stored log; None if it is, or not its own.

    It was shown before this reads, and published before it was shown: a larger one is not of this log.
    """
    signed = [key for key in keys if _opened(note, key) is not None]
    shown = _opened(note, signed[0]) if signed else None
    if shown is None:
        return None
    published = ledger.published(connection).size
    if not counting(signed, shown.size, secrets.ends(secrets.log_keys(connection))):
        return Finding(f"a key signed size {shown.size} that this log had retired before", counts=False)
    if shown.size > published:
        return Finding(f"it has {shown.size} entries, the database {published}")
    tiles = ledger.read_tiles(connection, tiles_for_append(shown.size))
    if tree_root(shown.size, node_reader(tiles)) != shown.root:
        return Finding(f"its first {shown.size} entries are not those of the database, which has {published}")
    return None


def _opened(note: bytes, key: Verifier) -> Checkpoint | None:
    try:
        return open_checkpoint(note, key)
    except TlogError:
        return None


async def check_marks(database: Database, policy: Policy | None) -> None:
    """Refuse to go on with a log that was found behind, or that was restored and cannot be compared.

    Raises LogBehindError, StartError.
    """

    def read(connection: Connection) -> tuple[str | None, bool, bool]:
        restored = marks.read(connection, Mark.RESTORED) is not None
        return marks.read(connection, Mark.BEHIND), restored, anchors.newest(connection) is not None

    behind, restored, anchored = await database.read(read)
    if behind is not None:
        raise LogBehindError(behind)
    if not restored or policy is not None:
        return
    if anchored:
        raise StartError(
            "the database was restored and its log has been anchored: set the policy, so that the witnesses "
            "can be asked whether they know a larger log"
        )
    raise StartError(
        "the database was restored and there are no witnesses who would know of a larger log: bring it "
        "forward from a mirror with zk ledger forward, and if nobody can have seen more of it than it has, "
        "say so with zk ledger resume"
    )
