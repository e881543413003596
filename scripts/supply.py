"""`make supply`: where everything comes from, under which licence, and with which known faults.

    python -m scripts.supply [DIST]

Locks and sources, licences of Python and Rust, advisories, a bill of materials, and the wheels; the last two
are written to DIST (dist/), with SHA256SUMS. It ends with 1 at a finding. What cannot be run here is printed
and counted with its reason, never passed over in silence.
"""

import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from scripts import licences, runtime_lock, sbom

ROOT: Final = runtime_lock.ROOT
LOCKS: Final = (
    "requirements.lock", "requirements-keyed.lock", "requirements-runtime.lock", "requirements-build.lock",
)  # fmt: skip
CRATES_IO: Final = "registry+https://github.com/rust-lang/crates.io-index"


class NotRunError(Exception):
    """A check cannot be made here; its text says why."""


def lock_faults(name: str, text: str) -> Iterator[str]:
    """Find what in a lock file is not a version of PyPI with its hashes."""
    for line in text.splitlines():
        if re.search(r"://|\bgit\+|^-[^-]|^--(?!hash)|@ file", line.split("#")[0].strip()):
            yield f"{name}: {line.strip()[:80]} names a place of its own"
    try:
        locked = runtime_lock.read(text)
    except ValueError as error:
        yield f"{name}: {error}"
        return
    for each in locked.values():
        if not each.hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in each.hashes):
            yield f"{name}: {each.name} has no hash, or one that is no SHA-256"


def crate_faults(lock: dict[str, Any]) -> Iterator[str]:
    """Find the crates of a Cargo.lock that are neither ours nor of crates.io with a checksum."""
    for each in lock["package"]:
        if each["name"] == "zk-native" and "source" not in each:
            continue
        if each.get("source") != CRATES_IO or not re.fullmatch("[0-9a-f]{64}", each.get("checksum", "")):
            yield f"Cargo.lock: {each['name']} is not of crates.io, or has no checksum"


def licence_faults(names: list[str], of: Callable[[str], str] = licences.stated) -> Iterator[str]:
    """Find the packages whose licence is not one of those that are allowed."""
    for name in names:
        try:
            licence = of(name)
        except metadata.PackageNotFoundError:
            yield f"{name} is not installed here, so its licence is not known"
            continue
        if not licences.allowed(name, licence):
            yield f"{name} has the licence {licence!r}"


def _sources() -> Iterator[str]:
    for name in LOCKS:
        yield from lock_faults(name, (ROOT / name).read_text(encoding="utf-8"))
    yield from crate_faults(_cargo_lock())


def _python_licences() -> Iterator[str]:
    locked = _locked()
    yield from licence_faults([each.name for each in runtime_lock.runtime(locked) if each.needed_here])


def _rust_licences() -> Iterator[str]:
    yield from licence_faults(sorted(crates := _crate_licences()), crates.__getitem__)


def _advisories() -> Iterator[str]:
    """Ask for known faults of what is installed; first of one package, whether anybody answers."""
    first = runtime_lock.runtime(_locked())[0]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as one:
        one.write(f"{first.name}=={first.version} {' '.join(f'--hash={each}' for each in first.hashes)}\n")
        one.flush()
        if _audit(Path(one.name)) is None:
            raise NotRunError("no database of advisories can be reached")
    found = _audit(ROOT / "requirements-runtime.lock")
    if found is None:
        raise NotRunError("the database of advisories does not know every package")
    for each in found:
        for fault in each["vulns"]:
            yield f"{each['name']} {each['version']}: {fault['id']}"


def _audit(lock: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit says of each package; None if it did not learn of every one."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    done = subprocess.run(
        [*command, "--progress-spinner", "off", "-r", str(lock)], capture_output=True, text=True, check=False
    )
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return None if any("skip_reason" in each for each in found) else found


def _cargo_lock() -> dict[str, Any]:
    return tomllib.loads((ROOT / "native" / "Cargo.lock").read_text(encoding="utf-8"))


def _locked() -> dict[str, runtime_lock.Locked]:
    return runtime_lock.read(runtime_lock.LOCK.read_text(encoding="utf-8"))


def _crate_licences() -> dict[str, str]:
    command = [
        "cargo",
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--manifest-path",
        "native/Cargo.toml",
    ]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotRunError("no cargo") from None
    if done.returncode != 0:
        raise NotRunError("cargo cannot read the crates")
    return {each["name"]: each["license"] or "" for each in json.loads(done.stdout)["packages"]}


def bill() -> dict[str, Any]:
    """Return the bill of materials; the moment is that of SOURCE_DATE_EPOCH, or of the last commit."""
    locked = _locked()
    components = {}
    runtime = runtime_lock.runtime(locked)
    for each in runtime:
        try:
            licence = licences.stated(each.name)
        except metadata.PackageNotFoundError:
            licence = ""
        hashes = [one.removeprefix("sha256:") for one in each.hashes]
        made = sbom.component("pypi", each.name, each.version, licence, hashes)
        components[made] = [f"pkg:pypi/{one.name}" for one in runtime if each.name in one.via]
    try:
        crates = _crate_licences()
    except NotRunError:
        crates = {}
    for each_crate in _cargo_lock()["package"]:
        name, sums = each_crate["name"], [each_crate["checksum"]] if "checksum" in each_crate else []
        licence = crates.get(name, "").replace("MIT/Apache-2.0", "MIT OR Apache-2.0")
        made = sbom.component("cargo", name, each_crate["version"], licence, sums)
        needs = [one.split(" ")[0] for one in each_crate.get("dependencies", [])]
        components[made] = [f"pkg:cargo/{one}" for one in needs]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    moment = dt.datetime.fromtimestamp(int(_epoch()), dt.UTC)
    return sbom.bill(project["name"], project["version"], components, moment)


def _epoch() -> str:
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "946684800"


def _written(dist: Path) -> Iterator[str]:
    """Write the wheels, the bill and their sums."""
    dist.mkdir(parents=True, exist_ok=True)
    for old in dist.glob("zk_*.whl"):
        old.unlink()
    done = subprocess.run([ROOT / "scripts" / "wheels.sh", dist, sys.executable], check=False)
    if done.returncode != 0:
        yield "the wheels cannot be built"
    (dist / "sbom.cdx.json").write_text(json.dumps(bill(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    files = sorted(each for each in dist.iterdir() if each.name != "SHA256SUMS" and each.is_file())
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in files]
    (dist / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Make all checks and write what is handed out; return the exit code."""
    dist = Path(arguments[0]) if arguments else ROOT / "dist"
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "locks and sources": _sources,
        "licences of Python packages": _python_licences,
        "licences of crates": _rust_licences,
        "advisories": _advisories,
        "wheels and bill of materials": lambda: _written(dist),
    }
    run = not_run = found = 0
    for name, check in checks.items():
        try:
            faults = list(check())
        except NotRunError as error:
            not_run += 1
            sys.stdout.write(f"supply: not run: {name} ({error})\n")
            continue
        run, found = run + 1, found + len(faults)
        sys.stdout.write(f"supply: {name}: {len(faults) or 'no'} findings\n")
        sys.stdout.writelines(f"  {each}\n" for each in faults)
    sys.stdout.write(f"supply: {run} run, {not_run} not run, {found} findings\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
