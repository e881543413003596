"""Results are put together from the parts, and the report holds measured beside counted."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from bbs import SHA_256, groups
from benchmarks import results
from benchmarks.counting import Counting, totals
from benchmarks.presentations import alternatives, keyed
from benchmarks.report import parts, process, quick, render
from zk.bench.cases import Case


def suite_file(path: Path, **info: object) -> None:
    path.write_text(json.dumps({"benchmarks": [{"extra_info": info, "stats": {"rounds": 7}}]}))


def test_parts_are_put_together_and_missing_ones_are_empty(tmp_path: Path) -> None:
    suite_file(tmp_path / "bbs.json", operation="sign", seconds=1 / 3)
    suite_file(tmp_path / "memory.json", operation="start", step="nothing")
    (tmp_path / "quick.json").write_text(json.dumps({"rows": [{"name": "sign"}]}))
    found = results.collect(tmp_path, lambda: dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    assert found["measured_on"] == "2026-01-02"
    assert found["quick"] == [{"name": "sign"}]
    assert [row["operation"] for row in found["suite"]] == ["sign", "start"]
    assert found["suite"][0] == {"operation": "sign", "seconds": 0.33333, "rounds": 7}
    assert found["load"] == found["ledger"] == found["others"] == []
    results.save(found, tmp_path / "latest.json")
    assert results.load(tmp_path / "latest.json") == found


def test_results_of_another_version_are_refused(tmp_path: Path) -> None:
    results.save({"version": 1}, tmp_path / "latest.json")
    with pytest.raises(ValueError, match="version 1"):
        results.load(tmp_path / "latest.json")


def parted(**more: Any) -> dict[str, Any]:
    row = {"operation": "parts of verify", "group": "blst", "L": 10, "ratio": 1.1, "over": 1.1}
    return {**row, "counts": {"pairings": 2, "pairing calls": 1}, "parts": {"pairing": 0.001}, **more}


def test_measured_stands_beside_the_counted_sum_with_what_is_over(tmp_path: Path) -> None:
    text = parts([parted(), parted(operation="parts of sign", over=1.2)], tmp_path)
    assert "| verify | blst | 10 | 1.10 | 1.00 | +10% | 2 pairings |" in text
    assert "| sign | blst | 10 | 1.10 | 0.92 | +20% | 2 pairings |" in text
    assert "More than 15% over the sum: sign, blst, L=10 (+20%).\n" in text
    assert "More than 15% over the sum: none.\n" in parts([parted()], tmp_path)


def test_memory_tells_what_each_generator_takes() -> None:
    rows = [
        {"operation": "memory", "L": 998, "generators": 2e6, "tables": 20e6, "secret_tables": 5e6},
    ]
    text = process(rows)
    assert "| 998 | 2.0 | 20.0 | 5.0 | 27 |" in text


def test_a_row_of_threads_is_in_times(tmp_path: Path) -> None:
    row = {"name": "two", "measured": 1.9, "measure": "times", "milliseconds": 0.7}
    assert "| two | 0.7 | 1.90 times |" in quick([{**row, "limit": None, "verdict": "", "note": ""}])


def suite_rows(*suites: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, suite in enumerate(suites, 1):
        about = {"suite": suite, "gadgets": "credential"}
        rows += [
            {"operation": "composite prove", "octets": 485, "ratio": number + 0.1, **about},
            {"operation": "composite verify", "octets": 485, "ratio": number + 0.2, **about},
            {"operation": "composite verify in a batch", "batch": 256, "ratio": number + 0.3, **about},
            {"operation": "composite issue", "suite": suite, "ratio": number + 0.4},
            {"operation": "composite accept", "suite": suite, "ratio": number + 0.5},
        ]
    return rows


def test_keyed_suites_stand_beside_those_with_pairings() -> None:
    text = keyed(suite_rows("BLS12-381", "P-256", "SM2"))
    assert "| P-256 | credential | 485 | 2.1 | 2.2 | 2.3 |" in text
    assert "| SM2 | 3.4 | 3.5 |" in text
    assert "batches are of 256" in text
    assert "not measured" not in text


def test_suites_that_were_skipped_are_named() -> None:
    assert "P-256, SM2: not measured, the extra `keyed`" in keyed(suite_rows("BLS12-381"))


def test_our_presentations_stand_beside_those_of_others_with_what_each_part_adds() -> None:
    def row(name: str, measured: float) -> dict[str, Any]:
        return {"name": name, "measured": measured}

    text = alternatives(
        [
            row("sign, L=10", 9.0),
            row("one credential: prove, 560 octets", 0.75), row("one credential: verify", 1.5),
            row("+ 16-bit range: prove, 944 octets", 1.75), row("+ 16-bit range: verify", 2.25),
            row("+ not revoked: prove, 1120 octets", 2.0), row("+ not revoked: verify", 3.0),
        ]
    )  # fmt: skip
    assert "| one credential, 16-bit range, not revoked | this run | 1,120 | 2 | 3 |" in text
    assert "| 16-bit range alone | this run | 384 | 1 | 0.75 |" in text
    assert "| not revoked alone | this run | 176 | 0.25 | 0.75 |" in text
    assert "| AnonCreds: presentation | cited | 19,200 | at least 73 | 75 |" in text
    assert "sign" not in text.replace("issu", "")
    assert alternatives([row("sign, L=10", 9.0)]) == ""


def test_the_committed_results_have_presentations_to_compare() -> None:
    assert "| one credential, 16-bit range, not revoked | this run |" in alternatives(results.load()["quick"])


def test_the_committed_results_give_a_report() -> None:
    text = render(results.load())
    assert text.startswith("# Benchmarks")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[0] == "## Promised figures"
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("operation", ["sign", "verify", "proof_gen", "proof_gen_prepared", "proof_verify"])
def test_what_an_operation_calls_is_counted_and_can_be_run_again(operation: str) -> None:
    counting = Counting(groups.default())
    calls = counting.calls_of(getattr(Case(SHA_256.with_group(counting.group), 4, 2), operation))
    for call in calls:
        call.again()
    assert counting.calls_of(lambda: None) == ()
    counted = totals(calls)
    assert (counted.get("pairings", 0) == 2) == operation.endswith("verify")
    assert (counted.get("divisions by a key", 0) == 1) == (operation == "sign")
