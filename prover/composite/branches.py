"""The search for credentials that answer one branch of a request, and what is missing if there are none.

All of it is computed in the clear from what the vault holds: nobody is asked, and nothing is proven yet. A
witness that is behind counts as caught up: to fetch what it lacks before the person has agreed would tell the
service what the vault holds.
Credentials are tried in turn, the newest first, and left as soon as what they are part of cannot hold any
more; a request that is made to have very many combinations is given up after a bounded number.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import DepartmentName, KeyState, Reason, SchemaName, civil_date
from disclosure.composite import (
    Branch,
    CommitmentOpening,
    CompositeDirectory,
    CompositeQuery,
    Holding,
    Missing,
    Predicate,
    ProvenEpoch,
    ValidOn,
    missing_in,
)
from disclosure.composite.holding import Usable, usable
from prover.composite.records import HeldComposite
from prover.composite.vault import Contents
from prover.present import Lack

MAX_TRIES: Final = 2000


@dataclass(frozen=True)
class Lacking:
    """Something that a branch asks and the vault cannot give.

    `place` is where it stands in the request. `apply_for` are the schemas whose departments could help; the
    holder gets in order what is missing by applying there. `predicate` is the one that does not hold.
    """

    place: str
    lack: Lack
    apply_for: tuple[SchemaName, ...] = ()
    predicate: Predicate | None = None
    regulator: bytes | None = None

    @property
    def departments(self) -> tuple[DepartmentName, ...]:
        """The departments that issue these schemas."""
        return tuple(dict.fromkeys(DepartmentName(each.department) for each in self.apply_for))


@dataclass(frozen=True)
class BranchPlan:
    """How one branch would be answered: a credential for each query, or what is missing.

    `fitting` are the credentials of an accepted schema that may be chosen for a query, the newest first.
    """

    index: int
    branch: Branch
    chosen: Mapping[str, HeldComposite]
    fitting: Mapping[str, tuple[HeldComposite, ...]]
    missing: tuple[Lacking, ...]


def expected(
    query: CompositeQuery, holding: Holding, directory: CompositeDirectory, now: dt.datetime, place: str
) -> Usable | Missing:
    """Return how a credential answers a query once it is caught up, or why it does not."""
    outcome = usable(query, holding, directory, now, place)
    if is_behind(outcome) and holding.witness is not None:
        key = holding.witness.at.key.octets
        own = (holding.credential.issuer_key, key)
        issuer = next(each for each in query.issuers if (each.key, each.accumulator) == own)
        latest = directory.accumulator(key, field=place).latest
        return Usable(issuer, ProvenEpoch(key, latest.number))
    return outcome


def is_behind(outcome: Usable | Missing) -> bool:
    """Tell whether a credential answers as soon as its witness is caught up."""
    return isinstance(outcome, Missing) and outcome.reason is Reason.EPOCH_STALE


@dataclass
class Search:
    """The search in one branch.

    `openings` are what was handed over for it; no list of revocations counts that has had no epoch since
    `fresh_since`; `tries` are those that are left.
    """

    index: int
    branch: Branch
    contents: Contents
    directory: CompositeDirectory
    now: dt.datetime
    openings: Mapping[str, CommitmentOpening]
    pinned: Mapping[str, str] = field(default_factory=dict)
    fresh_since: dt.datetime | None = None
    tries: int = MAX_TRIES

    @cached_property
    def held(self) -> Mapping[str, HeldComposite]:
        """The credentials of the schemas that are accepted, the newest first."""
        accepted = {name for query in self.branch.queries for name in query.schemas}
        newest = reversed(self.contents.credentials)
        return {each.id: each for each in newest if each.schema.name in accepted}

    @cached_property
    def holdings(self) -> Mapping[str, Holding]:
        """The same, prepared for proofs."""
        return {name: self.contents.holding(each) for name, each in self.held.items()}

    def plan(self) -> BranchPlan:
        """Return what was found."""
        pools = {query.id: list(self._pool(query)) for query in self.branch.queries}
        fitting = {
            query: tuple(self.held[name] for name in names if name not in self._useless)
            for query, names in pools.items()
        }
        tried = {
            query: [each.id for each in held if self.pinned.get(query, each.id) == each.id]
            for query, held in fitting.items()
        }
        found = next(self._combinations(tried, {}), None)
        chosen, lacking = found, list[Lacking]()
        if chosen is None:
            chosen = self._nearest(tried, pools)
            lacking = list(self._lacking(chosen))
        held = {query: self.held[name] for query, name in chosen.items()}
        return BranchPlan(self.index, self.branch, held, fitting, (*lacking, *self._untrusted()))

    @cached_property
    def _useless(self) -> frozenset[str]:
        """Credentials that nothing helps any more: they are revoked, or their key is retired."""
        return frozenset(name for name in self.holdings if self._dead(name) is not None)

    def _dead(self, name: str) -> Lack | None:
        held = self.held[name]
        key = self.directory.issuer_keys.get(held.issuer_key.name)
        if held.revoked is not None:
            return Lack.REVOKED
        return Lack.KEY_RETIRED if key is not None and key.state is KeyState.RETIRED else None

    def _pool(self, query: CompositeQuery) -> Iterator[str]:
        """Give the credentials of an accepted schema, the newest first."""
        for name, each in self.held.items():
            if each.schema.name in query.schemas:
                yield name

    def _combinations(
        self, pools: Mapping[str, list[str]], chosen: Mapping[str, str]
    ) -> Iterator[dict[str, str]]:
        """Give combinations that satisfy the branch; go deeper only while nothing speaks against one."""
        if len(chosen) == len(self.branch.queries):
            yield dict(chosen)
            return
        query = self.branch.queries[len(chosen)]
        for name in pools[query.id]:
            self.tries -= 1
            if self.tries < 0:
                return
            more = {**chosen, query.id: name}
            later = {f"{self.place}.queries[{at}]" for at in range(len(more), len(self.branch.queries))}
            if all(each.place in later for each in self._missing(more)):
                yield from self._combinations(pools, more)

    @property
    def place(self) -> str:
        """Where the branch stands in the request."""
        return f"branches[{self.index}]"

    def _missing(self, chosen: Mapping[str, str]) -> tuple[Missing, ...]:
        holdings = {query: self.holdings[name] for query, name in chosen.items()}
        found = missing_in(self.branch, self.place, holdings, self.directory, self.now, self.openings)
        overdue = (
            Missing(f"{self.place}.queries[{at}]", "the latest epoch is too old")
            for at, query in enumerate(self.branch.queries)
            if query.id in holdings and self._overdue(query, holdings[query.id])
        )
        return (*(each for each in found if each.reason is not Reason.EPOCH_STALE), *overdue)

    def _overdue(self, query: CompositeQuery, holding: Holding) -> bool:
        """Tell whether the newest epoch that is shown is older than any honest service would show.

        Who is shown an old one proves by it what may be true no more, and stands out by it.
        """
        outcome = expected(query, holding, self.directory, self.now, self.place)
        if self.fresh_since is None or isinstance(outcome, Missing) or outcome.epoch is None:
            return False
        latest = self.directory.accumulator(outcome.epoch.accumulator, field=self.place).latest
        return latest.time < self.fresh_since.timestamp()

    def _nearest(self, tried: Mapping[str, list[str]], pools: Mapping[str, list[str]]) -> dict[str, str]:
        """Choose for each query by itself the credential of which least is missing, to tell what that is."""
        chosen: dict[str, str] = {}
        for query in self.branch.queries:
            names = tried[query.id] or pools[query.id]
            if self.pinned.get(query.id) in names:
                names = [self.pinned[query.id]]
            free = [each for each in names if each not in chosen.values()] or names
            if free:
                chosen[query.id] = min(free, key=lambda name: len(self._missing({query.id: name})))
        return chosen

    def _lacking(self, chosen: Mapping[str, str]) -> Iterator[Lacking]:
        for at, query in enumerate(self.branch.queries):
            name = chosen.get(query.id)
            if name in self._useless and name is not None:
                yield Lacking(
                    f"{self.place}.queries[{at}]", self._dead(name) or Lack.NONE_HELD, query.schemas
                )
        for each in self._missing(chosen):
            yield from self._named(each, chosen)

    def _named(self, missing: Missing, chosen: Mapping[str, str]) -> Iterator[Lacking]:
        """Tell what is missing by what it is, and who could help."""
        for at, query in enumerate(self.branch.queries):
            if missing.place == f"{self.place}.queries[{at}]" and chosen.get(query.id) not in self._useless:
                lack = self._lack_of(query, chosen.get(query.id), at) or Lack.USED_TWICE
                yield Lacking(missing.place, lack, query.schemas)
        queries = {each.id: each for each in self.branch.queries}
        for at, predicate in enumerate(self.branch.predicates):
            if missing.place == f"{self.place}.predicates[{at}]":
                names = dict.fromkeys(
                    name for each in predicate.operands for name in queries[each.query].schemas
                )
                yield Lacking(missing.place, Lack.UNMET, tuple(names), predicate)
        given = {f"escrows[{at}]": each.operand for at, each in enumerate(self.branch.escrows)}
        given |= {f"commitments[{at}]": each.operand for at, each in enumerate(self.branch.commitments)}
        for place, operand in given.items():
            if missing.place == f"{self.place}.{place}":
                yield Lacking(missing.place, Lack.ABSENT, queries[operand.query].schemas)
        if missing.place.startswith(f"{self.place}.foreign["):
            yield Lacking(missing.place, Lack.OTHER_HOLDER)

    def _lack_of(self, query: CompositeQuery, name: str | None, at: int) -> Lack | None:
        """Return why a credential alone does not answer a query; None if it does."""
        if name is None:
            return Lack.NONE_HELD
        holding = self.holdings[name]
        outcome = expected(query, holding, self.directory, self.now, f"{self.place}.queries[{at}]")
        if not isinstance(outcome, Missing):
            return Lack.OVERDUE if self._overdue(query, holding) else None
        credential = self.held[name].credential
        day = query.expiry.day if isinstance(query.expiry, ValidOn) else civil_date(self.now)
        if credential.expiry < day:
            return Lack.EXPIRED
        accepted = any(each.key == credential.issuer_key for each in query.issuers)
        return Lack.NO_WITNESS if accepted else Lack.KEY_NOT_ACCEPTED

    def _untrusted(self) -> Iterator[Lacking]:
        for at, escrow in enumerate(self.branch.escrows):
            if escrow.regulator not in self.contents.trusted:
                yield Lacking(
                    f"{self.place}.escrows[{at}].regulator",
                    Lack.REGULATOR_NOT_TRUSTED,
                    regulator=escrow.regulator,
                )
