"""The whole run and its report: `python -m benchmarks [--only PART ...] [--raw FOLDER]`.

Parts: quick (the promised figures), suite (pytest-benchmark), load (the service), others (other packages).
Each is a process of its own and leaves its figures in FOLDER (default build/bench), where figures of parts
that are not run again stay as they were. Then results/latest.json, the pictures and REPORT.md are made; the
pictures by matplotlib in an environment of its own, which the project's does not know. Takes half an hour.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.results import PARTS, collect, save

HERE = Path(__file__).parent
RAW = HERE.parent / "build" / "bench"


def run(command: Sequence[str], *, fine: Sequence[int] = (0,), output: Path | None = None) -> None:
    """Run a command from the root, what it prints into `output`; RuntimeError unless its code is fine."""
    done = subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE if output else None, check=False)
    if done.returncode not in fine:
        raise RuntimeError(f"{' '.join(command[1:4])} ended with {done.returncode}")
    if output:
        output.write_bytes(done.stdout)


def measure(part: str, raw: Path) -> None:
    """Run one part; a promised figure that is missed is a figure too."""
    python, output = sys.executable, raw / f"{part}.json"
    if part == "quick":
        run([python, "-m", "benchmarks.quick", "--json"], fine=(0, 1), output=output)
    elif part == "suite":
        pytest = [python, "-m", "pytest", "benchmarks", "-q", "--benchmark-disable-gc"]
        run([*pytest, "--benchmark-max-time=0.5", "--benchmark-columns=median", f"--benchmark-json={output}"])
    else:
        run([python, "-m", f"benchmarks.{part}", "--output", str(output)])


def draw(raw: Path) -> None:
    """Draw the pictures in an environment that is made once."""
    python = raw / "pictures" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", str(raw / "pictures")])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "-r", str(HERE / "requirements.txt")])
    run([str(python), "-m", "benchmarks.plots"])


def main() -> int:
    """Measure, and write the report."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", nargs="*", choices=PARTS, default=PARTS, help="parts to measure")
    arguments.add_argument("--raw", type=Path, default=RAW, help="where figures are left")
    given = arguments.parse_args()
    given.raw.mkdir(parents=True, exist_ok=True)
    for part in given.only:
        sys.stdout.write(f"{part}\n")
        sys.stdout.flush()
        measure(part, given.raw.resolve())
    save(collect(given.raw))
    draw(given.raw.resolve())
    run([sys.executable, "-m", "benchmarks.report"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
