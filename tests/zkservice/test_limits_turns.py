"""Turns: tenants that wait take one after the other, at the queues, the workers and the writer."""

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkservice import gathering, tenants
from zkservice.errors import ServiceError
from zkservice.fairness import Turns
from zkservice.gathering import Gathering
from zkservice.storage.database import Database, open_engine
from zkservice.tenants import Call

# Turns


def test_tenants_take_turns_and_each_keeps_its_order() -> None:
    turns: Turns[str] = Turns()
    for number in range(5):
        turns.put("a", f"a{number}")
    turns.put("b", "b0")
    turns.put("c", "c0")
    turns.put("c", "c1")
    assert turns.next() == "a0"
    assert [turns.take()[1] for _ in range(8)] == ["a0", "b0", "c0", "a1", "c1", "a2", "a3", "a4"]
    assert len(turns) == 0
    with pytest.raises(IndexError):
        turns.take()
    with pytest.raises(IndexError):
        turns.next()


def test_who_has_most_makes_room_for_who_has_less() -> None:
    turns: Turns[str] = Turns()
    for number in range(3):
        turns.put("a", f"a{number}")
    assert turns.displace("a") is None
    assert turns.displace("b") == "a2"
    turns.put("b", "b0")
    assert turns.displace("b") is None, "two and one: nothing would be fairer"
    assert turns.displace("c") == "a1"
    assert len(turns) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "take", "displace", "keep"]), st.sampled_from("abc")), max_size=80
    )
)
def test_turns_count_what_they_hold(steps: list[tuple[str, str]]) -> None:
    turns: Turns[int] = Turns()
    held: dict[str, list[int]] = {each: [] for each in "abc"}
    for number, (act, tenant) in enumerate(steps):
        if act == "put":
            turns.put(tenant, number)
            held[tenant].append(number)
        elif act == "take" and len(turns):
            whose, item = turns.take()
            assert held[whose].pop(0) == item
        elif act == "displace":
            item_or_none = turns.displace(tenant)
            if item_or_none is not None:
                longest = max(held.values(), key=len)
                assert len(longest) > len(held[tenant]) + 1
                next(each for each in held.values() if each and each[-1] == item_or_none).pop()
        elif act == "keep":
            turns.keep(lambda each: each % 3 > 0)
            held = {key: [each for each in value if each % 3] for key, value in held.items()}
        assert len(turns) == sum(map(len, held.values()))
        assert all(turns.count(each) == len(held[each]) for each in held)


# Gathering, with tenants


def call(tenant: str, ends: float = float("inf")) -> Call:
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    return Call(tenant, "", False, ends, nothing, nothing, nothing)


async def as_tenant(name: str, act: Any, ends: float = float("inf")) -> Any:
    """Await something in a task of its own, as a call of a tenant."""

    async def inner() -> Any:
        tenants.enter(call(name, ends))
        return await act()

    return await asyncio.create_task(inner())


async def test_a_flooding_tenant_delays_another_by_a_batch_at_most() -> None:
    batches: list[list[str]] = []

    async def run(jobs: list[str]) -> list[str]:
        batches.append(jobs)
        await asyncio.sleep(0)
        return jobs

    queue: Gathering[str, str] = Gathering(run, 1)
    flood = [
        asyncio.ensure_future(as_tenant("flood", lambda n=n: queue.one(f"flood {n}"))) for n in range(500)
    ]
    await asyncio.sleep(0)
    while not batches:
        await asyncio.sleep(0)
    begun = len(batches)
    assert await as_tenant("honest", lambda: queue.one("honest")) == "honest"
    at = next(number for number, batch in enumerate(batches) if "honest" in batch)
    assert at <= begun + 1
    assert sum(map(len, batches[: at + 1])) < 200, "the flood was not served first"
    await asyncio.gather(*flood)


async def test_a_full_queue_takes_an_honest_caller_in_place_of_the_flood() -> None:
    gate = asyncio.Event()

    async def run(jobs: list[str]) -> list[str]:
        await gate.wait()
        return jobs

    queue: Gathering[str, str] = Gathering(run, 1)
    running = asyncio.ensure_future(queue.one("running"))
    await asyncio.sleep(0.01)
    flood = [asyncio.ensure_future(as_tenant("flood", lambda: queue.one("flood"))) for _ in range(2000)]
    await asyncio.sleep(0.01)
    assert len(queue._waiting) == gathering.MAX_WAITING
    honest = [asyncio.ensure_future(as_tenant(f"h{n}", lambda: queue.one("honest"))) for n in range(20)]
    await asyncio.sleep(0.01)
    assert len(queue._waiting) == gathering.MAX_WAITING
    gate.set()
    assert await asyncio.gather(running, *honest) == ["running", *["honest"] * 20]
    told = await asyncio.gather(*flood, return_exceptions=True)
    refused = [each for each in told if isinstance(each, ServiceError)]
    assert {each.reason for each in refused} == {"OVERLOADED"}
    assert told.count("flood") + len(refused) == 2000
    assert queue._octets == 0


async def test_octets_that_wait_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_OCTETS", 1000)
    gate = asyncio.Event()

    async def run(jobs: list[int]) -> list[int]:
        await gate.wait()
        return jobs

    queue: Gathering[int, int] = Gathering(run, 1, octets=lambda job: job)
    running = asyncio.ensure_future(queue.one(1))
    await asyncio.sleep(0.01)
    waiting = [asyncio.ensure_future(as_tenant("a", lambda: queue.one(300))) for _ in range(3)]
    await asyncio.sleep(0.01)
    with pytest.raises(ServiceError, match="OVERLOADED"):
        await as_tenant("a", lambda: queue.one(300))
    other = asyncio.ensure_future(as_tenant("b", lambda: queue.one(300)))
    await asyncio.sleep(0.01)
    gate.set()
    assert await other == 300
    assert await running == 1
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(each)[:10] for each in told] == ["300", "300", "OVERLOADED"]
    assert queue._octets == 0


async def test_work_whose_time_is_over_is_dropped_before_it_costs() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def run(jobs: list[str]) -> list[str]:
        await gate.wait()
        done.extend(jobs)
        return jobs

    queue: Gathering[str, str] = Gathering(run, 1)
    first = asyncio.ensure_future(as_tenant("a", lambda: queue.one("first")))
    await asyncio.sleep(0.01)
    late = asyncio.ensure_future(as_tenant("a", lambda: queue.one("late"), ends=0.0))

    async def bulk() -> Any:
        with queue.room(2):
            return await queue.many(["late too", "late as well"])

    late_bulk = asyncio.ensure_future(as_tenant("a", bulk, ends=0.0))
    left = asyncio.ensure_future(as_tenant("b", lambda: queue.one("left")))
    last = asyncio.ensure_future(as_tenant("b", lambda: queue.one("last")))
    await asyncio.sleep(0.01)
    left.cancel()
    await asyncio.sleep(0.01)
    gate.set()
    assert await first == "first"
    assert await last == "last"
    for each in (late, late_bulk):
        with pytest.raises(ServiceError, match="CALL_TIMEOUT"):
            await each
    assert sorted(done) == ["first", "last"]


async def test_bulks_of_a_tenant_leave_room_for_another_tenants_and_take_turns() -> None:
    batches: list[list[str]] = []
    gate = asyncio.Event()

    async def run(jobs: list[str]) -> list[str]:
        await gate.wait()
        batches.append(jobs)
        return jobs

    queue: Gathering[str, str] = Gathering(run, 1)

    async def bulk(name: str, members: int) -> Any:
        with queue.room(members):
            return await queue.many([name] * members)

    flood = [asyncio.ensure_future(as_tenant("flood", lambda: bulk("flood", 4))) for _ in range(256)]
    await asyncio.sleep(0.01)
    with pytest.raises(ServiceError, match="OVERLOADED"):
        await as_tenant("flood", lambda: bulk("flood", 4))
    honest = asyncio.ensure_future(as_tenant("honest", lambda: bulk("honest", 8)))
    await asyncio.sleep(0.01)
    gate.set()
    assert await honest == ["honest"] * 8
    last = max(number for number, batch in enumerate(batches) if "honest" in batch)
    assert last <= 2, "every other member that was taken was the honest one's"
    await asyncio.gather(*flood)
    assert queue._bulk_members.total() == 0


async def test_a_runner_works_for_nobody_in_particular() -> None:
    seen: list[str] = []

    async def run(jobs: list[str]) -> list[str]:
        seen.append(tenants.tenant())
        return jobs

    queue: Gathering[str, str] = Gathering(run, 1)
    await as_tenant("a", lambda: queue.one("x"))
    assert seen == [tenants.OWN]


def test_random_floods_never_starve_anybody() -> None:
    chance = random.Random(7)
    turns: Turns[int] = Turns()
    for number in range(10_000):
        turns.put("flood", number)
    for tenant in range(50):
        for number in range(chance.randrange(1, 4)):
            turns.put(f"t{tenant}", number)
    served = [turns.take()[0] for _ in range(51)]
    assert len(set(served)) == 51, "each has had its turn before anybody has a second one"


async def test_writes_of_a_flood_leave_turns_to_others(tmp_path: Path) -> None:
    database, gate = Database(open_engine(f"sqlite:///{tmp_path / 'writes.sqlite3'}")), threading.Event()
    order: list[str] = []

    def write(name: str) -> Any:
        return as_tenant(name, lambda: database.write(lambda _: order.append(name)))

    try:
        calls = [asyncio.ensure_future(as_tenant("first", lambda: database.write(lambda _: gate.wait(60))))]
        calls += [asyncio.ensure_future(write("flood")) for _ in range(2000)]
        await asyncio.sleep(0.01)
        calls.append(asyncio.ensure_future(write("honest")))
        async with asyncio.timeout(60):
            while database._counts.total() < 2002:
                await asyncio.sleep(0.01)
        gate.set()
        await asyncio.gather(*calls)
    finally:
        gate.set()
        await asyncio.to_thread(database.close)
    assert len(order) == 2001
    assert order.index("honest") <= 258, "it waited for the group that was under way, and no other"
    assert not database._counts
