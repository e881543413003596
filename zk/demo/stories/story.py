"""What a story is: who takes part with which items, and how it is played."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from disclosure import ExchangeLink
from prover.composite.planning import CompositePlan
from prover.usages import Usage
from prover.vault import Vault
from verifier import CompositePolicy, parse_policy
from verifier.client import CompositeAnswered, CompositeExchange
from zk.demo.people import Asker
from zk.demo.stage import example, utc_now
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.town import Town, yes
from zk.exits import CommandError, Exit
from zk.synthetic import Person

_AT_ONCE: Final = 4
PATIENCE: Final = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Part:
    """Somebody who takes part, and the items that the story needs of that person."""

    person: Person
    items: tuple[str, ...]


@dataclass(frozen=True)
class Cast:
    """All who take part in a story, by the part that each plays."""

    parts: Mapping[str, Part] = field(repr=False)

    @property
    def people(self) -> list[Person]:
        """Everybody of it, each once."""
        return list({each.person.number: each.person for each in self.parts.values()}.values())

    @property
    def items(self) -> list[str]:
        """All items of it, each once."""
        return list(dict.fromkeys(item for each in self.parts.values() for item in each.items))

    def furnish(self, town: Town) -> None:
        """Give everybody the credentials, as people do who take out their phones at the same time."""
        for each in self.parts.values():
            town.offer([each.person], *each.items)
        with ThreadPoolExecutor(_AT_ONCE) as phones:
            list(phones.map(town.receive, self.people))


@dataclass(frozen=True)
class Story:
    """One story. `cast` finds who takes part; with nobody to be found for a part, it is left out."""

    name: str
    cast: Callable[[Registers], Cast]
    play: Callable[[Town, Cast, Told], None]


def policy_text(name: str, changes: Sequence[tuple[str, str]] = ()) -> CompositePolicy:
    """Read one of the examples' policies with changed places, as a verifier edits its file each year."""
    text = example(f"{name}.yaml").read_text("utf-8")
    for old, new in changes:
        text = text.replace(old, new)
    read = parse_policy(text.encode())
    if not isinstance(read, CompositePolicy):
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.source_tree", path=Path(name))
    return read


def asked(town: Town, asker: Asker, policy: CompositePolicy) -> CompositeExchange:
    """Have a verifier ask by a policy."""
    client = town.verifier(asker.name)
    return client.ask(policy.request(asker.name, utc_now(), client.reader))


def answered(
    town: Town, link: ExchangeLink, vault: Vault, branch: str | None = None, *, counts: bool = True
) -> Usage:
    """Have a person answer, by the way that was chosen; noted as a use unless it comes to nothing."""

    def by(plan: CompositePlan) -> CompositePlan:
        return plan if branch is None else town.client.plan(plan.request, vault, town.log, branch=branch)

    usage = town.client.answer(link, vault, town.log, yes, choose_composite=by)
    return town.used(usage) if counts else usage


def verified(town: Town, asker: Asker, exchange: CompositeExchange) -> CompositeAnswered:
    """Have a verifier fetch the answer and verify it by itself."""
    return town.verifier(asker.name).wait(exchange, PATIENCE)


def part(cast: Cast, name: str) -> Part:
    """Return who plays a part that a story cannot do without; CommandError if the city has nobody."""
    if name not in cast.parts:
        raise CommandError(Exit.UNHEALTHY, "NOBODY_FITS", "error.nobody_fits", part=name)
    return cast.parts[name]
