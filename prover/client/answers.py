"""Requests fetched and read with what is published; answers sent, and their receipts checked."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import tlog
from disclosure import ExchangeLink, Reason, RefusedError, VerifierName, open_request
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    check_composite_request,
    is_composite,
    open_composite_request,
)
from prover.client.calls import Way, checked, final, verifier_of
from prover.client.witnesses import Report, catch_up_held
from prover.composite.planning import CompositePlan, plan_composite
from prover.errors import PresentingError, VaultReason
from prover.history import check_receipt
from prover.records import AnyRequest, FetchedRequest, Usage
from prover.vault import Vault
from wire import convert
from wire.client import call
from wire.composite import composite_presentation_to
from zkproto.v1 import catalog_pb2, presentation_pb2, presentation_pb2_grpc

_ROUNDS = 3
"""How often a plan is made anew because an epoch was made meanwhile."""


def fetch(way: Way, link: ExchangeLink) -> FetchedRequest:
    """Fetch a request; see HolderClient.fetch."""
    with way.channel() as channel, checked():
        message = presentation_pb2.FetchRequestRequest(exchange=link.exchange, ticket=link.ticket)
        answer = call(presentation_pb2_grpc.PresentationServiceStub(channel).FetchRequest, message)
        signed = convert.signed_request_of(answer.signed_request)
        registered = dict[VerifierName, catalog_pb2.Verifier]()

        def find_key(name: VerifierName) -> bytes:
            if name not in registered:
                registered[name] = verifier_of(channel, name)
            return registered[name].public_key

        request: AnyRequest = (
            open_composite_request(signed, find_key)
            if is_composite(signed)
            else open_request(signed, find_key)
        )
        request.check_time(way.clock())
        if isinstance(request, CompositeRequest) and request.issuance is not None:
            # What comes of it is a commitment that whoever asked could take to a department as its own.
            detail = "a request that an issuance waits for comes with an offer, and nobody signs it"
            raise RefusedError(Reason.REQUEST_INVALID, detail, field="issuance")
        if isinstance(request, CompositeRequest):
            way.opened[request.digest] = find_key(request.verifier)
        return FetchedRequest(link, signed, convert.text_of(registered[request.verifier].display_name))


def opened(fetched: FetchedRequest) -> tuple[FetchedRequest, CompositeRequest]:
    """Return a fetched request of the composite form; RefusedError COMMITMENT_INVALID for a plain one."""
    if not isinstance(fetched.request, CompositeRequest):
        detail = "the request counts no number of another holder's"
        raise RefusedError(Reason.COMMITMENT_INVALID, detail)
    return fetched, fetched.request


def directory(way: Way, request: CompositeRequest, log: tlog.Verifier) -> CompositeDirectory:
    """Read what a request is read with, and check the request; see HolderClient.directory.

    The key that a fetched one was opened under stands on the ledger as its verifier's: else whoever runs the
    service could ask in any verifier's name. What comes with an offer nobody signs.
    """
    with way.channel() as channel, checked():
        reader, key = way.reader(channel, log), way.opened.get(request.digest)
        if key is not None and reader.verifier_key(request.verifier) != key:
            detail = "the request is not signed by its verifier"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail)
        found = reader.directory(request)
    check_composite_request(request, found)
    return found


@dataclass(frozen=True)
class Planner:
    """Plans what a vault would answer.

    Between fetching a request and the person's consent nothing is read that depends on what the vault holds:
    what the newest epochs are, is asked for all that the request names.
    """

    way: Way
    vault: Vault
    log: tlog.Verifier
    max_epoch_age: dt.timedelta

    def planned(
        self, request: CompositeRequest, branch: str | None = None, pinned: Mapping[str, str] | None = None
    ) -> CompositePlan:
        """Plan an answer; see HolderClient.plan."""
        found, now = directory(self.way, request, self.log), self.way.clock()
        contents = self.vault.composite.contents()
        return plan_composite(request, contents, found, now, branch, pinned, now - self.max_epoch_age)

    def ready(self, plan: CompositePlan, report: Report) -> CompositePlan:
        """Plan the same answer anew, as of now and caught up with; see HolderClient.ready."""
        pinned = {query.id: held.id for query, held in plan.answers()}
        for _ in range(_ROUNDS):
            plan = self.planned(plan.request, plan.branch, pinned)
            if {query.id: held.id for query, held in plan.answers()} != pinned:
                detail = "a credential that was chosen is no longer in the vault"
                raise PresentingError(VaultReason.CHOICE_INVALID, detail)
            if not plan.behind:
                break
            for held in plan.behind:
                catch_up_held(self.way, self.vault, held, self.log, report)
        return plan


def submit(way: Way, usage: Usage, vault: Vault, log: tlog.Verifier) -> Usage:
    """Send the very bytes that the vault has stored; raises FinalError too."""
    message = presentation_pb2.SubmitPresentationRequest(
        exchange=usage.link.exchange,
        ticket=usage.link.ticket,
        holder_note=usage.holder_note,
        request_id=usage.request_id,
    )
    if isinstance(usage.presentation, CompositePresentation):
        message.composite_presentation.CopyFrom(
            composite_presentation_to(usage.presentation, usage.schemas.__getitem__)
        )
    else:
        message.presentation.CopyFrom(convert.presentation_to(usage.presentation, usage.schemas.__getitem__))
    with way.channel() as channel, final(lambda reason: vault.finish_usage(usage.id, reason=reason)):
        answer = call(presentation_pb2_grpc.PresentationServiceStub(channel).SubmitPresentation, message)
    with checked():
        check_receipt(usage, answer.receipt, log)
    return vault.finish_usage(usage.id, receipt=answer.receipt)
