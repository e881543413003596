"""A log that is behind its witnesses: they know more of it than its own database does.

That is what an old backup looks like when it is started, and going on would sign a second history beside the
one that everybody has seen. Only a checkpoint that the log's own key signed shows it: what a witness merely
claims counts for nothing, or one liar could stop any log.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from tlog.checkpoint import Checkpoint, open_checkpoint
from tlog.errors import TlogError
from tlog.keys import Verifier
from tlog.merkle import tree_root
from tlog.policy import Policy
from tlog.tiles import node_reader, tiles_for_append
from zkservice.errors import StartError
from zkservice.storage import anchors, ledger, marks
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


def contradiction(connection: Connection, note: bytes, keys: Sequence[Verifier]) -> str | None:
    """Return why a checkpoint of the log's own key is not of the stored log; None if it is, or not its own.

    It was shown before this reads, and published before it was shown: a larger one is not of this log.
    """
    shown = next(filter(None, (_opened(note, key) for key in keys)), None)
    published = ledger.published(connection).size
    if shown is None:
        return None
    if shown.size > published:
        return f"it has {shown.size} entries, the database {published}"
    tiles = ledger.read_tiles(connection, tiles_for_append(shown.size))
    if tree_root(shown.size, node_reader(tiles)) != shown.root:
        return f"its first {shown.size} entries are not those of the database, which has {published}"
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

    def read(connection: Connection) -> tuple[str | None, bool]:
        anchored = anchors.newest(connection) is not None
        restored = marks.read(connection, Mark.RESTORED) is not None
        return marks.read(connection, Mark.BEHIND), restored and anchored

    found, comparable = await database.read(read)
    if found is not None:
        raise LogBehindError(found)
    if comparable and policy is None:
        raise StartError(
            "the database was restored and its log has been anchored: set the policy, so that the witnesses "
            "can be asked whether they know a larger log"
        )
