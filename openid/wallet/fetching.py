"""Asking an address that came from outside: one request, bounded in time and octets.

Whoever wrote a QR code chose the address, so it must not lead into the holder's own network: https only, only
to addresses of the public internet, and connected to the very address that was looked at. No redirects, no
cookies, no proxies from the environment, no compressed bodies. A development server on this machine is asked
only where the caller says so.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, NoReturn, TypeAlias

import httpx

from openid.errors import OpenIdError, OpenIdReason

CONNECT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 60.0
MAX_URL: Final = 2_048
_PORTS: Final = {"https": 443, "http": 80}
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL: Final = tuple(
    ipaddress.ip_network(each)
    for each in ("2001::/23", "2001:db8::/32", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24")
)
"""Of IANA's special-purpose registries, whatever `is_global` of some version of Python lets through."""
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
    `resolve` finds a host's addresses. A request ends after so many `seconds`, from its connection to the
    last octet of the answer; the system's resolver has bounds of its own.
    """

    def __init__(
        self,
        *,
        root: bytes | None = None,
        local: bool = False,
        inside: bool = False,
        resolve: Resolve = resolved,
        seconds: float = WHOLE_SECONDS,
    ) -> None:
        self._local, self._inside, self._resolve, self._root = local, inside, resolve, root
        self._seconds = seconds
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
        try:
            with (
                _Deadline(self._seconds) as deadline,
                httpx.Client(
                    verify=self._context if parsed.scheme == "https" else False,
                    timeout=httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds)),
                    follow_redirects=False,
                    trust_env=False,
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
                ) as client,
                client.stream(
                    method,
                    pinned,
                    content=body,
                    headers=sent,
                    extensions={"sni_hostname": parsed.host, "trace": deadline.trace},
                ) as response,
            ):
                return _read(response, most, deadline)
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
            public = self._inside or all(_is_public(one) for one in ends)
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


def _is_public(address: Address) -> bool:
    """Tell whether it is an address of the public internet: what nobody has given out yet is none.

    NAT64's well-known prefix is passed, as a network without IPv4 needs it: what is inside is looked at too.
    """
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST and address not in _NAT64:
        return False
    special = any(address in each for each in _SPECIAL if each.version == address.version)
    return address.is_global and not address.is_multicast and not special


class _Deadline:
    """Ends a connection when its time is up, wherever it is: in a handshake, between two octets of a header.

    A timeout of the library's is for each octet that comes, so whoever sends slowly enough meets none.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._lock, self._connection, self.is_over = threading.Lock(), list[socket.socket](), False

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._connection:
                each.close()
            self._connection.clear()

    def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Take note of the connection, as httpcore's extension of this name tells of it."""
        if name == "connection.connect_tcp.complete":
            # A handle of its own: TLS takes the socket's away, and the end of either is that of both.
            with self._lock:
                self._connection.append(info["return_value"].get_extra_info("socket").dup())
            if self.is_over:
                self._end()

    def _end(self) -> None:
        self.is_over = True
        with self._lock:
            for each in self._connection:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)


def _read(response: httpx.Response, most: int, deadline: _Deadline) -> Answered:
    if response.headers.get("content-encoding", "identity") != "identity":
        _invalid("it came in an encoding that nobody asked for")
    if response.is_redirect:
        _invalid("it leads elsewhere, and is not followed")
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > most:
            _invalid(f"it has more than {most} octets")
    if deadline.is_over:  # what ended was the connection, and perhaps not the answer
        raise OpenIdError(OpenIdReason.EDGE_UNREACHABLE, "the answer did not end in time")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Answered(response.status_code, kind, bytes(body))


def _invalid(detail: str) -> NoReturn:
    raise OpenIdError(OpenIdReason.EDGE_ANSWER_INVALID, detail)


def _refused(detail: str) -> OpenIdError:
    return OpenIdError(OpenIdReason.ADDRESS_REFUSED, detail, field="address")
