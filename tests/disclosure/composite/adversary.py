"""A prover that holds valid credentials and lies with them: well-formed, and false in one place.

It uses the honest code as far as that goes (`lies`), and between a statement and its proof it does what it
likes: other witnesses, other points, other T, another transcript. What a credential or a possession does not
say can be told in two ways: as it comes, by a false equation, or `repaired`, with all equations true and a
signature that is none.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from typing import Any

import pytest

from bbs import groups
from bbs.engine import Base, Context, Point, Sent, Statement, Values, Witness
from bbs.engine.proof import Proof, proof_to_octets
from bbs.engine.prover import Combination, Commitment, commit
from bbs.engine.statement import Equation
from bbs.engine.transcript import challenge
from bbs.groups.bls12_381 import r
from bbs.groups.protocol import G1Point
from disclosure import DisclosureError
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    HolderSecret,
    Holding,
    ProvenEpoch,
    PseudonymQuery,
    Sum,
    Term,
    VerifiedComposite,
    VerifierScope,
    Waiver,
    between,
    verify_composite,
    verify_composite_batch,
)
from disclosure.composite.holding import Usable
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    CITY_DIGITS,
    DIRECTORY,
    HRSS,
    INSURANCE,
    NOW,
    PAIRING,
    PERMIT,
    POLICE,
    REGULATOR_KEY,
    TODAY,
    accepted,
    held,
    presented,
    query,
    request,
)

NATIVE = groups.default().name == "blst"
HUNDRED = 100 if NATIVE else 10
"""Good presentations around a lie. Portable groups take ten times as long, so there they are ten: sums are
halved less often, all else is the same."""
FALSE, MALFORMED = "PROOF_INVALID", "PRESENTATION_INVALID"
YESTERDAY = TODAY - dt.timedelta(days=1)

LEAN = Branch(
    "lean",
    (
        query("permit", PERMIT, shown=("name",), issuers=(accepted(POLICE, 2),)),
        query(
            "insurance",
            INSURANCE,
            expiry=ExpiryShown(),
            issuers=(accepted(HRSS, revocation=Waiver.REVOCATION),),
        ),
    ),
    (
        between(op("permit.months"), 12, 300),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months")), Term(op("insurance.months"))), minimum=100),
    ),
    (PseudonymQuery("me", VerifierScope("enrol-2026")),),
    (EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    CITY_DIGITS.table.digest,
)
ASKED = request(LEAN)


def lean(
    secret: HolderSecret = ALICE,
    permit: Mapping[str, Any] | None = None,
    insurance: Mapping[str, Any] | None = None,
) -> dict[str, Holding]:
    """The credentials that answer the policy, with changes of what they say."""
    return {
        "permit": held(PERMIT, secret, **(permit or {})),
        "insurance": held(INSURANCE, secret, **(insurance or {})),
    }


@cache
def hundred() -> tuple[CompositeClaim, ...]:
    """Good ones: of two holders in turn, each for a request of its own."""
    claims = []
    for place in range(HUNDRED):
        secret, asked = (ALICE, BOB)[place % 2], replace(ASKED, nonce=place.to_bytes(32))
        claims.append(CompositeClaim(asked, presented(asked, lean(secret), secret=secret), DIRECTORY, NOW))
    assert all(isinstance(each, VerifiedComposite) for each in verify_composite_batch(claims))
    return tuple(claims)


def alone(claim: CompositeClaim) -> DisclosureError | None:
    """Return why a claim is refused when it stands alone."""
    try:
        verify_composite(claim.request, claim.presentation, claim.directory, claim.now)
    except DisclosureError as error:
        return error
    return None


def among_a_hundred(bad: list[CompositeClaim], first: int | None = None) -> list[DisclosureError | None]:
    """Verify claims in one batch with a hundred good ones, which keep their verdicts."""
    good = hundred()
    first = secrets.randbelow(len(good) + 1) if first is None else first
    verdicts = verify_composite_batch([*good[:first], *bad, *good[first:]])
    kept = [*verdicts[:first], *verdicts[first + len(bad) :]]
    for claim, verdict in zip(good, kept, strict=True):
        assert isinstance(verdict, VerifiedComposite)
        assert verdict.digest == claim.presentation.digest
        assert set(verdict.pseudonyms) == {"me"}
    found = verdicts[first : first + len(bad)]
    return [each if isinstance(each, DisclosureError) else None for each in found]


@dataclass
class Draft:
    """A proof before its challenge: everything in it can still be made false."""

    statement: Statement
    values: Values

    @property
    def x(self) -> dict[Witness, int]:
        """All witnesses, those that a constraint defines by their constraint."""
        given = self.values._witnesses
        return self.statement.complete({name: given[name] for name in self.statement.free}, 1)

    def set(self, begin: str, end: str, value: int) -> None:
        """Give a witness another value, whatever it was."""
        (name,) = (each for each in self.statement.witnesses if each.startswith(begin) and each.endswith(end))
        self.values._witnesses[name] = value % r

    def sent(self, begin: str, end: str) -> Sent:
        """Return the name of a sent point."""
        (name,) = (each for each in self.statement.sent if each.startswith(begin) and each.endswith(end))
        return name

    def send(self, name: Sent, point: Combination) -> None:
        """Send another point."""
        self.values._points[name] = point

    def equation(self, begin: str, end: str) -> Equation:
        """Return an equation by its label."""
        (found,) = (
            each
            for each in self.statement.equations
            if each.label.startswith(begin) and each.label.endswith(end)
        )
        return found

    def possess(self, begin: str, end: str, C: Base, y: int) -> None:
        """Show a signature C on y where the statement may have another y in mind."""
        equation = self.equation(begin, f"{end}/C''")
        ((_, C1), (t, V)), ((C2, _),) = equation.terms, equation.Y
        assert isinstance(V, Base)
        assert not isinstance(C1, Base)
        assert not isinstance(C2, Base)
        (factor,) = self.values.random(1)
        self.values._witnesses[t] = -factor % r
        self.send(C1, {C: factor})
        self.send(C2, {V: factor, C: -y * factor})

    def repair(self) -> None:
        """Make the equations of credentials, possessions and pseudonyms true: then a signature is false."""
        x = self.x
        for equation in self.statement.equations:
            if equation.label.endswith("/signed"):
                (_, D), *others = equation.terms
                assert not isinstance(D, Base)
                inverse = pow(x[equation.terms[0][0]], -1, r)
                terms = [(point, scalar * inverse) for point, scalar in equation.Y]
                terms += [(point, -x[name] * inverse) for name, point in others]
                self.send(D, self._combined(terms))
        for equation in self.statement.equations:
            if equation.label.endswith(("/randomised", "/C''", "/N")):
                ((left, factor),) = equation.Y
                assert factor in (1, r - 1)
                assert not isinstance(left, Base)
                self.send(left, self._combined([(point, factor * x[name]) for name, point in equation.terms]))

    def _combined(self, terms: list[tuple[Point, int]]) -> Combination:
        total: dict[Base, int] = {}
        for point, scalar in terms:
            made = {point: 1} if isinstance(point, Base) else self.values._points[point]
            for base, factor in made.items():
                total[base] = (total.get(base, 0) + scalar * factor) % r
        return total


Points = list[G1Point]
Tell = Callable[[Draft], None]
Move = Callable[[Commitment, Points, Points], None]
"""Changes sent points and T in place, before the challenge is drawn over them."""


def tell_nothing(_: Draft) -> None:
    """Add no lie to what the credentials say."""


def repair(draft: Draft) -> None:
    """Tell what the credentials do not say by signatures that are none."""
    draft.repair()


def stay(_: Commitment, points: Points, T: Points) -> None:
    """Move no point."""


def told(
    asked: CompositeRequest = ASKED,
    holdings: Mapping[str, Holding] | None = None,
    tell: Tell = tell_nothing,
    *,
    move: Move = stay,
    hashed: Callable[[Statement], Statement] = lambda statement: statement,
    secret: HolderSecret = ALICE,
    known: CompositeDirectory = DIRECTORY,
    epoch: int | None = None,
    branch: str = "",
) -> CompositePresentation:
    """Answer a request with a lie. `hashed` gives the statement that the transcript is made of."""

    def usable(asked: CompositeQuery, holding: Holding, *_: object) -> Usable:
        issuer = next(each for each in asked.issuers if each.key == holding.credential.issuer_key)
        if issuer.accumulator is None:
            return Usable(issuer, None)
        latest = known.accumulators[issuer.accumulator].latest.number
        return Usable(issuer, ProvenEpoch(issuer.accumulator, latest if epoch is None else epoch))

    with pytest.MonkeyPatch.context() as patch:
        lying(patch)
        patch.setattr("disclosure.composite.present.usable", usable)
        patch.setattr(
            "disclosure.composite.present.prove", partial(_proof, tell=tell, move=move, hashed=hashed)
        )
        return presented(
            asked, lean() if holdings is None else holdings, secret=secret, known=known, branch=branch
        )


def _proof(
    statement: Statement,
    context: Context,
    values: Values,
    *,
    tell: Tell,
    move: Move,
    hashed: Callable[[Statement], Statement],
) -> bytes:
    tell(Draft(statement, values))
    commitment = commit(statement, values)
    points, T = list(commitment.points), list(commitment.T)
    move(commitment, points, T)
    encode = statement.suite.group.g1s_to_octets
    answer = commitment.respond(challenge(hashed(statement), context, encode(points), encode(T)))
    return proof_to_octets(statement, Proof(tuple(points), tuple(T), answer.responses))


def renamed(presentation: CompositePresentation, asked: CompositeRequest = ASKED) -> CompositePresentation:
    """Say that a presentation answers another request than the one it was made for."""
    return replace(presentation, answer=replace(presentation.answer, request_digest=asked.digest))


def base(point: G1Point) -> Base:
    """Return a point of the prover's own."""
    return Base(PAIRING, point)


def generator() -> Base:
    """Return a point that is in no statement."""
    (point,) = PAIRING.hash_to_points([b"adversary"], b"ZK_TEST_ADVERSARY_V1_")
    return base(point)


def claimed(
    holdings: Mapping[str, Holding] | None = None,
    tell: Tell = tell_nothing,
    *,
    asked: CompositeRequest = ASKED,
    known: CompositeDirectory = DIRECTORY,
    verified: tuple[CompositeRequest, CompositeDirectory] | None = None,
    **more: Any,
) -> CompositeClaim:
    """Lie, and hand it to a verifier; `verified` is its request and directory where they are others."""
    presentation = told(asked, holdings, tell, known=known, **more)
    mine, directory = verified or (asked, known)
    return CompositeClaim(mine, renamed(presentation, mine), directory, NOW)


def claim_of(presentation: CompositePresentation) -> CompositeClaim:
    """Claim that it answers what was asked."""
    return CompositeClaim(ASKED, presentation, DIRECTORY, NOW)


@dataclass(frozen=True, eq=False)
class Lie:
    """How to tell a lie, and the reason for which it is refused."""

    make: Callable[[], CompositeClaim]
    reason: str = FALSE

    @cached_property
    def claim(self) -> CompositeClaim:
        """The lie, told once."""
        return self.make()


def check_alone(lie: Lie) -> None:
    """Refused for its reason, and well-formed: what is refused is no broken encoding of a presentation."""
    presentation = lie.claim.presentation
    read = CompositePresentation.from_bytes(presentation.canonical, lie.claim.directory.schemas)
    assert read == presentation
    error = alone(lie.claim)
    assert error is not None, "the lie is believed"
    assert error.reason == lie.reason


def check_hidden(lie: Lie) -> None:
    """Found among a hundred good ones, wherever it stands, for the same reason as alone."""
    (found,) = among_a_hundred([lie.claim])
    assert same(found, alone(lie.claim))


def same(one: DisclosureError | None, other: DisclosureError | None) -> bool:
    """Tell whether two errors are the same one, word for word."""
    return (type(one), str(one)) == (type(other), str(other))
