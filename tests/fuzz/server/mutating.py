"""Makes programs out of programs, knowing the contract: what a method takes, what its answers have."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

import cbor2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.fuzz.server import values
from tests.fuzz.server.editing import items, paths, place
from tests.fuzz.server.programs import EMPTY, MAX_CALLS, MAX_EDITS, OWN, Call, Edit, Program, Value

_OF_KIND: Final[Mapping[type, Sequence[Value]]] = {
    int: values.INTEGERS,
    str: values.TEXTS,
    bytes: values.OCTETS,
    bool: (True, False),
}


@dataclass(frozen=True)
class Contract:
    """What a mutation knows: a message of each method, an answer's kind, who there is to call."""

    messages: Mapping[str, Message]
    answers: Mapping[str, Message]
    callers: Sequence[str]

    @property
    def methods(self) -> list[str]:
        """Return every method, in one order."""
        return sorted(self.messages)

    def base(self, call: Call) -> Message | None:
        """Return the message that a call begins with, None for an empty one."""
        return self.messages.get(call.method if call.base == OWN else call.base)


class Mutator:
    """Draws mutations; the same of the same random numbers."""

    def __init__(self, contract: Contract, random: Random) -> None:
        self._contract, self.random = contract, random
        self._sources: dict[tuple[int, str], list[str]] = {}
        for name in contract.methods:
            for path, field in paths(contract.messages[name]):
                if not field.is_repeated or path.endswith("]"):
                    self._sources.setdefault(_sort(field), []).append(f"{name}:{path}")

    def program(self) -> Program:
        """Return a short program of nothing but what is right."""
        return Program((self._call(),))

    def mutated(self, program: Program) -> Program:
        """Return a program near another."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            program = self.random.choice(_WAYS)(self, program)
        return program

    def crossed(self, one: Program, other: Program) -> Program:
        """Return a program of the beginning of one and the end of another."""
        head = one.calls[: self.random.randint(1, len(one.calls))]
        tail = other.calls[self.random.randint(0, len(other.calls) - 1) :]
        return Program((*head, *tail)[:MAX_CALLS])

    def _call(self) -> Call:
        return Call(self.random.choice(self._contract.methods))

    def _lengthened(self, program: Program) -> Program:
        calls = list(program.calls)
        if len(calls) < MAX_CALLS:
            again = self.random.random() < 0.4
            calls.insert(
                self.random.randint(0, len(calls)), self.random.choice(calls) if again else self._call()
            )
        return Program(tuple(calls))

    def _shortened(self, program: Program) -> Program:
        calls = list(program.calls)
        if len(calls) > 1:
            del calls[self.random.randrange(len(calls))]
        return Program(tuple(calls))

    def _called_otherwise(self, program: Program) -> Program:
        return self._with(program, lambda call, _: self._otherwise(call))

    def _otherwise(self, call: Call) -> Call:
        chance = self.random.random()
        if chance < 0.4:
            return replace(call, caller=self.random.choice((OWN, *self._contract.callers)))
        if chance < 0.7:
            entry: tuple[str, str | bytes] = self.random.choice(values.ENTRIES)
            return replace(call, metadata=(*call.metadata, entry)[-4:])
        if chance < 0.8:
            return replace(call, base=self.random.choice((OWN, EMPTY, *self._contract.methods)))
        if chance < 0.84:
            return replace(call, wait=self.random.choice(values.WAITS))
        return replace(call, metadata=(), wait=0)

    def _edited(self, program: Program) -> Program:
        return self._with(program, self._one_more)

    def _unedited(self, program: Program) -> Program:
        def without(call: Call, _: int) -> Call:
            edits = list(call.edits)
            if edits:
                del edits[self.random.randrange(len(edits))]
            return replace(call, edits=tuple(edits))

        return self._with(program, without)

    def _with(self, program: Program, change: Callable[[Call, int], Call]) -> Program:
        calls = list(program.calls)
        number = self.random.randrange(len(calls))
        calls[number] = change(calls[number], number)
        return Program(tuple(calls))

    def _one_more(self, call: Call, number: int) -> Call:
        edit = self._edit(call, number)
        return call if edit is None else replace(call, edits=(*call.edits, edit)[-MAX_EDITS:])

    def _edit(self, call: Call, number: int) -> Edit | None:
        draw = self.random
        message = self._contract.base(call)
        at = [*paths(message)] if message is not None else []
        if not at or draw.random() < 0.06:
            kind = draw.choice(("octets", "cut"))
            return Edit(
                kind, value=self._octets(), place=draw.randint(0, 1000), out=draw.choice((0, 1, 2, 9))
            )
        path, field = draw.choice(at)
        ways: list[Callable[[], Edit | None]] = [
            lambda: Edit("clear", path),
            lambda: self._taking(path, field, number),
            lambda: self._taking(path, field, number),
        ]
        if field.message_type is None:
            ways += [lambda: Edit("set", path, self._value(field))] * 2
            if field.type in {FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_STRING}:
                ways += [lambda: self._damaging(path)] * 2
            if path.endswith("payload"):
                ways += [lambda: self._other_item(message, path)] * 6
        if field.is_repeated:
            ways.append(lambda: Edit("add", path, self._value(field), out=draw.choice((1, 1, 2, 20, 300))))
        return draw.choice(ways)()

    def _taking(self, path: str, field: FieldDescriptor, number: int) -> Edit | None:
        sources = self._sources.get(_sort(field), [])
        if number and self.random.random() < 0.5:
            before = self.random.randrange(number)
            sources = [f"#{before}:{each}" for each in self._answered(field)] or sources
        return Edit("take", path, self.random.choice(sources)) if sources else None

    def _answered(self, field: FieldDescriptor) -> list[str]:
        """Return the names of what answers may have of a kind."""
        return [
            path
            for answer in self._contract.answers.values()
            for path, each in paths(answer)
            if _sort(each) == _sort(field) and (not each.is_repeated or path.endswith("]"))
        ]

    def _damaging(self, path: str) -> Edit:
        draw = self.random
        place = draw.choice((0, 1000, 990, draw.randint(0, 1000)))
        return Edit("damage", path, self._octets(), place, draw.choice((0, 1, 1, 2, 8, 100_000)))

    def _other_item(self, message: Message | None, path: str) -> Edit:
        """Mostly something of the same kind, or all of it would be refused for its kind."""
        draw, number, now = self.random, 0, None
        at = None if message is None else place(message, path)
        with suppress(cbor2.CBORError, TypeError):
            found = list(items(cbor2.loads(at.value if at is not None else b"")))
            number = draw.randrange(len(found))
            array, index = found[number]
            now = array[index]
        drawn: Sequence[Value] = _OF_KIND.get(type(now), (now,) if isinstance(now, bool) else values.TEXTS)
        if draw.random() < 0.1:
            drawn = draw.choice((values.INTEGERS, values.TEXTS, values.OCTETS))
        value = draw.choice(drawn)
        if isinstance(now, int) and draw.random() < 0.5:
            value = now + draw.choice((-1000, -1, 1, 2, 365, 1000, 86_400_000))
        return Edit("item", path, value, number, draw.choice((0, 0, 0, 0, 1, 2)))

    def _octets(self) -> bytes:
        return self.random.choice((*values.OCTETS, self.random.randbytes(self.random.randint(1, 8))))

    def _value(self, field: FieldDescriptor) -> Value:
        draw = self.random
        kinds: dict[int, Callable[[], Value]] = {
            FieldDescriptor.TYPE_STRING: lambda: draw.choice(values.TEXTS),
            FieldDescriptor.TYPE_BYTES: self._octets,
            FieldDescriptor.TYPE_BOOL: lambda: draw.random() < 0.5,
            FieldDescriptor.TYPE_DOUBLE: lambda: draw.choice(values.FLOATS),
            FieldDescriptor.TYPE_FLOAT: lambda: draw.choice(values.FLOATS),
        }
        value: Any = kinds.get(field.type, lambda: draw.choice(values.INTEGERS))()
        return value  # type: ignore[no-any-return]


def _sort(field: FieldDescriptor) -> tuple[int, str]:
    """Return what may stand in one another's place."""
    return field.type, "" if field.message_type is None else field.message_type.full_name


_WAYS: Final[tuple[Callable[[Mutator, Program], Program], ...]] = (
    Mutator._edited, Mutator._edited, Mutator._edited, Mutator._edited, Mutator._unedited,
    Mutator._lengthened, Mutator._shortened, Mutator._called_otherwise,
)  # fmt: skip
