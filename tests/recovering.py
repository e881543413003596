"""How long something took to come back, where a test waits for it: told with the results, and never judged.

A test takes the fixture `recovering` and has it time what it waits in. Figures stand at the end of the run
and, with `--junitxml`, among the properties of their test. They are a matter of the machine and of what else
runs on it, so no test compares them with anything.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Final

import pytest

Recovering = Callable[[str], AbstractContextManager[None]]
"""Times a block, and says after what it came back."""
_PROPERTY: Final = "recovered"


def timing(tell: Callable[[str, object], None]) -> Recovering:
    """Return what tells how long a block took, unless it failed."""

    @contextmanager
    def recovering(what: str) -> Iterator[None]:
        begun = monotonic()
        yield
        tell(_PROPERTY, f"after {monotonic() - begun:.2f} s: {what}")

    return recovering


def told(reports: list[pytest.TestReport]) -> list[str]:
    """Return what tests that passed have told, a line each, with the name of its test."""
    return [
        f"recovered {value} ({report.nodeid.rpartition('/')[2]})"
        for report in reports
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
