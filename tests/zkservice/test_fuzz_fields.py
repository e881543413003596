"""Each field of what an RPC answers with OK, changed: a clear status, a reason, no fault, nothing changed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.zkservice.fuzzing import Target, each_method, fuzzed
from tests.zkservice.wiring import Method, mutations

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with fuzzed(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(target: Target, method: Method) -> Target:
    """Make the method's message, and those of its kind, that no other test has used up."""
    await target.refill(method)
    return target


@each_method
async def test_every_field_changed(fresh: Target, method: Method) -> None:
    reasons = [
        await fresh.send(method, octets) for _, octets in mutations(fresh.seed(method), method.request)
    ]
    assert reasons


@each_method
async def test_the_seed_is_answered(fresh: Target, method: Method) -> None:
    """Without this the mutations above might all fail at the first check."""
    if method.name in fresh.seeds:
        assert await fresh.send(method, fresh.seed(method)) == "OK"


async def test_after_all_of_it_the_service_works(target: Target) -> None:
    issued = await target.city.claim(await target.city.issue())
    await target.city.answered(issued)
