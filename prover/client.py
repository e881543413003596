"""The holder's way to the service: claim, fetch, submit, and go on after a crash.

Every operation opens a channel of its own and closes it, so that nothing at the transport links two uses;
nothing that is sent says who the holder is. What the service answers is not believed: credentials are
checked under their issuer's key, requests under their verifier's, receipts under the log's key that the
caller brings.

State rules: a client keeps nothing; the vault does. What goes out is in the vault before it goes.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import grpc

import bbs
import tlog
from bbs.accumulator import CatchingUp, MembershipWitness, Page, catch_up
from disclosure import (
    Accumulator,
    Credential,
    DepartmentName,
    DisclosureError,
    ExchangeLink,
    IssuerKey,
    MalformedError,
    OfferLink,
    Schema,
    VerifierName,
    check_credential,
    check_lifetime,
    civil_date,
    open_request,
)
from prover.errors import ClientError, ContentError, PresentingError, VaultError, VaultReason
from prover.history import check_receipt
from prover.present import Consent, Plan, PreparedPresentation, consent_of, plan, present
from prover.records import Claim, FetchedRequest, HeldCredential, Usage, UsageState
from prover.revocation import CaughtUp, check_epoch, pages_between
from prover.vault import Vault, utc_now
from wire import convert
from wire.client import Endpoint, ServiceError, call
from zkproto.v1 import (
    catalog_pb2,
    catalog_pb2_grpc,
    issuance_pb2,
    issuance_pb2_grpc,
    presentation_pb2,
    presentation_pb2_grpc,
    revocation_pb2,
    revocation_pb2_grpc,
)

_FINAL: Final = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
}
"""What the service says of what was sent. Everything else says nothing of it: send the same again later."""


@dataclass(frozen=True)
class Resumed:
    """What `resume` went on with: credentials that came in, uses as they stand now."""

    credentials: tuple[HeldCredential, ...]
    usages: tuple[Usage, ...]


class HolderClient:
    """A holder at one service. `clock` gives times with a zone.

    Every method raises wire.client.ServiceError if the service refuses or is not reached; ClientError
    LINK_ELSEWHERE for a link that names another service, whose secrets are not for this one, and
    ANSWER_INVALID for an answer that no honest service gives.
    """

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._endpoint, self._clock = endpoint, clock

    def claim(self, link: OfferLink, vault: Vault) -> HeldCredential:
        """Claim an offered credential, check it, store it, and let the service forget it.

        Broken off at any point it can be called again with the same link, or be left to `resume`. Where the
        service refuses for good, the claim is given up. That the last step fails is no error: the credential
        is stored, and `resume` tells the service. Raises RefusedError SIGNATURE_INVALID and what `Vault.add`
        raises.
        """
        self._check_server(link.server)
        with _raised():
            return vault.credential(self._claim(vault.begin_claim(link), vault))

    def fetch(self, link: ExchangeLink) -> FetchedRequest:
        """Fetch the request that a link leads to.

        Returned is only one that its verifier's registered key signed and that has not ended. Raises
        RefusedError REQUEST_SIGNATURE_INVALID, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID.
        """
        self._check_server(link.server)
        with self._channel() as channel, _checked():
            message = presentation_pb2.FetchRequestRequest(exchange=link.exchange, ticket=link.ticket)
            answer = call(presentation_pb2_grpc.PresentationServiceStub(channel).FetchRequest, message)
            signed = convert.signed_request_of(answer.signed_request)
            verifier = _verifier(channel, signed.request.verifier)
            open_request(signed, lambda _: verifier.public_key).check_time(self._clock())
            return FetchedRequest(link, signed, convert.text_of(verifier.display_name))

    def submit(
        self,
        link: ExchangeLink,
        prepared: PreparedPresentation,
        vault: Vault,
        usage: Usage,
        log_verifier: tlog.Verifier,
    ) -> Usage:
        """Send a presentation that `Vault.begin_usage` has stored; return the use with its receipt.

        A refusal for good is written down as such, and raised. Whatever else goes wrong leaves the use as it
        is, to be sent again by `resume`: not reached, or a receipt that does not hold (tlog.TlogError;
        RefusedError RECEIPT_MISMATCH). Raises ContentError USAGE_MISMATCH if `usage` is not of this link and
        presentation.
        """
        if (usage.link, usage.request_id) != (link, prepared.request_id):
            raise ContentError(VaultReason.USAGE_MISMATCH, "the use was stored for something else")
        with _raised():
            return self._submit(usage, vault, log_verifier)

    def answer(
        self,
        link: ExchangeLink,
        vault: Vault,
        log_verifier: tlog.Verifier,
        agrees: Callable[[Consent], bool],
        *,
        choose: Callable[[Plan], Plan] = lambda planned: planned,
    ) -> Usage:
        """Walk the whole way: fetch, look for what fits, ask the person, prove, store, send.

        `agrees` shows a Consent and returns the person's answer; `choose` may choose among credentials.
        Raises PresentingError DECLINED (nothing was sent), NOTHING_FITS and what the steps raise.
        """
        fetched = self.fetch(link)
        planned = choose(plan(fetched.request, vault.credentials(), self._clock()))
        if not agrees(consent_of(planned, fetched.verifier_display_name)):
            raise PresentingError(VaultReason.DECLINED, "the person said no; nothing was sent")
        prepared = present(planned, vault.keys, self._clock())
        return self.submit(link, prepared, vault, vault.begin_usage(fetched, prepared), log_verifier)

    def resume(self, vault: Vault, log_verifier: tlog.Verifier) -> Resumed:
        """Go on with all claims and uses at this service that were broken off.

        A claim that is refused for good is given up, a use is written down as refused; neither is raised.
        What does not hold is left as it is, and the first such error is raised after everything else was gone
        on with. If the service is not reached, ServiceError is raised at once and what is left can be resumed
        later. Uses that are sent one right after the other can be linked by their time.
        """
        failures, claimed, settled = list[Exception](), set[str](), set[str]()
        for claim in vault.pending_claims():
            if claim.link.server == self._endpoint.server:
                with _apart(failures):
                    claimed.add(self._claim(claim, vault))
        for usage in vault.usages():
            if usage.state is UsageState.SENT and usage.link.server == self._endpoint.server:
                settled.add(usage.id)
                with _apart(failures):
                    self._submit(usage, vault, log_verifier)
        if failures:
            raise failures[0]
        return Resumed(
            tuple(each for each in vault.credentials() if each.id in claimed),
            tuple(each for each in vault.usages() if each.id in settled),
        )

    def catch_up(
        self,
        department: DepartmentName,
        witness: MembershipWitness,
        log_verifier: tlog.Verifier,
        report: Callable[[CatchingUp], object] = lambda _: None,
    ) -> CaughtUp:
        """Bring a witness, the stored one or a partial one, to its accumulator's newest epoch.

        Nothing that is sent depends on the handle. `report` gets the state after each page: whoever stores
        its `partial`, beside the old witness, can be broken off and go on from it. Whatever is raised, the
        old witness is what it was. Raises bbs.VerificationError REVOKED, once pages that lead to an epoch on
        the ledger have said so, and PAGE_INVALID if they do not: partial ones are then of no list, and are
        dropped; bbs.InputError EPOCH_MISMATCH if the service shows an older list than it did;
        tlog.TlogError if the epoch is not on the ledger.
        """
        name = str(Accumulator.of(department.department, witness.at.key).name)
        with self._channel() as channel, _checked():
            stub = revocation_pb2_grpc.RevocationServiceStub(channel)
            newest = call(stub.GetEpoch, revocation_pb2.GetEpochRequest(accumulator=name))
            epoch = check_epoch(newest.octets, newest.proof, witness.at.key, log_verifier)

            def fetch(first: int, limit: int) -> Page:
                asked = revocation_pb2.ListRevocationsRequest(accumulator=name, first=first, limit=limit)
                return Page.from_octets(call(stub.ListRevocations, asked).page, key=epoch.key)

            pages = pages_between(fetch, witness.at.count, epoch.position.count)
            return CaughtUp(catch_up(witness, epoch, pages, report), epoch, newest.proof)

    def _claim(self, claim: Claim, vault: Vault) -> str:
        """Take a claim as far as it goes; return the held credential's identifier. Raises _FinalError too."""
        with self._channel() as channel:
            stored = claim.credential or self._receive(channel, claim, vault)
            message = issuance_pb2.AcknowledgeCredentialRequest(
                offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
            )
            with suppress(ServiceError, _FinalError), _final(lambda _: vault.end_claim(claim.id)):
                call(issuance_pb2_grpc.IssuanceServiceStub(channel).AcknowledgeCredential, message)
                vault.end_claim(claim.id)
        return stored

    def _receive(self, channel: grpc.Channel, claim: Claim, vault: Vault) -> str:
        message = issuance_pb2.ClaimCredentialRequest(
            offer=claim.link.offer, claim_code=claim.link.claim_code, request_id=claim.request_id
        )
        with _final(lambda _: vault.end_claim(claim.id)):
            answer = call(issuance_pb2_grpc.IssuanceServiceStub(channel).ClaimCredential, message)
        with _checked():
            credential = convert.credential_of(answer.credential)
            schema, issuer_key = _schema(channel, credential), _issuer_key(channel, credential)
            check_credential(credential, schema, issuer_key)
            check_lifetime(credential, schema, civil_date(self._clock()))
            return vault.finish_claim(claim.id, credential, schema, issuer_key).id

    def _submit(self, usage: Usage, vault: Vault, log_verifier: tlog.Verifier) -> Usage:
        message = presentation_pb2.SubmitPresentationRequest(
            exchange=usage.link.exchange,
            ticket=usage.link.ticket,
            presentation=convert.presentation_to(usage.presentation, usage.schemas.__getitem__),
            holder_note=usage.holder_note,
            request_id=usage.request_id,
        )
        with self._channel() as channel, _final(lambda reason: vault.finish_usage(usage.id, reason=reason)):
            answer = call(presentation_pb2_grpc.PresentationServiceStub(channel).SubmitPresentation, message)
        with _checked():
            check_receipt(usage, answer.receipt, log_verifier)
        return vault.finish_usage(usage.id, receipt=answer.receipt)

    @contextmanager
    def _channel(self) -> Iterator[grpc.Channel]:
        channel = self._endpoint.channel()
        try:
            yield channel
        finally:
            channel.close()

    def _check_server(self, server: str) -> None:
        if server != self._endpoint.server:
            detail = f"the link leads to {server}, this client goes to {self._endpoint.server}"
            raise ClientError(VaultReason.LINK_ELSEWHERE, detail)


class _FinalError(Exception):
    """Carries a refusal for good, after the vault has written it down."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.reason)
        self.error = error


@contextmanager
def _final(write_down: Callable[[str], object]) -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if error.code not in _FINAL:
            raise
        write_down(error.reason)
        raise _FinalError(error) from None


@contextmanager
def _raised() -> Iterator[None]:
    try:
        yield
    except _FinalError as final:
        raise final.error from None


@contextmanager
def _apart(failures: list[Exception]) -> Iterator[None]:
    """Let one item's failure not stop the others, unless the service cannot be reached."""
    try:
        yield
    except _FinalError:
        pass
    except (DisclosureError, tlog.TlogError, VaultError) as error:
        failures.append(error)


@contextmanager
def _checked() -> Iterator[None]:
    try:
        yield
    except (MalformedError, bbs.DecodingError) as error:
        detail = f"the service's answer is malformed: {error}"
        raise ClientError(VaultReason.ANSWER_INVALID, detail) from None


def _schema(channel: grpc.Channel, credential: Credential) -> Schema:
    message = catalog_pb2.GetSchemaRequest(name=str(credential.schema))
    return convert.schema_of(call(catalog_pb2_grpc.CatalogServiceStub(channel).GetSchema, message))


def _issuer_key(channel: grpc.Channel, credential: Credential) -> IssuerKey:
    message = catalog_pb2.GetIssuerKeyRequest(name=str(credential.issuer_key))
    return convert.issuer_key_of(call(catalog_pb2_grpc.CatalogServiceStub(channel).GetIssuerKey, message))


def _verifier(channel: grpc.Channel, name: VerifierName) -> catalog_pb2.Verifier:
    message = catalog_pb2.GetVerifierRequest(name=str(name))
    verifier = call(catalog_pb2_grpc.CatalogServiceStub(channel).GetVerifier, message)
    if verifier.name != str(name):
        raise ClientError(VaultReason.ANSWER_INVALID, "the service answered with another verifier")
    return verifier
