"""Gathering: everybody is answered, alone or in a batch, however callers come and go."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from disclosure import Reason, RefusedError
from verifier.verify import Claim
from zkservice.verifying import Verifying


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Verify nothing: what is tested is who is answered. A claim that is a number below 0 is refused."""
    sizes: list[int] = []

    def verify(claims: list[Any]) -> tuple[Any, ...]:
        sizes.append(len(claims))
        return tuple(
            RefusedError(Reason.PROOF_INVALID, "false") if isinstance(each, int) and each < 0 else each
            for each in claims
        )

    monkeypatch.setattr("zkservice.verifying.verify_presentations", verify)
    return sizes


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("callers", [1, 2, 64])
async def test_a_caller_that_comes_back_at_once_is_answered(
    batches: list[int], threads: int, callers: int
) -> None:
    """A worker that found nobody else is about to end when its last caller comes back."""
    with ThreadPoolExecutor(threads) as executor:
        verifying = Verifying(executor, threads)

        async def caller(number: int) -> None:
            for turn in range(30):
                claim: Any = number * 100 + turn
                assert await verifying.verify(claim) == claim

        async with asyncio.timeout(20):
            await asyncio.gather(*map(caller, range(callers)))
    assert sum(batches) == callers * 30
    assert callers < 64 or max(batches) > 1, "nothing was gathered"


async def test_each_gets_its_own_verdict(batches: list[int]) -> None:
    with ThreadPoolExecutor(1) as executor:
        verifying = Verifying(executor, 1)
        claims: list[Any] = [1, -1, 2, -2, 3]
        async with asyncio.timeout(20):
            told = await asyncio.gather(*map(verifying.verify, claims), return_exceptions=True)
    assert [each if isinstance(each, int) else type(each) for each in told] == [
        1,
        RefusedError,
        2,
        RefusedError,
        3,
    ]


async def test_a_caller_that_left_holds_nobody_up(batches: list[int]) -> None:
    with ThreadPoolExecutor(1) as executor:
        verifying = Verifying(executor, 1)
        first: Any = 1
        leaving = [asyncio.ensure_future(verifying.verify(first)) for _ in range(5)]
        await asyncio.sleep(0)
        for each in leaving:
            each.cancel()
        async with asyncio.timeout(20):
            last: Any = 2
            told: Any = await verifying.verify(last)
    assert told == 2


async def test_a_fault_is_told_to_all_of_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: list[Claim]) -> tuple[Any, ...]:
        raise RuntimeError("broken")

    monkeypatch.setattr("zkservice.verifying.verify_presentations", broken)
    with ThreadPoolExecutor(1) as executor:
        verifying = Verifying(executor, 1)
        claim: Any = 1
        async with asyncio.timeout(20):
            told = await asyncio.gather(*(verifying.verify(claim) for _ in range(4)), return_exceptions=True)
    assert [str(each) for each in told] == ["broken"] * 4
