"""A presentation with all first gadgets, to be proven, changed and lied about in the tests of the engine."""

from dataclasses import dataclass
from functools import cache

import bbs
from bbs import SHA_256, Ciphersuite, PreparedCredential, groups
from bbs.engine import (
    Base,
    Builder,
    Claim,
    Context,
    PairingSuite,
    Statement,
    Values,
    Verified,
    WireForm,
    prove,
    verify,
    verify_batch,
)
from bbs.errors import BbsError
from bbs.gadgets import Commitment, Credential, Pseudonym, WeakBB, hashed_base
from bbs.scalars import RandomScalars, calculate_random_scalars, messages_to_scalars
from bbs.signature import calculate_domain

CONTEXT: Context = (("request", b"nonce"), ("choices", b""), ("schema", b"v1"), ("epoch", b"7"))
MESSAGES = (b"holder secret", b"handle", b"expiry", b"street", b"city")
DEFAULT = groups.available()[0]
FAST = [name for name in groups.available() if name != "py_ecc"]


def ciphersuite(group: str = DEFAULT) -> Ciphersuite:
    return SHA_256.with_group(groups.by_name(group))


def suite(group: str = DEFAULT) -> PairingSuite:
    return PairingSuite(ciphersuite(group))


def secret_key(seed: bytes, group: str = DEFAULT) -> bbs.SecretKey:
    octets = bbs.keygen(seed * 32, suite=SHA_256)
    return bbs.SecretKey.from_octets(octets, suite=ciphersuite(group))


@cache
def held(
    seed: bytes = b"A", messages: tuple[bytes, ...] = MESSAGES, group: str = DEFAULT
) -> PreparedCredential:
    """A credential under the key of a seed."""
    sk, suite = secret_key(seed, group), ciphersuite(group)
    signature = bbs.sign(sk, sk.public_key(), b"header", messages, suite=suite)
    return bbs.prepare_credential(sk.public_key(), signature, b"header", messages, suite=suite)


def scalar(message: bytes) -> int:
    (value,) = messages_to_scalars([message], SHA_256.api_id, suite=SHA_256)
    return value


@dataclass(frozen=True)
class Compiled:
    """A statement and the gadgets in it."""

    statement: Statement
    credential: Credential
    pseudonym: Pseudonym
    commitment: Commitment
    member: WeakBB


@dataclass(frozen=True)
class Public:
    """What both sides know of the presentation."""

    group: str = DEFAULT
    issuer: bytes = b"A"
    header: bytes = b"header"
    shown: tuple[tuple[int, bytes], ...] = ((3, b"street"),)
    scope: bytes = b"city/2026"
    table: bytes = b"T"
    purpose: str = "table"
    name: str = "residency"
    reordered: bool = False

    @property
    def V(self) -> Base:
        return hashed_base(suite(self.group), self.purpose)

    def compile(self) -> Compiled:
        generators = held(group=self.group).generators
        key, table = (secret_key(seed, self.group).public_key() for seed in (self.issuer, self.table))
        domain = calculate_domain(key, generators, self.header, SHA_256.api_id)
        shown = {i: scalar(message) for i, message in self.shown}
        builder = Builder(suite(self.group))
        outer = builder.scope(self.name)
        credential = Credential.add_to(outer.scope("credential"), key, generators, domain, shown)
        m = credential.messages
        if self.reordered:
            member = WeakBB.add_to(outer.scope("member"), m[1], self.V, table)
        pseudonym = Pseudonym.add_to(outer.scope("pseudonym"), m[0], self.scope)
        commitment = Commitment.add_to(outer.scope("commitment"), m[2])
        if not self.reordered:
            member = WeakBB.add_to(outer.scope("member"), m[1], self.V, table)
        return Compiled(builder.build(), credential, pseudonym, commitment, member)


def assigned(
    compiled: Compiled,
    public: Public,
    credential: PreparedCredential | None = None,
    rng: RandomScalars = calculate_random_scalars,
) -> Values:
    """Give the true values of the holder of a credential."""
    credential = credential or held(group=public.group)
    values = Values(compiled.statement, rng)
    compiled.credential.assign(values, credential)
    compiled.pseudonym.assign(values, credential.messages[0])
    compiled.commitment.assign(values, credential.messages[2])
    y = credential.messages[1]
    C = secret_key(public.table, public.group).group_key.divide(public.V.point, y)
    compiled.member.assign(values, y, Base(suite(public.group), C))
    return values


def proof_of(public: Public, context: Context = CONTEXT, form: WireForm = WireForm.COMPRESSED) -> bytes:
    """Prove the presentation of the honest holder."""
    compiled = public.compile()
    return prove(compiled.statement, context, assigned(compiled, public), form)


def claim(public: Public, proof: bytes, context: Context = CONTEXT) -> Claim:
    """Claim it as a verifier compiles it."""
    return Claim(public.compile().statement, context, proof)


def outcome(each: Claim) -> str:
    """Verify alone; "OK" or the reason, which a batch of one, and one among good ones, must confirm."""
    try:
        verify(each.statement, each.context, each.proof, each.form)
    except BbsError as error:
        return error.reason
    return "OK"


def outcomes(claims: list[Claim]) -> list[str]:
    """Verify in a batch."""
    return ["OK" if isinstance(each, Verified) else each.reason for each in verify_batch(claims)]


def refused(claims: list[Claim]) -> set[str]:
    """Return the reasons, after finding that each stands alone and among good ones."""
    good = claim(Public(group=_group(claims[0])), proof_of(Public(group=_group(claims[0]))))
    alone = [outcome(each) for each in claims]
    together = outcomes([each for bad in claims for each in (good, bad)])
    assert together[1::2] == alone
    assert set(together[::2]) == {"OK"}
    return set(alone)


def _group(each: Claim) -> str:
    suite = each.statement.suite
    assert isinstance(suite, PairingSuite)
    return suite.ciphersuite.group.name
