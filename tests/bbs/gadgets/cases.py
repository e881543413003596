"""Credentials over numbers and codes, statements about them, honest provers and lying ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from bbs import SHA_256, PreparedCredential, groups
from bbs.credential import core_prepare_credential
from bbs.engine import Base, Builder, Claim, Scope, Statement, Values, Witness, prove
from bbs.gadgets import Credential
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.tables import DIGITS, Table, sign_table
from bbs.gadgets.weak_bb import WeakBB
from bbs.hashing import hash_to_scalar
from bbs.serialization import octets_to_signature
from bbs.signature import calculate_domain, core_sign
from tests.bbs.engine.cases import CONTEXT, DEFAULT, ciphersuite, held, outcome, outcomes, secret_key, suite

FAST = [name for name in groups.available() if name != "py_ecc"]
OFFSET = 1 << 63
LOW, HIGH = -1000, 60_000
"""The typed bounds of every number here."""
ABSENT = hash_to_scalar(b"absent", b"test", suite=SHA_256)
CODES = tuple(hash_to_scalar(bytes([i]), b"test-code", suite=SHA_256) for i in range(20))
NUMBER, OTHER, CODE, OPTIONAL = 1, 2, 3, 4
"""The slots of a credential; slot 0 is the holder's secret."""


def scalars(
    number: int = 700, other: int = 50, code: int = CODES[0], optional: int = ABSENT
) -> tuple[int, ...]:
    """The scalars of a credential, of numbers with their offset."""
    return (123456789, number + OFFSET, other + OFFSET, code, optional)


def quantity(m: Witness) -> Quantity:
    return Quantity.attribute(m, LOW, HIGH, OFFSET)


@cache
def credential(messages: tuple[int, ...], seed: bytes = b"A", group: str = DEFAULT) -> PreparedCredential:
    """A credential over scalars."""
    sk, generators, api_id = secret_key(seed, group), held(group=group).generators, SHA_256.api_id
    octets = core_sign(sk, sk.public_key(), generators, b"", messages, api_id)
    signature = octets_to_signature(octets, suite=ciphersuite(group))
    return core_prepare_credential(sk.public_key(), signature, generators, b"", messages, api_id)


def add_credential(scope: Scope, seed: bytes = b"A", group: str = DEFAULT, **shared: Any) -> Credential:
    """State one of an issuer, nothing shown."""
    key, generators = secret_key(seed, group).public_key(), held(group=group).generators
    domain = calculate_domain(key, generators, b"", SHA_256.api_id)
    return Credential.add_to(scope, key, generators, domain, {}, **shared)


@cache
def table(
    purpose: str = DIGITS,
    listed: tuple[int, ...] = tuple(range(256)),
    seed: bytes = b"T",
    group: str = DEFAULT,
) -> Table:
    """A table whose key the tests know."""
    key = secret_key(seed, group)
    return sign_table(suite(group), key.group_key, key.public_key(), purpose, listed)


@cache
def districts(group: str = DEFAULT) -> Table:
    return table("districts", CODES[:10], b"D", group)


State = Callable[[Scope, Mapping[int, Witness]], Any]
Assign = Callable[[Any, Values, Mapping[Witness, int]], object]


@dataclass(frozen=True)
class Case:
    """A gadget about the slots of one credential, and how an honest prover gives its values."""

    state: State
    assign: Assign
    group: str = DEFAULT

    def compile(self) -> tuple[Statement, Credential, Any]:
        builder = Builder(suite(self.group))
        mine = add_credential(builder.scope("credential"), group=self.group)
        gadget = self.state(builder.scope("gadget"), mine.messages)
        return builder.build(), mine, gadget

    def values(self, messages: tuple[int, ...], assign: Assign | None = None) -> Values:
        statement, mine, gadget = self.compile()
        values = Values(statement)
        mine.assign(values, credential(messages, group=self.group))
        (assign or self.assign)(gadget, values, {name: messages[i] for i, name in mine.messages.items()})
        return values

    def claim(self, messages: tuple[int, ...], assign: Assign | None = None) -> Claim:
        """Prove it, by other values if `assign` is given; the verifier compiles for itself."""
        values = self.values(messages, assign)
        return Claim(self.compile()[0], CONTEXT, prove(values.statement, CONTEXT, values))

    def holds(self, messages: tuple[int, ...]) -> None:
        assert outcome(self.claim(messages)) == "OK"


def pretend(member: WeakBB, values: Values, y: int, C: Base, signed: int | None = None) -> None:
    """Show a signature that is on something else than y.

    Either with the right equation, so that the signature is false, or if `signed` is given with the right
    signature on that, so that the equation is.
    """
    (t,) = values.random(1)
    values.set(member.y, y)
    values.set(member.t, -t)
    values.send(member.C1, {C: t})
    values.send(member.C2, {member.V: t, C: -(y if signed is None else signed) * t})


@cache
def honest() -> Sequence[Claim]:
    """A hundred that hold."""
    case = Case(
        lambda scope, m: Range.add_to(scope, quantity(m[NUMBER]), table(), minimum=18),
        lambda gadget, values, given: gadget.assign(values, given),
    )
    return [case.claim(scalars(number=18 + i)) for i in range(100)]


def refused(bad: Claim) -> str:
    """Return the reason, which it gets alone and hidden among a hundred honest ones."""
    alone = outcome(bad)
    assert outcomes([*honest()[:63], bad, *honest()[63:]]) == ["OK"] * 63 + [alone] + ["OK"] * 37
    return alone
