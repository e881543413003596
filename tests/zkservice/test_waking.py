"""Waking a few at a time: in their order, all of them, and with the loop free in between."""

import asyncio
from functools import partial

from zkservice.waking import AT_ONCE, MOST_TURNS, answer, wake


async def test_a_turn_of_the_loop_wakes_a_few() -> None:
    woken, seen = list[int](), list[int]()
    count = 5 * AT_ONCE + 1
    wake(asyncio.get_running_loop(), (partial(woken.append, each) for each in range(count)))
    while len(woken) < count:
        seen.append(len(woken))
        await asyncio.sleep(0)
    assert woken == list(range(count))
    assert seen == [AT_ONCE * turn for turn in range(6)], "others come to their turn between"


async def test_however_many_they_are_the_last_waits_for_few_turns() -> None:
    woken, turns = list[int](), 0
    wake(asyncio.get_running_loop(), [partial(woken.append, each) for each in range(1000)])
    while len(woken) < 1000:
        turns += 1
        await asyncio.sleep(0)
    assert woken == list(range(1000))
    assert turns <= MOST_TURNS


async def test_what_one_raises_keeps_nobody_asleep() -> None:
    loop, woken, told = asyncio.get_running_loop(), list[int](), list[str]()
    loop.set_exception_handler(lambda _, about: told.append(type(about["exception"]).__name__))

    def raising() -> None:
        raise RuntimeError

    wake(loop, [raising, *(partial(woken.append, each) for each in range(3 * AT_ONCE))])
    for _ in range(9):
        await asyncio.sleep(0)
    assert told == ["RuntimeError"]
    assert woken == list(range(3 * AT_ONCE))


async def test_nobody_is_woken_of_none() -> None:
    wake(asyncio.get_running_loop(), ())


async def test_whoever_has_left_is_passed_over() -> None:
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3 * AT_ONCE)]
    futures[1].cancel()
    wake(loop, (partial(answer, each, number) for number, each in enumerate(futures)))
    futures[-1].cancel()
    done = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    assert isinstance(done[-1], asyncio.CancelledError)
    assert done[2:-1] == list(range(2, len(futures) - 1))
