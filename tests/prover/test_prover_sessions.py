"""Sessions that a client keeps, at a real server whose clock goes back: opened anew, and nothing is lost."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import LocalizedText
from prover import Vault
from prover.client.account import AccountClient
from prover.client.deliveries import DeliveryClient
from tests.prover.composite_town import CompositeTown
from tests.prover.delivering import (
    client,
    folder,
    receiving,
    sent,
    with_account,
)
from tests.prover.making import PASSPHRASE

AHEAD = dt.timedelta(minutes=20)


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def clock(composite: CompositeTown) -> Iterator[Any]:
    made = composite.town.city.clock
    yield made
    made.ahead = dt.timedelta()


class Noticing(grpc.UnaryUnaryClientInterceptor):
    """Notes which methods are called, and does something once after one of them was answered."""

    def __init__(self, after: str, act: Callable[[], object]) -> None:
        self.seen, self._after, self._act = list[str](), after, act

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        name = client_call_details.method.rpartition("/")[2]
        call = continuation(client_call_details, request)
        if name == self._after and name not in self.seen:
            call.result()
            self._act()
        self.seen.append(name)
        return call


def test_a_verifier_whose_session_is_none_any_more_receives_all_the_same(
    composite: CompositeTown, vault: Vault, tmp_path: Path, clock: Any
) -> None:
    """The session ends later than any that the server makes once its clock has gone back."""
    with receiving(composite) as school:
        sent(composite, vault)
        kept = folder(tmp_path / "kept")
        clock.ahead = AHEAD
        school.shut()
        clock.ahead = dt.timedelta()
        (came,) = school.receive(kept)
        assert came.kept is not None
        clock.ahead = AHEAD
        assert school.receive(kept) == []
        clock.ahead = dt.timedelta()
        assert next(school.watch()) == 0


def test_a_vault_goes_on_receiving_where_its_session_ends_midway(
    composite: CompositeTown, tmp_path: Path, vault: Vault, clock: Any
) -> None:
    with with_account(composite, tmp_path / "friend") as friend:
        receiver, town = client(composite), composite.town
        link = receiver.receive_by(LocalizedText("小红", "Xiaohong"), friend, town.log)
        sent(composite, vault, receiver.scanned(link, town.log))

        def goes_back() -> None:
            clock.ahead = dt.timedelta()

        noticing = Noticing("ListDeliveries", goes_back)
        endpoint = replace(town.endpoint, interceptor=noticing)
        clock.ahead = AHEAD
        (came,) = DeliveryClient(endpoint, clock=clock).receive(friend, town.log)
        assert came.received is not None
        assert noticing.seen.count("OpenSession") >= 2
        assert noticing.seen.count("FetchDelivery") == 2, "once refused, and once more"


def test_an_account_asks_for_its_offers_over_a_session_of_its_own(
    composite: CompositeTown, tmp_path: Path, clock: Any
) -> None:
    with with_account(composite, tmp_path / "friend") as friend:
        noticing = Noticing("GetChallenge", lambda: None)
        endpoint = replace(composite.town.endpoint, interceptor=noticing)
        assert AccountClient(endpoint, clock=clock).offers(friend, composite.town.log) == []
    assert noticing.seen.count("OpenSession") == 1
