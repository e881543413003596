"""Errands between a vault and the library's counters, over a real server."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from disclosure import Request
from disclosure.composite import CompositeRequest
from disclosure.errand import Counter, ErrandBundle
from prover import Vault
from prover.client.errands import ErrandClient
from prover.errands.planning import ErrandConsent
from prover.errands.records import HeldErrand
from tests.prover.town import Town
from tests.zkservice.errands import VALUES, Errands
from verifier.client import VerifierClient
from verifier.client.errands import CounterPart, ErrandCounter, Outcome, ReceivedPart

AnyRequest = Request | CompositeRequest
_LONG = dt.timedelta(seconds=20)


def agree(_: ErrandConsent) -> bool:
    return True


def fill_in(counter: Counter, _: Mapping[str, Any]) -> dict[str, Any]:
    """Type everything that a form wants."""
    return {each.id: VALUES[each.id] for each in counter.fields}


def type_nothing(_: Counter, defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let stand what was declared last."""
    return defaults


@dataclass
class Desk:
    """One counter of a bundle at work, one part after the other."""

    counter: ErrandCounter
    bundle: ErrandBundle
    part: str
    request: Callable[[], AnyRequest]

    def ask(self, name: str) -> None:
        """Ask for the part of a name once it waits."""
        part = self._first(lambda each: each.waits and str(each.name) == name)
        self.counter.ask(self.bundle, part, self.request())

    def receive(self, name: str) -> tuple[CounterPart, ReceivedPart]:
        """Verify the part of a name once it has come."""
        found = self._first(lambda each: each.is_here and str(each.name) == name)
        return found, self.counter.receive(self.bundle, found)

    def tell(self, part: CounterPart, outcome: Outcome) -> None:
        self.counter.tell(part, outcome)

    def _first(self, wanted: Callable[[CounterPart], bool]) -> CounterPart:
        parts = self.counter.parts(self.bundle, timeout=_LONG)
        return next(each for each in parts if each.part == self.part and wanted(each))


@contextmanager
def desks(town: Town, errands: Errands) -> Iterator[dict[str, Desk]]:
    """Open the counters of a bundle, each with a session and a client of its own."""
    opened: list[Any] = []
    found = {}
    try:
        for each in errands.bundle.counters:
            name, key = each.verifier, errands.key(each.part)
            client = VerifierClient(town.endpoint, name, key, town.log, clock=town.city.clock)
            counter = ErrandCounter(town.endpoint, name, key, town.log, client, clock=town.city.clock)
            opened += [client, counter]

            def request(verifier: str = name.verifier) -> AnyRequest:
                return town.city.request(verifier)

            found[each.part] = Desk(counter, errands.bundle, each.part, request)
        yield found
    finally:
        for each in opened:
            each.close()


def begun(town: Town, errands: Errands, counters: dict[str, Desk], vault: Vault) -> HeldErrand:
    """Begin an errand and have every counter ask."""
    client = client_of(town)
    errand = client.start(errands.bundle.name, vault, town.log)
    for each in client.look(errand.id, vault).parts:
        counters[each.part].ask(str(each.name))
    assert client.wait_until_asked(errand.id, vault, dt.timedelta()).is_asked
    return errand


def client_of(town: Town) -> ErrandClient:
    return ErrandClient(town.endpoint, clock=town.city.clock)


class LostError(Exception):
    """The power went off."""


def lost(*_: Any) -> Any:
    raise LostError
