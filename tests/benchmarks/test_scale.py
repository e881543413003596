"""The arithmetic of the scale in cases computed by hand, the queue, the copies of rows, and the page."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.scale import __main__ as command
from benchmarks.scale import ledger, measure, page, storage
from benchmarks.scale.__main__ import RESULTS, USUAL, Parts, save
from benchmarks.scale.arithmetic import (
    Action,
    Log,
    Measured,
    Revocation,
    costs,
    entries_a_block,
    ledger_octets,
)
from benchmarks.scale.checks import Check, queued
from benchmarks.scale.queue import Kind, fewest_cores, serve
from benchmarks.scale.seed import SECONDS_A_YEAR, SEED, Seed

# A use a second and a credential every ten: all figures below can be computed in the head.
SMALL = Seed(
    credentials=SECONDS_A_YEAR // 10,
    uses=SECONDS_A_YEAR,
    renewed=0.75,
    changed=0.25,
    accumulators=4,
    full=0.5,
)
MEASURED = Measured(
    use=Action(seconds=0.05, main_seconds=0.03, message_octets=50_000, kept_octets=5_000, entries=1),
    credential=Action(seconds=0.4, main_seconds=0.1, message_octets=100_000, kept_octets=1_500, entries=1),
    log=Log(entry_octets=1_000, block_octets=500, entries_a_second=10, block_seconds=2.0),
    revocation=Revocation(seconds=0.1, kept_octets=500, vault_seconds=0.001, vault_octets=128),
)


def test_the_seed_is_the_one_that_is_asked_about() -> None:
    assert (SEED.credentials, SEED.kinds, SEED.uses, SEED.peak) == (290_000_000, 519, 2_800_000_000, 10)
    assert SEED.uses_a_second == pytest.approx(88.787, abs=0.001)


def test_costs_are_those_computed_by_hand() -> None:
    found = costs(SMALL, MEASURED)
    assert found.peak_uses_a_second == 10
    assert found.peak_issues_a_second == pytest.approx(1)
    # 10 uses of 0.05 s and one credential of 0.4 s with one revocation of 0.1 s; half of each core is left.
    assert found.peak_cores == pytest.approx(1.0)
    assert found.cores == 2
    assert found.servers == 1  # 0.4 s of main processes each second, half of each is left
    assert found.peak_bits_a_second == pytest.approx(8 * (10 * 50_000 + 100_000))
    assert found.messages == pytest.approx(SECONDS_A_YEAR * 60_000)
    assert found.uses_kept == SECONDS_A_YEAR * 5_000
    assert found.credentials_kept == pytest.approx(SECONDS_A_YEAR * 200)
    assert found.entries == pytest.approx(SECONDS_A_YEAR * 1.1)
    assert found.entries_a_block == pytest.approx(2.2)
    assert found.ledger == pytest.approx(SECONDS_A_YEAR * (1_100 + 250))
    assert found.mirrored == pytest.approx(9 * found.ledger)
    assert found.logs == 3  # 11 entries a second at the peak, 5 of one log
    assert found.revocations_of_a_list == pytest.approx(SECONDS_A_YEAR / 40)
    assert found.vault_seconds == pytest.approx(SECONDS_A_YEAR / 40_000)
    assert found.vault_octets == pytest.approx(SECONDS_A_YEAR / 40 * 128)


def test_more_work_takes_more_cores_and_nothing_else() -> None:
    slower = replace(MEASURED, use=replace(MEASURED.use, seconds=0.09))
    found, before = costs(SMALL, slower), costs(SMALL, MEASURED)
    assert found.cores == 3
    assert replace(found, cores=before.cores, peak_cores=before.peak_cores) == before


def test_a_block_has_an_entry_at_least_and_shares_its_cost_among_them() -> None:
    assert entries_a_block(0.1, MEASURED.log) == 1
    assert entries_a_block(3, MEASURED.log) == 6
    assert ledger_octets(100, 1, MEASURED.log) == 150_000
    assert ledger_octets(100, 10, MEASURED.log) == 105_000


def test_a_check_fails_on_both_sides() -> None:
    assert Check("", 102.9, 100, 0.03).holds
    assert not Check("", 104, 100, 0.03).holds
    assert not Check("", 96, 100, 0.03).holds


def test_a_queue_with_room_answers_at_once_and_one_without_never() -> None:
    kinds = [Kind(100.0, [0.05])]
    roomy, full = serve(kinds, 8, 20_000, 1), serve(kinds, 4, 20_000, 1)
    assert roomy.busy == pytest.approx(5 / 8, rel=0.03)
    assert roomy.median == pytest.approx(0.05)
    assert full.busy == pytest.approx(1.0, abs=0.01)
    assert full.p99 > 100 * full.p99_work
    assert 5 < fewest_cores(kinds, 20, 20_000, 1) <= 8


def test_a_queue_of_two_kinds_has_both_in_their_shares() -> None:
    waited = serve([Kind(90.0, [0.01]), Kind(10.0, [0.11])], 10, 20_000, 2)
    assert waited.busy == pytest.approx((0.9 + 1.1) / 10, rel=0.05)
    assert waited.p99_work == 0.11


def test_cores_that_are_computed_from_too_little_work_are_found_out() -> None:
    times = {"one": [MEASURED.use.seconds], "credential": [MEASURED.credential.seconds]}
    assert queued(SEED, MEASURED, "one", times, 50_000)[0].holds
    wrong = replace(MEASURED, use=replace(MEASURED.use, seconds=0.03))
    busy, _, fewest = queued(SEED, wrong, "one", times, 50_000)
    assert not busy.holds
    assert not fewest.holds


ROWS = storage.Rows(
    4,
    {
        "exchange": [
            (f"{n:032x}", "verifiers/school", f"{n:036x}", bytes([n]) * 32, b"p" * 900, b"s" * 64, n, n)
            for n in range(4)
        ],
        "seen": [(bytes([n + 4]) * 32, f"{n:032x}") for n in range(4)],
    },
)


def test_copies_of_rows_take_what_the_rows_take_as_often() -> None:
    # Some 1,150 octets of values: with the keys of three indexes, and pages that are never quite full.
    few, many = (storage.copied_octets(ROWS, count) for count in (2_000, 20_000))
    assert 1_200 < many < 2_600
    assert few == pytest.approx(many, rel=0.1)


def test_a_log_takes_more_where_its_blocks_are_small() -> None:
    assert ledger.write(1, durable=False).entries == 1
    full, single = ledger.write(600), ledger.write(200, batch=1, durable=False)
    assert 32 + 1024 < full.entry_octets < single.entry_octets < 3_000


def results(**more: Any) -> dict[str, Any]:
    check = Check("a log", 103.0, 100.0, 0.05)
    return {
        "version": 1,
        "measured_on": "2026-01-02",
        "minutes": 30.4,
        "machine": {"processor": "x", "cores": 2, "memory_octets": 2**30, "system": "L", "python": "3"},
        "measured": {
            "uses": {"one": asdict(MEASURED.use), "three": asdict(MEASURED.use)},
            "credential": asdict(MEASURED.credential),
            "log": asdict(MEASURED.log),
            "revocation": asdict(MEASURED.revocation),
        },
        "costs": {name: asdict(costs(SEED, MEASURED)) for name in ("one", "three")},
        "checks": [asdict(check) | {"ratio": check.ratio, "holds": check.holds}],
        **more,
    }


def test_figures_take_the_place_of_older_ones_and_nothing_else(tmp_path: Path) -> None:
    document, path = tmp_path / "scale.md", tmp_path / "scale.json"
    document.write_text(
        "before\n<!-- figures: of the command -->\nolder figures\n<!-- end of figures -->\nafter\n"
    )
    save(results(), path, document)
    text = document.read_text()
    assert text.startswith("before\n<!-- figures: of the command -->\n")
    assert text.endswith("<!-- end of figures -->\nafter\n")
    assert "older figures" not in text
    assert "| a log | 103 | 100 | 1.030 | 5% | yes |" in text
    assert json.loads(path.read_text()) == results()
    save(results(), path, document)
    assert document.read_text() == text


def test_a_page_without_a_place_for_figures_is_refused(tmp_path: Path) -> None:
    document, path = tmp_path / "scale.md", tmp_path / "scale.json"
    document.write_text("nothing here\n")
    with pytest.raises(ValueError, match="place for figures"):
        save(results(), path, document)
    assert not path.exists()


def test_the_page_and_the_results_agree() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text, found) == text
    assert len(text.splitlines()) <= 150


def test_the_results_follow_from_what_was_measured_and_every_comparison_holds() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert found["seed"] == asdict(SEED)
    parts = found["measured"]
    for name, use in parts["uses"].items():
        measured = Measured(
            Action(**use),
            Action(**parts["credential"]),
            Log(**parts["log"]),
            Revocation(**parts["revocation"]),
        )
        assert asdict(costs(SEED, measured)) == found["costs"][name]
    assert found["checks"]
    for each in found["checks"]:
        check = Check(**{key: each[key] for key in ("name", "predicted", "simulated", "tolerance")})
        assert (check.ratio, check.holds) == (each["ratio"], True)


def test_a_part_that_is_whole_is_not_done_again_and_another_plan_begins_anew(tmp_path: Path) -> None:
    path, done = tmp_path / "state", list[str]()

    def broken(_: Any) -> None:
        raise KeyboardInterrupt

    first = Parts(path, USUAL, lambda _: None)
    first.part("one", 1, lambda _: done.append("one"))
    with pytest.raises(KeyboardInterrupt):
        first.part("two", 1, broken)
    again = Parts(path, USUAL, lambda _: None)
    again.part("one", 1, lambda _: done.append("again"))
    again.part("two", 1, lambda _: done.append("two"))
    other = Parts(path, replace(USUAL, actions=1), lambda _: None)
    other.part("one", 1, lambda _: done.append("anew"))
    assert done == ["one", "two", "anew"]


@pytest.mark.parametrize("given", [["--entries", "0"], ["--seconds", "-1"], ["--uses", "many"]])
def test_a_size_that_is_none_is_refused(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(given)
    assert ended.value.code == 2
    assert given[0] in capsys.readouterr().err


def test_an_interrupt_writes_nothing_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "STATE", tmp_path / "state")
    monkeypatch.setattr(command, "RESULTS", tmp_path / "scale.json")
    monkeypatch.setattr(measure, "uses", broken)
    assert command.main([]) == 130
    assert "goes on from here" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
