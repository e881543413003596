"""Messages of zkproto.v1 to the project's types and back, every decoding checked by the type's constructor.

A fault is a MalformedError whose field is the path in the message, as AIP-193's field violations want it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableSequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Final, TypeVar, cast

from google.protobuf import timestamp_pb2
from google.type import date_pb2

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    Credential,
    CredentialForm,
    CredentialPresentation,
    IssuerKey,
    IssuerKeyName,
    KeyState,
    LocalizedText,
    MalformedError,
    Presentation,
    Reason,
    Schema,
    SchemaName,
    Shown,
    SignedRequest,
    Value,
)
from disclosure.request import MAX_QUERIES
from disclosure.schema import MAX_ATTRIBUTES
from zkproto.v1 import attribute_pb2, catalog_pb2, issuance_pb2, presentation_pb2

Message = TypeVar("Message")
Converted = TypeVar("Converted")

_TYPES: Final = {
    attribute_pb2.ATTRIBUTE_TYPE_TEXT: AttributeType.TEXT,
    attribute_pb2.ATTRIBUTE_TYPE_INTEGER: AttributeType.INTEGER,
    attribute_pb2.ATTRIBUTE_TYPE_DATE: AttributeType.DATE,
    attribute_pb2.ATTRIBUTE_TYPE_BOOLEAN: AttributeType.BOOLEAN,
    attribute_pb2.ATTRIBUTE_TYPE_CODE: AttributeType.CODE,
    attribute_pb2.ATTRIBUTE_TYPE_HASH: AttributeType.HASH,
    attribute_pb2.ATTRIBUTE_TYPE_SECRET: AttributeType.SECRET,
}
_FIELDS: Final = {each: each.value for each in AttributeType}
_TYPE_NUMBERS: Final = {each: number for number, each in _TYPES.items()}
_FORMS: Final = {
    catalog_pb2.CREDENTIAL_FORM_PLAIN: CredentialForm.PLAIN,
    catalog_pb2.CREDENTIAL_FORM_COMPOSITE: CredentialForm.COMPOSITE,
}
_FORM_NUMBERS: Final = {each: number for number, each in _FORMS.items()}
_STATES: Final = {
    catalog_pb2.IssuerKey.STATE_ACTIVE: KeyState.ACTIVE,
    catalog_pb2.IssuerKey.STATE_VERIFY_ONLY: KeyState.VERIFY_ONLY,
    catalog_pb2.IssuerKey.STATE_RETIRED: KeyState.RETIRED,
}
_STATE_NUMBERS: Final = {each: number for number, each in _STATES.items()}


@contextmanager
def within(field: str) -> Iterator[None]:
    """Prefix the field of a MalformedError from inside with `field`."""
    try:
        yield
    except MalformedError as error:
        inner = f"{field}.{error.field}" if error.field else field
        raise MalformedError(Reason(error.reason), error.detail, field=inner) from None


def each_within(
    field: str, messages: Iterable[Message], convert: Callable[[Message], Converted]
) -> tuple[Converted, ...]:
    """Convert repeated messages; a fault's field gets the index."""
    converted = []
    for index, message in enumerate(messages):
        with within(f"{field}[{index}]"):
            converted.append(convert(message))
    return tuple(converted)


def text_of(message: attribute_pb2.LocalizedText) -> LocalizedText:
    """Convert a LocalizedText."""
    return LocalizedText(message.zh, message.en)


def text_to(text: LocalizedText) -> attribute_pb2.LocalizedText:
    """Convert to a LocalizedText."""
    return attribute_pb2.LocalizedText(zh=text.zh, en=text.en)


def date_of(message: date_pb2.Date, *, field: str) -> dt.date:
    """Convert a whole Date; MalformedError VALUE_INVALID."""
    try:
        return dt.date(message.year, message.month, message.day)
    except (ValueError, OverflowError):
        raise MalformedError(Reason.VALUE_INVALID, "there is no such date", field=field) from None


def date_to(date: dt.date) -> date_pb2.Date:
    """Convert to a Date."""
    return date_pb2.Date(year=date.year, month=date.month, day=date.day)


def moment_of(message: timestamp_pb2.Timestamp, *, field: str) -> dt.datetime:
    """Convert a Timestamp; MalformedError VALUE_INVALID."""
    try:
        return message.ToDatetime(dt.UTC)
    except (ValueError, OverflowError):
        raise MalformedError(Reason.VALUE_INVALID, "there is no such moment", field=field) from None


def moment_to(moment: dt.datetime) -> timestamp_pb2.Timestamp:
    """Convert to a Timestamp."""
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(moment)
    return message


def value_of(message: attribute_pb2.AttributeValue) -> Value | None:
    """Convert a value; None if none is set."""
    kind = message.WhichOneof("value")
    if kind is None:
        return None
    if kind == "date":
        return date_of(message.date, field="value.date")
    value: Value = getattr(message, kind)
    return value


def value_to(definition: AttributeDefinition, value: Value | None) -> attribute_pb2.AttributeValue:
    """Convert to a value; unset for None. MalformedError VALUE_INVALID for what the message cannot hold."""
    message = attribute_pb2.AttributeValue()
    _set_value(message, definition, value)
    return message


def _set_value(
    message: attribute_pb2.AttributeValue, definition: AttributeDefinition, value: Value | None
) -> None:
    if value is None:
        return
    if isinstance(value, dt.date):
        message.date.year, message.date.month, message.date.day = value.year, value.month, value.day
        return
    try:
        setattr(message, _FIELDS[definition.type], value)
    except (TypeError, ValueError):
        detail = f"no value of type {definition.type.value}"
        raise MalformedError(Reason.VALUE_INVALID, detail, field=definition.id) from None


def values_of(messages: Iterable[attribute_pb2.NamedValue]) -> dict[str, Value | None]:
    """Convert named values; MalformedError VALUE_INVALID if a name stands there twice."""
    values: dict[str, Value | None] = {}
    for index, message in enumerate(messages):
        if index == MAX_ATTRIBUTES:
            detail = f"more than {MAX_ATTRIBUTES} values"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="values")
        name = message.attribute
        if name in values:
            detail = "the attribute stands there twice"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=f"values[{index}].attribute")
        try:  # `within` for each of many would cost as much as all the rest
            values[name] = value_of(message.value)
        except MalformedError as error:
            place = f"values[{index}].{error.field}"
            raise MalformedError(Reason(error.reason), error.detail, field=place) from None
    return values


def present_values_of(messages: Iterable[attribute_pb2.NamedValue]) -> dict[str, Value]:
    """Convert named values of a credential, where what is absent is left out."""
    values = values_of(messages)
    if None not in values.values():
        return cast("dict[str, Value]", values)
    return {name: value for name, value in values.items() if value is not None}


def values_to(
    schema: Schema, values: Iterable[tuple[str, Value | None]]
) -> Iterator[attribute_pb2.NamedValue]:
    """Convert to named values, in the schema's order."""
    placed = ((schema.message_index(name), name, value) for name, value in values)
    ordered = sorted(placed, key=itemgetter(0))
    for index, name, value in ordered:
        message = attribute_pb2.NamedValue(attribute=name)
        message.value.SetInParent()
        _set_value(message.value, schema.attributes[index - 1], value)
        yield message


def add_values(
    into: MutableSequence[attribute_pb2.NamedValue], schema: Schema, values: Mapping[str, Value | None]
) -> None:
    """Add to a message's own field what `values_to` gives; nothing is copied, which takes half the time."""
    known = 0
    for definition in schema.attributes:
        if definition.id in values:
            message = cast(Any, into).add()
            message.attribute = definition.id
            message.value.SetInParent()
            _set_value(message.value, definition, values[definition.id])
            known += 1
    if known < len(values):
        schema.in_order(values)  # says which one is unknown


def code_of(message: attribute_pb2.CodeEntry) -> Code:
    """Convert a CodeEntry."""
    with within("display_name"):
        display_name = text_of(message.display_name)
    return Code(message.code, display_name)


def code_to(code: Code) -> attribute_pb2.CodeEntry:
    """Convert to a CodeEntry."""
    return attribute_pb2.CodeEntry(code=code.code, display_name=text_to(code.display_name))


def _attribute_of(message: catalog_pb2.AttributeDefinition) -> AttributeDefinition:
    if message.type not in _TYPES:
        raise MalformedError(Reason.SCHEMA_INVALID, "the attribute's type is unknown", field="type")
    with within("display_name"):
        display_name = text_of(message.display_name)
    return AttributeDefinition(
        id=message.id,
        display_name=display_name,
        type=_TYPES[message.type],
        optional=message.optional,
        unit=message.unit,
        scale=message.scale,
        minimum=message.minimum if message.HasField("minimum") else None,
        maximum=message.maximum if message.HasField("maximum") else None,
        max_length=message.max_length,
        code_system=message.code_system,
        codes=each_within("codes", message.codes, code_of),
    )


def _attribute_to(attribute: AttributeDefinition) -> catalog_pb2.AttributeDefinition:
    return catalog_pb2.AttributeDefinition(
        id=attribute.id,
        display_name=text_to(attribute.display_name),
        type=_TYPE_NUMBERS[attribute.type],
        optional=attribute.optional,
        unit=attribute.unit,
        scale=attribute.scale,
        minimum=attribute.minimum,
        maximum=attribute.maximum,
        max_length=attribute.max_length,
        code_system=attribute.code_system,
        codes=map(code_to, attribute.codes),
    )


def schema_of(message: catalog_pb2.Schema, name: SchemaName | None = None) -> Schema:
    """Convert a Schema, under `name` or its own; if it brings a digest, the digest must be right."""
    if message.form not in _FORMS:
        raise MalformedError(Reason.SCHEMA_INVALID, "the form is unknown", field="form")
    with within("display_name"):
        display_name = text_of(message.display_name)
    schema = Schema(
        name=name or SchemaName.parse(message.name, field="name"),
        display_name=display_name,
        form=_FORMS[message.form],
        attributes=each_within("attributes", message.attributes, _attribute_of),
        validity_days=message.validity_days,
    )
    if message.digest and message.digest != schema.digest:
        raise MalformedError(Reason.SCHEMA_INVALID, "the digest is not that of the schema", field="digest")
    return schema


def schema_to(schema: Schema, created: dt.datetime | None = None) -> catalog_pb2.Schema:
    """Convert to a Schema with its digest."""
    return catalog_pb2.Schema(
        name=str(schema.name),
        display_name=text_to(schema.display_name),
        form=_FORM_NUMBERS[schema.form],
        attributes=map(_attribute_to, schema.attributes),
        validity_days=schema.validity_days,
        digest=schema.digest,
        create_time=moment_to(created) if created else None,
    )


def issuer_key_of(message: catalog_pb2.IssuerKey) -> IssuerKey:
    """Convert an IssuerKey."""
    if message.state not in _STATES:
        raise MalformedError(Reason.MALFORMED, "the key's state is unknown", field="state")
    name = IssuerKeyName.parse(message.name, field="name")
    return IssuerKey(name, message.suite, message.public_key, _STATES[message.state])


def issuer_key_to(key: IssuerKey, created: dt.datetime | None = None) -> catalog_pb2.IssuerKey:
    """Convert to an IssuerKey."""
    return catalog_pb2.IssuerKey(
        name=str(key.name),
        suite=key.suite,
        public_key=key.public_key,
        state=_STATE_NUMBERS[key.state],
        create_time=moment_to(created) if created else None,
    )


def credential_of(message: issuance_pb2.Credential) -> Credential:
    """Convert a Credential; its values are not yet checked against the schema."""
    return Credential(
        schema=SchemaName.parse(message.schema, field="schema"),
        issuer_key=IssuerKeyName.parse(message.issuer_key, field="issuer_key"),
        expiry=date_of(message.expiry, field="expiry"),
        values=present_values_of(message.values),
        signature=message.signature,
    )


def credential_to(credential: Credential, schema: Schema) -> issuance_pb2.Credential:
    """Convert to a Credential."""
    return issuance_pb2.Credential(
        schema=str(credential.schema),
        issuer_key=str(credential.issuer_key),
        expiry=date_to(credential.expiry),
        values=values_to(schema, credential.values.items()),
        signature=credential.signature,
    )


def signed_request_of(message: presentation_pb2.SignedRequest) -> SignedRequest:
    """Convert a SignedRequest; its payload is not decoded yet."""
    return SignedRequest(message.payload, message.signature)


def signed_request_to(signed: SignedRequest) -> presentation_pb2.SignedRequest:
    """Convert to a SignedRequest."""
    return presentation_pb2.SignedRequest(payload=signed.payload, signature=signed.signature)


def _credential_presentation_of(message: presentation_pb2.CredentialPresentation) -> CredentialPresentation:
    shown = Shown(
        query=message.query,
        schema=SchemaName.parse(message.schema, field="schema"),
        issuer_key=IssuerKeyName.parse(message.issuer_key, field="issuer_key"),
        values=values_of(message.values),
        expiry=date_of(message.expiry, field="expiry") if message.HasField("expiry") else None,
    )
    return CredentialPresentation(shown, message.proof)


def presentation_of(message: presentation_pb2.Presentation) -> Presentation:
    """Convert a Presentation; what it shows is not yet checked against a request."""
    if len(message.credentials) > MAX_QUERIES:
        detail = f"a presentation has 1 to {MAX_QUERIES} credentials"
        raise MalformedError(Reason.PRESENTATION_INVALID, detail, field="credentials")
    return Presentation(
        credentials=each_within("credentials", message.credentials, _credential_presentation_of),
        usage_tag=message.usage_tag,
        note_hash=message.note_hash,
        request_digest=message.request_digest,
    )


def presentation_to(
    presentation: Presentation, find_schema: Callable[[SchemaName], Schema]
) -> presentation_pb2.Presentation:
    """Convert to a Presentation."""
    return presentation_pb2.Presentation(
        credentials=[
            presentation_pb2.CredentialPresentation(
                query=each.shown.query,
                schema=str(each.shown.schema),
                issuer_key=str(each.shown.issuer_key),
                expiry=date_to(each.shown.expiry) if each.shown.expiry else None,
                values=values_to(find_schema(each.shown.schema), each.shown.values.items()),
                proof=each.proof,
            )
            for each in presentation.credentials
        ],
        usage_tag=presentation.usage_tag,
        note_hash=presentation.note_hash,
        request_digest=presentation.request_digest,
    )
