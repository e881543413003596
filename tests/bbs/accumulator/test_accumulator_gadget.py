"""Not revoked, proven of a credential's hidden handle; liars alone and among a hundred honest ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest

from bbs import SHA_256, SHAKE_256, InputError, PreparedCredential
from bbs.accumulator import AccumulatorKey, Epoch, MembershipWitness, Position
from bbs.engine import Builder, Claim, Statement, Values, Witness, prove, verify
from bbs.engine.proof import Proof, proof_to_octets
from bbs.engine.prover import Commitment, commit
from bbs.gadgets import Credential, NonRevocation
from bbs.gadgets.non_revocation import value_base
from bbs.groups.bls12_381 import r
from bbs.scalars import calculate_random_scalars
from bbs.signature import calculate_domain
from tests.bbs.accumulator.cases import DEFAULT, FAST, Department, department, handle, other_value
from tests.bbs.engine.cases import (
    CONTEXT,
    MESSAGES,
    held,
    outcome,
    outcomes,
    scalar,
    secret_key,
    suite,
)

SLOT = 1


@dataclass(frozen=True)
class Compiled:
    statement: Statement
    credential: Credential
    current: NonRevocation


def compiled(epoch: Epoch, group: str = DEFAULT) -> Compiled:
    key, generators = secret_key(b"A", group).public_key(), held(group=group).generators
    domain = calculate_domain(key, generators, b"header", SHA_256.api_id)
    builder = Builder(suite(group))
    credential = Credential.add_to(
        builder.scope("credential"), key, generators, domain, {3: scalar(MESSAGES[3])}
    )
    current = NonRevocation.add_to(builder.scope("current"), credential.messages[SLOT], epoch)
    return Compiled(builder.build(), credential, current)


def presented(
    epoch: Epoch,
    witness: MembershipWitness,
    credential: PreparedCredential | None = None,
    group: str = DEFAULT,
) -> bytes:
    parts = compiled(epoch, group)
    values = Values(parts.statement)
    parts.credential.assign(values, credential or held(group=group))
    parts.current.assign(values, witness)
    return prove(parts.statement, CONTEXT, values)


def claim(epoch: Epoch, proof: bytes, group: str = DEFAULT) -> Claim:
    return Claim(compiled(epoch, group).statement, CONTEXT, proof)


def y(group: str = DEFAULT, credential: PreparedCredential | None = None) -> int:
    return (credential or held(group=group)).messages[SLOT]


@cache
def current(group: str = DEFAULT, seed: bytes = b"R") -> Department:
    """A list in which others were revoked, in two epochs; the third epoch has the second's value."""
    mine = department([handle(1)], seed=seed, group=group)
    mine.revoke([handle(2), handle(3)])
    mine.publish()
    mine.publish()
    return mine


@cache
def honest() -> list[Claim]:
    mine = current()
    witness = mine.witness(y())
    return [claim(mine.epochs[-1], presented(mine.epochs[-1], witness)) for _ in range(100)]


def refused(bad: Claim) -> str:
    """Return the reason, which it gets alone and hidden among a hundred honest ones."""
    alone = outcome(bad)
    together = outcomes([*honest()[:37], bad, *honest()[37:]])
    assert together == ["OK"] * 37 + [alone] + ["OK"] * 63
    return alone


@pytest.mark.parametrize("group", FAST)
def test_who_is_not_revoked_can_prove_it(group: str) -> None:
    mine = current(group)
    for position, epoch in zip((0, 1, 3, 3), mine.epochs, strict=True):
        before = mine.positions[position]
        witness = mine.secret.witness(y(group), before, set())
        proof = presented(epoch, witness, group=group)
        assert outcome(claim(epoch, proof, group)) == "OK"
        assert (
            outcomes([claim(epoch, presented(epoch, witness, group=group), group) for _ in range(3)])
            == ["OK"] * 3
        )


def test_a_hundred_honest_ones_pass() -> None:
    assert outcomes(honest()) == ["OK"] * 100


def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the prover prove what is false, as a dishonest one would."""
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)


def _lied(change: Callable[[Department], MembershipWitness]) -> Callable[[], bytes]:
    """A prover that gives a false witness, as if it were one of the epoch."""
    return lambda: presented(current().epochs[-1], change(current()))


def _of_another_handle(mine: Department) -> MembershipWitness:
    return replace(mine.witness(handle(9)), y=y())


def _of_before(mine: Department) -> MembershipWitness:
    return replace(mine.secret.witness(y(), mine.positions[1], set()), at=mine.now)


def _of_another_accumulator(mine: Department) -> MembershipWitness:
    return replace(current(seed=b"S").witness(y()), at=mine.now)


def _the_value(mine: Department) -> MembershipWitness:
    return MembershipWitness(y(), mine.now.V, mine.now)


def _the_value_before(mine: Department) -> MembershipWitness:
    return MembershipWitness(y(), mine.positions[2].V, mine.now)


def _doubled(mine: Department) -> MembershipWitness:
    return replace(mine.witness(y()), C=mine.key.group.msm([mine.witness(y()).C], [2]))


LIES: dict[str, Callable[[], bytes]] = {
    "witness of another handle": _lied(_of_another_handle),
    "witness for the value before": _lied(_of_before),
    "witness of another accumulator": _lied(_of_another_accumulator),
    "the value as its own witness": _lied(_the_value),
    "the value before as a witness": _lied(_the_value_before),
    "a witness doubled": _lied(_doubled),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_false_witness_is_refused(lie: str) -> None:
    assert refused(claim(current().epochs[-1], LIES[lie]())) == "PROOF_INVALID"


def test_a_handle_that_is_not_the_credentials_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The witness is true, and the handle another's: one name has one value, here and in a proof."""
    mine, epoch = current(), current().epochs[-1]
    theirs = mine.witness(handle(9))
    parts = compiled(epoch)
    values = Values(parts.statement)
    parts.credential.assign(values, held())
    with pytest.raises(InputError, match="UNSATISFIED"):
        parts.current.assign(values, theirs)
    lying(monkeypatch)
    for kept in (y(), theirs.y):
        parts = compiled(epoch)
        values = Values(parts.statement)
        parts.credential.assign(values, held())
        values._witnesses[parts.credential.messages[SLOT]] = theirs.y
        parts.current.assign(values, theirs)
        values._witnesses[parts.credential.messages[SLOT]] = kept
        assert refused(claim(epoch, prove(parts.statement, CONTEXT, values))) == "PROOF_INVALID"


def test_a_credential_that_was_revoked_yesterday_is_refused() -> None:
    mine = department([handle(1)])
    yesterday, before = mine.epochs[-1], mine.witness(y())
    mine.revoke([handle(2), y(), handle(3)])
    today = mine.publish()
    assert outcome(claim(yesterday, presented(yesterday, before))) == "OK"
    assert refused(claim(today, presented(yesterday, before))) == "PROOF_INVALID"
    with pytest.raises(InputError, match="EPOCH_MISMATCH"):
        presented(today, before)
    # All that the list gives it: its old witness, and every value around its revocation.
    points = [before.C, *(position.V for position in mine.positions)]
    for C in points:
        proof = presented(today, MembershipWitness(y(), C, today.position))
        assert refused(claim(today, proof)) == "PROOF_INVALID"


def test_a_value_inside_an_epoch_counts_for_nothing() -> None:
    """Revoked last among its epoch's, it still has a true witness for the value before the last."""
    mine = department([handle(1)])
    mine.revoke([handle(2), y()])
    today, inside = mine.publish(), mine.positions[2]
    witness = MembershipWitness(y(), mine.now.V, inside)
    assert witness.verified() is witness
    made_up = replace(today, position=inside)
    assert outcome(claim(made_up, presented(made_up, witness))) == "OK"
    assert refused(claim(today, presented(made_up, witness))) == "PROOF_INVALID"


def _changes(epoch: Epoch) -> dict[str, Epoch]:
    position, key = epoch.position, epoch.key
    start = current().positions[0]
    return {
        "number": replace(epoch, number=epoch.number + 1),
        "time": replace(epoch, time=epoch.time + 1),
        "count": replace(epoch, position=replace(position, count=position.count + 1)),
        "digest": replace(epoch, position=replace(position, digest=bytes(32))),
        "value": replace(epoch, position=replace(position, V_octets=start.V_octets)),
        "another value": replace(
            epoch, position=replace(position, V_octets=other_value(key, position.V_octets))
        ),
        "key": replace(epoch, position=replace(position, key=current(seed=b"S").key)),
        "the epoch before, of the same value": current().epochs[-2],
        "the first epoch": current().epochs[0],
    }


@pytest.mark.parametrize("change", list(_changes(current().epochs[-1])))
def test_a_proof_for_one_epoch_is_none_for_another(change: str) -> None:
    epoch = current().epochs[-1]
    other = _changes(epoch)[change]
    good = presented(epoch, current().witness(y()))
    assert outcome(claim(epoch, good)) == "OK"
    assert refused(claim(other, good)) == "PROOF_INVALID"
    # and one that was made for the other epoch, as if its value were this one
    witness = replace(current().witness(y()), at=other.position)
    assert refused(claim(epoch, presented(other, witness))) == "PROOF_INVALID"


def test_an_epoch_of_another_accumulator_is_refused_with_its_own_witness() -> None:
    theirs = current(seed=b"S")
    proof = presented(theirs.epochs[-1], theirs.witness(y()))
    assert outcome(claim(theirs.epochs[-1], proof)) == "OK"
    assert refused(claim(current().epochs[-1], proof)) == "PROOF_INVALID"


def test_an_epoch_of_another_suite_does_not_compile() -> None:
    key = AccumulatorKey(SHAKE_256, current().key.octets)
    with pytest.raises(InputError, match="INVALID_STATEMENT"):
        compiled(Epoch(0, key.start, 0))


def test_every_bit_of_the_sent_points_counts() -> None:
    epoch = current().epochs[-1]
    proof, sent = presented(epoch, current().witness(y())), compiled(epoch).statement.sent
    for at, name in enumerate(sent):
        if "current" not in name:
            continue
        (point,) = suite().group.g1s_from_octets([proof[48 * at : 48 * at + 48]])
        double = suite().group.g1s_to_octets([suite().group.msm([point], [2])])
        assert refused(claim(epoch, proof[: 48 * at] + double + proof[48 * at + 48 :])) == "PROOF_INVALID"
        identity = b"\xc0" + bytes(47)
        assert refused(claim(epoch, proof[: 48 * at] + identity + proof[48 * at + 48 :])) == "IDENTITY_POINT"


def test_two_proofs_have_no_point_in_common() -> None:
    epoch, witness = current().epochs[-1], current().witness(y())
    sizes = len(compiled(epoch).statement.sent)
    points = [
        proof[at : at + 48]
        for proof in (presented(epoch, witness), presented(epoch, witness))
        for at in range(0, 48 * sizes, 48)
    ]
    assert len(set(points)) == 2 * sizes
    known = {suite().group.g1s_to_octets([each]) for each in (witness.C, epoch.position.V)}
    assert not known & set(points)


def test_the_value_is_one_base_for_all_proofs_of_an_epoch() -> None:
    epoch = current().epochs[-1]
    again = Epoch.from_octets(epoch.octets, key=AccumulatorKey(epoch.key.suite, epoch.key.octets))
    assert value_base(epoch) is value_base(again)
    assert value_base(epoch).fixed


def test_the_statement_says_which_epoch() -> None:
    epoch = current().epochs[-1]
    statement = compiled(epoch).statement
    assert any(epoch.digest.hex() in equation.label for equation in statement.equations)
    assert epoch.key.octets in {check.key for check in statement.checks}
    position: Position = epoch.position
    assert position.V_octets == suite().group.g1s_to_octets_uncompressed([value_base(epoch).point])
    verify(statement, CONTEXT, presented(epoch, current().witness(y())))


# --- extractor, simulator, and what a published handle tells


def alone(epoch: Epoch) -> tuple[Statement, NonRevocation, Witness]:
    builder = Builder(suite())
    witness = builder.witness("y")
    current = NonRevocation.add_to(builder.scope("current"), witness, epoch)
    return builder.build(), current, witness


def made(epoch: Epoch, witness: MembershipWitness) -> tuple[Statement, NonRevocation, Witness, Commitment]:
    statement, gadget, name = alone(epoch)
    values = Values(statement)
    gadget.assign(values, witness)
    return statement, gadget, name, commit(statement, values)


def test_two_answers_give_the_handle_and_its_witness() -> None:
    epoch, mine = current().epochs[-1], current().witness(y())
    statement, gadget, name, commitment = made(epoch, mine)
    one, other = (zip_free(statement, commitment.respond(c)) for c in (5, r - 7))
    x = {each: (one[each] - other[each]) * pow(12, -1, r) % r for each in one}
    (C1, _) = commitment.points
    C = suite().group.msm([C1], [pow(-x[gadget.member.t], -1, r)])
    assert x[name] == mine.y
    found = MembershipWitness(x[name], C, epoch.position).verified()
    assert suite().group.g1s_to_octets([found.C, C]) == suite().group.g1s_to_octets([mine.C, mine.C])


def zip_free(statement: Statement, proof: Proof) -> dict[Witness, int]:
    return dict(zip(statement.free, proof.responses, strict=True))


def test_a_proof_can_be_simulated_from_the_public_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a handle or a witness, if the simulator chooses the challenge: it tells nothing of either."""
    mine, group = current(), suite().group
    statement, gadget, name = alone(mine.epochs[-1])
    X, before = mine.positions[1].V, mine.positions[0].V
    c, t, *responses = calculate_random_scalars(4)
    C1 = group.msm([X], [t])
    C2 = group.msm([before, X], [t, -t * handle(1)])  # a*C1, since V_0 = (a + y'_1)*V_1
    answer = dict(zip((name, gadget.member.t), responses, strict=True))
    T = group.msm([C1, gadget.member.V.point, C2], [*responses, c])
    proof = Proof((C1, C2), (T,), tuple(answer[each] for each in statement.free))
    monkeypatch.setattr("bbs.engine.verifier.challenge", lambda *_: c)
    assert outcome(Claim(statement, CONTEXT, proof_to_octets(statement, proof))) == "OK"
    monkeypatch.undo()
    assert outcome(Claim(statement, CONTEXT, proof_to_octets(statement, proof))) == "PROOF_INVALID"


def test_a_presentation_fits_every_handle() -> None:
    """Whoever learns a handle later, with the issuer's key besides, finds an opening for any other too."""
    mine, group = current(), suite().group
    a = int.from_bytes(mine.secret.to_octets_secret())
    statement, gadget, name, commitment = made(mine.epochs[-1], mine.witness(y()))
    c, V = 11, gadget.member.V.point
    answer = zip_free(statement, commitment.respond(c))
    (C1, C2), (T,) = commitment.points, commitment.T
    log_C1 = -commitment._witnesses[gadget.member.t] * pow(a + y(), -1, r)
    for other in (y(), handle(1), handle(77)):
        t = -(a + other) * log_C1
        assert group.is_identity(group.msm([C2, C1, V], [1, other, t]))
        blindings = (answer[name] - c * other, answer[gadget.member.t] - c * t)
        assert group.is_identity(group.msm([T, C1, V], [-1, *blindings]))
