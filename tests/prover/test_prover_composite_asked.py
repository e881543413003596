"""Who asks: a verifier whose key stands on the ledger, and nobody in its name."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import RefusedError, sign_request
from prover import ClientError, UsageState, Vault
from tests.prover.composite_town import CompositeTown
from tests.prover.making import flip, refused
from tests.prover.proxy import Proxy
from tests.prover.test_prover_composite_dishonest import proxy, through
from wire.convert import signed_request_to
from wire.kept import TOLD_SECONDS, Told
from zkproto.v1 import catalog_pb2, presentation_pb2
from zkproto.v1.states_pb2 import States

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

    def with_its_own_key(message: presentation_pb2.FetchRequestResponse) -> None:
        signed_by_itself(message)
        own_key(message.verifier)

    def without_a_key(message: presentation_pb2.FetchRequestResponse) -> None:
        signed_by_itself(message)
        message.ClearField("verifier")

    client = proxy.client(composite)
    for change, kind, reason in (
        (signed_by_itself, RefusedError, "REQUEST_SIGNATURE_INVALID"),
        (with_its_own_key, tlog.VerificationError, "INCLUSION_INVALID"),
        (without_a_key, tlog.VerificationError, "INCLUSION_INVALID"),
    ):
        proxy.change("FetchRequest", presentation_pb2.FetchRequestResponse, change)
        proxy.change("GetVerifier", catalog_pb2.Verifier, own_key)
        refused(kind, reason, client.fetch, through(link, proxy), composite.log)


Fetched = presentation_pb2.FetchRequestResponse


def less(_: CompositeTown, message: Fetched) -> None:
    del message.states.epochs[0]


def in_another_order(_: CompositeTown, message: Fetched) -> None:
    message.states.issuer_keys.reverse()


def another_public_key(_: CompositeTown, message: Fetched) -> None:
    message.states.issuer_keys[0].public_key = message.states.issuer_keys[1].public_key


def of_another_list(_: CompositeTown, message: Fetched) -> None:
    message.states.epochs[0].CopyFrom(message.states.epochs[1])


def with_another_proof(_: CompositeTown, message: Fetched) -> None:
    message.states.epochs[0].proof = message.states.epochs[1].proof


def an_epoch_of_its_own(_: CompositeTown, message: Fetched) -> None:
    octets = message.states.epochs[0].octets
    message.states.epochs[0].octets = flip(octets, len(octets) - 1)


LIES: dict[str, tuple[Callable[[CompositeTown, Fetched], None], type[Exception]]] = {
    "an epoch less": (less, ClientError),
    "keys in another order": (in_another_order, ClientError),
    "another public key": (another_public_key, ClientError),
    "the epoch of another list": (of_another_list, ClientError),
    "another entry's proof": (with_another_proof, tlog.TlogError),
    "an epoch of its own": (an_epoch_of_its_own, tlog.TlogError),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_service_says_unasked_of_keys_and_lists_counts_with_its_proofs_only(
    composite: CompositeTown, proxy: Proxy, vault: Vault, lie: str
) -> None:
    composite.stock(vault).composite.trust(composite.regulator)
    change, kind = LIES[lie]
    _, link = composite.ask(composite.branch())
    proxy.change("FetchRequest", Fetched, lambda message: change(composite, message))
    client = proxy.client(composite)
    with pytest.raises(kind):
        client.answer(through(link, proxy), vault, composite.log, lambda _: True)
    assert not vault.usages()
    proxy.alter.clear()
    assert (
        client.answer(through(link, proxy), vault, composite.log, lambda _: True).state is UsageState.ANSWERED
    )


def test_the_service_is_not_asked_for_what_it_has_just_said(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.stock(vault).composite.trust(composite.regulator)
    client = proxy.client(composite)
    for without in (False, True):
        if without:
            proxy.change("FetchRequest", Fetched, lambda message: message.ClearField("states"))
        _, link = composite.ask(composite.branch())
        proxy.asked.clear()
        client.answer(through(link, proxy), vault, composite.log, lambda _: True)
        assert [method for method, _ in proxy.asked].count("ReadStates") == (1 if without else 0)


def test_what_was_said_with_a_request_counts_once_and_not_for_long() -> None:
    moment = 0.0
    told, states = Told(lambda: moment), States()
    told.keep(b"one", states)
    assert told.of(b"other") is None
    assert told.of(b"one") is states
    assert told.of(b"one") is None
    told.keep(b"one", states)
    moment = TOLD_SECONDS
    assert told.of(b"one") is None
