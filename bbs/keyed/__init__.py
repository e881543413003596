"""Composite presentations without pairings, for a verifier that is the issuer (the extra `keyed`: petlib).

Where the counter belongs to the department that issued, nothing has to be checked by others: a MAC takes the
place of the signature, and a multiplication by the secret key that of the pairing. The engine, its transcript
and the gadgets are those of `bbs.engine` and `bbs.gadgets`, over P-256 or, experimentally, SM2.

Only the department's own check service holds a secret key, as a process of its own, which counters ask. What
they send it is presentations, never points: a service that multiplied points for others would give away what
its key makes of them. docs/composite.md has the argument.
"""

from bbs.keyed.credential import (
    Generators,
    KeyedCredential,
    accept,
    calculate_domain,
    create_generators,
    issue,
)
from bbs.keyed.curves import P256, SM2, Curve
from bbs.keyed.mac import Mac, make_mac, prove_macs, verify_macs
from bbs.keyed.suite import KeyedSuite, Keyring, SecretKey

__all__ = [
    "P256",
    "SM2",
    "Curve",
    "Generators",
    "KeyedCredential",
    "KeyedSuite",
    "Keyring",
    "Mac",
    "SecretKey",
    "accept",
    "calculate_domain",
    "create_generators",
    "issue",
    "make_mac",
    "prove_macs",
    "verify_macs",
]
