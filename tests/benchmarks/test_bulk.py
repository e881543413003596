"""The push in bulk: it tells how far it is, and how much memory is taken after how many records."""

import io
import json
import os

import pytest

from benchmarks.bulk.__main__ import Progress, main
from zk.bench.load import bulk as measuring
from zk.bench.load.bulk import MARKS
from zk.bench.load.processes import resident_octets


def test_a_push_tells_its_figures_and_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MARKS", (600, 1_000, 1_000_000))
    monkeypatch.setattr(measuring, "_SIGNING_SECONDS", 0.2)
    assert main(["--records", "2000"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["records"] == 2000
    assert set(told["octets"]) == {"600", "1000", "2000"}
    assert told["most_octets"] >= max(told["octets"].values()) > 50 << 20
    assert 0 < told["part"] == pytest.approx(told["per_second"] / told["signing_per_second"])
    assert told["processor_part"] > 0
    lines = err.splitlines()
    assert lines[-1].startswith("2,000 of 2,000 records, ")
    assert all(line.endswith(" MiB") for line in lines)


def test_memory_is_told_once_for_each_mark_and_for_the_end() -> None:
    memory = measuring._Memory(os.getpid(), 150_000)
    for done in range(0, 150_001, 512):
        memory.sample(min(done, 150_000))
    memory.sample(150_000)
    assert set(memory.marked) == {*MARKS[:2], 150_000}
    assert memory.most >= memory.marked[150_000] > 0


def test_progress_is_a_line_for_each_part() -> None:
    out = io.StringIO()
    progress = Progress(os.getpid(), 1_000_000, out)
    for done in range(0, 40_000, 512):
        progress.advance(done)
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("10,240 of 1,000,000 records, ")
    assert abs(int(lines[-1].split()[-2]) - (resident_octets(os.getpid()) >> 20)) < 100
