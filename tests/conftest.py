"""What all tests have in common: no test of a property fails since the machine was busy meanwhile, compiled
modules are kept for the many processes that tests start, and the rooms whose tests take longest begin."""

import os
import sys
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.recovering import Recovering, timing, told

settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# Both: for this process, and for those that tests start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_LONGEST: Final = (
    "cities", "observer", "deploy", "cli", "connectors", "reliability", "web", "browser", "zkservice",
    "ordering",
)  # fmt: skip
"""Rooms whose files take minutes. Files are handed out in this order, so that none of these comes last."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the rooms that take longest first; within a room, and among the others, the order stays."""
    rooms = {room: place for place, room in enumerate(_LONGEST)}
    root = config.rootpath / "tests"

    def place(item: pytest.Item) -> int:
        room = item.path.relative_to(root).parts[0] if item.path.is_relative_to(root) else ""
        return rooms.get(room, len(rooms))

    items.sort(key=place)


@pytest.fixture
def recovering(record_property: Callable[[str, object], None]) -> Recovering:
    """Time what a test waits in until something that failed is there again."""
    return timing(record_property)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long recovery took, where tests waited for it."""
    lines = told(terminalreporter.stats.get("passed", []))
    if lines:
        terminalreporter.section("recovery")
        for line in lines:
            terminalreporter.line(line)
