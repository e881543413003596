"""Pushes that the command makes: from a file or a connector, with what is kept to go on after a break."""

import csv
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from disclosure import MalformedError, Reason, Schema, SchemaName
from disclosure.written import parse_value
from zk.clients.records import Record, Subject
from zk.connectors.base import MAX_MISFITS, Misfit
from zk.exits import CommandError, Exit
from zk.home import Home, write_private
from zk.service import Required
from zk.values import parse_values

_MAX_LINE: Final = 1 << 18
_PIECE: Final = 1 << 20
_FIELDS: Final = {"record_id", "values", "person", "subject", "requires", "present"}
_COLUMNS: Final = ("record_id", "person", "subject_kind", "subject_number")
Find = Callable[[str], Schema]


class RecordFile:
    """A file of records, one a line: JSON objects (`.jsonl`), or CSV with a header.

    A line of JSON has `record_id`, `values` (attributes as they are written everywhere in the command), and
    where they apply `person`, `subject` {kind, number}, `requires` {schema, values}, `present`. CSV has the
    columns record_id, person, subject_kind, subject_number, and one for each attribute.
    """

    def __init__(self, path: Path, schema: Schema, find: Find) -> None:
        self.path, self._schema, self._find = path, schema, find
        self._shown: dict[str, Schema] = {}
        self._begin()

    def _begin(self) -> None:
        self.misfits: list[Misfit] = []
        self.misfit = self.unnamed = 0

    def digest(self) -> str:
        """Return what tells this file from another: a push goes on by places in it."""
        made = hashlib.sha256()
        with self.path.open("rb") as file:
            while piece := file.read(_PIECE):
                made.update(piece)
        return made.hexdigest()

    def read(self, first: int) -> Iterator[Record]:
        """Give the records from a place on. A line that does not fit is a misfit; if it can be named, it is
        said to be there.
        """
        self._begin()
        place = 0
        for number, found in self._lines():
            record = self._record(number, found)
            if record is not None:
                if place >= first:
                    yield record
                place += 1

    def newest(self) -> None:
        """A file is always all there is."""

    def _lines(self) -> Iterator[tuple[int, Any]]:
        if self.path.suffix == ".csv":
            with self.path.open(encoding="utf-8", newline="") as file:
                for number, row in enumerate(csv.DictReader(file), 1):
                    yield number, _of_csv(row)
            return
        with self.path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE):
                number += 1
                yield number, _of_json(line)

    def _record(self, number: int, found: Any) -> Record | None:
        record_id: bytes | None = None
        try:
            if not isinstance(found, dict) or not set(found) <= _FIELDS:
                raise MalformedError(Reason.MALFORMED, "the line is no record", field="")
            record_id = _text(found, "record_id").encode()
            if found.get("present") is True:
                return Record(record_id, None)
            values = parse_values(self._schema, _written(found.get("values"), "values"))
            return Record(record_id, values, _subject(found.get("subject")), self._identified(found))
        except MalformedError as error:
            self.misfit += 1
            self.unnamed += record_id is None
            if len(self.misfits) < MAX_MISFITS:
                self.misfits.append(Misfit(number, error.reason, error.field, record_id is not None))
        return None if record_id is None else Record(record_id, None)

    def _identified(self, found: Mapping[str, Any]) -> bytes | Required | None:
        if "person" in found:
            return _text(found, "person").encode()
        if "requires" not in found:
            return None
        required = found["requires"]
        if not isinstance(required, dict):
            raise MalformedError(Reason.MALFORMED, "it has a schema and values", field="requires")
        name = _text(required, "schema")
        if name not in self._shown:
            self._shown[name] = self._find(name)
        schema = self._shown[name]
        written = _written(required.get("values"), "requires.values")
        values = {each: parse_value(schema.attribute(each), text) for each, text in written.items()}
        return Required(schema, {each: value for each, value in values.items() if value is not None})


def _of_json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _of_csv(row: Mapping[str | None, Any]) -> dict[str, Any] | None:
    if None in row or None in row.values():
        return None
    record_id, person, kind, number = (row.get(each) or "" for each in _COLUMNS)
    found: dict[str, Any] = {"record_id": record_id}
    found |= {"person": person} if person else {}
    found |= {"subject": {"kind": kind, "number": number}} if kind or number else {}
    found["values"] = {str(name): each for name, each in row.items() if name not in _COLUMNS and each}
    return found


def _text(found: Mapping[str, Any], name: str) -> str:
    text = found.get(name)
    if not isinstance(text, str) or not 0 < len(text.encode()) <= 200:
        raise MalformedError(Reason.VALUE_INVALID, "a text of 1 to 200 octets", field=name)
    return text


def _written(found: Any, field: str) -> dict[str, str]:
    if not isinstance(found, dict):
        raise MalformedError(Reason.MALFORMED, "attributes and their values", field=field)
    written = {}
    for name, value in found.items():
        if isinstance(value, bool):
            written[name] = "true" if value else "false"
        elif isinstance(value, str | int):
            written[name] = str(value)
        else:
            raise MalformedError(
                Reason.VALUE_INVALID, "a value is a text, a number, true or false", field=name
            )
    return written


def _subject(found: Any) -> Subject | None:
    if found is None:
        return None
    if not isinstance(found, dict) or set(found) != {"kind", "number"}:
        raise MalformedError(Reason.MALFORMED, "a subject is a kind and a number", field="subject")
    if found["kind"] not in {"person", "company"}:
        raise MalformedError(Reason.VALUE_INVALID, "person or company", field="subject.kind")
    return Subject(found["kind"], _text(found, "number"))


@dataclass(frozen=True)
class KeptPush:
    """What a home keeps of a push that is not finished: its name, and of which file it is."""

    push: str
    digest: str
    path: Path = field(repr=False)

    @classmethod
    def of(cls, home: Home, schema: SchemaName, digest: str, *, resume: bool) -> "KeptPush":
        """Return the push to go on with, or a new one, kept before anything is sent. CommandError USAGE."""
        path = home.path / "pushes" / schema.department / f"{schema.item}.json"
        before = _kept(path)
        if resume and before is None:
            raise CommandError(Exit.USAGE, "PUSH_NOT_HERE", "error.push_not_here", schema=schema)
        if resume and before is not None:
            if before[1] != digest:
                raise CommandError(Exit.USAGE, "PUSH_FILE_CHANGED", "error.push_file_changed", schema=schema)
            return cls(*before, path)
        made = cls(str(uuid.uuid4()), digest, path)
        write_private(path, json.dumps({"push": made.push, "digest": digest}).encode() + b"\n")
        return made

    def forget(self) -> None:
        """The push is finished."""
        self.path.unlink(missing_ok=True)


def _kept(path: Path) -> tuple[str, str] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return str(uuid.UUID(found["push"])), str(found["digest"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=path) from None
