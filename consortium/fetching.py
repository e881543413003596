"""Asking another operator's server: one request, bounded in time and octets, answered or refused with a
reason.

No redirects, no cookies, no proxies from the environment. Compressed bodies are taken where `get` asks, since
static logs may send nothing else, and unpacked no further than the bound. Whoever answers may be slow, silent
or hostile; that is the caller's ordinary case and raises SourceError and nothing else.
"""

import asyncio
import ssl
import zlib
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Final, Self

import httpx

from consortium.errors import Reason, SourceError

CONNECT_SECONDS: Final = 2.0
WHOLE_SECONDS: Final = 5.0
_CONNECTIONS: Final = 64
_FRAMING: Final = 1024
"""What gzip may add to octets that cannot be compressed, and more."""
_GZIP_BITS: Final = 16 + zlib.MAX_WBITS


class Fetcher:
    """Connections to other operators, kept open between requests. Belongs to one event loop."""

    def __init__(
        self, *, root: bytes | None = None, connect: float = CONNECT_SECONDS, whole: float = WHOLE_SECONDS
    ) -> None:
        """Trust the system's roots, or only `root` (PEM); give up after so many seconds.

        Raises SourceError ROOT_INVALID.
        """
        self._whole = whole
        self._client = httpx.AsyncClient(
            verify=_context(root),
            timeout=httpx.Timeout(whole, connect=connect),
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
            follow_redirects=False,
            trust_env=False,
            # What one operator's server says must not come back to it, nor fill memory over months.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def get(self, url: str, most: int) -> bytes:
        """Return what stands at a URL, `most` octets of it at most.

        Raises SourceError UNREACHABLE, TIMED_OUT, NOT_FOUND, STATUS_UNEXPECTED, TOO_LARGE, ANSWER_MALFORMED,
        URL_INVALID.
        """
        status, body = await self._asked("GET", url, None, most)
        if status in (404, 410):
            raise SourceError(Reason.NOT_FOUND, f"{url} is not there")
        if status != 200:
            raise SourceError(Reason.STATUS_UNEXPECTED, f"{url} was answered with {status}")
        return body

    async def post(self, url: str, body: bytes, most: int) -> tuple[int, bytes]:
        """Return the status and the body of the answer to a POST; raises as `get` does but for statuses."""
        return await self._asked("POST", url, body, most)

    async def _asked(self, method: str, url: str, body: bytes | None, most: int) -> tuple[int, bytes]:
        accepted = "gzip, identity" if body is None else "identity"
        try:
            if httpx.URL(url).userinfo:  # what follows is said with the URL, to whom it may concern
                raise SourceError(Reason.URL_INVALID, "a URL with a name or a password is not asked")
            async with (
                asyncio.timeout(self._whole),
                self._client.stream(
                    method, url, content=body, headers={"Accept-Encoding": accepted}
                ) as response,
            ):
                return response.status_code, await _read(response, url, most)
        except (TimeoutError, httpx.TimeoutException):
            raise SourceError(Reason.TIMED_OUT, f"{url} did not answer in time") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError, ValueError):
            raise SourceError(Reason.URL_INVALID, "the URL cannot be asked") from None
        except (httpx.HTTPError, OSError) as error:
            raise SourceError(Reason.UNREACHABLE, f"{url}: {type(error).__name__}") from None


def _context(root: bytes | None) -> ssl.SSLContext:
    if root is None:
        return ssl.create_default_context()
    if not root:
        # Python takes an empty text for none, and would trust the system's roots instead of nobody.
        raise SourceError(Reason.ROOT_INVALID, "the root certificate is empty")
    try:
        return ssl.create_default_context(cadata=root.decode("ascii"))
    except (ssl.SSLError, UnicodeError, ValueError):
        raise SourceError(Reason.ROOT_INVALID, "the root certificate is no PEM certificate") from None


async def _read(response: httpx.Response, url: str, most: int) -> bytes:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding not in ("identity", "gzip") or (encoding == "gzip" and response.request.method != "GET"):
        raise SourceError(Reason.ANSWER_MALFORMED, f"{url} came in an encoding that nobody asked for")
    unpacking = zlib.decompressobj(_GZIP_BITS) if encoding == "gzip" else None
    sent, body = 0, bytearray()
    async for piece in response.aiter_raw():
        sent += len(piece)
        # One octet beyond the bound is asked for and no more, so that a small body cannot unpack into a huge
        # one; what it would take to hold the rest is never allocated.
        body += piece if unpacking is None else _unpacked(unpacking, piece, most + 1 - len(body), url)
        if len(body) > most or sent > most + _FRAMING:
            raise SourceError(Reason.TOO_LARGE, f"{url} has more than {most} octets")
    if unpacking is not None and (not unpacking.eof or unpacking.unused_data):
        raise SourceError(Reason.ANSWER_MALFORMED, f"{url} is not compressed as it says")
    return bytes(body)


def _unpacked(unpacking: "zlib._Decompress", piece: bytes, most: int, url: str) -> bytes:
    try:
        return unpacking.decompress(piece, most)
    except zlib.error:
        raise SourceError(Reason.ANSWER_MALFORMED, f"{url} is not compressed as it says") from None
