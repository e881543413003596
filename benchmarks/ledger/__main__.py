"""`python -m benchmarks.ledger [--small] [--only STEP ...] [--output FILE]`: the ledger's figures, as JSON.

Each step is kept when it is whole, in build/ledger with the logs that were made for it: broken off, the same
command goes on behind the last one. Logs and trees stay there and are used again; --fresh measures again, and
removing the folder makes them anew. With --small everything is a hundred times smaller, to try the code.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.ledger import cosigning, proofs, receipts, upkeep, witnessed
from benchmarks.results import Row
from zk.bench.measure import Operation, unit
from zk.exits import Exit

FOLDER: Final = Path(__file__).parents[2] / "build" / "ledger"
"""A disk like the one that a server would use; the system's folder for temporary files may be in memory."""
_EVERY_SECONDS: Final = 10.0
Tell = Callable[[int], object]
Step = Callable[[Tell], list[Row]]


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    receipts: int = 20_480
    rounds: int = 5
    uses: int = 90
    trees: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
    proofs: int = 300
    logs: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    sequenced: int = 51_200
    mirrored: int = 100_000
    cosigned: int = 1_000


USUAL: Final = Plan()
SMALL: Final = Plan(
    receipts=512, rounds=1, uses=4, trees=(1_000, 10_000, 100_000), proofs=20,
    logs=(1_000, 10_000), sequenced=512, mirrored=1_000, cosigned=20,
)  # fmt: skip


def steps(plan: Plan, folder: Path, check: Operation) -> dict[str, tuple[int, Step]]:
    """Return what is measured, by name, with how far each tells that it comes."""
    found: dict[str, tuple[int, Step]] = {
        "sqlite": (plan.rounds, lambda tell: [receipts.sqlite(folder, plan.receipts, plan.rounds, tell)]),
        "postgresql": (plan.rounds, lambda tell: [receipts.postgresql(plan.receipts, plan.rounds, tell)]),
        "anchored": (plan.uses, lambda tell: [witnessed.measure(folder, plan.uses, tell)]),
        "cosigned": (plan.cosigned, lambda tell: [cosigning.measure(folder, plan.cosigned, tell)]),
    }
    for size in plan.trees:
        found[f"proofs-{size}"] = size, partial(_proofs, folder, size, plan.proofs, check)
    for entries in plan.logs:
        found[f"log-{entries}"] = entries, partial(_log, folder, entries, plan)
    return found


def _proofs(folder: Path, size: int, rounds: int, check: Operation, tell: Tell) -> list[Row]:
    path = folder / f"tree-{size}.sqlite3"
    proofs.make(path, size, tell)
    return [proofs.measure(path, size, rounds, check)]


def _log(folder: Path, entries: int, plan: Plan, tell: Tell) -> list[Row]:
    path = upkeep.made(folder, entries, tell)
    rows = [upkeep.check(path), upkeep.sequence(path, entries, plan.sequenced)]
    return rows if entries != plan.mirrored else [*rows, upkeep.mirror(path)]


class Kept:
    """The rows of steps that are whole, of a run with the same plan."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path, self._plan = path, json.loads(json.dumps(asdict(plan)))
        self.rows: dict[str, list[Row]] = {}
        with suppress(OSError, json.JSONDecodeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["plan"] == self._plan:
                self.rows = found["rows"]

    def keep(self, name: str, rows: list[Row]) -> None:
        """Keep a step's rows, whole or not at all."""
        self.rows[name] = rows
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({"plan": self._plan, "rows": self.rows}), encoding="utf-8")
        os.replace(new, self._path)

    def forget(self) -> None:
        """Have all steps measured again."""
        self.rows.clear()
        self._path.unlink(missing_ok=True)


def run(found: dict[str, tuple[int, Step]], kept: Kept, say: Callable[[str], object]) -> list[Row]:
    """Measure what is not kept yet; return the rows of all steps in their order."""
    for name, (total, step) in found.items():
        if name not in kept.rows:
            say(name)
            begun = time.monotonic()
            kept.keep(name, step(_telling(total, say)))
            say(f"  {time.monotonic() - begun:.0f} s")
    return [row for name in found for row in kept.rows[name]]


def _tried(found: dict[str, tuple[int, Step]], names: Sequence[str]) -> list[Row]:
    """Measure some steps, of which nothing is kept: a whole run takes no figure of theirs."""
    return [row for name in names for row in found[name][1](_telling(found[name][0], _say))]


def _telling(total: int, say: Callable[[str], object]) -> Tell:
    told = time.monotonic()

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > _EVERY_SECONDS:
            told = time.monotonic()
            say(f"  {done:,} of {total:,}")

    return tell


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--small", action="store_true", help="a hundred times smaller")
    arguments.add_argument("--only", nargs="+", metavar="STEP", help="some steps, to try them")
    arguments.add_argument("--fresh", action="store_true", help="measure again what a broken run has")
    arguments.add_argument("--folder", type=Path, default=FOLDER, help="where logs are made and kept")
    arguments.add_argument("--output", type=Path, help="where to write the rows; default: print them")
    return arguments


def main(given: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    options = _arguments().parse_args(given)
    check = unit()
    if check is None:
        _say("the native group is not installed, and P is what it measures")
        return 2
    plan, folder = SMALL if options.small else USUAL, options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    found = steps(plan, folder, check)
    if unknown := set(options.only or ()) - set(found):
        _say(f"no step: {', '.join(sorted(unknown))}; there are {', '.join(found)}")
        return 2
    kept = Kept(folder / "steps.json", plan)
    if options.fresh:
        kept.forget()
    try:
        rows = _tried(found, options.only) if options.only else run(found, kept, _say)
    except KeyboardInterrupt:
        _say("broken off; the same command goes on from here, with --fresh from the beginning")
        return Exit.INTERRUPTED
    text = json.dumps(rows, indent=1) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    if not options.only:
        kept.forget()
    return 0


if __name__ == "__main__":
    sys.exit(main())
