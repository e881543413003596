"""Holders whose vaults leak one bit: of the holder's secret, or of who it is."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from bbs.accumulator import Epoch
from bbs.groups.bls12_381 import r
from bbs.scalars import RandomScalars, calculate_random_scalars
from disclosure.composite import CompositeDirectory
from tests.disclosure.composite.policy import POLICE_ACCUMULATOR
from tests.disclosure.composite.uses import Holder, some_statement
from tests.disclosure.composite.world import DIRECTORY, POLICE, directory

OWN = 3
"""The epoch that the department shows to one holder alone."""

Leak = Callable[[Holder], Holder]


def low_bits_of_blindings(holder: Holder) -> Holder:
    """All that is drawn has the holder's bit as its lowest."""

    def random(_: Holder) -> RandomScalars:
        return lambda count: [max(2, x & ~1) | holder.bit for x in calculate_random_scalars(count)]

    return replace(holder, random=random)


def parity_of_a_response(holder: Holder) -> Holder:
    """Proofs are made until the last response has the holder's bit."""
    return replace(holder, accepts=lambda mine, presentation: presentation.proof[-1] & 1 == mine.bit)


def bit_of_the_tag(holder: Holder) -> Holder:
    def tag(mine: Holder) -> bytes:
        true = mine.keys.usage_tag()
        return bytes([true[0] & 0xFE | mine.bit]) + true[1:]

    return replace(holder, tag=tag)


def smeared_over_the_tag(holder: Holder) -> Holder:
    """Each of 128 bits tells a little: two in three times."""

    def tag(mine: Holder) -> bytes:
        word = 0
        for _ in range(128):
            word = word << 1 | (mine.bit if secrets.randbelow(3) else 1 - mine.bit)
        return word.to_bytes(16) + mine.keys.usage_tag()[16:]

    return replace(holder, tag=tag)


def fixed(count: int, step: Callable[[int, list[int]], list[int]]) -> Callable[[Holder], Holder]:
    """Of all that is drawn, what is drawn `count` at a time is drawn once, and stepped on from use to use."""

    def leak(holder: Holder) -> Holder:
        drawn, uses = calculate_random_scalars(count), [0]

        def random(_: Holder) -> RandomScalars:
            def scalars(wanted: int) -> Sequence[int]:
                if wanted != count:
                    return calculate_random_scalars(wanted)
                uses[0] += 1
                return step(uses[0], list(drawn))

            return scalars

        return replace(holder, random=random)

    return leak


same_randomness_in_A = fixed(2, lambda _, drawn: drawn)
"""r1 and r2 are those of the use before: A' and D come again."""
doubled_randomness_in_A = fixed(2, lambda use, drawn: [drawn[0], drawn[1] * pow(2, use, r) % r])
"""r2 is twice that of the use before: A' and D are, and nothing looks the same."""


def counted_u(holder: Holder) -> Holder:
    """The escrow's u, which is drawn last before the blindings, goes up by one."""
    start, uses, single = calculate_random_scalars(1)[0], [0], [0]

    def random(_: Holder) -> RandomScalars:
        single[0] = 0

        def scalars(wanted: int) -> Sequence[int]:
            single[0] += wanted == 1
            if wanted == 1 and single[0] == possessions() + 1:
                uses[0] += 1
                return [start + uses[0]]
            return calculate_random_scalars(wanted)

        return scalars

    return replace(holder, random=random)


def same_blindings(holder: Holder) -> Holder:
    """The blindings are those of the use before, all else is fresh."""
    return fixed(len(some_statement().free), lambda _, drawn: drawn)(holder)


def possessions() -> int:
    """Count the possessions of the policy, each of which draws one scalar before the escrow does."""
    return sum(each.label.endswith("/C''") for each in some_statement().equations)


def longer_note(holder: Holder) -> Holder:
    return replace(holder, note=lambda mine, note: note + bytes(mine.bit))


@cache
def own_epoch() -> CompositeDirectory:
    """A later epoch, with another value, that the department shows to one holder only."""
    at = POLICE.epochs[2].position
    page = POLICE.accumulator.revoke([99], at, ())
    epoch: Epoch = POLICE.epochs[2].followed_by(at.after(page), 9)
    published = replace(POLICE.published, epochs={**POLICE.epochs, OWN: epoch})
    return directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})


def private_epoch(holder: Holder) -> Holder:
    """Whoever has the bit answers for the epoch that nobody else was shown."""
    if not holder.bit:
        return holder
    known = own_epoch()
    at = known.accumulators[POLICE_ACCUMULATOR].latest.position
    own = POLICE.accumulator.witness(holder.holding.credential.handle, at, ())
    return replace(holder, known=known, holding=replace(holder.holding, witness=own))


def private_value(holder: Holder) -> Holder:
    """The same, under the number that everybody has: then it is the verdict that tells."""
    if not holder.bit:
        return holder
    latest = replace(own_epoch().accumulators[POLICE_ACCUMULATOR].latest, number=2)
    published = replace(POLICE.published, epochs={**POLICE.epochs, 2: latest})
    known = directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})
    return replace(private_epoch(holder), known=known)
