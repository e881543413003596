"""Whom a call is charged to: the address that it comes from, or whoever its token was seen to be.

A token that nobody has checked yet names nobody: a stranger who makes tokens up is charged by address like
every other stranger. Once a call has been let pass by its token (`proven`), further calls with the same token
are charged to the name that it stands for.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import unquote

from zkservice.errors import ServiceError, ServiceReason

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_V6_PREFIX: Final = 64
"""What one customer of a provider has at least; it may change the rest of its address at will."""
_V6_SITE: Final = 48
"""What one customer of a provider has at most."""
_HOPS: Final = 16
"""So many proxies one behind the other are looked through at most."""
_HEADER: Final = "x-forwarded-for"
_LOCAL: Final = "address/local"
OWN: Final = ""
"""The tenant of what the service does for itself."""

_Result = TypeVar("_Result")
_UNDER_WAY: Final = set[asyncio.Task[Any]]()
"""A loop alone would forget tasks that nobody waits for any more."""


def _free(_: float) -> None:
    """Charge nobody."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the limits know of a call that is served.

    `peer` is gRPC's name of the connection, `proxied` whether a trusted proxy is at its other end. `ends` is
    the moment (time.monotonic) when nobody waits for an answer any more. `hurried` is done when others need
    the place of a call that has sent no message.
    """

    tenant: str
    peer: str
    proxied: bool
    ends: float
    spend: Callable[[float], None]
    prove: Callable[[str | None], None]
    hold: Callable[[int], None]
    hurried: "asyncio.Future[None] | None" = None
    owe: Callable[[float], None] = _free


_CALL: ContextVar[Call | None] = ContextVar("zk_call", default=None)
enter = _CALL.set


def current() -> Call | None:
    """Return the call that this task serves; None for what the service does for itself."""
    return _CALL.get()


def tenant() -> str:
    """Return whom this task's work is done for."""
    call = _CALL.get()
    return OWN if call is None else call.tenant


def ends() -> float:
    """Return when nobody waits for this task's work any more (time.monotonic)."""
    call = _CALL.get()
    return float("inf") if call is None else call.ends


def spend(cost: float) -> None:
    """Charge the call that this task serves for what its message asks; ServiceError RATE_LIMITED."""
    call = _CALL.get()
    if call is not None:
        call.spend(cost)


def owe(cost: float) -> None:
    """Charge the call that this task serves for what was done already: it is never refused for that."""
    call = _CALL.get()
    if call is not None:
        call.owe(cost)


def hold(octets: int) -> None:
    """Count the octets of a message until its call has ended, or holds others; ServiceError OVERLOADED.

    A call that has held anything, or nothing, is no longer one that has sent no message.
    """
    call = _CALL.get()
    if call is not None:
        call.hold(octets)


def hurried() -> "asyncio.Future[None] | None":
    """Return what is done when others need the place of this task's call, which has sent no message."""
    call = _CALL.get()
    return None if call is None else call.hurried


def own(work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
    """Begin what goes on without its caller: the service does it for itself, whenever the call ends.

    Wait for it with asyncio.shield. As a part of the call it would be dropped once the call's time is over.
    """
    context = copy_context()
    context.run(_CALL.set, None)
    task = asyncio.get_running_loop().create_task(work, context=context)
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return task


def proven(name: str) -> None:
    """Say that the token of this task's call is that of `name`, which was checked."""
    call = _CALL.get()
    if call is not None:
        call.prove(name)


def disproven() -> None:
    """Say that the token of this task's call was refused: it stands for nobody any more."""
    call = _CALL.get()
    if call is not None:
        call.prove(None)


def out_of_time() -> ServiceError:
    """Return the refusal of what has taken longer than its caller, or the server, gives it."""
    detail = "the call took too long; what it does may be done or not: send the same again"
    return ServiceError(ServiceReason.CALL_TIMEOUT, detail)


def networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation, with commas between them; ValueError."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def address_of(
    peer: str, metadata: Sequence[tuple[str, Any]], trusted: Sequence[Network]
) -> tuple[str, bool]:
    """Return the tenant that a call's address stands for, and whether a trusted proxy handed it on.

    Behind trusted proxies that is the right-most address of `x-forwarded-for` that is no trusted proxy's: all
    that stands left of it was written by strangers. From anybody else the header counts for nothing.
    """
    address = address_of_peer(peer)
    if address is None:
        return _LOCAL, False
    if not trusted or not _is_in(address, trusted):
        return _tenant(address), False
    for text in reversed(_forwarded(metadata)):
        try:
            address = plain(ipaddress.ip_address(text))
        except ValueError:  # whoever was trusted last is charged for what it hands on
            break
        if not _is_in(address, trusted):
            break
    return _tenant(address), True


def is_forwarded(metadata: Sequence[tuple[str, Any]]) -> bool:
    """Tell whether a call says that a proxy handed it on."""
    return any(name == _HEADER for name, _ in metadata)


def _forwarded(metadata: Sequence[tuple[str, Any]]) -> list[str]:
    given = [str(value) for name, value in metadata if name == _HEADER]
    return [each.strip() for each in ",".join(given).rsplit(",", _HOPS)[-_HOPS:]] if given else []


@lru_cache(4096)
def address_of_peer(peer: str) -> Address | None:
    """Read gRPC's name of a connection: ipv4:192.0.2.1:4000, ipv6:%5B2001:db8::1%5D:4000."""
    kind, _, rest = unquote(peer).partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return None
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        return plain(ipaddress.ip_address(host))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, on a socket that takes both."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address.version == each.version and address in each for each in trusted)


@lru_cache(4096)
def _tenant(address: Address) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return f"address/{ipaddress.ip_network((address, _V6_PREFIX), strict=False)}"
    return f"address/{address}"


@lru_cache(4096)
def site_of(tenant: str) -> str | None:
    """Return the network that an IPv6 tenant is a part of, since one customer may have all of it."""
    address = tenant.removeprefix("address/")
    if ":" not in address or address == tenant:
        return None
    return str(ipaddress.ip_network(address).supernet(new_prefix=_V6_SITE))
