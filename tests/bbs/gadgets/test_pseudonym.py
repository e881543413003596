"""Pseudonyms of all purposes: one for a secret, a purpose and a scope, and never the same elsewhere."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.engine import Base, Builder, Statement, Values, prove, verify
from bbs.errors import VerificationError
from bbs.gadgets import Credential, commitment_bases
from bbs.gadgets.escrow import escrow_bases
from bbs.gadgets.pseudonym import Pseudonym, Purpose, pseudonym_base
from tests.bbs.engine.cases import CONTEXT, held, secret_key, suite

SCOPES = (b"", b"-issuance", b"-subject", b"pseudonym", b"pseudonym-issuance", b"issuer", b"issuer\x00")


def compiled(
    scope_octets: bytes, purpose: Purpose, name: str = "n", index: int = 0
) -> tuple[Statement, Credential, Pseudonym]:
    mine, builder = held(), Builder(suite())
    issuer = secret_key(b"A").public_key()
    credential = Credential.add_to(builder.scope("c"), issuer, mine.generators, mine.domain, {})
    scope = builder.scope(name)
    pseudonym = Pseudonym.add_to(scope, credential.messages[index], scope_octets, purpose)
    return builder.build(), credential, pseudonym


def shown(scope_octets: bytes, purpose: Purpose, index: int = 0) -> tuple[bytes, bytes]:
    """Return a proof of the holder's and its pseudonym."""
    statement, credential, pseudonym = compiled(scope_octets, purpose, index=index)
    values = Values(statement)
    credential.assign(values, held())
    pseudonym.assign(values, held().messages[index])
    proof = prove(statement, CONTEXT, values)
    return proof, verify(statement, CONTEXT, proof).octets[pseudonym.N]


def test_no_base_is_that_of_another_scope_or_purpose_or_gadget() -> None:
    bases: list[Base] = [pseudonym_base(suite(), *each) for each in product(SCOPES, Purpose)]
    bases += [*commitment_bases(suite()), *escrow_bases(suite())]
    assert len({base.octets for base in bases}) == len(bases)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(st.binary(max_size=70), st.sampled_from(Purpose)),
    st.tuples(st.binary(max_size=70), st.sampled_from(Purpose)),
)
def test_two_bases_are_equal_only_for_the_same(
    first: tuple[bytes, Purpose], second: tuple[bytes, Purpose]
) -> None:
    one, other = (pseudonym_base(suite(), *each).octets for each in (first, second))
    assert (one == other) == (first == second)


def test_one_secret_has_one_pseudonym_a_purpose_and_scope() -> None:
    every = [*product((b"issuer", b"audience"), Purpose)]
    first, second = ([shown(*each)[1] for each in every] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(every)


def test_the_subject_s_pseudonym_is_that_of_its_secret_and_not_of_the_holder() -> None:
    """Two holders whose credentials name one subject show one N: the second enrolment is seen."""
    assert shown(b"enrolment/2026", Purpose.SUBJECT, 1) != shown(b"enrolment/2026", Purpose.SUBJECT, 0)
    assert shown(b"enrolment/2026", Purpose.SUBJECT, 1)[1] == shown(b"enrolment/2026", Purpose.SUBJECT, 1)[1]


@pytest.mark.parametrize("made", Purpose)
@pytest.mark.parametrize("asked", Purpose)
def test_a_pseudonym_of_another_purpose_is_refused(made: Purpose, asked: Purpose) -> None:
    """An issuer that asks for N_iss cannot be given, nor ask for, what a verifier sees."""
    proof, _ = shown(b"scope", made)
    statement, _, _ = compiled(b"scope", asked)
    if made is asked:
        verify(statement, CONTEXT, proof)
        return
    with pytest.raises(VerificationError):
        verify(statement, CONTEXT, proof)


def test_a_pseudonym_of_another_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for purpose in Purpose:
        statement, credential, pseudonym = compiled(b"scope", purpose)
        values = Values(statement)
        credential.assign(values, held())
        pseudonym.assign(values, held().messages[0])
        values._points[pseudonym.N] = {pseudonym.base: 17}
        monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
        with pytest.raises(VerificationError):
            verify(statement, CONTEXT, prove(statement, CONTEXT, values))
