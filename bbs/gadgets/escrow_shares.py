"""A regulator's key that two officers share, and how they open an escrow: both, or nobody.

Each officer has a share x with Y_i = G / x, so that a decryption is a division E1 / x inside the native key,
as a signature is. The regulator's key is Y = Y_1 + Y_2, whose secret exists nowhere. Each share comes with a
proof that its maker knows its secret: else the second officer could publish Y' - Y_1 for a key Y' of its own,
and open alone. A partial opening is D_i = E1 / x with a proof that it is that, bound to the case; the two
give id*K0 = E2 - D_1 - D_2. docs/protocol.md has the argument.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from bbs.dleq import Logarithms
from bbs.engine import Base, Builder, Context, Statement, Suite, Values, Verified, Witness, prove, verify
from bbs.engine.proof import scalar_octets
from bbs.engine.suite import SecretScalar
from bbs.errors import InputError, Reason
from bbs.gadgets.escrow import Escrow, escrow_bases, escrow_key_base
from bbs.scalars import check_octets

OFFICERS: Final = 2
_PURPOSE: Final = "escrow-opening"
_POSSESSION: Final[Context] = (("proof-of-possession", b"escrow-share"),)
_DIGEST_OCTETS: Final = 32


@dataclass(frozen=True)
class OpeningCase:
    """Why something is opened: the case, the presentation as its receipt names it, and the escrow in it.

    `reference` is 1 to 256 characters, `presentation` the 32 octets of its digest, which whoever opens or
    checks computes of the presentation that it verified: a digest that came from elsewhere would file the
    opening under somebody else's (`disclosure.composite.opening`). InputError INVALID_TYPE, INVALID_LENGTH.
    """

    reference: str
    presentation: bytes
    escrow: str

    def __post_init__(self) -> None:
        check_octets(self.presentation, "the presentation's digest")
        for text, what in ((self.reference, "a case's reference"), (self.escrow, "an escrow's identifier")):
            if not isinstance(text, str) or not 0 < len(text) <= 256:
                raise InputError(Reason.INVALID_TYPE, f"{what} has 1 to 256 characters")
        if len(self.presentation) != _DIGEST_OCTETS:
            raise InputError(Reason.INVALID_LENGTH, f"a digest has {_DIGEST_OCTETS} octets")


@dataclass(frozen=True)
class PublicShare:
    """The public half of an officer's share, one compressed point, and the proof that its secret is known."""

    public_key: bytes
    possession: bytes


@dataclass(frozen=True)
class PartialOpening:
    """What one officer adds: D = E1 / x under the share Y_i, with the proof. Alone it tells of nobody.

    With the other officer's it opens: it goes to those whom the case concerns. On a public ledger stands its
    digest only.
    """

    share: bytes
    decrypted: bytes = field(repr=False)
    proof: bytes = field(repr=False)


class EscrowShare:
    """An officer's secret share, held by the group it computes in. Not shown, copied, pickled or hashed."""

    def __init__(self, suite: Suite, secret: SecretScalar) -> None:
        """Wrap a scalar of the suite's group; use `generate` or `from_octets`."""
        self.suite = suite
        self._secret = secret
        Y = secret.divide(escrow_bases(suite).G.point, 0)
        self.public_key = suite.group.g1s_to_octets((Y,))

    @classmethod
    def generate(cls, suite: Suite) -> "EscrowShare":
        """Make a new share from the system's generator."""
        scalar = 1 + secrets.randbelow(suite.group.r - 1)
        return cls.from_octets(suite, scalar.to_bytes(scalar_octets(suite)))

    @classmethod
    def from_octets(cls, suite: Suite, octets: bytes) -> "EscrowShare":
        """Take in a stored share; InputError INVALID_TYPE, DecodingError INVALID_LENGTH, INVALID_SCALAR."""
        return cls(suite, suite.group.secret_key(check_octets(octets, "the escrow share")))

    def to_octets_secret(self) -> bytes:
        """Return the secret octets, for key storage only."""
        return self._secret.to_octets_secret()

    def publish(self) -> PublicShare:
        """Return the public half, with a new proof that this officer knows its secret."""
        statement, x = _possession(self.suite, escrow_key_base(self.suite, self.public_key))
        values = Values(statement)
        values.set(x, int.from_bytes(self.to_octets_secret()))
        return PublicShare(self.public_key, prove(statement, _POSSESSION, values))

    def open(
        self, verified: Verified, escrow: Escrow, shares: Sequence[bytes], case: OpeningCase
    ) -> PartialOpening:
        """Take this share's part of the mask off what a presentation carries, and prove that it is that.

        `verified` comes from `bbs.engine.verify`, which this officer ran itself over a statement that it
        compiled itself: whoever decrypts loose points decrypts for everybody who can send some. `shares` are
        the public halves of the regulator's, in their order. Raises InputError KEY_MISMATCH (the presentation
        is not escrowed to these shares, or this one is none of them).
        """
        suite, group = escrow.Y.suite, escrow.Y.suite.group
        _check_escrowed(verified, escrow, shares)
        if self.public_key not in shares or group is not self.suite.group:
            raise _mismatch("the share is none of the regulator's")
        E1 = verified.points[escrow.E1]
        D = self._secret.divide(E1, 0)
        relation = _relation(verified, escrow, self.public_key, Base(suite, D), case)
        proof = relation.prove(int.from_bytes(self.to_octets_secret()))
        return PartialOpening(self.public_key, group.g1s_to_octets((D,)), proof)

    def __repr__(self) -> str:
        return "EscrowShare(<hidden>)"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a secret share is not copied; store it with to_octets_secret()")

    __hash__ = None  # type: ignore[assignment]  # nothing derived from the secret leaves it
    __copy__ = __deepcopy__ = __reduce_ex__ = __reduce__ = __getstate__ = _refuse


def shared_key(suite: Suite, shares: Sequence[PublicShare]) -> bytes:
    """Return a regulator's key, the sum of its officers' shares, once each has proven that it knows its own.

    Raises InputError COUNT_MISMATCH (not two officers, or one twice), DEGENERATE (the sum is the identity),
    INVALID_TYPE; DecodingError (a key or a proof); VerificationError PROOF_INVALID.
    """
    if len(shares) != OFFICERS or len({each.public_key for each in shares}) != OFFICERS:
        raise InputError(Reason.COUNT_MISMATCH, f"a regulator's key is shared by {OFFICERS} officers")
    for each in shares:
        statement, _ = _possession(suite, escrow_key_base(suite, each.public_key))
        verify(statement, _POSSESSION, check_octets(each.possession, "the proof of possession"))
    return _sum(suite, [each.public_key for each in shares])


def verify_part(
    verified: Verified, escrow: Escrow, shares: Sequence[bytes], case: OpeningCase, part: PartialOpening
) -> bytes:
    """Return D_i in compressed form if a partial opening is that of this presentation in this case.

    `verified` is what the caller verified itself, with the same statement. Raises InputError KEY_MISMATCH
    (the presentation is not escrowed to these shares, or the part is of none of them), INVALID_TYPE;
    DecodingError (the point or the proof); VerificationError PROOF_INVALID.
    """
    _check_escrowed(verified, escrow, shares)
    if part.share not in shares:
        raise _mismatch("the part is of none of the regulator's shares")
    suite = escrow.Y.suite
    (D,) = suite.group.g1s_from_octets((check_octets(part.decrypted, "the decrypted point"),))
    _relation(verified, escrow, part.share, Base(suite, D), case).verify(part.proof)
    return part.decrypted


def combine(
    verified: Verified,
    escrow: Escrow,
    shares: Sequence[bytes],
    case: OpeningCase,
    parts: Sequence[PartialOpening],
) -> bytes:
    """Return id*K0 in compressed form, of partial openings by all officers, in the order of their shares.

    Raises what `verify_part` does; InputError COUNT_MISMATCH (a part is missing, there twice, or out of
    order), DEGENERATE (the identifier is 0).
    """
    if [each.share for each in parts] != list(shares):
        raise InputError(Reason.COUNT_MISMATCH, "an opening has one part of each officer, in their order")
    group = escrow.Y.suite.group
    masks = group.g1s_from_octets([verify_part(verified, escrow, shares, case, each) for each in parts])
    identity = group.msm((verified.points[escrow.E2], *masks), (1, *[-1] * len(masks)))
    if group.is_identity(identity):
        raise InputError(Reason.DEGENERATE, "the identifier is 0")
    return group.g1s_to_octets((identity,))


def _possession(suite: Suite, Y: Base) -> tuple[Statement, Witness]:
    """State that x with G = x*Y is known; the transcript has Y, so a proof is of one share only."""
    builder = Builder(suite)
    scope = builder.scope("escrow-share")
    x = scope.witness("x")
    scope.equation("key", {escrow_bases(suite).G: 1}, [(x, Y)])
    return builder.build(), x


def _check_escrowed(verified: Verified, escrow: Escrow, shares: Sequence[bytes]) -> None:
    suite = escrow.Y.suite
    mine = len(shares) == OFFICERS and _sum(suite, shares) == escrow.Y.octets
    if not mine or not escrow.is_proven_by(verified):
        raise _mismatch("the presentation is not escrowed to these shares")


def _sum(suite: Suite, shares: Sequence[bytes]) -> bytes:
    points = [escrow_key_base(suite, each).point for each in shares]
    Y = suite.group.msm(points, [1] * len(points))
    if suite.group.is_identity(Y):
        raise InputError(Reason.DEGENERATE, "the shares add up to the identity")
    return suite.group.g1s_to_octets((Y,))


def _mismatch(detail: str) -> InputError:
    return InputError(Reason.KEY_MISMATCH, detail)


def _relation(verified: Verified, escrow: Escrow, share: bytes, D: Base, case: OpeningCase) -> Logarithms:
    """State G = x*Y_i and E1 = x*D, bound to case, presentation, key and both points of the escrow."""
    suite = escrow.Y.suite
    context: Context = (
        ("case", case.reference.encode()),
        ("presentation", case.presentation),
        ("escrow", case.escrow.encode()),
        ("challenge", verified.challenge.to_bytes(scalar_octets(suite))),
        ("key", escrow.Y.octets),
        ("E1", verified.octets[escrow.E1]),
        ("E2", verified.octets[escrow.E2]),
    )
    pair = D, Base(suite, verified.points[escrow.E1])
    return Logarithms(suite, _PURPOSE, escrow_key_base(suite, share), escrow_bases(suite).G, (pair,), context)
