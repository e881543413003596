"""Changes a message as a program says: by the names of its fields, and then as octets."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cbor2
from google.protobuf.message import Message

from tests.fuzz.server.programs import Edit, Value

Found = Callable[[str], "Message | None"]
"""Returns the message or the answer of that name: `IssueCredential`, `#0`."""

Sign = Callable[[Message, bytes], None]
"""Signs a message's `payload` anew, given what it was, if the key of whoever signed that is known."""

_STEP: Final = re.compile(r"([a-z_0-9]+)(?:\[(\d+)\])?", re.ASCII)
_MAX_OCTETS: Final = 300 << 10
_MAX_ELEMENTS: Final = 600


@dataclass(frozen=True)
class Place:
    """A field of a message, or an element of a repeated one."""

    holder: Message
    field: Any
    index: int | None = None

    @property
    def value(self) -> Any:
        """What stands there; None where an element does not."""
        found: Any = getattr(self.holder, self.field.name)
        if self.index is None:
            return found
        return found[self.index] if self.index < len(found) else None


def paths(message: Message, before: str = "", depth: int = 8) -> Iterator[tuple[str, Any]]:
    """Give each field of a message by its path, also those not set, and what is in those that are."""
    for field in message.DESCRIPTOR.fields:
        path = f"{before}{field.name}"
        yield path, field
        value = getattr(message, field.name)
        if field.is_repeated:
            for index, each in enumerate(value[:3] if _is_list(field) else ()):
                yield f"{path}[{index}]", field
                if isinstance(each, Message) and depth:
                    yield from paths(each, f"{path}[{index}].", depth - 1)
        elif isinstance(value, Message) and message.HasField(field.name) and depth:
            yield from paths(value, f"{path}.", depth - 1)


def _is_list(field: Any) -> bool:
    return not (field.message_type is not None and field.message_type.GetOptions().map_entry)


def place(message: Message, path: str) -> Place | None:
    """Find a place by its path; None where the message has no such."""
    here, last = message, None
    steps = path.split(".")
    for number, step in enumerate(steps):
        matched = _STEP.fullmatch(step)
        field = here.DESCRIPTOR.fields_by_name.get(matched[1]) if matched else None
        if matched is None or field is None or (field.is_repeated and not _is_list(field)):
            return None
        index = None if matched[2] is None else int(matched[2])
        if (index is not None) is not field.is_repeated and not (index is None and number == len(steps) - 1):
            return None
        last = Place(here, field, index)
        if number < len(steps) - 1:
            inner = last.value
            if not isinstance(inner, Message):
                return None
            here = inner
    return last


def changed(message: Message, edits: Sequence[Edit], found: Found, sign: Sign = lambda _, __: None) -> bytes:
    """Return the octets of a message after all edits; what cannot be done to it is left out."""
    for each in edits:
        at = place(message, each.path) if each.kind not in {"octets", "cut"} else None
        if at is not None:
            before = at.value
            try:
                _DO[each.kind](at, each, found)
                if each.kind == "item" and "signature" in at.holder.DESCRIPTOR.fields_by_name:
                    sign(at.holder, before)
            except (TypeError, ValueError, AttributeError, IndexError, OverflowError, cbor2.CBORError):
                continue
    octets = message.SerializeToString()
    for each in edits:
        if each.kind == "octets":
            octets = damaged(octets, each)
        elif each.kind == "cut":
            octets = octets[: len(octets) * each.place // 1000]
    return octets[:_MAX_OCTETS]


def damaged(octets: bytes, edit: Edit) -> bytes:
    """Return octets with some of them left out and others put there."""
    at = len(octets) * min(max(edit.place, 0), 1000) // 1000
    piece = edit.value if isinstance(edit.value, bytes) else str(edit.value).encode("utf-8", "replace")
    return octets[:at] + piece + octets[at + max(edit.out, 0) :]


def _clear(at: Place, _: Edit, __: Found) -> None:
    if at.index is None:
        at.holder.ClearField(at.field.name)
    else:
        del getattr(at.holder, at.field.name)[at.index]


def _set(at: Place, edit: Edit, _: Found) -> None:
    _put(at, edit.value)


def _put(at: Place, value: "Value | Message") -> None:
    if isinstance(value, Message):
        (at.value if at.index is not None or not at.field.is_repeated else at.value.add()).CopyFrom(value)
    elif at.index is not None:
        getattr(at.holder, at.field.name)[at.index] = value
    elif at.field.is_repeated:
        at.value.append(value)
    else:
        setattr(at.holder, at.field.name, value)


def _take(at: Place, edit: Edit, found: Found) -> None:
    whose, _, path = str(edit.value).partition(":")
    source = found(whose)
    there = place(source, path) if source is not None else None
    if there is not None and (there.index is not None or not there.field.is_repeated):
        _put(at, there.value)


def _add(at: Place, edit: Edit, __: Found) -> None:
    """Say an element, the last where none is named, again as often as `out` says."""
    if not at.field.is_repeated:
        return
    elements = getattr(at.holder, at.field.name)
    for _ in range(min(max(edit.out, 1), _MAX_ELEMENTS)):
        last = elements[at.index if at.index is not None else -1] if len(elements) else None
        if at.field.message_type is None:
            elements.append(edit.value if last is None else last)
        else:
            new = elements.add()
            if last is not None:
                new.CopyFrom(last)


def _damage(at: Place, edit: Edit, _: Found) -> None:
    value = at.value
    if isinstance(value, bytes):
        _put(at, damaged(value, edit))
    elif isinstance(value, str) and not (at.field.is_repeated and at.index is None):
        _put(at, damaged(value.encode(), edit).decode("utf-8", "replace"))


def _item(at: Place, edit: Edit, _: Found) -> None:
    """Change an item of the arrays that the octets are, and write them as whoever is entitled to would."""
    whole = cbor2.loads(at.value)
    found = list(items(whole))
    array, index = found[edit.place % len(found)]
    if edit.out == 0:
        array[index] = edit.value
    elif edit.out == 1:
        del array[index]
    else:
        array.insert(index, array[index])
    _put(at, cbor2.dumps(whole, canonical=True))


def items(array: Any) -> Iterator[tuple[list[Any], int]]:
    """Give each item of an array, at every depth; TypeError for what is none."""
    if not isinstance(array, list):
        raise TypeError
    for index, each in enumerate(array):
        yield array, index
        if isinstance(each, list):
            yield from items(each)


_DO: Final[dict[str, Callable[[Place, Edit, Found], None]]] = {
    "clear": _clear,
    "set": _set,
    "take": _take,
    "add": _add,
    "damage": _damage,
    "item": _item,
}
