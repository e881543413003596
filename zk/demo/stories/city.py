"""The city: twenty departments return their records to all who live there, in bulk."""

import time
from collections.abc import Sequence

from zk import catalogue
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story
from zk.demo.stories.town import ID_CARD, Town


def _is_newest(item: str) -> bool:
    """Tell whether this is what departments issue now; an older version is for whoever asks for it."""
    newest = catalogue.builtin().newest[item.partition("@")[0]]
    return item == f"{newest.name.item}@{newest.name.version}"


def story(others: Sequence[Story]) -> Story:
    """Return the city's story, in which those take part who play in the others."""

    def cast(registers: Registers) -> Cast:
        parts: dict[str, Part] = {}
        for each in others:
            parts |= {f"{each.name}/{name}": one for name, one in each.cast(registers).parts.items()}
        return Cast(parts)

    return Story("city", cast, play)


def play(town: Town, cast: Cast, told: Told) -> None:
    """Register the departments and those who take part, then push the records of everybody."""
    departments = catalogue.builtin().departments
    for each in departments:
        town.department(each)
    told.fact("story.city.departments", holds=len(town.tokens) == len(departments), count=len(departments))
    town.need(ID_CARD)
    town.settle(cast.people)
    told.fact("story.city.accounts", count=len(cast.people))
    items = [each for each in dict.fromkeys((ID_CARD, *cast.items)) if _is_newest(each)]
    begun = time.monotonic()
    offered = {item: town.push(item) for item in items}
    seconds = time.monotonic() - begun
    expected = sum(len(town.registers.lines(each)) for each in items)
    total = sum(offered.values())
    told.fact(
        "story.city.offered",
        holds=total == expected and offered[ID_CARD] == len(town.registers.people),
        count=total,
        items=len(items),
        people=len(town.registers.people),
        seconds=f"{seconds:.1f}",
    )
    waiting = sum(len(town.accounts.offers(town.vaults[each.number], town.log)) for each in cast.people)
    told.fact("story.city.waiting", holds=waiting > 0, count=waiting, people=len(cast.people))
