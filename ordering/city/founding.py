"""How a chain is founded by cities on hosts of their own: one document, of which each checks all.

It names the chain, the time that it begins at, and the founders' cards. Whoever collects them can leave a
city out, and can do nothing else: each city looks for its own card, checks the signatures of all, and
compares the document's digest with the others' by another way.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ordering.city.card import Card, decoded
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.state import MAX_OPERATORS

FORMAT: Final = "zk-disclosure/consortium/genesis/v1"
MAX_OCTETS: Final = 1 << 20
_PREFIX: Final = b"zk-disclosure/consortium/genesis/v1\n"
_FIELDS: Final = frozenset({"format", "chain", "begins", "cards"})
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Founding:
    """A chain's name, when it begins (UTC, whole seconds), and its founders in the order of their names."""

    chain: str
    begins: dt.datetime
    cards: tuple[Card, ...]

    @classmethod
    def of(cls, chain: str, begins: dt.datetime, cards: Sequence[Card]) -> "Founding":
        """Found a chain; StateError for cards that do not go together."""
        made = cls(
            chain,
            begins.astimezone(dt.UTC).replace(microsecond=0),
            tuple(sorted(cards, key=lambda each: each.operator.name)),
        )
        made._check()
        return made

    @property
    def genesis(self) -> Genesis:
        """What the machines begin with."""
        return Genesis(self.chain, tuple(each.operator for each in self.cards))

    @property
    def digest(self) -> bytes:
        """What founders compare."""
        return hashlib.sha256(_PREFIX + self.to_bytes()).digest()

    def card(self, name: str) -> Card | None:
        """Return a founder's card."""
        return next((each for each in self.cards if each.operator.name == name), None)

    def to_bytes(self) -> bytes:
        """Return the file's octets, which are the same for the same chain."""
        document = {
            "format": FORMAT,
            "chain": self.chain,
            "begins": self.begins.strftime(_TIME),
            "cards": [each.document() for each in self.cards],
        }
        return (json.dumps(document, indent=1) + "\n").encode()

    @classmethod
    def parse(cls, data: bytes) -> "Founding":
        """Decode a file strictly, with every card's signatures; StateError."""
        if len(data) > MAX_OCTETS:
            raise StateError("the genesis is too long")
        given = decoded(data, "the genesis")
        if not isinstance(given, dict) or set(given) != _FIELDS or given["format"] != FORMAT:
            raise StateError("that is no genesis of this version")
        chain, cards = given["chain"], given["cards"]
        if not isinstance(chain, str) or not isinstance(cards, list) or len(cards) > MAX_OPERATORS:
            raise StateError("the genesis cannot be read")
        made = cls.of(chain, _time(given["begins"]), [Card.of(each) for each in cards])
        if made.to_bytes() != data:
            raise StateError("the genesis is not written as it has to be")
        return made

    def _check(self) -> None:
        """Check what the machines would refuse, before anybody starts one."""
        if not self.chain.isascii() or not self.chain.isprintable():
            raise StateError("a chain's name is of printable ASCII characters")
        _ = self.genesis  # it says itself what is missing
        if len(self.cards) > MAX_OPERATORS or not any(each.operator.power for each in self.cards):
            raise StateError("nobody would make a block, or there are too many")
        columns: tuple[list[Any], ...] = (
            [each.operator.name for each in self.cards],
            [each.operator.key for each in self.cards],
            [each.operator.validator for each in self.cards],
            [each.operator.log.name for each in self.cards],
            [each.node for each in self.cards],
            [each.address for each in self.cards],
        )
        if any(len(set(column)) != len(self.cards) for column in columns):
            raise StateError("two cards have a name, a key, a log or an address in common")


def _time(written: Any) -> dt.datetime:
    try:
        return dt.datetime.strptime(written, _TIME).replace(tzinfo=dt.UTC)
    except (TypeError, ValueError):
        raise StateError("the genesis does not say when it begins") from None
