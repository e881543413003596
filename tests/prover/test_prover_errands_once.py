"""What was submitted of an errand is not given up, and no request is answered twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from prover import PresentingError, Vault
from prover.client.errands import ErrandClient
from prover.errands.records import Stage
from prover.errands.view import ErrandState
from tests.prover.errand_making import Desk, LostError, agree, begun, client_of, desks, fill_in, lost
from tests.prover.making import PASSPHRASE, refused
from tests.prover.town import Town
from tests.zkservice.errands import Errands

Bureau = tuple[Errands, dict[str, Desk]]


@pytest.fixture(scope="module")
def bureau(the_town: Town) -> Iterator[Bureau]:
    async def made() -> Errands:
        return await Errands.of(the_town.city, await the_town.city.claim(await the_town.city.issue()))

    errands = the_town.run(made())
    with desks(the_town, errands) as opened:
        yield errands, opened


@pytest.fixture
def stocked(town: Town, vault: Vault) -> Vault:
    town.client().claim(town.offer(), vault, town.log)
    return vault


def test_what_was_submitted_is_neither_given_up_nor_submitted_again(
    town: Town, bureau: Bureau, stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two terminals at one vault; and a service that hands out a request once more that was answered."""
    client = client_of(town)
    errand = begun(town, *bureau, stocked)
    asked = client.asked(errand.id, stocked, town.log)
    monkeypatch.setattr(ErrandClient, "asked", lambda *_: asked)
    with monkeypatch.context() as patch:
        patch.setattr(ErrandClient, "_send", lost)
        with pytest.raises(LostError):
            client.submit(errand.id, stocked, town.log, agree, declare=fill_in)
    refused(PresentingError, "ERRAND_CLOSED", client.submit, errand.id, stocked, town.log, agree)
    refused(PresentingError, "ERRAND_CLOSED", client.abandon, errand.id, stocked, town.log)
    client.resume(stocked, town.log)
    refused(PresentingError, "EXCHANGE_ANSWERED", client.submit, errand.id, stocked, town.log, agree)
    assert len(stocked.usages()) == 3
    assert len(stocked.events()) == 1
    assert client.look(errand.id, stocked).state is ErrandState.SUBMITTED


def test_a_copy_of_before_learns_that_it_was_submitted(
    town: Town, bureau: Bureau, stocked: Vault, path: Path, tmp_path: Path
) -> None:
    client = client_of(town)
    errand = begun(town, *bureau, stocked)
    copy = tmp_path / "before.vault"
    for each in path.parent.glob(f"{path.name}*"):
        shutil.copy2(each, copy.with_name(each.name.replace(path.name, copy.name)))
    client.submit(errand.id, stocked, town.log, agree, declare=fill_in)
    with Vault.open(copy, PASSPHRASE, clock=town.city.clock) as before:
        assert before.errands.one(errand.id).stage is Stage.BEGUN
        client.look(errand.id, before)
        assert before.errands.one(errand.id).stage is Stage.SUBMITTED
        refused(PresentingError, "ERRAND_CLOSED", client.abandon, errand.id, before, town.log)
