"""The pages' section of the report."""

from collections.abc import Iterable
from typing import Final

from benchmarks.results import Row
from benchmarks.tables import figure, table

_HEAD: Final = """## The pages

Debian's Chromium, headless, on the cores of service and edge. A person's own seconds, reading and tapping,
are in none of it. The proof is that of the school question: lives in the district, insured for six months,
two credentials of one holder that are not revoked. A scan begins with the camera's button, or with the link
that was pasted, and ends with the consent on the screen; a verdict is "Proven" on the counter's page, or the
verifier's stream. Seconds are medians; times P are beside a pairing check of blst in the measuring process,
{unit:.2f} ms.

"""
_SIZES: Final = """
What is loaded before a page is seen the first time, with all headers, compressed:

"""


def holds(rows: Iterable[Row]) -> bool:
    """Say whether each promised figure holds."""
    return all(_measured(row) < row["limit"] for row in rows if row.get("limit") is not None)


def section(rows: list[Row]) -> str:
    """Return the Markdown of what was measured."""
    unit = next(row["seconds"] for row in rows if row["operation"] == "pairing check")
    times = [row for row in rows if "least" in row]
    sizes = [row for row in rows if row["operation"] == "first view"]
    lines = [
        (
            row["operation"],
            row["what"],
            f"{row['seconds']:.2f}",
            f"{row['least']:.2f} to {row['most']:.2f}",
            figure(row["seconds"] / unit),
            row["rounds"],
            "" if row["limit"] is None else row["limit"],
            _verdict(row),
        )
        for row in times
    ]
    head = ("operation", "remarks", "s", "from", "times P", "rounds", "below", "")
    views = [
        (row["what"], row["files"], f"{row['octets']:,}", f"{row['limit']:,}", _verdict(row)) for row in sizes
    ]
    return (
        _HEAD.format(unit=1e3 * unit)
        + table(head, lines)
        + _SIZES
        + table(("page", "files", "octets", "below", ""), views)
    )


def _measured(row: Row) -> float:
    found: float = row["octets"] if "octets" in row else row["seconds"]
    return found


def _verdict(row: Row) -> str:
    if row["limit"] is None:
        return ""
    return "pass" if _measured(row) < row["limit"] else "MISSED"
