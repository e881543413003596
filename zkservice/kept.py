"""The last used of what never changes, within a bound."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

_Thing = TypeVar("_Thing")


class Kept(Generic[_Thing]):
    """Things by name, up to so many octets together. Belongs to one thread."""

    def __init__(self, octets: int) -> None:
        self._most, self._octets = octets, 0
        self._things: OrderedDict[str, tuple[_Thing, int]] = OrderedDict()

    def get(self, name: str) -> _Thing | None:
        """Return what is kept under a name, None if nothing is."""
        found = self._things.get(name)
        if found is None:
            return None
        self._things.move_to_end(name)
        return found[0]

    def of(self, names: Iterable[str]) -> dict[str, _Thing]:
        """Return what is kept under these names."""
        return {name: thing for name in names if (thing := self.get(name)) is not None}

    def keep(self, name: str, thing: _Thing, octets: int) -> None:
        """Keep a thing, and forget those that were not used for longest."""
        _, before = self._things.pop(name, (None, 0))
        self._things[name] = thing, octets
        self._octets += octets - before
        while self._octets > self._most:
            _, (_, freed) = self._things.popitem(last=False)
            self._octets -= freed

    def keep_all(self, things: Mapping[str, _Thing], octets: Callable[[_Thing], int]) -> None:
        """Keep things, each of so many octets."""
        for name, thing in things.items():
            self.keep(name, thing, octets(thing))
