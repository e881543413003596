"""A ledger that was forked for one vault and shown once: what only the fork vouches for is not believed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import pytest_asyncio
from google.protobuf.message import Message

from bbs.accumulator import Epoch
from disclosure import VerifierName, epoch_entry
from disclosure.composite.publication import table_entry
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from tests.browser.errand_town import both_forms
from tests.browser.forking import forked_head, forked_proof
from tests.browser.reading import READING, World
from tests.disclosure.composite.world import PERMIT
from tests.zkservice.composite_city import SCHOOL
from wire.composite import published_of, regulator_of
from wire.convert import issuer_key_of, schema_of
from wire.errand import bundle_of, bundle_to
from wire.policy import policy_of
from wire.revocation import accumulator_of
from zkproto.v1 import catalog_pb2, errand_pb2, policy_pb2, publication_pb2, revocation_pb2
from zkproto.v1.errand_pb2_grpc import ErrandServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = READING
POLICE: Final = "departments/public-security"
BUNDLE: Final = replace(both_forms(1), counters=both_forms(1).counters[:1])
MOST_OWED: Final = 256


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def registered(reading_page: World) -> None:
    """Have a bundle on the ledger."""
    city = reading_page.town.city
    message = bundle_to(BUNDLE)
    message.ClearField("name")
    name = f"{BUNDLE.name.bundle}@{BUNDLE.name.version}"
    asked = errand_pb2.CreateErrandBundleRequest(errand_bundle_id=name, errand_bundle=message)
    await ErrandServiceStub(city.channel).CreateErrandBundle(asked, metadata=city.bearer(city.admin))


@pytest.fixture
def world(reader: World) -> World:
    return reader


@dataclass
class Sort:
    """How a sort of records is read, by which question, and what stands on the ledger for an answer."""

    method: str
    kind: type[Message]
    question: str
    given: Callable[[World], tuple[Any, ...]]
    entry: Callable[[Any], bytes]
    is_fixed: bool = True
    """Whether it is read once, and never again."""

    def forked(self, world: World) -> Callable[[bytes], bytes]:
        """Give a true answer with a proof of the fork."""

        def alter(octets: bytes) -> bytes:
            message: Any = self.kind.FromString(octets)
            message.proof = forked_proof(world.town.city, self.entry(message))
            return bytes(message.SerializeToString())

        return alter


def _verifier(message: Any) -> bytes:
    return verifier_entry(VerifierName(SCHOOL), message.public_key)


def _epoch(world: World) -> Callable[[Any], bytes]:
    key = world.town.offices["public-security"].accumulator.key
    return lambda message: epoch_entry(Epoch.from_octets(message.octets, key=key))


def sorts(world: World) -> dict[str, Sort]:
    town, epoch = world.town, _epoch(world)
    table = town.hrss.digits.table.digest.hex()
    regulator = town.regulator_key.digest.hex()
    return {
        "schema": Sort(
            "GetSchema", catalog_pb2.Schema, "schema", lambda _: (str(PERMIT.name),),
            lambda each: schema_entry(schema_of(each)),
        ),
        "policy": Sort(
            "GetPolicy", policy_pb2.Policy, "policy", lambda _: (f"verifiers/{SCHOOL}/policies/any@2",),
            lambda each: policy_of(each).entry(),
        ),
        "table": Sort(
            "GetTable", publication_pb2.Table, "table", lambda _: (table,),
            lambda each: table_entry(published_of(each)),
        ),
        "regulator": Sort(
            "GetRegulator", publication_pb2.Regulator, "regulator", lambda _: (regulator,),
            lambda each: regulator_of(each).entry(),
        ),
        "list": Sort(
            "GetAccumulator", revocation_pb2.Accumulator, "lists", lambda _: (POLICE,),
            lambda each: accumulator_of(each).entry(),
        ),
        "epoch": Sort("GetEpoch", revocation_pb2.Epoch, "epoch", lambda _: (POLICE, 1), epoch),
        "errand-bundle": Sort(
            "GetErrandBundle", errand_pb2.ErrandBundle, "bundle", lambda _: (str(BUNDLE.name),),
            lambda each: bundle_of(each).entry(),
        ),
        "newest-epoch": Sort(
            "GetEpoch", revocation_pb2.Epoch, "newestEpoch", lambda _: (POLICE,), epoch, is_fixed=False
        ),
        "verifier": Sort(
            "GetVerifier", catalog_pb2.Verifier, "verifier", lambda _: (f"verifiers/{SCHOOL}",), _verifier,
            is_fixed=False,
        ),
        "issuer-key": Sort(
            "GetIssuerKey", catalog_pb2.IssuerKey, "issuerKey", lambda _: (str(town.police.key.name),),
            lambda each: issuer_key_entry(issuer_key_of(each)), is_fixed=False,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("has_seen", [True, False], ids=["seen", "new"])
@pytest.mark.parametrize(
    "name",
    ["schema", "policy", "table", "regulator", "list", "epoch", "errand-bundle", "newest-epoch", "verifier",
     "issuer-key"],
)  # fmt: skip
async def test_what_only_a_fork_vouches_for_is_not_believed_after_a_reload(
    world: World, name: str, has_seen: bool
) -> None:
    sort = sorts(world)[name]
    given = sort.given(world)
    if has_seen:
        await world.ask("check")
    world.between.alter[sort.method] = sort.forked(world)
    world.between.lost.add("GetCheckpoint")
    read = await world.ask(sort.question, *given)
    assert await world.refused("check") == "UNAVAILABLE", "the service hides where its ledger has gone"
    world.between.alter.clear()
    world.between.lost.clear()
    for _ in range(2):
        await world.begin()
        world.between.calls.clear()
        assert await world.ask(sort.question, *given) == read
        if sort.is_fixed:
            assert sort.method not in world.between.calls, "it is kept, and not asked for again"
        assert await world.refused("check") == "CONSISTENCY_INVALID"
    await world.forget()
    await world.begin()
    assert await world.ask(sort.question, *given) == read
    await world.ask("check")


async def test_what_was_compared_is_not_compared_again(world: World) -> None:
    await world.ask("check")
    await world.ask("schema", str(PERMIT.name))
    assert await world.owed() == 1
    await world.begin()
    await world.town.city.add_verifier("grown-1")
    await world.ask("check")
    assert await world.owed() == 0
    await world.town.city.add_verifier("grown-2")
    await world.begin()
    world.between.calls.clear()
    await world.ask("schema", str(PERMIT.name))
    await world.ask("check")
    assert world.between.calls == ["GetCheckpoint", "GetConsistencyProof"], "with the newest of before alone"


async def test_what_was_kept_before_there_was_such_a_record_is_read(world: World) -> None:
    """A vault of an earlier version has records, and nothing of what vouched for them."""
    read = await world.ask("schema", str(PERMIT.name))
    await world.does("forgive")
    await world.begin()
    world.between.calls.clear()
    assert await world.ask("schema", str(PERMIT.name)) == read
    assert world.between.calls == []
    await world.ask("check")


async def test_none_is_dropped_for_want_of_room(world: World) -> None:
    """A service that shows a fork, and then many heads of the true ledger, has not made it forgotten."""
    sort = sorts(world)["schema"]
    given = sort.given(world)
    origin = (await world.ask("check"))[0]
    world.between.lost.add("GetCheckpoint")
    world.between.alter[sort.method] = sort.forked(world)
    await world.ask(sort.question, *given)
    for number in range(MOST_OWED - 1):
        await world.ask("saw", origin, 1000 + number, bytes(32).hex())
    assert await world.refused("saw", origin, 1, bytes(32).hex()) == "UNAVAILABLE"
    assert await world.refused("policy", f"verifiers/{SCHOOL}/policies/any@2") == "UNAVAILABLE"
    world.between.lost.clear()
    assert await world.refused("check") == "CONSISTENCY_INVALID"


async def test_what_another_tab_was_shown_is_compared_too(world: World) -> None:
    """Both compare with what was there before, and not with what the other is shown."""
    forked = forked_head(world.town.city)

    async def meanwhile() -> None:
        world.between.answers["GetCheckpoint"] = lambda _: forked
        assert (await world.ask("check"))[1] == 2
        world.between.answers.clear()

    world.between.first["GetCheckpoint"] = meanwhile
    assert (await world.ask("check"))[1] > 2
    await world.begin()
    assert await world.refused("check") == "CONSISTENCY_INVALID"


async def test_what_is_still_to_be_compared_is_read_strictly(world: World) -> None:
    await world.ask("schema", str(PERMIT.name))
    for spoilt in ("", "00", "83"):
        await world.does("owe", spoilt)
        await world.begin()
        assert await world.refused("check") == "VAULT_DAMAGED"
        assert await world.refused("policy", f"verifiers/{SCHOOL}/policies/any@2") == "VAULT_DAMAGED"
