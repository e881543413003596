"""The service's state machines against models, over a real server: whatever order calls come in.

A few dozen runs of each on SQLite; the long tests make many more, on PostgreSQL too.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import postgres
from tests.zkservice.holding import BASE
from tests.zkservice.models.accounts import Accounts
from tests.zkservice.models.applications import Applications
from tests.zkservice.models.claims import Claims
from tests.zkservice.models.consents import Consents
from tests.zkservice.models.deliveries import Deliveries
from tests.zkservice.models.errands import ErrandsModel as Errands
from tests.zkservice.models.exchanges import Exchanges
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.models.offers import Offers
from tests.zkservice.models.records import Records
from tests.zkservice.models.revocations import Revocations
from tests.zkservice.stores import Store

MACHINES: Final[tuple[type[Machine], ...]] = (
    Exchanges, Offers, Records, Consents, Deliveries, Errands, Accounts, Applications
)  # fmt: skip
each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda each: each.__name__.lower())
_SETTINGS: Final = settings(
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@each_machine
def test_a_machine_does_what_its_model_says(server: Running, machine: type[Machine]) -> None:
    chosen = settings(_SETTINGS, max_examples=10, stateful_step_count=30)
    run_state_machine_as_test(partial(machine, server), settings=chosen)  # type: ignore[arg-type]


def test_revocations_do_what_their_model_says() -> None:
    """At a server of their own: lists of revocations get epochs by themselves when days go by."""
    running = Running()
    try:
        chosen = settings(_SETTINGS, max_examples=4, stateful_step_count=20)
        run_state_machine_as_test(partial(Revocations, running), settings=chosen)  # type: ignore[arg-type]
    finally:
        running.close()


@pytest.fixture(scope="module")
def issuing() -> Iterator[Running]:
    """A server of their own, for the same reason, of a department that issues the composite form."""
    running = Running()
    running.do(running.town.add_schema(BASE))
    yield running
    running.close()


def test_claims_of_the_composite_form_do_what_their_model_says(issuing: Running) -> None:
    chosen = settings(_SETTINGS, max_examples=6, stateful_step_count=25)
    run_state_machine_as_test(partial(Claims, issuing), settings=chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        ("zkservice.storage.issuance.is_claim", lambda *_: True),
        ("zkservice.storage.composite_offers._keep_holder", lambda *_: None),
    ],
    ids=["is_claim", "_keep_holder"],
)
def test_a_rule_of_claims_that_is_forgotten_is_seen(issuing: Running, place: str, instead: Any) -> None:
    chosen = settings(
        _SETTINGS, max_examples=40, stateful_step_count=25, phases=[Phase.generate],
        report_multiple_bugs=False,
    )  # fmt: skip
    with patch(place, instead), pytest.raises(AssertionError):
        run_state_machine_as_test(partial(Claims, issuing), settings=chosen)  # type: ignore[arg-type]


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


@pytest.mark.parametrize(("machine", "place", "instead"), FAULTS, ids=[each[1] for each in FAULTS])
def test_a_rule_that_the_service_forgets_is_seen(
    server: Running, machine: type[Machine], place: str, instead: Any
) -> None:
    """On each of these one transition hangs; a model that did not get there would say nothing."""
    chosen = settings(
        _SETTINGS,
        max_examples=60,
        stateful_step_count=40,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
    with patch(place, instead), pytest.raises(AssertionError):
        run_state_machine_as_test(partial(machine, server), settings=chosen)  # type: ignore[arg-type]


@contextmanager
def _stored(where: str) -> Iterator[Running]:
    with ExitStack() as stack:
        on = {} if where == "sqlite" else Store.on(stack.enter_context(postgres.running())).settings
        running = Running(**on)
        stack.callback(running.close)
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest) -> Iterator[Running]:
    with _stored(request.param) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(1800)
@each_machine
def test_a_machine_does_so_for_long_wherever_it_stores(stored: Running, machine: type[Machine]) -> None:
    chosen = settings(_SETTINGS, max_examples=100, stateful_step_count=60)
    run_state_machine_as_test(partial(machine, stored), settings=chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def issuing_for_long(request: pytest.FixtureRequest) -> Iterator[Running]:
    """One more of each, of a department that issues the composite form."""
    with _stored(request.param) as running:
        running.do(running.town.add_schema(BASE))
        yield running


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("machine", [Claims, Revocations], ids=lambda each: each.__name__.lower())
def test_what_needs_the_composite_form_does_so_for_long(
    issuing_for_long: Running, machine: type[Machine]
) -> None:
    """Revocations last: lists get epochs by themselves once days have gone by."""
    chosen = settings(_SETTINGS, max_examples=40, stateful_step_count=40)
    run_state_machine_as_test(partial(machine, issuing_for_long), settings=chosen)  # type: ignore[arg-type]
