"""Playing stories: one town for all of them, in the order in which they are told."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from zk.demo.consortium import story as consortium
from zk.demo.folder import fresh
from zk.demo.result import DemoResult
from zk.demo.savings import Saved, saved
from zk.demo.stories import city, errands, loan, lost_phone, over_asking, school
from zk.demo.stories.leaks import leaks
from zk.demo.stories.outcome import StoryResult, Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Story
from zk.demo.stories.town import Town, today
from zk.demo.story import play_at
from zk.local_server import running_server
from zk.messages import Language
from zk.synthetic import City

PEOPLE: Final = 1_000
SEED: Final = 2032
"""Of this city every part of every story is somebody's, whatever the day."""
_LIVES: Final = (school.STORY, loan.STORY, errands.STORY, lost_phone.STORY, over_asking.STORY)
STORIES: Final[Mapping[str, Story]] = {each.name: each for each in (city.story(_LIVES), *_LIVES)}
"""In the order in which they are told."""
ATTACKS: Final = "attacks"
"""The part that is played last: what must fail, who learns what, the regulator's opening, the ledger."""
NAMES: Final = (*STORIES, ATTACKS)
"""What is played unless one part is chosen. Nine cities are a story of their own, at servers of their own."""


@dataclass(frozen=True)
class StoriesResult:
    """All that was played in one city, of so many people, of whom so many numbers were shown to the school.

    `leaks` are files in which a number stands that was not shown to whose file it is.
    """

    people: int
    shown: int
    stories: tuple[StoryResult, ...]
    attacks: DemoResult | None
    leaks: tuple[str, ...]
    seconds: float

    @property
    def saved(self) -> Saved:
        """What the paper way would have taken for the same."""
        return saved(use for each in self.stories for use in each.uses)

    @property
    def went_as_it_must(self) -> bool:
        """Whether every part went so, and no number was found anywhere."""
        parts = (*self.stories, *((self.attacks,) if self.attacks else ()))
        return not self.leaks and all(each.went_as_it_must for each in parts)


def run_stories(
    output: Path, names: Sequence[str], lang: Language, tell: Callable[[str], None] = lambda _: None
) -> StoriesResult:
    """Play these parts in an output folder that is made anew; `tell` gets the name of each step.

    Raises what goes wrong that must not; what must fail and how it did stands in the result.
    """
    begun = time.monotonic()
    fresh(output)
    tell("demo.step.server")
    with running_server(output / "server", output / "server.log") as server, ExitStack() as opened:
        town = Town(server, output, Registers(City(PEOPLE, SEED, today())), opened)
        told = tuple(play(town, STORIES[name], tell) for name in names if name != ATTACKS)
        attacks = play_at(server, output, lang, tell, town.hosts) if ATTACKS in names else None
    found = leaks(output, town.registers.people, town.shown)
    return StoriesResult(PEOPLE, len(town.shown), told, attacks, found, time.monotonic() - begun)


def run_consortium(output: Path, tell: Callable[[str], None] = lambda _: None) -> StoriesResult:
    """Play the story of nine cities; what it tells is a result like the others'."""
    told = consortium.play(output, tell)
    return StoriesResult(0, 0, (told,), None, (), told.seconds)


def play(town: Town, story: Story, tell: Callable[[str], None]) -> StoryResult:
    """Play one story with all that it needs and is not there yet."""
    tell(f"story.{story.name}.title")
    begun, before, told = time.monotonic(), len(town.uses), Told()
    story.play(town, story.cast(town.registers), told)
    uses = tuple(town.uses[before:])
    return StoryResult(story.name, time.monotonic() - begun, tuple(told.facts), tuple(told.refusals), uses)
