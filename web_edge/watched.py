"""What the chain's window is told beside the ledger: the witness policy, and what a monitor has found.

Neither is believed because it comes from here. The policy is what a person compares with one that came
another way; an alarm has its evidence beside it, which `zk ledger evidence` verifies offline, and is verified
here before it is shown at all.
"""

import asyncio
import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Watched:
    """The policy that the window shows, and the folder of the monitor whose alarms it shows."""

    policy: Policy | None = None
    monitor: Path | None = None

    async def give_policy(self, _: Request) -> Response:
        """Hand the policy out as its file."""
        if self.policy is None:
            return plain(404, "no policy is given here")
        return Response(self.policy.to_bytes(), 200, _FRESH, "text/plain; charset=utf-8")

    async def give_alarms(self, _: Request) -> Response:
        """Tell the newest alarms, each with its evidence's name; `watched` is false without a monitor."""
        if self.monitor is None:
            return JSONResponse({"watched": False, "alarms": []}, headers=_FRESH)
        alarms = await asyncio.to_thread(_alarms, self.monitor / FOLDER)
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


def _alarms(folder: Path) -> list[dict[str, Any]]:
    """Return what the newest files of evidence show, the newest first; what shows nothing is left out."""
    files = [each for each in folder.glob("*.json") if _NAME.fullmatch(each.name)] if folder.is_dir() else []
    newest = sorted(files, key=lambda each: (-each.stat().st_mtime, each.name))[:MOST_ALARMS]
    return [found for each in newest if (found := _told(each)) is not None]


def _told(path: Path) -> dict[str, Any] | None:
    octets = _octets(path)
    if octets is None:
        return None
    try:
        finding = Evidence.parse(octets).verify()
    except TlogError:
        return None
    return described(finding) | {"evidence": path.name, "at": int(path.stat().st_mtime)}


def _octets(path: Path) -> bytes | None:
    try:
        if path.is_symlink() or path.stat().st_size > MAX_EVIDENCE_OCTETS:
            return None
        return path.read_bytes()
    except OSError:
        return None
