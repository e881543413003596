"""A city with two ledgers under its key, and a witness that cosigns both, are caught by a monitor."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cities.processes import alarms, look, monitor, zk
from tests.cities.towns import PATIENCE, Town, Towns
from tests.zkservice.witnessing import size_of
from tlog import LogLine, Policy, Verifier, WitnessLine
from tlog.policy import open_by_policy
from zk.demo.consortium.cities import LETTERS, City, Consortium, Running, run

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def second_witness(made: Consortium, city: City) -> Running:
    """Copy a witness's folder while it does not run, and run both: neither knows what the other signs."""
    assert city.witness is not None
    city.witness.end()
    copy = city.folder / "second-witness"
    shutil.copytree(city.folder / "witness", copy)
    made.start_witness(city)
    command = ["--json", "witness", "serve", "--data", copy, "--policy", made.folder / "logs.policy"]
    second = run([*command, "--host", city.place.host, "--port", 0], copy.with_suffix(".log"))
    made.others.append(second)
    return second


def second_server(made: Consortium, city: City, policy: Policy) -> Running:
    """Copy a server's folder and run both; the second asks whom its own policy names."""
    assert city.server is not None
    city.server.end()
    copy = city.folder / "second"
    shutil.copytree(city.folder / "server", copy)
    made.start_server(city)
    file = city.folder / "second.policy"
    file.write_bytes(policy.to_bytes())
    return made.start_second(city, copy, file)


@contextmanager
def two_ledgers(towns: Towns) -> Iterator[tuple[Town, str]]:
    """Give the town at B's second ledger, which C's second witness cosigns, and the URL of that witness."""
    made = towns.made
    log, witness = made.cities["b"], made.cities["c"]
    cosigning = second_witness(made, witness)
    url = f"http://{cosigning.ready['address']}"
    try:
        policy = Policy((LogLine(log.log),), (WitnessLine("c", witness.key, url),), (), "c")
        server = second_server(made, log, policy)
        try:
            town = replace(towns["b"], seat=replace(log, server=server), policy=policy)
            yield replace(town, submissions=[], answers={}, failures=[]), url
        finally:
            server.end()
    finally:
        cosigning.end()


async def test_a_log_with_two_views_and_a_witness_of_both(towns: Towns, tmp_path: Path) -> None:
    made = towns.made
    log, witness = made.cities["b"].log, made.cities["c"].key
    with two_ledgers(towns) as (second, url):
        watching = await asyncio.to_thread(monitor, made, tmp_path / "monitor", "--witness", url)
        await asyncio.sleep(3)
        assert not alarms(watching), "two servers that have signed nothing different are no fault yet"
        await second.show()
        assert witness in await cosigned(second)
        # Of a view that is larger than the one that is served nothing can be proven: the log grows past it.
        hidden = size_of(await second.anchored())
        async with asyncio.timeout(PATIENCE):
            await towns.show("b")
            while size_of(await towns["b"].anchored()) <= hidden or witness not in await cosigned(towns["b"]):
                await towns.show("b", 1)
        found = await accused(watching)
        assert set(found["SPLIT_VIEW"]["accused"]) == {str(log)}
        assert set(found["DOUBLE_COSIGNED"]["accused"]) == {str(witness)}
    for kind, alarm in found.items():
        convinces(made, kind, alarm, tmp_path)
    await towns.show(LETTERS)
    await towns.check()
    look(made, tmp_path / "new-monitor")


async def cosigned(town: Town) -> set[Verifier]:
    _, cosignatures = open_by_policy(await town.anchored(), town.policy)
    return {each.witness for each in cosignatures}


async def accused(watching: Running) -> dict[str, dict[str, Any]]:
    """Wait for both alarms; return them by their kinds. Nobody else is accused of anything."""
    found = dict[str, dict[str, Any]]()
    while not {"SPLIT_VIEW", "DOUBLE_COSIGNED"} <= found.keys():
        told = await asyncio.to_thread(alarms, watching, PATIENCE)
        assert told, f"the monitor has told {sorted(found)} only"
        found |= {each["kind"]: each for each in told}
    # A witness with two stores may state the smaller of two trees after the larger one, too.
    assert found.keys() <= {"SPLIT_VIEW", "DOUBLE_COSIGNED", "ROLLED_BACK"}
    return found


def convinces(made: Consortium, kind: str, alarm: dict[str, Any], folder: Path) -> None:
    """See that whoever has the file of evidence, and the policies, comes to the same."""
    file = folder / f"{kind}.json"
    shutil.copy(alarm["file"], file)
    files = [each.folder / "policy" for each in made.cities.values()]
    policies = [argument for each in files for argument in ("--policy", each)]
    code, (said,) = zk("--json", "ledger", "evidence", file, *policies)
    assert (code, said["kind"], said["grade"], said["known"]) == (0, kind, "PROVEN", True)
    assert said["accused"] == alarm["accused"]
    damaged = file.read_text().replace('"kind"', '"kinds"')
    file.write_text(damaged)
    code, _ = zk("--json", "ledger", "evidence", file, *policies)
    assert code == 4
