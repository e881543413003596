"""The runbook knows each line that a server may log, and what it names exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tlog.finding import Kind

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "incidents.md"
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "logged"}


def logged() -> Iterator[tuple[str, Path]]:
    """Return what the service logs: the first word of calls of a logger, and of `logged`."""
    for path in sorted((ROOT / "zkservice").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            match node.args[:1]:
                case [ast.Constant(value=str(event))] if name in METHODS:
                    yield event, path


def test_every_event_of_the_log_has_its_row() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    events = dict(logged())
    assert len(events) > 15
    assert {event: str(path) for event, path in events.items() if f"`{event}`" not in text} == {}


def test_every_event_of_the_runbook_is_logged() -> None:
    section = re.search(r"(?ms)^## Lines of the log\n(.*?)^## ", RUNBOOK.read_text(encoding="utf-8"))
    assert section
    first_cells = [line.split("|")[1] for line in section[1].splitlines() if line.startswith("| `")]
    named = [event for cell in first_cells for event in re.findall(r"`([^`]+)`", cell)]
    assert set(named) <= {event for event, _ in logged()}


def test_every_kind_of_alarm_has_its_row() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    assert [each.value for each in Kind if each.value not in text] == []
