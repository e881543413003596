"""What the chain's window is told beside the ledger: the witness policy, and what a monitor has found.

Neither is believed because it comes from here. The policy is what a person compares with one that came
another way; an alarm has its evidence beside it, which `zk ledger evidence` verifies offline, and is verified
here before it is shown at all.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from consortium.monitor.alarms import FOLDER, described
from consortium.serving import plain
from tlog import MAX_EVIDENCE_OCTETS, Evidence, Policy, TlogError

MOST_ALARMS: Final = 100
_NAME: Final = re.compile(r"[a-z0-9_-]{1,80}\.json")
_FRESH: Final = {"Cache-Control": "no-store"}
_Told = tuple[tuple[int, int] | None, dict[str, Any] | None]
"""The time and the size of a file that was read, and the alarm that it shows, if any."""


class _Evidence:
    """What the files of evidence show.

    A file is read and verified once for its name, its time and its size: whoever asks again and again has
    the edge look at the folder, and verify nothing.
    """

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def newest(self, folder: Path) -> list[dict[str, Any]]:
        """Return what the newest files show, the newest first; what shows nothing is left out."""
        files = sorted(_files(folder), key=lambda each: (-each[1].st_mtime, each[0].name))[:MOST_ALARMS]
        told = {path.name: self._known(path, found) for path, found in files}
        self._told = told  # in one step: other requests read it at the same time
        return [shown for _, shown in told.values() if shown is not None]

    def _known(self, path: Path, found: os.stat_result) -> _Told:
        state = (found.st_mtime_ns, found.st_size)
        known = self._told.get(path.name)
        if known is not None and known[0] == state:
            return known
        octets = _octets(path)
        # What could not be read is tried again: it may have been this process that could not.
        return (None, None) if octets is None else (state, _shown(path.name, octets, found))


@dataclass(frozen=True)
class Watched:
    """The policy that the window shows, and the folder of the monitor whose alarms it shows."""

    policy: Policy | None = None
    monitor: Path | None = None
    _evidence: _Evidence = field(default_factory=_Evidence, init=False, repr=False, compare=False)

    async def give_policy(self, _: Request) -> Response:
        """Hand the policy out as its file."""
        if self.policy is None:
            return plain(404, "no policy is given here")
        return Response(self.policy.to_bytes(), 200, _FRESH, "text/plain; charset=utf-8")

    async def give_alarms(self, _: Request) -> Response:
        """Tell the newest alarms, each with its evidence's name; `watched` is false without a monitor."""
        if self.monitor is None:
            return JSONResponse({"watched": False, "alarms": []}, headers=_FRESH)
        alarms = await asyncio.to_thread(self._evidence.newest, self.monitor / FOLDER)
        return JSONResponse({"watched": True, "alarms": alarms}, headers=_FRESH)

    async def give_evidence(self, request: Request) -> Response:
        """Hand out one file of evidence as it is."""
        name = request.path_params["name"]
        if self.monitor is None or not _NAME.fullmatch(name):
            return plain(404, "there is no such evidence")
        octets = await asyncio.to_thread(_octets, self.monitor / FOLDER / name)
        if octets is None:
            return plain(404, "there is no such evidence")
        headers = _FRESH | {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(octets, 200, headers, "application/json")


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for each in folder.glob("*.json") if folder.is_dir() else ():
        if _NAME.fullmatch(each.name):
            with contextlib.suppress(OSError):  # it went in between
                yield each, each.lstat()


def _shown(name: str, octets: bytes, found: os.stat_result) -> dict[str, Any] | None:
    try:
        finding = Evidence.parse(octets).verify()
    except TlogError:
        return None
    return described(finding) | {"evidence": name, "at": int(found.st_mtime)}


def _octets(path: Path) -> bytes | None:
    try:
        if path.is_symlink() or path.stat().st_size > MAX_EVIDENCE_OCTETS:
            return None
        return path.read_bytes()
    except OSError:
        return None
