"""What was sent unasked, as people and scripts read it: the same for who sends and who receives."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from disclosure import Schema, SchemaName, Shown
from disclosure.delivery import UnaskedQuestion
from prover.consent import show_date, show_value
from zk.run import Run
from zk.values import json_value


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
