"""YAML from outside, read strictly: bounded, plain data only, no key twice, no references that blow up.

Reading checks syntax only; what the data mean is checked by the model that takes them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.composer import Composer

MAX_OCTETS: Final = 1 << 20
MAX_DEPTH: Final = 16


class YamlError(ValueError):
    """A file that cannot be read as this project reads YAML; the text names the place and never the data."""


if TYPE_CHECKING or not yaml.__with_libyaml__:
    _Loader = yaml.SafeLoader
else:

    class _Loader(Composer, yaml.CSafeLoader):
        """SafeLoader over libyaml's events: several times as fast, and nodes are still composed here."""

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)


class _Strict(_Loader):
    """SafeLoader without anchors, without repeated keys, and without the depth that its time grows with."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(f"line {event.start_mark.line + 1}: no anchors and references here")
        if self._depth == MAX_DEPTH:
            raise YamlError(f"line {event.start_mark.line + 1}: nested too deeply")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for position, key in enumerate(keys):
            if not isinstance(key, str):
                raise YamlError(f"line {node.start_mark.line + 1}: a key is text")
            if key in keys[:position]:
                raise YamlError(f"line {node.start_mark.line + 1}: a key stands there twice")
        return super().construct_mapping(node, deep)


class _Text(_Strict):
    """The same with every scalar as the text that stands there."""

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return "tag:yaml.org,2002:str"
        return super().resolve(kind, value, implicit)  # type: ignore[no-any-return, no-untyped-call]


def parse(octets: bytes, *, text_only: bool = False) -> object:
    """Parse one document; with `text_only` every scalar is a text. Raises YamlError."""
    if len(octets) > MAX_OCTETS:
        raise YamlError(f"more than {MAX_OCTETS} octets")
    try:
        return yaml.load(octets.decode(), _Text if text_only else _Strict)  # noqa: S506
    except UnicodeDecodeError:
        raise YamlError("the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(f"line {line}: not YAML") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, YamlError):
            raise
        raise YamlError("not YAML") from None


def load(path: Path, *, text_only: bool = False) -> object:
    """Read a file as `parse` does; also raises OSError."""
    with path.open("rb") as file:
        return parse(file.read(MAX_OCTETS + 1), text_only=text_only)
