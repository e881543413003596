"""The engine and its gadgets over the keyed suites: the same statements, no pairing, the same refusals."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bbs.engine import Builder, Claim, Values, Verified, WireForm, proof_octets, prove, verify, verify_batch
from bbs.engine.prover import commit
from bbs.errors import InputError, VerificationError
from bbs.gadgets import Commitment, Pseudonym
from bbs.gadgets.escrow import identity_octets
from bbs.gadgets.escrow_shares import OpeningCase, combine
from bbs.groups.bls12_381 import r as PAIRING_ORDER
from bbs.keyed import P256, SM2, Curve, KeyedSuite, Keyring, Mac
from tests.bbs.keyed.cases import (
    CONTEXT,
    CURVES,
    MESSAGES,
    Compiled,
    Public,
    assigned,
    held,
    officers,
    outcome,
    proof_of,
    refused,
    secret_key,
    verifying,
)


@pytest.fixture(params=CURVES, ids=lambda curve: str(curve.name))
def public(request: pytest.FixtureRequest) -> Public:
    return Public(request.param)


def test_a_presentation_with_every_gadget_verifies_in_both_forms(public: Public) -> None:
    for form in WireForm:
        compiled = public.compile()
        proof = prove(compiled.statement, CONTEXT, assigned(compiled, public), form)
        assert len(proof) == proof_octets(compiled.statement, form)
        assert outcome(replace(public.claim(proof), form=form)) == "OK"
    assert KeyedSuite(public.curve).point_octets == 33


def test_a_batch_multiplies_once_a_key(public: Public, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums come first: a secret key multiplies one point, whatever the number of presentations."""
    claims = [public.claim(proof_of(public)) for _ in range(8)]
    claims += [replace(public, issuer=1003).claim(_of_issuer(public, 1003)) for _ in range(3)]
    used: list[str] = []
    keyring = verifying(public.curve).keyring
    assert keyring is not None
    real = keyring.key

    def record(self: Keyring, public_key: bytes) -> object:
        used.append(public_key.hex())
        return real(public_key)

    monkeypatch.setattr(Keyring, "key", record)
    assert all(isinstance(each, Verified) for each in verify_batch(claims))
    keys = [secret_key(public.curve, seed).public_key.hex() for seed in (1001, 1002, 1003)]
    assert sorted(used) == sorted(keys)


def _of_issuer(public: Public, seed: int) -> bytes:
    other = replace(public, issuer=seed)
    compiled = other.compile()
    return prove(compiled.statement, CONTEXT, assigned(compiled, other, held(public.curve, seed)))


def test_a_bad_one_in_a_hundred_is_named(public: Public) -> None:
    good = public.claim(proof_of(public))
    bad = replace(good, context=())
    verdicts = verify_batch([*[good] * 37, bad, *[good] * 62])
    assert [i for i, each in enumerate(verdicts) if not isinstance(each, Verified)] == [37]


def test_only_the_holder_of_the_key_can_verify(public: Public) -> None:
    proof = proof_of(public)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        verify(public.compile().statement, CONTEXT, proof)
    with pytest.raises(InputError, match="KEY_MISMATCH"):
        public.compile(KeyedSuite(public.curve, Keyring([secret_key(public.curve, 1001)])))
    own = KeyedSuite(public.curve, Keyring(secret_key(public.curve, 1000 + i) for i in (1, 2)))
    verify(public.compile(own).statement, CONTEXT, proof)


def test_whoever_holds_the_key_can_make_presentations_up(public: Public) -> None:
    """Designated verifier: a credential that no holder ever had is accepted."""
    forged = held(public.curve, messages=(1, 2, 3, 5, 4))
    compiled = public.compile()
    proof = prove(compiled.statement, CONTEXT, assigned(compiled, public, forged))
    assert outcome(public.claim(proof)) == "OK"


def test_pairing_and_keyed_presentations_in_one_batch(public: Public) -> None:
    from tests.bbs.engine import cases

    pairing = cases.Public()
    claims = [
        public.claim(proof_of(public)),
        cases.claim(pairing, cases.proof_of(pairing)),
        replace(public.claim(proof_of(public)), context=()),
        *(Public(curve).claim(proof_of(Public(curve))) for curve in CURVES),
    ]
    verdicts = verify_batch(claims)
    assert [isinstance(each, Verified) for each in verdicts] == [True, True, False, True, True]


def test_blindings_are_uniform_modulo_the_curve_s_order(public: Public) -> None:
    """Drawn modulo the smaller order of the pairing suites they would show the witnesses."""
    compiled = public.compile()
    drawn = Values(compiled.statement).random(200)
    assert sum(scalar >= PAIRING_ORDER for scalar in drawn) > 60
    assert all(scalar < public.curve.n for scalar in drawn)


def test_the_extractor_works_over_the_curve(public: Public) -> None:
    compiled = public.compile()
    commitment = commit(compiled.statement, assigned(compiled, public))
    first, second = commitment.respond(3), commitment.respond(5)
    n = public.curve.n
    pairs = zip(first.responses, second.responses, strict=True)
    x = dict(zip(compiled.statement.free, ((b - a) * pow(2, -1, n) % n for a, b in pairs), strict=True))
    for i, witness in compiled.credential.messages.items():
        assert x[witness] == MESSAGES[i]
    assert x[compiled.credential.e] == held(public.curve).signature.e


def test_a_regulator_opens_over_the_curve(public: Public) -> None:
    claim = public.claim(proof_of(public))
    verified = verify(claim.statement, claim.context, claim.proof)
    escrow = public.compile(verifying(public.curve)).escrow
    case = OpeningCase("case", bytes(32), "who")
    shares = [each.public_key for each in officers(public.curve)]
    parts = [each.open(verified, escrow, shares, case) for each in officers(public.curve)]
    identity = combine(verified, escrow, shares, case, parts)
    assert identity == identity_octets(KeyedSuite(public.curve), MESSAGES[2])
    with pytest.raises(VerificationError):
        combine(verified, escrow, shares, replace(case, reference="other"), parts)


# --- what is changed is refused


def test_every_point_that_is_changed(public: Public) -> None:
    proof, statement = proof_of(public), public.compile().statement
    group, sent = KeyedSuite(public.curve).group, len(statement.sent)
    other = (
        group.g1s_to_octets([group.msm([group.generator], [77])]) if isinstance(public.curve, Curve) else b""
    )
    changed, zeroed = list[bytes](), list[bytes]()
    for slot in range(sent + len(statement.equations)):
        start, end = 33 * slot, 33 * (slot + 1)
        negated = bytes([proof[start] ^ 1]) + proof[start + 1 : end]
        changed += [proof[:start] + each + proof[end:] for each in (other, negated)]
        identity = proof[:start] + bytes(33) + proof[end:]
        (zeroed if slot < sent else changed).append(identity)
    assert refused([public.claim(each) for each in changed], public.curve) == {"PROOF_INVALID"}
    assert refused([public.claim(each) for each in zeroed], public.curve) == {"IDENTITY_POINT"}


def test_every_response_that_is_changed(public: Public) -> None:
    proof, statement, n = proof_of(public), public.compile().statement, public.curve.n
    start = len(proof) - 32 * len(statement.free)
    changed, too_large = [], []
    for at in range(start, len(proof), 32):
        value = int.from_bytes(proof[at : at + 32])
        for other in ((value + 1) % n, (value - 1) % n, n - value, 0):
            changed.append(proof[:at] + other.to_bytes(32) + proof[at + 32 :])
        too_large += [proof[:at] + each.to_bytes(32) + proof[at + 32 :] for each in (n, 2**256 - 1)]
        if value + n < 2**256:
            too_large.append(proof[:at] + (value + n).to_bytes(32) + proof[at + 32 :])
    assert refused([public.claim(each) for each in changed], public.curve) == {"PROOF_INVALID"}
    assert refused([public.claim(each) for each in too_large], public.curve) == {"INVALID_SCALAR"}


def test_lengths_are_exact(public: Public) -> None:
    proof = proof_of(public)
    wrong = [b"", proof[:-1], proof + b"\x00", proof[33:], proof[:-32], proof * 2]
    assert refused([public.claim(each) for each in wrong], public.curve) == {"INVALID_LENGTH"}


def test_octets_of_the_other_curve(public: Public) -> None:
    (other,) = (each for each in CURVES if each is not public.curve)
    foreign = proof_of(Public(other))
    assert outcome(public.claim(foreign)) in {"INVALID_POINT", "PROOF_INVALID", "INVALID_SCALAR"}
    own = proof_of(public)
    group = KeyedSuite(other).group
    mixed = [group.g1s_to_octets([group.msm([group.generator], [i])]) + own[33:] for i in range(1, 20)]
    assert refused([public.claim(each) for each in mixed], public.curve) <= {"INVALID_POINT", "PROOF_INVALID"}


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": 1003},
        {"table": 1003},
        {"header": b"other"},
        {"shown": ((3, 6),)},
        {"shown": ((4, 0),)},
        {"scope": b"city/2027"},
        {"name": "residence"},
        {"regulator": 98},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_proof_is_of_one_statement_only(public: Public, changes: dict[str, object]) -> None:
    other = replace(public, **changes)  # type: ignore[arg-type]
    assert refused([other.claim(proof_of(public))], public.curve) == {"PROOF_INVALID"}


def test_a_base_of_another_suite_is_refused() -> None:
    from bbs.gadgets import hashed_base

    for other in (KeyedSuite(SM2), KeyedSuite(P256, Keyring([]))):
        builder = Builder(KeyedSuite(P256))
        builder.equation(
            "other", {builder.sent("K"): 1}, [(builder.witness("x"), hashed_base(other, "test"))]
        )
        with pytest.raises(InputError, match="INVALID_STATEMENT"):
            builder.build()


# --- a prover that lies

Lie = Callable[[Public, Compiled], Values]


def a_mac_of_another_key(public: Public, compiled: Compiled) -> Values:
    return assigned(compiled, public, held(public.curve, 1003))


def a_mac_that_nobody_made(public: Public, compiled: Compiled) -> Values:
    true, group = held(public.curve), KeyedSuite(public.curve).group
    A = group.msm([true.signature.A], [2])
    return assigned(compiled, public, replace(true, signature=Mac(A, true.signature.e, true.B)))


def a_mac_with_another_e(public: Public, compiled: Compiled) -> Values:
    true = held(public.curve)
    return assigned(
        compiled, public, replace(true, signature=replace(true.signature, e=true.signature.e + 1))
    )


def an_entry_of_another_table(public: Public, compiled: Compiled) -> Values:
    return assigned(compiled, public, table=1004)


def other_messages(public: Public, compiled: Compiled) -> Values:
    true = held(public.curve)
    return assigned(compiled, public, replace(true, messages=(*MESSAGES[:2], MESSAGES[2] + 1, *MESSAGES[3:])))


def another_holder_s_pseudonym(public: Public, compiled: Compiled) -> Values:
    values = assigned(compiled, public)
    values._points[compiled.pseudonym.N] = {compiled.pseudonym.base: MESSAGES[0] + 1}
    return values


LIES: list[Lie] = [
    a_mac_of_another_key,
    a_mac_that_nobody_made,
    a_mac_with_another_e,
    an_entry_of_another_table,
    other_messages,
    another_holder_s_pseudonym,
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_prover_that_lies_is_refused(public: Public, lie: Lie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    compiled = public.compile()
    proof = prove(compiled.statement, CONTEXT, lie(public, compiled))
    assert refused([public.claim(proof)], public.curve) == {"PROOF_INVALID"}


def test_a_verifier_with_another_secret_key_accepts_nothing(public: Public) -> None:
    """The keyring maps a public key to its own secret only: with another x the same proof is false."""
    proof, curve = proof_of(public), public.curve
    keyring = Keyring([secret_key(curve, 1001), secret_key(curve, 1002)])
    keyring._keys[secret_key(curve, 1001).public_key] = secret_key(curve, 5)
    statement = public.compile(KeyedSuite(curve, keyring)).statement
    assert outcome(Claim(statement, CONTEXT, proof)) == "PROOF_INVALID"


def test_signatures_that_cancel_under_equal_coefficients_are_refused(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two credentials that nobody issued, A + X and A - X, shown with the same randomness."""
    true, group = held(public.curve), KeyedSuite(public.curve).group
    monkeypatch.setattr(Values, "random", lambda self, count: list(range(7, 7 + count)))
    pair = []
    for sign in (1, -1):
        A = group.msm([true.signature.A, group.generator], [1, sign])
        forged = replace(true, signature=Mac(A, true.signature.e, true.B))
        compiled = public.compile()
        pair.append(public.claim(prove(compiled.statement, CONTEXT, assigned(compiled, public, forged))))
    for _ in range(3):
        assert [isinstance(each, Verified) for each in verify_batch(pair)] == [False, False]
    monkeypatch.setattr("bbs.engine.verifier.secrets.token_bytes", bytes)
    assert [isinstance(each, Verified) for each in verify_batch(pair)] == [True, True]


def test_a_message_that_the_issuer_never_saw(public: Public) -> None:
    """Blind issuance: the holder commits to its secret, the issuer adds the commitment to its own part."""
    from bbs.engine import Base
    from bbs.keyed import accept, calculate_domain, create_generators, issue

    curve, suite = public.curve, KeyedSuite(public.curve)
    key, generators = secret_key(curve, 1001), create_generators(curve, 3)
    H0, H1 = (Base(suite, generators.points[i]) for i in (1, 2))
    secret, blind, domain = 2**200 + 1, 2**100 + 3, calculate_domain(key.public_key, generators, b"")
    builder = Builder(suite)
    k, s = builder.witness("k"), builder.witness("s")
    C = builder.sent("C")
    builder.equation("C", {C: 1}, [(k, H0), (s, H1)])
    values = Values(builder.build())
    values.set(k, secret)
    values.set(s, blind)
    values.send(C, {H0: secret, H1: blind})
    proof = prove(values.statement, (("nonce", b"fresh"),), values)
    committed = verify(values.statement, (("nonce", b"fresh"),), proof).points[C]
    B = suite.group.msm([generators.combine(domain, (0, 0, 42)), committed], [1, 1])
    credential = accept(key.public_key, generators, b"", (secret, blind, 42), issue(key, B))
    assert credential.messages == (secret, blind, 42)


def test_gadgets_without_a_signature_need_no_key(public: Public) -> None:
    builder = Builder(KeyedSuite(public.curve))
    m = builder.witness("m")
    commitment = Commitment.add_to(builder.scope("c"), m)
    pseudonym = Pseudonym.add_to(builder.scope("n"), m, b"scope")
    values = Values(builder.build())
    commitment.assign(values, 5)
    pseudonym.assign(values, 5)
    verify(values.statement, CONTEXT, prove(values.statement, CONTEXT, values))
