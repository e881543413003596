"""The two ciphersuites (draft-irtf-cfrg-bbs-signatures-09, section 7)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from bbs import groups
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point, Group
from bbs.hashing import expand_message_xmd, expand_message_xof

INTERFACE_ID: Final = b"H2G_HM2S_"


@dataclass(frozen=True)
class Ciphersuite:
    """The parameters of a ciphersuite, bound to the group that computes them.

    `ciphersuite_id` is the draft's identifier, `expand_message` its hash, `P1_octets` its fixed point of G1.
    `max_messages` is a limit of ours, far below the draft's 2^64 - 1: the length of a received proof says how
    many generators its verifier has to compute.
    """

    ciphersuite_id: bytes
    expand_message: Callable[[bytes, bytes, int], bytes]
    P1_octets: bytes
    group: Group
    max_messages: int = 4096
    octet_scalar_length: int = field(default=32, init=False)
    octet_point_length: int = field(default=48, init=False)
    expand_len: int = field(default=48, init=False)
    P1: G1Point = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.ciphersuite_id) <= 200 or not self.ciphersuite_id.isascii():
            raise InputError(Reason.UNKNOWN_CIPHERSUITE, "an identifier is 1 to 200 octets of ASCII")
        if self.max_messages < 0:
            raise InputError(Reason.TOO_MANY_MESSAGES, "max_messages is not negative")
        object.__setattr__(self, "P1", self.group.g1_from_octets(self.P1_octets))

    @property
    def r(self) -> int:
        """The order of the groups."""
        return self.group.r

    @property
    def api_id(self) -> bytes:
        """The identifier of the draft's interface over this ciphersuite (section 3.5)."""
        return self.ciphersuite_id + INTERFACE_ID

    def with_group(self, group: Group) -> "Ciphersuite":
        """Return the same ciphersuite computed by another group."""
        return replace(self, group=group)

    def __str__(self) -> str:
        return self.ciphersuite_id.decode("ascii")


SHA_256: Final = Ciphersuite(
    ciphersuite_id=b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_",
    expand_message=expand_message_xmd,
    P1_octets=bytes.fromhex(
        "a8ce256102840821a3e94ea9025e4662b205762f9776b3a766c872b948f1fd225e7c59698588e70d11406d161b4e28c9"
    ),
    group=groups.default(),
)
"""BLS12-381-SHA-256 (section 7.2.2)."""

SHAKE_256: Final = Ciphersuite(
    ciphersuite_id=b"BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_",
    expand_message=expand_message_xof,
    P1_octets=bytes.fromhex(
        "8929dfbc7e6642c4ed9cba0856e493f8b9d7d5fcb0c31ef8fdcd34d50648a56c795e106e9eada6e0bda386b414150755"
    ),
    group=groups.default(),
)
"""BLS12-381-SHAKE-256 (section 7.2.1)."""

_BY_IDENTIFIER: Final = {
    identifier.decode("ascii"): suite
    for suite in (SHA_256, SHAKE_256)
    for identifier in (suite.ciphersuite_id, suite.api_id)
}


def resolve(suite: Ciphersuite | str) -> Ciphersuite:
    """Return a ciphersuite as it is, or by its identifier or that of its interface.

    Raises InputError UNKNOWN_CIPHERSUITE.
    """
    if isinstance(suite, Ciphersuite):
        return suite
    if not isinstance(suite, str) or suite not in _BY_IDENTIFIER:
        known = ", ".join(str(each) for each in (SHA_256, SHAKE_256))
        raise InputError(Reason.UNKNOWN_CIPHERSUITE, f"{suite!r} is none of {known}")
    return _BY_IDENTIFIER[suite]
