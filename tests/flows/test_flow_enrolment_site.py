"""A family at the school's own site: whichever parent sends the form first, the child is enrolled once."""

import asyncio
import json
from pathlib import Path

import httpx

from disclosure import ExchangeLink
from prover import Vault
from tests.clients.enrolling import Parent, running
from tests.flows.families import household
from tests.flows.test_flow_school import ENROLMENT, arrived
from tests.flows.town import POLICIES, FlowTown, yes
from verifier import keys, load_record


async def _proves(flows: FlowTown, parent: Parent, vault: Vault) -> str:
    """Press the button, answer, and return what the form is sent with."""
    asked = await parent.asks()
    link, log = ExchangeLink.parse(asked["link"]), flows.town.log
    await asyncio.to_thread(
        lambda: flows.client.answer(link, vault, log, yes, pair=lambda: str(asked["code"]))
    )
    told = await parent.until_ended()
    assert told["state"] == "proven"
    proven = {each["name"]: each["value"] for each in told["proven"]}
    assert proven["branch"] == "owner"
    assert proven["birth.child_name"] == household("owner").children[0].name
    return str(told["attempt"])


async def _both_come(flows: FlowTown, folder: Path, first: Vault, second: Vault) -> None:
    city, kept = flows.town.city, folder / "kept"
    keys.save(city.verifier_keys["school"], folder / "school.pem")
    data = city.ready.data
    service = city.ready.address, data / "ca.pem", data / "log.vkey"
    policy = POLICIES / f"{ENROLMENT}.yaml"
    async with (
        running(service, folder / "school.pem", policy, kept) as origin,
        httpx.AsyncClient(base_url=origin, timeout=60) as http,
    ):
        parents = [Parent(http, origin) for _ in range(2)]
        attempts = [await _proves(flows, *each) for each in zip(parents, (first, second), strict=True)]
        sent = (await parents[0].submits(attempts[0])).json()
        assert sent["state"] == "submitted"
        (written,) = kept.glob("enrolment-*.json")
        assert json.loads(written.read_text())["number"] == sent["number"]
        load_record(kept / f"record-{sent['number']}.json")

        late = (await parents[1].submits(attempts[1])).json()
        assert late["state"] == "enrolled"
        assert "number" not in late
        assert "proven" not in late
        assert (await parents[1].submits(attempts[1])).json() == {"reason": "NOT_PROVEN"}
        assert {each.name for each in kept.iterdir()} == {
            written.name, f"record-{sent['number']}.json", "pseudonyms.json",
        }  # fmt: skip
        assert (await parents[0].submits(attempts[0])).json() == sent


def test_the_child_of_two_parents_is_enrolled_once(flows: FlowTown, tmp_path: Path) -> None:
    with arrived(flows, tmp_path, "owner") as first, arrived(flows, tmp_path, "owner", parent=1) as second:
        asyncio.run(_both_come(flows, tmp_path, first, second))
