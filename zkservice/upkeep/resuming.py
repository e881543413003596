"""A restored log that nobody can be asked about goes on, because its operator says that nobody has seen more.

Nothing here can tell whether that is true, and if it is not, the log forks with its next block. So it is for
logs that have no witnesses, and never for one that was found behind them.
"""

from sqlalchemy import Connection

from tlog.policy import Policy
from zkservice.storage import anchors, ledger, marks
from zkservice.storage.ledger import State
from zkservice.storage.marks import Mark
from zkservice.upkeep.faults import UpkeepError, UpkeepReason


def resume(connection: Connection, policy: Policy | None) -> tuple[State, bool]:
    """Remove the mark of a restored log; return what it goes on from, and whether it had the mark.

    `policy` is that of the settings. Raises UpkeepError LOG_NOT_BEGUN, LOG_BEHIND, WITNESSES_KNOW.
    """
    if ledger.states(connection) is None:
        raise UpkeepError(UpkeepReason.LOG_NOT_BEGUN, "the database has no log")
    behind = marks.read(connection, Mark.BEHIND)
    if behind is not None:
        raise UpkeepError(UpkeepReason.LOG_BEHIND, behind)
    if anchors.newest(connection) is not None or (policy is not None and policy.demands_witnesses):
        detail = "set its policy and start the server, which asks them; if they know more, zk ledger forward"
        raise UpkeepError(UpkeepReason.WITNESSES_KNOW, detail)
    restored = marks.read(connection, Mark.RESTORED) is not None
    marks.remove(connection, Mark.RESTORED)
    return ledger.published(connection), restored
