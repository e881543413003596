"""Tables and value gadgets over curves without pairings: the same code, checked by the holder of the keys."""

from dataclasses import dataclass, replace
from functools import cache

import pytest

from bbs.engine import Builder, Claim, Statement, Values, prove
from bbs.errors import InputError, VerificationError
from bbs.gadgets import Commitment
from bbs.gadgets.membership import Membership
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.small_set import NoneOf, OneOf
from bbs.gadgets.tables import Table, load_table, octets_to_table, sign_table
from bbs.keyed import Curve, KeyedSuite, Mac, prove_macs, verify_macs
from tests.bbs.engine.cases import outcomes
from tests.bbs.keyed.cases import CONTEXT, CURVES, secret_key, verifying

DIGITS = tuple(range(256))


@cache
def table(curve: Curve, seed: int = 1001, purpose: str = "digits", listed: tuple[int, ...] = DIGITS) -> Table:
    key = secret_key(curve, seed)
    return sign_table(verifying(curve), key, key.public_key, purpose, listed)


def held(suite: KeyedSuite, each: Table) -> Table:
    """The same table as a holder of no key has it."""
    return octets_to_table(suite, each.octets)


@dataclass(frozen=True)
class Compiled:
    """A committed m that is in a range, in a list, one of two values and none of another two."""

    statement: Statement
    committed: Commitment
    range: Range
    member: Membership
    one_of: OneOf
    none_of: NoneOf

    @classmethod
    def by(cls, suite: KeyedSuite) -> "Compiled":
        digits, listed = table(suite.curve), table(suite.curve, 1002, "list", (100, 700, 5000))
        builder = Builder(suite)
        m = builder.witness("m")
        committed = Commitment.add_to(builder.scope("m"), m)
        quantity = Quantity.attribute(m, 0, 60_000)
        gadgets = (
            Range.add_to(builder.scope("range"), quantity, held(suite, digits), minimum=18, maximum=900),
            Membership.add_to(builder.scope("list"), m, held(suite, listed)),
            OneOf.add_to(builder.scope("one of"), m, (700, 5000)),
            NoneOf.add_to(builder.scope("none of"), m, (0, 100)),
        )
        return cls(builder.build(), committed, *gadgets)


def presented(curve: Curve, m: int) -> Claim:
    """Prove it as a holder, to be verified by the check service."""
    parts = Compiled.by(KeyedSuite(curve))
    values = Values(parts.statement)
    parts.committed.assign(values, m)
    parts.range.assign(values, {parts.committed.m: m})
    for gadget in (parts.member, parts.one_of, parts.none_of):
        gadget.assign(values, m)
    proof = prove(parts.statement, CONTEXT, values)
    return Claim(Compiled.by(verifying(curve)).statement, CONTEXT, proof)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_the_value_gadgets_need_no_pairing(curve: Curve) -> None:
    claims = [presented(curve, 700) for _ in range(3)]
    false = replace(claims[0], proof=claims[0].proof[:-1] + bytes([claims[0].proof[-1] ^ 1]))
    assert outcomes([claims[0], false, *claims[1:]]) == ["OK", "PROOF_INVALID", "OK", "OK"]
    for m in (100, 5000, 699):
        with pytest.raises(InputError, match="UNSATISFIED"):
            presented(curve, m)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_the_holder_of_the_key_checks_a_table_and_proves_it_to_others(curve: Curve) -> None:
    mine, key = table(curve, 1003, "list", (1, 2, 3)), secret_key(curve, 1003)
    false = replace(mine, entries=(*mine.entries[:2], mine.entries[0]))
    assert load_table(verifying(curve), mine.octets).digest == mine.digest
    with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
        load_table(verifying(curve), false.octets)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        load_table(KeyedSuite(curve), mine.octets)
    proof = prove_macs(key, macs(mine))
    verify_macs(curve, mine.key, macs(held(KeyedSuite(curve), mine)), proof)
    with pytest.raises(VerificationError, match="PROOF_INVALID"):
        verify_macs(curve, mine.key, macs(held(KeyedSuite(curve), false)), proof)


def macs(each: Table) -> list[Mac]:
    return [Mac(C, y, each.V.point) for C, y in zip(each.entries, each.scalars, strict=True)]
