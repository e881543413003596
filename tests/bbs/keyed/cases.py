"""A presentation with every gadget over a keyed suite, as holder and check service compile it."""

from dataclasses import dataclass
from functools import cache

from bbs.engine import Base, Builder, Claim, Context, Statement, Values, Verified, prove, verify, verify_batch
from bbs.errors import BbsError
from bbs.gadgets import Commitment, Credential, Pseudonym, WeakBB, hashed_base
from bbs.gadgets.escrow import Escrow
from bbs.gadgets.escrow_shares import EscrowShare, shared_key
from bbs.keyed import (
    P256,
    SM2,
    Curve,
    KeyedCredential,
    KeyedSuite,
    Keyring,
    SecretKey,
    accept,
    calculate_domain,
    create_generators,
    issue,
    make_mac,
)

CURVES = [P256, SM2]
CONTEXT: Context = (("request", b"nonce"), ("epoch", b"7"))
MESSAGES = (2**255, 17, 2**63 + 20000, 5, 0)
"""Holder secret, handle, expiry and two attributes; the first is no scalar of the pairing suites."""
HEADER = b"header"


@cache
def secret_key(curve: Curve, seed: int) -> SecretKey:
    return SecretKey(curve, seed.to_bytes(32))


@cache
def verifying(curve: Curve) -> KeyedSuite:
    """The suite of the check service, which holds the keys 1001 to 1004."""
    return KeyedSuite(curve, Keyring(secret_key(curve, 1000 + i) for i in range(1, 5)))


@cache
def held(curve: Curve, seed: int = 1001, messages: tuple[int, ...] = MESSAGES) -> KeyedCredential:
    """A credential under the key of a seed, issued and accepted."""
    key, generators = secret_key(curve, seed), create_generators(curve, len(messages))
    domain = calculate_domain(key.public_key, generators, HEADER)
    issued = issue(key, generators.combine(domain, messages))
    return accept(key.public_key, generators, HEADER, messages, issued)


@cache
def officers(curve: Curve, seed: int = 99) -> tuple[EscrowShare, ...]:
    return tuple(EscrowShare.from_octets(KeyedSuite(curve), each.to_bytes(32)) for each in (seed, seed + 1))


@cache
def regulator(curve: Curve, seed: int = 99) -> bytes:
    return shared_key(KeyedSuite(curve), [each.publish() for each in officers(curve, seed)])


@dataclass(frozen=True)
class Compiled:
    statement: Statement
    credential: Credential
    pseudonym: Pseudonym
    commitment: Commitment
    member: WeakBB
    escrow: Escrow


@dataclass(frozen=True)
class Public:
    """What both sides know of the presentation."""

    curve: Curve
    issuer: int = 1001
    table: int = 1002
    header: bytes = HEADER
    shown: tuple[tuple[int, int], ...] = ((3, 5),)
    scope: bytes = b"city/2026"
    name: str = "residency"
    regulator: int = 99

    def compile(self, suite: KeyedSuite | None = None) -> Compiled:
        """Compile it as the holder, or as whoever has the suite."""
        suite = suite or KeyedSuite(self.curve)
        generators = create_generators(self.curve, len(MESSAGES))
        key, table = (secret_key(self.curve, seed).public_key for seed in (self.issuer, self.table))
        domain = calculate_domain(key, generators, self.header)
        builder = Builder(suite)
        outer = builder.scope(self.name)
        credential = Credential.add_to(outer.scope("credential"), key, generators, domain, dict(self.shown))
        m = credential.messages
        pseudonym = Pseudonym.add_to(outer.scope("pseudonym"), m[0], self.scope)
        commitment = Commitment.add_to(outer.scope("commitment"), m[2])
        member = WeakBB.add_to(outer.scope("member"), m[1], hashed_base(suite, "table"), table)
        escrow = Escrow.add_to(outer.scope("escrow"), m[2], regulator(self.curve, self.regulator))
        return Compiled(builder.build(), credential, pseudonym, commitment, member, escrow)

    def claim(self, proof: bytes, context: Context = CONTEXT) -> Claim:
        """Claim it as the check service compiles it."""
        return Claim(self.compile(verifying(self.curve)).statement, context, proof)


def assigned(
    compiled: Compiled, public: Public, mine: KeyedCredential | None = None, table: int | None = None
) -> Values:
    """Give the true values of the holder of a credential, with a signature of a table on its handle."""
    mine = mine or held(public.curve)
    values, suite = Values(compiled.statement), compiled.statement.suite
    compiled.credential.assign(values, mine)
    compiled.pseudonym.assign(values, mine.messages[0])
    compiled.commitment.assign(values, mine.messages[2])
    compiled.escrow.assign(values, mine.messages[2])
    V = hashed_base(suite, "table")
    mac = make_mac(secret_key(public.curve, table or public.table), V.point, mine.messages[1])
    compiled.member.assign(values, mine.messages[1], Base(suite, mac.A))
    return values


def proof_of(public: Public, context: Context = CONTEXT) -> bytes:
    compiled = public.compile()
    return prove(compiled.statement, context, assigned(compiled, public))


def outcome(each: Claim) -> str:
    """Verify alone; "OK" or the reason."""
    try:
        verify(each.statement, each.context, each.proof, each.form)
    except BbsError as error:
        return error.reason
    return "OK"


def refused(claims: list[Claim], curve: Curve) -> set[str]:
    """Return the reasons, after finding that each stands alone and among good ones."""
    public = Public(curve)
    good = public.claim(proof_of(public))
    alone = [outcome(each) for each in claims]
    together = verify_batch([each for bad in claims for each in (good, bad)])
    reasons = ["OK" if isinstance(each, Verified) else each.reason for each in together]
    assert reasons[1::2] == alone
    assert set(reasons[::2]) == {"OK"}
    return set(alone)
