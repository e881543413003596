"""Claiming a credential of the plain form as a W3C document as well."""

import datetime as dt
from collections.abc import Callable
from typing import Final

import tlog
from disclosure import OfferLink, civil_date
from disclosure.w3c import read
from disclosure.w3c.mapping import issuer_key_name_of, schema_name_of
from prover.client import HolderClient
from prover.client.calls import Way, checked, final, raised
from prover.composite.records import Held
from prover.vault import Vault, utc_now
from prover.w3c import HeldDocument
from wire.client import Endpoint, call
from zkproto.v1 import issuance_pb2, issuance_pb2_grpc

_GONE: Final = frozenset({"OFFER_EXPIRED", "OFFER_TAKEN"})
"""What ends a claim. Where a document cannot be signed the offer is this claim's all the same."""


class W3cClient:
    """A holder at one service, for W3C documents; raises as `HolderClient`."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._endpoint, self._way, self._clock = endpoint, Way(endpoint, clock), clock

    def claim(self, link: OfferLink, vault: Vault, log_verifier: tlog.Verifier) -> tuple[HeldDocument, Held]:
        """Claim an offer of the plain form as a document, bound to the vault, and then as a credential.

        The document first: once the credential is acknowledged the service has forgotten both. Broken off at
        any point it can be called again with the same link. Schema and key count only as they stand on the
        ledger. Raises RefusedError SIGNATURE_INVALID, EXPIRY_INVALID, FORM_NOT_SUPPORTED, ISSUER_KEY_RETIRED;
        what `HolderClient.claim` raises.
        """
        self._way.check_server(link.server)
        with raised():
            claim = vault.begin_claim(link)
            commitment, secrets = vault.w3c.commit(claim.request_id)
            message = issuance_pb2.ClaimW3cCredentialRequest(
                offer=link.offer,
                claim_code=link.claim_code,
                request_id=claim.request_id,
                commitment=commitment,
            )
            with self._way.channel() as channel:
                with final(lambda _: vault.end_claim(claim.id), _GONE.__contains__):
                    answer = call(issuance_pb2_grpc.IssuanceServiceStub(channel).ClaimW3cCredential, message)
                with checked():
                    document = read(answer.document)
                    reader = self._way.reader(channel, log_verifier)
                    schema = reader.schema(schema_name_of(document))
                    key = reader.issuer_key(issuer_key_name_of(document))
                    today = civil_date(self._clock())
                    held = vault.w3c.add(answer.document, secrets, schema, key, today)
        return held, HolderClient(self._endpoint, clock=self._clock).claim(link, vault, log_verifier)
