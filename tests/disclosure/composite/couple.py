"""Two holders with one household: the first commits to an income, the second's sum counts it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from disclosure import DisclosureError
from disclosure.composite import (
    Branch,
    CommitmentOpening,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    Foreign,
    ForeignNumber,
    HandoverKey,
    HolderSecret,
    Holding,
    Operand,
    Presented,
    PseudonymQuery,
    Sum,
    Term,
    VerifiedComposite,
    VerifierScope,
    hand_over,
    present_composite,
    verify_composite,
    verify_composite_batch,
)
from tests.disclosure.composite.policy import REQUEST, good
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    CITY_DIGITS,
    DIRECTORY,
    HOUSEHOLD,
    INSURANCE,
    NOTE_HASH,
    NOW,
    TRUSTED,
    USAGE_TAG,
    held,
    query,
    request,
)

CITY = CITY_DIGITS.table.digest
HERS, HIS = 812_300, 640_000
TOGETHER = HERS + HIS


def op(name: str) -> Operand:
    return Operand(*name.split("."))


QUERIES = (query("insurance", INSURANCE), query("household", HOUSEHOLD))
PSEUDONYMS = (
    PseudonymQuery("me", VerifierScope("support-2026")),
    PseudonymQuery("home", VerifierScope("support-2026"), op("household.child_secret")),
)
MINE = Branch("mine", QUERIES, (), PSEUDONYMS, commitments=(CommitmentQuery("income", op("insurance.base")),))
FIRST = request(MINE)
INCOMES = (Term(op("insurance.base")), Term(Foreign("spouse")))


def spouse(number: CommittedNumber, **changes: Any) -> ForeignNumber:
    fields: dict[str, Any] = {
        "id": "spouse",
        "number": number,
        "holder": Compared("me", "me"),
        "subjects": (Compared("home", "home"),),
    }
    return ForeignNumber(**(fields | changes))


def second(number: CommittedNumber, minimum: int = TOGETHER, **changes: Any) -> CompositeRequest:
    """The verifier's second request, with what it knows of the first presentation."""
    fields: dict[str, Any] = {
        "queries": QUERIES,
        "predicates": (Sum(INCOMES, minimum=minimum),),
        "pseudonyms": PSEUDONYMS,
        "digits": CITY,
        "foreign": (spouse(number),),
    }
    outer = {name: changes.pop(name) for name in ("nonce", "verifier") if name in changes}
    return request(Branch("ours", **(fields | changes)), **({"nonce": bytes(32)} | outer))


@cache
def holdings(secret: HolderSecret, base: int = HERS, home: bytes = bytes(range(32))) -> dict[str, Holding]:
    return {
        "insurance": held(INSURANCE, secret, base=base),
        "household": held(HOUSEHOLD, secret, child_secret=home),
    }


@dataclass(frozen=True)
class Committed:
    """A first presentation: what the vault keeps, and what the verifier has."""

    presented: Presented
    verified: VerifiedComposite

    @property
    def number(self) -> CommittedNumber:
        return self.verified.commitments["income"]

    def opening_for(self, asked: CompositeRequest) -> dict[str, CommitmentOpening]:
        """Hand the opening over to a vault whose key is new."""
        key, branch = HandoverKey.generate(), asked.branches[0].id
        sealed = hand_over(self.presented.kept["income"], asked, branch, key.public, NOW)
        return {"spouse": key.receive(sealed, asked, branch, "spouse")}


def answered(
    asked: CompositeRequest,
    holdings: Mapping[str, Holding],
    secret: HolderSecret,
    openings: Mapping[str, CommitmentOpening],
) -> Presented:
    return present_composite(
        asked, asked.branches[0].id, holdings, secret, DIRECTORY, NOW,
        usage_tag=USAGE_TAG, note_hash=NOTE_HASH, trusted_regulators=TRUSTED, openings=openings,
    )  # fmt: skip


def committed(
    secret: HolderSecret = ALICE,
    base: int = HERS,
    asked: CompositeRequest = FIRST,
    home: bytes = bytes(range(32)),
) -> Committed:
    presented = answered(asked, holdings(secret, base, home), secret, {})
    return Committed(presented, verify_composite(asked, presented.presentation, DIRECTORY, NOW))


@cache
def hers() -> Committed:
    return committed()


@cache
def ours() -> CompositeRequest:
    return second(hers().number)


@cache
def his() -> CompositePresentation:
    """His answer, which is true and which the verifier accepts."""
    return answered(ours(), holdings(BOB, HIS), BOB, hers().opening_for(ours())).presentation


def outcome(
    asked: CompositeRequest,
    presentation: CompositePresentation,
    others: tuple[VerifiedComposite, ...] | None = None,
) -> str:
    """Verify alone and among good ones in a batch, which must agree; return the reason, or OK."""
    others = (hers().verified,) if others is None else others
    claims = [
        CompositeClaim(REQUEST, good(), DIRECTORY, NOW),
        CompositeClaim(asked, presentation, DIRECTORY, NOW, others),
        CompositeClaim(ours(), his(), DIRECTORY, NOW, (hers().verified,)),
    ]
    before, between, after = verify_composite_batch(claims)
    assert isinstance(before, VerifiedComposite)
    assert isinstance(after, VerifiedComposite)
    if isinstance(between, DisclosureError):
        with pytest.raises(type(between)) as alone:
            verify_composite(asked, presentation, DIRECTORY, NOW, others)
        assert str(alone.value) == str(between)
        return between.reason
    assert verify_composite(asked, presentation, DIRECTORY, NOW, others) == between
    return "OK"


def renamed(asked: CompositeRequest, presentation: CompositePresentation) -> CompositePresentation:
    """A presentation that says it answers another request."""
    return replace(presentation, answer=replace(presentation.answer, request_digest=asked.digest))
