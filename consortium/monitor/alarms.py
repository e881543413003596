"""Alarms: each finding once, its evidence in a file before anybody is told.

The file is durable before the store has the alarm, and the store has it before the operator is told; what was
not told when the process ended is told by the next. A key that is convicted of a kind of fault is not accused
of it again each second that it goes on: the first file convicts it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from consortium import durable
from consortium.errors import ConsortiumError, Reason
from consortium.monitor.store import MonitorStore
from tlog import Evidence, Finding, Grade, Observation, Signer, TlogError, Verifier, What, accusing

FOLDER: Final = "alarms"

_USER: Final = re.compile(r"^([A-Za-z0-9+.-]*://)?[^/?#]*@")


@dataclass(frozen=True)
class Alarm:
    """What the operator is told: the finding's own words, and the file of its evidence."""

    name: str
    data: dict[str, Any]

    @property
    def grade(self) -> Grade:
        """How much is shown."""
        return Grade(self.data["grade"])


class Alarms:
    """Raises alarms into a folder and a store."""

    def __init__(
        self, folder: Path, store: MonitorStore, signer: Signer, tell: Callable[[Alarm], None]
    ) -> None:
        self._folder, self._store, self._signer, self._tell = folder / FOLDER, store, signer, tell

    def tell_untold(self) -> None:
        """Tell what an earlier process may have kept and not told."""
        for name, line in self._store.untold():
            self._tell(Alarm(name, json.loads(line)))
            self._store.told(name)

    def accuse(self, evidence: Evidence, known: Collection[Verifier], now: int) -> bool:
        """Raise an alarm once, if the evidence convinces; tell whether it does."""
        try:
            finding = Evidence.parse(evidence.to_bytes()).verify(known)
        except TlogError:
            return False
        self._raise(_name_of(finding), evidence, finding, now)
        return True

    def observe(self, what: What, about: Verifier, source: str, detail: str, *, since: int, now: int) -> None:
        """Say what was seen and cannot be proven: once for each time that it began."""
        shown = shown_url(source)
        name = _digest(what.value, str(about), shown, str(since))
        if self._store.has_alarm(name):
            return
        seen = Observation(what, about, now, shown[:400], detail.replace(source, shown)[:400])
        evidence = accusing.observed(seen, self._signer)
        self._raise(name, evidence, evidence.verify(), now)

    def _raise(self, name: str, evidence: Evidence, finding: Finding, now: int) -> None:
        if self._store.has_alarm(name):
            return
        file = self._folder / f"{finding.kind.value.lower()}-{name[:16]}.json"
        _write(file, evidence.to_bytes())
        data = described(finding) | {"file": str(file), "at": now}
        self._store.keep_alarm(name, json.dumps(data, ensure_ascii=False), now)
        self._tell(Alarm(name, data))
        self._store.told(name)


def shown_url(url: str) -> str:
    """Return a URL without the name and the password that may stand in it: others read what is alarmed."""
    return _USER.sub(r"\1", url)


def described(finding: Finding) -> dict[str, Any]:
    """Return a finding for a JSON document."""
    return {
        "kind": finding.kind.value,
        "fault": finding.fault.value,
        "grade": finding.grade.value,
        "origin": finding.origin,
        "accused": list(map(str, finding.accused)),
        "concerned": list(map(str, finding.concerned)),
        "word_of": list(map(str, finding.word_of)),
        "parts": dict(finding.parts),
    }


def _name_of(finding: Finding) -> str:
    """Return what tells a finding from others: of a proven one who is accused of what, and not how often."""
    parts = [finding.kind.value, finding.origin, *map(str, finding.accused)]
    if finding.grade is not Grade.PROVEN:
        parts += [str(finding.parts.get("index", "")), *map(str, finding.word_of)]
    return _digest(*parts)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _write(path: Path, octets: bytes) -> None:
    """Write a file whole and durable; ConsortiumError STORE_FAILED."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.write(path, octets)
    except OSError as error:
        detail = f"{path.name} cannot be written ({error.strerror})"
        raise ConsortiumError(Reason.STORE_FAILED, detail) from None
