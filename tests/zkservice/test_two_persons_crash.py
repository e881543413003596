"""A server killed between an approval and its outcome: what was approved is done once, and both persons are
told."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from disclosure.administration import Step as ActionStep
from tests.zkservice.administering import (
    CREATE_KEY,
    Person,
    State,
    another,
    creating_key,
    department,
    first,
    proven,
    root,
)
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import City, reopened
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1 import catalog_pb2
from zkservice.sequencer import Step

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Prepared:
    """A folder in which an issuer key is proposed."""

    folder: Path
    approver: Person
    proposed: pb.Action

    def at(self, town: City) -> Person:
        return replace(self.approver, town=town)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prepared]:
    folder = tmp_path_factory.mktemp("prepared")
    async with reopened(folder, two_persons=True) as town:
        ann = await first(town)
        bob = await another(ann, root(town), "bob")
        await department(ann, root(town), "police")
        proposed = await ann.propose(CREATE_KEY, creating_key("police"))
    yield Prepared(folder, bob, proposed)


async def outcome(person: Person, proposed: pb.Action) -> pb.Action:
    """Wait until an action has an outcome."""
    async with asyncio.timeout(60):
        while (found := await person.get(proposed)).state == State.STATE_APPROVED:
            await asyncio.sleep(0.1)
    return found


OFTEN = {(Step.PUBLISHED, 1), (Step.STAGED, 2)}
"""Approved and nothing done; done and not on the ledger. All others are run with the long tests."""


@pytest.mark.parametrize(
    ("step", "times"),
    [
        pytest.param(step, times, marks=() if (step, times) in OFTEN else pytest.mark.long)
        for step in Step
        for times in (1, 2)
    ],
)
async def test_killed_after_a_step_of_the_log(
    prepared: Prepared, tmp_path: Path, step: Step, times: int
) -> None:
    """The first block has the approval, the second what was done and its outcome."""
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    async with started(folder, step, times, two_persons=True) as process, process.city() as town:
        with pytest.raises(grpc.aio.AioRpcError):
            await prepared.at(town).approve(prepared.proposed)
        assert await process.ended() == -9
    assert (folder / "reached").read_text() == step
    async with reopened(folder, two_persons=True) as town:
        bob = prepared.at(town)
        done = await outcome(bob, prepared.proposed)
        assert (done.state, done.decider) == (State.STATE_DONE, bob.name)
        again = await bob.approve(prepared.proposed)
        for each in (done, again):  # what the method answered is kept in a transaction after its outcome's
            each.ClearField("response")
        assert again == done, "sent again it is told again"
        steps = [each.body.step for each in proven(done, town.ready.verifier_key)]
        assert steps == [ActionStep.PROPOSED, ActionStep.APPROVED, ActionStep.DONE]
        listed = await town.catalog.ListIssuerKeys(
            catalog_pb2.ListIssuerKeysRequest(parent="departments/police")
        )
        assert len(listed.issuer_keys) == 1
    assert len(dump(folder)["issuer_key"]) == 1
    assert [row for row in dump(folder)["admin_action_record"] if row[1] == "done"]


async def test_killed_when_too_late_it_is_told_as_failed(prepared: Prepared, tmp_path: Path) -> None:
    """Approved, killed, and started again after the action's week: nothing is done, and that is told."""
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    async with started(folder, Step.LOCKED, 1, two_persons=True) as process, process.city() as town:
        with pytest.raises(grpc.aio.AioRpcError):
            await prepared.at(town).approve(prepared.proposed)
        assert await process.ended() == -9
    (folder / "ahead").write_text(str(8 * 24 * 3600))
    async with started(folder, two_persons=True) as process, process.city() as town:
        bob = prepared.at(town)
        failed = await outcome(bob, prepared.proposed)
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "ACTION_EXPIRED")
        assert await bob.approve(prepared.proposed) == failed
    assert not dump(folder)["issuer_key"]
