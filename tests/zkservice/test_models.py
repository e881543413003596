"""The service's state machines against models, over a real server: whatever order calls come in.

A few dozen runs of each on SQLite; the long tests make many more, on PostgreSQL too.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests import postgres
from tests.zkservice.models.consents import Consents
from tests.zkservice.models.deliveries import Deliveries
from tests.zkservice.models.errands import ErrandsModel
from tests.zkservice.models.exchanges import Exchanges
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.models.offers import Offers
from tests.zkservice.models.records import Records
from tests.zkservice.stores import Store

MACHINES: Final[tuple[type[Machine], ...]] = (Exchanges, Offers, Records, Consents, Deliveries, ErrandsModel)
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest) -> Iterator[Running]:
    if request.param == "sqlite":
        running = Running()
        yield running
        running.close()
        return
    with postgres.running() as database:
        running = Running(**Store.on(database).settings)
        yield running
        running.close()


@pytest.mark.long
@pytest.mark.timeout(1800)
@each_machine
def test_a_machine_does_so_for_long_wherever_it_stores(stored: Running, machine: type[Machine]) -> None:
    chosen = settings(_SETTINGS, max_examples=100, stateful_step_count=60)
    run_state_machine_as_test(partial(machine, stored), settings=chosen)  # type: ignore[arg-type]
