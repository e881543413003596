"""What the vault's reader believes, in Chromium over a real edge and service; some answers are altered."""

from typing import Any

import pytest
from google.protobuf.message import Message

from bbs import SHA_256
from bbs.accumulator import Page
from disclosure.composite import OldestEpoch, Regulator, publish_codes
from disclosure.names import RegulatorName
from tests.browser.altering import altered
from tests.browser.lying import LIES, READS
from tests.browser.reading import READING, World
from tests.disclosure.composite.officers import new_officers, shared_by
from tests.disclosure.composite.world import HOUSEHOLD, PERMIT, SCHEMAS
from tests.zkservice.composite_city import OTHER_SCHOOL, SCHOOL, CompositeCity
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import TEXT
from tlog.keys import Signer
from wire.composite import regulator_to, table_name
from wire.policy import policy_of
from zkproto.v1 import (
    catalog_pb2,
    policy_pb2,
    publication_pb2,
    publication_pb2_grpc,
    revocation_pb2,
    states_pb2,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = READING
POLICE = "departments/public-security"


@pytest.fixture
def world(reader: World) -> World:
    return reader


async def test_what_is_published_is_read_as_python_has_it(world: World) -> None:
    town = world.town
    for schema in SCHEMAS:
        assert await world.ask("schema", str(schema.name)) == schema.canonical.hex()
    key = town.police.key
    assert await world.ask("issuerKey", str(key.name)) == [key.suite, key.public_key.hex(), "active"]
    assert (await world.ask("departmentName", POLICE))["en"]
    registered = town.city.verifier_keys[SCHOOL].public_key().public_bytes_raw()
    assert (await world.ask("verifier", f"verifiers/{SCHOOL}"))[1] == registered.hex()
    assert (await world.ask("regulator", town.regulator_key.digest.hex()))[0] == "regulators/prosecutor"
    office = town.offices["public-security"]
    assert await world.ask("lists", POLICE) == [[office.name, office.accumulator.key.octets.hex()]]
    assert await world.ask("newestEpoch", POLICE) == [2, (await office.epoch()).octets.hex()]
    assert await world.ask("epoch", POLICE, 1) == [1, (await office.epoch(1)).octets.hex()]


async def test_what_a_request_names_is_read_and_the_request_is_checked(world: World) -> None:
    town = world.town
    request = town.request()
    said = await world.ask("directory", request.canonical.hex())
    issuers = [each for branch in request.branches for query in branch.queries for each in query.issuers]
    rules = [(each, each.revocation) for each in issuers]
    wanted = [[str(each.key), "active", rule.number] for each, rule in rules if isinstance(rule, OldestEpoch)]
    assert len(wanted) == len(issuers)
    assert [each[:2] for each in said] == [each[:2] for each in wanted]
    assert all(found[2] >= asked[2] for found, asked in zip(said, wanted, strict=True))
    asked = list(world.between.calls)
    assert await world.ask("directory", request.canonical.hex()) == said
    assert world.between.calls == [*asked, "ReadStates"], "all else never changes, and is kept"
    assert "GetTable" in asked
    assert "GetRegulator" in asked
    policy = await world.ask("policy", str(request.policy))
    message = await town.city.policies.GetPolicy(policy_pb2.GetPolicyRequest(name=str(request.policy)))
    assert policy == policy_of(message).canonical.hex()
    assert await world.refused("policy", f"verifiers/{SCHOOL}/policies/any@77") == "POLICY_UNKNOWN"


def _given(town: CompositeCity, question: str) -> str:
    return {
        "schema": str(PERMIT.name),
        "issuerKey": str(town.police.key.name),
        "verifier": f"verifiers/{SCHOOL}",
        "policy": f"verifiers/{SCHOOL}/policies/any@2",
        "lists": POLICE,
        "newestEpoch": POLICE,
        "directory": town.request().canonical.hex(),
        "regulator": town.regulator_key.digest.hex(),
    }[question]


@pytest.mark.parametrize("name", LIES)
async def test_what_was_altered_is_refused_and_not_kept(world: World, name: str) -> None:
    lie = LIES[name]
    world.between.alter[lie.method] = lie.altered
    given = _given(world.town, lie.question)
    assert await world.refused(lie.question, given) == lie.reason
    assert lie.word not in {each.partition(" ")[0] for each in await world.kept()}
    world.between.alter.clear()
    await world.ask(lie.question, given)


def _answers(octets: bytes) -> Any:
    return lambda _: octets


async def _another(world: World, method: str) -> bytes:
    """Return a true answer to the same question about something else, with its own proof."""
    city = world.town.city
    publication: Any = publication_pb2_grpc.PublicationServiceStub(city.channel)
    others: dict[str, Any] = {
        "GetSchema": (city.catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(HOUSEHOLD.name))),
        "GetIssuerKey": (
            city.catalog.GetIssuerKey,
            catalog_pb2.GetIssuerKeyRequest(name=str(world.town.hrss.key.name)),
        ),
        "GetDepartment": (
            city.catalog.GetDepartment,
            catalog_pb2.GetDepartmentRequest(name="departments/hrss"),
        ),
        "GetVerifier": (
            city.catalog.GetVerifier,
            catalog_pb2.GetVerifierRequest(name=f"verifiers/{OTHER_SCHOOL}"),
        ),
        "GetPolicy": (
            city.policies.GetPolicy,
            policy_pb2.GetPolicyRequest(name=f"verifiers/{OTHER_SCHOOL}/policies/any@2"),
        ),
        "ListAccumulators": (
            city.revocation.ListAccumulators,
            revocation_pb2.ListAccumulatorsRequest(parent="departments/hrss"),
        ),
        "GetAccumulator": (
            city.revocation.GetAccumulator,
            revocation_pb2.GetAccumulatorRequest(name=world.town.offices["hrss"].name),
        ),
        "GetEpoch": (
            city.revocation.GetEpoch,
            revocation_pb2.GetEpochRequest(accumulator=world.town.offices["hrss"].name),
        ),
        "GetTable": (
            publication.GetTable,
            publication_pb2.GetTableRequest(name=table_name(world.town.hrss.digits.table.digest)),
        ),
    }
    ask, message = others[method]
    answer: Message = await ask(message)
    return answer.SerializeToString()


@pytest.mark.parametrize(
    "method",
    ["GetSchema", "GetIssuerKey", "GetDepartment", "GetVerifier", "GetPolicy", "ListAccumulators",
     "GetAccumulator", "GetEpoch", "GetTable"],
)  # fmt: skip
async def test_a_true_answer_to_another_question_is_refused(world: World, method: str) -> None:
    world.between.alter[method] = _answers(await _another(world, method))
    asked = {"GetDepartment": "departmentName", "ListAccumulators": "lists"}
    question = asked.get(method) or READS[method][1]
    given = POLICE if question == "departmentName" else _given(world.town, question)
    assert await world.refused(question, given) == "MALFORMED"
    word = {"departmentName": "department", "lists": "lists"}.get(question) or READS[method][2]
    assert [each for each in await world.kept() if each.startswith(f"{word} ") and method != "GetTable"] == []


async def test_another_regulator_is_refused(world: World) -> None:
    city = world.town.city
    publication: Any = publication_pb2_grpc.PublicationServiceStub(city.channel)
    other = regulator_to(Regulator(RegulatorName("other"), TEXT, shared_by(new_officers())))
    for cleared in ("name", "digest"):
        other.ClearField(cleared)
    asked = publication_pb2.CreateRegulatorRequest(regulator_id="other", regulator=other)
    made = await publication.CreateRegulator(asked, metadata=city.bearer(city.admin))
    found = await publication.GetRegulator(publication_pb2.GetRegulatorRequest(name=made.name))
    world.between.alter["GetRegulator"] = _answers(found.SerializeToString())
    assert await world.refused("regulator", world.town.regulator_key.digest.hex()) == "MALFORMED"
    assert [each for each in await world.kept() if each.startswith("regulator ")] == []


async def test_a_request_that_nobody_can_answer_is_refused(world: World) -> None:
    town = world.town
    branch = town.small(queries=(town.query("permit", PERMIT, shown=("nothing",)),))
    request = town.request(branch).canonical.hex()
    assert await world.refused("directory", request) == "ATTRIBUTE_UNKNOWN"


async def test_an_epoch_of_another_number_is_refused(world: World) -> None:
    office = world.town.offices["public-security"]
    first = await world.town.city.revocation.GetEpoch(
        revocation_pb2.GetEpochRequest(accumulator=office.name, number=0)
    )
    world.between.alter["GetEpoch"] = _answers(first.SerializeToString())
    assert await world.refused("epoch", POLICE, 1) == "MALFORMED"
    assert (await world.ask("epoch", POLICE, 0))[0] == 0


async def test_a_vault_is_not_led_back_to_an_older_epoch(world: World) -> None:
    newest = await world.ask("newestEpoch", POLICE)
    office = world.town.offices["public-security"]
    older = await world.town.city.revocation.GetEpoch(
        revocation_pb2.GetEpochRequest(accumulator=office.name, number=0)
    )
    world.between.alter["GetEpoch"] = _answers(older.SerializeToString())
    assert await world.ask("newestEpoch", POLICE) == newest


@pytest.mark.parametrize("part", ["issuer_keys", "epochs"])
async def test_states_of_fewer_or_of_others_are_refused(world: World, part: Any) -> None:
    request = world.town.request().canonical.hex()

    @altered(states_pb2.States)
    def fewer(states: states_pb2.States) -> None:
        getattr(states, part).pop()

    @altered(states_pb2.States)
    def turned(states: states_pb2.States) -> None:
        all_of = list(getattr(states, part))[::-1]
        states.ClearField(part)
        getattr(states, part).extend(all_of)

    for alter in (fewer, turned):
        world.between.alter["ReadStates"] = alter
        assert await world.refused("directory", request) == "MALFORMED"


async def test_signatures_of_a_table_that_are_exchanged_are_found(world: World) -> None:
    """Each is a point of the group and a signature, of another digit."""

    @altered(publication_pb2.Table)
    def exchanged(table: publication_pb2.Table) -> None:
        before, last, one = table.octets[:-192], table.octets[-96:], table.octets[-192:-96]
        table.octets = before + last + one
        table.name = ""

    world.between.alter["GetTable"] = exchanged
    assert await world.refused("directory", world.town.request().canonical.hex()) == "SIGNATURE_INVALID"
    assert [each for each in await world.kept() if each.startswith("table ")] == []


async def test_a_key_that_is_retired_stays_so_for_who_saw_it(world: World) -> None:
    city = world.town.city
    token = await city.add_department("fading")
    name = (await city.add_key("fading")).name
    assert (await world.ask("issuerKey", name))[2] == "active"
    active = await city.catalog.GetIssuerKey(catalog_pb2.GetIssuerKeyRequest(name=name))
    key = catalog_pb2.IssuerKey
    asked = catalog_pb2.UpdateIssuerKeyStateRequest(
        name=name, expected_state=key.STATE_ACTIVE, state=key.STATE_VERIFY_ONLY
    )
    await city.catalog.UpdateIssuerKeyState(asked, metadata=city.bearer(token))
    assert (await world.ask("issuerKey", name))[2] == "verify-only"
    await world.begin()
    world.between.alter["GetIssuerKey"] = _answers(active.SerializeToString())
    assert (await world.ask("issuerKey", name))[2] == "verify-only"

    def with_the_keys_own_proof(octets: bytes) -> bytes:
        message = key.FromString(octets)
        message.state_proof = message.proof
        return message.SerializeToString()

    await world.forget()
    world.between.alter["GetIssuerKey"] = with_the_keys_own_proof
    assert await world.refused("issuerKey", name) == "INCLUSION_INVALID"


async def test_a_vault_without_a_network_has_what_it_read(world: World) -> None:
    request = world.town.request().canonical.hex()
    questions = [
        ("schema", str(PERMIT.name)),
        ("issuerKey", str(world.town.police.key.name)),
        ("departmentName", POLICE),
        ("verifier", f"verifiers/{SCHOOL}"),
        ("policy", f"verifiers/{SCHOOL}/policies/any@2"),
        ("lists", POLICE),
        ("newestEpoch", POLICE),
        ("directory", request),
    ]
    read = [await world.ask(*each) for each in questions]
    world.between.away = True
    await world.begin(later=3 * 24 * 3600)
    assert [await world.ask(*each) for each in questions] == read
    await world.forget()
    await world.begin()
    assert {await world.refused(*each) for each in questions} == {"UNAVAILABLE"}
    assert await world.kept() == []


async def test_no_more_tables_are_kept_than_a_backup_has_room_for(world: World) -> None:
    town, owner = world.town, f"verifiers/{SCHOOL}"
    codes = [(f"3701{number:02}", "370200") for number in range(26)]
    made = [publish_codes(owner, "GB/T 2260", each, SHA_256) for each in codes]
    for each in made:
        await town.publish(each, town.city.admin)
        digest = each.table.digest.hex()
        assert await world.ask("table", digest) == [owner, digest]
    kept = [f"table {each.table.digest.hex()}" for each in made[-24:]]
    assert {each for each in await world.kept() if each.startswith("table ")} == set(kept)
    await world.begin()
    world.between.calls.clear()
    for each in (made[-1], made[0], made[0]):
        assert (await world.ask("table", each.table.digest.hex()))[0] == owner
    assert world.between.calls == ["GetTable"]


async def test_a_record_that_is_none_is_not_believed(world: World) -> None:
    name = str(PERMIT.name)
    await world.ask("schema", name)
    for spoilt in ("", "00", "83"):
        await world.does("put", f"schema {name}", spoilt)
        await world.begin()
        assert await world.refused("schema", name) == "VAULT_DAMAGED"
    await world.ask("schema", str(HOUSEHOLD.name))
    await world.does("copy", f"schema {HOUSEHOLD.name}", f"schema {name}")
    assert await world.refused("schema", name) == "VAULT_DAMAGED"


async def test_what_is_kept_under_another_logs_key_does_not_count(world: World) -> None:
    await world.ask("schema", str(PERMIT.name))
    other = Signer.generate("other.example").verifier
    await world.begin(log=str(other))
    world.between.calls.clear()
    assert await world.refused("schema", str(PERMIT.name)) == "NOTE_UNSIGNED"
    assert world.between.calls == ["GetSchema"]


async def test_a_witness_is_brought_to_the_newest_epoch(world: World) -> None:
    office = world.town.offices["hrss"]
    mine, other = new_handles(2)
    before = await office.revoke(*new_handles(3))
    held, gone = (office.witness(each, before).to_octets_secret().hex() for each in (mine, other))
    newest = await office.revoke(other, *new_handles(4))
    found, number = await world.ask("caughtUp", "departments/hrss", held)
    assert number == newest.number
    octets = bytes.fromhex(found)
    assert octets == office.witness(mine, newest).to_octets_secret()
    assert await world.ask("caughtUp", "departments/hrss", found) == [found, newest.number]
    assert await world.ask("caughtUp", "departments/hrss", gone) is None


async def test_pages_that_do_not_lead_to_the_epoch_say_nothing(world: World) -> None:
    office = world.town.offices["hrss"]
    mine = new_handles(1)[0]
    before = await office.epoch()
    held = office.witness(mine, before).to_octets_secret().hex()
    await office.revoke(*new_handles(2))

    @altered(revocation_pb2.ListRevocationsResponse)
    def with_its_handle(answer: revocation_pb2.ListRevocationsResponse) -> None:
        answer.page = answer.page[:-128] + mine.to_bytes(32) + answer.page[-96:]

    @altered(revocation_pb2.ListRevocationsResponse)
    def shorter(answer: revocation_pb2.ListRevocationsResponse) -> None:
        answer.page = answer.page[:-1]

    @altered(revocation_pb2.ListRevocationsResponse)
    def from_elsewhere(answer: revocation_pb2.ListRevocationsResponse) -> None:
        page = Page.from_octets(answer.page, key=office.accumulator.key)
        answer.page = Page(page.key, page.first + 1, page.pairs).to_octets()

    lies = ((with_its_handle, "PAGE_INVALID"), (shorter, "MALFORMED"), (from_elsewhere, "MALFORMED"))
    for alter, reason in lies:
        world.between.alter["ListRevocations"] = alter
        assert await world.refused("caughtUp", "departments/hrss", held) == reason
    world.between.alter.clear()
    assert (await world.ask("caughtUp", "departments/hrss", held)) is not None
