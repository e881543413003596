"""What one signed request may cost a judge, whoever sends it and however often."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from bbs import SHA_256
from disclosure.composite import Branch, CompositeRequest, InList, publish_codes
from tests.disclosure.composite.policy import REQUEST, op
from tests.disclosure.composite.world import DIRECTORY, NOW, PERMIT, query, request
from tests.zkservice.test_composite_judging import Catalogue, _table, alone, asking, job, member
from tests.zkservice.test_judging import reason
from tests.zkservice.test_workers import lying, started, verdicts
from zkservice.gathering import MAX_WEIGHT, Gathering
from zkservice.judging import Judge
from zkservice.knowledge import MAX_TABLE_OCTETS, MAX_TABLES
from zkservice.services.batch import judgement, request_judgement
from zkservice.tasks import Done, Supplies

__all__ = ["lying"]
TABLES: dict[bytes, Any] = {**DIRECTORY.digits, **DIRECTORY.code_lists}


def naming(count: int, branches: int = 1) -> tuple[CompositeRequest, list[str]]:
    """Return a request of so many lists of codes, and their digests."""
    digests = [number.to_bytes(32) for number in range(1, count + 1)]
    made = [
        Branch(
            f"b{at}",
            (query("permit", PERMIT),),
            tuple(InList(op("permit.district"), each) for each in digests[at::branches]),
        )
        for at in range(branches)
    ]
    return request(*made), [each.hex() for each in digests]


def test_tables_that_are_too_large_together_are_refused_before_any_is_loaded() -> None:
    greedy, digests = naming(8)
    catalogue = Catalogue(lengths=dict.fromkeys(digests, MAX_TABLE_OCTETS // 8))
    assert reason(alone(Judge(), catalogue, asking(greedy))) == ("REQUEST_INVALID", "signed_request")
    assert not any(each.tables for each in catalogue.asked)
    catalogue.lengths |= dict.fromkeys(digests, 0)
    assert reason(alone(Judge(), catalogue, asking(greedy)))[0] == "TABLE_UNKNOWN"


def test_tables_that_are_too_many_are_refused_before_anything_of_them_is_looked_up() -> None:
    greedy, _ = naming(MAX_TABLES + 1, 2)
    catalogue = Catalogue()
    assert reason(alone(Judge(), catalogue, asking(greedy))) == ("REQUEST_INVALID", "signed_request")
    assert len(catalogue.asked) == 1


def test_what_was_verified_when_it_was_published_is_not_verified_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def verified(*_: Any) -> Any:
        raise AssertionError("a signature of a table is verified")

    mislaid = _table(publish_codes("verifiers/school", "x", ("a",), SHA_256))
    monkeypatch.setattr("disclosure.composite.directory.load_table", verified)
    monkeypatch.setattr("disclosure.composite.publication.load_table", verified)
    judge = Judge()
    for _ in range(2):
        assert isinstance(alone(judge, Catalogue(), job(member())), Done)
    with pytest.raises(AssertionError, match="is verified"):
        judge.work([], Supplies(tables={"00" * 32: mislaid}))


def test_a_request_whose_tables_are_more_than_a_judge_keeps_comes_to_its_end_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A judge that asks only for what it has lost loses the rest over what it is told."""
    judge, catalogue = Judge(), Catalogue()
    alone(judge, catalogue, asking(REQUEST))
    named = catalogue.asked[-1].tables
    octets = sum(len(TABLES[bytes.fromhex(each)].table.octets) for each in named)
    monkeypatch.setattr("zkservice.knowledge._KEPT_TABLES", octets - 1)
    judge = Judge()
    for _ in range(4):
        assert isinstance(alone(judge, catalogue, asking(REQUEST)), Done)
        assert catalogue.asked[-1].tables in (named, frozenset())


def test_a_job_weighs_what_its_request_names() -> None:
    (small, _), (large, _) = naming(1), naming(32)
    messages = [member(each) for each in (small, large)]
    asked = [request_judgement(each.signed_request, NOW).proofs for each in messages]
    shown = [judgement(each, NOW).proofs for each in messages]
    assert asked[0] < asked[1]
    assert shown[0] < shown[1]


async def test_a_round_takes_few_of_what_is_heavy() -> None:
    rounds: list[list[int]] = []

    async def run(jobs: list[int]) -> list[int]:
        rounds.append(jobs)
        return jobs

    gathering = Gathering(run, 1, lambda weight: weight)
    heavy = MAX_WEIGHT - 1
    await asyncio.gather(*map(gathering.one, [heavy, 1, 1, 2 * MAX_WEIGHT, heavy, heavy]))
    assert rounds == [[heavy, 1], [1], [2 * MAX_WEIGHT], [heavy], [heavy]]


@pytest.mark.usefixtures("lying")
async def test_a_job_that_took_too_long_alone_is_not_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with started() as workers:
        monkeypatch.setattr("zkservice.workers._SECONDS", 2.0)
        with capture_logs() as logs:
            assert await verdicts(workers, b"hangs") == ["INTERNAL"]
        assert [each["event"] for each in logs].count("worker lost") == 1
        monkeypatch.setattr("zkservice.workers._SECONDS", 60.0)
        assert await verdicts(workers, b"one") == [b"one"]
