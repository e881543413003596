"""Two servers on one PostgreSQL that both carry out what was approved: it is done once."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from disclosure.administration import Step
from tests import postgres
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
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, reopened
from zkproto.v1 import catalog_pb2

ROUNDS = 4


def at(person: Person, town: City) -> Person:
    return replace(person, town=town)


async def test_two_servers_do_it_once(postgresql: postgres.Server, tmp_path: Path) -> None:
    store, folders = Store.on(postgresql), (tmp_path / "first", tmp_path / "second")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(reopened(folders[0], two_persons=True, **store.settings))
        replica(folders[1], folders[0])
        two = await stack.enter_async_context(reopened(folders[1], two_persons=True, **store.settings))
        ann = await first(one)
        bob = await another(ann, root(one), "bob")
        await department(ann, at(root(one), two), "police")
        for made in range(1, ROUNDS + 1):
            proposed = await ann.propose(CREATE_KEY, creating_key("police"))
            await asyncio.gather(*(at(bob, town).approve(proposed) for town in (one, two) * 3))
            done = await at(ann, two).get(proposed)
            assert done.state == State.STATE_DONE, done
            steps = [each.body.step for each in proven(done, one.ready.verifier_key)]
            assert steps == [Step.PROPOSED, Step.APPROVED, Step.DONE]
            asked = catalog_pb2.ListIssuerKeysRequest(parent="departments/police")
            assert len((await two.catalog.ListIssuerKeys(asked)).issuer_keys) == made
