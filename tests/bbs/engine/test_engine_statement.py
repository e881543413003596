"""The rules of statements: whatever breaks one is refused when it is compiled."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from bbs.engine import Base, Builder, Scope, Statement, Values, Witness, prove
from bbs.engine.statement import Constraint, Equation
from bbs.engine.transcript import statement_octets
from bbs.errors import BbsError, InputError
from bbs.gadgets import Commitment, Credential, hashed_base
from tests.bbs.engine.cases import CONTEXT, Public, assigned, held, secret_key, suite

G, H = (hashed_base(suite(), "test", bytes([i])) for i in range(2))


def small() -> tuple[Builder, Witness, Witness]:
    """K = x*G + y*H."""
    builder = Builder(suite())
    x, y = builder.witness("x"), builder.witness("y")
    builder.equation("K", {builder.sent("K"): 1}, [(x, G), (y, H)])
    return builder, x, y


def defined_twice(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 1, {y: 2})
    builder.constraint(x, 1, {y: 3})


def in_a_chain(builder: Builder, x: Witness, y: Witness) -> None:
    z = builder.witness("z")
    builder.equation("z", {G: 1}, [(z, G)])
    builder.constraint(x, 0, {y: 1})
    builder.constraint(y, 0, {z: 1})


def by_itself(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 0, {x: 1, y: 1})


def in_no_equation(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 0, {builder.witness("z"): 1})


def of_an_undeclared_witness(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 0, {Witness("z"): 1})


def with_an_undeclared_witness(builder: Builder, x: Witness, y: Witness) -> None:
    builder.equation("z", {G: 1}, [(Witness("z"), H)])


def with_an_unused_witness(builder: Builder, x: Witness, y: Witness) -> None:
    builder.witness("z")


def with_an_unused_point(builder: Builder, x: Witness, y: Witness) -> None:
    builder.sent("N")


def with_a_point_that_is_only_checked(builder: Builder, x: Witness, y: Witness) -> None:
    builder.signature(builder.sent("C"), builder.sent("D"), secret_key(b"A").public_key())


def with_a_witness_twice(builder: Builder, x: Witness, y: Witness) -> None:
    builder.witness("x")


def with_a_point_twice(builder: Builder, x: Witness, y: Witness) -> None:
    builder.sent("K")


def with_a_label_twice(builder: Builder, x: Witness, y: Witness) -> None:
    builder.equation("K", {G: 1}, [(x, H)])


def with_a_scope_twice(builder: Builder, x: Witness, y: Witness) -> None:
    builder.scope("a").scope("b")
    builder.scope("a")


def with_a_slash_in_a_name(builder: Builder, x: Witness, y: Witness) -> None:
    builder.scope("a/b")


def with_an_empty_name(builder: Builder, x: Witness, y: Witness) -> None:
    builder.witness("")


def without_a_left_side(builder: Builder, x: Witness, y: Witness) -> None:
    builder.equation("none", {}, [(x, G)])


def with_a_left_side_of_zero(builder: Builder, x: Witness, y: Witness) -> None:
    builder.equation("none", {G: suite().group.r}, [(x, G)])


def without_a_right_side(builder: Builder, x: Witness, y: Witness) -> None:
    builder.equation("none", {G: 1}, [])


def constrained_to_a_constant(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 5, {})


def constrained_by_a_zero_factor(builder: Builder, x: Witness, y: Witness) -> None:
    builder.constraint(x, 5, {y: suite().group.r})


def with_a_base_of_another_suite(builder: Builder, x: Witness, y: Witness) -> None:
    from bbs import SHAKE_256
    from bbs.engine import PairingSuite

    builder.equation("other", {hashed_base(PairingSuite(SHAKE_256), "test"): 1}, [(x, G)])


RULES = [
    defined_twice,
    in_a_chain,
    by_itself,
    in_no_equation,
    of_an_undeclared_witness,
    with_an_undeclared_witness,
    with_an_unused_witness,
    with_an_unused_point,
    with_a_point_that_is_only_checked,
    with_a_witness_twice,
    with_a_point_twice,
    with_a_label_twice,
    with_a_scope_twice,
    with_a_slash_in_a_name,
    with_an_empty_name,
    without_a_left_side,
    with_a_left_side_of_zero,
    without_a_right_side,
    constrained_to_a_constant,
    constrained_by_a_zero_factor,
    with_a_base_of_another_suite,
]


@pytest.mark.parametrize("break_rule", RULES, ids=lambda rule: rule.__name__)
def test_a_statement_that_breaks_a_rule_is_refused(
    break_rule: Callable[[Builder, Witness, Witness], None],
) -> None:
    builder, x, y = small()
    builder.build()

    def broken() -> Statement:
        break_rule(builder, x, y)
        return builder.build()

    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        broken()


def test_a_statement_put_together_by_hand_keeps_the_same_rules() -> None:
    builder, x, y = small()
    good = builder.build()
    r = suite().group.r
    (equation,) = good.equations
    for change in (
        {"equations": ()},
        {"witnesses": (x, y, x)},
        {"equations": (replace(equation, Y=((equation.Y[0][0], r),)),)},
        {"equations": (replace(equation, Y=((equation.Y[0][0], -1),)),)},
        {"constraints": (Constraint(x, r, ((y, 1),)),)},
        {"constraints": (Constraint(x, 1, ((y, 1), (y, 2))),)},
    ):
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            replace(good, **change)


def test_a_key_that_is_none_is_refused() -> None:
    for key in (b"", bytes(96), b"\xc0" + bytes(95)):
        builder, x, _ = small()
        C, D = builder.sent("C"), builder.sent("D")
        builder.equation("C", {C: 1, D: 1}, [(x, G)])
        builder.signature(C, D, key)
        with pytest.raises(BbsError, match=r"INVALID_LENGTH|INVALID_POINT|IDENTITY_POINT"):
            builder.build()


def test_a_base_is_never_the_identity() -> None:
    group = suite().group
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        Base(suite(), group.msm((), ()))


def test_two_gadgets_of_a_kind_do_not_meet() -> None:
    builder, x, _ = small()
    first, second = (Commitment.add_to(builder.scope(name), x) for name in ("first", "second"))
    assert len({first.K, second.K, first.u, second.u}) == 4
    assert first.m == second.m == x


def test_a_shown_message_is_none_that_is_shared() -> None:
    generators, key = held().generators, secret_key(b"A").public_key()

    def add(scope: Scope, shown: dict[int, int], shared: dict[int, Witness]) -> None:
        Credential.add_to(scope, key, generators, 7, shown, shared)

    for shown, shared in (({5: 1}, {}), ({-1: 1}, {}), ({}, {9: Witness("x")}), ({1: 1}, {1: Witness("x")})):
        with pytest.raises(InputError, match="INVALID_INDEXES"):
            add(Builder(suite()), shown, shared)
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        add(Builder(suite()), {1: suite().group.r}, {})


def test_every_difference_between_statements_is_in_their_octets() -> None:
    """The challenge hashes all of these apart, and what is the same compiles to the same octets."""
    variants: list[Statement] = [
        Public(**{field: value}).compile().statement  # type: ignore[arg-type]
        for field, value in CHANGES
    ]
    assert statement_octets(Public().compile().statement) == statement_octets(variants[0])
    assert len({statement_octets(each) for each in variants}) == len(variants)


CHANGES: list[tuple[str, object]] = [
    ("name", "residency"),
    ("name", "residence"),
    ("issuer", b"B"),
    ("header", b"other"),
    ("shown", ()),
    ("shown", ((3, b"other"),)),
    ("shown", ((4, b"street"),)),
    ("scope", b"city/2027"),
    ("table", b"U"),
    ("purpose", "other"),
    ("reordered", True),
]


def test_terms_and_sides_are_told_apart() -> None:
    """No term can move to another equation, side, witness or base without changing the octets."""
    builder, x, y = small()
    good = builder.build()
    (equation,) = good.equations
    (K, one), (xG, yH) = equation.Y[0], equation.terms
    others = [
        Equation("K", ((K, 2),), (xG, yH)),
        Equation("K", ((K, one),), (yH, xG)),
        Equation("K", ((K, one),), ((x, H), (y, G))),
        Equation("K", ((K, one), (G, 1)), (xG, yH)),
        Equation("K", ((K, one),), (xG, yH, (x, H))),
        Equation("L", ((K, one),), (xG, yH)),
    ]
    statements = [good, *(replace(good, equations=(other,)) for other in others)]
    constraints = [(x, 1, ((y, 1),)), (x, 1, ((y, 2),)), (x, 2, ((y, 1),)), (y, 1, ((x, 1),))]
    statements += [replace(good, constraints=(Constraint(*each),)) for each in constraints]
    inner = frozenset(good.sent)
    statements += [replace(good, inner=inner), replace(good, inner=inner, nonzero=inner)]
    assert len({statement_octets(each) for each in statements}) == len(statements)


def test_nothing_shows_itself() -> None:
    public = Public()
    compiled = public.compile()
    values = assigned(compiled, public)
    secret = {str(message) for message in held().messages} | {hex(message)[2:] for message in held().messages}
    shown = repr(values) + repr(compiled.statement) + repr(compiled.statement.equations) + repr(compiled)
    assert not any(each in shown for each in secret)


def test_values_are_good_for_one_proof() -> None:
    public = Public()
    compiled = public.compile()
    values = assigned(compiled, public)
    prove(compiled.statement, CONTEXT, values)
    with pytest.raises(InputError, match="ALREADY_USED"):
        prove(compiled.statement, CONTEXT, values)


def test_a_label_of_the_context_occurs_once() -> None:
    public = Public()
    compiled = public.compile()
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        prove(compiled.statement, [*CONTEXT, ("request", b"x")], assigned(compiled, public))


def test_values_are_for_their_own_statement_only() -> None:
    public = Public()
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        prove(public.compile().statement, CONTEXT, assigned(public.compile(), public))


def test_random_scalars_are_checked() -> None:
    compiled = Public().compile()
    wrong: list[int]
    for wrong in ([0], [suite().group.r], [-1], []):
        values = Values(compiled.statement, partial(lambda scalars, _: scalars, wrong))
        with pytest.raises(InputError, match="INVALID_RANDOMNESS"):
            values.random(1)
