"""What composite presentations cost: to prove, to verify alone, and each of a batch.

Credentials of ten messages in the composite layout (holder secret, handle, expiry, then attributes), three
shown. Tables, keys, epochs and prepared credentials are there before the first run, as holders and verifiers
have them. Points travel compressed, as in the canonical octets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from bbs import SHA_256, Ciphersuite, PreparedCredential, SecretKey
from bbs.accumulator import AccumulatorSecret, Epoch, MembershipWitness
from bbs.credential import core_prepare_credential
from bbs.engine import (
    Builder,
    Claim,
    PairingSuite,
    Scope,
    Statement,
    Values,
    Verified,
    Witness,
    prove,
    verify,
    verify_batch,
)
from bbs.gadgets import Credential, NonRevocation, Pseudonym
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.tables import DIGIT_BASE, DIGITS, Table, new_table
from bbs.generators import create_generators
from bbs.groups.protocol import Group
from bbs.scalars import calculate_random_scalars
from bbs.serialization import octets_to_signature
from bbs.signature import core_sign
from zk.bench.rows import Message, Row, Scale, Watch
from zk.bench.scheme import BATCH, REFERENCE, Planned, measured

API: Final = b"BENCHMARK_"
HEADER: Final = b"header"
CONTEXT: Final = (("request", b"nonce of the verifier"),)
L: Final = 10
HOLDER, HANDLE, FIRST = 0, 1, 3
SHOWN: Final = (7, 8, 9)
LEAST, VALUE, MOST = 10_000, 12_345, 0xFFFF
"""An attribute of 16 bits with its bound."""


@dataclass(frozen=True)
class Shape:
    """How many credentials of as many issuers, with how many ranges, and what else is proven.

    The names of its rows, and the limits of these: to prove, to verify alone, each of a batch.
    """

    prove: str
    verify: str
    batch: str
    limits: tuple[float, float, float]
    credentials: int = 1
    ranges: int = 0
    revocation: bool = False
    pseudonym: bool = False


SHAPES: Final = (
    Shape("bench.row.one.prove", "bench.row.one.verify", "bench.row.one.batch", (1.0, 2.0, 0.45)),
    Shape(
        "bench.row.range.prove", "bench.row.range.verify", "bench.row.range.batch", (1.8, 2.9, 0.9), ranges=1
    ),
    Shape(
        "bench.row.revocation.prove", "bench.row.revocation.verify", "bench.row.revocation.batch",
        (2.3, 3.6, 1.2), ranges=1, revocation=True,
    ),
    Shape(
        "bench.row.three.prove", "bench.row.three.verify", "bench.row.three.batch",
        (8, 9, 3.5), credentials=3, ranges=2, revocation=True, pseudonym=True,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A credential with its issuer's key, an epoch of the issuer's accumulator, and the handle's witness."""

    key: bytes
    credential: PreparedCredential
    epoch: Epoch
    witness: MembershipWitness

    @classmethod
    def issued(cls, suite: Ciphersuite, holder: int) -> "Held":
        """Have a new department issue to a holder, and revoke somebody else."""
        secret, accumulator = SecretKey.generate(suite=suite), AccumulatorSecret.generate(suite=suite)
        start, handle = accumulator.key.start, 1_000_003
        epoch = Epoch(0, start, 0).followed_by(start.after(accumulator.revoke([5], start, ())), 1)
        messages = [holder, handle, 20_000, *range(VALUE, VALUE + L - 3)]
        generators, key = create_generators(L + 1, API, suite=suite), secret.public_key()
        signature = octets_to_signature(
            core_sign(secret, key, generators, HEADER, messages, API), suite=suite
        )
        credential = core_prepare_credential(key, signature, generators, HEADER, messages, API)
        return cls(key, credential, epoch, accumulator.witness(handle, epoch.position, ()))


@dataclass(frozen=True)
class Case:
    """Presentations of one shape by one holder."""

    suite: PairingSuite
    shape: Shape
    digits: Table
    held: tuple[Held, ...]

    @classmethod
    def of(cls, suite: Ciphersuite, shape: Shape, digits: Table) -> "Case":
        """Have the credentials issued."""
        (holder,) = calculate_random_scalars(1)
        held = tuple(Held.issued(suite, holder) for _ in range(shape.credentials))
        return cls(PairingSuite(suite), shape, digits, held)

    @cached_property
    def claim(self) -> Claim:
        """A presentation, to be verified again and again."""
        return Claim(self.compile().statement, CONTEXT, self.prove())

    def prove(self) -> bytes:
        """Compile and prove."""
        compiled = self.compile()
        return prove(compiled.statement, CONTEXT, compiled.assigned(self.held))

    def verify(self) -> Verified:
        """Compile and verify alone."""
        return verify(self.compile().statement, CONTEXT, self.claim.proof)

    def compile(self) -> "Compiled":
        """Compile the statement, as holder and verifier both do for each presentation."""
        builder = Builder(self.suite)
        holder = builder.witness("holder")
        credentials = tuple(
            _credential(builder.scope(f"credential {place}"), held, holder)
            for place, held in enumerate(self.held)
        )
        ranges = tuple(
            _range(builder.scope(f"range {place}"), credentials[place % len(credentials)], self.digits)
            for place in range(self.shape.ranges)
        )
        members = tuple(
            NonRevocation.add_to(builder.scope(f"member {place}"), each.messages[HANDLE], held.epoch)
            for place, (each, held) in enumerate(zip(credentials, self.held, strict=True))
            if self.shape.revocation
        )
        pseudonyms = tuple(
            Pseudonym.add_to(builder.scope("pseudonym"), holder, b"scope")
            for _ in range(int(self.shape.pseudonym))
        )
        return Compiled(builder.build(), credentials, ranges, members, pseudonyms)


def _credential(scope: Scope, held: Held, holder: Witness) -> Credential:
    credential = held.credential
    shown = {index: credential.messages[index] for index in SHOWN}
    shared = {HOLDER: holder}
    return Credential.add_to(scope, held.key, credential.generators, credential.domain, shown, shared)


def _range(scope: Scope, credential: Credential, digits: Table) -> Range:
    quantity = Quantity.attribute(credential.messages[FIRST], 0, MOST)
    return Range.add_to(scope, quantity, digits, minimum=LEAST)


@dataclass(frozen=True)
class Compiled:
    """A statement with the gadgets that it is made of."""

    statement: Statement
    credentials: tuple[Credential, ...]
    ranges: tuple[Range, ...]
    members: tuple[NonRevocation, ...]
    pseudonyms: tuple[Pseudonym, ...]

    def assigned(self, held: tuple[Held, ...]) -> Values:
        """Return the holder's secrets."""
        values = Values(self.statement)
        for credential, each in zip(self.credentials, held, strict=True):
            credential.assign(values, each.credential)
        for place, ranged in enumerate(self.ranges):
            ranged.assign(values, {self.credentials[place % len(held)].messages[FIRST]: VALUE})
        for member, each in zip(self.members, held, strict=False):
            member.assign(values, each.witness)
        for pseudonym in self.pseudonyms:
            pseudonym.assign(values, held[0].credential.messages[HOLDER])
        return values


@dataclass(frozen=True)
class Batch:
    """Presentations of one case, all different, to be verified together."""

    case: Case
    proofs: tuple[bytes, ...]

    @classmethod
    def of(cls, case: Case, size: int) -> "Batch":
        """Make them."""
        return cls(case, tuple(case.prove() for _ in range(size)))

    def verify(self) -> None:
        """Compile each and verify all; RuntimeError unless every one holds."""
        claims = [Claim(self.case.compile().statement, CONTEXT, proof) for proof in self.proofs]
        if not all(isinstance(verdict, Verified) for verdict in verify_batch(claims)):
            raise RuntimeError("a presentation of the benchmark does not hold")


def composite(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure each shape; nothing for the reference group, whose operations take minutes."""
    if group.name == REFERENCE:
        return
    suite = SHA_256.with_group(group)
    digits = new_table(suite, DIGITS, range(DIGIT_BASE))
    for shape in SHAPES:
        case = Case.of(suite, shape, digits)
        prove_limit, verify_limit, batch_limit = shape.limits
        size = {"octets": len(case.claim.proof)}
        plan = [
            Planned(Message(shape.prove, size), case.prove, prove_limit),
            Planned(Message(shape.verify), case.verify, verify_limit),
        ]
        yield from measured(group, plan, scale.rounds, watch, plan[0].label)
        label = Message(shape.batch, {"size": BATCH})
        batch = Planned(label, Batch.of(case, BATCH).verify, batch_limit, share=BATCH)
        yield from measured(group, [batch], scale.batches, watch, label)
