"""What a board of errands has to know after a restart, beside the records: a file for each part.

The service tells a counter those parts that it has to do something about. What was decided of the others, and
when, stands here: each file is replaced as a whole, and durable before a clerk is answered.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from disclosure import DisclosureError
from disclosure.errand import ErrandBundleName, PartName
from tlog import bounded_json
from verifier import files
from web_edge.board import Act

SETTLED: Final = frozenset({"done", "rejected"})
_FORMAT: Final = "zk-errand-decisions/v1"
_SUFFIX: Final = ".decisions"
_MOST_OCTETS: Final = 512 * 1024
"""Of a part at most a hundred things are told, each of some 1,300 octets; JSON may write more."""


@dataclass(frozen=True)
class Told:
    """An act that the holder was told, and when; or that is to be told, and since when."""

    act: Act
    time: dt.datetime


@dataclass(frozen=True)
class Noted:
    """What is noted of a part: which step of the bundle it is, how far it is since when, what was told.

    `came` is when what was submitted was verified, `record` the name of its file, `reason` the stable reason
    why something was not accepted. `intended` is an act of which nobody knows whether the service took it.
    """

    name: str
    part: str
    state: str
    since: dt.datetime
    came: dt.datetime | None = None
    record: str = ""
    reason: str = ""
    told: tuple[Told, ...] = field(default=(), repr=False)
    intended: Told | None = field(default=None, repr=False)


class Book:
    """The files of one bundle's parts, in the folder of a home's records."""

    def __init__(self, folder: Path, bundle: ErrandBundleName) -> None:
        self._folder, self._bundle = folder, bundle

    def save(self, noted: Noted) -> None:
        """Keep what is noted of a part; durable on return. OSError."""
        document = {
            "format": _FORMAT,
            "bundle": str(self._bundle),
            "name": noted.name,
            "part": noted.part,
            "state": noted.state,
            "since": noted.since.isoformat(),
            "came": None if noted.came is None else noted.came.isoformat(),
            "record": noted.record,
            "reason": noted.reason,
            "told": [_act_written(each) for each in noted.told],
            "intended": None if noted.intended is None else _act_written(noted.intended),
        }
        files.replace(self._path(noted.name), json.dumps(document, ensure_ascii=False).encode())

    def recall(self, name: str) -> Noted | None:
        """Return what is noted of a part; None where nothing is, or it cannot be read."""
        return self._read(self._path(name))

    def settled(self, most: int) -> list[Noted]:
        """Return the parts that were settled last."""
        found = sorted(self._found(), reverse=True)
        noted = [read for _, path in found[: 2 * most] if (read := self._read(path)) is not None]
        return [each for each in noted if each.state in SETTLED][:most]

    def intended(self) -> list[Noted]:
        """Return the parts with an act that may not have been told."""
        noted = (self._read(path) for _, path in self._found())
        return [each for each in noted if each is not None and each.intended is not None]

    def _found(self) -> Iterator[tuple[float, Path]]:
        for path in self._folder.glob(f"{self._bundle.bundle}@{self._bundle.version}-*{_SUFFIX}"):
            yield path.stat().st_mtime, path

    def _path(self, name: str) -> Path:
        return self._folder / f"{self._bundle.bundle}@{self._bundle.version}-{name}{_SUFFIX}"

    def _read(self, path: Path) -> Noted | None:
        try:
            document = bounded_json.loads(files.read(path, _MOST_OCTETS))
            noted = _noted(document)
            whole = (document["format"], document["bundle"]) == (_FORMAT, str(self._bundle))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, DisclosureError):
            return None
        return noted if whole and path == self._path(noted.name) else None


def _act_written(told: Told) -> dict[str, str]:
    act = told.act
    return {
        "act": str(act.id), "seen": act.seen, "state": act.state, "message": act.message,
        "document": act.document, "time": told.time.isoformat(),
    }  # fmt: skip


def _noted(document: dict[str, Any]) -> Noted:
    """Read what was written; ValueError, KeyError, TypeError for what never was."""
    part, state, record, reason = (_text(document[each]) for each in ("part", "state", "record", "reason"))
    if Path(record).name != record:
        raise ValueError("a record's name is no path")
    came, intended = document["came"], document.get("intended")
    return Noted(
        PartName(document["name"]).id, part, state, _moment(document["since"]),
        None if came is None else _moment(came), record, reason, tuple(map(_told, document["told"])),
        None if intended is None else _told(intended),
    )  # fmt: skip


def _told(document: dict[str, Any]) -> Told:
    seen, state, message, number = (
        _text(document[each]) for each in ("seen", "state", "message", "document")
    )
    return Told(Act(UUID(document["act"]), seen, state, message, number), _moment(document["time"]))


def _text(said: object) -> str:
    if not isinstance(said, str):
        raise ValueError("a text is expected")
    return said


def _moment(said: object) -> dt.datetime:
    moment = dt.datetime.fromisoformat(_text(said))
    if moment.tzinfo is None:
        raise ValueError("a moment has a zone")
    return moment
