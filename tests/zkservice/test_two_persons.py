"""Two persons over a real server: what takes them, and the whole path."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from google.protobuf.message import Message

from disclosure.administration import (
    ADMINISTRATION_RECORD,
    Step,
    action_digest,
    new_secret,
    secret_hash,
)
from tests.zkservice.administering import (
    CREATE_ADMINISTRATOR,
    CREATE_DEPARTMENT,
    CREATE_KEY,
    CREATE_VERIFIER,
    PACKAGE,
    Office,
    State,
    another,
    creating_administrator,
    creating_department,
    creating_key,
    creating_verifier,
    department,
    opened,
    proven,
)
from tests.zkservice.cases_administration import renaming
from tests.zkservice.publishing import new_regulator
from tests.zkservice.stored import dump
from tests.zkservice.support import TEXT, refusal, reopened
from tests.zkservice.wiring import filled
from tlog.entry import RecordEntry, parse_entry
from wire.convert import text_to
from zkproto.v1 import account_pb2, catalog_pb2, ledger_pb2, publication_pb2, statistics_pb2, token_pb2
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1.attribute_pb2 import LocalizedText
from zkproto.v1.statistics_pb2_grpc import StatisticsServiceStub
from zkservice.roles import TABLE, Role
from zkservice.services.acting import PROPOSABLE
from zkservice.two_persons import HARMFUL, HARMLESS

pytestmark = pytest.mark.asyncio(loop_scope="module")
_ACTIVE, _RETIRED = catalog_pb2.IssuerKey.STATE_ACTIVE, catalog_pb2.IssuerKey.STATE_RETIRED
PERSON: Final = account_pb2.Subject.KIND_PERSON


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with opened(tmp_path_factory.mktemp("office")) as made:
        yield made


# what the table says


def administrative() -> set[str]:
    """Return the methods that let an administrator pass."""
    return {path.removeprefix("/") for path, row in TABLE.items() if Role.ADMINISTRATOR in row.roles}


async def test_each_method_of_administrators_takes_two_or_is_harmless_for_a_reason() -> None:
    found = administrative()
    assert len(found) > 20
    assert found == {*HARMFUL, *HARMLESS}
    assert not {*HARMFUL} & {*HARMLESS}
    assert set(PROPOSABLE) == set(HARMFUL)
    assert all(len(why) > 5 for why in (*HARMLESS.values(), *(each.why for each in HARMFUL.values())))


@pytest.mark.parametrize("method", sorted(HARMFUL))
async def test_one_person_alone_is_refused_before_anything_is_done(office: Office, method: str) -> None:
    descriptor, own = PROPOSABLE[method].descriptor, "departments/police"
    message: Any = filled(descriptor.input_type)
    if descriptor.name == "CreateIssuerKey":
        message.parent = own
    elif descriptor.name == "UpdateIssuerKeyState":
        message.name = f"{own}/issuerKeys/{'0' * 32}"
    elif descriptor.name == "UpdateDepartment":
        message.department.name = "departments/of-nobody"
    elif descriptor.name == "ReplaceSecret":
        message.name = "departments/of-nobody"
    call = office.town.channel.unary_unary(
        f"/{method}", request_serializer=type(message).SerializeToString, response_deserializer=bytes
    )
    before = dump(office.town.ready.data)
    for person in (office.root, office.ann, office.bob):
        error = await refusal(call(message, metadata=person.said))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "SECOND_PERSON_REQUIRED"), person
    expected = "SECOND_PERSON_REQUIRED" if HARMFUL[method].by_departments else "TOKEN_INVALID"
    assert (await refusal(call(message, metadata=office.police.said))).reason == expected
    assert (await refusal(call(message, metadata=office.town.bearer("x" * 43)))).reason == "TOKEN_INVALID"
    assert (await refusal(call(message))).reason == "TOKEN_MISSING"
    assert dump(office.town.ready.data) == before


async def test_what_one_person_may_do_one_person_does(office: Office, tmp_path: Path) -> None:
    name = f"departments/{office.fresh()}"
    fresh = await department(office.ann, office.bob, name.partition("/")[2])
    stored = await office.ann.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name=name))
    changed = catalog_pb2.Department(
        name=name, etag=stored.etag, display_name=text_to(TEXT), identifies=[PERSON]
    )
    request = catalog_pb2.UpdateDepartmentRequest(department=changed)
    error = await refusal(fresh.catalog.UpdateDepartment(request, metadata=fresh.said))
    assert (error.reason, error.violations[0].field) == ("TOKEN_INVALID", "department.identifies")
    changed.ClearField("identifies")
    request = catalog_pb2.UpdateDepartmentRequest(department=changed)
    await fresh.catalog.UpdateDepartment(request, metadata=fresh.said)
    async with reopened(tmp_path, two_persons=False) as relaxed:
        await relaxed.add_department("tax")
        await relaxed.add_key("tax")


# the whole path


async def test_two_persons_do_what_one_proposed(office: Office) -> None:
    name = office.fresh()
    request = creating_verifier(name)
    proposed = await office.ann.propose(CREATE_VERIFIER, request)
    assert proposed.state == State.STATE_PROPOSED
    assert (proposed.proposer, proposed.decider) == ("administrators/ann", "")
    assert proposed.request == request.SerializeToString(deterministic=True)
    assert proposed.digest == action_digest(
        proposed.name, proposed.proposer, CREATE_VERIFIER, proposed.request
    )
    asked = catalog_pb2.GetVerifierRequest(name=f"verifiers/{name}")
    assert (await refusal(office.town.catalog.GetVerifier(asked))).reason == "NOT_FOUND"
    assert [each.name for each in await office.bob.actions(waiting=True)] == [proposed.name]
    done = await office.bob.approve(proposed)
    assert (done.state, done.decider) == (State.STATE_DONE, "administrators/bob")
    answer = catalog_pb2.Verifier.FromString(done.response)
    assert answer == await office.town.catalog.GetVerifier(asked)
    assert await office.ann.get(proposed) == done
    assert not await office.bob.actions(waiting=True)
    assert (await office.bob.actions())[0].name == proposed.name


async def test_each_step_stands_on_the_ledger_and_tells_outsiders_nothing(office: Office) -> None:
    done = await office.bob.approve(await office.waiting())
    openings = proven(done, office.town.ready.verifier_key)
    assert [each.body.step for each in openings] == [Step.PROPOSED, Step.APPROVED, Step.DONE]
    assert [each.body.person for each in openings] == [
        "administrators/ann",
        "administrators/bob",
        "administrators/bob",
    ]
    assert {(each.body.action, each.body.digest) for each in openings} == {(done.name, done.digest)}
    rejected = await office.bob.reject(await office.waiting())
    steps = [each.body.step for each in proven(rejected, office.town.ready.verifier_key)]
    assert steps == [Step.PROPOSED, Step.REJECTED]
    page = await office.town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=500))
    records = [parse_entry(each.entry) for each in page.entries]
    ours = [each for each in records if isinstance(each, RecordEntry) and each.kind == ADMINISTRATION_RECORD]
    assert len(ours) >= 5
    assert len({len(each.payload) for each in ours}) == 1, "one length, whatever it is about"
    assert len({each.payload for each in ours}) == len(ours), "no salt is used again"
    told = repr([each.payload for each in ours])
    assert not [word for word in ("ann", "bob", "actions", "Catalog") if word in told]


async def test_a_department_proposes_its_own_key_and_an_administrator_approves(office: Office) -> None:
    request = creating_key("police")
    proposed = await office.police.propose(CREATE_KEY, request)
    assert proposed.proposer == "departments/police"
    done = await office.bob.approve(proposed)
    assert done.state == State.STATE_DONE, done
    made = catalog_pb2.IssuerKey.FromString(done.response)
    assert await office.police.get(proposed) == done
    ending = catalog_pb2.UpdateIssuerKeyStateRequest(
        name=made.name, expected_state=made.state, state=catalog_pb2.IssuerKey.STATE_RETIRED
    )
    method = f"{PACKAGE}.CatalogService/UpdateIssuerKeyState"
    done = await office.bob.approve(await office.police.propose(method, ending))
    assert catalog_pb2.IssuerKey.FromString(done.response).state == catalog_pb2.IssuerKey.STATE_RETIRED


async def test_regulators_take_two_persons(office: Office) -> None:
    name, token = office.fresh(), new_secret()
    creating = publication_pb2.CreateRegulatorRequest(regulator_id=name, regulator=new_regulator())
    method = f"{PACKAGE}.PublicationService/CreateRegulator"
    done = await office.root.approve(await office.ann.propose(method, creating))
    assert done.state == State.STATE_DONE, done
    access = statistics_pb2.CreateRegulatorAccessRequest(
        regulator=f"regulators/{name}", access_token_hash=secret_hash(token)
    )
    method = f"{PACKAGE}.StatisticsService/CreateRegulatorAccess"
    done = await office.ann.approve(await office.root.propose(method, access))
    assert (done.state, done.response) == (State.STATE_DONE, b"")
    stub: Any = StatisticsServiceStub(office.town.channel)
    asked = statistics_pb2.ListStatisticsRequest(
        first={"year": 2026, "month": 1, "day": 1}, last={"year": 2026, "month": 1, "day": 2}
    )
    await stub.ListStatistics(asked, metadata=office.town.bearer(token))


async def test_every_method_of_the_table_is_carried_out(office: Office) -> None:
    """One after the other: each leaves what the next one needs."""
    town, ann, bob = office.town, office.ann, office.bob
    own, other = f"departments/{office.fresh()}", f"administrators/{office.fresh()}"
    asked = office.fresh()

    async def department_changed() -> Message:
        read = await town.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name=own))
        read.identifies.append(PERSON)
        read.ClearField("create_time")
        return catalog_pb2.UpdateDepartmentRequest(department=read)

    async def verifier_changed() -> Message:
        read = await town.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name=f"verifiers/{asked}"))
        changed = catalog_pb2.Verifier(
            name=read.name, etag=read.etag, display_name=LocalizedText(zh="乙", en="B")
        )
        return catalog_pb2.UpdateVerifierRequest(verifier=changed)

    async def key_ended() -> Message:
        listed = await town.catalog.ListIssuerKeys(catalog_pb2.ListIssuerKeysRequest(parent=own))
        return catalog_pb2.UpdateIssuerKeyStateRequest(
            name=listed.issuer_keys[0].name, expected_state=_ACTIVE, state=_RETIRED
        )

    async def administrator_renamed() -> Message:
        return await renaming(ann, other)

    hashed = {"access_token_hash": secret_hash(new_secret())}
    requests: dict[str, Message | Callable[[], Awaitable[Message]]] = {
        "CatalogService/CreateDepartment": creating_department(own.partition("/")[2], new_secret()),
        "CatalogService/UpdateDepartment": department_changed,
        "TokenService/ReplaceSecret": token_pb2.ReplaceSecretRequest(name=own, **hashed),
        "CatalogService/CreateVerifier": creating_verifier(asked),
        "CatalogService/UpdateVerifier": verifier_changed,
        "CatalogService/CreateIssuerKey": creating_key(own.partition("/")[2]),
        "CatalogService/UpdateIssuerKeyState": key_ended,
        "PublicationService/CreateRegulator": publication_pb2.CreateRegulatorRequest(
            regulator_id=asked, regulator=new_regulator()
        ),
        "StatisticsService/CreateRegulatorAccess": statistics_pb2.CreateRegulatorAccessRequest(
            regulator=f"regulators/{asked}", access_token_hash=secret_hash(new_secret())
        ),
        "AdministrationService/CreateAdministrator": creating_administrator(
            other.partition("/")[2], new_secret()
        ),
        "AdministrationService/UpdateAdministrator": administrator_renamed,
        "AdministrationService/SetAdministratorSecret": pb.SetAdministratorSecretRequest(
            name=other, secret_hash=secret_hash(new_secret())
        ),
        "AdministrationService/RemoveAdministrator": pb.RemoveAdministratorRequest(name=other),
    }
    assert {f"{PACKAGE}.{method}" for method in requests} == set(HARMFUL)
    for method, request in requests.items():
        message = await request() if callable(request) else request
        done = await bob.approve(await ann.propose(f"{PACKAGE}.{method}", message))
        assert (done.state, done.reason) == (State.STATE_DONE, ""), method
    made = next(each for each in await ann.actions() if each.method == CREATE_DEPARTMENT)
    answer = catalog_pb2.CreateDepartmentResponse.FromString(made.response)
    assert not answer.access_token, "no secret stands in an action"
    read = await town.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name=own))
    assert list(read.identifies) == [PERSON]


async def test_everybody_changes_what_they_are_called_and_nobody_another_alone(office: Office) -> None:
    person = await another(office.ann, office.bob, office.fresh())
    changed = await person.stub.UpdateAdministrator(await renaming(person, person.name), metadata=person.said)
    assert (changed.name, changed.display_name.en) == (person.name, "B")
    got = await office.ann.stub.GetAdministrator(
        pb.GetAdministratorRequest(name=person.name), metadata=office.ann.said
    )
    assert got == changed
    before = dump(office.town.ready.data)
    for other in (office.root, office.ann, office.police):
        request = await renaming(office.ann, person.name)
        error = await refusal(other.stub.UpdateAdministrator(request, metadata=other.said))
        expected = "TOKEN_INVALID" if other is office.police else "SECOND_PERSON_REQUIRED"
        assert error.reason == expected
    assert dump(office.town.ready.data) == before
    request = await renaming(office.ann, person.name)
    method = f"{PACKAGE}.AdministrationService/UpdateAdministrator"
    proposed = await office.ann.propose(method, request)
    request.administrator.display_name.zh = "丙"
    renamed = await person.stub.UpdateAdministrator(request, metadata=person.said)
    failed = await office.bob.approve(proposed)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "ETAG_MISMATCH"), "it was changed meanwhile"
    removing = pb.RemoveAdministratorRequest(name=person.name)
    method = f"{PACKAGE}.AdministrationService/RemoveAdministrator"
    await office.bob.approve(await office.ann.propose(method, removing))
    gone = await office.ann.stub.GetAdministrator(
        pb.GetAdministratorRequest(name=person.name), metadata=office.ann.said
    )
    assert gone.state == pb.Administrator.STATE_REMOVED
    assert gone.etag != renamed.etag


async def test_administrators_come_and_go(office: Office) -> None:
    name = office.fresh()
    person = await another(office.ann, office.bob, name)
    page = await person.stub.ListAdministrators(pb.ListAdministratorsRequest(), metadata=person.said)
    assert {"administrators/ann", "administrators/bob", person.name} <= {
        each.name for each in page.administrators
    }
    changed = replace(person, token=new_secret())
    own = pb.SetAdministratorSecretRequest(name=person.name, secret_hash=secret_hash(changed.token))
    await person.stub.SetAdministratorSecret(own, metadata=person.said)
    assert (await refusal(person.actions())).reason == "TOKEN_INVALID"
    proposed = await changed.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    removing = pb.RemoveAdministratorRequest(name=person.name)
    method = f"{PACKAGE}.AdministrationService/RemoveAdministrator"
    done = await office.bob.approve(await office.ann.propose(method, removing))
    assert pb.Administrator.FromString(done.response).state == pb.Administrator.STATE_REMOVED
    assert (await refusal(changed.actions())).reason == "TOKEN_INVALID"
    error = await refusal(office.bob.approve(proposed))
    assert error.reason == "SECOND_PERSON_REQUIRED", "who proposed it is nobody any more"
    again = await office.ann.propose(CREATE_ADMINISTRATOR, creating_administrator(name, new_secret()))
    failed = await office.bob.approve(again)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "ALREADY_EXISTS")
    lost = pb.SetAdministratorSecretRequest(name=person.name, secret_hash=secret_hash(new_secret()))
    method = f"{PACKAGE}.AdministrationService/SetAdministratorSecret"
    failed = await office.bob.approve(await office.ann.propose(method, lost))
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "NOT_FOUND")
