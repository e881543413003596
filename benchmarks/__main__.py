"""The whole run and its report: `python -m benchmarks [--fresh] [--only PART ...] [--raw FOLDER]`.

Parts: quick (the promised figures), bbs, chain, memory, keyed (pytest-benchmark), load (the service),
ledger (the log, its witnesses, its upkeep), web (the pages), consortium (one order for nine cities),
comparing (secrets), others (other packages). Each is a process of its own whose figures are kept in FOLDER
(default build/bench) when it is done. A run that was broken off goes on with the parts that it still owes;
with --fresh it begins anew. With --only some parts are measured and the figures of the others stay as they
are in results/latest.json. Then results/latest.json, the pictures and REPORT.md are made; the pictures by
matplotlib in an environment of its own, which the project's does not know.

Exit code: 0, 1 if a part failed, 2 without the native group, 130 after Ctrl-C.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from benchmarks.parts import State
from benchmarks.results import LATEST, PARTS, SUITES, collect, load, only, save
from zk.bench.measure import unit
from zk.exits import Exit

HERE: Final = Path(__file__).parent
RAW: Final = HERE.parent / "build" / "bench"
_END_SECONDS: Final = 30.0
_MISSED: Final = (0, Exit.UNHEALTHY)
"""How a part ends whose figures are there, though a promised one is missed."""


def run(command: Sequence[str], *, fine: Sequence[int] = (0,), output: Path | None = None) -> None:
    """Run a command from the root, what it prints into `output`; RuntimeError unless its code is fine."""
    with output.open("wb") if output else open(os.dup(1), "wb") as out:
        process = subprocess.Popen(command, cwd=HERE.parent, stdout=out)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        _let_end(process)
        raise
    if code not in fine:
        raise RuntimeError(f"{' '.join(command[1:4])} ended with {code}")


def _let_end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for a command that got Ctrl-C too: it may have a server to end."""
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def measure(part: str, raw: Path, *, fresh: bool = False) -> None:
    """Run one part; a promised figure that is missed is a figure too. Its figures are there whole or not.

    The ledger's part goes on by itself where it was broken off, unless it is to be `fresh`.
    """
    python, output = sys.executable, raw / f"{part}.json.new"
    if part == "quick":
        run([python, "-m", "benchmarks.quick", "--json"], fine=_MISSED, output=output)
    elif part in SUITES:
        pytest = [python, "-m", "pytest", f"benchmarks/test_{part}.py", "-q", "--benchmark-disable-gc"]
        run([*pytest, "--benchmark-max-time=0.5", "--benchmark-columns=median", f"--benchmark-json={output}"])
    else:
        anew = ["--fresh"] if fresh and part == "ledger" else []
        run([python, "-m", f"benchmarks.{part}", "--output", str(output), *anew], fine=_MISSED)
    os.replace(output, raw / f"{part}.json")


def measure_all(
    parts: Sequence[str],
    state: State,
    raw: Path,
    tell: Callable[[str], object],
    measure: Callable[[str, Path], None] = measure,
) -> None:
    """Measure parts, keeping after each how far it came; `tell` gets a line for each."""
    tell(f"to measure: {', '.join(parts)}; about {state.minutes(parts):.0f} minutes")
    if kept := [each for each in PARTS if each not in parts and (raw / f"{each}.json").exists()]:
        tell(f"kept from before: {', '.join(kept)}")
    state.save(raw)
    for part in parts:
        tell(f"{part}: about {state.minutes([part]):.1f} minutes")
        start = monotonic()
        measure(part, raw)
        state = state.done(part, round(monotonic() - start, 1))
        state.save(raw)


def draw(raw: Path) -> None:
    """Draw the pictures in an environment that is made once."""
    python = raw / "pictures" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", str(raw / "pictures")])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "-r", str(HERE / "requirements.txt")])
    run([str(python), "-m", "benchmarks.plots"])


def say(line: str) -> None:
    """Print a line now, though what follows takes its time."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, and write the report."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--fresh", action="store_true", help="measure again what a broken run has")
    arguments.add_argument("--only", nargs="+", choices=PARTS, help="parts to measure")
    arguments.add_argument("--raw", type=Path, default=RAW, help="where figures are left")
    given = arguments.parse_args()
    if unit() is None:
        say("the native group is not installed, and P is what it measures")
        return 2
    raw = given.raw.resolve()
    raw.mkdir(parents=True, exist_ok=True)
    before = State.load(raw)
    state = before if given.only else before.begin(fresh=given.fresh)
    try:
        measure_all(given.only or state.remaining, state, raw, say, partial(measure, fresh=given.fresh))
    except KeyboardInterrupt:
        say("broken off; the same command goes on from here, with --fresh from the beginning")
        return Exit.INTERRUPTED
    except RuntimeError as error:
        say(f"{error}; the same command goes on from here")
        return 1
    found = collect(raw)
    save(only(given.only, found, load()) if given.only and LATEST.exists() else found)
    draw(raw)
    run([sys.executable, "-m", "benchmarks.report"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
