"""docs/settings.md, made from the server's settings.

    python -m scripts.settings_page [--check]

With `--check` it writes nothing, and ends with 1 if the page is not what the settings say.
"""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from zkservice.config import Settings
from zkservice.keyed.settings import CheckSettings

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "settings.md"

_BEGINNING: Final = """\
# Settings

Made by `python -m scripts.settings_page` from `zkservice/config.py`; `make lint` fails where the two differ.

The first that says something counts: an argument (`zk serve --help`; most settings have none), the
environment (`ZK_` and the name in capitals, for instance `ZK_PROCESSES=1`), the file `zk.toml` in the data
folder (`processes = 1`), the default. Paths in `zk.toml` are absolute, since a service manager starts
programs anywhere. A name in `zk.toml` that is no setting is refused at the start; a variable that is none
is not, since the `zk` command has variables of its own.

## The server

"""
_CHECKING: Final = """
## A department's check service

`zk keyed serve` has a folder and a `zk.toml` of its own ([keyed.md](keyed.md)). Of the settings above count
there `dev`, `host`, `public_host`, `certificate`, `private_key`, `drain_seconds`, `max_message_octets`,
`max_concurrent_calls`, `max_connections` and `log_level`; beside them:

"""
_HEAD: Final = "| setting | type and bounds | default | meaning |\n| --- | --- | --- | --- |\n"
_OF_THE_MACHINE: Final = {
    "data": "~/.zk/server",
    "processes": "one for each core",
    "max_connections": "by the memory",
}
"""Defaults that depend on where the page is made."""
_TYPES: Final = {bool: "true or false", int: "integer", float: "number", str: "text", Path: "path"}


def page() -> str:
    """Return the whole page."""
    own = {
        name: field
        for name, field in CheckSettings.model_fields.items()
        if name not in Settings.model_fields or name == "port"
    }
    return _BEGINNING + _table(Settings.model_fields) + _CHECKING + _table(own)


def _table(fields: dict[str, FieldInfo]) -> str:
    return _HEAD + "".join(_row(name, field) for name, field in fields.items())


def _row(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"the setting {name} has no docstring")
    kind = ", ".join([_kind(field.annotation), *_bounds(field)])
    meaning = " ".join(field.description.split())
    return f"| `{name}` | {kind} | {_default(name, field)} | {meaning} |\n"


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, get_args(annotation)))
    if get_origin(annotation) in (Union, types.UnionType):
        return next(_kind(each) for each in get_args(annotation) if each is not type(None))
    return _TYPES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(field: FieldInfo) -> Iterator[str]:
    for each in field.metadata:
        if (least := getattr(each, "ge", None)) is not None:
            yield f"from {least}"
        if (most := getattr(each, "le", None)) is not None:
            yield f"to {most}"
        if (pattern := getattr(each, "pattern", None)) is not None:
            escaped = pattern.replace("|", "\\|")
            yield f"matches `{escaped}`"


def _default(name: str, field: FieldInfo) -> str:
    if name in _OF_THE_MACHINE:
        return _OF_THE_MACHINE[name]
    if field.is_required():
        return "has to be set"
    if field.default is None or field.default == "":
        return "none"
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; return the exit code."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m scripts.settings_page [--check]\n")
        return 2
    made = page()
    if not arguments:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.stderr.write("docs/settings.md is not what the settings say: python -m scripts.settings_page\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
