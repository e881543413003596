"""What a story found, as values: a test asserts them, zk.demo.stories.show prints them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zk.demo.result import Refusal
from zk.demo.savings import Use


@dataclass(frozen=True)
class Fact:
    """Something that happened: a message's key and what fills it. `holds` is False for what must not be."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    holds: bool = True


@dataclass
class Told:
    """What a story tells while it is played."""

    facts: list[Fact] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def fact(self, key: str, *, holds: bool = True, **values: object) -> None:
        """Tell something; `holds` is what was checked of it."""
        self.facts.append(Fact(key, values, holds))


@dataclass(frozen=True)
class StoryResult:
    """One story as it was played."""

    name: str
    seconds: float
    facts: tuple[Fact, ...]
    refusals: tuple[Refusal, ...]
    uses: tuple[Use, ...]

    @property
    def went_as_it_must(self) -> bool:
        """Whether everything held that must, and everything failed that must, for its own reason."""
        return all(each.holds for each in self.facts) and all(each.as_it_must for each in self.refusals)
