"""Points whose projection is the identity: refused where the argument needs another (docs/composite.md)."""

import pytest

from bbs.engine import (
    Base,
    Builder,
    Claim,
    Statement,
    Values,
    WireForm,
    prove,
)
from bbs.gadgets import Credential, WeakBB
from bbs.gadgets.bases import generator_bases
from bbs.groups.bls12_381 import r
from bbs.signature import calculate_domain
from tests.bbs.engine.cases import (
    CONTEXT,
    DEFAULT,
    FAST,
    Public,
    ciphersuite,
    held,
    outcome,
    scalar,
    secret_key,
    suite,
)
from tests.bbs.engine.outside import (
    FORMS,
    among_a_hundred,
    by_form,
    by_order,
    forge,
    lone_point,
    point_of,
    small,
)


def forged_credential(public: Public, order: tuple[int, ...]) -> tuple[Statement, Values]:
    """Show messages that nobody signed: A' and B' of small order, r1' = 0, e = 0."""
    group, key = suite(public.group).group, secret_key(public.issuer, public.group).public_key()
    generators = held(group=public.group).generators
    domain = calculate_domain(key, generators, public.header, ciphersuite(public.group).api_id)
    builder = Builder(suite(public.group))
    shown = {i: scalar(b"forged %d" % i) for i in range(generators.L)}
    credential = Credential.add_to(builder.scope("credential"), key, generators, domain, shown)
    statement = builder.build()
    values = Values(statement)
    B = group.msm([generators.P1, *generators.points], [1, domain, *shown.values()])
    (r2,) = values.random(1)
    outside = Base(suite(public.group), point_of(group, small(order)))
    values.set(credential.e, 0)
    values.set(credential.r1, 0)
    values.set(credential.r3, -pow(r2, -1, r))
    bases = generator_bases(suite(public.group), generators)
    known = dict(zip(bases, (1, domain, *shown.values()), strict=True))
    values.send(credential.D, {Base(suite(public.group), B, made_of=known): r2})
    values.send(credential.A, {outside: 1})
    values.send(credential.B, {outside: 1})
    return statement, values


@by_form
@by_order
def test_a_credential_of_a_small_order_is_refused(
    order: tuple[int, ...], form: WireForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for group in FAST:
        forged = forge(*forged_credential(Public(group=group), order), form)
        assert [outcome(forged)] == among_a_hundred([forged]) == ["IDENTITY_POINT"]
        # The attack is real: without this check any message is forged.
        with monkeypatch.context() as patch:
            patch.setattr("bbs.engine.proof.cleared", lambda *_: ())
            assert [outcome(forged)] == among_a_hundred([forged]) == ["OK"]


def forged_membership(public: Public, order: tuple[int, ...]) -> tuple[Statement, Values]:
    """Show that 7 is in a table without any signature on it: C' and C'' of small order, t' = 0."""
    builder = Builder(suite(public.group))
    y = builder.witness("y")
    key = secret_key(public.table, public.group).public_key()
    member = WeakBB.add_to(builder.scope("member"), y, public.V, key)
    statement = builder.build()
    values = Values(statement)
    outside = Base(suite(public.group), point_of(suite(public.group).group, small(order)))
    values.set(y, 7)
    values.set(member.t, 0)
    values.send(member.C1, {outside: 1})
    values.send(member.C2, {outside: 1})
    return statement, values


@by_form
@by_order
def test_a_membership_of_a_small_order_is_refused(
    order: tuple[int, ...], form: WireForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for group in FAST:
        forged = forge(*forged_membership(Public(group=group), order), form)
        assert [outcome(forged)] == among_a_hundred([forged]) == ["IDENTITY_POINT"]
        with monkeypatch.context() as patch:
            patch.setattr("bbs.engine.proof.cleared", lambda *_: ())
            assert [outcome(forged)] == among_a_hundred([forged]) == ["OK"]


@by_order
def test_a_point_that_is_declared_nonzero_does_not_count_as_the_identity(order: tuple[int, ...]) -> None:
    for form in FORMS:
        for read, nonzero, expected in (
            (True, False, "NOT_IN_SUBGROUP"),
            (False, True, "IDENTITY_POINT"),
            (False, False, "OK"),
        ):
            statement, values, K = lone_point(DEFAULT, read=read, nonzero=nonzero, x=0)
            values._points[K] = {Base(suite(), point_of(suite().group, small(order))): 1}
            zero = forge(statement, values, form)
            assert [outcome(zero)] == among_a_hundred([zero]) == [expected]


def test_the_identity_itself_is_refused_wherever_a_point_is_sent() -> None:
    for read, nonzero in ((True, False), (False, True), (False, False)):
        statement, values, _ = lone_point(DEFAULT, read=read, nonzero=nonzero, x=5)
        proof = prove(statement, CONTEXT, values)
        zero = Claim(statement, CONTEXT, b"\xc0" + bytes(47) + proof[48:])
        assert [outcome(zero)] == among_a_hundred([zero]) == ["IDENTITY_POINT"]
