"""Records as JSON that a person can read and a program reads strictly: bounded, in one way of writing.

Octets are base64, dates ISO 8601. What does not fit raises ValueError, KeyError, TypeError, AttributeError or
RecursionError, or a DisclosureError: whoever reads a record turns all of them into its own error.
"""

import datetime as dt
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from disclosure import AttributeType, IssuerKeyName, Schema, SchemaName, Shown, Value
from disclosure.attributes import AttributeDefinition
from tlog import bounded_json

_MAX_DEPTH: Final = 5


def _refuse(_: str) -> NoReturn:
    raise ValueError


def read(text: str) -> Any:
    """Read JSON that is not nested deeper than records are: strangers do not choose how deep to go."""
    return bounded_json.loads(text, _MAX_DEPTH, parse_constant=_refuse)


def write(data: Mapping[str, Any]) -> bytes:
    """Return the document's octets."""
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def base64(octets: bytes) -> str:
    """Return octets as text."""
    return b64encode(octets).decode()


def octets(text: str) -> bytes:
    """Return the octets of a text; ValueError, TypeError."""
    return b64decode(text, validate=True)


def text(item: Any) -> str:
    """Return a text; TypeError if it is none."""
    if not isinstance(item, str):
        raise TypeError
    return item


def shown_to(shown: Shown, schema: Schema) -> dict[str, Any]:
    """Return what is shown of a credential; MalformedError for a value that is none of its attribute."""
    return {
        "query": shown.query,
        "schema": str(shown.schema),
        "issuer_key": str(shown.issuer_key),
        "expiry": shown.expiry.isoformat() if shown.expiry else None,
        "values": _encoded_values(shown, schema),
    }


def shown_of(data: Mapping[str, Any], schemas: Mapping[SchemaName, Schema]) -> Shown:
    """Return what `shown_to` came from; KeyError if the schema is not there."""
    name = SchemaName.parse(data["schema"])
    schema, expiry = schemas[name], data["expiry"]
    return Shown(
        query=text(data["query"]),
        schema=name,
        issuer_key=IssuerKeyName.parse(data["issuer_key"]),
        values={key: _decoded_value(schema.attribute(key), item) for key, item in data["values"].items()},
        expiry=None if expiry is None else dt.date.fromisoformat(expiry),
    )


def _encoded_values(shown: Shown, schema: Schema) -> dict[str, Any]:
    values = {}
    for name in schema.in_order(shown.values):
        value = shown.values[name]
        schema.attribute(name).check(value, field=name)
        if isinstance(value, dt.date):
            value = value.isoformat()
        values[name] = base64(value) if isinstance(value, bytes) else value
    return values


def _decoded_value(definition: AttributeDefinition, item: Any) -> Value | None:
    value: Value | None = item
    if item is not None and definition.type is AttributeType.DATE:
        value = dt.date.fromisoformat(item)
    if item is not None and definition.type is AttributeType.HASH:
        value = octets(item)
    definition.check(value, field=definition.id)
    return value
