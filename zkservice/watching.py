"""Streams that wait: few enough to leave room for other calls, woken one by one, ended with the service.

State rules: all of it is the event loop's own. Nothing here is durable, and a watcher that was not woken
looks again by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final, TypeVar

from zkservice import tenants
from zkservice.errors import ServiceError, ServiceReason

_BELLS: Final = 4
"""Watchers of one thing: whoever may watch it needs one, and there may be some that broke and linger."""

_KINDS: Final = 2
"""So many kinds of streams may be full at once."""
_SHARE: Final = 8
"""One tenant has an eighth of a kind's places, and of all."""
_FEW: Final = 16
"""Where there are few places it may have so many all the same: eight of each of two connections."""
_ALL: Final = ""
"""Stands for all kinds together."""

_Key = TypeVar("_Key")


class Watching:
    """Counts the streams of each kind, and wakes whoever waits for one thing and nobody else."""

    def __init__(self, most: int) -> None:
        self._most, self._open, self._ended = most, 0, False
        self._streams: Counter[str] = Counter()
        self._shares: Counter[tuple[str, str]] = Counter()
        self._bells: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def stream(self, kind: str, most: int | None = None, *, anybodys: bool = False) -> Iterator[None]:
        """Take one of the places for streams of a kind; ServiceError TOO_MANY_WATCHERS if all are taken.

        A kind has the share of all calls that was set at the start, and all kinds together have twice that:
        several that are full leave room for other calls. Of kinds that are `anybodys` a tenant has a share of
        either, whether it is an address or has a name: a token that leaked buys no more. Of the others each
        stream has shown that it is about something of its own. A kind with `most` places of its own, of which
        there are few, is not counted among these.
        """
        places = self._most if most is None else min(most, self._most)
        if self._streams[kind] >= places:
            raise _too_many(f"{places} streams of this kind")
        if most is not None:
            with _counted(self._streams, kind):
                yield
            return
        if self._open >= _KINDS * self._most:
            raise _too_many(f"{_KINDS * self._most} streams of all kinds")
        tenant = tenants.tenant()
        shares = anybodys and tenant != tenants.OWN
        if shares:
            self._check_share(tenant, kind)
        self._open += 1
        try:
            with _counted(self._streams, kind), self._shared(tenant, kind) if shares else nullcontext():
                yield
        finally:
            self._open -= 1

    def _check_share(self, tenant: str, kind: str) -> None:
        for part, places, what in (
            (kind, self._most, "of this kind"),
            (_ALL, _KINDS * self._most, "of all kinds"),
        ):
            share = max(_FEW, places // _SHARE)
            if self._shares[tenant, part] >= share:
                raise _too_many(f"{share} streams {what} of one address or caller")

    @contextmanager
    def _shared(self, tenant: str, kind: str) -> Iterator[None]:
        with _counted(self._shares, (tenant, kind)), _counted(self._shares, (tenant, _ALL)):
            yield

    @contextmanager
    def bell(self, key: str, most: int | None = _BELLS) -> Iterator[asyncio.Event]:
        """Give a bell that rings when something happens to `key`, and when the service ends.

        Raises ServiceError TOO_MANY_WATCHERS if four wait for `key` already, or so many as `most` says: None
        is for what is everybody's, where the places for streams are the limit.
        """
        bells = self._bells.setdefault(key, set())
        if most is not None and len(bells) >= most:
            raise _too_many(f"{most} streams for the same")
        bell = asyncio.Event()
        bells.add(bell)
        try:
            yield bell
        finally:
            bells.discard(bell)
            if not bells:
                del self._bells[key]

    def ring(self, key: str) -> None:
        """Wake whoever waits for `key`."""
        for bell in self._bells.get(key, ()):
            bell.set()

    def end(self) -> None:
        """Wake everybody; whoever waits on is told that the service ends."""
        self._ended = True
        for key in self._bells:
            self.ring(key)

    def check(self) -> None:
        """Raise ServiceError SHUTTING_DOWN once the service ends."""
        if self._ended:
            raise ServiceError(ServiceReason.SHUTTING_DOWN, "the service is shutting down")


@contextmanager
def _counted(counts: Counter[_Key], key: _Key) -> Iterator[None]:
    """Count one more, and forget what has none."""
    counts[key] += 1
    try:
        yield
    finally:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]


def _too_many(what: str) -> ServiceError:
    return ServiceError(ServiceReason.TOO_MANY_WATCHERS, f"{what} wait already; try again later")
