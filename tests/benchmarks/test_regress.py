"""What counts as worse: ratios to the unit that grew, gains of threads that shrank, rows that are gone."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import regress, results
from benchmarks.regress import worse


def row(name: str, measured: float, measure: str = "P", milliseconds: float = 1.0) -> dict[str, Any]:
    return {"name": name, "measured": measured, "measure": measure, "milliseconds": milliseconds}


@pytest.mark.parametrize("now", [0.5, 1.0, 1.14])
def test_a_ratio_that_fell_or_hardly_grew_passes(now: float) -> None:
    assert worse([row("sign", 1.0)], [row("sign", now)]) == []


@pytest.mark.parametrize("now", [1.16, 2.0])
def test_a_ratio_that_grew_is_flagged_with_both_figures(now: float) -> None:
    (line,) = worse([row("sign", 1.0)], [row("sign", now)])
    assert line.startswith("sign: 1.00 P before")
    assert f"{now:.2f} now" in line


def test_times_do_not_count() -> None:
    slower_machine = [row("sign", 1.0, milliseconds=50.0)]
    assert worse([row("sign", 1.0, milliseconds=1.0)], slower_machine) == []
    faster_machine = [row("sign", 1.5, milliseconds=0.1)]
    assert len(worse([row("sign", 1.0, milliseconds=1.0)], faster_machine)) == 1


def test_of_threads_less_gain_is_worse() -> None:
    before = [row("proof_verify, 2 threads against one", 1.9, "times")]
    assert worse(before, [row("proof_verify, 2 threads against one", 2.6, "times")]) == []
    assert worse(before, [row("proof_verify, 2 threads against one", 1.7, "times")]) == []
    assert len(worse(before, [row("proof_verify, 2 threads against one", 1.0, "times")])) == 1


def test_a_row_that_is_gone_is_flagged_and_a_new_one_is_not() -> None:
    (line,) = worse([row("sign", 1.0)], [row("verify", 1.0)])
    assert "sign" in line
    assert "not measured now" in line


def run(tmp_path: Path, fresh: dict[str, Any]) -> int:
    latest, given = tmp_path / "latest.json", tmp_path / "fresh.json"
    results.save({"version": results.VERSION, "quick": [row("sign", 1.0), row("verify", 2.0)]}, latest)
    given.write_text(json.dumps(fresh))
    return regress.main([str(given)], latest)


def test_it_ends_with_0_or_with_1_and_the_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, {"group": "blst", "rows": [row("sign", 1.1), row("verify", 2.0)]}) == 0
    assert capsys.readouterr().out == "no row got worse\n"
    assert run(tmp_path, {"group": "blst", "rows": [row("sign", 1.1), row("verify", 2.5)]}) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["verify"]


@pytest.mark.parametrize("fresh", [{}, {"group": "blst", "rows": []}, {"group": "arkworks", "rows": [{}]}])
def test_without_rows_of_the_same_unit_there_is_nothing_to_compare(
    tmp_path: Path, fresh: dict[str, Any]
) -> None:
    assert run(tmp_path, fresh) == 2


def test_without_results_there_is_nothing_to_compare(tmp_path: Path) -> None:
    given = tmp_path / "fresh.json"
    given.write_text(json.dumps({"group": "blst", "rows": [row("sign", 1.0)]}))
    assert regress.main([str(given)], tmp_path / "none.json") == 2


def test_the_committed_results_do_not_regress_against_themselves() -> None:
    rows = results.load()["quick"]
    assert rows
    assert worse(rows, rows) == []
    assert len(worse(rows, [{**each, "measured": 1.2 * each["measured"]} for each in rows])) == sum(
        each["measure"] == "P" for each in rows
    )
