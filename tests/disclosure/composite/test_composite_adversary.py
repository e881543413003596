"""Holders of valid credentials who lie about what they hold: each lie alone, and hidden among a hundred.

| lie | here, by its name |
| --- | --- |
| out of range by one at both ends | range, expiry, sum |
| wrap around the group order | wraps around |
| digit of another key | digits of |
| witness of another handle | witness of |
| revoked yesterday | revoked |
| stale epoch | epoch, a witness of the epoch before |
| two holders' credentials mixed | two holders |
| pseudonym of another scope | pseudonym |
| escrow to another key | escrow |
| every other predicate of the form | predicate |

Swapped T, zero points, points outside the subgroup, responses, duplicated names, reordered statements and
those of a different request are lies of octets and of order: test_composite_adversary_octets.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import pytest

from bbs.accumulator import MembershipWitness
from bbs.engine import Base
from bbs.gadgets.pseudonym import Purpose, pseudonym_base
from bbs.groups.bls12_381 import r
from disclosure import VerifierName
from disclosure.composite import (
    CompositeClaim,
    CompositeDirectory,
    CompositeRequest,
    HolderSecret,
    Holding,
    PublishedDigits,
    VerifierScope,
)
from tests.disclosure.composite.adversary import (
    ASKED,
    LEAN,
    YESTERDAY,
    Draft,
    Lie,
    Tell,
    alone,
    among_a_hundred,
    base,
    check_alone,
    check_hidden,
    claimed,
    generator,
    lean,
    repair,
    same,
    tell_nothing,
)
from tests.disclosure.composite.policy import POLICE_ACCUMULATOR, REQUEST, holdings
from tests.disclosure.composite.test_composite_collusion import kept
from tests.disclosure.composite.test_composite_holding import LIES as OF_EVERY_PREDICATE
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    CITY_DIGITS,
    DIRECTORY,
    HRSS,
    PAIRING,
    PERMIT,
    POLICE,
    SCHOOL,
    SCHOOL_2,
    accepted,
    directory,
    held,
)


def in_two_ways(
    name: str,
    holdings: Callable[[], Mapping[str, Holding]],
    asked: Callable[[], CompositeRequest] = lambda: ASKED,
    known: Callable[[], CompositeDirectory] = lambda: DIRECTORY,
    tell: Tell = tell_nothing,
) -> dict[str, Lie]:
    """Tell what credentials do not say by a false equation, and with true equations by a false signature."""
    return {
        f"{name}, by a false {what}": Lie(
            lambda told=told: claimed(holdings(), told, asked=asked(), known=known())  # type: ignore[misc]
        )
        for what, told in {"equation": tell, "signature": repair}.items()
    }


# --- out of range by one, the digit that wraps around, digits of another key


OUT_OF_RANGE: dict[str, Callable[[], Mapping[str, Holding]]] = {
    "range: a month below": lambda: lean(permit={"months": 11}, insurance={"months": 100}),
    "range: a month above": lambda: lean(permit={"months": 301}),
    "expiry: a day before": lambda: lean(permit={"expiry": YESTERDAY}),
    "sum: one short": lambda: lean(insurance={"months": 17}),
}


class Side(NamedTuple):
    """One side of a range of two digits: where it stands, whose digits, and who misses it by one."""

    begin: str
    end: str
    digits: PublishedDigits
    holdings: Callable[[], Mapping[str, Holding]]


SIDES = {
    "below": Side("predicate 0/", "/minimum", POLICE.digits, OUT_OF_RANGE["range: a month below"]),
    "above": Side("predicate 0/", "/maximum", POLICE.digits, OUT_OF_RANGE["range: a month above"]),
    "in a sum": Side("predicate 2/", "/minimum", CITY_DIGITS, OUT_OF_RANGE["sum: one short"]),
}


def wraps_around(side: Side, lowest: int) -> Lie:
    """-1 = d_0 + 256*d_1 modulo r, with a true signature on d_0: then d_1 is no digit."""

    def tell(draft: Draft) -> None:
        draft.set(side.begin, f"{side.end}/d1/d", (-1 - lowest) * pow(256, -1, r))
        draft.possess(side.begin, f"{side.end}/d0", side.digits.table.signature(lowest), lowest)
        draft.repair()
        assert draft.x[draft.equation(side.begin, f"{side.end}/d0/C''").terms[0][0]] == lowest

    return Lie(lambda: claimed(side.holdings(), tell))


def claimed_with(
    holdings: Callable[[], Mapping[str, Holding]], tell: Tell, secret: HolderSecret = ALICE
) -> CompositeClaim:
    return claimed(holdings(), tell, secret=secret)


def signed(side: Side, number: int, sign: Callable[[int], Base]) -> Tell:
    """Write a number as one digit, the other 0, with signatures of anybody's. All equations are true."""

    def tell(draft: Draft) -> None:
        draft.set(side.begin, f"{side.end}/d1/d", 0)
        draft.possess(side.begin, f"{side.end}/d0", sign(number), number)
        draft.possess(side.begin, f"{side.end}/d1", sign(0), 0)

    return tell


def liars_signature(digit: int) -> Base:
    """Under a key that the liar has: it signs -1 as well."""
    secret, published = kept()
    return base(secret.group_key.divide(published.table.V.point, digit % r))


def ranges() -> dict[str, Lie]:
    lies: dict[str, Lie] = {}
    for name, out in OUT_OF_RANGE.items():
        lies |= in_two_ways(name, out)
    for name, side in SIDES.items():
        for lowest in (0, 255):
            lies[f"it wraps around {name}, over {lowest}"] = wraps_around(side, lowest)
        tell = signed(side, -1, liars_signature)
        lies[f"digits of the liar's own key {name}"] = Lie(partial(claimed_with, side.holdings, tell))
    for whose, published in {"another department": HRSS.digits, "the city": CITY_DIGITS}.items():
        tell = signed(SIDES["below"], 82 - 12, published.table.signature)
        lies[f"digits of {whose} for a true number"] = Lie(partial(claimed_with, lean, tell))
    return lies


# --- witnesses, revocation, epochs


def with_witness(make: Callable[[MembershipWitness], MembershipWitness]) -> Mapping[str, Holding]:
    holding = lean()["permit"]
    assert holding.witness is not None
    return {**lean(), "permit": replace(holding, witness=make(holding.witness))}


def of_another_handle(_: MembershipWitness) -> MembershipWitness:
    other = held(PERMIT, BOB).witness
    assert other is not None
    return other


def of_another_accumulator(mine: MembershipWitness) -> MembershipWitness:
    return replace(HRSS.accumulator.witness(mine.y, HRSS.epochs[2].position, ()), at=mine.at)


def of_the_epoch_before(mine: MembershipWitness) -> MembershipWitness:
    old = held(PERMIT, epoch=1).witness
    assert old is not None
    return replace(old, at=mine.at)


@cache
def revoked() -> CompositeDirectory:
    """The department revokes the liar's permit, in epoch 3."""
    at = POLICE.epochs[2].position
    page = POLICE.accumulator.revoke([lean()["permit"].credential.handle], at, ())
    epoch = POLICE.epochs[2].followed_by(at.after(page), 9)
    published = replace(POLICE.published, epochs={**POLICE.epochs, 3: epoch})
    return directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})


def of_yesterday(mine: MembershipWitness) -> MembershipWitness:
    return replace(mine, at=revoked().accumulators[POLICE_ACCUMULATOR].latest.position)


def the_value_itself(mine: MembershipWitness) -> MembershipWitness:
    """The new value is a witness of the revoked handle, for the value before."""
    return replace(of_yesterday(mine), C=of_yesterday(mine).at.V)


def asking_for(oldest: int) -> CompositeRequest:
    permit = replace(LEAN.queries[0], issuers=(accepted(POLICE, oldest),))
    return replace(ASKED, branches=(replace(LEAN, queries=(permit, LEAN.queries[1])),))


Verified = Callable[[], tuple[CompositeRequest, CompositeDirectory]]


def for_an_older_epoch(number: int, verified: Verified) -> Lie:
    """A true proof for an older epoch, made for a request that would accept it."""
    return Lie(
        lambda: claimed(
            {**lean(), "permit": held(PERMIT, epoch=number)},
            asked=asking_for(number),
            epoch=number,
            verified=verified(),
        ),
        "EPOCH_STALE",
    )


def under_another_number() -> CompositeClaim:
    """A true proof for the value of epoch 1, which says that it is the latest."""
    published = replace(POLICE.published, epochs={2: replace(POLICE.epochs[1], number=2)})
    known = directory(accumulators={**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published})
    stale = {**lean(), "permit": held(PERMIT, epoch=1)}
    return claimed(stale, known=known, verified=(ASKED, DIRECTORY))


def as_of(number: int) -> Tell:
    """a*C' = t*V - y*C' for the value V that the witness is of: a true signature for another value."""

    def tell(draft: Draft) -> None:
        equation = draft.equation("life 0/not revoked/", "/C''")
        ((y, C1), _), ((C2, _),) = equation.terms, equation.Y
        assert not isinstance(C1, Base)
        assert not isinstance(C2, Base)
        ((C, factor),) = draft.values._points[C1].items()
        V = base(POLICE.epochs[number].position.V)
        draft.send(C2, {V: factor, C: -factor * draft.x[y]})

    return tell


def witnesses() -> dict[str, Lie]:
    lies = in_two_ways("a witness of another handle", partial(with_witness, of_another_handle))
    before = partial(with_witness, of_the_epoch_before)
    lies |= in_two_ways("a witness of the epoch before", before, tell=as_of(1))
    # Of another department's key nobody but that department knows a*C'.
    elsewhere = partial(with_witness, of_another_accumulator)
    lies["a witness of another accumulator, by a false signature"] = Lie(lambda: claimed(elsewhere()))
    later = partial(asking_for, 3)
    for name, change in {"yesterday's witness": of_yesterday, "the value itself": the_value_itself}.items():
        mine = partial(with_witness, change)
        lies |= in_two_ways(f"revoked: {name}", mine, later, revoked, as_of(2))
    lies["revoked: the epoch before that"] = for_an_older_epoch(2, lambda: (asking_for(3), revoked()))
    lies["epoch: the one before"] = for_an_older_epoch(1, lambda: (ASKED, DIRECTORY))
    lies["epoch: the first one"] = for_an_older_epoch(0, lambda: (ASKED, DIRECTORY))
    lies["epoch: an older value under the latest number"] = Lie(under_another_number)
    return lies


# --- holders, pseudonyms, escrow


def mixed(*of_bob: str) -> Mapping[str, Holding]:
    bobs = lean(BOB)
    return {name: bobs[name] if name in of_bob else each for name, each in lean().items()}


def in_scope(
    label: str = "enrol-2026", verifier: VerifierName = SCHOOL, purpose: Purpose = Purpose.VERIFIER
) -> Base:
    return pseudonym_base(PAIRING, VerifierScope(label).octets(verifier), purpose)


def named(pseudonym: Base, k: int) -> Tell:
    return lambda draft: draft.send(draft.sent("pseudonym 0/", "N"), {pseudonym: k % r})


Encryption = tuple[dict[Base, int], dict[Base, int]]
Encrypt = Callable[[Base, Base, Base, int, int], Encryption]


def escrowed(make: Encrypt) -> Tell:
    """Send as E1 and E2 what is made of G, K0, the regulator's key, the identifier and u."""

    def tell(draft: Draft) -> None:
        (identifier, K0), (u, Y) = draft.equation("escrow 0/", "E2").terms
        ((_, G),) = draft.equation("escrow 0/", "E1").terms
        assert isinstance(G, Base)
        assert isinstance(K0, Base)
        assert isinstance(Y, Base)
        E1, E2 = make(G, K0, Y, draft.x[identifier], draft.x[u])
        draft.send(draft.sent("escrow 0/", "E1"), E1)
        draft.send(draft.sent("escrow 0/", "E2"), E2)

    return tell


ENCRYPTIONS: dict[str, Encrypt] = {
    "to another key": lambda G, K0, Y, m, u: ({G: u}, {K0: m, generator(): u}),
    "to nobody": lambda G, K0, Y, m, u: ({G: u}, {K0: m, Y: u, generator(): 1}),
    "of somebody else": lambda G, K0, Y, m, u: ({G: u}, {K0: m + 1, Y: u}),
    "of nobody": lambda G, K0, Y, m, u: ({G: u}, {Y: u}),
    "with another u": lambda G, K0, Y, m, u: ({G: u + 1}, {K0: m, Y: u}),
    "exchanged": lambda G, K0, Y, m, u: ({K0: m, Y: u}, {G: u}),
}


def people() -> dict[str, Lie]:
    lies: dict[str, Lie] = {}
    for of_bob in ("insurance", "permit"):
        for name, secret in {"Alice": ALICE, "Bob": BOB}.items():
            for how, tell in {"equation": tell_nothing, "signature": repair}.items():
                lies[f"two holders: Bob's {of_bob} with {name}'s secret, by a false {how}"] = Lie(
                    partial(claimed_with, partial(mixed, of_bob), tell, secret=secret)
                )
    # Of two holders here are the credentials and the pseudonym.
    both = partial(mixed, "permit", "insurance")
    lies["two holders: all of Bob's with Alice's secret, by a false equation"] = Lie(
        partial(claimed_with, both, tell_nothing)
    )
    names = {
        "of another scope": named(in_scope("enrol-2027"), ALICE.scalar),
        "of another verifier's": named(in_scope(verifier=SCHOOL_2), ALICE.scalar),
        "as of a subject": named(in_scope(purpose=Purpose.SUBJECT), ALICE.scalar),
        "of another holder": named(in_scope(), BOB.scalar),
        "negated": named(in_scope(), -ALICE.scalar),
        "of nobody": named(generator(), 1),
    }
    lies |= {f"pseudonym {name}": Lie(partial(claimed_with, lean, tell)) for name, tell in names.items()}
    for name, make in ENCRYPTIONS.items():
        lies[f"escrow {name}"] = Lie(partial(claimed_with, lean, escrowed(make)))
    return lies


def predicates() -> dict[str, Lie]:
    """Every predicate of the form, under the policy that has all, by lies that are told alone elsewhere."""
    return {
        f"predicate: {name}": Lie(
            lambda make=make: claimed({**holdings(), **make()}, asked=REQUEST)  # type: ignore[misc]
        )
        for name, make in OF_EVERY_PREDICATE.items()
    }


LIES = {**ranges(), **witnesses(), **people(), **predicates()}
each_lie = pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())


@each_lie
def test_a_lie_is_refused_for_its_reason(lie: Lie) -> None:
    check_alone(lie)


@each_lie
def test_a_lie_is_found_among_a_hundred_good_ones(lie: Lie) -> None:
    check_hidden(lie)


def test_all_lies_are_found_in_one_batch_with_a_hundred_good_ones() -> None:
    claims = [each.claim for each in LIES.values()]
    for found, claim in zip(among_a_hundred(claims), claims, strict=True):
        assert same(found, alone(claim))
