"""Provers that know a valid credential and lie: refused by the verifier, and mostly by their own library."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bbs.credential import PreparedCredential
from bbs.engine import Base, Builder, Claim, Values, prove, verify
from bbs.errors import BbsError, InputError
from bbs.gadgets import Commitment, Credential, hashed_base
from bbs.groups.bls12_381 import r
from tests.bbs.engine.cases import (
    CONTEXT,
    FAST,
    MESSAGES,
    Compiled,
    Public,
    assigned,
    claim,
    held,
    outcome,
    refused,
    secret_key,
    suite,
)


@pytest.fixture(params=FAST)
def public(request: pytest.FixtureRequest) -> Public:
    return Public(group=request.param)


def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the prover prove what is false, as a dishonest one would."""
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)


Lie = Callable[[Public, Compiled, Values], None]


def another_handle(public: Public, compiled: Compiled, values: Values) -> None:
    """The table's signature is on another value than the credential's."""
    y = (held(group=public.group).messages[1] + 1) % r
    C = secret_key(public.table, public.group).group_key.divide(public.V.point, y)
    (t,) = values.random(1)
    C1 = Base(compiled.statement.suite, C)
    values._points[compiled.member.C1] = {C1: t}
    values._points[compiled.member.C2] = {public.V: t, C1: -y * t}
    values._witnesses[compiled.member.t] = -t % r


def a_signature_of_another_table(public: Public, compiled: Compiled, values: Values) -> None:
    y = held(group=public.group).messages[1]
    C = Base(compiled.statement.suite, secret_key(b"U", public.group).group_key.divide(public.V.point, y))
    (t,) = values.random(1)
    values._points[compiled.member.C1] = {C: t}
    values._points[compiled.member.C2] = {public.V: t, C: -y * t}
    values._witnesses[compiled.member.t] = -t % r


def a_pseudonym_of_another_scope(public: Public, compiled: Compiled, values: Values) -> None:
    other = replace(public, scope=b"other").compile().pseudonym.base
    values._points[compiled.pseudonym.N] = {other: held(group=public.group).messages[0]}


def a_pseudonym_of_another_secret(public: Public, compiled: Compiled, values: Values) -> None:
    values._points[compiled.pseudonym.N] = {compiled.pseudonym.base: 5}


def a_commitment_to_another_value(public: Public, compiled: Compiled, values: Values) -> None:
    K = values._points[compiled.commitment.K]
    values._points[compiled.commitment.K] = {base: scalar + 1 for base, scalar in K.items()}


def another_shown_value(public: Public, compiled: Compiled, values: Values) -> None:
    """The credential says something else than what is shown."""
    forged = held(messages=(*MESSAGES[:3], b"elsewhere", MESSAGES[4]), group=public.group)
    _assign_anew(compiled, values, forged)


def a_credential_of_another_issuer(public: Public, compiled: Compiled, values: Values) -> None:
    _assign_anew(compiled, values, held(b"B", group=public.group))


def a_credential_that_nobody_signed(public: Public, compiled: Compiled, values: Values) -> None:
    true = held(group=public.group)
    group = suite(public.group).group
    A = group.msm([true.signature.A], [2])
    signature = replace(true.signature, A=A)
    _assign_anew(
        compiled,
        values,
        PreparedCredential(true.generators, signature, true.messages, true.domain, true.B, true.api_id),
    )


def _assign_anew(compiled: Compiled, values: Values, credential: PreparedCredential) -> None:
    mine = compiled.credential
    for name in (mine.e, mine.r1, mine.r3, *mine.messages.values()):
        values._witnesses.pop(name)
    for point in (mine.A, mine.B, mine.D):
        values._points.pop(point)
    mine.assign(values, credential)


LIES: list[Lie] = [
    another_handle,
    a_signature_of_another_table,
    a_pseudonym_of_another_scope,
    a_pseudonym_of_another_secret,
    a_commitment_to_another_value,
    another_shown_value,
    a_credential_of_another_issuer,
    a_credential_that_nobody_signed,
]
NOT_SEEN_BY_THE_PROVER = [
    a_signature_of_another_table,
    a_credential_of_another_issuer,
    a_credential_that_nobody_signed,
]
"""Lies about a signature alone: the prover has the equations right, and only the key tells."""


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_prover_that_lies_is_refused(public: Public, lie: Lie, monkeypatch: pytest.MonkeyPatch) -> None:
    lying(monkeypatch)
    compiled = public.compile()
    values = assigned(compiled, public)
    lie(public, compiled, values)
    assert refused([claim(public, prove(compiled.statement, CONTEXT, values))]) == {"PROOF_INVALID"}


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in NOT_SEEN_BY_THE_PROVER])
def test_the_prover_refuses_to_prove_what_is_false(lie: Lie) -> None:
    public = Public()
    compiled = public.compile()
    values = assigned(compiled, public)
    lie(public, compiled, values)
    with pytest.raises(InputError, match="UNSATISFIED"):
        prove(compiled.statement, CONTEXT, values)


def two_credentials(
    first: PreparedCredential, second: PreparedCredential
) -> tuple[Builder, list[Credential]]:
    """Two credentials whose holder secrets are one witness."""
    builder = Builder(suite())
    key, domain = secret_key(b"A").public_key(), first.domain
    one = Credential.add_to(builder.scope("one"), key, first.generators, domain, {})
    shared = {0: one.messages[0]}
    other = Credential.add_to(builder.scope("other"), key, second.generators, domain, {}, shared)
    return builder, [one, other]


def test_two_holders_cannot_pool_their_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, yours = held(), held(messages=(b"another holder", *MESSAGES[1:]))
    for second in (mine, yours):
        builder, (one, other) = two_credentials(mine, second)
        statement = builder.build()
        values = Values(statement)
        one.assign(values, mine)
        if second is mine:
            other.assign(values, second)
            verify(statement, CONTEXT, prove(statement, CONTEXT, values))
            continue
        with pytest.raises(InputError, match="UNSATISFIED"):
            other.assign(values, second)
        # The dishonest pair answers with the secret of the one, and with that of the other.
        lying(monkeypatch)
        for lead, follow in ((mine, yours), (yours, mine)):
            values = Values(statement)
            one.assign(values, mine)
            values._witnesses[one.messages[0]] = yours.messages[0]
            other.assign(values, yours)
            values._witnesses[one.messages[0]] = lead.messages[0]
            assert follow is not lead
            proof = prove(statement, CONTEXT, values)
            assert outcome(Claim(statement, CONTEXT, proof)) == "PROOF_INVALID"


def test_a_constraint_cannot_be_answered_otherwise() -> None:
    """y = 3 + 2x is proven with K = x*G and L = y*G; of another y there is no proof."""
    G = hashed_base(suite(), "test")
    builder = Builder(suite())
    x, y = builder.witness("x"), builder.witness("y")
    K, L = builder.sent("K"), builder.sent("L")
    builder.equation("K", {K: 1}, [(x, G)])
    builder.equation("L", {L: 1}, [(y, G)])
    builder.constraint(y, 3, {x: 2})
    statement = builder.build()
    for value, holds in ((13, True), (14, False)):
        values = Values(statement)
        values.set(x, 5)
        values.send(K, {G: 5})
        values.send(L, {G: value})
        if holds:
            verify(statement, CONTEXT, prove(statement, CONTEXT, values))
        else:
            with pytest.raises(InputError, match="UNSATISFIED"):
                prove(statement, CONTEXT, values)
    values = Values(statement)
    values.set(x, 5)
    values.set(y, 14)
    values.send(K, {G: 5})
    values.send(L, {G: 14})
    with pytest.raises(InputError, match="UNSATISFIED"):
        prove(statement, CONTEXT, values)


def test_incomplete_values_and_foreign_names_are_refused() -> None:
    public = Public()
    for place in (0, -1):
        compiled = public.compile()
        values = assigned(compiled, public)
        values._witnesses.pop(compiled.statement.free[place])
        with pytest.raises(InputError, match="UNSATISFIED"):
            prove(compiled.statement, CONTEXT, values)
    compiled = public.compile()
    values = assigned(compiled, public)
    values._points.pop(compiled.pseudonym.N)
    with pytest.raises(InputError, match="UNSATISFIED"):
        prove(compiled.statement, CONTEXT, values)
    compiled = public.compile()
    values = assigned(compiled, public)
    foreign = Commitment.add_to(Builder(suite()).scope("foreign"), compiled.credential.messages[2])
    foreign.assign(values, held().messages[2])
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        prove(compiled.statement, CONTEXT, values)


def test_no_error_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    public = Public()
    secrets = [str(message) for message in held().messages] + [
        hex(message)[2:] for message in held().messages
    ]
    for lie in (another_handle, a_pseudonym_of_another_secret):
        compiled = public.compile()
        values = assigned(compiled, public)
        lie(public, compiled, values)
        with pytest.raises(BbsError) as caught:
            prove(compiled.statement, CONTEXT, values)
        assert not any(each in str(caught.value) for each in secrets)
