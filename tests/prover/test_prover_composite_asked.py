"""Who asks: a verifier whose key stands on the ledger, and nobody in its name."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import RefusedError, sign_request
from tests.prover.composite_town import CompositeTown
from tests.prover.making import refused
from tests.prover.proxy import Proxy
from tests.prover.test_prover_composite_dishonest import proxy, through
from wire.convert import signed_request_to
from zkproto.v1 import catalog_pb2, presentation_pb2

__all__ = ["proxy"]


@pytest.mark.parametrize("form", ["plain", "composite"])
def test_a_service_that_asks_in_a_verifiers_name_is_told_nothing(
    composite: CompositeTown, proxy: Proxy, form: str
) -> None:
    """It shows a key of its own as the verifier's; the one on the ledger is another."""
    own = Ed25519PrivateKey.generate()
    asked, link = composite.ask(composite.small()) if form == "composite" else composite.town.ask()

    def signed_by_itself(message: presentation_pb2.FetchRequestResponse) -> None:
        message.signed_request.CopyFrom(signed_request_to(sign_request(asked, own)))

    def own_key(message: catalog_pb2.Verifier) -> None:
        message.public_key = own.public_key().public_bytes_raw()

    proxy.change("FetchRequest", presentation_pb2.FetchRequestResponse, signed_by_itself)
    client = proxy.client(composite)
    refused(RefusedError, "REQUEST_SIGNATURE_INVALID", client.fetch, through(link, proxy), composite.log)
    proxy.change("GetVerifier", catalog_pb2.Verifier, own_key)
    refused(tlog.VerificationError, "INCLUSION_INVALID", client.fetch, through(link, proxy), composite.log)
