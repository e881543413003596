"""The ledger's section of the report."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks.ledger.fit import Fit, fit
from benchmarks.ledger.published import PUBLISHED
from benchmarks.results import Row
from benchmarks.tables import figure, table

TIMES: Final = {
    "stored": "out of the database",
    "memory": "out of memory",
    "verify": "verify",
    "consistency": "consistency, out of the database",
    "verify_consistency": "verify consistency",
}
_LIMIT_SECONDS: Final = 1.5
_HEAD: Final = """## The ledger under load

The log by its own interface: receipts are acknowledged when their block is stored, signed for and
published. Bare is what the same machine, in turns with it, makes durable of the same octets with nothing of
a log around them: one insertion of each receipt and one commit of 256 in the same database, or one write
and fsync of a file. The log cannot reach that: it writes each receipt twice, first with the state change
that it records and then into its place, and a block is durable in three steps one after the other, so that
no crash forks it. CPU is that of the process with loop, writer and sequencer.

"""
_ANCHORED: Final = """
### From submission to anchored

One server, {witnesses} witnesses, all of them processes on loopback, each durable before it answers; a
checkpoint is sent to them each second. A vault answers a school at {times} random times; the time begins
when it takes up the school's link and ends when the server tells of an anchored checkpoint ({quorum} of the
other eight cities beside the log itself) that covers the receipt: median {median:.2f} s (at most {limit} s:
{verdict}), 95% within {p95:.2f} s, the longest {most:.2f} s.
"""
_PROOFS: Final = """
### Proofs against the size of the log

Entries and older sizes by chance, each figure a median. The trees are whole, of real hashes, made by the
tree's own code, and stand in the log's own table of tiles, a database for each size; the entries themselves
are left out, which no proof reads. A node inside a tile of 256 is computed from the tile's hashes, so a
proof costs some hashing for each tile on its way.
"""
_UPKEEP: Final = """
### Upkeep and memory against the size of the log

Logs that are whole, entries and notes and blocks, each measured in a process of its own: a check that
rebuilds everything from the entries (`zk ledger fsck`), the sequencer that goes on with the log, a mirror
that checks each entry and keeps files. The sequencer's receipts are made on the way here, since memory is
what counts. Memory is the most that was resident, with the interpreter and the libraries in it; `start` is
what these alone take.

"""
_PUBLISHED: Final = """
### Beside what others have published

Theirs were measured by themselves, on other machines, with entries of other sizes and other promises, and
not repeated by us: what stands here is an order of magnitude, no race. Tessera answers when an entry has
its index and integrates it later; ours answers when the block that holds it is published, and keeps a note
of the holder's beside each entry. The unique key by which a receipt that is sent again is not written again
belongs to the state change that the receipt records, and is in neither ours nor in Tessera's without
antispam.

"""


def section(rows: list[Row], folder: Path) -> str:
    """Return the Markdown of all that was measured; the pictures that are in the folder."""
    parts = [
        _durable(_of(rows, "durable receipts")),
        _picture("ledger_durable", "Entries a second, beside what others have published", folder),
        *(_anchored(row) for row in _of(rows, "anchored")),
        _picture("ledger_anchored", "Seconds from submission to anchored", folder),
        _proofs(_of(rows, "proofs")),
        _picture("ledger_proofs", "Proofs against the size of the log", folder),
        _upkeep(rows),
        _picture("ledger_memory", "Memory against the size of the log", folder),
        _published(_of(rows, "durable receipts")),
    ]
    return _HEAD + "".join(parts)


def _of(rows: Iterable[Row], operation: str) -> list[Row]:
    return [row for row in rows if row["operation"] == operation]


def _picture(name: str, title: str, folder: Path) -> str:
    return f"\n![{title}](results/{name}.svg)\n" if (folder / f"{name}.svg").exists() else ""


def _verdict(*, holds: bool) -> str:
    return "pass" if holds else "MISSED"


def _durable(rows: list[Row]) -> str:
    lines = [
        (
            row["database"],
            figure(row["per_second"]),
            f"{row['least']:,.0f} to {row['most']:,.0f}",
            f"{row['target']:,}",
            _verdict(holds=row["per_second"] >= row["target"]),
            figure(row["bare_per_second"]),
            f"{row['share']:.0%}",
            figure(row["file_per_second"]),
            figure(1e6 * row["cpu_seconds"]),
            f"{row['busy']:.2f}",
        )
        for row in rows
    ]
    head = (
        "database", "receipts/s", "rounds from", "at least", "", "bare/s", "share of it", "file/s",
        "CPU µs each", "cores",
    )  # fmt: skip
    return table(head, lines)


def _anchored(row: Row) -> str:
    verdict = _verdict(holds=row["median"] < _LIMIT_SECONDS)
    return _ANCHORED.format(limit=_LIMIT_SECONDS, verdict=verdict, **row)


def fits(rows: list[Row]) -> dict[str, Fit]:
    """Return how octets, and the microseconds of each operation, grow with the size."""
    found = {"octets": fit([(row["size"], row["octets"]) for row in rows])}
    return found | {name: fit([(row["size"], 1e6 * row[name]["seconds"]) for row in rows]) for name in TIMES}


def _proofs(rows: list[Row]) -> str:
    if len(rows) < 2:
        return ""
    lines = [
        (
            f"{row['size']:,}",
            figure(row["octets"]),
            *(f"{figure(1e6 * row[name]['seconds'])} ({figure(row[name]['ratio'], 2)})" for name in TIMES),
        )
        for row in rows
    ]
    grown = fits(rows)
    growth = [
        (name, figure(each.start), figure(each.step), f"{each.explained:.2f}")
        for name, each in zip(("octets of an inclusion proof", *TIMES.values()), grown.values(), strict=True)
    ]
    return (
        f"{_PROOFS}\nIn µs, and in P:\n\n"
        + table(("log size", "octets", *TIMES.values()), lines)
        + "\nEach as a + b log2(size), octets or µs, by least squares:\n\n"
        + table(("proves", "a", "b", "r²"), growth)
    )


def _upkeep(rows: list[Row]) -> str:
    lines = [
        (
            row["operation"],
            f"{row['size']:,}",
            figure(row["seconds"]) if "seconds" in row else "-",
            figure(row["per_second"]),
            f"{row['peak_octets'] / 1e6:.1f}",
            f"{row['before_octets'] / 1e6:.1f}",
        )
        for operation in ("fsck", "sequencer", "mirror")
        for row in _of(rows, operation)
    ]
    text = _UPKEEP + table(("operation", "log size", "seconds", "entries/s", "most, MB", "start, MB"), lines)
    for row in _of(rows, "cosigned"):
        text += (
            f"\nA witness cosigns {figure(row['per_second'])} checkpoints a second, one after the other: each"
            " judged with its consistency proof, durable, and signed.\n"
        )
    return text


def _published(rows: list[Row]) -> str:
    ours = [
        (
            f"this, {row['database']}",
            "that of this report, batches of 256",
            figure(row["per_second"]),
            "this run",
        )
        for row in rows
    ]
    theirs = [(each.name, each.machine, each.said, each.source) for each in PUBLISHED]
    return _PUBLISHED + table(("package", "setting", "entries/s", "remarks"), [*ours, *theirs])
