"""`zk bench`: rows and limits, other groups, languages, and an end in order when it is broken off."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import bbs
from tests.cli.running import Done, environment, start, zk
from zk.bench.measure import pairing_check
from zk.bench.parallel import elapsed
from zk.bench.rows import Measure, Message, Row
from zk.bench.run import Part
from zk.exits import Exit

NATIVE = pytest.mark.skipif(bbs.groups.default().name != "blst", reason="the native group is not installed")
WITHOUT_NATIVE = "import sys; sys.modules['zk_native'] = None; from zk.cli import main; main(sys.argv[1:])"


def rows_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in document["rows"]}


@pytest.fixture(scope="module")
def scheme() -> Done:
    return zk("bench", "--only", "scheme", "--rounds", "3", "--json")


@pytest.fixture(scope="module")
def portable() -> Done:
    """The command on a machine where the native module cannot be imported."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NATIVE, "bench", "--only", "scheme", "--rounds", "3", "--json"],
        capture_output=True, text=True, env=environment(), check=False, timeout=200,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


@NATIVE
def test_each_operation_is_a_row_with_its_ratio_and_the_promised_ones_a_limit(scheme: Done) -> None:
    assert scheme.json["group"] == "blst"
    assert scheme.json["complete"]
    assert scheme.json["machine"]["cores"]
    rows = rows_of(scheme.json)
    assert {name for name, row in rows.items() if row["limit"]} == {
        "sign, L=10", "verify, L=10", "proof_gen, L=10, 3 shown, prepared", "proof_verify, L=10, 3 shown",
        "proof_verify, L=100, 10 shown", "batch of 256 proofs, each",
    }  # fmt: skip
    for row in rows.values():
        assert row["measure"] == "P"
        # Ratios and times are each a median of its own; beside a busy machine they agree roughly.
        assert row["measured"] == pytest.approx(row["milliseconds"] / scheme.json["unit_ms"], rel=0.7)
        assert row["verdict"] == ("" if row["limit"] is None else row["verdict"])
    assert rows["verify, L=10"]["measured"] > rows["sign, L=10"]["measured"]


@NATIVE
def test_the_exit_code_says_whether_the_promised_figures_hold(scheme: Done) -> None:
    missed = [row for row in scheme.json["rows"] if row["verdict"] == "miss"]
    assert scheme.code == (Exit.UNHEALTHY if missed else Exit.OK)
    assert all(row["measured"] > row["limit"] for row in missed)


def test_without_the_native_group_the_one_in_use_is_measured_by_its_own_unit(portable: Done) -> None:
    assert portable.code == Exit.OK
    assert portable.json["group"] == "arkworks"
    rows = rows_of(portable.json)
    assert all(row["limit"] is None and row["verdict"] == "" for row in rows.values())
    assert rows["proof_verify, L=10, 3 shown"]["measured"] > 1
    assert "arkworks" in portable.err
    assert "not installed" in portable.err


@pytest.mark.parametrize(("measured", "holds", "verdict"), [(1.5, True, "pass"), (1.7, True, "miss"),
                                                            (1.5, False, "miss")])  # fmt: skip
def test_a_row_misses_above_its_limit_or_outside_its_conditions(
    measured: float, holds: bool, verdict: str
) -> None:
    label = Message("bench.row.sign", {"L": 10})
    assert Row(label, measured, 1.0, limit=1.6, holds=holds).verdict == verdict
    assert Row(label, measured, 1.0, holds=holds).verdict == ""


def test_a_name_is_the_same_in_every_language() -> None:
    row = Row(Message("bench.row.sign", {"L": 10}), 1.0, 1.0)
    assert row.label.text("zh") != row.label.text("en") == row.document()["name"] == "sign, L=10"


@NATIVE
def test_two_threads_stand_beside_the_machine_s_own_ceiling() -> None:
    done = zk("bench", "--only", "parallel", "--rounds", "48", "--lang", "zh")
    assert done.code == Exit.OK
    _, verified, ceiling = done.out.splitlines()
    assert "验证证明，2 个线程与一个相比" in verified
    assert "双线性对校验，2 个线程与一个相比" in ceiling
    assert "倍" in verified
    assert Measure.TIMES not in verified


def test_threads_that_hold_the_interpreter_gain_nothing() -> None:
    """The measure itself: work in Python alone takes two threads about twice as long as one."""

    def work() -> int:
        return sum(i * i for i in range(20_000))

    # Whatever else runs on the machine moves single ones up and down: that none is low would be a gain.
    gains = [2 * elapsed(work, 40, 1) / elapsed(work, 40, 2) for _ in range(9)]
    assert min(gains) < 1.4


@pytest.mark.parametrize("name", bbs.groups.available())
def test_the_unit_of_each_group_is_a_check_that_holds(name: str) -> None:
    assert pairing_check(bbs.groups.by_name(name))() is True


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_help_lists_every_part_that_can_be_measured(lang: str) -> None:
    """In a terminal of 80 columns too, where a long choice would be cut off."""
    shown = zk("bench", "--help", env={"COLUMNS": "80", "ZK_LANG": lang}).out
    words = re.findall("[a-z]+", shown.split("--only")[1].split("--rounds")[0])
    assert set(Part) <= set(words)


def test_an_unknown_part_is_refused() -> None:
    assert zk("bench", "--only", "everything").code == Exit.USAGE
    assert zk("bench", "--rounds", "0").code == Exit.USAGE


def children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_broken_off_under_load_it_ends_with_the_rows_so_far_and_leaves_no_server(number: int) -> None:
    begun = ("bench", "--only", "parallel", "--only", "service", "--rounds", "3", "--calls", "1000000")
    with start(*begun, "--json") as process:
        deadline = time.monotonic() + 60
        while not children(process.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (server,) = children(process.pid)
        time.sleep(2.5)
        try:
            os.kill(process.pid, number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()  # else one that goes on would load the machine for all tests after it
    assert process.returncode == Exit.INTERRUPTED, err
    document = json.loads(out)
    assert not document["complete"]
    assert len(document["rows"]) == 2
    assert "Traceback" not in err
    assert not Path(f"/proc/{server}").exists()
