"""Uses of credentials as verifier, ledger and network see them: honest ones, leaking ones, simulated ones."""

import datetime as dt
import hashlib
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from bbs.engine import Base, Statement, verifier
from bbs.engine.proof import octets_to_proof, proof_to_octets
from bbs.groups.protocol import G1Point, Terms
from bbs.scalars import RandomScalars, calculate_random_scalars
from disclosure import ReceiptBody, Shown, Value
from disclosure.composite import (
    Answer,
    Branch,
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    CredentialAnswer,
    EscrowQuery,
    HolderSecret,
    Holding,
    ProvenEpoch,
    PseudonymQuery,
    VerifiedComposite,
    VerifierScope,
    at_least,
    compile_answer,
    present_composite,
    verify_composite_batch,
)
from prover.notes import NoteSummary, seal_note
from prover.sealing import VaultKeys
from tests.bbs.engine.test_engine_argument import simulated
from tests.disclosure.composite.distinguisher import Pair, Sight
from tests.disclosure.composite.policy import POLICE_ACCUMULATOR, op
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    DIRECTORY,
    NOW,
    PAIRING,
    PERMIT,
    POLICE,
    PURPOSE,
    REGULATOR_KEY,
    SCHOOL,
    TRUSTED,
    accepted,
    held,
    query,
    request,
)
from tlog import ReceiptOpening, note_hash

GROUP = PAIRING.group


def asked(number: int) -> CompositeRequest:
    """A policy like the demo's. Each use is of a scope of its own, so that pseudonyms may not link."""
    branch = Branch(
        "b",
        (query("permit", PERMIT, shown=("name",), issuers=(accepted(POLICE, 1),)),),
        (at_least(op("permit.months"), 12),),
        (PseudonymQuery("me", VerifierScope(f"use-{number}")),),
        (EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    )
    return request(branch, nonce=secrets.token_bytes(32))


@dataclass(frozen=True)
class Use:
    """A presentation with what goes with it to verifier and ledger."""

    request: CompositeRequest
    presentation: CompositePresentation
    note: bytes
    receipt: ReceiptOpening


@dataclass(frozen=True)
class Holder:
    """A vault with one credential. What can be replaced is a dishonest vault's (`leaks`)."""

    secret: HolderSecret
    holding: Holding
    keys: VaultKeys
    known: CompositeDirectory = DIRECTORY
    random: Callable[["Holder"], RandomScalars] | None = None
    tag: Callable[["Holder"], bytes] = lambda holder: holder.keys.usage_tag()
    note: Callable[["Holder", bytes], bytes] = lambda _, note: note
    accepts: Callable[["Holder", CompositePresentation], bool] = lambda holder, presentation: True

    @property
    def bit(self) -> int:
        """The bit that leaks: one of the holder's secret, in which the two holders differ."""
        return self.secret.scalar >> 1 & 1

    def use(self, number: int) -> Use:
        """Answer a request of its own."""
        mine = asked(number)
        while not self.accepts(self, (made := self._use(mine)).presentation):
            pass
        return made

    def _use(self, mine: CompositeRequest) -> Use:
        summary = NoteSummary(SCHOOL, PURPOSE, NOW, mine.digest, {"permit": ("name",)})
        note, rng = self.note(self, seal_note(self.keys, summary)), self.random and self.random(self)
        presented = present_composite(
            mine, "b", {"permit": self.holding}, self.secret, self.known, NOW,
            usage_tag=self.tag(self), note_hash=hash_of(note), trusted_regulators=TRUSTED, rng=rng,
        )  # fmt: skip
        return received(mine, presented.presentation, note)


def hash_of(note: bytes) -> bytes:
    """Hash a note; a dishonest vault hashes what is none as well as it can."""
    return note_hash(note) if len(note) == 1024 else hashlib.sha256(note).digest()


def received(mine: CompositeRequest, presentation: CompositePresentation, note: bytes) -> Use:
    """Put the receipt beside a presentation, as the service does."""
    body = ReceiptBody(SCHOOL, mine.digest, presentation.digest, NOW).to_bytes()
    return Use(mine, presentation, note, ReceiptOpening(secrets.token_bytes(32), body, hash_of(note)))


NAME = "王小明"


@cache
def two_holders() -> tuple[Holder, Holder]:
    """Two of one name, which is shown; of what is hidden nothing is the same."""
    first = held(PERMIT, ALICE, number="370102199001011234", months=82)
    sooner = first.credential.expiry - dt.timedelta(days=9)
    second = held(
        PERMIT, BOB, number="370102197707077777", months=333, district="370105", expiry=sooner, remark="x"
    )
    assert first.credential.values["name"] == second.credential.values["name"] == NAME
    one, other = Holder(ALICE, first, VaultKeys.generate()), Holder(BOB, second, VaultKeys.generate())
    assert one.bit != other.bit
    return one, other


# --- what is seen of them


ISSUER, ACCUMULATOR = (
    int.from_bytes(each) for each in (POLICE.secret.to_octets_secret(), POLICE.accumulator.to_octets_secret())
)
FACTORS = (1, 2, 3, ISSUER, ACCUMULATOR)
"""What points are multiplied by before they are compared.

Two points of two presentations cannot be paired with each other, since both are of G1. What can be asked is
whether e(X, W) = e(Y, P2) for a key W: whether Y = x*X for its secret x. Here whoever asks knows these, so
that every point of the first is tried with every point of the second.
"""


def sights(uses: Sequence[Use], known: CompositeDirectory = DIRECTORY) -> list[Sight]:
    """Look at uses as the verifier does, who verifies them, and the network, which measures them."""
    claims = [CompositeClaim(each.request, each.presentation, known, NOW) for each in uses]
    verdicts = [
        verdict
        for at in range(0, len(claims), 100)
        for verdict in verify_composite_batch(claims[at : at + 100])
    ]
    return [
        _sight(use, known, "OK" if isinstance(verdict, VerifiedComposite) else verdict.reason)
        for use, verdict in zip(uses, verdicts, strict=True)
    ]


def _sight(use: Use, known: CompositeDirectory, verdict: str) -> Sight:
    presentation = use.presentation
    compiled = compile_answer(use.request, presentation.answer, known, NOW)
    statement = compiled.statement
    proof = octets_to_proof(statement, presentation.proof)
    names = [*statement.sent, *(f"T of {each.label}" for each in statement.equations)]
    points = [*proof.points, *proof.T]
    # By the name as it is called at this moment: the tests of simulators program it.
    encoded = [GROUP.g1s_to_octets(each) for each in (proof.points, proof.T)]
    c = verifier.challenge(  # type: ignore[attr-defined]
        statement, compiled.context, *encoded
    )
    free = dict(zip(statement.free, proof.responses, strict=True))
    sums = [Terms([point], [factor]) for point in proof.points for factor in FACTORS]
    return Sight(
        {
            "presentation": presentation.canonical,
            "usage tag": presentation.answer.usage_tag,
            "note": use.note,
            "entry": use.receipt.entry().to_bytes(),
            "receipt": use.receipt.to_bytes(),
        },
        dict(zip(names, points, strict=True)),
        unsigned(points),
        unsigned(GROUP.msms(sums)),  # type: ignore[attr-defined]
        {str(name): x for name, x in statement.complete(free, c).items()},
        c,
        verdict,
    )


def unsigned(points: Sequence[G1Point]) -> frozenset[bytes]:
    """Encode points without their signs: P and -P are one."""
    octets = GROUP.g1s_to_octets(points)
    return frozenset(
        bytes([octets[at] & 0xDF]) + octets[at + 1 : at + 48] for at in range(0, len(octets), 48)
    )


@cache
def near() -> frozenset[bytes]:
    """Small multiples of all bases that every use has, and the differences of two of them."""
    statement = some_statement()
    bases = {
        point.octets: point.point
        for equation in statement.equations
        for point in (*(each for each, _ in equation.Y), *(each for _, each in equation.terms))
        if isinstance(point, Base) and "pseudonym" not in equation.label
    }
    sums = [Terms([point], [factor]) for point in bases.values() for factor in range(1, 5)]
    sums += [Terms(pair, [1, -1]) for pair in itertools.combinations(bases.values(), 2)]
    return unsigned(GROUP.msms(sums))  # type: ignore[attr-defined]


def close(pair: Pair) -> int:
    """Count the points of the second that are near those of the same name of the first."""
    first, second = pair
    shared = first.points.keys() & second.points.keys()
    differences = GROUP.msms(  # type: ignore[attr-defined]
        [Terms([second.points[name], first.points[name]], [1, -1]) for name in sorted(shared)]
    )
    return len(unsigned([each for each in differences if not GROUP.is_identity(each)]) & near())


# --- simulated ones


def simulated_answer(mine: CompositeRequest, tag: bytes = bytes(48), note: bytes = bytes(32)) -> Answer:
    """Say what an answer says beside its proof, which takes nothing that is secret."""
    values: Mapping[str, Value | None] = {"name": NAME}
    shown = Shown("permit", PERMIT.name, POLICE.key.name, values, None)
    return Answer("b", (CredentialAnswer(shown, ProvenEpoch(POLICE_ACCUMULATOR, 2)),), tag, note, mine.digest)


def statement_of(mine: CompositeRequest, answer: Answer) -> Statement:
    """Compile what an answer has to prove."""
    return compile_answer(mine, answer, DIRECTORY, NOW).statement


@cache
def some_statement() -> Statement:
    """The statement of one use: in all others only the pseudonym's base is another."""
    mine = asked(0)
    return statement_of(mine, simulated_answer(mine))


@cache
def published_pairs() -> Mapping[bytes, tuple[G1Point, G1Point]]:
    """C and x*C under each key: of a table they follow from an entry, of the others from any proof before."""
    table = POLICE.digits.table
    y, C = table.scalars[-1], table.entries[-1]
    (X,) = PAIRING.hash_to_points([b"simulator"], b"ZK_TEST_ADVERSARY_V1_")
    return {
        table.key: (C, GROUP.msm([table.V.point, C], [1, -y])),
        POLICE.key.public_key: (X, GROUP.msm([X], [ISSUER])),
        POLICE_ACCUMULATOR: (X, GROUP.msm([X], [ACCUMULATOR])),
    }


def simulate(number: int, oracle: dict[tuple[bytes, bytes], int]) -> Use:
    """Make a use without any credential, and program the oracle for it."""
    mine, note = asked(number), secrets.token_bytes(1024)
    answer = simulated_answer(mine, secrets.token_bytes(48), note_hash(note))
    statement = statement_of(mine, answer)
    (G,) = PAIRING.hash_to_points([b"simulator"], b"ZK_TEST_ADVERSARY_V1_")
    sent = {name: GROUP.msm([G], calculate_random_scalars(1)) for name in statement.sent}
    for check in statement.checks:
        (t,) = calculate_random_scalars(1)
        sent[check.C], sent[check.D] = (GROUP.msm([each], [t]) for each in published_pairs()[check.key])
    (c,) = calculate_random_scalars(1)
    proof = simulated(statement, [sent[name] for name in statement.sent], c)
    oracle[GROUP.g1s_to_octets(proof.points), GROUP.g1s_to_octets(proof.T)] = c
    return received(mine, CompositePresentation(answer, proof_to_octets(statement, proof)), note)
