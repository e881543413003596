"""Many proofs at once, of any keys, both ciphersuites and any headers: one verdict for each.

In the draft's form the challenge is sent, so T1 and T2 are recomputed exactly for each proof; what combines
are the pairing equations e(Abar_i, W_i) = e(Bbar_i, P2). Each is raised to its own random power and all are
multiplied: for K keys that takes K + 1 Miller loops and one final exponentiation, however many proofs there
are. A batch that fails is halved until the false ones stand alone; a proof is named false only after its own
equation failed.

A false proof passes in a batch with probability at most 2^-128: the product is a linear relation in its
coefficient, which at most one value satisfies. The coefficients come from the system's generator after all
inputs are fixed, are fresh for every product, and there is no way to choose them.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bbs.ciphersuite import Ciphersuite, resolve
from bbs.errors import BbsError
from bbs.generators import create_generators
from bbs.groups.protocol import G1Point, Group
from bbs.proof import PairingClaim, core_proof_verify_challenge, does_not_hold
from bbs.scalars import check_octets, messages_to_scalars
from bbs.serialization import octets_to_prepared_pubkey, undisclosed_count

COEFFICIENT_BITS = 128

Verdict = BbsError | None
"""None for a proof that holds, else the error that `proof_verify` raises for it."""


@dataclass(frozen=True)
class ProofClaim:
    """One proof to verify, in the terms of `proof_verify`."""

    pk: bytes
    proof: bytes = field(repr=False)
    header: bytes
    ph: bytes
    disclosed_messages: Sequence[bytes] = field(repr=False)
    disclosed_indexes: Sequence[int]
    suite: Ciphersuite | str


@dataclass(frozen=True)
class FirstFalse:
    """The first proof of a group that does not hold, by its place in the group, and why."""

    index: int
    error: BbsError


@dataclass(frozen=True)
class _Open:
    """A proof whose challenge holds and whose pairing equation is open; `index` is its place in its group."""

    index: int
    suite: Ciphersuite
    pairing: PairingClaim


_Group = Sequence[_Open]


def proof_verify_batch(claims: Iterable[ProofClaim]) -> tuple[Verdict, ...]:
    """Verify proofs together and return a verdict for each, the same that it gets alone.

    Raises InputError UNKNOWN_CIPHERSUITE only; every other fault is its claim's verdict.
    """
    found = proof_verify_groups([(claim,) for claim in claims])
    return tuple(None if false is None else false.error for false in found)


def proof_verify_groups(groups: Iterable[Sequence[ProofClaim]]) -> tuple[FirstFalse | None, ...]:
    """Verify groups of proofs that hold only together; return the first false proof of each, None if all
    hold.

    No group costs more than its own proofs and a few products to find the first false one. Raises InputError
    UNKNOWN_CIPHERSUITE only.
    """
    verdicts: list[FirstFalse | None] = []
    remaining: dict[int, list[tuple[int, _Group]]] = {}
    for place, claims in enumerate(groups):
        opened, false = _verify_challenges(claims)
        verdicts.append(false)
        for arithmetic in {id(each.suite.group) for each in opened} if false is None else ():
            same = [each for each in opened if id(each.suite.group) == arithmetic]
            remaining.setdefault(arithmetic, []).append((place, same))
    for members in remaining.values():
        for place in _false_members(members):
            (mine,) = (group for at, group in members if at == place)
            verdicts[place] = _earlier(verdicts[place], FirstFalse(_first_false(mine), does_not_hold()))
    return tuple(verdicts)


def _earlier(one: FirstFalse | None, other: FirstFalse) -> FirstFalse:
    return other if one is None or other.index < one.index else one


def _verify_challenges(claims: Sequence[ProofClaim]) -> tuple[list[_Open], FirstFalse | None]:
    opened = []
    for index, claim in enumerate(claims):
        suite = resolve(claim.suite)
        try:
            opened.append(_Open(index, suite, _verify_challenge(claim, suite)))
        except BbsError as error:
            return opened, FirstFalse(index, error)
    return opened, None


def _verify_challenge(claim: ProofClaim, suite: Ciphersuite) -> PairingClaim:
    octets_to_prepared_pubkey(claim.pk, suite=suite)
    check_octets(claim.header, "the header")
    check_octets(claim.ph, "the presentation header")
    messages = messages_to_scalars(claim.disclosed_messages, suite.api_id, suite=suite)
    count = undisclosed_count(claim.proof, suite=suite) + len(claim.disclosed_indexes) + 1
    generators = create_generators(count, suite.api_id, suite=suite)
    return core_proof_verify_challenge(
        claim.pk,
        claim.proof,
        generators,
        claim.header,
        claim.ph,
        messages,
        claim.disclosed_indexes,
        suite.api_id,
    )


def _false_members(members: Sequence[tuple[int, _Group]]) -> list[int]:
    """Return the places of the groups of which some equation does not hold."""
    if _product_is_one([each for _, group in members for each in group]):
        return []
    if len(members) == 1:
        return [members[0][0]]
    middle = len(members) // 2
    return _false_members(members[:middle]) + _false_members(members[middle:])


def _first_false(group: _Group) -> int:
    """Return the index of the first false proof of a group that has one, by halving."""
    while len(group) > 1:
        middle = len(group) // 2
        group = group[middle:] if _product_is_one(group[:middle]) else group[:middle]
    return group[0].index


def _product_is_one(opened: Sequence[_Open]) -> bool:
    group: Group = opened[0].suite.group
    if len(opened) == 1:
        left, right = [opened[0].pairing.Abar], opened[0].pairing.Bbar
        keys = [opened[0].pairing.PK]
    else:
        coefficients = [secrets.randbits(COEFFICIENT_BITS) + 1 for _ in opened]
        keys = list(dict.fromkeys(each.pairing.PK for each in opened))
        left = [_sum_of_Abar(group, key, opened, coefficients) for key in keys]
        right = group.msm([each.pairing.Bbar for each in opened], coefficients)
    W = [octets_to_prepared_pubkey(key, suite=opened[0].suite) for key in keys]
    return group.pairing_product_is_one([*zip(left, W, strict=True), (right, group.BP2_negated)])


def _sum_of_Abar(group: Group, key: bytes, opened: Sequence[_Open], coefficients: Sequence[int]) -> G1Point:
    mine = [
        (each.pairing.Abar, factor)
        for each, factor in zip(opened, coefficients, strict=True)
        if key == each.pairing.PK
    ]
    return group.msm([point for point, _ in mine], [factor for _, factor in mine])
