"""MACs A = B / (x + e): credentials, entries of a table (e the value, B its base), values of an accumulator.

Who does not hold x cannot check one. An issuer that used another x for one holder would recognise that holder
at every presentation, so whatever it hands out comes with a proof that x*A = B - e*A for the x of the logged
key: one proof of 98 octets for one MAC or for a table of thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bbs.dleq import Logarithms
from bbs.engine import Base, Context
from bbs.errors import InputError, Reason, VerificationError
from bbs.groups.protocol import G1Point
from bbs.keyed.curves import Curve
from bbs.keyed.suite import KeyedSuite, SecretKey, public_key_point

_PURPOSE = "mac"


@dataclass(frozen=True, eq=False, repr=False)
class Mac:
    """A MAC A with e on a point B."""

    A: G1Point
    e: int
    B: G1Point


def make_mac(key: SecretKey, B: G1Point, e: int) -> Mac:
    """Return the MAC of B with a given e; InputError DEGENERATE if it would be the identity.

    Two different B of credentials must never get the same e under one key.
    """
    suite = KeyedSuite(key.curve)
    A = key.divide(B, e)
    if suite.group.is_identity(A):
        raise InputError(Reason.DEGENERATE, "the identity has no MAC")
    return Mac(A, e, B)


def prove_macs(key: SecretKey, macs: Sequence[Mac], context: Context = ()) -> bytes:
    """Prove that these are MACs under the key's public key, bound to a context.

    Raises InputError UNSATISFIED (one is none), COUNT_MISMATCH (there is none).
    """
    logarithms = _logarithms(key.curve, key.public_key, macs, context)
    return logarithms.prove(int.from_bytes(key.to_octets_secret()))


def verify_macs(
    curve: Curve, public_key: bytes, macs: Sequence[Mac], proof: bytes, context: Context = ()
) -> None:
    """Return nothing if these are MACs under a public key that the caller found in the log.

    Every A, e and B is the caller's own: what it asked to have MACed, and what it was given. Raises
    DecodingError (key or proof), VerificationError PROOF_INVALID, InputError COUNT_MISMATCH.
    """
    _logarithms(curve, public_key, macs, context).verify(proof)


def _logarithms(curve: Curve, public_key: bytes, macs: Sequence[Mac], context: Context) -> Logarithms:
    """State X = x*G0 and B - e*A = x*A for every MAC."""
    suite = KeyedSuite(curve)
    group = suite.group
    X = public_key_point(curve, public_key)
    pairs = []
    for mac in macs:
        D = group.msm((mac.B, mac.A), (1, -mac.e), secret=True)
        if group.is_identity(mac.A) or group.is_identity(D):
            raise VerificationError(Reason.PROOF_INVALID, "no key makes such a MAC")
        pairs.append((Base(suite, mac.A), Base(suite, D)))
    return Logarithms(suite, _PURPOSE, Base(suite, group.generator), Base(suite, X), pairs, context)
