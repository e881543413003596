"""A dishonest holder at a real server: the vault says that all is well, and proves it as best it can."""

import pytest

from disclosure import ExchangeLink
from disclosure.composite import CompositeRequest
from prover import Vault
from prover.composite.presenting import present_plan
from tests.disclosure.composite.lies import lying
from tests.flows.town import FlowTown


def lie(flows: FlowTown, link: ExchangeLink, vault: Vault, branch: str) -> None:
    """Answer by a branch that this vault cannot answer, with what it has; raises what the service says."""
    client, log = flows.client, flows.town.log
    fetched = client.fetch(link, log)
    assert isinstance(fetched.request, CompositeRequest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prover.composite.branches.Search._missing", lambda *_: ())
        patch.setattr("prover.composite.presenting.check_own_proof", lambda *_: None)
        patch.setattr("disclosure.composite.choices._check_shown_codes", lambda *_: None)
        lying(patch)
        plan = client.plan(fetched.request, vault, log, branch=branch)
        prepared = present_plan(plan, vault.keys, flows.town.city.clock())
    client.submit(link, prepared, vault, vault.begin_usage(fetched, prepared), log)
