"""Sections of the pages and of the consortium: what is promised is judged, what is missing is left out."""

from typing import Any

import pytest

from benchmarks.consortium import page as consortium
from benchmarks.consortium.ordering import WAL
from benchmarks.report import render
from benchmarks.web import page as web
from benchmarks.web.times import row

UNIT = {"operation": "pairing check", "seconds": 0.0008}
VIEW = {"operation": "first view", "what": "/vault/", "octets": 190_000, "files": 9, "limit": 200_000}
CHECKPOINTS = {
    "operation": "checkpoints", "nodes": 9, "interval_s": 1.0, "seconds": 600.2, "ordered": 5398, "failed": 2,
    "late": 3, "p50_ms": 935.3, "p99_ms": 1454.4, "blocks_per_s": 1.1,
    "mb_per_day": {WAL: 5000.0, "index": 30.0, "blocks": 400.4},
}  # fmt: skip
CLAIMS = {
    "operation": "claims",
    "sent": 4000,
    "ordered": 3999,
    "blocks": 70,
    "per_second": 61.6,
    "seconds": 65.0,
}
SYNC = {
    "operation": "state sync", "blocks": 100_000, "rows": 10_000, "chain_blocks_per_s": 41.7, "seconds": 9.13,
}  # fmt: skip


def test_a_row_of_times_is_a_median_between_its_ends() -> None:
    made = row("scan to verdict", "scanned", [0.5, 0.3, 0.9], 3.0)
    assert (made["seconds"], made["least"], made["most"], made["rounds"]) == (0.5, 0.3, 0.9, 3)


@pytest.mark.parametrize(("seconds", "octets", "holds"), [
    (2.9, 199_999, True), (3.0, 199_999, False), (2.9, 200_000, False),
])  # fmt: skip
def test_what_is_promised_of_the_pages_is_judged(seconds: float, octets: int, holds: bool) -> None:
    rows = [UNIT, row("scan to verdict", "scanned", [seconds], 3.0), {**VIEW, "octets": octets}]
    assert web.holds(rows) is holds
    assert ("MISSED" in web.section(rows)) is not holds


def test_what_is_not_promised_is_not_judged() -> None:
    rows = [UNIT, row("tap to verdict", "scanned", [0.8], None), VIEW]
    assert web.holds(rows)
    text = web.section(rows)
    assert "0.80 ms" in text
    assert "| tap to verdict | scanned | 0.80 | 0.80 to 0.80 | 1,000 | 1 |  |  |" in text
    assert "| /vault/ | 9 | 190,000 | 200,000 | pass |" in text


def test_what_was_not_ordered_is_told_beside_what_was() -> None:
    text = consortium.section([CHECKPOINTS, CLAIMS, SYNC])
    assert "| 9 | 1 | 600 | 5,398 | 2 | 3 | 935 | 1,454 | 66 |" in text
    assert "| blocks | 400 |\n| index | 30 |\n| all that is kept | 430 |" in text
    assert "5,000 MB a day into its write-ahead log" in text
    assert "4,000 handed in, 3,999 in\n70 blocks, **62 a second**" in text
    assert "100,000 blocks with 10,000 claims: **9.1 s**" in text


def test_a_run_without_them_has_no_such_sections() -> None:
    head = {"measured_on": "2026-01-02", "machine": {
        "processor": "p", "cores": 2, "memory_octets": 1, "system": "s", "python": "3", "libraries": {},
    }}  # fmt: skip
    empty: dict[str, Any] = {"quick": [], "suite": [], "load": [], "ledger": [], "others": []}
    assert "## The pages" not in render({**head, **empty})
    text = render({**head, **empty, "web": [UNIT, VIEW], "consortium": [CHECKPOINTS]})
    assert "## The pages" in text
    assert "## One order for nine cities" in text
    assert "state sync" not in text
