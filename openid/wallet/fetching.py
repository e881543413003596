"""Asking an address that came from outside: one request, bounded in time and octets.

Whoever wrote a QR code chose the address, so it must not lead into the holder's own network: https only, only
to addresses of the public internet, and connected to the very address that was looked at. No redirects, no
cookies, no proxies from the environment, no compressed bodies. A development server on this machine is asked
only where the caller says so.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, NoReturn, TypeAlias

import httpx

from openid.errors import OpenIdError, OpenIdReason

CONNECT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 60.0
MAX_URL: Final = 2_048
_PORTS: Final = {"https": 443, "http": 80}
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
Resolve = Callable[[str, int], list[str]]


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host; OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


@dataclass(frozen=True)
class Answered:
    """What was answered: the status, the media type in lower case without parameters, the body."""

    status: int
    media_type: str
    body: bytes = field(repr=False)


class Fetcher:
    """Asks addresses that came from outside. Every request has a connection of its own.

    `root` has further certificate authorities to trust, in PEM; `local` allows http and https to this
    machine, for development; `inside` allows https into the own network, for an address of the caller's own.
    `resolve` finds a host's addresses.
    """

    def __init__(
        self,
        *,
        root: bytes | None = None,
        local: bool = False,
        inside: bool = False,
        resolve: Resolve = resolved,
    ) -> None:
        self._local, self._inside, self._resolve, self._root = local, inside, resolve, root
        if root is not None:
            self._context.get_ca_certs()  # says now that a root is none

    @cached_property
    def _context(self) -> ssl.SSLContext:
        made = ssl.create_default_context()
        if self._root is not None:
            try:
                made.load_verify_locations(cadata=self._root.decode("ascii"))
            except (ssl.SSLError, UnicodeError, ValueError):
                raise _refused("the root certificate is no PEM certificate") from None
        return made

    def get(self, url: str, most: int, accept: str) -> Answered:
        """Return what stands there, `most` octets at most.

        Raises OpenIdError ADDRESS_REFUSED, EDGE_UNREACHABLE, EDGE_ANSWER_INVALID; so does `post`.
        """
        return self._ask("GET", url, None, most, {"Accept": accept})

    def post(
        self,
        url: str,
        body: bytes,
        kind: str,
        most: int,
        accept: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
    ) -> Answered:
        """Post a body of a media type; return the answer."""
        return self._ask(method, url, body, most, {"Accept": accept, "Content-Type": kind, **(headers or {})})

    def check(self, url: str) -> None:
        """Raise OpenIdError ADDRESS_REFUSED unless the address may be asked, as far as it says itself."""
        self._parsed(url)

    def _parsed(self, url: str) -> httpx.URL:
        try:
            parsed = httpx.URL(url if len(url) <= MAX_URL and url.isascii() and url.isprintable() else "")
        except (httpx.InvalidURL, ValueError):
            raise _refused("it is no address") from None
        if parsed.userinfo or parsed.fragment or not parsed.host or parsed.scheme not in _PORTS:
            raise _refused("it is an address of https without name, password and fragment")
        if parsed.scheme != "https" and not self._local:
            raise _refused("only https is asked")
        return parsed

    def _ask(
        self, method: str, url: str, body: bytes | None, most: int, headers: Mapping[str, str]
    ) -> Answered:
        parsed = self._parsed(url)
        port = parsed.port or _PORTS[parsed.scheme]
        address = self._address(parsed, port)
        host = parsed.netloc.decode("ascii")
        # Connected to the address that was looked at: a name that leads elsewhere a moment later does not.
        pinned = parsed.copy_with(host=address, port=port)
        sent = {**headers, "Host": host, "Accept-Encoding": "identity", "User-Agent": "zk-disclosure"}
        ends = time.monotonic() + WHOLE_SECONDS
        try:
            with (
                httpx.Client(
                    verify=self._context if parsed.scheme == "https" else False,
                    timeout=httpx.Timeout(WHOLE_SECONDS, connect=CONNECT_SECONDS),
                    follow_redirects=False,
                    trust_env=False,
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                ) as client,
                client.stream(
                    method, pinned, content=body, headers=sent, extensions={"sni_hostname": parsed.host}
                ) as response,
            ):
                return _read(response, most, ends)
        except httpx.HTTPError as error:
            detail = f"{parsed.host} was not reached: {type(error).__name__}"
            raise OpenIdError(OpenIdReason.EDGE_UNREACHABLE, detail) from None

    def _address(self, parsed: httpx.URL, port: int) -> str:
        """Return an address of the host, once all that it has may be asked."""
        try:
            found = [
                ipaddress.ip_address(each.partition("%")[0]) for each in self._resolve(parsed.host, port)
            ]
        except (OSError, ValueError, UnicodeError):
            found = []
        if not found:
            raise OpenIdError(OpenIdReason.EDGE_UNREACHABLE, f"{parsed.host} has no address")
        for each in found:
            ends = _ends(each)
            here = self._local and all(one.is_loopback for one in ends)
            public = self._inside or all(one.is_global and not one.is_multicast for one in ends)
            if not here and not (public and parsed.scheme == "https"):
                raise _refused("the address leads to no place of the public internet")
        return str(found[0])


def _ends(address: Address) -> list[Address]:
    """Return where an address leads: to itself, or to those that it is a wrapping of."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inside = list[Address](address.teredo or ())
    if address.sixtofour is not None:
        inside.append(address.sixtofour)
    if address in _NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [address, *inside]


def _read(response: httpx.Response, most: int, ends: float) -> Answered:
    if response.headers.get("content-encoding", "identity") != "identity":
        _invalid("it came in an encoding that nobody asked for")
    if response.is_redirect:
        _invalid("it leads elsewhere, and is not followed")
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > most:
            _invalid(f"it has more than {most} octets")
        if time.monotonic() > ends:
            raise OpenIdError(OpenIdReason.EDGE_UNREACHABLE, "the answer did not end in time")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answered(response.status_code, kind, bytes(body))


def _invalid(detail: str) -> NoReturn:
    raise OpenIdError(OpenIdReason.EDGE_ANSWER_INVALID, detail)


def _refused(detail: str) -> OpenIdError:
    return OpenIdError(OpenIdReason.ADDRESS_REFUSED, detail, field="address")
