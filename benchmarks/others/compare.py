"""Install each package into a throw-away environment and measure it in turns with P.

P runs in this process, the package in one of its own that does nothing meanwhile. Only operations that
verify are measured; a package that does not install or does not work becomes a row with the reason.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Timer

from benchmarks.results import Row
from zk.bench.measure import Operation, medians

_HERE = Path(__file__).parent
_LIMIT_SECONDS = 600
_TURN_SECONDS = 0.02


@dataclass(frozen=True)
class Package:
    """A package of PyPI or, with a worker in JavaScript, of npm; each of exactly this version."""

    name: str
    version: str
    worker: str


PACKAGES = (
    Package("cryptography", "50.0.2", "ecdsa.py"),
    Package("sd-jwt", "0.10.4", "sd_jwt.py"),
    Package("ursa-bbs-signatures", "1.0.1", "ursa.py"),
    Package("anoncreds", "0.2.3", "anoncreds.py"),
    Package("@mattrglobal/pairing-crypto", "0.4.2", "mattr.mjs"),
    Package("@docknetwork/crypto-wasm", "0.35.0", "dock.mjs"),
    Package("@digitalbazaar/bbs-signatures", "3.0.0", "digitalbazaar.mjs"),
)


class UnusableError(Exception):
    """A package that cannot be measured here; the argument says why, for the report."""


def compare(package: Package, check: Operation, rounds: int) -> Row:
    """Return the row of one package."""
    row: Row = {"package": package.name, "version": package.version}
    with tempfile.TemporaryDirectory() as folder:
        try:
            with _worker(_install(package, Path(folder)), Path(folder)) as worker:
                return row | _measure(worker, check, rounds)
        except UnusableError as error:
            return row | {"reason": str(error)}


def _install(package: Package, folder: Path) -> Sequence[str]:
    """Install a package and return the command that runs its worker."""
    if package.worker.endswith(".mjs"):
        for name in ("turns.mjs", package.worker):
            shutil.copy(_HERE / name, folder)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        _run([*npm, f"{package.name}@{package.version}"])
        return "node", str(folder / package.worker)
    python = str(folder / "env" / "bin" / "python")
    _run([sys.executable, "-m", "venv", str(folder / "env")])
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--only-binary", ":all:", f"{package.name}=={package.version}"])
    return python, "-m", f"benchmarks.others.{package.worker.removesuffix('.py')}"


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_LIMIT_SECONDS)
    except FileNotFoundError:
        raise UnusableError(f"{Path(command[0]).name} is not installed here") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n{error.stderr!s}\n")
        raise UnusableError("it did not install") from None


@contextmanager
def _worker(command: Sequence[str], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    where = folder if command[0] == "node" else _HERE.parent.parent
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=where
    ) as process:
        watch = Timer(_LIMIT_SECONDS, process.kill)
        watch.start()
        try:
            yield process
        finally:
            watch.cancel()
            process.kill()


def _measure(worker: "subprocess.Popen[str]", check: Operation, rounds: int) -> Row:
    about = json.loads(_line(worker))
    ratios, seconds = {}, {}
    for name in about["operations"]:
        _turn(worker, name, 1)
        repeats = max(1, int(_TURN_SECONDS / _turn(worker, name, 3)))
        turns = [(_turn(worker, name, repeats), medians([check], 5)[0]) for _ in range(rounds)]
        ratios[name] = median(taken / unit for taken, unit in turns)
        seconds[name] = median(taken for taken, _ in turns)
    return {
        "setting": about["setting"],
        "octets": about["octets"],
        "ratios": ratios,
        "seconds": seconds,
    }


def _turn(worker: "subprocess.Popen[str]", name: str, repeats: int) -> float:
    if worker.stdin:
        worker.stdin.write(f"{name.replace(' ', '_')} {repeats}\n")
        worker.stdin.flush()
    return float(_line(worker))


def _line(worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise UnusableError("it installs but does not run here")
    return line
