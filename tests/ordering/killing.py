"""Nine cities whose engines and machines are killed at random while they order, and what has to hold then."""

import os
import random
import time
from typing import Final

from ordering import state
from ordering.errors import RefusedError, StateError
from ordering.transactions import Claim, Transaction
from tests.ordering.engines import Cities, Member, until

SECONDS: Final = float(os.environ.get("ZK_CONSORTIUM_SECONDS", "480"))
"""How long processes are killed for."""
REFERENCE: Final = bytes([9]) * 32
_FEWEST: Final = 5
"""So many transactions at least are accepted meanwhile, or nothing was tried."""


def submit(member: Member, data: bytes) -> int:
    with member.client() as client:
        return client.submit(Transaction.parse(data)).height


def claim(member: Member, tag: int) -> bytes:
    return member.city.says(Claim("scope", tag.to_bytes(32, "big"), REFERENCE))


def killed_at_random(cities: Cities, seconds: float) -> tuple[int, int]:
    """Kill for so long; then all agree, and every transaction that was accepted is there.

    Return how often something was killed, and how many transactions were accepted.
    """
    seed = time.time_ns()
    drawn, accepted, tag, killed = random.Random(seed), set[int](), 0, 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends or len(accepted) < _FEWEST:
        assert time.monotonic() < ends + 300, f"nothing is accepted (seed {seed})"
        member = drawn.choice(cities.members)
        if drawn.random() < 0.2:
            _kill(member, drawn)
            killed += 1
            continue
        tag += 1
        try:
            submit(member, claim(member, tag))
        except (StateError, RefusedError):
            continue  # it may be there all the same, and need not be
        accepted.add(tag)
    until(lambda: all(each.running.runs and each.height() for each in cities.members), 300)
    cities.agree()
    for member in cities.members:
        with member.client() as client:
            for each in accepted:
                row = client.read(state.claim_key("scope", each.to_bytes(32, "big")))
                assert row.value is not None, (member.city.name, each, seed)
    return killed, len(accepted)


def _kill(member: Member, drawn: random.Random) -> None:
    """Kill engine, machine or both, leave it so for a moment, and start what is missing."""
    half = drawn.randrange(3)
    member.running.kill(engine=half != 1, application=half != 0)
    time.sleep(drawn.random() * 3)
    member.running.kill()
    member.running.start()
