"""Every function of the project that reads what may come from outside, found by its name and its types.

A decoder is public, is called like one (`parse`, `from_bytes`, `octets_to_point`, `schema_of`, ...), and
takes octets, text or a generated message first. What else it needs is its context: a suite, a key, schemas,
numbers, names. A new decoder is found without a change here; a context of an unknown kind fails a test.
"""

import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from bbs.accumulator.key import AccumulatorKey

PACKAGES: Final = (
    "bbs", "disclosure", "tlog", "consortium", "wire", "prover", "verifier", "openid", "zkservice", "zk"
)  # fmt: skip
_READS: Final = re.compile(r"^(parse|from_|read$|read_|decode|decoded$|octets_to_)")
_CONVERTS: Final = re.compile(r"^[a-z]\w*_of$")
_NOT_DECODERS: Final = {
    # what follows reads files or addresses that the text names, or takes text of ours
    "consortium.monitor.gossip.hear_from",
    "prover.reading.reading_of",
    "zkservice.storage.reading.read_only",
    "zk.run.read_log_key",
    "verifier.registration.Registered.read",
    "verifier.documents.read",
    "tlog.keys.SigningKey.from_secret",
    # takes the name of a type first: what calls it is found by itself
    "disclosure.canonical.decode",
    # half of one: CompositeRecord.from_bytes turns whatever it raises into one refusal
    "verifier.composite.record_file.decode",
}

_ELSEWHERE: Final = re.compile(r"\.migrations|__main__|bbs\.groups\.py_ecc$")
"""Modules that run only under alembic, as programs, or that change the interpreter's limits."""
_LATE: Final = {"AccumulatorKey": AccumulatorKey}
"""What a module imports for type checkers alone."""


@dataclass(frozen=True)
class Decoder:
    """A decoder: its full name, what it takes first, and what else it demands, by name and type."""

    name: str
    call: Callable[..., Any]
    first: type
    context: Mapping[str, Any]

    def decode(self, octets: bytes, context: Mapping[str, Any]) -> Any:
        """Give it octets in the form that it takes them.

        Octets that are no text or no message of the type are refused before it, as they are for callers.
        """
        given: Any = octets
        if self.first is str:
            given = octets.decode("utf-8", "surrogateescape" if octets.isascii() else "replace")
        elif self.first is not bytes:
            given = self.first()
            try:
                given.ParseFromString(octets)
            except (DecodeError, ValueError):
                return None
        return self.call(given, **context)


@cache
def decoders() -> tuple[Decoder, ...]:
    """Return all decoders, in the order of their names."""
    found = {each.name: each for module in _modules() for each in _of(module)}
    return tuple(found[name] for name in sorted(found))


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        top = importlib.import_module(package)
        yield top
        for each in pkgutil.walk_packages(top.__path__, f"{package}."):
            if not _ELSEWHERE.search(each.name):
                yield importlib.import_module(each.name)


def _of(module: ModuleType) -> Iterator[Decoder]:
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield from _decoder(f"{module.__name__}.{name}", value)
        elif inspect.isclass(value) and not name.startswith("_"):
            for key in _own(value):
                if isinstance(inspect.getattr_static(value, key), classmethod | staticmethod):
                    yield from _decoder(f"{module.__name__}.{name}.{key}", getattr(value, key))


def _own(kind: type) -> Iterator[str]:
    """Give the names of a class and of the private ones that it is made of."""
    for each in kind.__mro__:
        if each is kind or each.__name__.startswith("_"):
            yield from vars(each)


def _decoder(name: str, call: Callable[..., Any]) -> Iterator[Decoder]:
    called = name.rpartition(".")[2]
    reads, converts = _READS.match(called), _CONVERTS.match(called)
    if name in _NOT_DECODERS or not (reads or converts):
        return
    hints = typing.get_type_hints(call, localns=_LATE)
    parameters = [*inspect.signature(call).parameters.values()]
    if not parameters:
        return
    kind = hints.get(parameters[0].name)
    if not inspect.isclass(kind):
        return
    message = issubclass(kind, Message)
    if (converts and message) or (reads and kind in (bytes, str)):
        demanded = {each.name: hints[each.name] for each in parameters[1:] if each.default is each.empty}
        yield Decoder(name, call, kind, demanded)
