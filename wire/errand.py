"""Between the messages of errands and our types."""

from typing import Final

from disclosure import LocalizedText, MalformedError, PolicyName, Reason, VerifierName
from disclosure.errand import (
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FieldType,
    FormField,
    PartAsk,
    PartName,
)
from wire.convert import each_within, text_of, text_to, within
from zkproto.v1 import attribute_pb2
from zkproto.v1 import errand_pb2 as pb

_TYPES: Final = {
    pb.FormField.TYPE_TEXT: FieldType.TEXT,
    pb.FormField.TYPE_NUMBER: FieldType.NUMBER,
    pb.FormField.TYPE_DATE: FieldType.DATE,
}
_NUMBERS: Final = {ours: theirs for theirs, ours in _TYPES.items()}
_LENGTH: Final = 200


def bundle_of(message: pb.ErrandBundle, name: ErrandBundleName | None = None) -> ErrandBundle:
    """Return a bundle, by default under the name in its message; MalformedError with the place."""
    counters = each_within("counters", message.counters, _counter_of)
    named = ErrandBundleName.parse(message.name, field="name") if name is None else name
    return ErrandBundle(
        named, _text(message.display_name, "display_name"), _text(message.description, "description"),
        counters,
    )  # fmt: skip


def _counter_of(message: pb.ErrandCounter) -> Counter:
    return Counter(
        part=message.part,
        display_name=_text(message.display_name, "display_name"),
        verifier=VerifierName.parse(message.verifier, field="verifier"),
        policy=PolicyName.parse(message.policy, field="policy"),
        fields=each_within("fields", message.fields, _field_of),
        depends_on=tuple(message.depends_on),
        settle_days=message.settle_days,
    )


def _field_of(message: pb.FormField) -> FormField:
    if message.type not in _TYPES:
        raise MalformedError(Reason.VALUE_INVALID, "a field is a text, a number or a date", field="type")
    name = _text(message.display_name, "display_name")
    return FormField(message.id, name, _TYPES[message.type], message.optional, message.max_length or _LENGTH)


def _text(message: attribute_pb2.LocalizedText, field: str) -> LocalizedText:
    with within(field):
        return text_of(message)


def bundle_to(bundle: ErrandBundle) -> pb.ErrandBundle:
    """Return a bundle's message, without proof and time."""
    return pb.ErrandBundle(
        name=str(bundle.name),
        display_name=text_to(bundle.display_name),
        description=text_to(bundle.description),
        counters=[
            pb.ErrandCounter(
                part=each.part,
                display_name=text_to(each.display_name),
                verifier=str(each.verifier),
                policy=str(each.policy),
                fields=[
                    pb.FormField(
                        id=one.id,
                        display_name=text_to(one.display_name),
                        type=_NUMBERS[one.type],
                        optional=one.optional,
                        max_length=one.max_length,
                    )
                    for one in each.fields
                ],
                depends_on=each.depends_on,
                settle_days=each.settle_days,
            )
            for each in bundle.counters
        ],
    )


def part_ask_of(
    message: pb.ErrandAsk, part: PartName, bundle: ErrandBundleName, counter: str, digest: bytes
) -> PartAsk:
    """Return what a counter signed besides its request, which has this digest; MalformedError."""
    return PartAsk(part, bundle, counter, digest, message.form_key)
