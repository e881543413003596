"""A PostgreSQL server for the tests of clients that want one."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture
def own_postgresql() -> Iterator[postgres.Server]:
    """A server of one test's own, which the test may stop."""
    with postgres.running() as server:
        yield server
