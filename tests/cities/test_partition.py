"""Nine cities in three parts of a network that is cut and healed: namespaces, so that packets are lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cities.networks import Network, UnavailableError, joined
from tests.cities.processes import NO_QUORUM, QUORUM, Telling, alarms, look, monitor, telling
from tests.cities.towns import Towns
from zk.demo.consortium.cities import LETTERS, REGULATOR, founded

LOST = {"unreachable", "slow"}
PARTS = {"west": "abcde", "middle": "f", "east": "ghi"}

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        with joined(list(PARTS)) as laid:
            yield laid
    except UnavailableError as error:
        pytest.skip(f"no partition without network namespaces: {error}")


def part_of(letter: str) -> str:
    return next((part for part, letters in PARTS.items() if letter in letters), "west")


async def test_a_network_that_is_cut_and_healed(network: Network, tmp_path: Path) -> None:
    """Six and three: the six go on. Five and four: all stay pending. Whole again: all is anchored."""
    with founded(tmp_path, place=lambda letter: network.place(part_of(letter))) as made:
        assert part_of(REGULATOR) == "west"
        towns, cities = Towns(made), made.cities
        await towns.furnish()
        await towns.show(LETTERS)
        await asyncio.gather(*(each.anchored() for each in towns.values()))
        watching = await asyncio.to_thread(monitor, made, tmp_path / "monitor")
        assert network.reaches("west", cities["g"].http)
        assert network.reaches("east", cities["a"].http)

        network.cut("east")
        assert not network.reaches("west", cities["g"].http), "the network was not cut"
        assert not network.reaches("east", cities["a"].http), "the network was not cut"
        six, three = "abcdef", "ghi"
        heard = {each: Telling(cities[each]) for each in LETTERS}
        await towns.show(LETTERS)
        for town in towns.of(six):
            assert await town.cosigners() - {REGULATOR} == set(six) - {town.seat.letter}
        await asyncio.gather(*(heard[each].tells(NO_QUORUM) for each in three))
        await asyncio.gather(*(each.stays_pending(3) for each in towns.of(three)))
        await asyncio.gather(*(heard[each].names(dict.fromkeys(three, LOST)) for each in six))
        await asyncio.gather(*(heard[each].names(dict.fromkeys((*six, REGULATOR), LOST)) for each in three))
        network.heal("east")
        await asyncio.gather(*(heard[each].tells(QUORUM) for each in three))
        await towns.show(LETTERS)
        await towns.check()

        network.cut("west")
        assert network.reaches("middle", cities["g"].http)
        assert not network.reaches("west", cities["g"].http), "the network was not cut"
        all_heard = telling(cities.values())
        await towns.show(LETTERS)
        await asyncio.gather(*(each.tells(NO_QUORUM) for each in all_heard))
        await asyncio.gather(*(each.stays_pending(3) for each in towns.values()))
        network.heal("west")
        await asyncio.gather(*(each.tells(QUORUM) for each in all_heard))
        await towns.show(LETTERS)
        await towns.check()

        assert watching.process.poll() is None
        assert not alarms(watching), "an honest log was accused"
        look(made, tmp_path / "late-monitor")
