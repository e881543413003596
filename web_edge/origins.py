"""Whose requests are heard: those of this edge's own pages, under one of its own names.

A browser states in `Origin` which page a request came from and in `Host` which name it looked up. A name that
is not the edge's is refused, so that nobody's DNS can make another site's page one of this origin; a call
whose origin is not exactly this one is refused, so that other sites' pages can make none. There are no CORS
headers, and no answer to a preflight.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Origins:
    """The names under which the edge is reached, and whether it is reached over TLS."""

    names: Collection[str]
    secure: bool

    def knows(self, host: str) -> bool:
        """Tell whether a `Host` header, whatever port it names, is one of the edge's."""
        name, colon, port = host.rpartition(":")
        if not colon or not port.isascii() or not port.isdecimal():
            name = host
        return name.lower() in self.names

    def is_own(self, request: Request) -> bool:
        """Tell whether a request was made by a page of this origin, and not by another site's or by none."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        expected = f"{'https' if self.secure else 'http'}://{request.headers.get('host', '')}"
        return site == "same-origin" and request.headers.get("origin", "").lower() == expected.lower()
