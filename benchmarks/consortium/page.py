"""The consortium's section of the report."""

from collections.abc import Iterable, Mapping
from typing import Final

from benchmarks.consortium.ordering import WAL
from benchmarks.results import Row
from benchmarks.tables import figure, table

_QA: Final = "[CometBFT QA Results v0.38.x](https://docs.cometbft.com/v0.38/qa/cometbft-qa-38)"
_HEAD: Final = """## One order for nine cities

All nodes, each an engine and an application as processes of its own, share the machine's cores; so do those
who submit. Each city hands in its log's next checkpoint, with the proof that it continues the last one,
once each interval, at its own node; the time is from handing in to the block, which is final.

"""
_DISK: Final = """
What the disk of a node grows by at this pace, reckoned from this run:

"""
_LOGGED: Final = """
Besides, the engine writes {wal} MB a day into its write-ahead log, of which it keeps the newest GiB.
"""
_CLAIMS: Final = """
Uniqueness claims as fast as they are taken, until none waits any more: {sent:,} handed in, {ordered:,} in
{blocks} blocks, **{per_second:.0f} a second**, each checked twice by every node.
"""
_SYNC: Final = """
A new node comes by state sync into a chain of {blocks:,} blocks with {rows:,} claims: **{seconds:.1f} s**
from its start until it has the newest block, its snapshot verified from a trusted header. The chain was
made fast, at {chain_blocks_per_s:.0f} blocks a second, by one validator (docs/ordering.md says how).
"""
_PUBLISHED: Final = """
Beside it what the engine's makers have published of it, measured by themselves on machines and networks of
their own with transactions of 1,024 octets; it says what the engine can do, and is no race:

"""
_THEIRS: Final = (
    (
        f"v0.38.0-alpha.2, 200 nodes, {_QA}",
        "400 transactions/s just below saturation (35,600 in 89 s)",
        "about 20",
    ),
)


def section(rows: list[Row]) -> str:
    """Return the Markdown of what was measured."""
    lines = [
        (
            row["nodes"],
            f"{row['interval_s']:g}",
            f"{row['seconds']:.0f}",
            f"{row['ordered']:,}",
            row["failed"],
            row["late"],
            figure(row["p50_ms"]),
            figure(row["p99_ms"]),
            f"{60 * row['blocks_per_s']:.0f}",
        )
        for row in _of(rows, "checkpoints")
    ]
    head = (
        "cities", "interval, s", "for, s", "ordered", "failed", "late", "p50, ms", "p99, ms", "blocks/min",
    )  # fmt: skip
    parts = [_HEAD, table(head, lines)]
    parts += [_disk(row["mb_per_day"]) for row in _of(rows, "checkpoints")]
    parts += [_CLAIMS.format(**row) for row in _of(rows, "claims")]
    parts += [_SYNC.format(**row) for row in _of(rows, "state sync")]
    parts += [_PUBLISHED, table(("package", "setting", "blocks/min"), _THEIRS)]
    return "".join(parts)


def _disk(parts: Mapping[str, float]) -> str:
    kept = {part: octets for part, octets in parts.items() if part != WAL}
    lines = [(part, figure(octets)) for part, octets in sorted(kept.items(), key=lambda each: -each[1])]
    text = table(("", "MB a day"), [*lines, ("all that is kept", figure(sum(kept.values())))])
    return _DISK + text + _LOGGED.format(wal=figure(parts.get(WAL, 0.0)))


def _of(rows: Iterable[Row], operation: str) -> list[Row]:
    return [row for row in rows if row["operation"] == operation]
