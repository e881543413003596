"""The transcript: everything that a proof is about, hashed into its challenge.

Every item is its label and its value, each after its length in 4 octets, so no two lists of items give the
same octets. The items, in this order:

1.  `protocol` and `suite`;
2.  the caller's context, in the caller's order: the request, the prover's choices, each credential's schema
    and version, epochs, digests of tables, the usage tag;
3.  the statement: every witness, every sent point's name and what it is declared as, every equation (its
    label, left side and terms with their bases and scalars, shown attributes among them), every constraint
    with its constants, every check with its key;
4.  every sent point, as it was received and not as the projection that it counts as, compressed whatever the
    wire form;
5.  every T, likewise.

An item of the context that has a name of the engine's is no confusion: the context is one item, and its
own items are nested in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bbs.engine.statement import Base, Constraint, Equation, Point, Sent, SignatureCheck, Statement, invalid

PROTOCOL = b"zk-composite/v1"
CHALLENGE_DST = b"ZK_COMPOSITE_V1_CHALLENGE_"

_KEPT = 4096  # names and terms, which recur from statement to statement; no scalar is among them

Context = Sequence[tuple[str, bytes]]
"""Labelled octets that a proof is bound to. Every label occurs once: InputError INVALID_STATEMENT."""


def challenge(statement: Statement, context: Context, points: bytes, T: bytes) -> int:
    """Return c for compressed sent points and commitments, each one after the other."""
    items = (
        (b"protocol", PROTOCOL),
        (b"suite", statement.suite.identifier),
        (b"context", context_octets(context)),
        (b"statement", statement_octets(statement)),
        (b"points", points),
        (b"T", T),
    )
    dst = statement.suite.identifier + CHALLENGE_DST
    return statement.suite.hash_to_scalar(_items(items), dst)


def context_octets(context: Context) -> bytes:
    """Encode a context; InputError INVALID_STATEMENT if a label occurs twice."""
    for label, count in Counter(label for label, _ in context).items():
        if count > 1:
            raise invalid(f"the context's label {label} is there twice")
    return _items((label.encode(), value) for label, value in context)


def statement_octets(statement: Statement) -> bytes:
    """Encode a statement: different statements have different octets."""
    size = -(-statement.suite.group.r.bit_length() // 8)
    items = [_declared(b"witness", name) for name in statement.witnesses]
    items += [_declared(_kind(statement, name), name) for name in statement.sent]
    items += [_item(b"equation", _equation(equation, size)) for equation in statement.equations]
    items += [_item(b"constraint", _constraint(constraint, size)) for constraint in statement.constraints]
    items += [_item(b"check", _check(check)) for check in statement.checks]
    return b"".join(items)


def _kind(statement: Statement, name: Sent) -> bytes:
    if name not in statement.inner:
        return b"sent"
    return b"nonzero" if name in statement.nonzero else b"inner"


def _equation(equation: Equation, size: int) -> bytes:
    left = [_item(_point(point), scalar.to_bytes(size)) for point, scalar in equation.Y]
    right = [
        _term(name, b"base", point.octets) if isinstance(point, Base) else _term(name, b"sent", point)
        for name, point in equation.terms
    ]
    sides = _item(b"Y", b"".join(left)) + _item(b"terms", b"".join(right))
    return _declared(b"label", equation.label) + sides


def _constraint(constraint: Constraint, size: int) -> bytes:
    right = [(name.encode(), a.to_bytes(size)) for name, a in constraint.terms]
    defined = (constraint.defined.encode(), constraint.k.to_bytes(size))
    return _items((defined, (b"terms", _items(right))))


def _check(check: SignatureCheck) -> bytes:
    return _items(((check.C.encode(), check.D.encode()), (b"key", check.key)))


def _point(point: Point) -> bytes:
    return b"base" + point.octets if isinstance(point, Base) else b"sent" + point.encode()


@lru_cache(maxsize=_KEPT)
def _declared(kind: bytes, name: str) -> bytes:
    return _item(kind, name.encode())


@lru_cache(maxsize=_KEPT)
def _term(name: str, kind: bytes, point: bytes | str) -> bytes:
    return _item(name.encode(), kind + (point.encode() if isinstance(point, str) else point))


def _items(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([_item(label, value) for label, value in items])


def _item(label: bytes, value: bytes) -> bytes:
    return b"".join((len(label).to_bytes(4), label, len(value).to_bytes(4), value))
