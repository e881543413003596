"""A BBS credential, some of its messages shown: the draft's proof in a form that can be verified in batches.

Source: draft-irtf-cfrg-bbs-signatures-09, section 3.7, with T1 and T2 sent in place of the challenge. The
blind of a blind signature is one more hidden message, on the generator Q_2 (`bbs.blind.joint_generators`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bbs.engine import Base, Point, Scope, Sent, Values, Witness
from bbs.engine.suite import inverse
from bbs.errors import InputError, Reason
from bbs.gadgets.bases import MessageGenerators, generator_bases
from bbs.groups.protocol import G1Point


class HeldSignature(Protocol):
    """A signature (A, e), or a MAC of the same form."""

    @property
    def A(self) -> G1Point:
        """B / (x + e)."""
        ...

    @property
    def e(self) -> int:
        """In [1, r)."""
        ...


class HeldCredential(Protocol):
    """What a proof needs of a credential: `bbs.credential.PreparedCredential`, or one of a keyed suite."""

    @property
    def generators(self) -> MessageGenerators:
        """The generators of its interface."""
        ...

    @property
    def signature(self) -> HeldSignature:
        """The signature on B."""
        ...

    @property
    def messages(self) -> Sequence[int]:
        """The scalars of all messages."""
        ...

    @property
    def domain(self) -> int:
        """What binds key, generators and header."""
        ...

    @property
    def B(self) -> G1Point:
        """P1 + domain*Q_1 + sum of m_i * H_i."""
        ...


@dataclass(frozen=True)
class Credential:
    """Proves a signature (A, e) on B = P1 + d*Q_1 + sum of m_i * H_i under a key.

    Sent are D = r2*B, A' = r1*r2*A and B' = r1*D - e*A'. `messages` has the witness of each hidden message by
    its index, from 0; `r1` stands for -r1 and `r3` for -1/r2.
    """

    A: Sent
    B: Sent
    D: Sent
    e: Witness
    r1: Witness
    r3: Witness
    messages: Mapping[int, Witness]

    @classmethod
    def add_to(
        cls,
        scope: Scope,
        key: bytes,
        generators: MessageGenerators,
        domain: int,
        shown: Mapping[int, int],
        shared: Mapping[int, Witness] | None = None,
    ) -> "Credential":
        """State it for a key, its generators and domain (`bbs.signature.calculate_domain`).

        `shown` has the scalars of the messages that are shown, by index. The others are hidden; a hidden
        message that equals a witness of another gadget is in `shared`, all others get witnesses of their own.
        Raises InputError INVALID_INDEXES, SCALAR_OUT_OF_RANGE (a shown scalar).
        """
        shared = shared or {}
        _check_indexes(generators.L, shown, shared)
        _check_shown(shown, scope.suite.group.r)
        P1, Q_1, *H = generator_bases(scope.suite, generators)
        A, B, D = (scope.sent(name, read=False) for name in ("A'", "B'", "D"))
        e, r1, r3 = scope.witness("e"), scope.witness("r1"), scope.witness("r3")
        hidden = {
            i: shared[i] if i in shared else scope.witness(f"m{i}")
            for i in range(generators.L)
            if i not in shown
        }
        known: dict[Point, int] = {P1: -1, Q_1: -domain}
        known |= {H[i]: -m for i, m in sorted(shown.items()) if m}
        scope.equation("randomised", {B: -1}, [(e, A), (r1, D)])
        scope.equation("signed", known, [(r3, D), *((m, H[i]) for i, m in hidden.items())])
        scope.signature(A, B, key)
        return cls(A, B, D, e, r1, r3, hidden)

    def assign(self, values: Values, credential: HeldCredential) -> None:
        """Give a held credential, whose tables the proof uses."""
        e = credential.signature.e
        r1, r2 = values.random(2)
        suite = values.statement.suite
        generators = generator_bases(suite, credential.generators)
        made_of = dict(zip(generators, (1, credential.domain, *credential.messages), strict=True))
        A = Base(suite, credential.signature.A, fixed=True)
        B = Base(suite, credential.B, fixed=True, made_of=made_of)
        values.set(self.e, e)
        values.set(self.r1, -r1)
        values.set(self.r3, -inverse(suite.group, r2))
        for i, witness in self.messages.items():
            values.set(witness, credential.messages[i])
        values.send(self.D, {B: r2})
        values.send(self.A, {A: r1 * r2})
        values.send(self.B, {A: -e * r1 * r2, B: r1 * r2})


def _check_shown(shown: Mapping[int, int], r: int) -> None:
    if not all(isinstance(scalar, int) and 0 <= scalar < r for scalar in shown.values()):
        raise InputError(Reason.SCALAR_OUT_OF_RANGE, "a message scalar is outside [0, r)")


def _check_indexes(L: int, shown: Mapping[int, int], shared: Mapping[int, Witness]) -> None:
    if not all(type(i) is int and 0 <= i < L for i in (*shown, *shared)):
        raise InputError(Reason.INVALID_INDEXES, f"an index is outside [0, {L})")
    if shown.keys() & shared.keys():
        raise InputError(Reason.INVALID_INDEXES, "a message is shown and shared")
