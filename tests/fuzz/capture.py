"""A plugin of pytest that takes down what decoders are given while tests run: the corpus is made by it.

It replaces each decoder, wherever a module has it by name, by one that notes its input and then does the
same. Of each decoder the few shortest inputs of different lengths are kept, so that the corpus stays small.
"""

import functools
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from tests.fuzz import corpus
from tests.fuzz.finding import Decoder, decoders

_EACH: Final = 5
_MAX_OCTETS: Final = 6 << 10
_seen: Final[dict[str, dict[int, str]]] = defaultdict(dict)


def _noting(decoder: Decoder, call: Callable[..., Any], skip: int) -> Callable[..., Any]:
    names = list(decoder.context)

    @functools.wraps(call)
    def noting(*args: Any, **given: Any) -> Any:
        result = call(*args, **given)
        first, *others = args[skip:] if len(args) > skip else [None]
        together = {**dict(zip(names, others, strict=False)), **given}
        # One that was given more than it demands may have been taken only because of that.
        if first is not None and set(names) == set(together) and len(others) <= len(names):
            _note(decoder, first, together)
        return result

    return noting


def _note(decoder: Decoder, first: Any, given: dict[str, Any]) -> None:
    octets = first
    if isinstance(first, str):
        octets = first.encode()
    elif isinstance(first, Message):
        octets = first.SerializeToString()
    kept = _seen[decoder.name]
    if len(octets) not in kept and (len(octets) <= _MAX_OCTETS or all(len(octets) < each for each in kept)):
        kept[len(octets)] = corpus.line(decoder, bytes(octets), given)


def pytest_configure() -> None:
    """Wrap every decoder that is no secret's."""
    for decoder in decoders():
        if decoder.name in corpus.SECRET:
            continue
        place, _, called = decoder.name.rpartition(".")
        if place in sys.modules:
            wrapped = _noting(decoder, decoder.call, 0)
            for module in list(sys.modules.values()):
                if getattr(module, called, None) is decoder.call:
                    setattr(module, called, wrapped)
        else:
            kind = getattr(sys.modules[place.rpartition(".")[0]], place.rpartition(".")[2])
            inner = getattr(decoder.call, "__func__", decoder.call)
            setattr(kind, called, classmethod(_noting(decoder, inner, 1)))


def pytest_sessionfinish() -> None:
    """Write down what was seen, beside what was kept before."""
    corpus.FOLDER.mkdir(exist_ok=True)
    for name, kept in _seen.items():
        path = corpus.FOLDER / f"{name}.jsonl"
        before = path.read_text().splitlines() if path.exists() else []
        small = [size for size in sorted(kept) if size <= _MAX_OCTETS] or [min(kept)]
        lines = {*before, *(kept[size] for size in small[:: max(1, len(small) // _EACH)])}
        path.write_text(
            "".join(f"{each}\n" for each in sorted(lines, key=lambda each: (len(each), each))[:_EACH])
        )
