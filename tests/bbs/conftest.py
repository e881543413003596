"""Fixtures shared by the tests of bbs/."""

import pytest

from bbs import Ciphersuite
from tests.bbs.mocked import suite_id, suites


@pytest.fixture(params=suites(), ids=suite_id)
def suite(request: pytest.FixtureRequest) -> Ciphersuite:
    """Each ciphersuite on each group."""
    value: Ciphersuite = request.param
    return value
