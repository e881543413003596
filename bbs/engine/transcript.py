"""The transcript: everything that a proof is about, hashed into its challenge.

Every item is its label and its value, each after its length in 4 octets, so no two lists of items give the
same octets. The items, in this order:

1.  `protocol` and `suite`;
2.  the caller's context, in the caller's order: the request, the prover's choices, each credential's schema
    and version, epochs, digests of tables, the usage tag;
3.  the statement: every witness, every sent point's name, every equation (its label, left side and terms with
    their bases and scalars, shown attributes among them), every constraint with its constants, every check
    with its key;
4.  every sent point, compressed whatever the wire form;
5.  every T, compressed.

An item of the context that has a name of the engine's is no confusion: the context is one item, and its
own items are nested in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from bbs.engine.statement import Base, Constraint, Equation, Point, SignatureCheck, Statement, invalid

PROTOCOL = b"zk-composite/v1"
CHALLENGE_DST = b"ZK_COMPOSITE_V1_CHALLENGE_"

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
    items = [(b"witness", name.encode()) for name in statement.witnesses]
    items += [(b"sent", name.encode()) for name in statement.sent]
    items += [(b"equation", _equation(equation, size)) for equation in statement.equations]
    items += [(b"constraint", _constraint(constraint, size)) for constraint in statement.constraints]
    items += [(b"check", _check(check)) for check in statement.checks]
    return _items(items)


def _equation(equation: Equation, size: int) -> bytes:
    left = [(_point(point), scalar.to_bytes(size)) for point, scalar in equation.Y]
    right = [(name.encode(), _point(point)) for name, point in equation.terms]
    return _items(((b"label", equation.label.encode()), (b"Y", _items(left)), (b"terms", _items(right))))


def _constraint(constraint: Constraint, size: int) -> bytes:
    right = [(name.encode(), a.to_bytes(size)) for name, a in constraint.terms]
    defined = (constraint.defined.encode(), constraint.k.to_bytes(size))
    return _items((defined, (b"terms", _items(right))))


def _check(check: SignatureCheck) -> bytes:
    return _items(((check.C.encode(), check.D.encode()), (b"key", check.key)))


def _point(point: Point) -> bytes:
    return b"base" + point.octets if isinstance(point, Base) else b"sent" + point.encode()


def _items(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    parts = list[bytes]()
    for label, value in items:
        parts += (len(label).to_bytes(4), label, len(value).to_bytes(4), value)
    return b"".join(parts)
