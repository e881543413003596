"""Messages as the octets they are: read into fields without knowing their type, changed, written again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from zkservice.services import roster

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_SIZES: Final = {FIXED64: 8, FIXED32: 4}
_EXAMPLES: Final[dict[int, Any]] = {
    FieldDescriptor.TYPE_STRING: "x",
    FieldDescriptor.TYPE_BYTES: b"x",
    FieldDescriptor.TYPE_BOOL: True,
    FieldDescriptor.TYPE_DOUBLE: 1.0,
}


@dataclass(frozen=True)
class Field:
    """One field as it stands on the wire; a varint's payload is its octets."""

    number: int
    kind: int
    payload: bytes

    def to_bytes(self) -> bytes:
        tag = varint(self.number << 3 | self.kind)
        return tag + (varint(len(self.payload)) if self.kind == LENGTH else b"") + self.payload


def varint(number: int) -> bytes:
    octets = bytearray()
    while number > 127:
        octets.append(number & 127 | 128)
        number >>= 7
    return bytes([*octets, number])


def _take_varint(octets: bytes, at: int) -> int:
    while octets[at] & 128:
        at += 1
    return at + 1


def fields(octets: bytes) -> list[Field]:
    """Read a message that a real client wrote."""
    found, at = [], 0
    while at < len(octets):
        end = _take_varint(octets, at)
        tag = sum((octet & 127) << 7 * place for place, octet in enumerate(octets[at:end]))
        number, kind, at = tag >> 3, tag & 7, end
        if kind == LENGTH:
            end = _take_varint(octets, at)
            size = sum((octet & 127) << 7 * place for place, octet in enumerate(octets[at:end]))
            at, end = end, end + size
        else:
            end = at + _SIZES[kind] if kind in _SIZES else _take_varint(octets, at)
        found.append(Field(number, kind, octets[at:end]))
        at = end
    return found


def join(parts: list[Field]) -> bytes:
    return b"".join(each.to_bytes() for each in parts)


@dataclass(frozen=True)
class Method:
    """One RPC, as its descriptor has it."""

    path: str
    request: Descriptor
    streams: bool
    part: str = ""
    """Of a method that takes a stream: which of its messages is meant, the first or one after it."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] + self.part


def services() -> list[ServiceDescriptor]:
    """Return every service of the contract."""
    return list(roster.DESCRIPTORS)


def methods() -> list[Method]:
    """Return every RPC of the contract."""
    return [
        Method(f"/{service.full_name}/{method.name}", method.input_type, method.server_streaming, part)
        for service in services()
        for method in service.methods
        for part in ((":first", ":next") if method.client_streaming else ("",))
    ]


def filled(descriptor: Descriptor, depth: int = 4) -> Message:
    """Return a message of this type with something in every field, for a method that has no seed."""
    message = GetMessageClass(descriptor)()
    for each in descriptor.fields:
        target = getattr(message, each.name)
        if each.message_type is not None:
            inner = filled(each.message_type, depth - 1) if depth else GetMessageClass(each.message_type)()
            (target.add() if each.is_repeated else target).CopyFrom(inner)
        elif each.is_repeated:
            target.append(_example(each))
        else:
            setattr(message, each.name, _example(each))
    return message


def _example(each: FieldDescriptor) -> Any:
    return _EXAMPLES.get(each.type, 1)


def mutations(octets: bytes, descriptor: Descriptor) -> Iterator[tuple[str, bytes]]:
    """Give the message with each of its fields, at every depth, dropped, doubled, of another wire type,
    emptied, filled with what it cannot hold, and with a field that nobody knows."""
    yield "unknown field", octets + Field(500, LENGTH, b"?" * 40).to_bytes()
    yield "unknown varint", octets + Field(501, VARINT, b"\x05").to_bytes()
    parts = fields(octets)
    for place, part in enumerate(parts):
        before, after = parts[:place], parts[place + 1 :]
        known = descriptor.fields_by_number.get(part.number)
        title = known.name if known else str(part.number)
        for what, instead in _instead(part):
            yield f"{title} {what}", join([*before, *instead, *after])
        if known is not None and known.message_type is not None:
            for what, inner in mutations(part.payload, known.message_type):
                yield f"{title}.{what}", join([*before, Field(part.number, LENGTH, inner), *after])


def _instead(part: Field) -> Iterator[tuple[str, list[Field]]]:
    yield "dropped", []
    yield "doubled", [part, part]
    other = (
        Field(part.number, VARINT, b"\x01") if part.kind == LENGTH else Field(part.number, LENGTH, b"\x01")
    )
    yield "of another wire type", [other]
    yield "as a fixed number", [Field(part.number, FIXED64, bytes(8))]
    if part.kind == LENGTH:
        yield "emptied", [Field(part.number, LENGTH, b"")]
        yield "not UTF-8", [Field(part.number, LENGTH, b"\xff\xfe")]
        yield "zeros", [Field(part.number, LENGTH, bytes(len(part.payload)))]
        yield "Chinese", [Field(part.number, LENGTH, "证件".encode())]
        yield "long", [Field(part.number, LENGTH, b"a" * 70_000)]
        yield (
            "flipped",
            [Field(part.number, LENGTH, part.payload[:-1] + bytes([(part.payload or b"\0")[-1] ^ 1]))],
        )
    else:
        for number in (0, 1, 99, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1):
            yield f"= {number}", [Field(part.number, VARINT, varint(number))]
