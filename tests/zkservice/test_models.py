"""The service's state machines against models, over a real server: whatever order calls come in.

A few dozen runs of each on SQLite; the long tests make many more, on PostgreSQL too.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import nan
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import postgres
from tests.zkservice.models.accounts import Accounts
from tests.zkservice.models.applications import Applications
from tests.zkservice.models.appointments import Appointments
from tests.zkservice.models.claims import Claims
from tests.zkservice.models.consents import Consents
from tests.zkservice.models.deliveries import Deliveries
from tests.zkservice.models.errands import ErrandsModel as Errands
from tests.zkservice.models.exchanges import Exchanges
from tests.zkservice.models.issuer_keys import IssuerKeys
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.models.offers import Offers
from tests.zkservice.models.records import Records
from tests.zkservice.models.revocations import Revocations
from tests.zkservice.stores import Store

MACHINES: Final[tuple[type[Machine], ...]] = (
    Exchanges, Offers, Records, Consents, Deliveries, Errands, Accounts, Applications
)  # fmt: skip
APART: Final[dict[type[Machine], tuple[int, int]]] = {
    Revocations: (4, 20), Claims: (6, 25), Appointments: (6, 25), IssuerKeys: (6, 30)
}  # fmt: skip
"""Each at a server of its own, since lists get epochs by themselves when days go by, or since the server is
another one; with runs and their length."""
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda each: each.__name__.lower())
each_apart = pytest.mark.parametrize("machine", APART, ids=lambda each: each.__name__.lower())
_SETTINGS: Final = settings(
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


@contextmanager
def _started(home: Callable[..., Running], where: str = "sqlite") -> Iterator[Running]:
    with ExitStack() as stack:
        on = {} if where == "sqlite" else Store.on(stack.enter_context(postgres.running())).settings
        running = home(**on)
        stack.callback(running.close)
        yield running


def _run(machine: type[Machine], server: Running, examples: int, steps: int, **more: Any) -> None:
    chosen = settings(_SETTINGS, max_examples=examples, stateful_step_count=steps, **more)
    run_state_machine_as_test(partial(machine, server), settings=chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with _started(Running) as running:
        yield running


@each_machine
def test_a_machine_does_what_its_model_says(server: Running, machine: type[Machine]) -> None:
    _run(machine, server, 10, 30)


@each_apart
def test_a_machine_apart_does_what_its_model_says(machine: type[Machine]) -> None:
    with _started(machine.home) as running:
        _run(machine, running, *APART[machine])


_FAULT: Final = "machine", "place", "instead"
FAULTS: Final[tuple[tuple[type[Machine], str, Any], ...]] = (
    (Exchanges, "zkservice.services.declining.pairings.check_open", lambda *_: None),
    (Exchanges, "zkservice.storage.exchanges.check_unseen", lambda *_: None),
    (Offers, "zkservice.storage.issuance.is_claim", lambda *_: True),
    (Records, "zkservice.storage.records.end", lambda *_: set()),
    (Consents, "zkservice.storage.consents._is_too_early", lambda *_: False),
    (Deliveries, "zkservice.storage.deliveries.check_room", lambda *_, **__: None),
    (Errands, "zkservice.storage.errand_parts._check", lambda *_: None),
    (Accounts, "zkservice.storage.accounts.check_open", lambda *_: None),
    (Applications, "zkservice.storage.applications.decided_before", lambda found, _: found.state != "open"),
)
_UNORDERED: Final = SimpleNamespace(index=lambda _: nan)
"""States of a key of which none comes before another."""
FAULTS_APART: Final[tuple[tuple[type[Machine], str, Any], ...]] = (
    (Claims, "zkservice.storage.issuance.is_claim", lambda *_: True),
    (Claims, "zkservice.storage.composite_offers._keep_holder", lambda *_: None),
    (Appointments, "zkservice.storage.ended_offers.end", lambda *_: []),
    (Appointments, "zkservice.storage.appointments.accounts.arrive", lambda *_: None),
    (IssuerKeys, "zkservice.storage.actions._check_other_person", lambda *_: None),
    (IssuerKeys, "zkservice.storage.catalog._STATES", _UNORDERED),
)


def _is_seen(machine: type[Machine], server: Running, place: str, instead: Any) -> None:
    with patch(place, instead), pytest.raises(AssertionError):
        _run(machine, server, 60, 40, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.mark.parametrize(_FAULT, FAULTS, ids=[each[1] for each in FAULTS])
def test_a_rule_that_the_service_forgets_is_seen(
    server: Running, machine: type[Machine], place: str, instead: Any
) -> None:
    """On each of these one transition hangs; a model that did not get there would say nothing."""
    _is_seen(machine, server, place, instead)


@pytest.mark.parametrize(
    ("machine", "place", "instead"), FAULTS_APART, ids=[each[1] for each in FAULTS_APART]
)
def test_a_rule_that_is_forgotten_is_seen_by_a_machine_apart(
    machine: type[Machine], place: str, instead: Any
) -> None:
    with _started(machine.home) as running:
        _is_seen(machine, running, place, instead)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest) -> Iterator[Running]:
    with _started(Running, request.param) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(1800)
@each_machine
def test_a_machine_does_so_for_long_wherever_it_stores(stored: Running, machine: type[Machine]) -> None:
    _run(machine, stored, 100, 60)


@pytest.mark.long
@pytest.mark.timeout(1800)
@each_apart
@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_a_machine_apart_does_so_for_long(where: str, machine: type[Machine]) -> None:
    with _started(machine.home, where) as running:
        _run(machine, running, 40, 40)
