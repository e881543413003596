"""The ledger's measurements measure what they say, go on where they were broken off, and are told truly."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks import results
from benchmarks.ledger import cosigning, page, proofs, receipts, upkeep, witnessed
from benchmarks.ledger.__main__ import SMALL, USUAL, Kept, main, run, steps
from benchmarks.ledger.apart import apart
from benchmarks.ledger.durable import ORIGIN
from benchmarks.ledger.fit import fit
from benchmarks.ledger.published import PUBLISHED
from tests.postgres import Server
from tlog.errors import VerificationError
from tlog.keys import Signer
from tlog.merkle import HASH_OCTETS, leaf_hash, root_of, tree_root
from tlog.tiles import node_reader
from zk.bench.measure import unit
from zkservice.storage import forwarding

SQLITE = {
    "operation": "durable receipts", "database": "SQLite", "per_second": 9_000.0, "least": 8_000.0,
    "most": 9_500.0, "target": 8_000, "bare_per_second": 30_000.0, "share": 0.3, "file_per_second": 60_000.0,
    "cpu_seconds": 1e-4, "busy": 0.9,
}  # fmt: skip
ANCHORED = {
    "operation": "anchored", "witnesses": 9, "quorum": 5, "times": 60, "median": 0.8, "p95": 1.1, "most": 1.2,
}  # fmt: skip


def nothing(_: int) -> None:
    """Tell nobody."""


def check() -> None:
    """Take the place of P where no ratio is looked at."""
    sum(range(1_000))


def test_a_line_over_the_logarithm_is_found_again() -> None:
    found = fit([(2.0**power, 3 + 5 * power) for power in range(10, 24, 3)])
    assert found.start == pytest.approx(3)
    assert found.step == pytest.approx(5)
    assert found.explained == pytest.approx(1)
    assert found.at(1 << 20) == pytest.approx(103)
    straight = fit([(size, size) for size in (1_000, 10_000, 100_000, 1_000_000)])
    assert straight.explained < 0.9  # what grows with the size itself is not called logarithmic


def test_a_tree_has_the_root_of_its_leaves_and_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "tree.sqlite3"
    (tmp_path / "tree.new").write_text("of a run that was broken off")
    proofs.make(path, 70_000, nothing)  # two pieces
    with proofs._opened(path) as connection:
        node = node_reader(proofs._in_memory(connection))
        leaves = [leaf_hash(index.to_bytes(HASH_OCTETS, "big")) for index in range(70_000)]
        assert tree_root(70_000, node) == root_of(leaves)
    before = path.stat().st_mtime_ns
    proofs.make(path, 70_000, nothing)
    assert path.stat().st_mtime_ns == before
    assert not (tmp_path / "tree.new").exists()


def test_proofs_are_verified_while_they_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tree.sqlite3"
    proofs.make(path, 1_000, nothing)
    row = proofs.measure(path, 1_000, 5, check)
    assert row["octets"] == row["most_octets"] == 320
    assert all(row[name]["seconds"] > 0 for name in page.TIMES)
    monkeypatch.setattr(proofs, "_leaf", lambda index: leaf_hash(b"another"))
    with pytest.raises(VerificationError):
        proofs.measure(path, 1_000, 5, check)


def test_receipts_are_written_on_sqlite_beside_what_the_disk_allows(tmp_path: Path) -> None:
    row = receipts.sqlite(tmp_path, 512, 1, nothing)
    assert (row["receipts"], row["rounds"], row["target"]) == (512, 1, 8_000)
    assert 0 < row["share"] == pytest.approx(row["per_second"] / row["bare_per_second"])
    assert list(tmp_path.iterdir()) == []


def test_receipts_are_written_on_postgresql_that_waits_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = list[object]()
    real = receipts._postgresql

    def asked(server: Server, number: int, count: int) -> results.Row:
        with server.connect() as connection:
            shown.extend(connection.execute("show fsync").fetchone() or ())
        return real(server, number, count)

    monkeypatch.setattr(receipts, "_postgresql", asked)
    row = receipts.postgresql(512, 1, nothing)
    assert shown == ["on"]
    assert row["per_second"] > 0 < row["bare_per_second"]


def test_a_made_log_has_no_fault_and_is_gone_on_with(tmp_path: Path) -> None:
    path = upkeep.made(tmp_path, 600, nothing)
    assert upkeep.made(tmp_path, 600, nothing) == path
    checked, mirrored = upkeep.check(path), upkeep.mirror(path)
    assert checked["size"] == mirrored["size"] == 3 * 257
    before = path.read_bytes()
    went_on = upkeep.sequence(path, 600, 512)
    assert went_on["receipts"] == 512
    assert path.read_bytes() == before
    for row in (checked, mirrored, went_on):
        assert row["peak_octets"] >= row["before_octets"] > 10 << 20


def test_a_log_that_was_half_made_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(forwarding, "place", broken)
        with pytest.raises(KeyboardInterrupt):
            upkeep.made(tmp_path, 300, nothing)
    assert not list(tmp_path.glob("*.sqlite3"))
    assert upkeep.check(upkeep.made(tmp_path, 300, nothing))["size"] == 2 * 257
    assert not list(tmp_path.glob("*.new*"))


def test_a_witness_is_asked_what_it_cosigns(tmp_path: Path) -> None:
    row = cosigning.measure(tmp_path, 5, nothing)
    assert row["times"] == 5
    assert row["per_second"] > 0
    stranger = cosigning._requests(Signer.generate(ORIGIN), 1)
    assert stranger
    assert cosigning._requests(Signer.generate(ORIGIN), 1) != stranger


def test_an_entry_is_anchored_by_the_first_size_that_covers_it() -> None:
    anchors = witnessed.Anchors(told=[(1.0, 3), (2.0, 5), (3.0, 9)])
    assert [anchors.when(index) for index in (0, 2, 3, 4, 5)] == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_an_entry_that_is_never_anchored_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnessed, "_PATIENCE", 0.05)
    with pytest.raises(RuntimeError, match="entry 9 was not anchored"):
        witnessed.Anchors(told=[(1.0, 9)]).when(9)


def test_receipts_are_anchored_by_nine_witnesses(tmp_path: Path) -> None:
    row = witnessed.measure(tmp_path, 2, nothing)
    assert (row["witnesses"], row["times"]) == (9, 2)
    assert 0 < row["least"] <= row["median"] <= row["p95"] <= row["most"]


def resident(octets: int) -> int:
    """Take so much memory for a moment."""
    return len(bytes(octets).replace(b"\0", b"\1"))


def test_memory_is_that_of_the_process_itself() -> None:
    small, large = apart(resident, 1 << 20), apart(resident, 100 << 20)
    assert (small.result, large.result) == (1 << 20, 100 << 20)
    assert large.peak - small.peak > 90 << 20
    assert abs(large.before - small.before) < 20 << 20


class Steps:
    """Steps that note that they were measured, until one is interrupted."""

    def __init__(self, until: str | None = None) -> None:
        self.until, self.measured = until, list[str]()

    def all(self) -> dict[str, tuple[int, Callable[[Any], list[results.Row]]]]:
        return {name: (1, partial(self._step, name)) for name in ("one", "two", "three")}

    def _step(self, name: str, _: object) -> list[results.Row]:
        if name == self.until:
            raise KeyboardInterrupt
        self.measured.append(name)
        return [{"operation": name}]


def test_a_broken_run_goes_on_with_the_steps_that_it_owes(tmp_path: Path) -> None:
    path, first, second = tmp_path / "steps.json", Steps(until="three"), Steps()
    with pytest.raises(KeyboardInterrupt):
        run(first.all(), Kept(path, SMALL), lambda _: None)
    rows = run(second.all(), Kept(path, SMALL), lambda _: None)
    assert (first.measured, second.measured) == (["one", "two"], ["three"])
    assert [row["operation"] for row in rows] == ["one", "two", "three"]


def test_another_plan_or_a_fresh_run_takes_over_nothing(tmp_path: Path) -> None:
    path, steps_of = tmp_path / "steps.json", Steps()
    run(steps_of.all(), Kept(path, SMALL), lambda _: None)
    assert Kept(path, SMALL).rows
    assert not Kept(path, replace(SMALL, uses=SMALL.uses + 1)).rows
    Kept(path, SMALL).forget()
    assert not Kept(path, SMALL).rows


def test_some_steps_are_tried_without_being_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if unit() is None:
        pytest.skip("P needs the native group")
    assert main(["--small", "--folder", str(tmp_path), "--only", "proofs-1000"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["operation"], row["size"]) == ("proofs", 1_000)
    assert not (tmp_path / "steps.json").exists()
    assert main(["--small", "--folder", str(tmp_path), "--only", "nothing"]) == 2


def test_what_is_promised_is_what_is_measured(tmp_path: Path) -> None:
    assert {"sqlite", "postgresql", "anchored", "log-1000000"} < set(steps(USUAL, tmp_path, check))
    assert (USUAL.trees[0], USUAL.trees[-1]) == (1_000, 10_000_000)
    assert USUAL.uses >= 60
    assert receipts.TARGETS == {"SQLite": 8_000, "PostgreSQL": 4_000}


def test_a_figure_that_is_missed_is_said_to_be(tmp_path: Path) -> None:
    text = page.section([SQLITE, ANCHORED], tmp_path)
    assert "| SQLite | 9,000 | 8,000 to 9,500 | 8,000 | pass | 30,000 | 30% |" in text
    assert "median 0.80 s (at most 1.5 s: pass), 95% within 1.10 s" in text.replace("\n", " ")
    missed = page.section([{**SQLITE, "per_second": 7_999.0}, {**ANCHORED, "median": 1.5}], tmp_path)
    assert "| 8,000 | MISSED |" in missed
    assert "at most 1.5 s: MISSED" in missed.replace("\n", " ")


def test_each_published_figure_names_its_source_and_machine(tmp_path: Path) -> None:
    text = page.section([SQLITE], tmp_path)
    for each in PUBLISHED:
        assert f"| {each.name} | {each.machine} | {each.said} | {each.source} |" in text
        assert each.source.startswith("[")
        assert "](https://" in each.source


def test_only_what_was_measured_becomes_new() -> None:
    before = {
        "version": results.VERSION, "measured_on": "2026-01-01", "machine": {"cores": 2},
        "quick": [{"name": "old"}], "suite": [{"operation": "old"}], "load": [], "others": [],
    }  # fmt: skip
    found = {
        "version": results.VERSION, "measured_on": "2026-02-02", "machine": {"cores": 2},
        "quick": [], "suite": [], "load": [], "ledger": [{"operation": "new"}], "others": [],
    }  # fmt: skip
    merged = results.only(["ledger"], found, before)
    assert (merged["quick"], merged["suite"]) == (before["quick"], before["suite"])
    assert merged["ledger"] == [{"operation": "new"}]
    assert (merged["measured_on"], merged["later"]) == ("2026-01-01", {"ledger": "2026-02-02"})
    again = results.only(["chain"], {**found, "suite": [{"operation": "chain"}], "ledger": []}, merged)
    assert again["ledger"] == merged["ledger"]
    assert again["suite"] == [{"operation": "chain"}]
    assert again["later"] == {"ledger": "2026-02-02", "chain": "2026-02-02"}
