"""The figures that the project promises, in two minutes: `python -m benchmarks.quick [--json]`.

Each row is the median of runs that take turns with P (see `benchmarks`), each run over its own turn's P. Rows
of one L take turns with each other; L=10 and L=100 do not, since the tables of the one would be out of the
caches whenever the other comes round. One thread, suite SHA-256, the native group. Keys are SecretKey objects
and verifiers have met the issuer's key before: what an issuer and a verifier pay for each credential, not for
the first one. Rows of the service are processor time of the server's process, over gRPC with TLS, with L=10
and 3 shown.

Exit code: 0 if every row holds, 1 if one misses, 2 if there is nothing to measure P with.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median

from bbs import SHA_256, groups
from benchmarks.cases import Batch, Case
from benchmarks.load import figures
from benchmarks.measure import Operation, in_turns, quiet, ratio, unit

BATCH = 256


@dataclass(frozen=True)
class Row:
    """One figure: `measured` and `limit` in P, both for one operation; no limit means for information."""

    name: str
    measured: float
    milliseconds: float
    limit: float | None = None
    note: str = ""
    holds: bool = True

    @property
    def verdict(self) -> str:
        """Say `pass` or `miss`; nothing without a limit."""
        if self.limit is None:
            return ""
        return "pass" if self.holds and self.measured <= self.limit else "miss"


@dataclass(frozen=True)
class Scale:
    """How long the rows run: rounds of the scheme, rounds of the batch, calls of one caller."""

    rounds: int = 400
    batches: int = 25
    calls: int = 1000


Plan = list[tuple[str, Operation, float | None]]


def _of_the_scheme(plan: Plan, rounds: int, check: Operation, share: int = 1) -> Iterator[Row]:
    """Measure rows in turns; each operation does `share` of what its row is about."""
    operations = [check, *(operation for _, operation, _ in plan)]
    in_turns(operations, 5)
    units, *taken = in_turns(operations, rounds)
    for (name, _, limit), times in zip(plan, taken, strict=True):
        yield Row(name, ratio(times, units) / share, median(times) / share * 1e3, limit)


def scheme(scale: Scale, check: Operation) -> Iterator[Row]:
    """Measure the operations of one thread."""
    ten, hundred = Case(SHA_256, 10, 3), Case(SHA_256, 100, 10)
    plan: Plan = [
        ("sign, L=10", ten.sign, 0.45),
        ("verify, L=10", ten.verify, 1.35),
        ("proof_gen, L=10, 3 shown, prepared", ten.proof_gen_prepared, 0.85),
        ("proof_gen, L=10, 3 shown", ten.proof_gen, None),
        ("prepare_credential, L=10", ten.prepare, None),
        ("proof_verify, L=10, 3 shown", ten.proof_verify, 1.6),
    ]
    yield from _of_the_scheme(plan, scale.rounds, check)
    plan = [
        ("sign, L=100", hundred.sign, None),
        ("verify, L=100", hundred.verify, None),
        ("proof_gen, L=100, 10 shown, prepared", hundred.proof_gen_prepared, None),
        ("proof_verify, L=100, 10 shown", hundred.proof_verify, 3.5),
    ]
    yield from _of_the_scheme(plan, scale.rounds, check)
    batch: Plan = [(f"batch of {BATCH} proofs, each", Batch.of(ten, BATCH).verify, 0.85)]
    yield from _of_the_scheme(batch, scale.batches, check, BATCH)


def service(scale: Scale, check: Operation) -> Iterator[Row]:
    """Measure the server's processor time for a call."""
    rows = figures.measured(check, lambda bench: figures.costs(bench, scale.calls))
    for row, limit in zip(rows, (2.3, 1.5, 1.6), strict=True):
        outcome = row.outcome
        callers = "one caller" if outcome.callers == 1 else f"{outcome.callers} callers"
        busy = row.method != figures.VERIFY or outcome.callers == 1 or row.cores_busy
        note = (
            f"{outcome.per_second:.0f}/s, the server on {outcome.server_cores:.2f} cores,"
            f" the generator on {outcome.generator_cores:.2f}{'' if busy else ': the cores are not busy'}"
        )
        milliseconds = outcome.server_seconds * 1e3
        yield Row(f"{row.method}, {callers}", row.ratio or 0.0, milliseconds, limit, note, busy)


def run(scale: Scale, check: Operation, show: Callable[[Row], object]) -> list[Row]:
    """Measure every row, showing each as soon as it is there."""
    rows = []
    with quiet():
        for part in (scheme, service):
            for row in part(scale, check):
                show(row)
                rows.append(row)
    return rows


def document(rows: list[Row]) -> list[dict[str, object]]:
    """Return the rows for a machine to read."""
    return [asdict(row) | {"verdict": row.verdict} for row in rows]


def line(row: Row) -> str:
    """Return a row for a person to read."""
    limit = "" if row.limit is None else f"  at most {row.limit:<5}{row.verdict}"
    note = f"  ({row.note})" if row.note else ""
    return f"{row.name:<38}{row.milliseconds:8.3f} ms {row.measured:6.2f} P{limit}{note}\n"


def show(row: Row) -> None:
    """Print a row now, though the next one takes its time."""
    sys.stdout.write(line(row))
    sys.stdout.flush()


def main() -> int:
    """Print the rows."""
    arguments = argparse.ArgumentParser(description="The promised figures, in multiples of P.")
    arguments.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    arguments.add_argument("--rounds", type=int, default=Scale.rounds, help="rounds of each operation")
    arguments.add_argument("--calls", type=int, default=Scale.calls, help="calls of one caller")
    given = arguments.parse_args()
    check = unit()
    if check is None or groups.default().name != "blst":
        sys.stderr.write("the native group is not installed, and P is what it measures\n")
        return 2
    scale = Scale(given.rounds, max(3, given.rounds // 16), given.calls)
    rows = run(scale, check, lambda row: None if given.json else show(row))
    if given.json:
        sys.stdout.write(json.dumps({"rows": document(rows)}, indent=1, ensure_ascii=False) + "\n")
    return int(any(row.verdict == "miss" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
