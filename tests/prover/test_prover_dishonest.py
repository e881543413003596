"""The client against a service that answers what no honest one does: real gRPC and TLS, made-up answers."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from disclosure import ExchangeLink, OfferLink, RefusedError
from disclosure.registry import verifier_entry
from prover import ClientError, UsageState, Vault, plan, present
from prover.client import HolderClient
from prover.records import FetchedRequest
from tests.prover.conftest import Reopen
from tests.prover.making import (
    LOG_KEY,
    NOW,
    POLICY,
    RESIDENCE,
    SCHOOL,
    VERIFIER,
    VERIFIER_KEY,
    fetched,
    insurance,
    logged,
    receipt_of,
    refused,
    request,
    residence,
)
from tlog import TlogError
from wire import convert
from wire.client import Endpoint
from wire.policy import policy_to
from zkproto.v1 import attribute_pb2, catalog_pb2, issuance_pb2, presentation_pb2
from zkservice.config import Settings
from zkservice.tls import server_credentials

SIGNED = convert.signed_request_to(fetched(request()).signed_request)
CREDENTIAL = convert.credential_to(residence().credential, RESIDENCE)
VERIFIER_MESSAGE = catalog_pb2.Verifier(
    name=str(VERIFIER),
    display_name=convert.text_to(SCHOOL),
    public_key=VERIFIER_KEY.public_key().public_bytes_raw(),
)
VERIFIER_MESSAGE.proof = logged(verifier_entry(VERIFIER, VERIFIER_MESSAGE.public_key))


POLICY_MESSAGE = policy_to(POLICY)
POLICY_MESSAGE.proof = logged(POLICY.entry())


class Liar(grpc.GenericRpcHandler):
    """Answers each method with whatever a test put there for it; honest at first."""

    def __init__(self) -> None:
        self.answers: dict[str, Message] = {
            "GetSchema": convert.schema_to(RESIDENCE),
            "GetIssuerKey": convert.issuer_key_to(residence().issuer_key),
            "GetVerifier": VERIFIER_MESSAGE,
            "GetPolicy": POLICY_MESSAGE,
            "GetOffer": issuance_pb2.Offer(schema=str(RESIDENCE.name)),
            "ClaimCredential": issuance_pb2.ClaimCredentialResponse(credential=CREDENTIAL),
            "AcknowledgeCredential": issuance_pb2.AcknowledgeCredentialResponse(),
            "FetchRequest": presentation_pb2.FetchRequestResponse(signed_request=SIGNED),
            "SubmitPresentation": presentation_pb2.SubmitPresentationResponse(),
        }

    def service(self, handler_call_details: Any) -> Any:
        answer = self.answers[handler_call_details.method.rpartition("/")[2]]
        return grpc.unary_unary_rpc_method_handler(lambda request, context: answer.SerializeToString())


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    folder = tmp_path_factory.mktemp("tls")
    wanted: dict[str, Any] = {"data": folder, "dev": True}
    return (folder, *server_credentials(Settings(**wanted), dt.datetime.now(dt.UTC)))


@pytest.fixture
def liar() -> Liar:
    return Liar()


@pytest.fixture
def client(liar: Liar, credentials: tuple[Path, bytes, bytes]) -> Iterator[HolderClient]:
    folder, key, chain = credentials
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((liar,))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
    server.start()
    yield HolderClient(Endpoint.at(f"localhost:{port}", folder / "ca.pem"), clock=lambda: NOW)
    server.stop(None).wait()


def answer(receipt: bytes) -> Message:
    return presentation_pb2.SubmitPresentationResponse(receipt=receipt)


def offer(client: HolderClient) -> OfferLink:
    return OfferLink(client._way.endpoint.server, "offer", "code")


def exchange(client: HolderClient) -> ExchangeLink:
    return ExchangeLink(client._way.endpoint.server, "exchange", "ticket")


def test_it_answers_honestly_where_nothing_is_changed(client: HolderClient, vault: Vault) -> None:
    assert client.claim(offer(client), vault, LOG_KEY).credential == residence().credential
    assert client.fetch(exchange(client), LOG_KEY).request == request()


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("ClaimCredential", issuance_pb2.ClaimCredentialResponse()),
        ("GetSchema", catalog_pb2.Schema()),
        ("GetIssuerKey", catalog_pb2.IssuerKey()),
    ],
)
def test_a_malformed_credential_is_not_kept(
    client: HolderClient, liar: Liar, vault: Vault, reopen: Reopen, method: str, answer: Message
) -> None:
    honest, liar.answers[method] = liar.answers[method], answer
    refused(ClientError, "ANSWER_INVALID", client.claim, offer(client), vault, LOG_KEY)
    assert reopen().credentials() == []
    liar.answers[method] = honest
    assert len(client.resume(reopen(), LOG_KEY).credentials) == 1


def test_another_credential_than_was_signed_is_not_kept(
    client: HolderClient, liar: Liar, vault: Vault
) -> None:
    changed = issuance_pb2.ClaimCredentialResponse(credential=CREDENTIAL)
    changed.credential.expiry.year += 1
    liar.answers["ClaimCredential"] = changed
    refused(RefusedError, "SIGNATURE_INVALID", client.claim, offer(client), vault, LOG_KEY)
    liar.answers["GetSchema"] = convert.schema_to(insurance().schema)
    refused(RefusedError, "SCHEMA_UNKNOWN", client.claim, offer(client), vault, LOG_KEY)
    assert vault.credentials() == []


def test_a_credential_under_another_schema_of_its_name_is_not_kept(
    client: HolderClient, liar: Liar, vault: Vault
) -> None:
    """Once the service is honest again, the same claim goes on."""
    link = offer(client)
    liar.answers["GetSchema"] = convert.schema_to(
        replace(RESIDENCE, validity_days=RESIDENCE.validity_days + 1)
    )
    refused(RefusedError, "SIGNATURE_INVALID", client.claim, link, vault, LOG_KEY)
    refused(RefusedError, "SIGNATURE_INVALID", client.resume, vault, LOG_KEY)
    assert vault.credentials() == []
    assert [each.link for each in vault.pending_claims()] == [link]
    liar.answers["GetSchema"] = convert.schema_to(RESIDENCE)
    assert len(client.resume(vault, LOG_KEY).credentials) == 1


def test_a_request_that_was_changed_is_not_shown(client: HolderClient, liar: Liar) -> None:
    liar.answers["FetchRequest"] = presentation_pb2.FetchRequestResponse()
    refused(ClientError, "ANSWER_INVALID", client.fetch, exchange(client), LOG_KEY)
    other = presentation_pb2.SignedRequest(
        payload=request(nonce=b"n" * 32).canonical, signature=SIGNED.signature
    )
    liar.answers["FetchRequest"] = presentation_pb2.FetchRequestResponse(signed_request=other)
    refused(RefusedError, "REQUEST_SIGNATURE_INVALID", client.fetch, exchange(client), LOG_KEY)


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        (catalog_pb2.Verifier(name="verifiers/bank"), ClientError, "ANSWER_INVALID"),
        (catalog_pb2.Verifier(public_key=bytes(32)), TlogError, "INCLUSION_INVALID"),
        (catalog_pb2.Verifier(public_key=b"short"), TlogError, "INCLUSION_INVALID"),
        (
            catalog_pb2.Verifier(display_name=attribute_pb2.LocalizedText(zh="\u202e", en="x")),
            ClientError,
            "ANSWER_INVALID",
        ),
    ],
)
def test_a_verifier_that_is_another_is_not_shown(
    client: HolderClient, liar: Liar, change: catalog_pb2.Verifier, kind: type[Exception], reason: str
) -> None:
    changed = catalog_pb2.Verifier()
    changed.CopyFrom(VERIFIER_MESSAGE)
    changed.MergeFrom(change)
    liar.answers["GetVerifier"] = changed
    refused(kind, reason, client.fetch, exchange(client), LOG_KEY)


def test_an_old_request_is_not_shown(client: HolderClient) -> None:
    late = HolderClient(client._way.endpoint, clock=lambda: request().expires)
    refused(RefusedError, "REQUEST_EXPIRED", late.fetch, exchange(client), LOG_KEY)


def test_a_receipt_for_something_else_is_not_believed(
    client: HolderClient, liar: Liar, vault: Vault, reopen: Reopen
) -> None:
    link = exchange(client)
    for number in (1, 2):
        made = present(
            plan(request(nonce=bytes([number]) * 32), [residence(), insurance()], NOW), vault.keys, NOW
        )
        signed = fetched(made.request).signed_request
        vault.begin_usage(FetchedRequest(link, signed, SCHOOL, POLICY), made)
    one, two = vault.usages()
    with pytest.raises(TlogError):
        client.resume(vault, LOG_KEY)
    liar.answers["SubmitPresentation"] = answer(receipt_of(two))
    refused(RefusedError, "RECEIPT_MISMATCH", client.resume, vault, LOG_KEY)
    states = {each.id: each.state for each in reopen().usages()}
    assert states == {one.id: UsageState.SENT, two.id: UsageState.ANSWERED}
    liar.answers["SubmitPresentation"] = answer(receipt_of(one))
    assert [each.id for each in client.resume(reopen(), LOG_KEY).usages] == [one.id]
