"""The verifier: one proof or many, of statements of any shapes, by one path.

Every equation of every proof is multiplied by a coefficient of its own and all are added up: one multi-scalar
multiplication, in which equal bases are merged across proofs. Signature checks are multiplied by coefficients
of their own and added up for each key. A sum that fails is halved until the false proofs stand alone. One
proof is a batch of one, so that alone and in company the same proofs are accepted.

Received points need not be in the group unless they are read: every sum is cleared of the cofactor before it
is compared or handed to the suite, so that it is one of their projections (docs/composite.md).

A false proof passes a sum with probability at most 2^-128: the sum is a linear relation in the coefficient of
a false equation, which at most one value satisfies. The coefficients come from the system's generator after
all inputs are fixed, are fresh for every sum, and there is no way to choose them: with equal coefficients two
forgeries cancel.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice

from bbs.engine.beside import both
from bbs.engine.proof import Proof, WireForm, octets_to_proof, parts
from bbs.engine.statement import Base, Point, Sent, Statement
from bbs.engine.suite import Suite, cleared
from bbs.engine.sums import Sum
from bbs.engine.transcript import Context, challenge
from bbs.errors import BbsError, Reason, VerificationError
from bbs.groups.protocol import G1Point

COEFFICIENT_OCTETS = 16
_WORTH_A_THREAD = 24
"""Points of proofs, from which on a second core saves more than waking it costs."""


@dataclass(frozen=True)
class Claim:
    """A proof to verify: the statement that the verifier compiled itself, its context, and octets."""

    statement: Statement
    context: Context = field(repr=False)
    proof: bytes = field(repr=False)
    form: WireForm = WireForm.COMPRESSED


@dataclass(frozen=True)
class Verified:
    """What a proof that holds has shown: the sent points that are read, by name, and their compressed octets.

    `statement` is what was proven, and `challenge` stands for all of it: statement, context and points.
    """

    points: Mapping[Sent, G1Point] = field(repr=False)
    octets: Mapping[Sent, bytes] = field(repr=False)
    statement: Statement = field(repr=False)
    challenge: int = field(repr=False)


Verdict = Verified | BbsError
"""What was verified, or the error that `verify` raises for the claim."""


@dataclass(frozen=True, repr=False)
class _Open:
    """A decoded proof with its challenge, and where its claim stood."""

    place: int
    statement: Statement
    proof: Proof
    c: int
    verified: Verified


def verify(
    statement: Statement, context: Context, proof: bytes, form: WireForm = WireForm.COMPRESSED
) -> Verified:
    """Verify one proof and return the points that it sent.

    Raises DecodingError if it is malformed, VerificationError PROOF_INVALID if it does not hold, InputError
    INVALID_TYPE, INVALID_STATEMENT.
    """
    (verdict,) = verify_batch([Claim(statement, context, proof, form)])
    if isinstance(verdict, BbsError):
        raise verdict
    return verdict


def verify_batch(claims: Iterable[Claim]) -> list[Verdict]:
    """Verify proofs together; a verdict for each, in their order, the same that it gets alone."""
    verdicts: list[Verdict] = []
    by_suite: dict[Suite, list[_Open]] = {}
    for place, claim in enumerate(claims):
        try:
            opened = _open(place, claim)
        except BbsError as error:
            verdicts.append(error)
        else:
            verdicts.append(opened.verified)
            by_suite.setdefault(claim.statement.suite, []).append(opened)
    for opened_proofs in by_suite.values():
        for place, detail in _false(opened_proofs):
            verdicts[place] = VerificationError(Reason.PROOF_INVALID, detail)
    return verdicts


def _open(place: int, claim: Claim) -> _Open:
    statement, group, size = claim.statement, claim.statement.suite.group, claim.statement.suite.point_octets
    proof = octets_to_proof(statement, claim.proof, claim.form)
    end = size * len(proof.points)
    if claim.form is WireForm.COMPRESSED:
        # Decoding is strict: encoding would give the same octets.
        encoded = claim.proof[: end + size * len(proof.T)]
    else:
        encoded = group.g1s_to_octets([*proof.points, *proof.T])
    c = challenge(statement, claim.context, encoded[:end], encoded[end:])
    names = list(compress(statement.sent, statement.read))
    verified = Verified(
        dict(zip(names, compress(proof.points, statement.read), strict=True)),
        dict(zip(names, compress(parts(encoded[:end], size), statement.read), strict=True)),
        statement,
        c,
    )
    return _Open(place, statement, proof, c, verified)


def _false(proofs: Sequence[_Open]) -> Iterator[tuple[int, str]]:
    """Give the places of those that do not hold, and why.

    Signatures count of those alone whose equations hold. As most proofs hold, both are looked at beside each
    other.
    """
    signed = [each for each in proofs if each.statement.checks]
    equations, signatures = both(
        lambda: _equations_hold(proofs),
        lambda: not signed or _signatures_hold(signed),
        worth=sum(len(each.proof.points) + len(each.proof.T) for each in proofs) >= _WORTH_A_THREAD,
    )
    wrong = set(_false_places(proofs, _equations_hold, equations))
    yield from ((place, "an equation does not hold") for place in wrong)
    rest = [each for each in signed if each.place not in wrong]
    held = signatures if len(rest) == len(signed) else None
    yield from ((place, "a signature does not hold") for place in _false_places(rest, _signatures_hold, held))


def _false_places(
    proofs: Sequence[_Open], hold: Callable[[Sequence[_Open]], bool], held: bool | None = None
) -> list[int]:
    """Return the places of those that do not hold, by halving; `held` says it of all, where it is known."""
    if not proofs or (hold(proofs) if held is None else held):
        return []
    if len(proofs) == 1:
        return [proofs[0].place]
    middle = len(proofs) // 2
    return _false_places(proofs[:middle], hold) + _false_places(proofs[middle:], hold)


def _coefficients(count: int) -> Iterator[int]:
    """Return the coefficients of one sum.

    The first is 1, which spares a proof alone the most: a sum with a false term after the first is 0 for one
    value at most of that term's coefficient, and one in which only the first is false is never 0.
    """
    octets = secrets.token_bytes(COEFFICIENT_OCTETS * (count - 1))
    return iter([1, *(int.from_bytes(part) + 1 for part in parts(octets, COEFFICIENT_OCTETS))])


def _equations_hold(proofs: Sequence[_Open]) -> bool:
    """Tell whether T + c*Y - sum of x^_j * B_j counts as the identity for every equation of all proofs."""
    suite = proofs[0].statement.suite
    total = Sum(suite)
    coefficients = _coefficients(sum(len(opened.statement.equations) for opened in proofs))
    for opened in proofs:
        _add_equations(total, opened, list(islice(coefficients, len(opened.statement.equations))))
    return all(map(suite.group.is_identity, cleared(suite.group, (total.value(),))))


def _add_equations(total: Sum, opened: _Open, coefficients: Sequence[int]) -> None:
    statement, proof, r = opened.statement, opened.proof, opened.statement.suite.group.r
    responses = statement.complete(dict(zip(statement.free, proof.responses, strict=True)), opened.c)
    factors = dict.fromkeys(statement.sent, 0)

    def add(point: Point, scalar: int) -> None:
        if isinstance(point, Base):
            total.add(point, scalar)
        else:
            factors[point] += scalar

    for equation, coefficient in zip(statement.equations, coefficients, strict=True):
        c = coefficient * opened.c % r
        for point, scalar in equation.Y:
            add(point, c * scalar)
        for witness, point in equation.terms:
            add(point, -coefficient * responses[witness])
    total.add_points(proof.T, coefficients)
    total.add_points(proof.points, factors.values())


def _signatures_hold(proofs: Sequence[_Open]) -> bool:
    """Tell whether D = x*C for every check of all proofs.

    The suite gets points of the group, whatever was sent: a keyed one multiplies them by its secret, and a
    point of small order would show it that scalar modulo the order.
    """
    suite = proofs[0].statement.suite
    D, C = Sum(suite), dict[bytes, Sum]()
    coefficients = _coefficients(sum(len(opened.statement.checks) for opened in proofs))
    for opened in proofs:
        points = dict(zip(opened.statement.sent, opened.proof.points, strict=True))
        for check in opened.statement.checks:
            coefficient = next(coefficients)
            C.setdefault(check.key, Sum(suite)).add_points((points[check.C],), (coefficient,))
            D.add_points((points[check.D],), (coefficient,))
    sums = cleared(suite.group, [D.value(), *(total.value() for total in C.values())])
    return suite.signatures_hold(dict(zip(C, sums[1:], strict=True)), sums[0])
