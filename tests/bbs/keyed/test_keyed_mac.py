"""MACs come with a proof that they are made with the logged key: a holder that is tagged sees it."""

from dataclasses import replace

import pytest

from bbs.errors import BbsError, DecodingError, InputError, VerificationError
from bbs.keyed import (
    P256,
    SM2,
    Curve,
    KeyedSuite,
    Mac,
    accept,
    calculate_domain,
    create_generators,
    issue,
    make_mac,
    prove_macs,
    verify_macs,
)
from bbs.keyed.credential import ISSUED_OCTETS
from tests.bbs.keyed.cases import CURVES, HEADER, MESSAGES, held, secret_key


@pytest.fixture(params=CURVES, ids=lambda curve: str(curve.name))
def curve(request: pytest.FixtureRequest) -> Curve:
    assert isinstance(request.param, Curve)
    return request.param


def issued_by(curve: Curve, seed: int, logged: int = 1001) -> bytes:
    """Issue with the key of a seed what claims to be under the logged one."""
    generators = create_generators(curve, len(MESSAGES))
    domain = calculate_domain(secret_key(curve, logged).public_key, generators, HEADER)
    return issue(secret_key(curve, seed), generators.combine(domain, MESSAGES))


def accepted(
    curve: Curve, issued: bytes, messages: tuple[int, ...] = MESSAGES, header: bytes = HEADER
) -> str:
    try:
        key = secret_key(curve, 1001).public_key
        accept(key, create_generators(curve, len(messages)), header, messages, issued)
    except BbsError as error:
        return error.reason
    return "OK"


def table(curve: Curve, count: int = 16, seed: int = 1002) -> list[Mac]:
    """A table of weak Boneh-Boyen MACs on 0..count-1."""
    (V,) = KeyedSuite(curve).hash_to_points([b"V"], b"test")
    return [make_mac(secret_key(curve, seed), V, y) for y in range(count)]


def test_what_is_issued_is_accepted_and_is_a_mac(curve: Curve) -> None:
    issued = issued_by(curve, 1001)
    assert len(issued) == ISSUED_OCTETS == 163
    assert accepted(curve, issued) == "OK"
    group, mac = KeyedSuite(curve).group, held(curve).signature
    key = secret_key(curve, 1001)
    left = group.msm([key.multiply(mac.A), mac.A], [1, mac.e])
    assert group.g1s_to_octets([left]) == group.g1s_to_octets([mac.B])


def test_a_mac_of_another_key_is_not_accepted(curve: Curve) -> None:
    """The tag: an issuer that keeps a key for one holder, and logs another."""
    tagged = issued_by(curve, 1005)
    assert accepted(curve, tagged) == "PROOF_INVALID"
    honest = issued_by(curve, 1001)
    assert accepted(curve, tagged[:65] + honest[65:]) == "PROOF_INVALID"
    assert accepted(curve, honest[:65] + tagged[65:]) == "PROOF_INVALID"


def test_an_issuer_cannot_prove_a_mac_of_another_key(curve: Curve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows both keys, and proves with either."""
    macs = table(curve, 3, seed=1005)
    with pytest.raises(InputError, match="UNSATISFIED"):
        prove_macs(secret_key(curve, 1002), macs)
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    public = secret_key(curve, 1002).public_key
    for seed in (1002, 1005):
        with pytest.raises(VerificationError):
            verify_macs(curve, public, macs, prove_macs(secret_key(curve, seed), macs))


def test_every_octet_of_what_is_issued_counts(curve: Curve) -> None:
    issued = issued_by(curve, 1001)
    reasons = {
        accepted(curve, issued[:at] + bytes([issued[at] ^ 1 << at % 8]) + issued[at + 1 :])
        for at in range(len(issued))
    }
    assert reasons <= {"PROOF_INVALID", "INVALID_POINT", "INVALID_SCALAR"}
    for wrong in (b"", issued[:-1], issued + b"\x00"):
        assert accepted(curve, wrong) == "INVALID_LENGTH"
    assert accepted(curve, bytes(33) + issued[33:]) == "IDENTITY_POINT"
    for e in (0, curve.n, 2**256 - 1):
        assert accepted(curve, issued[:33] + e.to_bytes(32) + issued[65:]) == "INVALID_SCALAR"


def test_it_is_a_mac_on_these_messages_only(curve: Curve) -> None:
    issued = issued_by(curve, 1001)
    for i in range(len(MESSAGES)):
        other = (*MESSAGES[:i], (MESSAGES[i] + 1) % curve.n, *MESSAGES[i + 1 :])
        assert accepted(curve, issued, other) == "PROOF_INVALID"
    assert accepted(curve, issued, (*MESSAGES, 0)) == "PROOF_INVALID"
    assert accepted(curve, issued, header=b"other") == "PROOF_INVALID"
    for bad, reason in (
        ((*MESSAGES[:4], curve.n), "SCALAR_OUT_OF_RANGE"),
        ((*MESSAGES[:4], -1), "SCALAR_OUT_OF_RANGE"),
    ):
        assert accepted(curve, issued, bad) == reason


def test_a_mac_with_which_b_is_nothing_but_e_times_a_is_refused(curve: Curve) -> None:
    """A = B/e would be a MAC under x = 0."""
    true, group = held(curve), KeyedSuite(curve).group
    A = group.msm([true.B], [pow(7, -1, curve.n)])
    issued = group.g1s_to_octets([A]) + (7).to_bytes(32) + issued_by(curve, 1001)[65:]
    assert accepted(curve, issued) == "PROOF_INVALID"


def test_a_whole_table_has_one_proof_of_98_octets(curve: Curve) -> None:
    macs, key = table(curve), secret_key(curve, 1002)
    proof = prove_macs(key, macs, (("table", b"digest"),))
    assert len(proof) == 98
    verify_macs(curve, key.public_key, macs, proof, (("table", b"digest"),))
    for context in ((), (("table", b"other"),)):
        with pytest.raises(VerificationError):
            verify_macs(curve, key.public_key, macs, proof, context)
    with pytest.raises(VerificationError):
        verify_macs(curve, secret_key(curve, 1003).public_key, macs, proof, (("table", b"digest"),))


def test_one_false_entry_of_a_table_is_refused(curve: Curve) -> None:
    macs, key = table(curve), secret_key(curve, 1002)
    proof = prove_macs(key, macs)
    group = KeyedSuite(curve).group
    for i in (0, 7, 15):
        foreign = make_mac(secret_key(curve, 1005), macs[i].B, macs[i].e)
        negated = replace(macs[i], A=group.msm([macs[i].A], [-1]))
        for false in (foreign, negated, replace(macs[i], e=macs[i].e + 1)):
            changed = [*macs[:i], false, *macs[i + 1 :]]
            with pytest.raises(VerificationError):
                verify_macs(curve, key.public_key, changed, proof)
            with pytest.raises(InputError, match="UNSATISFIED"):
                prove_macs(key, changed)
    for changed in (macs[:-1], macs[::-1], [*macs, macs[0]]):
        with pytest.raises(VerificationError):
            verify_macs(curve, key.public_key, changed, proof)
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        verify_macs(curve, key.public_key, (), proof)


def test_values_of_an_accumulator_are_macs_as_well(curve: Curve) -> None:
    """V_{t+1} = V_t / (a + y'): a chain, proven in one go."""
    key = secret_key(curve, 1002)
    (V,) = KeyedSuite(curve).hash_to_points([b"V"], b"test")
    chain = []
    for y in (11, 12, 13):
        chain.append(make_mac(key, V, y))
        V = chain[-1].A
    verify_macs(curve, key.public_key, chain, prove_macs(key, chain))


def test_a_public_key_that_is_none_is_refused(curve: Curve) -> None:
    macs = table(curve, 1)
    proof = prove_macs(secret_key(curve, 1002), macs)
    for key in (b"", b"\x00", bytes(33), b"\x02" + b"\xff" * 32):
        with pytest.raises(DecodingError):
            verify_macs(curve, key, macs, proof)
        with pytest.raises(DecodingError):
            KeyedSuite(curve).check_key(key)


def test_the_generators_are_apart_and_begin_the_same(curve: Curve) -> None:
    few, many = create_generators(curve, 2), create_generators(curve, 9)
    assert many.octets.startswith(few.octets)
    points = [many.octets[at : at + 33] for at in range(0, len(many.octets), 33)]
    assert len(set(points)) == 11
    for L in (0, -1):
        with pytest.raises(InputError, match="COUNT_MISMATCH"):
            create_generators(curve, L)
    with pytest.raises(InputError, match="TOO_MANY_MESSAGES"):
        create_generators(curve, 4097)
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        few.combine(1, (1, 2, 3))


def test_the_domain_depends_on_everything() -> None:
    keys = [secret_key(P256, seed).public_key for seed in (1, 2)]
    sizes = [create_generators(P256, L) for L in (2, 3)]
    domains = {
        calculate_domain(key, size, header) for key in keys for size in sizes for header in (b"", b"h")
    }
    domains.add(calculate_domain(keys[0], create_generators(SM2, 2), b""))
    assert len(domains) == 9


def test_the_same_is_issued_again_and_no_two_points_share_an_e(curve: Curve) -> None:
    """e follows from key and B, so nobody gets two MACs with one e."""
    group, key = KeyedSuite(curve).group, secret_key(curve, 1001)
    points = [group.msm([group.generator], [i]) for i in (1, 2, 3)]
    every = [issue(key, B)[33:65] for B in (*points, *points)]
    assert every[:3] == every[3:]
    assert len(set(every)) == 3
    assert issue(secret_key(curve, 1002), points[0])[33:65] not in every


def test_a_credential_does_not_show_itself(curve: Curve) -> None:
    mine = held(curve)
    shown = repr(mine) + repr(mine.signature)
    assert not any(str(message) in shown for message in MESSAGES if message > 1000)
    assert str(mine.signature.e) not in shown
