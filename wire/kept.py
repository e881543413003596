"""What a reader of what is published keeps: what never changes, and what it was told a moment ago."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bbs.accumulator import Epoch
from disclosure import Accumulator, PolicyName, Schema, SchemaName, VerifierName
from disclosure.composite import Published, Regulator
from disclosure.policy import RegisteredPolicy
from zkproto.v1.states_pb2 import States

TOLD_SECONDS: Final = 5.0


@dataclass
class Told:
    """How the keys and accumulators of requests stood when the service handed the requests out.

    It counts once, and for `TOLD_SECONDS`.
    """

    monotonic: Callable[[], float] = time.monotonic
    _states: dict[bytes, tuple[float, States]] = field(default_factory=dict)

    def keep(self, digest: bytes, states: States) -> None:
        """Keep what was said with the request of a digest; what was said before and is too old goes."""
        now = self.monotonic()
        self._states = {name: each for name, each in self._states.items() if now < each[0]}
        self._states[digest] = now + TOLD_SECONDS, states

    def of(self, digest: bytes) -> States | None:
        """Return what was said with a request, if it counts still."""
        until, states = self._states.pop(digest, (0.0, None))
        return states if self.monotonic() < until else None


@dataclass
class Kept:
    """What was read and never changes: keep one for as long as there is memory for it, over many channels."""

    schemas: dict[SchemaName, Schema] = field(default_factory=dict)
    policies: dict[PolicyName, RegisteredPolicy] = field(default_factory=dict)
    verifiers: dict[VerifierName, bytes] = field(default_factory=dict)
    tables: dict[bytes, Published] = field(default_factory=dict)
    regulators: dict[bytes, Regulator] = field(default_factory=dict)
    epochs: dict[tuple[bytes, int], Epoch] = field(default_factory=dict)
    accumulators: dict[tuple[str, str, bytes], Accumulator] = field(default_factory=dict)
    proofs: dict[bytes, bytes] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
