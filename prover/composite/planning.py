"""How a request would be answered: for each branch what was found, and which branch counts.

What is found is for the newest epochs of a directory; after catching up a plan is made anew.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from disclosure import Schema, SchemaName, Shown
from disclosure.composite import (
    CommitmentOpening,
    CompositeDirectory,
    CompositeQuery,
    CompositeRequest,
    CredentialAnswer,
    ExpiryShown,
    Holding,
    Missing,
)
from disclosure.composite.holding import usable
from prover.composite.branches import BranchPlan, Lacking, Search, expected, is_behind
from prover.composite.records import HeldComposite
from prover.composite.vault import Contents
from prover.errors import ContentError, PresentingError, VaultReason


class NothingFitsError(PresentingError):
    """NOTHING_FITS, with what is missing and where to apply for it.

    `plan` is the one that cannot be answered: after consent it is a newer one than the person chose by.
    """

    def __init__(self, plan: "CompositePlan") -> None:
        wanted = ", ".join(f"{each.place} ({each.lack.value})" for each in plan.missing)
        super().__init__(VaultReason.NOTHING_FITS, f"the vault cannot answer {wanted}")
        self.plan = plan

    @property
    def missing(self) -> tuple[Lacking, ...]:
        """What is missing in the plan's branch."""
        return self.plan.missing


@dataclass(frozen=True)
class CompositePlan:
    """How a request would be answered; `branches` are in the request's order. Does not show what is held.

    `named` tells that the person has chosen the branch.
    """

    request: CompositeRequest
    directory: CompositeDirectory = field(repr=False)
    contents: Contents = field(repr=False)
    now: dt.datetime
    branches: tuple[BranchPlan, ...]
    branch: str
    named: bool = False
    pinned: Mapping[str, str] = field(default_factory=dict)
    fresh_since: dt.datetime | None = None

    @property
    def chosen(self) -> BranchPlan:
        """The branch that would be answered: the one that was named, or the first that can be."""
        return next(each for each in self.branches if each.branch.id == self.branch)

    @property
    def missing(self) -> tuple[Lacking, ...]:
        """What is missing in it; empty if the request can be answered."""
        return self.chosen.missing

    @property
    def answerable(self) -> tuple[str, ...]:
        """The branches that can be answered."""
        return tuple(each.branch.id for each in self.branches if not each.missing)

    @property
    def is_first(self) -> bool:
        """Whether no branch was passed over: from a later one the verifier may infer what is not held."""
        return self.chosen.index == 0

    @property
    def is_open(self) -> bool:
        """Whether there is something for the person to choose: several branches, or none of the first."""
        return not self.named and (len(self.answerable) > 1 or not self.is_first)

    @property
    def behind(self) -> tuple[HeldComposite, ...]:
        """The chosen credentials that have to be caught up before anything is proven."""
        return tuple(
            held
            for query, held in self.answers()
            if is_behind(usable(query, self.holdings[query.id], self.directory, self.now, ""))
        )

    def choose_branch(self, branch: str) -> "CompositePlan":
        """Return the plan for a branch that the person has chosen; PresentingError CHOICE_INVALID."""
        return plan_composite(
            self.request, self.contents, self.directory, self.now, branch, fresh_since=self.fresh_since
        )

    def choose(self, query: str, credential: str) -> "CompositePlan":
        """Return the plan with a credential for a query of the chosen branch, the others chosen anew.

        Raises PresentingError CHOICE_INVALID.
        """
        fitting = self.chosen.fitting.get(query, ())
        if credential not in {each.id for each in fitting}:
            raise PresentingError(VaultReason.CHOICE_INVALID, "this credential does not fit the query")
        made = plan_composite(
            self.request, self.contents, self.directory, self.now, self.branch,
            {**self.pinned, query: credential}, self.fresh_since,
        )  # fmt: skip
        return replace(made, named=self.named)

    def answers(self) -> tuple[tuple[CompositeQuery, HeldComposite], ...]:
        """Return each query with the credential chosen for it; NothingFitsError."""
        if self.missing:
            raise NothingFitsError(self)
        return tuple((query, self.chosen.chosen[query.id]) for query in self.chosen.branch.queries)

    @property
    def openings(self) -> Mapping[str, CommitmentOpening]:
        """What other vaults have handed over for the chosen branch."""
        return self.contents.openings(self.request.digest, self.branch)

    @cached_property
    def holdings(self) -> Mapping[str, Holding]:
        """The chosen credentials, prepared for proofs; PresentingError NOTHING_FITS."""
        return {query.id: self.contents.holding(held) for query, held in self.answers()}

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
    fresh_since: dt.datetime | None = None,
) -> CompositePlan:
    """Look for what answers a request that was opened and checked against its directory.

    `branch` is the one to answer; without it the first that can be answered counts, else the one that lacks
    least. `pinned` has credentials by query, for that branch. With `fresh_since` no list of revocations
    counts that has had no epoch since then. Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID;
    PresentingError CHOICE_INVALID; ContentError SCHEMA_CHANGED if a schema is
    published that is another than the one of that name in the vault.
    """
    request.check_time(now)
    _check_schemas(contents, directory)
    plans = tuple(
        Search(
            index, each, contents, directory, now, contents.openings(request.digest, each.id),
            pinned or {} if each.id == branch else {}, fresh_since,
        ).plan()
        for index, each in enumerate(request.branches)
    )  # fmt: skip
    best = branch or min(plans, key=lambda each: len(each.missing)).branch.id
    if best not in {each.branch.id for each in plans}:
        raise PresentingError(VaultReason.CHOICE_INVALID, "the request has no such branch")
    return CompositePlan(
        request, directory, contents, now, plans, best, branch is not None, pinned or {}, fresh_since
    )


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
    outcome = expected(query, holding, directory, now, "")
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
