"""The holder's clients for asyncio: what `prover.client` offers, awaited.

Everything is the blocking clients' own logic, in a thread of the client's: proving, and the vault's writes to
the disk, never hold up the loop. Calls of one client come one after the other, since they are of one vault.
A call that is cancelled ends at the service and comes back when its thread has; what the vault has stored
until then stays, and `resume` goes on with it. What asks the person may be asynchronous: pass it through
`awaiting`.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import tlog
from bbs.accumulator import Epoch
from disclosure import Accumulator
from prover.client import MAX_EPOCH_AGE, HolderClient
from prover.client.account import AccountClient
from prover.client.applications import ApplicationClient
from prover.client.consents import ConsentClient
from prover.client.deliveries import DeliveryClient
from prover.client.errands import ErrandClient
from prover.vault import utc_now
from wire.client import Endpoint
from wire.offloading import Face, Offloaded, Streamed, awaiting

__all__ = [
    "AsyncAccountClient",
    "AsyncApplicationClient",
    "AsyncConsentClient",
    "AsyncDeliveryClient",
    "AsyncErrandClient",
    "AsyncHolderClient",
    "awaiting",
]

Clock = Callable[[], dt.datetime]


def _epochs(client: HolderClient, accumulator: Accumulator, log_verifier: tlog.Verifier) -> Iterator[Epoch]:
    """Watch an accumulator's epochs, each checked to stand on the ledger; see prover.following."""
    watch = client.watch(accumulator, log_verifier)
    try:
        yield from watch
    finally:
        watch.close()


class AsyncHolderClient(Face[HolderClient]):
    """A holder at one service; see HolderClient."""

    def __init__(
        self, endpoint: Endpoint, *, clock: Clock = utc_now, max_epoch_age: dt.timedelta = MAX_EPOCH_AGE
    ) -> None:
        super().__init__(HolderClient(endpoint, clock=clock, max_epoch_age=max_epoch_age))

    claim = Offloaded(HolderClient.claim)
    fetch = Offloaded(HolderClient.fetch)
    directory = Offloaded(HolderClient.directory)
    plan = Offloaded(HolderClient.plan)
    ready = Offloaded(HolderClient.ready)
    handover_key = Offloaded(HolderClient.handover_key)
    hand_over = Offloaded(HolderClient.hand_over)
    submit = Offloaded(HolderClient.submit)
    answer = Offloaded(HolderClient.answer)
    decline = Offloaded(HolderClient.decline)
    resume = Offloaded(HolderClient.resume)
    anchor = Offloaded(HolderClient.anchor)
    rebuild = Offloaded(HolderClient.rebuild)
    catch_up = Offloaded(HolderClient.catch_up)
    catch_up_all = Offloaded(HolderClient.catch_up_all)
    catch_up_held = Offloaded(HolderClient.catch_up_held)
    watch = Streamed(_epochs)


class AsyncAccountClient(Face[AccountClient]):
    """A vault's account at one service; see AccountClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock = utc_now) -> None:
        super().__init__(AccountClient(endpoint, clock=clock))

    register = Offloaded(AccountClient.register)
    offers = Offloaded(AccountClient.offers)
    claim_all = Offloaded(AccountClient.claim_all)
    watch = Streamed(AccountClient.watch)


class AsyncApplicationClient(Face[ApplicationClient]):
    """A vault's applications and appointments at one service; see ApplicationClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock = utc_now) -> None:
        super().__init__(ApplicationClient(endpoint, clock=clock))

    apply = Offloaded(ApplicationClient.apply)
    applications = Offloaded(ApplicationClient.applications)
    cancel = Offloaded(ApplicationClient.cancel)
    appoint = Offloaded(ApplicationClient.appoint)
    appointments = Offloaded(ApplicationClient.appointments)
    end = Offloaded(ApplicationClient.end)


class AsyncConsentClient(Face[ConsentClient]):
    """A vault's standing consents at one service; see ConsentClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock = utc_now) -> None:
        super().__init__(ConsentClient(endpoint, clock=clock))

    fetch = Offloaded(ConsentClient.fetch)
    answer = Offloaded(ConsentClient.answer)
    recovered = Offloaded(ConsentClient.recovered)
    withdraw = Offloaded(ConsentClient.withdraw)
    attend = Offloaded(ConsentClient.attend)


class AsyncDeliveryClient(Face[DeliveryClient]):
    """What a vault sends and receives unasked at one service; see DeliveryClient."""

    def __init__(self, endpoint: Endpoint, *, clock: Clock = utc_now) -> None:
        super().__init__(DeliveryClient(endpoint, clock=clock))

    search = Offloaded(DeliveryClient.search)
    verifier = Offloaded(DeliveryClient.verifier)
    scanned = Offloaded(DeliveryClient.scanned)
    draft = Offloaded(DeliveryClient.draft)
    send = Offloaded(DeliveryClient.send)
    receive_by = Offloaded(DeliveryClient.receive_by)
    close = Offloaded(DeliveryClient.close)
    receive = Offloaded(DeliveryClient.receive)
    watch = Streamed(DeliveryClient.watch)


class AsyncErrandClient(Face[ErrandClient]):
    """A holder's errands at one service; see ErrandClient."""

    def __init__(
        self, endpoint: Endpoint, *, clock: Clock = utc_now, max_epoch_age: dt.timedelta = MAX_EPOCH_AGE
    ) -> None:
        super().__init__(ErrandClient(endpoint, clock=clock, max_epoch_age=max_epoch_age))

    bundles = Offloaded(ErrandClient.bundles)
    start = Offloaded(ErrandClient.start)
    begin = Offloaded(ErrandClient.begin)
    look = Offloaded(ErrandClient.look)
    follow = Streamed(ErrandClient.follow)
    wait_until_asked = Offloaded(ErrandClient.wait_until_asked)
    asked = Offloaded(ErrandClient.asked)
    submit = Offloaded(ErrandClient.submit)
    resume = Offloaded(ErrandClient.resume)
    retry = Offloaded(ErrandClient.retry)
    abandon = Offloaded(ErrandClient.abandon)
