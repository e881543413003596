"""Nine cities' processes are killed at random, for as many seconds as ZK_CONSORTIUM_SECONDS says: 480 in
`make test`, 600 in a run of its own (docs/ordering.md)."""

from pathlib import Path

import pytest

from tests.ordering.engines import consortium, needs_engine
from tests.ordering.killing import SECONDS, killed_at_random


@needs_engine
@pytest.mark.timeout(SECONDS + 900)
def test_whatever_is_killed_all_agree_and_all_that_was_accepted_is_there(tmp_path: Path) -> None:
    with consortium(tmp_path, 9, snapshot_every=10) as cities:
        killed_at_random(cities, SECONDS)
