"""Messages of errands as the vault's values, checked against the bundle that the person agreed to."""

from typing import Final

import grpc

import tlog
from disclosure import OfferLink
from disclosure.errand import ErrandBundle, ErrandBundleName, PartName
from prover.errands.view import ErrandState, ErrandView, PartState, PartView, Told
from prover.errors import ClientError, VaultReason
from wire import convert
from wire.client import call
from wire.errand import bundle_of
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import errand_pb2_grpc

_PART_STATES: Final = {
    pb.ERRAND_PART_STATE_WAITING: PartState.WAITING,
    pb.ERRAND_PART_STATE_ASKED: PartState.ASKED,
    pb.ERRAND_PART_STATE_SUBMITTED: PartState.SUBMITTED,
    pb.ERRAND_PART_STATE_RECEIVED: PartState.RECEIVED,
    pb.ERRAND_PART_STATE_IN_PROGRESS: PartState.IN_PROGRESS,
    pb.ERRAND_PART_STATE_DONE: PartState.DONE,
    pb.ERRAND_PART_STATE_REJECTED: PartState.REJECTED,
    pb.ERRAND_PART_STATE_ENDED: PartState.ENDED,
}
_STATES: Final = {
    pb.Errand.STATE_OPEN: ErrandState.OPEN,
    pb.Errand.STATE_SUBMITTED: ErrandState.SUBMITTED,
    pb.Errand.STATE_DONE: ErrandState.DONE,
    pb.Errand.STATE_ABANDONED: ErrandState.ABANDONED,
    pb.Errand.STATE_EXPIRED: ErrandState.EXPIRED,
}


def bundle_at(channel: grpc.Channel, name: ErrandBundleName, log: tlog.Verifier) -> ErrandBundle:
    """Return a bundle whose record stands on the ledger: nobody is shown one of his own.

    Raises MalformedError; ClientError ANSWER_INVALID; tlog.TlogError.
    """
    message = call(
        errand_pb2_grpc.ErrandServiceStub(channel).GetErrandBundle,
        pb.GetErrandBundleRequest(name=str(name)),
    )
    bundle = bundle_of(message)
    if bundle.name != name:
        raise _invalid("the service answered with another bundle")
    tlog.ProofFile.parse(message.proof).verify(bundle.entry(), log)
    return bundle


def bundles_at(channel: grpc.Channel) -> list[ErrandBundle]:
    """Return the bundles that the service lists, without proofs; MalformedError."""
    found, token = list[ErrandBundle](), ""
    while True:
        asked = pb.ListErrandBundlesRequest(page_token=token)
        page = call(errand_pb2_grpc.ErrandServiceStub(channel).ListErrandBundles, asked)
        found += map(bundle_of, page.errand_bundles)
        if not (token := page.next_page_token):
            return found


def view_of(message: pb.Errand, bundle: ErrandBundle, name: str) -> ErrandView:
    """Return the view of an errand of a name, whose parts are those of its bundle.

    Raises MalformedError; ClientError ANSWER_INVALID.
    """
    parts = [each.part for each in message.parts]
    if (message.name, message.bundle) != (name, str(bundle.name)) or parts != [
        each.part for each in bundle.counters
    ]:
        raise _invalid("the service told of another errand than it was asked for")
    if message.state not in _STATES or any(each.state not in _PART_STATES for each in message.parts):
        raise _invalid("the errand, or a part of it, is in no known state")
    return ErrandView(
        _STATES[message.state],
        tuple(_part(each) for each in message.parts),
        convert.moment_of(message.expire_time, field="expire_time"),
    )


def _part(message: pb.ErrandPartStatus) -> PartView:
    name = PartName.parse(message.name, field="name")
    return PartView(message.part, name, _PART_STATES[message.state], tuple(map(_told, message.updates)))


def _told(message: pb.ErrandUpdate) -> Told:
    if message.state not in _PART_STATES:
        raise _invalid("a counter told a state that nobody knows")
    return Told(
        _PART_STATES[message.state],
        convert.moment_of(message.time, field="time"),
        convert.text_of(message.message) if message.HasField("message") else None,
        message.document,
        OfferLink.parse(message.offer_link) if message.offer_link else None,
    )


def _invalid(detail: str) -> ClientError:
    return ClientError(VaultReason.ANSWER_INVALID, detail)
