"""Answering a request: what fits, what the person has to know before saying yes, and the proofs.

`plan` looks for credentials, `consent_of` says what would become known to whom, `present` proves. All three
are functions of values: nothing is stored and nothing is sent. What each proof proves is compiled from the
request by disclosure.statements_of, as the verifier compiles it.
"""

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import bbs
from bbs.scalars import calculate_random_scalars
from disclosure import (
    AttributeDefinition,
    CredentialPresentation,
    DepartmentName,
    Directory,
    ExpiryRule,
    KeyState,
    LocalizedText,
    MalformedError,
    Presentation,
    Query,
    Reason,
    RefusedError,
    Request,
    Schema,
    SchemaName,
    Shown,
    Statement,
    Value,
    VerifierName,
    canonical,
    civil_date,
    statements_of,
)
from disclosure.credential import require_plain
from prover.asker import Asker
from prover.errors import PresentingError, VaultReason
from prover.notes import NoteSummary, seal_note
from prover.records import REQUEST_ID_OCTETS, AnyRequest, HeldCredential, new_request_id
from prover.sealing import RandomOctets, VaultKeys
from tlog import note_hash


class Lack(StrEnum):
    """Why nothing that is held fits what is asked: the first three in either form, the rest in the composite.

    UNMET is a predicate that does not hold, ABSENT an attribute that is to be escrowed or committed to and is
    left out; OVERDUE is a list of revocations that is older than the vault answers by, NO_WITNESS a
    credential of a time before the department revoked; OTHER_HOLDER is a number that another holder's vault
    has not handed over.
    """

    NONE_HELD = "none-held"
    EXPIRED = "expired"
    KEY_RETIRED = "key-retired"
    KEY_NOT_ACCEPTED = "key-not-accepted"
    REVOKED = "revoked"
    OVERDUE = "overdue"
    NO_WITNESS = "no-witness"
    USED_TWICE = "used-twice"
    UNMET = "unmet"
    ABSENT = "absent"
    REGULATOR_NOT_TRUSTED = "regulator-not-trusted"
    OTHER_HOLDER = "other-holder"


@dataclass(frozen=True)
class Missing:
    """A query that nothing in the vault answers, and the department that issues what would."""

    query: Query
    department: DepartmentName
    lack: Lack


@dataclass(frozen=True)
class Option:
    """What fits one query, newest first, and the one that is chosen: at first the newest."""

    query: Query
    fitting: tuple[HeldCredential, ...]
    chosen: HeldCredential | None
    lack: Lack | None = None


@dataclass(frozen=True)
class Plan:
    """How a request would be answered, one option for each query in its order."""

    request: Request
    options: tuple[Option, ...]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What is missing; empty if the request can be answered."""
        return tuple(
            Missing(each.query, DepartmentName(each.query.schema.department), each.lack)
            for each in self.options
            if each.lack is not None
        )

    def choose(self, query: str, credential: str) -> "Plan":
        """Return the plan with another of the fitting credentials for a query, both by their identifiers.

        Raises PresentingError CHOICE_INVALID.
        """
        options = [_chosen(each, credential) if each.query.id == query else each for each in self.options]
        if query not in {each.query.id for each in self.options}:
            raise PresentingError(VaultReason.CHOICE_INVALID, "the request has no such query")
        return replace(self, options=tuple(options))

    def answers(self) -> tuple[tuple[Query, HeldCredential], ...]:
        """Return each query with the credential chosen for it; PresentingError NOTHING_FITS."""
        if self.missing:
            wanted = ", ".join(f"{each.query.schema} ({each.lack.value})" for each in self.missing)
            raise PresentingError(VaultReason.NOTHING_FITS, f"the vault does not hold {wanted}")
        return tuple((each.query, each.chosen) for each in self.options if each.chosen is not None)


def _chosen(option: Option, credential: str) -> Option:
    for each in option.fitting:
        if each.id == credential:
            return replace(option, chosen=each)
    raise PresentingError(VaultReason.CHOICE_INVALID, "this credential does not fit the query")


def plan(request: AnyRequest, credentials: Iterable[HeldCredential], now: dt.datetime) -> Plan:
    """Look for what answers a plain request: of the schema, valid today, its issuer's key not retired.

    Raises RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, FORM_NOT_SUPPORTED; MalformedError
    ATTRIBUTE_UNKNOWN (the request asks for what its schema does not have).
    """
    if not isinstance(request, Request):
        detail = "the request is of the composite form, which has a planner of its own"
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, detail)
    request.check_time(now)
    newest = sorted(credentials, key=lambda each: (each.received, each.id), reverse=True)
    schemas = {each.schema.name: each.schema for each in newest}
    for query in request.queries:
        if query.schema in schemas:
            _check_query(query, schemas[query.schema])
    return Plan(request, tuple(_option(query, newest, now) for query in request.queries))


def _check_query(query: Query, schema: Schema) -> None:
    require_plain(schema)
    for attribute in query.shown:
        schema.attribute(attribute)


def _option(query: Query, newest: list[HeldCredential], now: dt.datetime) -> Option:
    held = [each for each in newest if each.schema.name == query.schema]
    valid = [each for each in held if each.credential.expiry >= civil_date(now)]
    fitting = tuple(each for each in valid if each.issuer_key.state is not KeyState.RETIRED)
    if fitting:
        return Option(query, fitting, fitting[0])
    lack = Lack.KEY_RETIRED if valid else Lack.EXPIRED if held else Lack.NONE_HELD
    return Option(query, (), None, lack)


@dataclass(frozen=True)
class Revealed:
    """An attribute that would be shown, with its value; None where the credential leaves it out."""

    attribute: AttributeDefinition
    value: Value | None = field(repr=False)


@dataclass(frozen=True)
class ConsentCredential:
    """What one query would reveal of one credential, and what of it stays hidden.

    That the department signed, under which schema and with which key, is learnt in any case; the last day of
    validity only if `expiry_shown`.
    """

    query: str
    credential: str
    schema: Schema
    department: DepartmentName
    revealed: tuple[Revealed, ...]
    hidden: tuple[AttributeDefinition, ...]
    expiry: dt.date
    expiry_shown: bool


@dataclass(frozen=True)
class Consent:
    """Everything that a person has to know before saying yes; render it with prover.consent.

    `ends` is when the request can no longer be answered. `asker` tells of whoever asks.
    """

    verifier: VerifierName
    verifier_display_name: LocalizedText
    purpose: LocalizedText
    credentials: tuple[ConsentCredential, ...]
    ends: dt.datetime
    asker: Asker | None = None


def consent_of(plan: Plan, verifier_display_name: LocalizedText, asker: Asker | None = None) -> Consent:
    """Say what answering would reveal; PresentingError NOTHING_FITS."""
    request = plan.request
    return Consent(
        verifier=request.verifier,
        verifier_display_name=verifier_display_name,
        purpose=request.purpose,
        credentials=tuple(_consent_credential(query, held) for query, held in plan.answers()),
        ends=request.expires,
        asker=asker,
    )


def _consent_credential(query: Query, held: HeldCredential) -> ConsentCredential:
    shown, schema = _shown(query, held), held.schema
    return ConsentCredential(
        query=query.id,
        credential=held.id,
        schema=schema,
        department=DepartmentName(schema.name.department),
        revealed=tuple(
            Revealed(schema.attribute(name), shown.values[name]) for name in schema.in_order(shown.values)
        ),
        hidden=tuple(each for each in schema.attributes if each.id not in shown.values),
        expiry=held.credential.expiry,
        expiry_shown=shown.expiry is not None,
    )


def _shown(query: Query, held: HeldCredential) -> Shown:
    """Return what a query is shown of a credential: the one place where that is decided."""
    return Shown(
        query=query.id,
        schema=held.schema.name,
        issuer_key=held.issuer_key.name,
        values={name: held.credential.values.get(name) for name in query.shown},
        expiry=held.credential.expiry if query.expiry is ExpiryRule.SHOWN else None,
    )


@dataclass(frozen=True)
class PreparedPresentation:
    """A presentation that was proven and checked, ready to be stored and sent; nobody has seen it yet.

    `request_id` makes sending it again safe; `schemas` are those that it is read with.
    """

    request: Request
    presentation: Presentation = field(repr=False)
    holder_note: bytes = field(repr=False)
    request_id: str = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    facts: None = None
    kept: tuple[()] = ()


def present(
    plan: Plan,
    keys: VaultKeys,
    now: dt.datetime,
    rng: RandomOctets = secrets.token_bytes,
    *,
    proof_rng: bbs.RandomScalars = calculate_random_scalars,
    tag: bytes | None = None,
) -> PreparedPresentation:
    """Answer a request as planned; ask the person first.

    `rng` gives the octets of tag, note and request_id, `proof_rng` the scalars of the proofs; both are the
    system's generator by default; `tag` is a usage tag of this vault's to take instead of a fresh one. Each
    proof is verified before this returns. Raises PresentingError NOTHING_FITS, OWN_PROOF_INVALID;
    RefusedError and MalformedError as `statements_of` and `check_time` do; MalformedError
    PRESENTATION_INVALID if it would be too large.
    """
    request, answers = plan.request, plan.answers()
    request.check_time(now)
    shown = tuple(_shown(query, held) for query, held in answers)
    directory = Directory(
        {held.schema.name: held.schema for _, held in answers},
        {held.issuer_key.name: held.issuer_key for _, held in answers},
    )
    tag, note = tag or keys.usage_tag(rng), seal_note(keys, _summary(plan, now), rng)
    statements = statements_of(request, shown, tag, note_hash(note), directory, now)
    proofs = [
        _prove(statement, held, proof_rng) for statement, (_, held) in zip(statements, answers, strict=True)
    ]
    parts = tuple(CredentialPresentation(*each) for each in zip(shown, proofs, strict=True))
    presentation = Presentation(parts, tag, note_hash(note), request.digest)
    if len(presentation.canonical) > canonical.MAX_OCTETS:
        raise MalformedError(Reason.PRESENTATION_INVALID, "what is asked for is too much for one answer")
    request_id = new_request_id(rng(REQUEST_ID_OCTETS))
    return PreparedPresentation(request, presentation, note, request_id, directory.schemas)


def _summary(plan: Plan, now: dt.datetime) -> NoteSummary:
    request = plan.request
    shown = {query.id: held.schema.in_order(query.shown) for query, held in plan.answers()}
    return NoteSummary(request.verifier, request.purpose, now, request.digest, shown)


def _prove(statement: Statement, held: HeldCredential, proof_rng: bbs.RandomScalars) -> bytes:
    messages = held.schema.messages(held.credential.expiry, held.credential.values)
    proof = bbs.proof_gen(
        statement.public_key, held.credential.signature, statement.header, statement.presentation_header,
        messages, statement.disclosed_indexes, suite=statement.suite, rng=proof_rng,
    )  # fmt: skip
    try:
        bbs.proof_verify(
            statement.public_key, proof, statement.header, statement.presentation_header,
            statement.disclosed_messages, statement.disclosed_indexes, suite=statement.suite,
        )  # fmt: skip
    except bbs.BbsError:
        detail = "a credential does not prove what it says; get it from its department again"
        raise PresentingError(VaultReason.OWN_PROOF_INVALID, detail) from None
    return proof
