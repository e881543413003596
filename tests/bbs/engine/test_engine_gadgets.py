"""The first gadgets, each alone: what it shows, what it hides, and on every group."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

import pytest

import bbs.engine
from bbs import SHA_256, SHAKE_256, groups
from bbs.blind import joint_generators
from bbs.credential import core_prepare_credential
from bbs.engine import (
    Base,
    Builder,
    Claim,
    PairingSuite,
    Statement,
    Values,
    Verified,
    WireForm,
    proof_octets,
    prove,
    verify,
    verify_batch,
)
from bbs.errors import InputError, VerificationError
from bbs.gadgets import (
    Commitment,
    Credential,
    Pseudonym,
    WeakBB,
    commitment_bases,
    hashed_base,
    pseudonym_base,
)
from bbs.groups.protocol import G1Point, Terms
from bbs.serialization import Signature
from bbs.signature import calculate_domain, core_sign
from tests.bbs.engine.cases import CONTEXT, Public, ciphersuite, held, scalar, secret_key, suite


@pytest.mark.parametrize("group", groups.available())
def test_a_credential_on_every_group(group: str) -> None:
    messages = (b"hidden", b"shown")
    credential, key = held(messages=messages, group=group), secret_key(b"A").public_key()
    for shown, form, holds in (
        (b"shown", WireForm.COMPRESSED, True),
        (b"other", WireForm.COMPRESSED, False),
        (b"shown", WireForm.UNCOMPRESSED, True),
    ):
        proof = b""
        for value in (b"shown", shown):  # the prover's statement, then the verifier's
            builder = Builder(suite(group))
            gadget = Credential.add_to(
                builder.scope("c"), key, credential.generators, credential.domain, {1: scalar(value)}
            )
            statement = builder.build()
            if not proof:
                values = Values(statement)
                gadget.assign(values, credential)
                proof = prove(statement, CONTEXT, values, form)
        if holds:
            assert verify(statement, CONTEXT, proof, form).statement is statement
        else:
            with pytest.raises(VerificationError):
                verify(statement, CONTEXT, proof, form)


@pytest.mark.parametrize("group", groups.available())
def test_a_commitment_on_every_group_can_be_opened(group: str) -> None:
    builder = Builder(suite(group))
    commitment = Commitment.add_to(builder, builder.witness("m"))
    statement = builder.build()
    values = Values(statement)
    u = commitment.assign(values, 42)
    K = verify(statement, CONTEXT, prove(statement, CONTEXT, values)).octets[commitment.K]
    G, H = commitment_bases(suite(group))
    arithmetic = suite(group).group
    assert arithmetic.g1s_to_octets([arithmetic.msm([G.point, H.point], [42, u])]) == K


def test_a_proof_costs_one_sum_a_point_and_one_an_equation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prover sees from the scalars alone that its values are true, and every base has its table."""
    group, counted, single = suite().group, list[tuple[int, bool]](), list[object]()
    builder, credential = Builder(suite()), held()
    key = secret_key(b"A").public_key()
    gadget = Credential.add_to(builder, key, credential.generators, credential.domain, {1: scalar(b"handle")})
    values = Values(builder.build())
    gadget.assign(values, credential)
    real, one = type(group).msms, type(group).msm  # type: ignore[attr-defined]

    def record(self: object, sums: list[Terms], *, secret: bool) -> object:
        counted.extend((len(terms.points), secret) for terms in sums)
        with monkeypatch.context() as inside:  # a portable group computes them one by one
            inside.setattr(type(group), "msm", one)
            return real(self, sums, secret=secret)

    monkeypatch.setattr(type(group), "msms", record)
    monkeypatch.setattr(type(group), "msm", lambda *args, **_: single.append(args))
    prove(values.statement, CONTEXT, values)
    assert counted == [(0, True)] * 5
    assert not single


def test_a_zero_secret_has_no_pseudonym() -> None:
    builder = Builder(suite())
    pseudonym = Pseudonym.add_to(builder, builder.witness("k"), b"scope")
    values = Values(builder.build())
    pseudonym.assign(values, 0)
    with pytest.raises(InputError, match="UNSATISFIED"):
        prove(values.statement, CONTEXT, values)


def test_a_pseudonym_is_one_for_a_secret_and_a_scope() -> None:
    def of(k: int, scope: bytes) -> bytes:
        builder = Builder(suite())
        pseudonym = Pseudonym.add_to(builder, builder.witness("k"), scope)
        values = Values(builder.build())
        pseudonym.assign(values, k)
        return verify(values.statement, CONTEXT, prove(values.statement, CONTEXT, values)).octets[pseudonym.N]

    assert of(5, b"a") == of(5, b"a")
    assert len({of(5, b"a"), of(6, b"a"), of(5, b"b"), of(5, b"")}) == 4


def test_the_bases_of_all_purposes_differ() -> None:
    shake = PairingSuite(SHAKE_256)
    bases = [
        *commitment_bases(suite()),
        *commitment_bases(shake),
        pseudonym_base(suite(), b""),
        pseudonym_base(suite(), b"commitment-value"),
        hashed_base(suite(), "table"),
        *(Base(suite(), point) for point in held().generators.points),
        Base(suite(), SHA_256.P1),
    ]
    assert len({base.octets for base in bases}) == len(bases)
    with pytest.raises(InputError, match="INVALID_DST"):
        hashed_base(suite(), "")


def test_a_credential_with_a_blind_of_the_holder_s() -> None:
    """The blind is one more hidden message, on Q_2."""
    shake, api_id = SHAKE_256, SHAKE_256.ciphersuite_id + b"BLIND_H2G_HM2S_"
    generators = joint_generators(2, 1, api_id, suite=shake)
    sk = bbs.SecretKey.generate(suite=shake)
    pk, messages = sk.public_key(), (11, 12, 987654321, 13)
    octets = core_sign(sk, pk, generators, b"header", messages, api_id)
    signature = Signature(shake.group.g1_from_octets(octets[:48]), int.from_bytes(octets[48:]))
    credential = core_prepare_credential(pk, signature, generators, b"header", messages, api_id)
    builder = Builder(PairingSuite(shake))
    domain = calculate_domain(pk, generators, b"header", api_id)
    gadget = Credential.add_to(builder, pk, generators, domain, {0: 11})
    statement = builder.build()
    values = Values(statement)
    gadget.assign(values, credential)
    proof = prove(statement, CONTEXT, values)
    verify(statement, CONTEXT, proof)
    assert sorted(gadget.messages) == [1, 2, 3]


def test_a_shown_scalar_may_be_zero() -> None:
    api_id, sk = SHA_256.api_id, bbs.SecretKey.generate(suite=SHA_256)
    generators, pk = held().generators, sk.public_key()
    messages = (0, 1, 2, 0, 4)
    octets = core_sign(sk, pk, generators, b"", messages, api_id)
    signature = Signature(SHA_256.group.g1_from_octets(octets[:48]), int.from_bytes(octets[48:]))
    credential = core_prepare_credential(pk, signature, generators, b"", messages, api_id)

    def compiled(shown: dict[int, int]) -> tuple[Statement, Credential]:
        builder = Builder(suite())
        gadget = Credential.add_to(builder, pk, generators, credential.domain, shown)
        return builder.build(), gadget

    statement, gadget = compiled({0: 0, 4: 4})
    values = Values(statement)
    gadget.assign(values, credential)
    proof = prove(statement, CONTEXT, values)
    verify(compiled({0: 0, 4: 4})[0], CONTEXT, proof)
    for other in ({1: 0, 4: 4}, {0: 1, 4: 4}, {0: 0, 4: 0}):
        with pytest.raises(VerificationError):
            verify(compiled(other)[0], CONTEXT, proof)


@pytest.mark.parametrize("group", ["blst", "arkworks"])
def test_possession_hides_the_signature_and_needs_the_right_value(group: str) -> None:
    if group not in groups.available():
        pytest.skip(f"the group {group} is not installed")
    key, V = secret_key(b"T", group), hashed_base(suite(group), "table")
    sent = set()
    for y, signed in ((7, 7), (7, 7), (7, 8)):
        builder = Builder(suite(group))
        member = WeakBB.add_to(builder, builder.witness("y"), V, key.public_key())
        statement = builder.build()
        values = Values(statement)
        member.assign(values, y, Base(suite(group), key.group_key.divide(V.point, signed)))
        proof = prove(statement, CONTEXT, values)
        if y == signed:
            verify(statement, CONTEXT, proof)
            sent |= {proof[:48], proof[48:96]}
        else:
            # The prover's equation holds: only the key tells, as for a signature of another key.
            with pytest.raises(VerificationError, match="signature"):
                verify(statement, CONTEXT, proof)
    assert len(sent) == 4


def test_the_sizes_of_proofs_follow_from_the_statement() -> None:
    statement = Public().compile().statement
    assert proof_octets(statement) == 48 * (7 + 5) + 32 * len(statement.free)
    assert proof_octets(statement, WireForm.UNCOMPRESSED) == 96 * (7 + 5) + 32 * len(statement.free)
    assert ciphersuite().octet_point_length == suite().point_octets


@dataclass(frozen=True)
class Keyed(PairingSuite):
    """A suite without pairings: whoever holds the secret key computes x*C itself."""

    x: int = 0

    def check_key(self, key: bytes) -> None:
        assert key == b"the one key"

    def signatures_hold(self, sums: Mapping[bytes, G1Point], D: G1Point) -> bool:
        encode = self.group.g1s_to_octets
        return all(encode([self.group.msm([C], [self.x], secret=True)]) == encode([D]) for C in sums.values())


def test_signatures_are_the_suite_s_business() -> None:
    """The same gadget and engine where the verifier holds the key and nothing is paired."""
    sk = secret_key(b"T")
    x = int.from_bytes(sk.to_octets_secret())
    for held_by_verifier, holds in ((x, True), (x + 1, False)):
        keyed = Keyed(ciphersuite(), held_by_verifier)
        V = hashed_base(keyed, "table")
        builder = Builder(keyed)
        member = WeakBB.add_to(builder, builder.witness("y"), V, b"the one key")
        statement = builder.build()
        claims = []
        for y in (3, 4):
            values = Values(statement)
            member.assign(values, y, Base(keyed, sk.group_key.divide(V.point, y)))
            claims.append(Claim(statement, CONTEXT, prove(statement, CONTEXT, values)))
        assert [isinstance(each, Verified) for each in verify_batch(claims)] == [holds] * 2


def test_the_example_of_the_package_runs() -> None:
    """The indented parts of the docstring, as one program."""
    parts = [line for line in (bbs.engine.__doc__ or "").splitlines() if line.startswith("    ") or not line]
    program = "from dataclasses import dataclass\nfrom bbs.engine import *\n" + dedent("\n".join(parts))
    G = hashed_base(suite(), "example")
    names: dict[str, object] = {"suite": suite(), "G": G, "x": 5, "context": CONTEXT}
    exec(program, names)
    assert names["K"] == suite().group.g1s_to_octets([suite().group.msm([G.point], [5])])
