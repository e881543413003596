"""Escrow: only the regulator that is meant opens it, out of what it verified, and proves what it found."""

import copy
import pickle
from dataclasses import dataclass, replace

import pytest

from bbs import PreparedCredential
from bbs.engine import Base, Builder, PairingSuite, Statement, Values, Verified, prove, verify
from bbs.engine.proof import proof_to_octets
from bbs.engine.prover import commit
from bbs.errors import BbsError, DecodingError, InputError, VerificationError
from bbs.gadgets import Commitment, Credential
from bbs.gadgets.escrow import (
    Escrow,
    EscrowKey,
    Opening,
    OpeningCase,
    escrow_bases,
    identity_octets,
    look_up,
    verify_opening,
)
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import CONTEXT, FAST, held, secret_key, suite

CASE = OpeningCase("2026/17", bytes(range(32)))
IDENTIFIER = 3
"""The index of the message that is escrowed."""


@pytest.fixture(params=FAST)
def group(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def regulator(group: str, seed: int = 7) -> EscrowKey:
    return EscrowKey.from_octets(suite(group), seed.to_bytes(32))


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


def opened(group: str) -> tuple[EscrowKey, Shown, Verified, Opening]:
    key = regulator(group)
    shown = Shown.compile(group, key.public_key)
    verified = shown.verified(group)
    return key, shown, verified, key.open(verified, shown.escrow, CASE)


def test_the_regulator_finds_the_person_in_its_register_and_proves_it(group: str) -> None:
    _, shown, verified, opening = opened(group)
    identity = verify_opening(verified, shown.escrow, CASE, opening)
    assert identity == opening.identity
    mine = held(group=group).messages
    register = [("somebody", 12345), ("the holder", mine[IDENTIFIER]), ("another", mine[1])]
    assert look_up(suite(group), identity, register) == "the holder"
    assert look_up(suite(group), identity, register[:1]) is None
    table = {identity_octets(suite(group), scalar): name for name, scalar in register}
    assert table[identity] == "the holder"


def test_a_generated_key_opens_and_is_stored_and_read_again(group: str) -> None:
    key = EscrowKey.generate(suite(group))
    shown = Shown.compile(group, key.public_key)
    verified = shown.verified(group)
    again = EscrowKey.from_octets(suite(group), key.to_octets_secret())
    assert again.public_key == key.public_key
    opening = again.open(verified, shown.escrow, CASE)
    assert verify_opening(verified, shown.escrow, CASE, opening) == opening.identity


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
    opening = key.open(verified, shown.escrow, CASE)
    assert opening.identity == identity_octets(suite(group), x[shown.escrow.identifier])


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


@pytest.mark.parametrize("octets", [b"", bytes(32), r.to_bytes(32), bytes(31) + b"\x01\x00"])
def test_a_secret_key_that_is_none_is_refused(group: str, octets: bytes) -> None:
    with pytest.raises(DecodingError):
        EscrowKey.from_octets(suite(group), octets)


def test_a_secret_key_does_not_show_itself() -> None:
    key = EscrowKey.generate(suite())
    assert key.to_octets_secret().hex()[:16] not in repr(key)
    for leak in (copy.copy, copy.deepcopy, pickle.dumps, hash):
        with pytest.raises(TypeError):
            leak(key)


def test_an_opening_does_not_show_itself(group: str) -> None:
    opening = opened(group)[3]
    assert opening.identity.hex()[:16] not in repr(opening)
    assert str(opening.identity)[3:20] not in repr(opening)


# --- a regulator that is asked to open what it should not


def test_another_regulator_cannot_open(group: str) -> None:
    _, shown, verified, _ = opened(group)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        regulator(group, 8).open(verified, shown.escrow, CASE)


def test_a_presentation_that_carries_no_escrow_is_not_opened(group: str) -> None:
    """Points with the names of an escrow, of a statement that proves nothing about them."""
    key = regulator(group)
    shown = Shown.compile(group, key.public_key)
    builder = Builder(suite(group))
    scope = builder.scope("p").scope("escrow")
    m = scope.witness("m")
    E1, E2 = scope.sent("E1"), scope.sent("E2")
    G, K0 = escrow_bases(suite(group))
    scope.equation("E1", {E1: 1}, [(m, K0)])
    scope.equation("E2", {E2: 1}, [(m, G)])
    values = Values(builder.build())
    values.set(m, 5)
    values.send(E1, {K0: 5})
    values.send(E2, {G: 5})
    verified = verify(values.statement, CONTEXT, prove(values.statement, CONTEXT, values))
    for loose in (
        verified,
        replace(verified, statement=Shown.compile(group, regulator(group, 8).public_key).statement),
    ):
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            key.open(loose, shown.escrow, CASE)
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            verify_opening(loose, shown.escrow, CASE, Opening(b"", b""))


def test_a_key_of_another_group_says_so(group: str) -> None:
    _, shown, verified, _ = opened(group)
    elsewhere = regulator("py_ecc")
    assert elsewhere.public_key == regulator(group).public_key
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        elsewhere.open(verified, shown.escrow, CASE)


def test_an_escrow_of_another_presentation_is_not_opened(group: str) -> None:
    key, _, verified, _ = opened(group)
    for other in (
        Shown.compile(group, key.public_key, name="other"),
        Shown.compile(group, key.public_key, index=1),
    ):
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            key.open(verified, other.escrow, CASE)


def test_nothing_is_opened_that_was_not_verified(group: str) -> None:
    """There is no way in but a `Verified`, and a false presentation gives none."""
    key = regulator(group)
    shown = Shown.compile(group, key.public_key)
    proof = prove(shown.statement, CONTEXT, shown.values(held(group=group)))
    false = proof[:-1] + bytes([proof[-1] ^ 1])
    with pytest.raises(VerificationError):
        key.open(verify(shown.statement, CONTEXT, false), shown.escrow, CASE)


def test_an_identifier_of_zero_is_said_to_be_none(group: str) -> None:
    key = regulator(group)
    builder = Builder(suite(group))
    m = builder.witness("m")
    escrow = Escrow.add_to(builder.scope("escrow"), m, key.public_key)
    Commitment.add_to(builder.scope("commitment"), m)
    values = Values(builder.build())
    Commitment.add_to(Builder(suite(group)).scope("commitment"), m).assign(values, 0)
    escrow.assign(values, 0)
    verified = verify(values.statement, CONTEXT, prove(values.statement, CONTEXT, values))
    with pytest.raises(InputError, match="DEGENERATE"):
        key.open(verified, escrow, CASE)
    for identifier in (0, -1, r):
        with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
            identity_octets(suite(group), identifier)


# --- a regulator that lies about what it found


def test_an_opening_changed_anywhere_is_refused(group: str) -> None:
    _, shown, verified, opening = opened(group)
    other = identity_octets(suite(group), held(group=group).messages[1])
    E2 = verified.octets[shown.escrow.E2]
    assert len(opening.proof) == 2 * 48 + 32
    changed = [replace(opening, identity=each) for each in (other, E2, verified.octets[shown.escrow.E1])]
    changed += [
        replace(opening, identity=each)
        for each in (b"", b"\xc0" + bytes(47), bytes(48), opening.identity + b"\x00")
    ]
    for at in range(len(opening.proof)):
        flipped = opening.proof[:at] + bytes([opening.proof[at] ^ 1]) + opening.proof[at + 1 :]
        changed.append(replace(opening, proof=flipped))
    changed += [replace(opening, proof=each) for each in (b"", opening.proof[:-1], opening.proof + b"\x00")]
    for each in changed:
        with pytest.raises((VerificationError, DecodingError)):
            verify_opening(verified, shown.escrow, CASE, each)


def test_an_opening_is_of_one_case_and_one_presentation_only(group: str) -> None:
    key, shown, verified, opening = opened(group)
    for case in (replace(CASE, reference="2026/18"), replace(CASE, presentation=bytes(32))):
        with pytest.raises(VerificationError):
            verify_opening(verified, shown.escrow, case, opening)
    again = shown.verified(group)
    for wrong, proof in ((again, opening), (verified, key.open(again, shown.escrow, CASE))):
        with pytest.raises(VerificationError):
            verify_opening(wrong, shown.escrow, CASE, proof)
    with pytest.raises(VerificationError):
        verify_opening(replace(verified, challenge=verified.challenge ^ 1), shown.escrow, CASE, opening)


def test_a_regulator_with_another_key_cannot_prove_another_identity(
    group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It decrypts with a key that is not the one of Y, and proves that as well as it can."""
    _, shown, verified, _ = opened(group)
    liar = regulator(group, 8)
    liar.public_key = regulator(group).public_key
    with pytest.raises(InputError, match="UNSATISFIED"):
        liar.open(verified, shown.escrow, CASE)
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    opening = liar.open(verified, shown.escrow, CASE)
    with pytest.raises(VerificationError):
        verify_opening(verified, shown.escrow, CASE, opening)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpeningCase("", bytes(32)),
        lambda: OpeningCase("x" * 257, bytes(32)),
        lambda: OpeningCase("a", bytes(31)),
        lambda: OpeningCase("a", bytearray(32)),  # type: ignore[arg-type]
        lambda: OpeningCase(7, bytes(32)),  # type: ignore[arg-type]
    ],
)
def test_a_case_is_checked(make: object) -> None:
    with pytest.raises(BbsError):
        make()  # type: ignore[operator]


def test_a_suite_of_another_hash_has_other_bases() -> None:
    from bbs import SHAKE_256

    bases = [*escrow_bases(suite()), *escrow_bases(PairingSuite(SHAKE_256))]
    assert len({base.octets for base in bases}) == 4
