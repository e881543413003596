"""`python -m benchmarks.scale`: measures, computes what the seed's scale costs, and simulates a part of it.

Writes benchmarks/results/scale.json and the figures of docs/scale.md, with --dry neither. Exit 0 if each
comparison holds, 8 if one does not. It takes half an hour on two cores, two thirds of it for the entries of
the log: `--entries 280000` has a tenth of them. Broken off, the same command goes on behind the last part
that was whole.
"""

import argparse
import datetime as dt
import hashlib
import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.results import FOLDER
from benchmarks.scale import checks, measure, page
from benchmarks.scale.arithmetic import Measured, costs
from benchmarks.scale.checks import Check, Sizes
from benchmarks.scale.measure import Tell
from benchmarks.scale.questions import KINDS
from benchmarks.scale.seed import PART, SEED, Seed
from zk.bench.machine import describe
from zk.exits import Exit

HERE: Final = Path(__file__).parent
RESULTS: Final = FOLDER / "scale.json"
STATE: Final = Path("build") / "scale.state"
VERSION: Final = 1
_EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Plan:
    """How often each thing is measured, and how much is simulated."""

    actions: int
    revocations: int
    log_entries: int
    log_blocks: int
    sizes: Sizes


USUAL: Final = Plan(
    actions=200,
    revocations=8 * 4096,
    log_entries=40_000,
    log_blocks=300,
    sizes=Sizes(
        entries=SEED.uses // PART,
        uses=SEED.uses // PART // 20,
        credentials=SEED.credentials // PART,
        arrivals=SEED.uses // PART,
        seconds=120.0,
    ),
)


class Parts:
    """What a run has done: each part is kept when it is whole, and not done again by the next run."""

    def __init__(self, path: Path, plan: Plan, say: Callable[[str], object]) -> None:
        self._path, self._plan, self._say = path, plan, say
        self._done: dict[str, Any] = {}
        self._seconds = 0.0
        kept = path.read_bytes() if path.exists() else b""
        if kept.startswith(_sources()):
            # A file of our own in the folder of what is built; nothing of strangers' gets there.
            found, done, seconds = pickle.loads(kept.removeprefix(_sources()))
            if found == plan:
                self._done, self._seconds = done, seconds

    @property
    def minutes(self) -> float:
        """How long all parts have taken."""
        return self._seconds / 60

    def part(self, name: str, total: int, make: Callable[[Tell], Any]) -> Any:
        """Return what a part gave, now or in the run before that was broken off."""
        if name not in self._done:
            begun = time.monotonic()
            with _telling(name, total, self._say) as tell:
                self._done[name] = make(tell)
            self._seconds += time.monotonic() - begun
            new = self._path.with_suffix(".new")
            new.parent.mkdir(exist_ok=True)
            new.write_bytes(_sources() + pickle.dumps((self._plan, self._done, self._seconds)))
            new.replace(self._path)
        return self._done[name]

    def forget(self) -> None:
        """Have the next run begin anew."""
        self._path.unlink(missing_ok=True)


def _sources() -> bytes:
    """Return the digest of this program: what another one has left behind is not gone on with."""
    return hashlib.sha256(b"".join(each.read_bytes() for each in sorted(HERE.glob("*.py")))).digest()


@contextmanager
def _telling(name: str, total: int, say: Callable[[str], object]) -> Iterator[Tell]:
    begun = told = time.monotonic()
    say(name)

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told > _EVERY_SECONDS:
            told = time.monotonic()
            say(f"  {done:,} of {total:,}")

    yield tell
    say(f"  {time.monotonic() - begun:.0f} s")


def run(parts: Parts, plan: Plan, seed: Seed = SEED) -> dict[str, Any]:
    """Measure, compute and simulate; return the results."""
    uses = {
        each.label: parts.part(
            f"uses of {each.label}", plan.actions, partial(measure.uses, each, plan.actions)
        )
        for each in KINDS
    }
    credential = parts.part("credentials", plan.actions, partial(measure.credentials, plan.actions))
    revocation = parts.part("revocations", 0, lambda _: measure.revocations(plan.revocations))
    log = parts.part("the log", plan.log_entries, partial(measure.log, plan.log_entries, plan.log_blocks))
    measured = {
        name: Measured(each.action, credential.action, log, revocation) for name, each in uses.items()
    }
    found = list(_checks(parts, plan.sizes, seed, measured, {**uses, "credential": credential}))
    return {
        "version": VERSION,
        "measured_on": dt.datetime.now(dt.UTC).date().isoformat(),
        "minutes": parts.minutes,
        "machine": describe(),
        "seed": asdict(seed),
        "measured": {
            "uses": {name: asdict(each.action) for name, each in uses.items()},
            "credential": asdict(credential.action),
            "log": asdict(log),
            "revocation": asdict(revocation),
        },
        "costs": {name: asdict(costs(seed, each)) for name, each in measured.items()},
        "checks": [asdict(each) | {"ratio": each.ratio, "holds": each.holds} for each in found],
    }


def _checks(
    parts: Parts,
    sizes: Sizes,
    seed: Seed,
    measured: Mapping[str, Measured],
    taken: Mapping[str, measure.Taken],
) -> Iterator[Check]:
    one, times = measured["one"], {name: each.times for name, each in taken.items()}
    yield parts.part(
        "simulation: full blocks", sizes.entries, partial(checks.full_blocks, one, sizes.entries)
    )
    few = min(sizes.entries, max(sizes.entries // 100, 10_000))
    yield parts.part("simulation: mean blocks", few, partial(checks.mean_blocks, seed, one, few))
    for label, name in (("one", "uses of one"), ("three", "uses of three"), ("credential", "credentials")):
        things = sizes.credentials if label == "credential" else sizes.uses
        yield parts.part(
            f"simulation: {name} kept",
            things,
            partial(checks.kept, name, taken[label], things),
        )
    for each in KINDS:
        yield from checks.queued(seed, measured[each.label], each.label, times, sizes.arrivals)
        yield parts.part(
            f"simulation: a part of the peak, uses of {each.label}",
            checks.arrivals(seed, sizes.seconds),
            partial(checks.real, each, seed, taken[each.label], sizes.seconds),
        )


def _plan(given: argparse.Namespace) -> Plan:
    sizes = Sizes(given.entries, given.uses, given.credentials, given.arrivals, given.seconds)
    return Plan(given.actions, given.revocations, USUAL.log_entries, USUAL.log_blocks, sizes)


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        found = kind(text)
        if found <= 0:
            raise argparse.ArgumentTypeError("has to be more than 0")
        return found

    return number


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = USUAL.sizes
    for name, usual, what in (
        ("actions", USUAL.actions, "uses of each kind, and credentials, that are measured"),
        ("revocations", USUAL.revocations, "revocations that are measured"),
        ("entries", sizes.entries, "log entries that are simulated"),
        ("uses", sizes.uses, "uses of each kind whose rows are simulated"),
        ("credentials", sizes.credentials, "credentials whose rows are simulated"),
        ("arrivals", sizes.arrivals, "arrivals that are simulated"),
        ("seconds", sizes.seconds, "seconds of a part of the peak on a real server"),
    ):
        arguments.add_argument(
            f"--{name}", type=_positive(type(usual)), default=usual, help=f"{what}; default {usual:,}"
        )
    arguments.add_argument("--fresh", action="store_true", help="measure again what a broken run has")
    arguments.add_argument("--dry", action="store_true", help="print only")
    arguments.add_argument("--json", action="store_true", help="print the results as JSON")
    return arguments


def main(given: list[str] | None = None) -> int:
    """Measure, write and print."""
    options = _arguments().parse_args(given)
    plan = _plan(options)
    parts = Parts(STATE, plan, _say)
    if options.fresh:
        parts.forget()
        parts = Parts(STATE, plan, _say)
    try:
        results = run(parts, plan)
    except KeyboardInterrupt:
        _say("broken off; the same command goes on from here, with --fresh from the beginning")
        return Exit.INTERRUPTED
    parts.forget()
    if not options.dry:
        save(results, RESULTS, page.PAGE)
    sys.stdout.write(json.dumps(results, indent=1) + "\n" if options.json else page.render(results))
    return Exit.OK if all(each["holds"] for each in results["checks"]) else Exit.UNHEALTHY


def save(results: Mapping[str, Any], path: Path, document: Path) -> None:
    """Write the results, and the figures of the page."""
    text = page.written(document.read_text(encoding="utf-8"), results)
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    document.write_text(text, encoding="utf-8")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
