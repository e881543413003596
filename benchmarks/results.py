"""The one file of results: read, written, and put together from what the parts of a run left behind."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from zk.bench.machine import describe

FOLDER: Final = Path(__file__).parent / "results"
LATEST: Final = FOLDER / "latest.json"
VERSION: Final = 2
SUITES: Final = ("bbs", "chain", "memory", "keyed")
"""The suites of pytest-benchmark, each a file test_*.py here and a part of a run."""
PARTS: Final = ("quick", *SUITES, "load", "ledger", "web", "consortium", "comparing", "others")
_DIGITS: Final = 5

Row = dict[str, Any]
Results = dict[str, Any]


def load(path: Path = LATEST) -> Results:
    """Read results; ValueError if they are of another version of this program."""
    results: Results = json.loads(path.read_text())
    if results.get("version") != VERSION:
        raise ValueError(f"results of version {results.get('version')}, this program reads {VERSION}")
    return results


def collect(raw: Path, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> Results:
    """Put together what the parts wrote into a folder; a part that did not run is an empty list."""
    parts = {name: _read(raw / f"{name}.json") for name in PARTS}
    suite = [row for name in SUITES for row in parts.pop(name)]
    parts = {"quick": parts.pop("quick"), "suite": suite, **parts}
    head = {"version": VERSION, "measured_on": now().date().isoformat(), "machine": describe()}
    return head | {name: _rounded(rows) for name, rows in parts.items()}


def only(measured: Sequence[str], found: Results, before: Results) -> Results:
    """Return results in which some parts are new and the others as they were, with the days of these."""
    names = {"suite" if name in SUITES else name for name in measured}
    later = {**before.get("later", {}), **dict.fromkeys(measured, found["measured_on"])}
    rows = {name: found[name] if name in names else before.get(name, []) for name in found}
    head = {name: before[name] for name in ("version", "measured_on", "machine")}
    return {**rows, **head, "later": later}


def save(results: Results, path: Path = LATEST) -> None:
    """Write results with a line for each row, so that a change can be read."""
    fields = []
    for name, value in results.items():
        if isinstance(value, list):
            rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in value)
            fields.append(f'"{name}": [\n{rows}\n]' if rows else f'"{name}": []')
        else:
            fields.append(f'"{name}": {json.dumps(value, ensure_ascii=False)}')
    path.parent.mkdir(exist_ok=True)
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n")


def _read(path: Path) -> list[Row]:
    """Read the rows of one part: its own list, or what pytest-benchmark wrote."""
    if not path.exists():
        return []
    content = json.loads(path.read_text())
    if isinstance(content, list):
        return content
    if "rows" in content:
        rows: list[Row] = content["rows"]
        return rows
    return [each["extra_info"] | {"rounds": each["stats"]["rounds"]} for each in content["benchmarks"]]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
