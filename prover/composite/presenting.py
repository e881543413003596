"""The proof of a planned answer, verified before anybody else sees it."""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from disclosure import DisclosureError, Schema, SchemaName
from disclosure.composite import (
    CompositePresentation,
    CompositeRequest,
    HolderSecret,
    KeptOpening,
    Presented,
    check_own_proof,
    present_composite,
)
from prover.composite.facts import Facts
from prover.composite.planning import CompositePlan
from prover.errors import PresentingError, VaultReason
from prover.notes import NoteSummary, seal_note
from prover.present import PreparedPresentation
from prover.records import REQUEST_ID_OCTETS, new_request_id
from prover.sealing import RandomOctets, VaultKeys
from tlog import note_hash


@dataclass(frozen=True)
class PreparedComposite:
    """A presentation of the composite form that was proven and checked, ready to be stored and sent.

    The fields are those of `prover.present.PreparedPresentation`; `facts` is what else it is told by, `kept`
    has the openings of its commitments.
    """

    request: CompositeRequest
    presentation: CompositePresentation = field(repr=False)
    holder_note: bytes = field(repr=False)
    request_id: str = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    facts: Facts = field(repr=False)
    kept: tuple[KeptOpening, ...] = field(default=(), repr=False)


Prepared = PreparedPresentation | PreparedComposite
"""Of either form: what a vault stores as a use, and a client sends."""


@dataclass(frozen=True)
class _Proven:
    presented: Presented
    note: bytes = field(repr=False)


def present_plan(
    plan: CompositePlan,
    keys: VaultKeys,
    now: dt.datetime,
    rng: RandomOctets = secrets.token_bytes,
    *,
    tag: bytes | None = None,
    note: bytes | None = None,
) -> PreparedComposite:
    """Answer a request as planned; ask the person first.

    `tag` is a usage tag of this vault's to take instead of a fresh one, `note` a sealed note of an event that
    the presentation goes out with, instead of one of a use.

    Raises PresentingError NOTHING_FITS, OWN_PROOF_INVALID; RefusedError and MalformedError as
    `disclosure.composite.present_composite` does, EPOCH_STALE among them if the vault was overtaken.
    """
    proven = _prove(plan, keys, now, rng, tag or keys.usage_tag(rng), note)
    return PreparedComposite(
        plan.request,
        proven.presented.presentation,
        proven.note,
        new_request_id(rng(REQUEST_ID_OCTETS)),
        plan.schemas,
        facts_of(plan),
        tuple(proven.presented.kept.values()),
    )


def present_for_issuance(
    plan: CompositePlan, keys: VaultKeys, now: dt.datetime, rng: RandomOctets = secrets.token_bytes
) -> Presented:
    """Answer a department's request that an issuance waits for; raises as `present_plan` does.

    No ledger keeps it: its note goes nowhere, and is made only so that it looks like every other.
    """
    return _prove(plan, keys, now, rng, keys.usage_tag(rng)).presented


def facts_of(plan: CompositePlan) -> Facts:
    """Return what the chosen answer is told by; PresentingError NOTHING_FITS."""
    answers, branch = plan.credential_answers(), plan.chosen.branch
    return Facts.of(branch, answers, plan.directory, plan.contents.regulators)


def _prove(
    plan: CompositePlan,
    keys: VaultKeys,
    now: dt.datetime,
    rng: RandomOctets,
    tag: bytes,
    note: bytes | None = None,
) -> _Proven:
    holdings, secret = plan.holdings, _secret(plan)
    note = note or seal_note(keys, _summary(plan, now), rng)
    presented = present_composite(
        plan.request, plan.branch, holdings, secret, plan.directory, now,
        usage_tag=tag, note_hash=note_hash(note), trusted_regulators=plan.contents.trusted,
        openings=plan.openings,
    )  # fmt: skip
    try:
        check_own_proof(plan.request, presented.presentation, plan.directory, now)
    except DisclosureError:
        detail = "a credential does not prove what it says; get it from its department again"
        raise PresentingError(VaultReason.OWN_PROOF_INVALID, detail) from None
    return _Proven(presented, note)


def _secret(plan: CompositePlan) -> HolderSecret:
    if plan.contents.secret is None:  # there is no credential without it
        raise PresentingError(VaultReason.NOTHING_FITS, "the vault has no holder's secret")
    return plan.contents.secret


def _summary(plan: CompositePlan, now: dt.datetime) -> NoteSummary:
    request = plan.request
    shown: Mapping[str, tuple[str, ...]] = {
        query.id: held.schema.in_order(query.shown) for query, held in plan.answers()
    }
    return NoteSummary(request.verifier, request.purpose, now, request.digest, shown)
