"""A bank asks whether a customer may have a loan, over the generated stubs, with a key of its own.

    python examples/bank.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER RECORD.json

SERVER is host:port, ROOT.pem the root of its certificate, LOG.vkey the log's key as the operator gives it,
KEY.pem the key that VERIFIER is registered with. Prints the link for the customer, then what was proven; what
it takes to check that for years goes to RECORD.json.

The calls of a presentation go over the generated stubs (zkproto) and gRPC alone. What must not be written
twice is imported from the project: what policies/loan.yaml asks, as a request with the tables, keys and
epochs that it is read with (verifier), its signing (disclosure), and the verification of proof and receipt,
here and not by the service's word.
"""

import datetime as dt
import json
import sys
import uuid
from pathlib import Path

import grpc
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from disclosure import ExchangeLink, VerifierName, sign_request
from disclosure.composite import verify_composite
from tlog import Verifier
from verifier import (
    CompositePolicy,
    CompositeRecord,
    audit_receipt,
    check_composite_policy,
    load_policy,
    receipt_body,
)
from verifier.client.published import PublishedReader
from verifier.keys import public_key
from wire.composite import composite_presentation_of
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

POLICY = Path(__file__).parent / "policies" / "loan.yaml"
USAGE = "usage: python examples/bank.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER RECORD.json"
ARGUMENTS = 6


def main(server: str, root: str, log_key: str, key_file: str, verifier: str, record_file: str) -> None:
    """Ask, wait, verify, keep, print."""
    key = load_pem_private_key(Path(key_file).read_bytes(), None)
    log = Verifier.from_string(Path(log_key).read_text("utf-8").strip())
    channel = grpc.secure_channel(server, grpc.ssl_channel_credentials(Path(root).read_bytes()))
    presentations = presentation_pb2_grpc.PresentationServiceStub(channel)
    reader = PublishedReader(channel, log)  # what it reads counts with its proof from the ledger only

    policy = load_policy(POLICY)
    assert isinstance(policy, CompositePolicy)  # noqa: S101  (it is the file beside this one)
    request = check_composite_policy(policy, VerifierName(verifier), reader, dt.datetime.now(dt.UTC))
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
    presentation = composite_presentation_of(last.composite_presentation)
    receipt = audit_receipt(last.receipt, request, presentation, log)
    proven = [each.epoch for each in presentation.answer.credentials if each.epoch is not None]
    directory = reader.directory(request, proven)
    verified = verify_composite(request, presentation, directory, receipt_body(receipt).verified)
    own_key = public_key(key)  # type: ignore[arg-type]
    record = CompositeRecord.of(signed, presentation, last.receipt, directory, reader, own_key, log)
    if record.demands:  # its policy wants more than a pending receipt, for which this example does not wait
        raise SystemExit(f"the policy demands: {', '.join(sorted(record.demands))}")
    record.save(Path(record_file))
    issuers = [str(each.shown.issuer_key) for each in verified.answer.credentials]
    print(
        json.dumps({"branch": verified.answer.branch, "issuer_keys": issuers, "entry_index": receipt.index})
    )


if __name__ == "__main__":
    if len(sys.argv) != ARGUMENTS + 1:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
