"""How a request would be answered: for each branch what was found, and which branch counts.

What is found is for the newest epochs of a directory, so a plan is made anew after catching up.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from disclosure import Schema, SchemaName, Shown
from disclosure.composite import (
    CompositeDirectory,
    CompositeQuery,
    CompositeRequest,
    CredentialAnswer,
    ExpiryShown,
    Holding,
    Missing,
)
from disclosure.composite.holding import usable
from prover.composite.branches import BranchPlan, Lacking, Search, holding_of
from prover.composite.records import HeldComposite
from prover.composite.vault import Contents
from prover.errors import ContentError, PresentingError, VaultReason


class NothingFitsError(PresentingError):
    """NOTHING_FITS, with what is missing and where to apply for it."""

    def __init__(self, missing: tuple[Lacking, ...]) -> None:
        wanted = ", ".join(f"{each.place} ({each.lack.value})" for each in missing)
        super().__init__(VaultReason.NOTHING_FITS, f"the vault cannot answer {wanted}")
        self.missing = missing


@dataclass(frozen=True)
class CompositePlan:
    """How a request would be answered; `branches` are in the request's order. Does not show what is held."""

    request: CompositeRequest
    directory: CompositeDirectory = field(repr=False)
    contents: Contents = field(repr=False)
    now: dt.datetime
    branches: tuple[BranchPlan, ...]
    branch: str
    pinned: Mapping[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> BranchPlan:
        """The branch that would be answered: the one that was named, or the first that can be."""
        return next(each for each in self.branches if each.branch.id == self.branch)

    @property
    def missing(self) -> tuple[Lacking, ...]:
        """What is missing in it; empty if the request can be answered."""
        return self.chosen.missing

    @property
    def stale(self) -> tuple[HeldComposite, ...]:
        """The credentials that have to be caught up before it is certain what can be answered."""
        every = (held for each in self.branches for held in each.catch_up)
        return tuple({held.id: held for held in every}.values())

    def choose_branch(self, branch: str) -> "CompositePlan":
        """Return the plan for another branch; PresentingError CHOICE_INVALID."""
        return plan_composite(self.request, self.contents, self.directory, self.now, branch)

    def choose(self, query: str, credential: str) -> "CompositePlan":
        """Return the plan with a credential for a query of the chosen branch, the others chosen anew.

        Raises PresentingError CHOICE_INVALID.
        """
        fitting = self.chosen.fitting.get(query, ())
        if credential not in {each.id for each in fitting}:
            raise PresentingError(VaultReason.CHOICE_INVALID, "this credential does not fit the query")
        pinned = {**self.pinned, query: credential}
        return plan_composite(self.request, self.contents, self.directory, self.now, self.branch, pinned)

    def answers(self) -> tuple[tuple[CompositeQuery, HeldComposite], ...]:
        """Return each query with the credential chosen for it; NothingFitsError."""
        if self.missing:
            raise NothingFitsError(self.missing)
        return tuple((query, self.chosen.chosen[query.id]) for query in self.chosen.branch.queries)

    @cached_property
    def holdings(self) -> Mapping[str, Holding]:
        """The chosen credentials, prepared for proofs; PresentingError NOTHING_FITS."""
        return {query.id: holding_of(held, self.contents) for query, held in self.answers()}

    def credential_answers(self) -> tuple[CredentialAnswer, ...]:
        """Return what would be shown for each query, and as of which epoch; PresentingError NOTHING_FITS."""
        return tuple(
            _answer(query, held, self.holdings[query.id], self.directory, self.now)
            for query, held in self.answers()
        )

    @property
    def schemas(self) -> Mapping[SchemaName, Schema]:
        """The schemas of what is shown."""
        return {held.schema.name: held.schema for _, held in self.answers()}


def plan_composite(
    request: CompositeRequest,
    contents: Contents,
    directory: CompositeDirectory,
    now: dt.datetime,
    branch: str | None = None,
    pinned: Mapping[str, str] | None = None,
) -> CompositePlan:
    """Look for what answers a request that was opened and checked against its directory.

    `branch` is the one to answer; without it the first that can be answered counts, else the one that lacks
    least. `pinned` has credentials by query, for that branch. Raises RefusedError REQUEST_EXPIRED,
    REQUEST_NOT_YET_VALID; PresentingError CHOICE_INVALID; ContentError SCHEMA_CHANGED if a schema is
    published that is another than the one of that name in the vault.
    """
    request.check_time(now)
    _check_schemas(contents, directory)
    plans = tuple(
        Search(index, each, contents, directory, now, pinned if each.id == branch else None).plan()
        for index, each in enumerate(request.branches)
    )
    best = branch or min(plans, key=lambda each: len(each.missing)).branch.id
    if best not in {each.branch.id for each in plans}:
        raise PresentingError(VaultReason.CHOICE_INVALID, "the request has no such branch")
    return CompositePlan(request, directory, contents, now, plans, best, pinned or {})


def _check_schemas(contents: Contents, directory: CompositeDirectory) -> None:
    for each in contents.credentials:
        if directory.schemas.get(each.schema.name, each.schema) != each.schema:
            detail = f"the vault knows another schema as {each.schema.name}"
            raise ContentError(VaultReason.SCHEMA_CHANGED, detail)


def _answer(
    query: CompositeQuery,
    held: HeldComposite,
    holding: Holding,
    directory: CompositeDirectory,
    now: dt.datetime,
) -> CredentialAnswer:
    outcome = usable(query, holding, directory, now, "")
    if isinstance(outcome, Missing):
        raise PresentingError(VaultReason.NOTHING_FITS, outcome.detail)
    credential = held.credential
    shown = Shown(
        query=query.id,
        schema=credential.schema,
        issuer_key=credential.issuer_key,
        values={name: credential.values.get(name) for name in query.shown},
        expiry=credential.expiry if isinstance(query.expiry, ExpiryShown) else None,
    )
    return CredentialAnswer(shown, outcome.epoch)
