"""A group that writes down what is asked of it, so that an operation can be held against its parts.

Each call is kept with its arguments and can be run again alone; the sum of what the parts cost by themselves
is what the protocol needs, the rest is what this implementation adds.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from bbs.groups.protocol import Group, Terms
from zk.bench.measure import Operation

Counts = dict[str, int]


def _msm(
    points: Sequence[object], _: object, _bases: object = None, fixed: Any = (), *, secret: bool = False
) -> Counts:
    kind = "secret" if secret else "public"
    return {f"variable terms, {kind}": len(points), f"fixed terms, {kind}": len(fixed)}


def _msms(sums: Sequence[Terms], *, secret: bool = False) -> Counts:
    counted = Counter[str]()
    for terms in sums:
        counted.update(_msm(*terms, secret=secret))
    return counted


def _many(name: str) -> Callable[..., Counts]:
    return lambda items, *_, **__: {name: len(items)}


def _one(name: str) -> Callable[..., Counts]:
    return lambda *_, **__: {name: 1}


_KINDS: Final[dict[str, tuple[str, Callable[..., Counts]]]] = {
    "msm": ("multiplication", _msm),
    "msms": ("multiplication", _msms),
    "invert": ("secret key", _one("inversions of a scalar")),
    "pairing_product_is_one": ("pairing", _many("pairings")),
    "g1_from_octets": ("decoding", _one("points decoded")),
    "g1s_from_octets": ("decoding", _many("points decoded")),
    "g1s_from_octets_uncompressed": ("decoding", _many("points decoded")),
    "g1s_from_octets_unchecked_subgroup": ("decoding", _many("points decoded")),
    "g1s_from_octets_uncompressed_unchecked_subgroup": ("decoding", _many("points decoded")),
    "clear_cofactor": ("decoding", _many("cofactors cleared")),
    "g2_from_octets": ("decoding", _one("keys decoded")),
    "g2s_from_octets": ("decoding", _many("keys decoded")),
    "g1_to_octets": ("encoding", _one("points encoded")),
    "g1s_to_octets": ("encoding", _many("points encoded")),
    "g1s_to_octets_uncompressed": ("encoding", _many("points encoded")),
    "g2_to_octets": ("encoding", _one("keys encoded")),
    "hash_to_scalars": ("hashing", _many("scalars hashed")),
    "hash_to_g1s": ("hashing", _many("points hashed")),
    "map_to_g1": ("hashing", _one("points hashed")),
    "prepare": ("preparing", _one("lists prepared")),
    "prepare_g2": ("preparing", _one("keys prepared")),
    "divide": ("secret key", _one("divisions by a key")),
    "public_key": ("secret key", _one("public keys")),
}
"""What each method of a group, its hashing and its secret keys counts as."""

KINDS: Final = tuple(dict.fromkeys(kind for kind, _ in _KINDS.values()))


@dataclass(frozen=True)
class Call:
    """One call: its kind, what it counts, and the same call once more."""

    kind: str
    counts: Counts
    again: Operation


@dataclass
class _Calls:
    """What was called while it is `open`."""

    made: list[Call] = field(default_factory=list)
    open: bool = False


class _Recorded:
    """An object whose calls are kept; what it hands out as `hashing` or as a secret key is recorded too."""

    def __init__(self, target: object, calls: _Calls) -> None:
        self._target, self._calls = target, calls

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        if name == "hashing":
            return value and _Recorded(value, self._calls)
        if name == "secret_key":
            return lambda octets: _Recorded(value(octets), self._calls)
        if name not in _KINDS or not self._calls.open:
            return value
        kind, count = _KINDS[name]

        def record(*given: Any, **named: Any) -> Any:
            again: Operation = lambda: value(*given, **named)  # noqa: E731
            self._calls.made.append(Call(kind, count(*given, **named), again))
            return again()

        return record


class Counting:
    """A group beside the calls that it got.

    While nothing is counted it is the group itself, a look-up slower: what was counted can be measured over
    the same tables, of which there would otherwise be two in the processor's caches.
    """

    def __init__(self, group: Group) -> None:
        self._calls = _Calls()
        self.group = cast(Group, _Recorded(group, self._calls))

    def calls_of(self, operation: Operation) -> tuple[Call, ...]:
        """Run an operation over the group twice, and return what the second run, with all caches, called."""
        operation()
        self._calls.open = True
        try:
            operation()
            return tuple(self._calls.made)
        finally:
            self._calls.made, self._calls.open = [], False


def totals(calls: Sequence[Call]) -> Counts:
    """Add up what some calls count; what is 0 is left out, and each kind's calls are counted as well."""
    counted = Counter[str]()
    for call in calls:
        counted.update(call.counts)
        counted[f"{call.kind} calls"] += 1
    return {name: number for name, number in counted.items() if number}
