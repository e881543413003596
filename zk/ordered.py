"""The consortium's header that a home trusts, the node that it asks, and what both show of what it keeps."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.composite import CompositeRequest, VerifiedComposite
from ordering.claiming import Claimant
from ordering.client import Client
from ordering.errors import RefusedError, StateError
from ordering.light import fetching
from ordering.light.receipt import Ordering
from ordering.light.verifying import TRUSTING_SECONDS, OrderError, OrderReason, Trusted, advance
from ordering.state import Ordered
from tlog import Checkpoint
from verifier import keys
from verifier.across import Claims, grounds_of
from wire import ordered as paths
from zk.exits import CommandError, Exit
from zk.home import private_folder, read_file, unreadable, write_private
from zk.run import Run

if TYPE_CHECKING:
    from zk.claims.asking import RemoteClaims

_HEADER: Final = "header"
_NODE: Final = "node.json"
_LOCK: Final = "lock"
_SETTINGS: Final = ("node", "operator", "operator_key")
_LATER_SETTINGS: Final = ("claims", "claims_root")
"""What a home has only since it may claim through a service."""
CLAIMING: Final = ("operator", "operator_key", "claims", "claims_root")
"""How claims are made: what a home keeps of it."""
_KEY_OCTETS: Final = 32
_LOOK_SECONDS: Final = 0.5
ORDER_SECONDS: Final = 60.0
"""So long a verifier waits for the order unless it says otherwise."""
_FOLLOWED_AFTER: Final = 86_400
"""What is trusted moves on with what shows an order once it is so many seconds old."""


@dataclass(frozen=True)
class Pinned:
    """What is trusted, where it is asked, and how one claims: by the operator of a name, with its key's file
    at that node, or without it through the city's service, whose certificate `claims_root` has signed."""

    trusted: Trusted
    node: str = ""
    operator: str = ""
    operator_key: str = ""
    claims: str = ""
    claims_root: str = ""

    def save(self, run: Run) -> None:
        """Keep it in the home, in the place of what there is; by whom `pinning` lets in."""
        folder = run.home.consortium
        settings = {name: getattr(self, name) for name in (*_SETTINGS, *_LATER_SETTINGS)}
        write_private(folder / _NODE, json.dumps(settings).encode())
        write_private(folder / _HEADER, self.trusted.to_bytes())

    @classmethod
    def of(cls, run: Run) -> "Pinned | None":
        """Read it; None if nothing is pinned. CommandError USAGE if it is damaged."""
        folder = run.home.consortium
        if not (folder / _HEADER).exists():
            return None
        try:
            settings = json.loads((folder / _NODE).read_bytes())
            given = {name: settings[name] for name in _SETTINGS}
            given |= {name: settings[name] for name in _LATER_SETTINGS if name in settings}
            if len(settings) != len(given) or not all(isinstance(each, str) for each in given.values()):
                raise ValueError("other fields")
            return cls(Trusted.parse((folder / _HEADER).read_bytes()), **given)
        except (OSError, ValueError, KeyError, TypeError, OrderError):
            path = run.home.path
            raise CommandError(Exit.USAGE, "PROFILE_DAMAGED", "error.profile_damaged", path=path) from None

    @classmethod
    def needed(cls, run: Run) -> "Pinned":
        """Read it; CommandError KEY_NOT_TRUSTED if nothing is pinned."""
        found = cls.of(run)
        if found is None:
            raise CommandError(Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN", "error.consortium_unknown")
        return found

    def with_node(self, node: str) -> "Pinned":
        """Return it with another node if one is said; CommandError USAGE if there is none."""
        if not (node or self.node):
            raise CommandError(Exit.USAGE, "NODE_MISSING", "error.consortium_node_missing")
        return replace(self, node=node or self.node)


@contextmanager
def pinning(run: Run) -> Iterator[None]:
    """Let no other process change what is pinned while it is read, compared and written."""
    folder = run.home.consortium
    private_folder(folder)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def asking_node() -> Iterator[None]:
    """Turn what a node does not say, or refuses, into a command's exit."""
    try:
        yield
    except StateError as error:
        detail = str(error)
        raise CommandError(
            Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.consortium_node", detail=detail
        ) from None
    except RefusedError as error:
        reason = error.refusal.name
        raise CommandError(
            Exit.REFUSED, reason, "error.consortium_refused", reason=reason, detail=error.detail
        ) from None


def check_claims_url(url: str) -> None:
    """Raise CommandError USAGE unless a service is asked there over TLS, or on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    is_own = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not (parts.scheme == "https" and parts.hostname) and not is_own:
        raise CommandError(Exit.USAGE, "ADDRESS_MALFORMED", "error.claims_url", url=url)


def read_trusted(path: Path) -> Trusted:
    """Read a header that is to be trusted; OrderError if it is none, or too old to be trusted now."""
    found = Trusted.parse(read_file(path))
    check_age(found)
    return found


def check_age(trusted: Trusted) -> None:
    """Raise OrderError ORDER_TRUST_EXPIRED if a header is too old to be trusted now."""
    if seconds() >= trusted.seconds + TRUSTING_SECONDS:
        raise OrderError(OrderReason.ORDER_TRUST_EXPIRED, f"the header at {trusted.height} is too old")


def renewed(pinned: Pinned) -> Pinned:
    """Follow the node's headers to its newest one; CommandError, OrderError."""
    with asking_node(), Client(pinned.node) as client:
        steps = fetching.steps_to(
            client, pinned.trusted, max(client.height, pinned.trusted.height), seconds()
        )
        return replace(pinned, trusted=advance(pinned.trusted, steps, seconds())[0])


def seconds() -> int:
    """Return the time in seconds since 1970, by the system's clock."""
    return int(time.time())


def ordering_for(
    run: Run, pinned: Pinned, checkpoints: Sequence[Checkpoint], patience: float = 0.0
) -> Ordering | None:
    """Bring what shows that trees of one log are ordered; None if not all are within so many seconds.

    Everything was checked from the pinned header on. Raises CommandError, OrderError, tlog.TlogError,
    ServiceError.
    """
    ends = time.monotonic() + patience
    while True:
        with asking_node(), Client(pinned.node) as client:
            order = fetching.order_if_any(client, checkpoints[0].origin, pinned.trusted, seconds())
        if order is not None:
            row = _row_of(order.row)
            if max(each.size for each in checkpoints) <= row.size:
                break
        if time.monotonic() >= ends:
            return None
        time.sleep(_LOOK_SECONDS)
    with run.endpoint.channel() as channel:
        found = {each.size: paths.path(channel, each, row) or () for each in checkpoints}
    ordering = Ordering.parse(Ordering(order, found).to_bytes())  # nothing that could not be read again
    for each in checkpoints:
        ordering.check(each, pinned.trusted, seconds())
    return ordering


def _row_of(octets: bytes) -> Ordered:
    try:
        return Ordered.parse(octets)
    except RefusedError as error:
        raise OrderError(OrderReason.ORDER_ROW_INVALID, error.detail) from None


@contextmanager
def claiming(
    run: Run, across: Sequence[str], request: CompositeRequest, verified: VerifiedComposite
) -> Iterator[Claims | None]:
    """Give who claims what a policy has under `across`, for a verified answer; None if it has nothing.

    The home's header moves on with what was followed. Raises CommandError, OrderError.
    """
    if not across:
        yield None
        return
    pinned = _claiming_by(run)
    if pinned.claims:
        remote = _remote(run, pinned, request, verified, across)
        yield remote
        moved_on(run, pinned, remote.trusted)
        return
    with asking_node(), Client(pinned.node) as client:
        claimant = Claimant(client, pinned.operator, _key(Path(pinned.operator_key)), pinned.trusted)
        yield claimant
    moved_on(run, pinned, claimant.trusted)


def _remote(
    run: Run, pinned: Pinned, request: CompositeRequest, verified: VerifiedComposite, across: Sequence[str]
) -> "RemoteClaims":
    """Return who claims for an answer at the city's service, by the key of its verifier."""
    from zk.claims.asking import ClaimsService, RemoteClaims  # noqa: PLC0415, HTTP is loaded by who asks

    key = keys.load(run.home.verifier_key(request.verifier.verifier))
    root = read_file(Path(pinned.claims_root)) if pinned.claims_root else run.endpoint.root_certificate
    service = ClaimsService(pinned.claims, pinned.operator, root)
    return RemoteClaims(service, key, grounds_of(request, verified, across).values(), pinned.trusted)


def moved_on(run: Run, before: Pinned, trusted: Trusted) -> None:
    """Keep a later header that followed from what was pinned before.

    Somebody else may have pinned another one meanwhile, which this one does not follow from: it stays.
    """
    with pinning(run):
        now = Pinned.of(run) or before
        if now.trusted == before.trusted and now.trusted.height < trusted.height:
            write_private(run.home.consortium / _HEADER, trusted.to_bytes())


def followed(run: Run, before: Pinned, found: Ordering) -> Ordering:
    """Go on to the header that an order was shown under; return what shows it from there on.

    Else who only looks for orders would trust nothing any more after fourteen days. Each time would be too
    often: what shows the order of a record begins at the header that was trusted then, and shows nothing
    under a later one. So it is done once the header is a day old. Raises CommandError, OrderError.
    """
    if seconds() < before.trusted.seconds + _FOLLOWED_AFTER:
        return found
    later, _ = advance(before.trusted, found.order.steps, seconds())
    moved_on(run, before, later)
    return replace(found, order=replace(found.order, steps=found.order.steps[-1:]))


def check_claiming(run: Run, across: Sequence[str]) -> None:
    """Raise CommandError unless one could claim what a policy has under `across`, OrderError if the header
    that is trusted is too old to claim under.

    Looked at before anybody is asked: who then cannot accept would have had something disclosed for nothing.
    Where an answer is here already it is claimed all the same: so its record is left as `.pending`.
    """
    if across:
        check_age(_claiming_by(run).trusted)


def _claiming_by(run: Run) -> Pinned:
    """Return what is pinned, if one can claim by it; CommandError."""
    pinned = Pinned.needed(run)
    if not pinned.claims:
        pinned = pinned.with_node("")
    if not pinned.operator:
        raise CommandError(Exit.USAGE, "OPERATOR_MISSING", "error.consortium_operator_missing")
    if not pinned.claims:
        _key(Path(pinned.operator_key))
    return pinned


def _key(path: Path) -> Ed25519PrivateKey:
    octets = read_file(path)
    if len(octets) != _KEY_OCTETS:
        raise unreadable(path)
    return Ed25519PrivateKey.from_private_bytes(octets)
