"""The school's side of a question: ask by the policy, wait, verify here, read the values, keep the record.

The key that signs for the school is in this process alone, and what a browser is told of an answer comes from
the presentation that was verified here.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import segno

from disclosure import Directory, DisclosureError, SchemaName, Value, VerifierName
from prover.consent import show_value
from verifier import (
    CompositePolicy,
    Policy,
    PseudonymRegister,
    VerifierError,
    check_composite_policy,
    check_policy,
)
from verifier.aio import AsyncVerifierClient
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange
from wire.client import ServiceError

GRACE: Final = dt.timedelta(seconds=5)
ENDED: Final[Mapping[str, str]] = {
    "EXPIRED": "expired",
    "TIMED_OUT": "expired",
    "HOLDER_DECLINED": "declined",
    "PAIRING_CLOSED": "closed",
}
"""How a question ended, by the reason; everything else is an answer that is not accepted."""
LOG: Final = logging.getLogger("enrolment_site")

AnyExchange = OpenExchange | CompositeExchange
AnyAnswered = Answered | CompositeAnswered


@dataclass(frozen=True)
class Proven:
    """One proven field of the form: its name, and label and value as a person reads them in each language.

    `value` is what the school's own programs read: numbers in their smallest unit, dates as 2021-09-01.
    """

    name: str
    zh: tuple[str, str] = field(repr=False)
    en: tuple[str, str] = field(repr=False)
    value: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """How a question ended: `proven` with the fields and the answer, or another state without them."""

    state: str
    proven: tuple[Proven, ...] = field(default=(), repr=False)
    answered: AnyAnswered | None = field(default=None, repr=False)


class SchoolError(Exception):
    """A question that could not be asked, or an answer that could not be kept; `reason` is stable."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class School:
    """A school that asks by one policy; records go to `folder`, which only its user reads."""

    def __init__(
        self, client: AsyncVerifierClient, name: VerifierName, policy: Policy | CompositePolicy, folder: Path
    ) -> None:
        self._client, self._name, self._policy, self._folder = client, name, policy, folder

    async def ask(self) -> AnyExchange:
        """Open an exchange with a pairing code, so that a link alone lets nobody answer; SchoolError."""
        now, policy = dt.datetime.now(dt.UTC), self._policy
        try:
            if isinstance(policy, Policy):
                check_policy(policy, await self._client.directory_for(policy.schemas))
                return await self._client.ask(policy.request(self._name, now), pairing=True)
            reader = self._client.client.reader
            request = await self._client.run(lambda: check_composite_policy(policy, self._name, reader, now))
            return await self._client.ask(request, pairing=True)
        except (ServiceError, VerifierError, DisclosureError) as error:
            raise SchoolError(str(error.reason)) from None

    async def outcome(self, exchange: AnyExchange) -> Outcome:
        """Wait until the question has ended, and read the answer. Raises nothing but a cancel."""
        try:
            answered = await self._client.wait(exchange, self._policy.lifetime + GRACE)
            return Outcome("proven", await self._proven(answered), answered)
        except (ServiceError, VerifierError, DisclosureError) as error:
            LOG.info("a question ended: %s", error.reason)
            return Outcome(ENDED.get(str(error.reason), "failed"))
        except Exception as error:  # whatever it is, the parent's page has to end waiting
            LOG.error("a question ended: %s", type(error).__name__)
            return Outcome("failed")

    async def keep(self, answered: AnyAnswered, name: str) -> None:
        """Save an answer's record, and note the pseudonyms that the policy says may come once.

        The same answer may be kept again under the same name. Raises SchoolError: PSEUDONYM_SEEN where
        another answer of the same person was kept.
        """
        path, policy = self._folder / name, self._policy
        try:
            if isinstance(answered, CompositeAnswered) and isinstance(policy, CompositePolicy):
                register = PseudonymRegister(self._folder / "pseudonyms.json")
                await self._client.run(lambda: answered.keep(path, unique=policy.unique, register=register))
            else:
                await self._client.run(lambda: answered.record.save(path))
        except VerifierError as error:
            raise SchoolError(error.reason) from None

    async def _proven(self, answered: AnyAnswered) -> tuple[Proven, ...]:
        """Return the form's fields: what was shown, or which condition was met where a policy has several."""
        if isinstance(answered, CompositeAnswered):
            answer = answered.verified.answer
            shown = [(each.shown.query, each.shown.schema, each.shown.values) for each in answer.credentials]
            branch = answer.branch
            met = [Proven("branch", ("符合条件", branch), ("Condition met", branch), branch)]
        else:
            shown = [(each.query, each.schema, each.values) for each in answered.verified.credentials]
            met = []
        directory = await self._client.directory_for({schema for _, schema, _ in shown})
        return (*met, *(each for query in shown for each in _fields(*query, directory)))


def qr_path(link: str) -> tuple[str, int]:
    """Return the QR code of a link as the path of an SVG element, and how many modules wide it is."""
    rows = [[bool(each) for each in row] for row in segno.make(link, error="l", micro=False).matrix]
    path = "".join(
        f"M{column} {line}h1v1h-1z"
        for line, row in enumerate(rows)
        for column, dark in enumerate(row)
        if dark
    )
    return path, len(rows)


def _fields(
    query: str, schema: SchemaName, values: Mapping[str, Value | None], directory: Directory
) -> Iterable[Proven]:
    for each in directory.schema(schema).attributes:
        if each.id not in values:
            continue
        value, label = values[each.id], each.display_name
        yield Proven(
            f"{query}.{each.id}",
            (label.zh, show_value(each, value, "zh")),
            (label.en, show_value(each, value, "en")),
            _written(value),
        )


def _written(value: Value | None) -> str:
    if value is None:
        return ""
    return value.hex() if isinstance(value, bytes) else str(value)
