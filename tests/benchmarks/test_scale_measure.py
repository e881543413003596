"""What the scale is computed from, measured on a real server, a few of each: as large as it can be."""

import sys

import pytest

from benchmarks.scale import measure, storage, traffic
from benchmarks.scale.questions import ONE, THREE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the processors' time as Linux has it")


def test_a_use_takes_time_octets_rows_and_one_entry() -> None:
    found = measure.uses(THREE, 4, lambda _: None)
    assert found.action.entries == 1
    assert 0.005 < found.action.seconds < 2
    assert 0 < found.action.main_seconds < found.action.seconds
    assert sum(found.times) == pytest.approx(4 * found.action.seconds)
    assert 10_000 < found.action.message_octets < 500_000
    assert [len(found.rows.tables[name]) for name in ("exchange", "answer")] == [4, 4]


def test_a_credential_takes_one_row_of_each_table_and_no_entry() -> None:
    found = measure.credentials(4, lambda _: None)
    assert found.action.entries == 0
    assert {name: len(rows) for name, rows in found.rows.tables.items()} == {
        "offer": 4,
        "composite_offer": 4,
        "record": 4,
    }
    assert 5_000 < found.action.message_octets < 200_000
    # The first rows of a table find room in pages that were there: four say less than many.
    assert 300 < storage.copied_octets(found.rows, 2_000) < 6_000


def test_a_revocation_is_a_pair_of_octets_for_each_vault() -> None:
    found = measure.revocations(2_048)
    assert 128 <= found.vault_octets < 160
    assert found.vault_seconds > 0
    assert found.seconds > 0


def test_uses_that_come_at_random_moments_keep_a_server_busy_for_a_part_of_the_time() -> None:
    told = list[int]()
    busy = traffic.busy_cores(ONE, 1.5, 2.0, 1, told.append)
    assert told == [1, 2, 3]
    assert 3 * 0.005 / 2 < busy < 1
