"""Who asks: a verifier whose key stands on the ledger, and nobody in its name."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import RefusedError, sign_request
from prover import Vault
from tests.prover.composite_town import CompositeTown
from tests.prover.making import refused
from tests.prover.proxy import Proxy
from tests.prover.test_prover_composite_dishonest import proxy, through
from tests.zkservice.support import new_id
from wire.convert import signed_request_to
from zkproto.v1 import catalog_pb2, presentation_pb2

__all__ = ["proxy"]


@pytest.mark.parametrize("later", ["false", "true"])
def test_a_service_that_asks_in_a_verifiers_name_is_told_nothing(
    composite: CompositeTown, proxy: Proxy, vault: Vault, later: str
) -> None:
    """It shows a key of its own as the verifier's: always, or only when the request is fetched."""
    composite.claimed(vault, person=new_id().encode())
    own = Ed25519PrivateKey.generate()
    asked, link = composite.ask(composite.small())

    def signed_by_itself(message: presentation_pb2.FetchRequestResponse) -> None:
        message.signed_request.CopyFrom(signed_request_to(sign_request(asked, own)))

    def own_key(message: catalog_pb2.Verifier) -> None:
        message.public_key = own.public_key().public_bytes_raw()

    proxy.change("FetchRequest", presentation_pb2.FetchRequestResponse, signed_by_itself)
    proxy.change("GetVerifier", catalog_pb2.Verifier, own_key)
    client = proxy.client(composite)
    fetched = client.fetch(through(link, proxy))
    if later == "true":
        del proxy.alter["GetVerifier"]
    kind, reason = {
        "false": (tlog.VerificationError, "INCLUSION_INVALID"),
        "true": (RefusedError, "REQUEST_SIGNATURE_INVALID"),
    }[later]
    refused(kind, reason, client.plan, fetched.request, vault, composite.log)
