"""Nine cities whose processes die, lie and stop: the others go on, and nothing acknowledged is lost."""

import asyncio
from pathlib import Path

import grpc
import pytest

from tests.cities.lying_witness import LIES
from tests.cities.processes import (
    AGAIN,
    NO_QUORUM,
    QUORUM,
    all_of,
    freeze,
    kill,
    lie,
    look,
    start,
    telling,
    wake,
)
from tests.cities.towns import Towns
from zk.demo.consortium.cities import LETTERS

UNREACHABLE = {"unreachable", "slow"}

pytestmark = pytest.mark.timeout(900)


async def test_two_die_then_four_then_all_return(towns: Towns, tmp_path: Path) -> None:
    made = towns.made
    living, heard = towns.of("abcdefg"), telling(made.cities[each] for each in "abcdefg")
    await asyncio.gather(*(each.prepare(8) for each in towns.values()))
    sending = asyncio.gather(*(each.send() for each in towns.values()))
    await asyncio.gather(*(each.more_than(1) for each in towns.of("hi")))
    await all_of(kill, made, "hi")
    await sending
    assert not [each for town in living for each in town.failures]
    await towns.show("abcdefg")
    for town in living:
        assert not await town.cosigners() & set("hi"), "the dead have cosigned"
    for each in heard:
        await each.names({"h": UNREACHABLE, "i": UNREACHABLE})

    await all_of(kill, made, "fg")
    left = towns.of("abcde")
    await towns.show("abcde")
    await asyncio.gather(*(each.tells(NO_QUORUM) for each in heard[:5]))
    await asyncio.gather(*(each.stays_pending(2) for each in left))

    await all_of(start, made, "fghi")
    await asyncio.gather(*(each.tells(QUORUM) for each in heard[:5]))
    dead = {each for town in towns.of("hi") for each in town.failures}
    assert dead <= {grpc.StatusCode.UNAVAILABLE}
    await asyncio.gather(*(each.send() for each in towns.values()))
    await towns.show(LETTERS)
    await towns.check()
    look(made, tmp_path / "monitor")


@pytest.mark.long
async def test_two_lie(towns: Towns, tmp_path: Path) -> None:
    """Each lie of each of two witnesses is named by all others, which go on without the two."""
    made, lies = towns.made, list(LIES)
    for pair in (lies[:2], lies[2:]):
        heard = telling(made.cities[each] for each in "abcdefg")
        for letter, kind in zip("hi", pair, strict=True):
            await asyncio.to_thread(lie, made.cities[letter], kind)
        await towns.show(LETTERS)
        faults = {letter: {LIES[kind][1]} for letter, kind in zip("hi", pair, strict=True)}
        await asyncio.gather(*(each.names(faults) for each in heard))
        for town in towns.values():
            assert not await town.cosigners() & set("hi")
    heard = telling(made.cities[each] for each in "abcdefg")
    for letter in "hi":
        witness = made.cities[letter].witness
        assert witness is not None
        witness.kill()
        await asyncio.to_thread(made.start_witness, made.cities[letter])
    await towns.show(LETTERS)
    await asyncio.gather(*(each.tells(AGAIN, witness=letter) for each in heard for letter in "hi"))
    await towns.check()
    look(made, tmp_path / "monitor")


@pytest.mark.long
async def test_two_are_frozen_and_woken(towns: Towns, tmp_path: Path) -> None:
    """What was sent to them meanwhile is answered when they are woken, and once."""
    made, frozen = towns.made, [towns.made.cities[each] for each in "bd"]
    heard = telling(made.cities[each] for each in "acefghi")
    await asyncio.gather(*(each.prepare(3) for each in towns.of("bd")))
    try:
        for each in frozen:
            freeze(each)
        waiting = asyncio.gather(*(each.send() for each in towns.of("bd")))
        await towns.show("acefghi")
        for town in towns.of("acefghi"):
            assert not await town.cosigners() & set("bd"), "the frozen have cosigned"
        await asyncio.gather(*(each.names({"b": {"slow"}, "d": {"slow"}}) for each in heard))
        assert not waiting.done(), "a frozen city has answered"
    finally:
        for each in frozen:
            wake(each)
    await waiting
    assert not [each for town in towns.of("bd") for each in town.failures]
    await towns.show(LETTERS)
    await asyncio.gather(*(each.tells(AGAIN, witness=letter) for each in heard for letter in "bd"))
    await towns.check()
    look(made, tmp_path / "monitor")
