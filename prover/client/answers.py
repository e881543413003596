"""Requests fetched and read with what is published; answers sent, and their receipts checked."""

import tlog
from disclosure import ExchangeLink, VerifierName, open_request
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
        return FetchedRequest(link, signed, convert.text_of(registered[request.verifier].display_name))


def directory(way: Way, request: CompositeRequest, log: tlog.Verifier) -> CompositeDirectory:
    """Read what a request is read with, and check the request; see HolderClient.directory."""
    with way.channel() as channel, checked():
        found = way.reader(channel, log).directory(request)
    check_composite_request(request, found)
    return found


def planned(
    way: Way,
    request: CompositeRequest,
    vault: Vault,
    log: tlog.Verifier,
    branch: str | None,
    report: Report,
) -> CompositePlan:
    """Plan an answer, and catch up with what it has to be caught up with; see HolderClient.plan."""
    for _ in range(_ROUNDS):
        found = plan_composite(
            request, vault.composite.contents(), directory(way, request, log), way.clock(), branch
        )
        if not found.stale:
            break
        for held in found.stale:
            catch_up_held(way, vault, held, log, report)
    return found


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
