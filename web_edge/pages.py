"""The built pages: files of one folder, read once, handed out as they are and compressed already.

What has a hash of its content in its name never changes and may be kept for ever; everything else is asked
for again, by its entity tag. Only what was in the folder when it was read exists.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from consortium.serving import plain

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}
_HASHED: Final = re.compile(r"assets/.+-[A-Za-z0-9_-]{8}\.[a-z]+")
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASKED_AGAIN: Final = "no-cache"
_NEVER: Final = re.compile(r" *[qQ]=0(?:\.0*)? *")
_MOST_FILES: Final = 2000
_MOST_OCTETS: Final = 64 << 20


class PagesError(Exception):
    """A folder that holds no built pages."""


@dataclass(frozen=True)
class _File:
    media_type: str
    forever: bool
    tag: str
    octets: bytes = field(repr=False)
    coded: dict[str, bytes] = field(repr=False)


class Pages:
    """The pages of one build."""

    def __init__(self, folder: Path) -> None:
        """Read a folder; PagesError if it has no start page, or holds more than pages."""
        if not (folder / "index.html").is_file():
            raise PagesError(f"{folder} has no built pages: run scripts/web.sh")
        paths = [each for each in sorted(folder.rglob("*")) if each.is_file() and each.suffix in _TYPES]
        if len(paths) > _MOST_FILES or sum(each.stat().st_size for each in paths) > _MOST_OCTETS:
            raise PagesError(f"{folder} holds more than pages")
        self._files = {each.relative_to(folder).as_posix(): _read(folder, each) for each in paths}

    async def answer(self, request: Request) -> Response:
        """Hand a file out; a folder is its index.html, and its address ends in a slash."""
        path = request.path_params["path"]
        name = f"{path}index.html" if path.endswith("/") or not path else path
        found = self._files.get(name)
        if found is None:
            if f"{path}/index.html" in self._files:
                return plain(308, "the address ends in a slash", {"Location": f"/{path}/"})
            return plain(404, "there is no such page")
        return _answer(found, request)


def _read(folder: Path, path: Path) -> _File:
    octets = path.read_bytes()
    beside = {coding: path.with_name(path.name + suffix) for coding, suffix in _CODINGS.items()}
    return _File(
        media_type=_TYPES[path.suffix],
        forever=_HASHED.fullmatch(path.relative_to(folder).as_posix()) is not None,
        tag=f'"{hashlib.sha256(octets).hexdigest()[:32]}"',
        octets=octets,
        coded={coding: each.read_bytes() for coding, each in beside.items() if each.is_file()},
    )


def _answer(found: _File, request: Request) -> Response:
    headers = {"Cache-Control": _FOREVER if found.forever else _ASKED_AGAIN, "ETag": found.tag}
    if found.coded:
        headers["Vary"] = "Accept-Encoding"
    if found.tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    coding = next((each for each in found.coded if _takes(request, each)), None)
    if coding is None:
        return Response(found.octets, 200, headers, found.media_type)
    return Response(found.coded[coding], 200, headers | {"Content-Encoding": coding}, found.media_type)


def _takes(request: Request, coding: str) -> bool:
    for each in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = each.partition(";")
        if name.strip().lower() == coding:
            return not _NEVER.fullmatch(weight)
    return False
