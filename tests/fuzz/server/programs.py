"""What is sent to a server, written down so that it means the same at any server: a few calls in a row.

A call names the method, who calls, and what becomes of a message that the server would answer with OK: the
changes are told by the names of fields. Where it wants a ticket, a token or a name that is alive, it says of
which message, or of which answer before it, that is to be taken. So a program holds nothing secret, and
works at a server that was started a moment ago.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Value: TypeAlias = "bool | int | float | str | bytes"

MAX_CALLS: Final = 6
MAX_EDITS: Final = 12
MAX_WAIT: Final = 40 * 24 * 60
"""Minutes that one call may wait before it is made."""
OWN: Final = "own"
"""The caller whom a method's message is of."""
EMPTY: Final = ""
"""Stands for a message with nothing in it."""
KINDS: Final = ("clear", "set", "take", "add", "damage", "item", "octets", "cut")


class ProgramError(ValueError):
    """The octets are no program."""


@dataclass(frozen=True)
class Edit:
    """One change of a message.

    `clear`, `set` to a value, `take` what stands elsewhere (value: `Method:path` of a message, `#1:path` of
    an answer), `add` one more element, `damage` octets of a field (place in thousandths, how many are left
    out, what is put there), an `item` of the structure that a field's octets are (place: which; out: whether
    it is replaced, left out or doubled), which is signed anew by whoever signed it; of the whole message as
    octets `damage` is `octets`, and `cut` ends it at a place.
    """

    kind: str
    path: str = ""
    value: Value = 0
    place: int = 0
    out: int = 0


@dataclass(frozen=True)
class Call:
    """One call: of a method, by somebody, some minutes after the one before."""

    method: str
    caller: str = OWN
    base: str = OWN
    """Of which method's message it begins: `own`, the name of another, or empty."""
    edits: tuple[Edit, ...] = ()
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    wait: int = 0


@dataclass(frozen=True)
class Program:
    """Calls in a row."""

    calls: tuple[Call, ...]

    def to_bytes(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps({"calls": [_written(each) for each in self.calls]}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Program":
        """Read what `to_bytes` wrote; ProgramError for anything else."""
        try:
            calls = json.loads(octets)["calls"]
            if not 1 <= len(calls) <= MAX_CALLS:
                raise ProgramError("so many calls are no program")
            return cls(tuple(map(_call, calls)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ProgramError(f"no program: {type(error).__name__}") from error


def _written(call: Call) -> dict[str, Any]:
    fields: dict[str, Any] = {"method": call.method}
    if call.caller != OWN:
        fields["as"] = call.caller
    if call.base != OWN:
        fields["base"] = call.base
    if call.edits:
        fields["edits"] = [
            [each.kind, each.path, _plain(each.value), each.place, each.out] for each in call.edits
        ]
    if call.metadata:
        fields["metadata"] = [[name, _plain(value)] for name, value in call.metadata]
    if call.wait:
        fields["wait"] = call.wait
    return fields


def _call(fields: Mapping[str, Any]) -> Call:
    edits = tuple(_edit(*each) for each in fields.get("edits", ()))
    metadata = tuple((_text(name), _entry(value)) for name, value in fields.get("metadata", ()))
    wait = fields.get("wait", 0)
    if len(edits) > MAX_EDITS or len(metadata) > MAX_EDITS or not 0 <= wait <= MAX_WAIT:
        raise ProgramError("so much is no call")
    method, caller, base = (
        _text(fields[name]) if name == "method" else _text(fields.get(name, OWN))
        for name in ("method", "as", "base")
    )
    return Call(method, caller, base, edits, metadata, int(wait))


def _edit(kind: str, path: str, value: Any, place: int, out: int) -> Edit:
    if kind not in KINDS:
        raise ProgramError("no such change")
    return Edit(kind, _text(path), _valued(value), int(place), int(out))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProgramError("no text")
    return value


def _entry(value: Any) -> "str | bytes":
    found = _valued(value)
    if not isinstance(found, str | bytes):
        raise ProgramError("no text or octets")
    return found


def _plain(value: Value) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _valued(value: Any) -> Value:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return bytes.fromhex(text) if kind == "hex" else float(text)
    if not isinstance(value, bool | int | float | str):
        raise ProgramError("no value")
    return value
