"""Calls that must be refused: how they are written down, and how each is tried."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest

from disclosure import CredentialForm, Presentation, Reason, Request, Schema, SchemaName
from tests.zkservice.stored import change, dump
from tests.zkservice.support import PERMIT, City, Issued, city, refusal
from zkproto.v1 import presentation_pb2

Submission: TypeAlias = presentation_pb2.SubmitPresentationRequest
Refusable: TypeAlias = Callable[[], Any]
"""The call itself: what comes before it may change the service's state, it may not."""

_COUNTED: dict[tuple[str, tuple[str, ...]], set[str]] = {
    (Reason.OVER_ASKING, ()): {"over_asking", "statistic"},
    ("SUBJECT_MISMATCH", ("subject",)): {"registration"},
}
"""Refusals that are counted, by reason and fields or by reason alone: they change just these tables."""

OLD = replace(PERMIT, name=SchemaName("old", "residence_permit", 1))
"""The schema of a department whose key has been retired."""
OWN_ONLY = replace(PERMIT, name=SchemaName("tax", "residence_permit", 1))
"""The schema of a department that has no key."""
OWN_COMPOSITE = replace(OWN_ONLY, name=SchemaName("tax", "composite", 1), form=CredentialForm.COMPOSITE)
"""Another one of it, of the composite form."""
NO_KEY = replace(OWN_COMPOSITE, name=SchemaName("land", "composite", 1))
"""The schema of a department that never gets a key, whatever the cases do."""


@dataclass
class Town:
    """A furnished city with a holder, and with departments in all the states that a case needs."""

    city: City
    issued: Issued
    retired: Issued
    tax_token: str
    composite: Schema
    answered: tuple[Any, Submission, Any]

    def at(self, ahead: dt.timedelta, call: Refusable) -> Refusable:
        """Return a call that happens when the service's clock is so much ahead."""

        def later() -> Any:
            self.city.clock.ahead = ahead
            return call()

        return later

    async def submitting(
        self,
        alter: Callable[[Submission], object] = lambda _: None,
        *,
        request: Request | None = None,
        issued: Issued | None = None,
        tamper: Callable[[Presentation], Presentation] = lambda each: each,
    ) -> Refusable:
        """Ask, answer, change the answer's fields or its message, and return the submission's call."""
        request = request or self.city.request()
        exchange = await self.city.ask(request)
        presentation, note = self.city.present(request, issued or self.issued)
        submission = self.city.submission(exchange, tamper(presentation), note)
        alter(submission)
        return lambda: self.city.presentation.SubmitPresentation(submission)


@asynccontextmanager
async def furnished(folder: Path, **settings: Any) -> AsyncIterator[Town]:
    """Start a server with a holder, and with departments in all the states that a case needs."""
    with pytest.MonkeyPatch.context() as patch:
        # What tidying changes is not what a refused call changed.
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(folder, **settings) as opened:
            issued = await opened.claim(await opened.issue())
            old_token = await opened.add_department("old")
            await opened.add_schema(OLD)
            await opened.add_key("old")
            retired = await opened.claim(await opened.issue(schema=OLD, token=old_token), OLD)
            change(
                opened.ready.data,
                "update issuer_key set state = 'retired' where department = 'departments/old'",
            )
            tax_token = await opened.add_department("tax")
            await opened.add_schema(OWN_ONLY)
            composite = replace(
                PERMIT, name=SchemaName("police", "composite", 1), form=CredentialForm.COMPOSITE
            )
            await opened.add_schema(composite)
            await opened.add_schema(OWN_COMPOSITE)
            await opened.add_department("land")
            await opened.add_schema(NO_KEY)
            answered = await opened.answered(issued)
            yield Town(opened, issued, retired, tax_token, composite, answered)


Scenario: TypeAlias = Callable[[Town], Awaitable[Refusable]]


@dataclass(frozen=True)
class Case:
    """One call with what it must be answered with; `fields` are the paths of BadRequest."""

    name: str
    code: str
    reason: str
    fields: tuple[str, ...] = field(default=())
    scenario: Scenario = field(kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.reason}-{self.name}"


def add(
    cases: list[Case], code: str, reason: str, *fields: str, name: str = ""
) -> Callable[[Scenario], Scenario]:
    """Return a decorator that writes a scenario down as a case."""

    def note(scenario: Scenario) -> Scenario:
        title = name or getattr(scenario, "__name__", "")
        cases.append(Case(title, code, reason, fields, scenario=scenario))
        return scenario

    return note


async def try_case(town: Town, case: Case) -> None:
    """Make the call, and compare status, reason, fields, and all tables before and after.

    What asks too much is counted, and nothing else is left of it.
    """
    folder = town.city.ready.data
    try:
        call = await case.scenario(town)
        before = dump(folder, ordered=False)
        error = await refusal(call())
        after = dump(folder, ordered=False)
    finally:
        town.city.clock.ahead = dt.timedelta()
    assert (error.code.name, error.reason) == (case.code, case.reason), error
    assert tuple(each.field for each in error.violations) == case.fields, error
    assert error.detail
    counted = _COUNTED.get((case.reason, case.fields), _COUNTED.get((case.reason, ()), set()))
    assert {each for each in after if before[each] != after[each]} == counted


def put(path: str, value: Any) -> Callable[[Any], object]:
    """Return what sets a field of a message, given by its path of names."""
    *way, last = path.split(".")

    def alter(message: Any) -> None:
        for name in way:
            message = getattr(message, name)
        setattr(message, last, value)

    return alter


def raw(city: City, method: str) -> Any:
    """Return a method that sends octets as they are."""
    return city.channel.unary_unary(
        f"/zkproto.v1.{method}", request_serializer=_same, response_deserializer=_same
    )


def _same(octets: bytes) -> bytes:
    return octets


def metadata(city: City, token: str | None) -> grpc.aio.Metadata | None:
    """Return the metadata with a bearer token, or none."""
    return grpc.aio.Metadata(*city.bearer(token)) if token is not None else None


Seed: TypeAlias = Callable[[Town], Any]


def writes(
    cases: list[Case], method: str, seed: Seed, code: str, reason: str, *fields: str, name: str,
    alter: Callable[[Any], object] = lambda _: None, token: Callable[[Town], str | None] | None = None,
) -> None:  # fmt: skip
    """Write down a call of the catalogue's that is refused, by default the administrator's."""

    async def scenario(town: Town) -> Refusable:
        message = await seed(town)
        alter(message)
        sent = metadata(town.city, token(town) if token else town.city.admin)
        return lambda: getattr(town.city.catalog, method)(message, metadata=sent)

    add(cases, code, reason, *fields, name=f"{method}: {name}")(scenario)
