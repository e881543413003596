"""How a chain begins: its name and its first operators, as the engine's genesis file holds them."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from ordering.errors import RefusedError, StateError
from ordering.octets import Reader, Writer
from ordering.operators import Operator
from ordering.transactions import MAX_CHAIN_OCTETS


@dataclass(frozen=True)
class Genesis:
    """The chain's name, and the operators that it begins with."""

    chain: str
    operators: tuple[Operator, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.chain.encode()) <= MAX_CHAIN_OCTETS:
            raise StateError("a chain's name has from 1 to 50 octets")
        if not self.operators:
            raise StateError("a chain begins with an operator")

    def app_state(self) -> dict[str, Any]:
        """Return what stands under `app_state` in the engine's genesis file."""
        return {
            "operators": [
                base64.b64encode(each.write(Writer()).to_bytes()).decode() for each in self.operators
            ]
        }

    @classmethod
    def parse(cls, chain: str, app_state: bytes) -> "Genesis":
        """Decode what the engine passes on; StateError."""
        try:
            given = json.loads(app_state)["operators"]
            return cls(chain, tuple(_operator(base64.b64decode(each, validate=True)) for each in given))
        except (ValueError, KeyError, TypeError, binascii.Error, RefusedError, RecursionError) as error:
            raise StateError(f"the genesis file names no operators: {error}") from None


def _operator(data: bytes) -> Operator:
    reader = Reader(data)
    found = Operator.take(reader)
    reader.end()
    return found
