"""What tables take in a database of SQLite, each with its indexes, as its own statistics tell it."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

LOG_TABLES: Final = frozenset(
    (
        "outbox",
        "outbox_content",
        "ledger_state",
        "ledger_staged",
        "ledger_entry",
        "ledger_tile",
        "ledger_block",
    )
)
"""What the log takes is measured apart: it is what others mirror."""
_PAGES: Final = """
select m.tbl_name, sum(s.pgsize)
from dbstat('main', 1) s join sqlite_schema m on s.name = m.name
group by 1
"""


def by_table(path: Path) -> dict[str, int]:
    """Return the octets of the pages of each table; a server may have the database open meanwhile."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return {str(name): int(octets) for name, octets in connection.execute(_PAGES)}


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return by how many octets each table has grown that has, but for those of the log."""
    more = {name: octets - before.get(name, 0) for name, octets in after.items() if name not in LOG_TABLES}
    return {name: octets for name, octets in more.items() if octets > 0}


def entries(path: Path) -> int:
    """Return how many entries were handed to the log; the headers of its blocks are none."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        ((count,),) = connection.execute("select coalesce(max(id), 0) from outbox")
        return int(count)
