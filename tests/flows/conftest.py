"""One city for all flows."""

from collections.abc import Iterator

import pytest

from tests.flows.town import FlowTown, furnished
from tests.prover.town import running


@pytest.fixture(scope="session")
def the_flow_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowTown]:
    with running(tmp_path_factory.mktemp("flows")) as started:
        made = furnished(started)
        yield made
        made.close()


@pytest.fixture
def flows(the_flow_town: FlowTown) -> FlowTown:
    return the_flow_town
