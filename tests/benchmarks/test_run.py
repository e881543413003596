"""A run goes on where it was broken off, keeps what is measured, and begins anew when it was whole."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import RAW, measure_all, run
from benchmarks.parts import State
from benchmarks.results import PARTS

ROOT = Path(__file__).resolve().parents[2]


class Broken:
    """Leaves a file for each part as a measurement does, until a part is interrupted."""

    def __init__(self, until: str | None = None) -> None:
        self.until, self.measured = until, list[str]()

    def __call__(self, part: str, raw: Path) -> None:
        if part == self.until:
            raise KeyboardInterrupt
        self.measured.append(part)
        (raw / f"{part}.json").write_text("[]")


def test_a_broken_run_goes_on_with_what_it_owes(tmp_path: Path) -> None:
    first = Broken(until="memory")
    state = State.load(tmp_path).begin(fresh=False)
    with pytest.raises(KeyboardInterrupt):
        measure_all(state.remaining, state, tmp_path, lambda _: None, first)
    second, lines = Broken(), list[str]()
    state = State.load(tmp_path).begin(fresh=False)
    measure_all(state.remaining, state, tmp_path, lines.append, second)
    assert first.measured == ["quick", "bbs", "chain"]
    assert second.measured == [
        "memory",
        "keyed",
        "load",
        "ledger",
        "web",
        "consortium",
        "comparing",
        "others",
    ]
    assert lines[1] == "kept from before: quick, bbs, chain"
    assert State.load(tmp_path).begin(fresh=False).remaining == PARTS


def test_fresh_forgets_what_is_begun_but_not_how_long_parts_took(tmp_path: Path) -> None:
    state = State(remaining=("others",), seconds={"quick": 60.0})
    state.save(tmp_path)
    assert State.load(tmp_path).begin(fresh=False) == state
    assert State.load(tmp_path).begin(fresh=True) == State(PARTS, {"quick": 60.0})


def test_a_single_part_leaves_a_begun_run_as_it_is(tmp_path: Path) -> None:
    State(remaining=("load", "others")).save(tmp_path)
    measure_all(["quick"], State.load(tmp_path), tmp_path, lambda _: None, Broken())
    assert State.load(tmp_path).remaining == ("load", "others")
    measure_all(["load"], State.load(tmp_path), tmp_path, lambda _: None, Broken())
    assert State.load(tmp_path).remaining == ("others",)


def test_the_time_is_told_before_and_learnt_from_the_last_run(tmp_path: Path) -> None:
    lines = list[str]()
    measure_all(["quick"], State(seconds={"quick": 600.0}), tmp_path, lines.append, Broken())
    assert lines[0] == "to measure: quick; about 10 minutes"
    assert State.load(tmp_path).minutes(["quick"]) < 1
    assert State().minutes(PARTS) > 5


def test_a_part_that_no_longer_exists_is_not_owed(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps({"remaining": ["suite", "load"], "seconds": {}}))
    assert State.load(tmp_path).remaining == ("load",)


def test_a_command_that_fails_is_told_and_what_it_printed_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "out"
    run([sys.executable, "-c", "print(7)"], output=output)
    assert output.read_text() == "7\n"
    with pytest.raises(RuntimeError, match="ended with 3"):
        run([sys.executable, "-c", "raise SystemExit(3)"])
    run([sys.executable, "-c", "raise SystemExit(3)"], fine=(0, 3))


def test_ctrl_c_ends_a_real_run_that_keeps_nothing_half(tmp_path: Path) -> None:
    pytest.importorskip("zk_native")
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--raw", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(2)]
        os.killpg(process.pid, signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert f"to measure: {', '.join(PARTS)}; about" in first[0]
    assert process.returncode == 130
    assert "goes on from here" in rest
    assert State.load(tmp_path).remaining == PARTS
    assert not (tmp_path / "quick.json").exists()


def test_figures_are_left_where_git_does_not_see_them() -> None:
    assert RAW == ROOT / "build" / "bench"
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()
