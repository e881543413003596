"""Witnesses: caught up with what is published, and the stream that says when there is more of it.

Nothing that is sent depends on a handle: the newest epoch and whole pages are everybody's. That a vault asks
about an accumulator at all tells the service that it has a credential of that department.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Final

import bbs
import tlog
from bbs.accumulator import CatchingUp, Epoch, MembershipWitness, Page, catch_up
from disclosure import Accumulator, DepartmentName, civil_date
from prover.client.calls import Way, checked
from prover.composite.records import HeldComposite
from prover.revocation import CaughtUp, pages_between
from prover.vault import Vault
from wire.client import call, stream
from wire.published import check_epoch
from zkproto.v1 import revocation_pb2, revocation_pb2_grpc

WATCHED: Final = dt.timedelta(minutes=30)
"""For so long one stream is listened to: a connection that died without a word is replaced."""

Report = Callable[[HeldComposite, int], object]
"""Gets a credential and how many revocations are still to come; may raise to break off."""


def caught_up(
    way: Way,
    department: DepartmentName,
    witness: MembershipWitness,
    log: tlog.Verifier,
    report: Callable[[CatchingUp], object],
) -> CaughtUp:
    """Bring a witness to its accumulator's newest epoch; see HolderClient.catch_up."""
    name = str(Accumulator.of(department.department, witness.at.key).name)
    with way.channel() as channel, checked():
        stub = revocation_pb2_grpc.RevocationServiceStub(channel)
        newest = call(stub.GetEpoch, revocation_pb2.GetEpochRequest(accumulator=name))
        epoch = check_epoch(newest.octets, newest.proof, witness.at.key, log)

        def fetch(first: int, limit: int) -> Page:
            asked = revocation_pb2.ListRevocationsRequest(accumulator=name, first=first, limit=limit)
            return Page.from_octets(call(stub.ListRevocations, asked).page, key=epoch.key)

        pages = pages_between(fetch, witness.at.count, epoch.position.count)
        return CaughtUp(catch_up(witness, epoch, pages, report), epoch, newest.proof)


def followed(vault: Vault, now: dt.datetime) -> list[HeldComposite]:
    """Return the credentials whose witnesses are worth following: not revoked, and not expired."""
    return [
        each
        for each in vault.composite.credentials()
        if each.standing is not None and each.revoked is None and each.credential.expiry >= civil_date(now)
    ]


def catch_up_held(way: Way, vault: Vault, held: HeldComposite, log: tlog.Verifier, report: Report) -> None:
    """Bring a held credential's witness to the newest epoch, or write down that it is revoked.

    After each page the partial witness is stored beside the old one, so that whatever breaks it off, the next
    try goes on from there. Pages that turn out not to lead to the epoch leave the old witness only.
    """
    standing = held.standing
    if standing is None:
        return

    def paged(state: CatchingUp) -> None:
        if state.partial is not None:
            vault.composite.keep_partial(held.id, state.partial)
        report(held, state.missing)

    department = DepartmentName(standing.accumulator.name.department)
    try:
        found = caught_up(way, department, standing.beginning, log, paged)
    except bbs.VerificationError as error:
        if error.reason == bbs.Reason.REVOKED:
            vault.composite.mark_revoked(held.id)
            return
        vault.composite.keep_partial(held.id, None)
        raise
    if found.epoch != standing.epoch or standing.partial is not None:
        vault.composite.keep_witness(held.id, found.witness, found.epoch)


def catch_up_all(way: Way, vault: Vault, log: tlog.Verifier, report: Report) -> list[HeldComposite]:
    """Bring every witness to the newest epoch; return those credentials as they are then."""
    ids = set[str]()
    for held in followed(vault, way.clock()):
        catch_up_held(way, vault, held, log, report)
        ids.add(held.id)
    return [each for each in vault.composite.credentials() if each.id in ids]


class EpochWatch:
    """A stream of an accumulator's epochs, from the newest on, that any thread may close.

    Each epoch that comes has been checked to stand on the ledger. The iteration ends after a while, or raises
    ServiceError, then also when it was closed; ClientError ANSWER_INVALID; tlog.TlogError.
    """

    def __init__(self, way: Way, accumulator: Accumulator, log: tlog.Verifier) -> None:
        self._channel = way.endpoint.channel()
        self._accumulator, self._log = accumulator, log

    def __iter__(self) -> Iterator[Epoch]:
        stub = revocation_pb2_grpc.RevocationServiceStub(self._channel)
        asked = revocation_pb2.WatchEpochsRequest(accumulator=str(self._accumulator.name))
        for answer in stream(stub.WatchEpochs, asked, timeout=WATCHED):
            with checked():
                epoch = check_epoch(answer.epoch.octets, answer.epoch.proof, self._accumulator.key, self._log)
            yield epoch

    def close(self) -> None:
        """End the stream and its channel. Idempotent."""
        self._channel.close()
