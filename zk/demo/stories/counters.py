"""The counters of an errand at work: asked to ask, handed their part, done; one after the other."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from disclosure import LocalizedText
from disclosure.errand import Counter
from prover.client.errands import ErrandClient
from prover.errands.view import ErrandState
from prover.usages import Usage
from prover.vault import Vault
from verifier import CompositePolicy, Policy, load_policy
from verifier.client import CompositeAnswered
from verifier.client.errands import DONE, CounterPart, ErrandCounter, Outcome
from zk.clients.errands import Bundles, load_bundle
from zk.demo.people import Asker
from zk.demo.stage import example, utc_now
from zk.demo.stories.town import Town, yes

_LONG: Final = dt.timedelta(seconds=20)
_DONE: Final = LocalizedText("已办结", "Done")
Forms = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """One counter: what it asks by, and its way to the service."""

    part: str
    policy: Policy | CompositePolicy
    counter: ErrandCounter
    asker: Asker


@dataclass(frozen=True)
class Handled:
    """An errand that was handled: its uses, what each counter was shown, and how it stands at the end."""

    uses: tuple[Usage, ...]
    shown: Mapping[str, Sequence[Mapping[str, Any]]] = field(repr=False)
    done: bool

    def names(self, part: str) -> set[str]:
        """Return the names of what a counter was shown."""
        return {name for each in self.shown[part] for name in each}


class Bureau:
    """The counters of one bundle, registered with it; `policies` names the example of each part."""

    def __init__(self, town: Town, bundle: str, policies: Mapping[str, str]) -> None:
        self._town, self.bundle = town, load_bundle(example(f"errands/{bundle}.yaml"))
        self._desks = [self._desk(each, policies[each.part]) for each in self.bundle.counters]
        with Bundles(town.endpoint, town.log) as bundles:
            bundles.create(self.bundle, town.admin)

    def _desk(self, counter: Counter, policy: str) -> Desk:
        read = load_policy(example(f"errands/policies/{policy}.yaml"))
        asker = Asker(counter.verifier, counter.display_name)
        self._town.register(asker, read)
        client, key = self._town.verifier(asker.name), self._town.signing[asker.name.verifier]
        made = ErrandCounter(self._town.endpoint, asker.name, key, self._town.log, client)
        self._town.opened.callback(made.close)
        return Desk(counter.part, read, made, asker)

    def handle(self, vault: Vault, forms: Forms) -> Handled:
        """Have a vault start, every counter ask, the vault submit once, every counter do its part."""
        client, log = ErrandClient(self._town.endpoint), self._town.log
        errand = client.start(self.bundle.name, vault, log)
        for desk in self._desks:
            self._ask(desk)
        uses = client.submit(errand.id, vault, log, yes, declare=_declaring(forms))
        shown = {desk.part: self._settle(desk) for desk in self._desks}
        done = client.look(errand.id, vault).state is ErrandState.DONE
        return Handled(tuple(self._town.used(each) for each in uses), shown, done)

    def _ask(self, desk: Desk) -> None:
        part = self._first(desk, lambda each: each.waits)
        client = self._town.verifier(desk.asker.name)
        if isinstance(desk.policy, CompositePolicy):
            request: Any = desk.policy.request(desk.asker.name, utc_now(), client.reader)
        else:
            request = desk.policy.request(desk.asker.name, utc_now())
        desk.counter.ask(self.bundle, part, request)

    def _settle(self, desk: Desk) -> Sequence[Mapping[str, Any]]:
        """Verify a part and say that it is done; return what was shown, credential by credential."""
        part = self._first(desk, lambda each: each.is_here and each.ready)
        answered = desk.counter.receive(self.bundle, part).answered
        desk.counter.tell(part, Outcome(DONE, _DONE))
        if isinstance(answered, CompositeAnswered):
            return [each.shown.values for each in answered.verified.answer.credentials]
        return [each.values for each in answered.verified.credentials]

    def _first(self, desk: Desk, wanted: Callable[[CounterPart], bool]) -> CounterPart:
        parts = desk.counter.parts(self.bundle, timeout=_LONG)
        return next(each for each in parts if each.part == desk.part and wanted(each))


def _declaring(forms: Forms) -> Callable[[Counter, Forms], Forms]:
    """Fill in each counter's form from what the person knows."""

    def declare(counter: Counter, _: Forms) -> Forms:
        return {each.id: forms[each.id] for each in counter.fields if each.id in forms}

    return declare
