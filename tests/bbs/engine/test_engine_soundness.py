"""Provers that lie and proofs that were changed: refused, each with its reason, alone and among good ones."""

from dataclasses import replace

import pytest

from bbs.credential import PreparedCredential
from bbs.engine import WireForm, prove
from bbs.engine.proof import Proof, octets_to_proof, proof_to_octets
from bbs.engine.prover import commit
from bbs.engine.transcript import challenge
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point
from tests.bbs.engine.cases import (
    CONTEXT,
    FAST,
    Public,
    assigned,
    claim,
    held,
    outcome,
    outcomes,
    proof_of,
    refused,
    suite,
)
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS, compress_g1, curve_points_g1, small_g1

POINTS = ["A'", "B'", "D", "N", "K", "C'", "C''"]
ZERO = b"\xc0" + bytes(47)


@pytest.fixture(params=FAST)
def public(request: pytest.FixtureRequest) -> Public:
    return Public(group=request.param)


def with_slot(proof: bytes, slot: int, octets: bytes) -> bytes:
    return proof[: 48 * slot] + octets + proof[48 * (slot + 1) :]


def test_the_honest_holder_is_accepted(public: Public) -> None:
    assert outcome(claim(public, proof_of(public))) == "OK"
    assert (
        outcome(
            replace(claim(public, proof_of(public, form=WireForm.UNCOMPRESSED)), form=WireForm.UNCOMPRESSED)
        )
        == "OK"
    )


def test_every_point_that_is_changed_is_refused(public: Public) -> None:
    """Negated, doubled, swapped with its neighbour, or taken from another good proof."""
    group, proof, other = suite(public.group).group, proof_of(public), proof_of(public)
    compiled = public.compile().statement
    slots = len(compiled.sent) + len(compiled.equations)
    changed = []
    for slot in range(slots):
        encoding = proof[48 * slot : 48 * slot + 48]
        (point,) = group.g1s_from_octets([encoding])
        for scalar in (-1, 2):
            changed.append(with_slot(proof, slot, group.g1s_to_octets([group.msm([point], [scalar])])))
        following = 48 * ((slot + 1) % slots)
        neighbour = proof[following : following + 48]
        changed.append(with_slot(with_slot(proof, slot, neighbour), (slot + 1) % slots, encoding))
        if encoding != other[48 * slot : 48 * slot + 48]:
            changed.append(with_slot(proof, slot, other[48 * slot : 48 * slot + 48]))
    assert refused([claim(public, each) for each in changed]) == {"PROOF_INVALID"}


def test_every_response_that_is_changed_is_refused(public: Public) -> None:
    proof, statement = proof_of(public), public.compile().statement
    start = len(proof) - 32 * len(statement.free)
    changed, beyond = [], []
    for at in range(start, len(proof), 32):
        response = int.from_bytes(proof[at : at + 32])
        for value in ((response + 1) % r, (response - 1) % r, -response % r, 0):
            changed.append(proof[:at] + value.to_bytes(32) + proof[at + 32 :])
        for value in (response + r, r, 2**256 - 1):
            beyond.append(proof[:at] + min(value, 2**256 - 1).to_bytes(32) + proof[at + 32 :])
    assert refused([claim(public, each) for each in changed]) == {"PROOF_INVALID"}
    assert refused([claim(public, each) for each in beyond]) == {"INVALID_SCALAR"}


def test_a_response_minus_r_has_no_octets() -> None:
    """The responses are unsigned and of fixed length: what is not in [0, r) cannot even be written."""
    public = Public()
    statement = public.compile().statement
    decoded = octets_to_proof(statement, proof_of(public))
    lower = replace(decoded, responses=(decoded.responses[0] - r, *decoded.responses[1:]))
    with pytest.raises(OverflowError):
        proof_to_octets(statement, lower)


def test_the_identity_is_refused_for_every_sent_point(public: Public) -> None:
    proof, statement = proof_of(public), public.compile().statement
    sent = [claim(public, with_slot(proof, slot, ZERO)) for slot in range(len(statement.sent))]
    assert refused(sent) == {"IDENTITY_POINT"}
    slots = range(len(statement.sent), len(statement.sent) + len(statement.equations))
    assert refused([claim(public, with_slot(proof, slot, ZERO)) for slot in slots]) == {"PROOF_INVALID"}


def test_points_outside_the_subgroup_are_refused_in_every_place(public: Public) -> None:
    """Put in the place of any point: whatever for, it is not what the challenge was computed of."""
    proof, statement = proof_of(public), public.compile().statement
    outside = compress_g1(next(curve_points_g1()))
    small = [compress_g1(small_g1(q)) for q in G1_SMALL_ORDERS]
    for slot in range(len(statement.sent) + len(statement.equations)):
        name = POINTS[slot] if slot < len(POINTS) else "T"
        expected = "NOT_IN_SUBGROUP" if name in ("N", "K") else "PROOF_INVALID"
        assert refused([claim(public, with_slot(proof, slot, outside))]) == {expected}
        expected = "IDENTITY_POINT" if name in ("A'", "C'") else expected
        assert refused([claim(public, with_slot(proof, slot, octets)) for octets in small]) == {expected}


def test_lengths_are_exact(public: Public) -> None:
    proof = proof_of(public)
    wrong = [b"", proof[:-1], proof + b"\x00", proof[:-32], proof + bytes(32), proof[48:], proof * 2]
    assert refused([claim(public, each) for each in wrong]) == {"INVALID_LENGTH"}


def test_the_form_is_the_caller_s_and_not_the_prover_s() -> None:
    public = Public()
    for sent, expected in (
        (WireForm.COMPRESSED, WireForm.UNCOMPRESSED),
        (WireForm.UNCOMPRESSED, WireForm.COMPRESSED),
    ):
        bad = replace(claim(public, proof_of(public, form=sent)), form=expected)
        assert outcome(bad) == "INVALID_LENGTH"


def test_one_bit_of_every_octet() -> None:
    public = Public()
    proof = proof_of(public)
    changed = []
    for at, octet in enumerate(proof):
        changed.append(proof[:at] + bytes([octet ^ 1 << at % 8]) + proof[at + 1 :])
    found = outcomes([claim(public, each) for each in changed])
    assert "OK" not in found
    assert set(found) <= {
        "PROOF_INVALID",
        "INVALID_POINT",
        "NOT_IN_SUBGROUP",
        "INVALID_SCALAR",
        "IDENTITY_POINT",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": b"B"},
        {"header": b"other"},
        {"shown": ((3, b"another street"),)},
        {"shown": ((4, b"street"),)},
        {"scope": b"city/2027"},
        {"table": b"U"},
        {"purpose": "other"},
        {"name": "residence"},
        {"reordered": True},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_proof_is_of_one_statement_only(public: Public, changes: dict[str, object]) -> None:
    other = replace(public, **changes)  # type: ignore[arg-type]
    assert refused([claim(other, proof_of(public))]) == {"PROOF_INVALID"}


def test_a_proof_is_of_one_context_only(public: Public) -> None:
    proof = proof_of(public)
    contexts = [
        (),
        CONTEXT[1:],
        CONTEXT[::-1],
        [*CONTEXT, ("more", b"")],
        [("request", b"nonc"), *CONTEXT[1:]],
        [("reques", b"tnonce"), *CONTEXT[1:]],
        [("request", b"noncechoices"), *CONTEXT[2:]],
    ]
    assert refused([claim(public, proof, each) for each in contexts]) == {"PROOF_INVALID"}
    twice = claim(public, proof, [*CONTEXT, CONTEXT[0]])
    assert outcome(twice) == "INVALID_STATEMENT"


def announced(public: Public, shift: G1Point | None) -> bytes:
    """Prove with a first T that is off by a point, everything after it computed as the verifier does."""
    group = suite(public.group).group
    compiled = public.compile()
    commitment = commit(compiled.statement, assigned(compiled, public))
    T = list(commitment.T)
    if shift is not None:
        T[0] = group.msm([T[0], shift], [1, 1])
    c = challenge(compiled.statement, CONTEXT, group.g1s_to_octets(commitment.points), group.g1s_to_octets(T))
    answer = commitment.respond(c)
    return proof_to_octets(compiled.statement, Proof(answer.points, tuple(T), answer.responses))


def test_errors_that_cancel_under_equal_coefficients_are_refused(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, X = suite(public.group).group, public.V.point
    pair = [claim(public, announced(public, group.msm([X], [sign]))) for sign in (1, -1)]
    good = claim(public, announced(public, None))
    for _ in range(3):
        assert outcomes([good, *pair]) == ["OK", "PROOF_INVALID", "PROOF_INVALID"]
    # The attack is real: with equal coefficients the two would pass.
    monkeypatch.setattr("bbs.engine.verifier.secrets.token_bytes", bytes)
    assert outcomes([good, *pair]) == ["OK"] * 3
    assert outcomes(pair[:1]) == ["PROOF_INVALID"]


def test_signatures_that_cancel_under_equal_coefficients_are_refused(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two credentials that nobody signed, A + X and A - X, shown with the same r1 and r2."""
    true, group = held(group=public.group), suite(public.group).group
    pair = []
    for sign in (1, -1):
        A = group.msm([true.signature.A, public.V.point], [1, sign])
        forged = PreparedCredential(
            true.generators, replace(true.signature, A=A), true.messages, true.domain, true.B, true.api_id
        )
        compiled = public.compile()
        values = assigned(compiled, public, forged, rng=lambda count: list(range(7, 7 + count)))
        pair.append(claim(public, prove(compiled.statement, CONTEXT, values)))
    for _ in range(3):
        assert outcomes(pair) == ["PROOF_INVALID"] * 2
    monkeypatch.setattr("bbs.engine.verifier.secrets.token_bytes", bytes)
    assert outcomes(pair) == ["OK"] * 2
