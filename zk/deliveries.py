"""What was sent unasked, as people and scripts read it: the same for who sends and who receives."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Protocol, TypeVar

import typer

from disclosure import Schema, SchemaName, Shown
from disclosure.delivery import UnaskedQuestion
from prover.consent import show_date, show_value
from tlog.errors import Reason
from verifier.errors import NOT_ORDERED
from zk.run import Run
from zk.values import json_value

Anchored = Annotated[bool, typer.Option("--anchored", help="help.deliveries.anchored")]
_PAUSE: Final = 1.0


class _Came(Protocol):
    @property
    def delivery(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def waits(self) -> bool: ...


_AnyCame = TypeVar("_AnyCame", bound=_Came)


def is_pending(reason: str) -> bool:
    """Tell whether something waits because it is not anchored, or not in the order of all cities, by now."""
    return reason in (Reason.QUORUM_MISSING, NOT_ORDERED)


def arriving(changes: Iterator[int], receive: Callable[[], Sequence[_AnyCame]]) -> Iterator[_AnyCame]:
    """Give whatever comes at each change of how much waits, without end.

    No change tells that something was anchored: while something is pending it is looked again. What waits is
    told once.
    """
    told = set[str]()
    for waiting in changes:
        looking = waiting > 0
        while looking:
            came = receive()
            yield from (each for each in came if not each.waits or each.delivery not in told)
            told |= {each.delivery for each in came if each.waits}
            if looking := any(is_pending(each.reason) for each in came):
                time.sleep(_PAUSE)


def shown_lines(run: Run, parts: Iterable[Shown], schemas: Mapping[SchemaName, Schema]) -> Iterator[str]:
    """Give a line for each credential, and one for each attribute that is shown of it."""
    for part in parts:
        schema = schemas[part.schema]
        yield run.local(schema.display_name)
        for name in schema.in_order(part.values):
            attribute = schema.attribute(name)
            value = show_value(attribute, part.values[name], run.lang)
            yield run.text("vault.delivery_value", name=run.local(attribute.display_name), value=value)
        if part.expiry is not None:
            yield run.text("vault.delivery_expiry", expiry=show_date(part.expiry, run.lang))


def message_lines(run: Run, question: UnaskedQuestion) -> list[str]:
    """Return the line of what the sender has written, if it has."""
    return [run.text("vault.delivery_message", message=question.message)] if question.message else []


def delivery_data(
    question: UnaskedQuestion, parts: Iterable[Shown], schemas: Mapping[SchemaName, Schema]
) -> dict[str, Any]:
    """Return what a script is told."""
    return {
        "recipient": question.recipient,
        "message": question.message,
        "credentials": [
            {
                "schema": str(each.schema),
                "name": dict(zip(("zh", "en"), schemas[each.schema].display_name.items(), strict=True)),
                "expiry": each.expiry.isoformat() if each.expiry else None,
                "values": {name: json_value(value) for name, value in each.values.items()},
            }
            for each in parts
        ],
    }
