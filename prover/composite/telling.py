"""What an answer of the composite form tells, attribute by attribute: before consent, and years later.

Both are told by one function from the request and the answer, so the history says of a use what the person
was asked. Every attribute of every schema stands exactly once: as shown, escrowed, proven of, or hidden.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from disclosure import (
    AttributeDefinition,
    DepartmentName,
    LocalizedText,
    Schema,
    SchemaName,
    Value,
    VerifierName,
)
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    CredentialAnswer,
    EscrowQuery,
    IssuanceTerms,
    Operand,
    Predicate,
    PseudonymQuery,
)
from prover.asker import Asker
from prover.composite.clauses import Reading
from prover.composite.facts import Facts
from prover.composite.planning import CompositePlan
from prover.composite.presenting import facts_of
from prover.composite.showing import ClaimUse
from prover.errors import ContentError, VaultReason
from prover.usages import Usage


class Treatment(StrEnum):
    """What happens to an attribute, the most telling first: it is told once, as the first that applies."""

    SHOWN = "shown"
    ESCROWED = "escrowed"
    PROVEN = "proven"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class ToldAttribute:
    """An attribute and everything that is told of it; `value` only if it is shown, None if it is absent.

    A secret has no value here whatever happens to it.
    """

    attribute: AttributeDefinition
    treatment: Treatment
    value: Value | None = field(default=None, repr=False)
    escrows: tuple[EscrowQuery, ...] = ()
    predicates: tuple[Predicate, ...] = ()
    pseudonyms: tuple[PseudonymQuery, ...] = ()
    commitments: tuple[CommitmentQuery, ...] = ()


@dataclass(frozen=True)
class ToldCredential:
    """One credential of an answer. `expiry` is there if it is shown, `epoch` unless revocation is waived.

    `credential` is its identifier in the vault, which a use of the past does not have. `behind` tells that
    its witness has to be caught up before anything is proven, which is done once the person has agreed.
    """

    query: CompositeQuery
    credential: str | None
    schema: Schema
    attributes: tuple[ToldAttribute, ...]
    expiry: dt.date | None = field(repr=False)
    epoch: dt.datetime | None
    behind: bool = False

    @property
    def department(self) -> DepartmentName:
        """Who issued it."""
        return DepartmentName(self.schema.name.department)


@dataclass(frozen=True)
class Earlier:
    """A way to answer that stands before the chosen one; a use of the past has nothing to read it with."""

    branch: Branch
    reading: Reading | None = None


@dataclass(frozen=True)
class CompositeConsent:
    """Everything that a person has to know before saying yes; `sentences.composite_lines` renders it.

    `ends` is when the request can no longer be answered. `asker` tells of whoever asks, where that is a
    verifier and not a department that issues. `branches` is how many ways to answer there were,
    `earlier` those that were passed over.
    """

    verifier: VerifierName
    verifier_display_name: LocalizedText
    purpose: LocalizedText
    ends: dt.datetime
    branch: Branch
    branches: int
    credentials: tuple[ToldCredential, ...]
    facts: Facts
    issuance: IssuanceTerms | None = field(default=None, repr=False)
    earlier: tuple[Earlier, ...] = ()
    asker: Asker | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """How many attributes are shown, last days among them, and how many are only told something about."""
        told = [each.treatment for credential in self.credentials for each in credential.attributes]
        shown = told.count(Treatment.SHOWN) + sum(each.expiry is not None for each in self.credentials)
        return shown, told.count(Treatment.PROVEN) + told.count(Treatment.ESCROWED)

    def credential(self, query: str) -> ToldCredential:
        """Return the credential that answers a query."""
        return next(each for each in self.credentials if each.query.id == query)

    @property
    def reading(self) -> Reading:
        """What its predicates are read with."""
        foreign = {each.id: each.number for each in self.branch.foreign}
        return Reading({each.query.id: each.schema for each in self.credentials}, self.facts, foreign)


@dataclass(frozen=True)
class ClaimConsent:
    """What a person has to know before a credential is claimed.

    `shows` is what the department is shown first, None for a base credential: the department has identified
    the person itself, and is told the number N that stands for the vault, by which it knows it again.
    """

    department: DepartmentName
    display_name: LocalizedText
    schema: Schema
    shows: CompositeConsent | None


def composite_consent_of(
    plan: CompositePlan, verifier_display_name: LocalizedText, asker: Asker | None = None
) -> CompositeConsent:
    """Say what answering as planned would tell; PresentingError NOTHING_FITS."""
    held = {query.id: each.id for query, each in plan.answers()}
    answers, behind = plan.credential_answers(), {each.id for each in plan.behind}
    told = _told(
        plan.request, plan.chosen.branch, answers, plan.schemas, facts_of(plan), verifier_display_name, held
    )
    credentials = tuple(replace(each, behind=each.credential in behind) for each in told.credentials)
    earlier = tuple(_earlier(plan, each.branch) for each in plan.branches[: plan.chosen.index])
    return replace(told, credentials=credentials, earlier=earlier, asker=asker)


def _earlier(plan: CompositePlan, branch: Branch) -> Earlier:
    """Return a way with what it is read by: the first of the schemas that each query accepts."""
    schemas = {query.id: plan.directory.schema(query.schemas[0]) for query in branch.queries}
    foreign = {each.id: each.number for each in branch.foreign}
    facts = Facts.of(branch, (), plan.directory, plan.contents.regulators)
    return Earlier(branch, Reading(schemas, facts, foreign))


def told_of(usage: Usage | ClaimUse) -> CompositeConsent:
    """Say what a use of the composite form has told; ContentError USAGE_MISMATCH for a plain one."""
    request, presentation, facts = usage.request, usage.presentation, usage.facts
    if (
        not isinstance(request, CompositeRequest)
        or not isinstance(presentation, CompositePresentation)
        or facts is None
    ):
        raise ContentError(VaultReason.USAGE_MISMATCH, "the use is of the plain form")
    answer = presentation.answer
    index, branch = request.branch(answer.branch)
    told = _told(request, branch, answer.credentials, usage.schemas, facts, usage.verifier_display_name, {})
    return replace(told, earlier=tuple(map(Earlier, request.branches[:index])))


def _told(
    request: CompositeRequest,
    branch: Branch,
    answers: Sequence[CredentialAnswer],
    schemas: Mapping[SchemaName, Schema],
    facts: Facts,
    verifier_display_name: LocalizedText,
    held: Mapping[str, str],
) -> CompositeConsent:
    credentials = tuple(
        _credential(branch, query, answer, schemas[answer.shown.schema], facts, held.get(query.id))
        for query, answer in zip(branch.queries, answers, strict=True)
    )
    return CompositeConsent(
        request.verifier, verifier_display_name, request.purpose, request.expires, branch,
        len(request.branches), credentials, facts, request.issuance,
    )  # fmt: skip


def _credential(
    branch: Branch,
    query: CompositeQuery,
    answer: CredentialAnswer,
    schema: Schema,
    facts: Facts,
    held: str | None,
) -> ToldCredential:
    epoch = None if answer.epoch is None else facts.epochs.get(answer.epoch)
    attributes = tuple(
        _attribute(branch, Operand(query.id, each.id), each, answer) for each in schema.attributes
    )
    return ToldCredential(query, held, schema, attributes, answer.shown.expiry, epoch)


def _attribute(
    branch: Branch, operand: Operand, attribute: AttributeDefinition, answer: CredentialAnswer
) -> ToldAttribute:
    if attribute.id in answer.shown.values:
        return ToldAttribute(attribute, Treatment.SHOWN, answer.shown.values[attribute.id])
    escrows = tuple(each for each in branch.escrows if each.operand == operand)
    predicates = tuple(each for each in branch.predicates if operand in each.operands)
    pseudonyms = tuple(each for each in branch.pseudonyms if each.subject == operand)
    commitments = tuple(each for each in branch.commitments if each.operand == operand)
    treatment = Treatment.HIDDEN
    if escrows:
        treatment = Treatment.ESCROWED
    elif predicates or pseudonyms or commitments:
        treatment = Treatment.PROVEN
    return ToldAttribute(attribute, treatment, None, escrows, predicates, pseudonyms, commitments)
