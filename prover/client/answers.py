"""Requests fetched and read with what is published; answers sent, and their receipts checked."""

import datetime as dt
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grpc

import tlog
from disclosure import (
    ExchangeLink,
    LocalizedText,
    Reason,
    RefusedError,
    SignedRequest,
    VerifierName,
    open_request,
)
from disclosure.allowance import check_allowed, policy_of
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    check_composite_request,
    composite_digest,
    is_composite,
    open_composite_request,
)
from disclosure.policy import RegisteredPolicy
from prover.client.calls import Way, checked, final, logged_verifier, verifier_of
from prover.client.witnesses import Report, catch_up_held
from prover.composite.planning import CompositePlan, plan_composite
from prover.errors import PresentingError, VaultReason
from prover.history import check_receipt
from prover.records import AnyRequest, FetchedRequest
from prover.usages import Usage
from prover.vault import Vault
from wire import convert
from wire.client import ServiceError, call
from wire.composite import composite_presentation_to
from zkproto.v1 import catalog_pb2, presentation_pb2, presentation_pb2_grpc

Pair = Callable[[], str]
"""Asks the person for the code that the verifier's page shows."""
_PAIRING_REQUIRED = "PAIRING_REQUIRED"
_STILL = dt.timedelta(seconds=5)
"""What was read so lately is not read again: no request wants an epoch that is newer than itself."""
_ROUNDS = 3
"""How often a plan is made anew because an epoch was made meanwhile."""


def fetch(way: Way, link: ExchangeLink, log: tlog.Verifier, pair: Pair | None) -> FetchedRequest:
    """Fetch a request; see HolderClient.fetch. What it asks is held to its policy by `allowed`."""
    with way.channel() as channel, checked():
        answer = _handed(channel, link, pair)
        signed = convert.signed_request_of(answer.signed_request)
        name, policy = read(way, channel, log, signed, answer.verifier)
        if answer.HasField("states"):
            way.kept.told.keep(composite_digest(signed), answer.states)
        return FetchedRequest(link, signed, name, policy)


@dataclass(frozen=True)
class Brought:
    """A signed request that did not come from the service, and the way on which its answer goes back.

    `signer` is the key of whoever brought it, 32 octets: the request counts only if it is its verifier's
    registered key, so that nobody brings another's request and is sent the answer. `send` delivers a stored
    use and returns the receipt; whatever it raises leaves the use to be sent by `resume`.
    """

    signed: SignedRequest
    signer: bytes
    send: Callable[[Usage], bytes]


def fetch_brought(way: Way, link: ExchangeLink, log: tlog.Verifier, brought: Brought) -> FetchedRequest:
    """Return a request that was brought, as `fetch` returns one; raises as that does."""
    with way.channel() as channel, checked():
        name, policy = read(way, channel, log, brought.signed, signer=brought.signer)
        return FetchedRequest(link, brought.signed, name, policy)


def send_back(brought: Brought, usage: Usage, vault: Vault, log: tlog.Verifier) -> Usage:
    """Deliver a stored use on the way that its request came, and check the receipt."""
    receipt = brought.send(usage)
    with checked():
        check_receipt(usage, receipt, log)
    return vault.finish_usage(usage.id, receipt=receipt)


def read(
    way: Way,
    channel: grpc.Channel,
    log: tlog.Verifier,
    signed: SignedRequest,
    told: catalog_pb2.Verifier | None = None,
    signer: bytes | None = None,
) -> tuple[LocalizedText, RegisteredPolicy]:
    """Check a request under its verifier's registered key; return that one's name for people and the policy.

    `told` is what the service says unasked of whoever asks; with `signer` it has to be the registered key.
    The records of key and policy stand on the ledger. Raises as HolderClient.fetch does, but OVER_ASKING.
    """
    registered = dict[VerifierName, catalog_pb2.Verifier]()

    def find_key(name: VerifierName) -> bytes:
        if name not in registered:
            if told is not None and told.name == str(name):
                registered[name] = logged_verifier(told, name, log)
            else:
                registered[name] = verifier_of(channel, name, log)
        return registered[name].public_key

    request: AnyRequest = (
        open_composite_request(signed, find_key) if is_composite(signed) else open_request(signed, find_key)
    )
    if signer is not None and not hmac.compare_digest(signer, registered[request.verifier].public_key):
        detail = "who brings the request is not the verifier that it names"
        raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail)
    request.check_time(way.clock())
    if isinstance(request, CompositeRequest) and request.issuance is not None:
        # What comes of it is a commitment that whoever asked could take to a department as its own.
        detail = "a request that an issuance waits for comes with an offer, and nobody signs it"
        raise RefusedError(Reason.REQUEST_INVALID, detail, field="issuance")
    policy = way.reader(channel, log).policy(policy_of(request))
    return convert.text_of(registered[request.verifier].display_name), policy


def allowed(fetched: FetchedRequest) -> FetchedRequest:
    """Return a fetched request that asks no more than its policy allows; RefusedError OVER_ASKING."""
    check_allowed(fetched.request, fetched.policy)
    return fetched


def _handed(
    channel: grpc.Channel, link: ExchangeLink, pair: Pair | None
) -> presentation_pb2.FetchRequestResponse:
    """Have the request handed out; where the exchange takes a pairing code, with what `pair` gives."""
    method = presentation_pb2_grpc.PresentationServiceStub(channel).FetchRequest
    message = presentation_pb2.FetchRequestRequest(exchange=link.exchange, ticket=link.ticket)
    try:
        return call(method, message)
    except ServiceError as error:
        if error.reason != _PAIRING_REQUIRED or pair is None:
            raise
    message.pairing_code = pair()
    return call(method, message)


def opened(fetched: FetchedRequest) -> tuple[FetchedRequest, CompositeRequest]:
    """Return a fetched request of the composite form; RefusedError COMMITMENT_INVALID for a plain one."""
    if not isinstance(fetched.request, CompositeRequest):
        detail = "the request counts no number of another holder's"
        raise RefusedError(Reason.COMMITMENT_INVALID, detail)
    return fetched, fetched.request


def directory(
    way: Way, request: CompositeRequest, log: tlog.Verifier, *, again: bool = False
) -> CompositeDirectory:
    """Read what a request is read with, and check the request; see HolderClient.directory.

    Read `again`, for the newest epochs and the keys' states, the request itself is not checked twice: what
    the answer needs of it is when it is proven.
    """
    with way.channel() as channel, checked():
        found = way.reader(channel, log).directory(request)
    if not again:
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
        found, now = directory(self.way, request, self.log, again=pinned is not None), self.way.clock()
        contents = self.vault.composite.contents()
        return plan_composite(request, contents, found, now, branch, pinned, now - self.max_epoch_age)

    def ready(self, plan: CompositePlan, report: Report) -> CompositePlan:
        """Plan the same answer anew, as of now and caught up with; see HolderClient.ready."""
        pinned = {query.id: held.id for query, held in plan.answers()}
        if self.way.clock() - plan.now < _STILL and not plan.behind:
            return plan
        for _ in range(_ROUNDS):
            plan = self.planned(plan.request, plan.branch, pinned)
            if {query.id: held.id for query, held in plan.answers()} != pinned:
                detail = "a credential that was chosen is no longer in the vault"
                raise PresentingError(VaultReason.CHOICE_INVALID, detail)
            if not plan.behind:
                break
            for held in plan.behind:
                catch_up_held(self.way.apart, self.vault, held, self.log, report)
        return plan


def submit(way: Way, usage: Usage, vault: Vault, log: tlog.Verifier) -> Usage:
    """Send the very bytes that the vault has stored; raises FinalError too.

    Raises ContentError USAGE_MISMATCH for a part of an errand, which goes out with all of it.
    """
    message = presentation_pb2.SubmitPresentationRequest(
        exchange=usage.exchange.exchange,
        ticket=usage.exchange.ticket,
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
