"""Commitments for blind signatures: what is refused, what binds them to one issuance, and that they hide.

Each refusal names the official vector that it is made from.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbs
import bbs.commitment
from bbs import (
    SHA_256,
    SHAKE_256,
    Ciphersuite,
    CommitmentBinding,
    Committed,
    DecodingError,
    VerificationError,
)
from bbs.blind import BLIND_INTERFACE_ID, blind_generators
from bbs.commitment import core_commit, core_commit_verify
from bbs.groups.bls12_381 import r
from bbs.hashing import hash_to_scalar
from bbs.scalars import calculate_random_scalars, messages_to_scalars
from bbs.serialization import (
    CommitmentWithProof,
    commitment_with_proof_to_octets,
    octets_to_commitment_with_proof,
    points_to_octets,
    scalars_to_octets,
)
from tests.bbs.blinding import committed_of, load_from, mocked, refused
from tests.bbs.mocked import octets
from tests.bbs.test_bbs_properties import flip, quick, texts
from tests.bbs.test_bbs_serialization import Case, changes

SUITES = [SHA_256, SHAKE_256]
by_suite = pytest.mark.parametrize("quick_suite", SUITES, ids=["SHA", "SHAKE"])
VALID = "commit/commit002.json"
M = 5
EDGES = [0, *range(48, 48 + 32 * (2 + M) + 1, 32)]


def api_id(suite: Ciphersuite) -> bytes:
    return suite.ciphersuite_id + BLIND_INTERFACE_ID


class Issuance:
    """The vector's committed messages, an issuer's key, and what this issuer asks a proof to be bound to."""

    header, messages = b"header", [b"issued"]

    def __init__(
        self, suite: Ciphersuite, nonce: bytes = b"nonce of issuance", key: bytes = b"i" * 32
    ) -> None:
        self.suite = suite
        self.data = load_from("blind", suite, VALID)
        self.committed_messages = octets(self.data["committedMessages"])
        self.plain = bytes.fromhex(self.data["commitmentWithProof"])
        self.sk = bbs.keygen(key, suite=suite)
        self.pk = bbs.sk_to_pk(self.sk, suite=suite)
        self.binding = CommitmentBinding(self.pk, nonce, b"schema 7")

    def commit(self, binding: CommitmentBinding | None = None) -> tuple[bytes, Committed]:
        rng = mocked(self.data, "commit", self.suite)
        return bbs.commit(self.committed_messages, suite=self.suite, binding=binding, rng=rng)

    def sign(
        self, commitment: bytes, binding: CommitmentBinding | None = None, count: int = M, pk: bytes = b""
    ) -> bytes:
        sk, pk, header = self.sk, pk or self.pk, self.header
        return bbs.blind_sign(
            sk, pk, commitment, header, self.messages, count, suite=self.suite, binding=binding
        )


# what is refused

CASES = changes(
    {"C": 0}, {"s^": 48, "first m^": 80, "last m^": 208, "c": 240}, [0, 1, 48, 111, 112, 240, 271, 273, 304]
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_octets_refused_by_every_group_made_from_commit002(suite: Ciphersuite, case: Case) -> None:
    valid = bytes.fromhex(load_from("blind", suite, VALID)["commitmentWithProof"])
    refused(case.reason, octets_to_commitment_with_proof, case.change(valid), M, suite=suite)


@by_suite
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_issuer_signs_none_of_them(quick_suite: Ciphersuite, case: Case) -> None:
    issuance = Issuance(quick_suite)
    assert len(issuance.sign(issuance.plain)) == 80
    refused(case.reason, issuance.sign, case.change(issuance.plain))


def test_round_trip(suite: Ciphersuite) -> None:
    valid = bytes.fromhex(load_from("blind", suite, VALID)["commitmentWithProof"])
    parsed = octets_to_commitment_with_proof(valid, M, suite=suite)
    assert commitment_with_proof_to_octets(parsed, suite=suite) == valid
    for field in ({"s_hat": 0}, {"c": r}, {"m_hat": (0,)}):
        refused("SCALAR_OUT_OF_RANGE", replace, parsed, **field)


@by_suite
def test_every_flipped_bit_is_refused_made_from_commit002(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    for valid, binding in (
        (issuance.plain, None),
        (issuance.commit(issuance.binding)[0], issuance.binding),
    ):
        issuance.sign(valid, binding)
        for bit in range(len(valid) * 8):
            with pytest.raises((VerificationError, DecodingError)):
                issuance.sign(flip(valid, bit), binding)


@by_suite
def test_the_number_of_messages_is_the_issuers(quick_suite: Ciphersuite) -> None:
    """A holder that sends a longer commitment gets no message more, and costs the issuer no generator."""
    issuance = Issuance(quick_suite)
    for count in (0, M - 1, M + 1):
        refused("INVALID_LENGTH", issuance.sign, issuance.plain, None, count)
    more, _ = bbs.commit([*issuance.committed_messages, b"one more"], suite=quick_suite)
    assert issuance.sign(more, None, M + 1)
    refused("INVALID_LENGTH", issuance.sign, more)
    refused("TOO_MANY_MESSAGES", issuance.sign, more, None, quick_suite.max_messages + 1)
    for bad in (-1, True, 5.0, None):
        refused("COUNT_MISMATCH", issuance.sign, issuance.plain, None, bad)


@by_suite
def test_an_empty_commitment_is_only_taken_for_none(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    assert len(issuance.sign(b"", None, 0)) == 80
    refused("INVALID_LENGTH", issuance.sign, b"", None, 1)
    refused("INVALID_LENGTH", issuance.sign, b"", issuance.binding, 0)
    for bad in (None, "", bytearray()):
        refused("INVALID_TYPE", issuance.sign, bad, None, 0)


@by_suite
def test_swapped_committed_messages_are_refused_made_from_commit002(quick_suite: Ciphersuite) -> None:
    """Neither the responses nor the messages of a commitment can change places."""
    issuance = Issuance(quick_suite)
    edges = list(pairwise(EDGES))
    swapped = [issuance.plain[start:end] for start, end in edges]
    swapped[2], swapped[3] = swapped[3], swapped[2]
    refused("COMMITMENT_INVALID", issuance.sign, b"".join(swapped))
    signature, committed = issuance.sign(issuance.plain), committed_of(issuance.data)
    args = (issuance.pk, signature, issuance.header, issuance.messages)
    bbs.verify_blind_sign(*args, committed, suite=quick_suite)
    first, second, *others = committed.messages
    other_order = replace(committed, messages=(second, first, *others))
    refused("SIGNATURE_INVALID", bbs.verify_blind_sign, *args, other_order, suite=quick_suite)


@by_suite
def test_parts_of_two_commitments_do_not_mix(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    other, _ = bbs.commit(issuance.committed_messages, suite=quick_suite)
    for start, end in pairwise(EDGES):
        mixed = issuance.plain[:start] + other[start:end] + issuance.plain[end:]
        assert mixed != issuance.plain
        refused("COMMITMENT_INVALID", issuance.sign, mixed)


@by_suite
def test_a_commitment_is_of_one_interface_and_suite(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    other_suite = next(each for each in SUITES if each is not quick_suite)
    refused("COMMITMENT_INVALID", issuance.sign, Issuance(other_suite).plain)
    nym, _ = bbs.commit_with_nym(issuance.committed_messages[1:], [7], suite=quick_suite)
    refused("COMMITMENT_INVALID", issuance.sign, nym)
    args: Any = (issuance.sk, issuance.pk, issuance.plain, 1, 7, b"header", [])
    refused("COMMITMENT_INVALID", bbs.blind_sign_with_nym, *args, M - 1, suite=quick_suite)


# what binds a commitment to one issuance


def other_bindings(issuance: Issuance) -> dict[str, CommitmentBinding]:
    """Every way to change the binding by one field, and to move octets between two fields."""
    pk, nonce, context = issuance.pk, issuance.binding.nonce, issuance.binding.context
    return {
        "another nonce": CommitmentBinding(pk, flip(nonce, 0), context),
        "a longer nonce": CommitmentBinding(pk, nonce + b"\x00", context),
        "another context": CommitmentBinding(pk, nonce, flip(context, 0)),
        "no context": CommitmentBinding(pk, nonce, b""),
        "an octet from context to nonce": CommitmentBinding(pk, nonce + context[:1], context[1:]),
        "an octet from nonce to context": CommitmentBinding(pk, nonce[:-1], nonce[-1:] + context),
    }


@by_suite
def test_a_bound_commitment_is_good_for_its_binding_only(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    bound, _ = issuance.commit(issuance.binding)
    assert issuance.sign(bound, issuance.binding)
    for name, binding in other_bindings(issuance).items():
        assert binding != issuance.binding, name
        refused("COMMITMENT_INVALID", issuance.sign, bound, binding)
        assert issuance.sign(issuance.commit(binding)[0], binding)


@by_suite
def test_a_replayed_commitment_is_refused_under_the_next_nonce(quick_suite: Ciphersuite) -> None:
    first, second = Issuance(quick_suite), Issuance(quick_suite, nonce=b"nonce of the next one")
    recorded, _ = first.commit(first.binding)
    assert first.sign(recorded, first.binding)
    refused("COMMITMENT_INVALID", second.sign, recorded, second.binding)


@by_suite
def test_the_drafts_proof_is_replayed_where_the_issuer_asks_for_no_binding(quick_suite: Ciphersuite) -> None:
    """Why the bound form is there: commit002 is taken by any issuer, any number of times."""
    first, second = Issuance(quick_suite), Issuance(quick_suite, key=b"j" * 32)
    assert first.sign(first.plain) == first.sign(first.plain)
    assert second.sign(first.plain)


@by_suite
def test_neither_form_passes_for_the_other(quick_suite: Ciphersuite) -> None:
    issuance = Issuance(quick_suite)
    bound, _ = issuance.commit(issuance.binding)
    refused("COMMITMENT_INVALID", issuance.sign, bound, None)
    refused("COMMITMENT_INVALID", issuance.sign, issuance.plain, issuance.binding)


@by_suite
def test_a_commitment_for_another_issuer_is_refused(quick_suite: Ciphersuite) -> None:
    """Also when both issuers drew the same nonce for the same context."""
    issuance, other = Issuance(quick_suite), Issuance(quick_suite, key=b"j" * 32)
    assert issuance.binding.nonce == other.binding.nonce
    to_other, _ = issuance.commit(other.binding)
    assert other.sign(to_other, other.binding)
    refused("COMMITMENT_INVALID", issuance.sign, to_other, issuance.binding)
    refused("KEY_MISMATCH", issuance.sign, to_other, other.binding)
    refused("KEY_MISMATCH", issuance.sign, to_other, other.binding, M, other.pk)


@by_suite
def test_both_forms_lead_to_the_drafts_signature(quick_suite: Ciphersuite) -> None:
    """C does not depend on the binding, nor does what is signed: any conforming library verifies it."""
    issuance = Issuance(quick_suite)
    bound, committed = issuance.commit(issuance.binding)
    assert bound[:48] == issuance.plain[:48]
    assert bound[48:] != issuance.plain[48:]
    assert committed == committed_of(issuance.data)
    assert issuance.sign(bound, issuance.binding) == issuance.sign(issuance.plain)


@by_suite
def test_the_bound_challenge_is_the_documents(quick_suite: Ciphersuite) -> None:
    """Put together by hand: the draft's input, three parts with their lengths, and a tag that is ours."""
    issuance, suite = Issuance(quick_suite), quick_suite
    generators = blind_generators(M, api_id(suite), suite=suite)
    parsed = octets_to_commitment_with_proof(issuance.commit(issuance.binding)[0], M, suite=suite)
    Cbar = generators.combine((0, parsed.s_hat, *parsed.m_hat), (parsed.C,), (-parsed.c,))
    hashed = M.to_bytes(8) + generators.octets + points_to_octets(parsed.C, Cbar, suite=suite)
    hashed += (96).to_bytes(8) + issuance.pk + (17).to_bytes(8) + b"nonce of issuance"
    hashed += (8).to_bytes(8) + b"schema 7"
    tag = suite.ciphersuite_id + b"BLIND_H2G_HM2S_ZK_DISCLOSURE_BOUND_COMMITMENT_V1_H2S_"
    assert hash_to_scalar(hashed, tag, suite=suite) == parsed.c


def test_a_binding_is_checked_where_it_is_made() -> None:
    refused("INVALID_NONCE", CommitmentBinding, b"pk", b"n" * 15, b"")
    bad: Any
    for bad in ("text", None, 7, bytearray(16)):
        refused("INVALID_TYPE", CommitmentBinding, bad, b"n" * 16, b"")
        refused("INVALID_TYPE", CommitmentBinding, b"pk", bad, b"")
        refused("INVALID_TYPE", CommitmentBinding, b"pk", b"n" * 16, bad)


some_octets = st.binary(max_size=24)
bindings = st.builds(CommitmentBinding, some_octets, st.binary(min_size=16, max_size=24), some_octets)


@quick
@given(bindings, bindings)
def test_no_two_bindings_have_the_same_octets(one: CommitmentBinding, two: CommitmentBinding) -> None:
    assert (one.octets == two.octets) == (one == two)
    assert not two.octets.startswith(one.octets) or one == two


# that a proof shows knowledge, and nothing else


@by_suite
def test_the_extractor_opens_a_commitment_from_two_answers(quick_suite: Ciphersuite) -> None:
    """The prover answers two nonces after the same first move: that gives blind and messages away."""
    issuance = Issuance(quick_suite)
    other = replace(issuance.binding, nonce=b"the nonce after rewinding")
    answers = [
        octets_to_commitment_with_proof(issuance.commit(binding)[0], M, suite=quick_suite)
        for binding in (issuance.binding, other)
    ]
    one, two = answers
    assert one.c != two.c
    inverse = pow(one.c - two.c, -1, r)
    blind = (one.s_hat - two.s_hat) * inverse % r
    scalars = [(a - b) * inverse % r for a, b in zip(one.m_hat, two.m_hat, strict=True)]
    assert blind == committed_of(issuance.data).secret_prover_blind
    assert scalars == messages_to_scalars(issuance.committed_messages, api_id(quick_suite), suite=quick_suite)


@by_suite
@pytest.mark.parametrize("bound", [False, True], ids=["plain", "bound"])
def test_the_simulator_needs_no_secret(
    quick_suite: Ciphersuite, bound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random C and responses, Cbar computed backwards, the oracle programmed at that one point."""
    issuance, group = Issuance(quick_suite), quick_suite.group
    generators = blind_generators(M, api_id(quick_suite), suite=quick_suite)
    binding = issuance.binding if bound else None
    t, s_hat, c, *m_hat = calculate_random_scalars(3 + M)
    C = group.msm((group.BP1,), (t,))
    Cbar = generators.combine((0, s_hat, *m_hat), (C,), (-c,))
    simulated = commitment_with_proof_to_octets(
        CommitmentWithProof(C, s_hat, tuple(m_hat), c), suite=quick_suite
    )
    refused("COMMITMENT_INVALID", issuance.sign, simulated, binding)
    programmed = points_to_octets(C, Cbar, suite=quick_suite)

    def programmed_oracle(octets: bytes, dst: bytes, *, suite: Ciphersuite) -> int:
        return c if programmed in octets else hash_to_scalar(octets, dst, suite=suite)

    monkeypatch.setattr(bbs.commitment, "hash_to_scalar", programmed_oracle)
    found = core_commit_verify(simulated, generators, api_id(quick_suite), binding=binding)
    assert group.g1_to_octets(found) == group.g1_to_octets(C)


@by_suite
@quick
@given(texts, st.booleans())
def test_what_the_issuer_sees_contains_no_secret(
    quick_suite: Ciphersuite, messages: list[bytes], bound: bool
) -> None:
    """A structure test: neither messages nor scalars nor blind stand in the commitment, in any part."""
    issuance = Issuance(quick_suite)
    long = [message + b"made longer, so that no chance meets it" for message in messages]
    octets, committed = bbs.commit(
        long, suite=quick_suite, binding=issuance.binding if bound else None, rng=calculate_random_scalars
    )
    scalars = messages_to_scalars(long, api_id(quick_suite), suite=quick_suite)
    secrets = [committed.secret_prover_blind, *scalars]
    for secret in [*long, *(scalars_to_octets(each, suite=quick_suite) for each in secrets)]:
        assert secret not in octets
    again, _ = bbs.commit(long, suite=quick_suite)
    edges = [0, *range(48, len(octets) + 1, 32)]
    assert all(octets[start:end] != again[start:end] for start, end in pairwise(edges))


def test_no_operation_of_the_issuer_takes_what_the_holder_keeps() -> None:
    secrets = {"committed", "committed_messages", "prover_nyms", "nym_secrets"}
    issuers: list[Callable[..., object]] = [bbs.blind_sign, bbs.blind_sign_with_nym]
    holders: list[Callable[..., object]] = [bbs.verify_blind_sign, bbs.verify_finalize_with_nym]
    for act in issuers:
        assert not secrets & set(inspect.signature(act).parameters)
    for act in holders:
        assert secrets & set(inspect.signature(act).parameters)


def test_what_the_holder_keeps_does_not_show_itself() -> None:
    committed = Committed((b"a secret text",), 0xDEADBEEF)
    assert "secret text" not in repr(committed)
    assert str(0xDEADBEEF) not in repr(committed)
    for bad in (0, -1, r, 1.5, True):
        refused("SCALAR_OUT_OF_RANGE", Committed, (b"a secret text",), bad)
    refused("SCALAR_OUT_OF_RANGE", Committed, (), r)
    refused("INVALID_TYPE", Committed, ("a secret text",), 1)


@by_suite
def test_arguments_of_the_core_operations(quick_suite: Ciphersuite) -> None:
    generators = blind_generators(1, api_id(quick_suite), suite=quick_suite)
    refused("COUNT_MISMATCH", core_commit, [1, 2], generators, b"api")
    refused("SCALAR_OUT_OF_RANGE", core_commit, [r], generators, b"api")
    refused("INVALID_RANDOMNESS", core_commit, [1], generators, b"api", rng=lambda n: [0] * n)
    octets, blind = core_commit([1], generators, b"api")
    C = core_commit_verify(octets, generators, b"api")
    expected = generators.combine((0, blind, 1))
    assert quick_suite.group.g1_to_octets(C) == quick_suite.group.g1_to_octets(expected)
    refused("COMMITMENT_INVALID", core_commit_verify, octets, generators, b"another")
