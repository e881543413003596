"""One delivery stops no other: senders are anonymous, and only who receives it can open what they send."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import IssuerKeyName, SchemaName, canonical
from disclosure.composite import AcceptedIssuer, CompositePresentation, CompositeQuery, OldestEpoch
from disclosure.composite import presentation as form
from disclosure.composite.request import Branch
from disclosure.delivery import UnaskedQuestion
from prover import Vault
from prover.client.deliveries import DeliveryClient, Recipient
from tests.prover.composite_town import CompositeTown
from tests.prover.delivering import (
    NAME,
    drafted,
    folder,
    message_of,
    put,
    receiving,
    resealed,
    sent,
    with_account,
)
from tests.prover.making import PASSPHRASE, refused
from tests.prover.proxy import Proxy, proxied
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder
from wire.client import ServiceError
from zkproto.v1 import delivery_pb2 as pb

Poison = tuple[UnaskedQuestion, bytes]
"""A question, and the octets that stand in its presentation's place."""


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def friend(composite: CompositeTown, tmp_path: Path, proxy: Proxy) -> Iterator[Vault]:
    with with_account(composite, tmp_path / "friend", proxy.endpoint) as made:
        yield made


@pytest.fixture
def friends(composite: CompositeTown, proxy: Proxy) -> DeliveryClient:
    """What the friend receives with."""
    return DeliveryClient(proxy.endpoint, clock=composite.town.city.clock)


@pytest.fixture
def kept(tmp_path: Path) -> DeliveryFolder:
    return folder(tmp_path / "kept")


@pytest.fixture
def proxy(composite: CompositeTown, tmp_path: Path) -> Iterator[Proxy]:
    (tmp_path / "proxy").mkdir()
    with proxied(composite, tmp_path / "proxy") as made:
        yield made


@pytest.fixture
def school(composite: CompositeTown, proxy: Proxy) -> Iterator[VerifierDeliveries]:
    with receiving(composite, proxy.endpoint) as made:
        yield made


def numbered(presentation: CompositePresentation, number: int) -> bytes:
    """Return the presentation with another epoch's number in its first answer, as nobody honest encodes."""
    items: list[Any] = canonical.decode(form._LABEL, presentation.canonical)
    items[4][0][1][1] = number
    return canonical.encode(form._LABEL, *items)


def expiring(presentation: CompositePresentation, day: int) -> bytes:
    items: list[Any] = canonical.decode(form._LABEL, presentation.canonical)
    items[4][0][0][3] = day
    return canonical.encode(form._LABEL, *items)


def asking(question: UnaskedQuestion, change: Callable[[CompositeQuery], CompositeQuery]) -> UnaskedQuestion:
    queries = tuple(map(change, question.queries))
    return replace(question, branches=(Branch(question.branches[0].id, queries),))


def accepted(query: CompositeQuery, **changes: Any) -> CompositeQuery:
    (issuer,) = query.issuers
    return replace(query, issuers=(replace(issuer, **changes),))


def of_nowhere(query: CompositeQuery) -> CompositeQuery:
    schema = SchemaName.parse("departments/nowhere/schemas/nothing@1")
    key = IssuerKeyName.parse(f"departments/nowhere/issuerKeys/{bytes(16).hex()}")
    (issuer,) = query.issuers
    return replace(query, schemas=(schema,), issuers=(AcceptedIssuer(key, issuer.revocation),))


def poisons(question: UnaskedQuestion, presentation: CompositePresentation) -> Iterator[Poison]:
    """Give what somebody may send whose only wish is that nothing else is received."""

    def of(octets: bytes) -> Poison:
        return replace(question, nonce=len(octets).to_bytes(2) + octets[-30:].rjust(30)), octets

    for number in (10**6, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        yield replace(question, nonce=number.to_bytes(32)), numbered(presentation, number)
    yield of(expiring(presentation, 1 << 62))
    yield of(presentation.canonical[:-1])
    yield of(b"\xff")
    for accumulator in (b"\xff" * 96, bytes(96)):
        issuer = partial(accepted, revocation=OldestEpoch(accumulator, 0))
        yield asking(question, issuer), presentation.canonical
    yield asking(question, partial(accepted, digits=bytes(32))), presentation.canonical
    yield asking(question, of_nowhere), presentation.canonical


def poisoned(composite: CompositeTown, vault: Vault, to: Recipient | None = None) -> int:
    """Send all of them, and something honest behind them; return how many do not hold."""
    message = message_of(sent(composite, vault, to))
    presentation = vault.deliveries.sent()[-1].presentation
    made = list(poisons(drafted(composite, vault, to).question, presentation))
    for asked, octets in made:
        sealed = resealed(asked, octets, asked.recipient, asked.key)
        put(composite, asked, presentation, message.holder_note, sealed=sealed)
    sent(composite, vault, to)
    return len(made)


def test_what_is_made_to_stop_a_verifier_is_put_aside_and_the_next_received(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    count = poisoned(composite, vault)
    came = school.receive(kept)
    assert [each.reason for each in came if each.kept is not None] == ["", ""]
    assert len([each for each in came if each.kept is None and each.reason]) == count
    assert not any(each.waits for each in came)
    assert school.receive(kept) == [], "nothing of it comes again"


def test_what_is_made_to_stop_a_vault_is_put_aside_and_the_next_received(
    composite: CompositeTown, vault: Vault, friend: Vault, friends: DeliveryClient
) -> None:
    to = friends.scanned(friends.receive_by(NAME, friend, composite.log), composite.log)
    count = poisoned(composite, vault, to)
    came = friends.receive(friend, composite.log)
    assert [each.reason for each in came if each.received is not None] == ["", ""]
    assert len([each for each in came if each.received is None and each.reason]) == count
    assert not any(each.waits for each in came)
    assert len(friend.deliveries.received()) == 2
    assert friends.receive(friend, composite.log) == [], "nothing of it comes again"


def spoil_first(proxy: Proxy) -> None:
    """Have what is fetched first answered with a receipt that no log has signed."""
    first = list[bytes]()

    def spoilt(asked: bytes, answered: bytes) -> bytes:
        first.extend([] if first else [asked])
        message = pb.FetchDeliveryResponse.FromString(answered)
        if asked == first[0]:
            message.receipt = message.receipt.replace(b"\n", b"\n\n", 1)
        return message.SerializeToString()

    proxy.alter["FetchDelivery"] = spoilt


def test_what_is_not_on_the_ledger_waits_and_the_next_is_received(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder, proxy: Proxy
) -> None:
    sent(composite, vault)
    sent(composite, vault)
    spoil_first(proxy)
    first, second = school.receive(kept)
    assert (first.kept, first.waits) == (None, True)
    assert first.reason
    assert second.kept is not None
    proxy.alter.clear()
    (again,) = school.receive(kept)
    assert (again.delivery, again.kept is not None) == (first.delivery, True)


def test_in_a_vault_too_what_is_not_on_the_ledger_waits_and_the_next_is_received(
    composite: CompositeTown, vault: Vault, friend: Vault, friends: DeliveryClient, proxy: Proxy
) -> None:
    to = friends.scanned(friends.receive_by(NAME, friend, composite.log), composite.log)
    sent(composite, vault, to)
    sent(composite, vault, to)
    spoil_first(proxy)
    first, second = friends.receive(friend, composite.log)
    assert (first.received, first.waits, second.received is not None) == (None, True, True)


def test_what_the_service_cannot_say_waits_and_a_service_that_is_gone_is_told(
    composite: CompositeTown, vault: Vault, school: VerifierDeliveries, kept: DeliveryFolder, proxy: Proxy
) -> None:
    sent(composite, vault)
    sent(composite, vault)
    proxy.refuse["FetchDelivery"] = grpc.StatusCode.INTERNAL
    assert [(each.kept, each.waits) for each in school.receive(kept)] == [(None, True)] * 2
    proxy.refuse["FetchDelivery"] = grpc.StatusCode.UNAVAILABLE
    refused(ServiceError, "UNAVAILABLE", school.receive, kept)
    proxy.refuse.clear()
    assert all(each.kept is not None for each in school.receive(kept))
