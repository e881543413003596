"""Without the extra `keyed` every module here is skipped, with the reason, before it is imported."""

from pathlib import Path

import pytest

try:
    import petlib.ec  # noqa: F401
except ModuleNotFoundError:

    class Skipped(pytest.Module):
        """A module of tests that cannot be imported here."""

        def collect(self) -> list[pytest.Item | pytest.Collector]:
            pytest.skip("the extra `keyed` (petlib) is not installed", allow_module_level=True)

    def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
        return Skipped.from_parent(parent, path=module_path)
