"""Escrow: a hidden identifier is encrypted to the regulator that is meant, and only truly."""

from dataclasses import dataclass
from functools import cache

import pytest

from bbs import PreparedCredential
from bbs.engine import Base, Builder, PairingSuite, Statement, Values, Verified, prove, verify
from bbs.engine.proof import proof_to_octets
from bbs.engine.prover import commit
from bbs.errors import DecodingError, InputError, VerificationError
from bbs.gadgets import Commitment, Credential
from bbs.gadgets.escrow import Escrow, escrow_bases, identity_octets, look_up
from bbs.gadgets.escrow_shares import (
    EscrowShare,
    OpeningCase,
    PartialOpening,
    PublicShare,
    combine,
    shared_key,
)
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import CONTEXT, FAST, held, secret_key, suite

CASE = OpeningCase("2026/17", bytes(range(32)), "who")
IDENTIFIER = 3
"""The index of the message that is escrowed."""


@pytest.fixture(params=FAST)
def group(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass(frozen=True)
class Office:
    """A regulator: two officers, what they publish, and the key that is the sum."""

    group: str
    officers: tuple[EscrowShare, ...]
    published: tuple[PublicShare, ...]

    @classmethod
    def of(cls, group: str, *officers: EscrowShare) -> "Office":
        return cls(group, officers, tuple(each.publish() for each in officers))

    @property
    def public_key(self) -> bytes:
        return shared_key(suite(self.group), self.published)

    @property
    def shares(self) -> tuple[bytes, ...]:
        return tuple(each.public_key for each in self.officers)

    def parts(self, verified: Verified, escrow: Escrow, case: OpeningCase = CASE) -> list[PartialOpening]:
        return [each.open(verified, escrow, self.shares, case) for each in self.officers]

    def open(self, verified: Verified, escrow: Escrow, case: OpeningCase = CASE) -> bytes:
        return combine(verified, escrow, self.shares, case, self.parts(verified, escrow, case))


def share(group: str, seed: int) -> EscrowShare:
    return EscrowShare.from_octets(suite(group), seed.to_bytes(32))


@cache
def regulator(group: str, seed: int = 7) -> Office:
    return Office.of(group, share(group, seed), share(group, seed + 100))


@dataclass(frozen=True)
class Shown:
    """A presentation of a credential whose identifier is escrowed, as both sides compile it."""

    statement: Statement
    credential: Credential
    escrow: Escrow

    @classmethod
    def compile(cls, group: str, key: bytes, name: str = "p", index: int = IDENTIFIER) -> "Shown":
        mine, builder = held(group=group), Builder(suite(group))
        scope = builder.scope(name)
        issuer = secret_key(b"A", group).public_key()
        credential = Credential.add_to(scope.scope("credential"), issuer, mine.generators, mine.domain, {})
        escrow = Escrow.add_to(scope.scope("escrow"), credential.messages[index], key)
        return cls(builder.build(), credential, escrow)

    def values(self, mine: PreparedCredential) -> Values:
        values = Values(self.statement)
        self.credential.assign(values, mine)
        index = next(i for i, name in self.credential.messages.items() if name == self.escrow.identifier)
        self.escrow.assign(values, mine.messages[index])
        return values

    def verified(self, group: str) -> Verified:
        return verify(self.statement, CONTEXT, prove(self.statement, CONTEXT, self.values(held(group=group))))


def test_two_officers_find_the_person_in_their_register(group: str) -> None:
    office = regulator(group)
    shown = Shown.compile(group, office.public_key)
    identity = office.open(shown.verified(group), shown.escrow)
    mine = held(group=group).messages
    register = [("somebody", 12345), ("the holder", mine[IDENTIFIER]), ("another", mine[1])]
    assert look_up(suite(group), identity, register) == "the holder"
    assert look_up(suite(group), identity, register[:1]) is None
    table = {identity_octets(suite(group), scalar): name for name, scalar in register}
    assert table[identity] == "the holder"


def test_two_presentations_of_one_identifier_have_nothing_in_common(group: str) -> None:
    key = regulator(group)
    shown = Shown.compile(group, key.public_key)
    seen = set[bytes]()
    for _ in range(3):
        verified = shown.verified(group)
        seen |= {verified.octets[shown.escrow.E1], verified.octets[shown.escrow.E2]}
        assert identity_octets(suite(group), held(group=group).messages[IDENTIFIER]) not in seen
    assert len(seen) == 6


def test_the_extractor_finds_what_the_regulator_finds(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two answers after one commitment give the identifier of the credential, and of the encryption."""
    key = regulator(group)
    shown = Shown.compile(group, key.public_key)
    commitment = commit(shown.statement, shown.values(held(group=group)))
    first, second = (commitment.respond(c) for c in (5, 6))
    pairs = zip(second.responses, first.responses, strict=True)
    x = dict(zip(shown.statement.free, ((b - a) % r for b, a in pairs), strict=True))
    assert x[shown.escrow.identifier] == held(group=group).messages[IDENTIFIER]
    monkeypatch.setattr("bbs.engine.verifier.challenge", lambda *_: 5)
    verified = verify(shown.statement, CONTEXT, proof_to_octets(shown.statement, first))
    monkeypatch.undo()  # the officers' own proofs are not answered to that challenge
    identity = key.open(verified, shown.escrow)
    assert identity == identity_octets(suite(group), x[shown.escrow.identifier])


# --- a holder that lies


@dataclass
class Lie:
    group: str
    shown: Shown
    values: Values

    def encrypt(self, identifier: int, u: int, Y: Base) -> None:
        """Replace both points, with u as the witness."""
        G, K0 = escrow_bases(suite(self.group))
        self.values._witnesses[self.shown.escrow.u] = u
        self.values._points[self.shown.escrow.E1] = {G: u}
        self.values._points[self.shown.escrow.E2] = {K0: identifier, Y: u}

    def to_another_key(self) -> None:
        other = Shown.compile(self.group, regulator(self.group, 8).public_key).escrow.Y
        self.encrypt(held(group=self.group).messages[IDENTIFIER], 99, other)

    def of_another_credential(self) -> None:
        self.encrypt(held(group=self.group).messages[IDENTIFIER] + 1, 99, self.shown.escrow.Y)

    def of_another_slot(self) -> None:
        self.encrypt(held(group=self.group).messages[1], 99, self.shown.escrow.Y)

    def swapped(self) -> None:
        points, escrow = self.values._points, self.shown.escrow
        points[escrow.E1], points[escrow.E2] = points[escrow.E2], points[escrow.E1]

    def with_two_blinds(self) -> None:
        G, _ = escrow_bases(suite(self.group))
        self.values._points[self.shown.escrow.E1] = {G: 98}


LIES = [name for name in vars(Lie) if name.startswith(("to_", "of_", "swapped", "with_"))]


@pytest.mark.parametrize("name", LIES)
def test_a_holder_that_lies_is_refused(group: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown.compile(group, regulator(group).public_key)
    for honest_prover in (True, False):
        lie = Lie(group, shown, shown.values(held(group=group)))
        getattr(lie, name)()
        if honest_prover:
            with pytest.raises(InputError, match="UNSATISFIED"):
                prove(shown.statement, CONTEXT, lie.values)
            continue
        monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
        proof = prove(shown.statement, CONTEXT, lie.values)
        with pytest.raises(VerificationError):
            verify(shown.statement, CONTEXT, proof)


def test_what_was_escrowed_to_one_key_does_not_verify_for_another(group: str) -> None:
    mine, other = (Shown.compile(group, regulator(group, seed).public_key) for seed in (7, 8))
    proof = prove(mine.statement, CONTEXT, mine.values(held(group=group)))
    with pytest.raises(VerificationError):
        verify(other.statement, CONTEXT, proof)


def test_an_encryption_copied_from_another_presentation_is_refused(
    group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has a presentation of its own opened for an encryption that it saw elsewhere."""
    shown = Shown.compile(group, regulator(group).public_key)
    victim = shown.verified(group)
    values = shown.values(held(messages=(b"m",) * 5, group=group))
    for name in (shown.escrow.E1, shown.escrow.E2):
        values._points[name] = {Base(suite(group), victim.points[name]): 1}
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    with pytest.raises(VerificationError):
        verify(shown.statement, CONTEXT, prove(shown.statement, CONTEXT, values))


@pytest.mark.parametrize("name", ["E1", "E2"])
def test_a_point_outside_the_subgroup_is_refused(group: str, name: str) -> None:
    """Both points are read outside the statement, so there is one encoding of each."""
    shown = Shown.compile(group, regulator(group).public_key)
    proof = prove(shown.statement, CONTEXT, shown.values(held(group=group)))
    at = 48 * shown.statement.sent.index(getattr(shown.escrow, name))
    outside = b"\x80" + bytes(47)  # x = 0: a point of order 3
    with pytest.raises(DecodingError, match="NOT_IN_SUBGROUP"):
        verify(shown.statement, CONTEXT, proof[:at] + outside + proof[at + 48 :])


# --- keys


@pytest.mark.parametrize("octets", [b"", bytes(48), b"\xc0" + bytes(47), b"\xff" * 48, bytes(96)])
def test_a_public_key_that_is_none_is_refused(group: str, octets: bytes) -> None:
    with pytest.raises(DecodingError):
        Shown.compile(group, octets)


def test_an_identifier_of_zero_is_said_to_be_none(group: str) -> None:
    office = regulator(group)
    builder = Builder(suite(group))
    m = builder.witness("m")
    escrow = Escrow.add_to(builder.scope("escrow"), m, office.public_key)
    Commitment.add_to(builder.scope("commitment"), m)
    values = Values(builder.build())
    Commitment.add_to(Builder(suite(group)).scope("commitment"), m).assign(values, 0)
    escrow.assign(values, 0)
    verified = verify(values.statement, CONTEXT, prove(values.statement, CONTEXT, values))
    with pytest.raises(InputError, match="DEGENERATE"):
        office.open(verified, escrow)
    for identifier in (0, -1, r):
        with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
            identity_octets(suite(group), identifier)


def test_a_suite_of_another_hash_has_other_bases() -> None:
    from bbs import SHAKE_256

    bases = [*escrow_bases(suite()), *escrow_bases(PairingSuite(SHAKE_256))]
    assert len({base.octets for base in bases}) == 4
