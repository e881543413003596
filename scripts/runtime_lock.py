"""requirements-runtime.lock and requirements-build.lock: what of requirements.lock is installed, and builds.

    python -m scripts.runtime_lock [--check]

Both are cut out of requirements.lock, versions and hashes as they stand there, so that a machine which serves
gets exactly what the tests ran with, and none of the tools. A package belongs to what is installed if
pyproject.toml names it (of the extras only `postgres`), or if such a package asks for it, which the lock says
behind `# via`. With `--check` nothing is written, and it ends with 1 if a file is not what it would write.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements.lock"
EXTRAS: Final = ("postgres",)
BUILDERS: Final = ("maturin", "setuptools")
_HEAD: Final = "# Cut out of requirements.lock by `python -m scripts.runtime_lock`; `make lint` compares.\n"
_HEAD_LINE: Final = re.compile(r"([A-Za-z0-9][\w.-]*)==([0-9][A-Za-z0-9.!+-]*)(?: ;[^\\\n]*)?(?: \\)?\n")
_VIA: Final = re.compile(r"(?m)^ +#(?: via)? +([a-z0-9][\w.-]*)")


@dataclass(frozen=True)
class Locked:
    """A package of a lock file: its lines there, its version and hashes, and the packages that ask for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    via: frozenset[str]
    text: str

    @property
    def needed_here(self) -> bool:
        """Whether it is for a system like this one; the lock has all of them."""
        marker = self.text.splitlines()[0].partition(";")[2].rstrip("\\ ")
        return not marker or Marker(marker).evaluate()


def read(text: str) -> dict[str, Locked]:
    """Read a lock file as `uv pip compile --generate-hashes` writes it; ValueError for anything else.

    A package that comes from an address or from a repository has no version behind `==`, and is refused.
    """
    found: dict[str, Locked] = {}
    for block in re.split(r"(?m)^(?=\S)(?!#)", re.sub(r"(?m)^#.*\n", "", text)):
        if not block.strip():
            continue
        head = re.match(
            r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.!+-]*)(?: ;[^\\\n]*)?(?: \\)?\n", block
        )
        if head is None:
            raise ValueError(f"the lock has a line that pins no version: {block.splitlines()[0]}")
        name = canonicalize_name(head[1])
        hashes = tuple(re.findall(r"^ +--hash=(\S+?)(?: \\)?$", block, re.M))
        via = {
            canonicalize_name(each) for each in re.findall(r"^ +#(?: via)? +([a-z0-9][\w.-]*)", block, re.M)
        }
        found[name] = Locked(name, head[2], hashes, frozenset(via - {"via"}), block)
    return found


def named() -> list[str]:
    """Return the names of what pyproject.toml says is needed at run time, `postgres` included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for extra in EXTRAS for each in project["optional-dependencies"][extra]]
    return sorted(canonicalize_name(Requirement(each).name) for each in [*project["dependencies"], *extras])


def runtime(locked: dict[str, Locked]) -> list[Locked]:
    """Return what is installed to serve: what is named, and all that these ask for."""
    return _closure(locked, named())


def building(locked: dict[str, Locked]) -> list[Locked]:
    """Return what builds the two wheels."""
    return _closure(locked, list(BUILDERS))


def _closure(locked: dict[str, Locked], begin: list[str]) -> list[Locked]:
    missing = [each for each in begin if each not in locked]
    if missing:
        raise ValueError(f"requirements.lock lacks {', '.join(missing)}")
    found, known = list(begin), set(begin)
    for name in found:
        more = {each.name for each in locked.values() if name in each.via} - known
        known |= more
        found += sorted(more)
    return [locked[each] for each in sorted(known)]


def files() -> dict[Path, str]:
    """Return each file that is made, with its content."""
    locked = read(LOCK.read_text(encoding="utf-8"))
    return {
        ROOT / "requirements-runtime.lock": _HEAD + "".join(each.text for each in runtime(locked)),
        ROOT / "requirements-build.lock": _HEAD + "".join(each.text for each in building(locked)),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or compare them; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m scripts.runtime_lock [--check]\n")
        return 2
    for path, content in files().items():
        if not arguments:
            path.write_text(content, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != content:
            sys.stderr.write(
                f"{path.name} is not what requirements.lock says: python -m scripts.runtime_lock\n"
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
