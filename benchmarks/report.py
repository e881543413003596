"""The report: `python -m benchmarks.report [RAW]`.

RAW is the folder that a run left behind (`python -m benchmarks` makes one): its figures go to
results/latest.json first. REPORT.md is made from that file, with the pictures that `benchmarks.plots` has
drawn.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from benchmarks import comparing, plots, results
from benchmarks.consortium import page as consortium
from benchmarks.ledger import page as ledger
from benchmarks.presentations import alternatives, keyed
from benchmarks.results import Results, Row
from benchmarks.tables import figure, table
from benchmarks.web import page as web

REPORT: Final = Path(__file__).parent / "REPORT.md"
_OVER: Final = 0.15
"""What this implementation may add to what the protocol needs."""
_OPERATIONS: Final = tuple(plots.OPERATIONS)

_INTRODUCTION: Final = """# Benchmarks

P is one pairing check of blst: two Miller loops and one final exponentiation with nothing prepared, measured
in the same process and in turns with what is compared to it. Costs are given in P, since ratios hold from
machine to machine where times do not. Each figure is a median, of processor time where nothing waits for a
disk or a network. Issuers' keys, generators and their tables are there before the first run: this is what
each further credential costs; the first one is under "Start".

To repeat: `make bench-quick` prints the promised figures in two minutes, `make bench` makes this report and
[results/latest.json](results/latest.json) anew, `python -m benchmarks --only ledger` one part of them,
`python -m benchmarks.regress` compares ratios with that.
"""
_QUICK: Final = """## Promised figures

In P, processor time of one thread or of the server's processes. In times, wall-clock time: how much more two
threads do than one, where the bare pairing check is the machine's own ceiling. Of composite presentations
each row with a + adds to the one before; three credentials are of three issuers and one holder, none revoked,
with a pseudonym.

"""
_MADE_OF: Final = """
What a call of VerifyPresentation is made of: the proof (above: alone, or in a batch), the verifier's Ed25519
signature on its request (0.13 P), gRPC with TLS in Python (0.3 to 0.4 P: what an echo costs here), decoding
and checking request and presentation (0.15 P). A caller alone pays besides for two processes that sleep and
wake for each call, and find their caches cold: the same judgement takes a fifth to a half more time a
millisecond after the last one than right after it.
"""
_PARTS: Final = """## Beside the sum of the group operations

Each group operation that an operation calls is run again, alone and in turns with the whole. What is over
the sum is Python: checks, integers, random numbers, and the hashing of groups that have none of their own.
"""
_MEMORY_OF: Final = ("generators", "tables", "secret_tables")
_MEMORY: Final = """## Memory

Resident memory of a fresh process, of the preferred group. Tables are built when they are first used and
shared by all threads: a verifier has the generators and their tables, who signs or proves the constant-time
ones as well. Every operation in this report ran twice before it was measured, so that its tables were there.
Where they are larger than the processor's caches, as with L=1000, they are read from memory each time.

"""
_LOG: Final = """## The log

From handing an entry over until it is durable, signed for and has its index, through the service's sequencer
and SQLite (WAL, synchronous FULL). One commit at a time: {commits}/s on this disk.
"""
_SERVICE: Final = """## The service under load

A server process over TLS and a generator process on the same machine, a connection for each caller. With a
rate, calls are due by a fixed schedule and their latency (ms) counts from when they were due; without one it
counts from the sending. CPU is that of the server's processes for each call.

Ten minutes and an hour of mixed traffic at 80 % of the capacity, three times the capacity, floods and faults:
[docs/reliability.md](../docs/reliability.md).
"""
_COMPARED: Final = """## Secrets that are compared

Whether the time of a refusal says how much of a wrong secret was right: wrong at the first octet against
wrong at the last one, by lot, within one process. Up to |t| = 4.5 nothing was found with so many
measurements (`benchmarks/comparing.py` says how). The last rows show what the method sees.

"""
_OTHERS: Final = """## Beside what else there is

In P, measured in turns with it; ten messages of which three are shown.

"""


def picture(name: str, title: str, folder: Path) -> str:
    """Return the Markdown of a picture, if there is one."""
    return f"\n![{title}](results/{name}.svg)\n" if (folder / f"{name}.svg").exists() else ""


def _pick(rows: Iterable[Row], **wanted: object) -> list[Row]:
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def _one(rows: Iterable[Row], **wanted: object) -> float | None:
    found = _pick(rows, **wanted)
    return found[0].get("ratio") if found else None


def machine(found: Results) -> str:
    """Say what was measured on, and when."""
    about = found["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    memory = f"{about['memory_octets'] / 2**30:.0f} GiB"
    later = "".join(f" Measured again: {part} on {day}." for part, day in found.get("later", {}).items())
    return (
        f"Measured on {found['measured_on']}: {about['processor']}, {about['cores']} cores, {memory},"
        f" {about['system']}, Python {about['python']}; {libraries}.{later}\n"
    )


def quick(rows: list[Row]) -> str:
    """The promised figures."""
    lines = [
        (
            row["name"],
            figure(row["milliseconds"]),
            f"{row['measured']:.2f} {row['measure']}",
            "" if row["limit"] is None else row["limit"],
            row["verdict"],
            row["note"],
        )
        for row in rows
    ]
    return _QUICK + table(("operation", "ms", "measured", "at most", "", "remarks"), lines) + _MADE_OF


def scheme(rows: list[Row], folder: Path) -> str:
    """The operations over L, on each group, under each ciphersuite; sizes."""
    first = rows[0]["group"]
    lengths = sorted({row["L"] for row in rows if row.get("operation") == "sign"})
    ours = [row for row in rows if "shown" not in row or row["shown"] == min(3, row["L"])]

    def over_lengths(group: str, suite: str) -> str:
        lines = [
            (
                name,
                *(figure(_one(ours, operation=name, group=group, suite=suite, L=each)) for each in lengths),
            )
            for name in _OPERATIONS
        ]
        return table(("P, 3 shown", *(f"L={each}" for each in lengths)), lines)

    text = "## Operations\n" + picture("cost", "Cost against L", folder)
    for group, suite in dict.fromkeys((row["group"], row["suite"]) for row in _pick(rows, operation="sign")):
        text += f"\nGroup {group}, {suite}:\n\n{over_lengths(group, suite)}"
    proofs = _pick(rows, operation="proof_verify", group=first, suite="SHA-256")
    lines = [
        (
            row["L"],
            row["shown"],
            row["octets"],
            *(
                figure(
                    _one(rows, operation=name, group=first, suite="SHA-256", L=row["L"], shown=row["shown"])
                )
                for name in ("proof_gen", "proof_gen_prepared", "proof_verify")
            ),
        )
        for row in proofs
    ]
    head = ("L", "shown", "octets", "proof_gen", "prepared", "proof_verify")
    text += f"\nProofs by what is shown, group {first}, SHA-256, in P:\n\n{table(head, lines)}"
    keys = [
        (row["group"], row["suite"], figure(row["ratio"]), figure(row["seconds"] * 1e3))
        for row in _pick(rows, operation="keygen")
    ]
    text += f"\nA secret key and its public key:\n\n{table(('group', 'suite', 'P', 'ms'), keys)}"
    return text + "\nA signature has 80 octets, a secret key 32, a public key 96.\n"


def parts(rows: list[Row], folder: Path) -> str:
    """Measured times beside the sum of the group operations that they are made of."""
    lines = [
        (
            row["operation"].removeprefix("parts of "),
            row["group"],
            row["L"],
            f"{row['ratio']:.2f}",
            f"{row['ratio'] / row['over']:.2f}",
            f"{row['over'] - 1:+.0%}",
            ", ".join(f"{number} {name}" for name, number in row["counts"].items() if " calls" not in name),
        )
        for row in rows
    ]
    head = ("operation", "group", "L", "measured, P", "sum, P", "over the sum", "counted")
    shown = picture("parts", "Stacked cost by group operation", folder)
    over = [
        f"{operation}, {group}, L={count} ({excess})"
        for (operation, group, count, _, _, excess, _), row in zip(lines, rows, strict=True)
        if row["over"] > 1 + _OVER
    ]
    told = f"More than {_OVER:.0%} over the sum: {'; '.join(over) or 'none'}.\n"
    return f"{_PARTS}{shown}\n{table(head, lines)}\n{told}"


def batches(rows: list[Row], folder: Path) -> str:
    """Batch verification."""
    lines = [(row["batch"], figure(row["ratio"]), figure(1 / row["seconds"])) for row in rows]
    head = ("proofs in a batch", "P for each", "proofs/s")
    text = "## Batches\n\nOne thread, L=10, 3 shown.\n"
    return text + picture("batch", "Throughput against batch size", folder) + "\n" + table(head, lines)


def process(rows: list[Row]) -> str:
    """Memory and cold start."""
    memory = [
        (
            row["L"],
            *(f"{row[each] / 1e6:.1f}" for each in _MEMORY_OF),
            f"{sum(row[each] for each in _MEMORY_OF) / 1e3 / (row['L'] + 2):.0f}",
        )
        for row in _pick(rows, operation="memory")
    ]
    start = [(row["step"], f"{row['seconds'] * 1e3:.0f}") for row in _pick(rows, operation="start")]
    head = ("L", "generators, MB", "tables, MB", "constant-time tables, MB", "KB for each generator")
    return (
        f"{_MEMORY}{table(head, memory)}"
        f"\n## Start\n\nFrom starting Python to its end.\n\n{table(('process', 'ms'), start)}"
    )


def chain(rows: list[Row], folder: Path) -> str:
    """The log."""
    entries = [(row["batch"], figure(1 / row["seconds"])) for row in _pick(rows, operation="log entry")]
    commits = [f"{1 / row['seconds']:,.0f}" for row in _pick(rows, operation="commit")]
    proofs = [
        (
            f"{row['size']:,}",
            row["octets"],
            figure(row["seconds"] * 1e3),
            *(
                figure(each["seconds"] * 1e3)
                for each in _pick(rows, operation="verify inclusion", size=row["size"])
            ),
        )
        for row in _pick(rows, operation="inclusion proof")
    ]
    return (
        _LOG.format(commits=commits[0] if commits else "-")
        + picture("entries", "Entries per second against batch size", folder)
        + "\n"
        + table(("entries in a batch", "entries/s"), entries)
        + "\nInclusion proofs, from tiles in memory:\n\n"
        + table(("log size", "octets", "make, ms", "verify, ms"), proofs)
    )


def service(rows: list[Row], folder: Path) -> str:
    """The server under load."""
    lines = [
        (
            row["method"],
            row["callers"],
            "as fast as it goes" if row["rate"] is None else figure(row["rate"]),
            figure(row["per_second"]),
            figure(row["server_seconds"] * 1e3),
            figure(row["ratio"]),
            f"{row['server_cores']:.2f}",
            *(figure(row["latency"][name]) for name in ("p50", "p90", "p99", "p999")),
        )
        for row in rows
    ]
    head = (
        "method", "callers", "due/s", "done/s", "CPU ms", "CPU in P", "cores", "p50", "p90", "p99", "p99.9",
    )  # fmt: skip
    return _SERVICE + picture("latency", "Latency against load", folder) + "\n" + table(head, lines)


def others(rows: list[Row]) -> str:
    """What a user would pick instead."""
    names = ("sign", "verify", "prove", "verify proof")
    lines = [
        (
            f"{row['package']} {row['version']}",
            row["setting"],
            *(figure(row["ratios"].get(name)) for name in names),
        )
        for row in rows
        if "ratios" in row
    ]
    text = _OTHERS + table(("package", "setting", *names), lines)
    for row in rows:
        if "reason" in row:
            text += f"\n{row['package']} was not measured: {row['reason']}\n"
    return text


def render(found: Results, folder: Path = results.FOLDER) -> str:
    """Return the report; a section without figures is left out."""
    suite = found["suite"]
    of_scheme = [row for row in suite if row["operation"] in (*_OPERATIONS, "keygen") and "ratio" in row]
    of_parts = [row for row in suite if "parts" in row and "ratio" in row]
    of_batches = _pick(suite, operation="proof_verify_batch")
    sections = [
        quick(found["quick"]) if found["quick"] else "",
        scheme(of_scheme, folder) if of_scheme else "",
        parts(of_parts, folder) if of_parts else "",
        batches(of_batches, folder) if of_batches else "",
        keyed(suite) if _pick(suite, operation="composite verify") else "",
        process(suite) if _pick(suite, operation="memory") else "",
        chain(suite, folder) if _pick(suite, operation="log entry") else "",
        ledger.section(found["ledger"], folder) if found.get("ledger") else "",
        service(found["load"], folder) if found["load"] else "",
        web.section(found["web"]) if found.get("web") else "",
        consortium.section(found["consortium"]) if found.get("consortium") else "",
        _COMPARED + comparing.told(found["comparing"]) if found.get("comparing") else "",
        others(found["others"]) if found["others"] else "",
        alternatives(found["quick"]) if found["quick"] else "",
    ]
    return "\n".join([_INTRODUCTION, machine(found), *filter(None, sections)])


def main() -> int:
    """Write the results, if a folder of figures is given, and the report."""
    if len(sys.argv) > 1:
        results.save(results.collect(Path(sys.argv[1])))
    REPORT.write_text(render(results.load()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
