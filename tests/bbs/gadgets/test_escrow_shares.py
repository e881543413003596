"""Two officers open together, neither alone; neither lies about its part or cancels the other's share."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bbs.engine import Builder, Values, Verified, prove, verify
from bbs.errors import BbsError, DecodingError, InputError, VerificationError
from bbs.gadgets.escrow import escrow_bases, identity_octets
from bbs.gadgets.escrow_shares import (
    EscrowShare,
    OpeningCase,
    PartialOpening,
    PublicShare,
    combine,
    shared_key,
    verify_part,
)
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import CONTEXT, FAST, held, suite
from tests.bbs.gadgets.test_escrow import CASE, IDENTIFIER, Office, Shown, regulator, share


@pytest.fixture(params=FAST)
def group(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass(frozen=True)
class Opened:
    """A presentation and the parts of the two officers that it is escrowed to."""

    office: Office
    shown: Shown
    verified: Verified
    parts: list[PartialOpening]

    @classmethod
    def of(cls, group: str) -> "Opened":
        office = regulator(group)
        shown = Shown.compile(group, office.public_key)
        verified = shown.verified(group)
        return cls(office, shown, verified, office.parts(verified, shown.escrow))

    def combine(self, *parts: PartialOpening, case: OpeningCase = CASE) -> bytes:
        return combine(self.verified, self.shown.escrow, self.office.shares, case, parts)

    def check(self, part: PartialOpening, case: OpeningCase = CASE) -> bytes:
        return verify_part(self.verified, self.shown.escrow, self.office.shares, case, part)


# --- together


def test_each_part_is_checked_by_itself_and_both_open(group: str) -> None:
    opened = Opened.of(group)
    for part in opened.parts:
        assert opened.check(part) == part.decrypted
    assert opened.combine(*opened.parts) == identity_octets(
        suite(group), held(group=group).messages[IDENTIFIER]
    )


def test_generated_shares_open_and_are_stored_and_read_again(group: str) -> None:
    made = [EscrowShare.generate(suite(group)) for _ in range(2)]
    again = [EscrowShare.from_octets(suite(group), each.to_octets_secret()) for each in made]
    assert [each.public_key for each in again] == [each.public_key for each in made]
    office = Office.of(group, *again)
    shown = Shown.compile(group, office.public_key)
    identity = office.open(shown.verified(group), shown.escrow)
    assert identity == identity_octets(suite(group), held(group=group).messages[IDENTIFIER])


# --- alone


def test_one_officer_with_all_that_is_public_does_not_have_the_identity(group: str) -> None:
    """Whatever sum of the public points and its own part it takes, the other's mask stays on."""
    opened = Opened.of(group)
    own, _ = opened.parts
    points, escrow = opened.verified.points, opened.shown.escrow
    bls, (G, K0) = suite(group).group, escrow_bases(suite(group))
    (mine,) = bls.g1s_from_octets((own.decrypted,))
    keys = bls.g1s_from_octets([opened.office.public_key, *opened.office.shares])
    identity = identity_octets(suite(group), held(group=group).messages[IDENTIFIER])
    known = (points[escrow.E2], points[escrow.E1], mine, G.point, K0.point, *keys)
    for a in (-2, -1, 0, 1, 2):
        for b in (-2, -1, 0, 1, 2):
            for at in range(3, len(known)):
                scalars = [1, a, b] + [int(k == at) for k in range(3, len(known))]
                assert bls.g1s_to_octets((bls.msm(known, scalars),)) != identity
    for parts in ([own], [own, own], [], [own, replace(own, share=opened.office.shares[1])]):
        with pytest.raises(BbsError):
            opened.combine(*parts)


def test_one_officer_does_not_stand_in_for_the_other(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the other's part with its own secret, and proves that as well as it can."""
    opened = Opened.of(group)
    liar = share(group, 7)
    liar.public_key = opened.office.shares[1]
    with pytest.raises(InputError, match="UNSATISFIED"):
        liar.open(opened.verified, opened.shown.escrow, opened.office.shares, CASE)
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    forged = liar.open(opened.verified, opened.shown.escrow, opened.office.shares, CASE)
    with pytest.raises(VerificationError):
        opened.combine(opened.parts[0], forged)


def test_a_part_tells_the_outside_nothing_that_it_can_test(group: str) -> None:
    """E2 less one part is an encryption to the other officer: of the true identifier as of any other."""
    opened = Opened.of(group)
    bls, escrow = suite(group).group, opened.shown.escrow
    for part in opened.parts:
        left = bls.msm((opened.verified.points[escrow.E2], *bls.g1s_from_octets((part.decrypted,))), (1, -1))
        octets = bls.g1s_to_octets((left,))
        assert octets not in {identity_octets(suite(group), each) for each in held(group=group).messages}


# --- shares


def test_a_share_that_cancels_the_others_is_refused(group: str) -> None:
    """The second officer publishes Y' - Y_1, for a key Y' whose secret it has: the sum would be its own."""
    victim, own = share(group, 7), share(group, 9)
    bls = suite(group).group
    points = bls.g1s_from_octets((own.public_key, victim.public_key))
    rogue = bls.g1s_to_octets((bls.msm(points, (1, -1)),))
    for possession in (own.publish().possession, victim.publish().possession):
        with pytest.raises(VerificationError):
            shared_key(suite(group), (victim.publish(), PublicShare(rogue, possession)))
    forger = share(group, 9)
    forger.public_key = rogue
    with pytest.raises(InputError, match="UNSATISFIED"):
        forger.publish()


def test_a_forged_proof_of_possession_is_refused(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forger = share(group, 9)
    forger.public_key = share(group, 11).public_key
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    with pytest.raises(VerificationError):
        shared_key(suite(group), (share(group, 7).publish(), forger.publish()))


def test_a_share_copied_with_its_proof_is_no_second_officer(group: str) -> None:
    """Else one officer would open both halves."""
    one = share(group, 7)
    for shares in (
        (one.publish(), one.publish()),
        (one.publish(),),
        (),
        tuple(regulator(group).published) * 2,
    ):
        with pytest.raises(InputError, match="COUNT_MISMATCH"):
            shared_key(suite(group), shares)


def test_shares_that_add_up_to_nothing_are_refused(group: str) -> None:
    opposite = share(group, r - 7)
    with pytest.raises(InputError, match="DEGENERATE"):
        shared_key(suite(group), (share(group, 7).publish(), opposite.publish()))


@pytest.mark.parametrize("octets", [b"", bytes(48), b"\xc0" + bytes(47), b"\xff" * 48, bytes(96)])
def test_a_public_share_that_is_no_point_is_refused(group: str, octets: bytes) -> None:
    one, other = regulator(group).published
    with pytest.raises(DecodingError):
        shared_key(suite(group), (one, replace(other, public_key=octets)))


def test_a_proof_of_possession_changed_anywhere_is_refused(group: str) -> None:
    one, other = regulator(group).published
    proof = other.possession
    changed = [proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :] for at in range(len(proof))]
    for each in (*changed, b"", proof[:-1], proof + b"\x00", one.possession):
        with pytest.raises((VerificationError, DecodingError)):
            shared_key(suite(group), (one, replace(other, possession=each)))


@pytest.mark.parametrize("octets", [b"", bytes(32), r.to_bytes(32), bytes(31) + b"\x01\x00"])
def test_a_secret_share_that_is_none_is_refused(group: str, octets: bytes) -> None:
    with pytest.raises(DecodingError):
        EscrowShare.from_octets(suite(group), octets)


def test_a_secret_share_does_not_show_itself() -> None:
    secret = EscrowShare.generate(suite())
    assert secret.to_octets_secret().hex()[:16] not in repr(secret)
    for leak in (copy.copy, copy.deepcopy, pickle.dumps, hash):
        with pytest.raises(TypeError):
            leak(secret)


def test_a_part_does_not_show_itself(group: str) -> None:
    part = Opened.of(group).parts[0]
    assert part.decrypted.hex()[:16] not in repr(part)
    assert str(part.decrypted)[3:20] not in repr(part)


# --- officers who are asked to open what they should not


def test_an_officer_of_another_regulator_adds_nothing(group: str) -> None:
    opened = Opened.of(group)
    other = regulator(group, 8)
    escrow, verified = opened.shown.escrow, opened.verified
    for shares in (other.shares, opened.office.shares, (opened.office.shares[0], other.shares[1])):
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            other.officers[0].open(verified, escrow, shares, CASE)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        verify_part(verified, escrow, other.shares, CASE, opened.parts[0])
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        opened.check(replace(opened.parts[0], share=other.shares[0]))


def test_shares_with_the_same_sum_are_not_the_regulators(group: str) -> None:
    """An officer splits the sum otherwise: of shares that it does not know it can make no part."""
    opened = Opened.of(group)
    bls, own = suite(group).group, share(group, 12)
    Y, mine = bls.g1s_from_octets((opened.office.public_key, own.public_key))
    split = (own.public_key, bls.g1s_to_octets((bls.msm((Y, mine), (1, -1)),)))
    part = own.open(opened.verified, opened.shown.escrow, split, CASE)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        opened.check(part)
    for second in opened.parts:
        with pytest.raises(BbsError):
            combine(
                opened.verified, opened.shown.escrow, split, CASE, [part, replace(second, share=split[1])]
            )


def test_a_share_of_another_group_says_so(group: str) -> None:
    opened = Opened.of(group)
    elsewhere = share("py_ecc", 7)
    assert elsewhere.public_key == opened.office.shares[0]
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        elsewhere.open(opened.verified, opened.shown.escrow, opened.office.shares, CASE)


def test_a_presentation_that_carries_no_escrow_is_not_opened(group: str) -> None:
    """Points with the names of an escrow, of a statement that proves nothing about them."""
    opened = Opened.of(group)
    office, shown = opened.office, opened.shown
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
    elsewhere = Shown.compile(group, regulator(group, 8).public_key).statement
    for loose in (verified, replace(verified, statement=elsewhere)):
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            office.parts(loose, shown.escrow)
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            verify_part(loose, shown.escrow, office.shares, CASE, opened.parts[0])
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            combine(loose, shown.escrow, office.shares, CASE, opened.parts)


def test_an_escrow_of_another_presentation_is_not_opened(group: str) -> None:
    opened = Opened.of(group)
    key = opened.office.public_key
    for other in (Shown.compile(group, key, name="other"), Shown.compile(group, key, index=1)):
        with pytest.raises(InputError, match="KEY_MISMATCH"):
            opened.office.parts(opened.verified, other.escrow)


def test_nothing_is_opened_that_was_not_verified(group: str) -> None:
    """There is no way in but a `Verified`, and a false presentation gives none."""
    office = regulator(group)
    shown = Shown.compile(group, office.public_key)
    proof = prove(shown.statement, CONTEXT, shown.values(held(group=group)))
    false = proof[:-1] + bytes([proof[-1] ^ 1])
    with pytest.raises(VerificationError):
        office.parts(verify(shown.statement, CONTEXT, false), shown.escrow)


# --- officers who lie about what they found


def test_a_part_changed_anywhere_is_refused(group: str) -> None:
    opened = Opened.of(group)
    first, second = opened.parts
    assert len(first.proof) == 2 * 48 + 32
    points = (second.decrypted, opened.verified.octets[opened.shown.escrow.E1], b"", b"\xc0" + bytes(47))
    changed = [replace(first, decrypted=each) for each in (*points, bytes(48), first.decrypted + b"\x00")]
    for at in range(len(first.proof)):
        flipped = first.proof[:at] + bytes([first.proof[at] ^ 1]) + first.proof[at + 1 :]
        changed.append(replace(first, proof=flipped))
    changed += [replace(first, proof=each) for each in (b"", first.proof[:-1], first.proof + b"\x00")]
    changed += [replace(first, proof=second.proof), replace(first, share=second.share)]
    for each in changed:
        with pytest.raises((VerificationError, DecodingError)):
            opened.check(each)
        with pytest.raises(BbsError):
            opened.combine(each, second)


def test_two_lies_that_cancel_out_are_refused(group: str) -> None:
    """D_1 + T and D_2 - T have the true sum: each part is checked by itself, so they name nobody wrongly."""
    opened = Opened.of(group)
    bls = suite(group).group
    points = bls.g1s_from_octets([each.decrypted for each in opened.parts])
    T = escrow_bases(suite(group)).G.point
    lies = [
        replace(part, decrypted=bls.g1s_to_octets((bls.msm((D, T), (1, sign)),)))
        for part, D, sign in zip(opened.parts, points, (1, -1), strict=True)
    ]
    with pytest.raises(VerificationError):
        opened.combine(*lies)


def test_parts_are_of_all_officers_each_once_in_their_order(group: str) -> None:
    opened = Opened.of(group)
    one, two = opened.parts
    for parts in ((two, one), (one,), (two,), (one, one), (one, two, two), ()):
        with pytest.raises(InputError, match="COUNT_MISMATCH"):
            opened.combine(*parts)


def test_a_part_is_of_one_case_and_one_presentation_only(group: str) -> None:
    """No officer's proof is moved to another case, and the officers' parts of two cases do not combine."""
    opened = Opened.of(group)
    office, escrow = opened.office, opened.shown.escrow
    cases = (
        replace(CASE, reference="2026/18"), replace(CASE, presentation=bytes(32)), replace(CASE, escrow="x"),
    )  # fmt: skip
    for case in cases:
        other = office.parts(opened.verified, escrow, case)
        for parts in (opened.parts, [opened.parts[0], other[1]], [other[0], opened.parts[1]]):
            with pytest.raises(VerificationError):
                opened.combine(*parts, case=case)
        with pytest.raises(VerificationError):
            opened.check(other[0])
    again = opened.shown.verified(group)
    for part, fresh in zip(opened.parts, office.parts(again, escrow), strict=True):
        with pytest.raises(VerificationError):
            verify_part(again, escrow, office.shares, CASE, part)
        with pytest.raises(VerificationError):
            opened.check(fresh)
    turned = replace(opened.verified, challenge=opened.verified.challenge ^ 1)
    with pytest.raises(VerificationError):
        verify_part(turned, escrow, office.shares, CASE, opened.parts[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: OpeningCase("", bytes(32), "who"),
        lambda: OpeningCase("x" * 257, bytes(32), "who"),
        lambda: OpeningCase("a", bytes(31), "who"),
        lambda: OpeningCase("a", bytearray(32), "who"),  # type: ignore[arg-type]
        lambda: OpeningCase(7, bytes(32), "who"),  # type: ignore[arg-type]
        lambda: OpeningCase("a", bytes(32), ""),
        lambda: OpeningCase("a", bytes(32), None),  # type: ignore[arg-type]
    ],
)
def test_a_case_is_checked(make: Callable[[], Any]) -> None:
    with pytest.raises(BbsError):
        make()
