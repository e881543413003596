"""Vectors of what consents say: requests with what answers them, and the lines of Python's screens.

Written by `python -m scripts.web_vectors`. Nothing is proven for them: a screen is told from a request, from
what would be shown, and from what is published. Schemas, lists and regulators are of these vectors alone.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from disclosure import ExpiryRule, Request, Schema, Shown, Value, canonical
from disclosure.attributes import days
from disclosure.composite import Branch, CompositeQuery, CredentialAnswer, ExpiryShown, ProvenEpoch
from disclosure.names import IssuerKeyName
from prover import composite_lines
from prover.asker import Asker, TrackRecord
from prover.composite import lacking, telling
from prover.composite.branches import BranchPlan, Lacking
from prover.composite.clauses import Reading
from prover.composite.facts import Facts
from prover.consent import ConsentLine, consent_lines
from prover.present import Consent, Lack, _consent_credential
from scripts.web_vectors import Json, text_of
from scripts.web_vectors_telling_cases import BRANCHES, MAIN, UNKNOWN, Case, cases
from scripts.web_vectors_telling_world import (
    DEPARTMENTS,
    DIRECTORY,
    EPOCH,
    HOUSEHOLD,
    INSURANCE,
    LISTS,
    NAME,
    PERMIT,
    REGULATOR,
    SCHEMAS,
    STRANGER,
    TRUSTED,
    VALUES,
)
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world


def case_of(case: Case) -> Json:
    """Return a case with what Python's screens say of it."""
    branch = case.branch
    answers = tuple(_answer(each, case.schema(each)) for each in branch.queries)
    facts = Facts.of(branch, answers, DIRECTORY, (TRUSTED,))
    schemas = {each.name: each for each in SCHEMAS}
    held = {each.id: f"id-{each.id}" for each in branch.queries}
    told = telling._told(case.request, branch, answers, schemas, facts, NAME, held)
    credentials = tuple(_behind(each, case.behind) for each in told.credentials)
    index, _ = case.request.branch(branch.id)
    earlier = tuple(_earlier(each, past=case.past) for each in case.request.branches[:index])
    policy = replace(asking.COMPOSITE, receipt=case.receipt)
    asker = None if case.record is None else Asker(policy, case.record)
    consent = replace(told, credentials=credentials, earlier=earlier, asker=asker)
    departments = DEPARTMENTS
    return {
        "request": case.request.canonical.hex(),
        "branch": branch.id,
        "answers": [_written(each, case.behind) for each in answers],
        "past": case.past,
        "record": case.record and _record(case.record),
        **({} if case.receipt is None else {"policy": policy.canonical.hex()}),
        "lines": both(
            composite_lines(consent, "zh", departments), composite_lines(consent, "en", departments)
        ),
    }


def both(zh: Sequence[ConsentLine], en: Sequence[ConsentLine]) -> Json:
    """Return lines in both languages."""
    return [[one.style, one.text, other.text] for one, other in zip(zh, en, strict=True)]


def _answer(asked: CompositeQuery, schema: Schema) -> CredentialAnswer:
    values = VALUES[schema.name.item]
    issuer = asked.issuers[0]
    shown = Shown(
        asked.id, schema.name, issuer.key, {each: values.get(each) for each in asked.shown},
        dt.date(2026, 9, 9) if isinstance(asked.expiry, ExpiryShown) else None,
    )  # fmt: skip
    accumulator = issuer.accumulator
    return CredentialAnswer(shown, None if accumulator is None else ProvenEpoch(accumulator, 60))


def _behind(told: telling.ToldCredential, behind: tuple[str, ...]) -> telling.ToldCredential:
    return replace(told, behind=told.query.id in behind)


def _earlier(branch: Branch, *, past: bool) -> telling.Earlier:
    if past:
        return telling.Earlier(branch)
    schemas = {each.id: DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
    facts = Facts.of(branch, (), DIRECTORY, (TRUSTED,))
    return telling.Earlier(branch, Reading(schemas, facts, {each.id: each.number for each in branch.foreign}))


def _written(answer: CredentialAnswer, behind: tuple[str, ...]) -> Json:
    shown = answer.shown
    return {
        "query": shown.query,
        "schema": str(shown.schema),
        "values": {name: None if each is None else item(each) for name, each in shown.values.items()},
        "expiry": shown.expiry and days(shown.expiry),
        "epoch": answer.epoch and EPOCH + answer.epoch.number,
        "behind": shown.query in behind,
    }


def item(value: Value) -> str:
    """Return a value as it stands in a credential, in canonical encoding."""
    return canonical.encode("x", days(value) if isinstance(value, dt.date) else value).hex()


def _record(record: TrackRecord) -> Json:
    last = record.last and int(record.last.timestamp())
    return {
        "answers": record.answers, "last": last, "declined": record.declined, "overAsked": record.over_asked,
    }  # fmt: skip


def lacked(branch: Branch, missing: Sequence[Lacking], chosen: Mapping[str, Schema]) -> Json:
    """Return what a branch lacks, with what Python says of it."""
    nearest: Any = {each: SimpleNamespace(schema=schema) for each, schema in chosen.items()}
    planned = BranchPlan(0, branch, nearest, {}, tuple(missing))
    plan: Any = SimpleNamespace(
        directory=DIRECTORY, contents=SimpleNamespace(regulators=(TRUSTED,)), branches=(planned,)
    )
    return {
        "request": world.request(branch).canonical.hex(),
        "chosen": {each: str(schema.name) for each, schema in chosen.items()},
        "missing": [
            {
                "lack": each.lack,
                "applyFor": [str(name) for name in each.apply_for],
                "predicate": None if each.predicate is None else branch.predicates.index(each.predicate),
                "regulator": each.regulator and each.regulator.hex(),
            }
            for each in missing
        ],
        "lines": both(
            lacking.lacking_lines(plan, "zh", DEPARTMENTS), lacking.lacking_lines(plan, "en", DEPARTMENTS)
        )[1:],
    }


def _lacking() -> Iterator[Json]:
    accepted = (PERMIT.name, INSURANCE.name, HOUSEHOLD.name)
    for lack in Lack:
        if lack is Lack.UNMET:
            continue
        regulator = STRANGER if lack is Lack.REGULATOR_NOT_TRUSTED else None
        yield lacked(MAIN, (Lacking("x", lack, accepted, None, regulator), Lacking("y", lack)), {})
    for branch in (MAIN, *BRANCHES.values()):
        chosen = {each.id: DIRECTORY.schema(each.schemas[0]) for each in branch.queries}
        unmet = [Lacking("p", Lack.UNMET, (PERMIT.name,), each) for each in branch.predicates]
        if unmet:
            yield lacked(branch, unmet, chosen)


def _plain() -> Iterator[Json]:
    first, second = plain_world.REQUEST.queries
    yield _plainly(plain_world.REQUEST, {"remark": "遷入 2019"}, UNKNOWN)
    everything = tuple(each.id for each in plain_world.PERMIT.attributes)
    whole = replace(first, shown=everything[::-1], expiry=ExpiryRule.SHOWN)
    record = TrackRecord(7, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 0, 2)
    yield _plainly(plain_world.request(queries=(whole, second)), {}, record)
    nothing = replace(first, shown=(), expiry=ExpiryRule.WAIVED)
    yield _plainly(plain_world.request(queries=(nothing,)), {}, None)


def _plainly(request: Request, more: Mapping[str, Value], record: TrackRecord | None) -> Json:
    schemas = {each.name: each for each in (plain_world.PERMIT, plain_world.INSURANCE)}
    values = {**plain_world.VALUES, **more}
    held: list[Any] = []
    for each in request.queries:
        schema = schemas[each.schema]
        own = {one.id: values[one.id] for one in schema.attributes if one.id in values}
        credential = SimpleNamespace(expiry=dt.date(2027, 3, 1), values=own)
        key = SimpleNamespace(name=IssuerKeyName(each.schema.department, "a" * 32))
        held.append(SimpleNamespace(id="id", schema=schema, credential=credential, issuer_key=key))
    credentials = tuple(map(_consent_credential, request.queries, held))
    asker = None if record is None else Asker(asking.COMPOSITE, record)
    consent = Consent(request.verifier, NAME, request.purpose, credentials, request.expires, asker)
    return {
        "request": request.canonical.hex(),
        "schemas": [each.canonical.hex() for each in schemas.values()],
        "answers": [
            {
                "values": {name: item(value) for name, value in each.credential.values.items()},
                "expiry": days(each.credential.expiry),
            }
            for each in held
        ],
        "record": record and _record(record),
        "lines": both(consent_lines(consent, "zh", DEPARTMENTS), consent_lines(consent, "en", DEPARTMENTS)),
    }


def published() -> Json:
    """Return what all cases are told from."""
    return {
        "name": NAME.items(),
        "schemas": [each.canonical.hex() for each in SCHEMAS],
        "lists": {digest.hex(): [owner, codes] for digest, (owner, codes) in LISTS.items()},
        "regulators": [[str(TRUSTED.name), TRUSTED.display_name.items(), REGULATOR.hex()]],
        "departments": {name: each.items() for name, each in DEPARTMENTS.items()},
        "policy": asking.COMPOSITE.canonical.hex(),
    }


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    told = [{"name": name, **case_of(case)} for name, case in cases()]
    made = {"published": published(), "cases": told, "lacking": list(_lacking()), "plain": list(_plain())}
    return {"telling.json": text_of(made)}
