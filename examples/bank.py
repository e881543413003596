"""A bank asks for the contribution base and nothing else, over the generated stubs, with a key of its own.

    python examples/bank.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER

SERVER is host:port, ROOT.pem the root of its certificate, LOG.vkey the log's key as the operator gives it,
KEY.pem the key that VERIFIER is registered with. Prints the link for the customer, then what was proven.

The calls go over the generated stubs (zkproto) and gRPC alone. What must not be written twice is imported
from the project: the types and the signing of requests (disclosure), their protobuf forms (wire.convert), the
verification of the proof and of the receipt, here and not by the service's word (verifier, tlog).
"""

import datetime as dt
import json
import sys
import uuid
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from disclosure import Directory, ExchangeLink, LocalizedText, Query, Request, VerifierName, sign_request
from tlog import Verifier
from verifier import verify_presentation
from verifier.audit import audit_receipt
from wire.convert import issuer_key_of, presentation_of, schema_of
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, presentation_pb2, presentation_pb2_grpc

SCHEMA = "departments/hrss/schemas/social_insurance@1"
USAGE = "usage: python examples/bank.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER"
ARGUMENTS = 5


def main(server: str, root: str, log_key: str, key_file: str, verifier: str) -> None:
    """Ask, wait, verify, print."""
    key = load_pem_private_key(Path(key_file).read_bytes(), None)
    channel = grpc.secure_channel(server, grpc.ssl_channel_credentials(Path(root).read_bytes()))
    catalog = catalog_pb2_grpc.CatalogServiceStub(channel)
    presentations = presentation_pb2_grpc.PresentationServiceStub(channel)

    schema = schema_of(catalog.GetSchema(catalog_pb2.GetSchemaRequest(name=SCHEMA)))
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    purpose = LocalizedText("贷款收入审核", "Checking income for a loan")
    query = Query("income", schema.name, ("base",))
    request = Request(VerifierName(verifier), purpose, (query,), now, now + dt.timedelta(minutes=10))
    signed = sign_request(request, key)  # type: ignore[arg-type]  # the file holds an Ed25519 key
    opened = presentations.CreateExchange(
        presentation_pb2.CreateExchangeRequest(
            signed_request=presentation_pb2.SignedRequest(payload=signed.payload, signature=signed.signature),
            request_id=str(uuid.uuid4()),
        )
    )
    print(ExchangeLink(server, opened.exchange.removeprefix("exchanges/"), opened.ticket), flush=True)

    watch = presentation_pb2.WatchExchangeRequest(exchange=opened.exchange, result_token=opened.result_token)
    *_, last = presentations.WatchExchange(watch)
    if last.state != presentation_pb2.WatchExchangeResponse.STATE_VERIFIED:
        sys.exit("nobody answered in time")
    presentation = presentation_of(last.presentation)
    receipt = audit_receipt(
        last.receipt, request, presentation, Verifier.from_string(Path(log_key).read_text("utf-8").strip())
    )
    issuer = str(presentation.credentials[0].shown.issuer_key)
    issuer_key = issuer_key_of(catalog.GetIssuerKey(catalog_pb2.GetIssuerKeyRequest(name=issuer)))
    directory = Directory({schema.name: schema}, {issuer_key.name: issuer_key})
    verified = verify_presentation(request, presentation, directory, dt.datetime.now(dt.UTC))
    base = verified.credential("income").values["base"]
    print(json.dumps({"base_in_fen": base, "issuer_key": issuer, "entry_index": receipt.index}))


if __name__ == "__main__":
    if len(sys.argv) != ARGUMENTS + 1:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
