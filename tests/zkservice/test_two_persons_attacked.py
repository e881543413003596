"""Whoever would be two persons, approve what nobody saw, do it twice, or propose what is hidden."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from disclosure.administration import (
    Step,
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
    Person,
    State,
    another,
    creating_administrator,
    creating_department,
    creating_key,
    creating_verifier,
    first,
    opened,
    proven,
    root,
)
from tests.zkservice.stored import dump
from tests.zkservice.support import new_id, refusal, reopened
from tests.zkservice.wiring import filled
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1 import catalog_pb2
from zkservice.keys import token_hash
from zkservice.services.acting import PROPOSABLE
from zkservice.two_persons import HARMFUL, HARMLESS

pytestmark = pytest.mark.asyncio(loop_scope="module")
WEEK: Final = dt.timedelta(days=7)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with opened(tmp_path_factory.mktemp("office")) as made:
        yield made


# one person who would be two


async def test_the_same_person_is_refused_in_every_disguise(office: Office) -> None:
    own = await office.waiting()
    error = await refusal(office.ann.approve(own))
    assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "SAME_PERSON")
    by_root = await office.root.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    assert (await refusal(office.root.approve(by_root))).reason == "SAME_PERSON"

    other = replace(office.ann, token=new_secret())
    request = pb.SetAdministratorSecretRequest(name=other.name, secret_hash=secret_hash(other.token))
    await office.ann.stub.SetAdministratorSecret(request, metadata=office.ann.said)
    try:
        assert (await refusal(other.approve(own))).reason == "SAME_PERSON", "under another secret"
        assert (await refusal(office.police.approve(own))).reason == "TOKEN_INVALID", "as the department"
        by_department = await office.police.propose(CREATE_KEY, creating_key("police"))
        error = await refusal(other.approve(by_department))
        assert error.reason == "SAME_PERSON", "who registered the department was given its token"
        assert (await office.bob.approve(by_department)).state == State.STATE_DONE
    finally:
        back = pb.SetAdministratorSecretRequest(name=other.name, secret_hash=secret_hash(office.ann.token))
        await other.stub.SetAdministratorSecret(back, metadata=other.said)
    assert (await office.ann.get(own)).state == State.STATE_PROPOSED


async def test_a_department_of_before_was_given_to_root(tmp_path: Path) -> None:
    async with reopened(tmp_path) as town:
        token = await town.add_department("old")
    async with reopened(tmp_path, two_persons=True) as town:
        old, ann = Person(town, "departments/old", token), await first(town)
        proposed = await old.propose(CREATE_KEY, creating_key("old"))
        assert (await refusal(root(town).approve(proposed))).reason == "SAME_PERSON"
        assert (await ann.approve(proposed)).state == State.STATE_DONE


async def test_one_secret_is_one_person(office: Office) -> None:
    root_s = creating_administrator(office.fresh(), office.town.admin)
    taken = [office.ann.token, office.police.token]
    requests = [root_s, *(creating_administrator(office.fresh(), each) for each in taken)]
    for request in requests:
        failed = await office.bob.approve(await office.ann.propose(CREATE_ADMINISTRATOR, request))
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "FIELD_INVALID"), request
    for token in (office.town.admin, office.ann.token, office.police.token):
        request_of = creating_department(office.fresh(), token)
        failed = await office.bob.approve(await office.ann.propose(CREATE_DEPARTMENT, request_of))
        assert (failed.state, failed.reason) == (State.STATE_FAILED, "FIELD_INVALID")
    named_root = creating_administrator("root", new_secret())
    failed = await office.bob.approve(await office.ann.propose(CREATE_ADMINISTRATOR, named_root))
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "FIELD_INVALID")


async def test_root_makes_the_first_administrator_only(tmp_path: Path) -> None:
    async with reopened(tmp_path, two_persons=True) as town:
        requests = [creating_administrator(f"a-{number}", new_secret()) for number in range(4)]
        calls = [root(town).stub.CreateAdministrator(each, metadata=root(town).said) for each in requests]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, pb.Administrator) for each in outcomes) == 1
        error = await refusal(root(town).stub.CreateAdministrator(requests[0], metadata=root(town).said))
        assert error.reason == "SECOND_PERSON_REQUIRED"
    async with reopened(tmp_path) as town:  # where one person is enough, root is that person
        made = await root(town).stub.CreateAdministrator(
            creating_administrator("next", new_secret()), metadata=root(town).said
        )
        assert made.name == "administrators/next"


# what is approved is what was seen


async def test_a_digest_of_something_else_approves_nothing(office: Office) -> None:
    proposed, other = await office.waiting(), await office.waiting()
    before = dump(office.town.ready.data)
    for digest in (other.digest, bytes(32), proposed.digest[::-1]):
        error = await refusal(office.bob.approve(proposed, digest))
        assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "ACTION_MISMATCH")
    for digest, reason in ((b"x", "FIELD_INVALID"), (proposed.digest + b"\0", "FIELD_INVALID")):
        assert (await refusal(office.bob.approve(proposed, digest))).reason == reason
    assert dump(office.town.ready.data) == before


async def test_time_is_up_after_a_week(office: Office) -> None:
    proposed = await office.waiting()
    try:
        office.town.clock.ahead = WEEK - dt.timedelta(minutes=1)
        assert (await office.ann.get(proposed)).state == State.STATE_PROPOSED
        office.town.clock.ahead = WEEK
        assert (await office.ann.get(proposed)).state == State.STATE_EXPIRED
        assert proposed.name not in [each.name for each in await office.ann.actions(waiting=True)]
        for act in (office.bob.approve, office.bob.reject):
            error = await refusal(act(proposed))
            assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "ACTION_EXPIRED")
    finally:
        office.town.clock.ahead = dt.timedelta()


async def test_what_was_rejected_is_approved_by_nobody(office: Office) -> None:
    proposed = await office.waiting()
    rejected = await office.ann.reject(proposed)  # whoever proposed it may take it back
    assert (rejected.state, rejected.decider) == (State.STATE_REJECTED, "administrators/ann")
    assert await office.ann.reject(proposed) == rejected
    for person in (office.bob, office.root):
        error = await refusal(person.approve(proposed))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "ACTION_DECIDED")
    assert (await refusal(office.bob.reject(proposed))).reason == "ACTION_DECIDED"


async def test_it_is_done_once_however_many_approve_at_once(office: Office) -> None:
    before = len(dump(office.town.ready.data)["issuer_key"])
    proposed = await office.police.propose(CREATE_KEY, creating_key("police"))
    calls = [person.approve(proposed) for _ in range(8) for person in (office.bob, office.root)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    done = [each for each in outcomes if isinstance(each, pb.Action)]
    assert len(done) == 8, "one of two persons approved, however often it was said"
    assert {each.state for each in done} <= {State.STATE_DONE, State.STATE_APPROVED}
    assert len({each.decider for each in done}) == 1
    assert len(dump(office.town.ready.data)["issuer_key"]) == before + 1
    steps = [
        each.body.step for each in proven(await office.bob.get(proposed), office.town.ready.verifier_key)
    ]
    assert steps == [Step.PROPOSED, Step.APPROVED, Step.DONE]


async def test_replays_do_nothing_more(office: Office) -> None:
    request, request_id = creating_verifier(office.fresh()), new_id()
    proposed = await office.ann.propose(CREATE_VERIFIER, request, request_id)
    assert await office.ann.propose(CREATE_VERIFIER, request, request_id) == proposed
    other = creating_verifier(office.fresh())
    error = await refusal(office.ann.propose(CREATE_VERIFIER, other, request_id))
    assert (error.reason, error.violations[0].field) == ("REQUEST_ID_REUSED", "request_id")
    theirs = await office.root.propose(CREATE_VERIFIER, request, request_id)
    assert theirs.name != proposed.name, "a request_id is its proposer's"
    done = await office.bob.approve(proposed)
    before = dump(office.town.ready.data)
    assert await office.bob.approve(proposed) == done
    assert (await refusal(office.root.approve(proposed))).reason == "ACTION_DECIDED"
    assert dump(office.town.ready.data) == before
    failed = await office.bob.approve(theirs)
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "ALREADY_EXISTS")
    assert await office.bob.approve(theirs) == failed
    steps = proven(failed, office.town.ready.verifier_key)
    assert (steps[-1].body.step, steps[-1].body.reason) == (Step.FAILED, "ALREADY_EXISTS")


async def test_a_failure_changes_nothing_and_may_be_proposed_again(office: Office) -> None:
    request = catalog_pb2.CreateIssuerKeyRequest(parent="departments/nowhere", request_id=new_id())
    failed = await office.bob.approve(await office.ann.propose(CREATE_KEY, request))
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "NOT_FOUND")
    assert failed.detail
    assert not failed.response
    request.request_id = "no uuid"
    failed = await office.bob.approve(await office.ann.propose(CREATE_KEY, request))
    assert (failed.state, failed.reason) == (State.STATE_FAILED, "FIELD_INVALID")


# who may not, and what may not be proposed


async def test_nobody_else_has_anything_to_do_with_actions(office: Office) -> None:
    proposed = await office.waiting()
    before = dump(office.town.ready.data)
    thief = Person(office.town, "nobody", new_secret())
    for act in (thief.approve, thief.reject, thief.get):
        assert (await refusal(act(proposed))).reason == "TOKEN_INVALID"
    assert (await refusal(thief.propose(CREATE_KEY, creating_key("police")))).reason == "TOKEN_INVALID"
    assert (await refusal(office.police.approve(proposed))).reason == "TOKEN_INVALID"
    for act in (office.police.get, office.police.reject):
        assert (await refusal(act(proposed))).reason == "NOT_FOUND", "another's action is none"
    for call in (office.police.actions(), thief.actions()):
        assert (await refusal(call)).reason == "TOKEN_INVALID"
    assert dump(office.town.ready.data) == before


@pytest.mark.parametrize("method", sorted(set(HARMFUL) - {CREATE_KEY}))
async def test_a_department_proposes_nothing_but_keys_of_its_own(office: Office, method: str) -> None:
    octets = filled(PROPOSABLE[method].descriptor.input_type).SerializeToString(deterministic=True)
    error = await refusal(office.police.send(method, octets))
    assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "TOKEN_INVALID")
    error = await refusal(office.police.propose(CREATE_KEY, creating_key("tax")))
    assert error.reason == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "method",
    [
        *sorted(HARMLESS)[::5],
        f"/{CREATE_VERIFIER}",
        "CatalogService/CreateVerifier",
        f"{PACKAGE}.CatalogService/CreateVerifier2",
        f"{PACKAGE}.LedgerService/GetCheckpoint",
        f"{PACKAGE}.AdministrationService/ApproveAction",
        "grpc.health.v1.Health/Check",
        "__class__",
        "x" * 5000,
    ],
)
async def test_only_what_takes_two_persons_is_proposed(office: Office, method: str) -> None:
    octets = creating_verifier("any").SerializeToString(deterministic=True)
    before = dump(office.town.ready.data)
    error = await refusal(office.ann.send(method, octets))
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert error.violations[0].field == "method"
    assert dump(office.town.ready.data) == before


def _variants() -> dict[str, bytes]:
    whole = creating_verifier("odd").SerializeToString(deterministic=True)
    inner = creating_verifier("odd")
    nested = inner.verifier.SerializeToString(deterministic=True) + b"\xa2\x1f\x01?"
    return {
        "cut": whole[:-1],
        "no message": b"\xff\xff\xff",
        "an unknown field": whole + b"\xa2\x1f\x01?",
        "an unknown field within": b"\x0a\x03odd\x12" + bytes([len(nested)]) + nested,
        "a field twice": b"\x0a\x05other" + whole,
        "a default that is written": whole + b"\x0a\x00",
        "the fields in another order": whole[5:] + whole[:5],
        "not UTF-8": b"\x0a\x02\xff\xfe",
        "a longer length": b"\x0a\x83\x00odd" + whole[5:],
    }


@pytest.mark.parametrize("variant", list(_variants()))
async def test_octets_that_hide_something_are_refused(office: Office, variant: str) -> None:
    before = dump(office.town.ready.data)
    error = await refusal(office.ann.send(CREATE_VERIFIER, _variants()[variant]))
    assert (error.code.name, error.reason) == ("INVALID_ARGUMENT", "MESSAGE_MALFORMED")
    assert error.violations[0].field == "request"
    assert dump(office.town.ready.data) == before


async def test_what_is_missing_or_too_much_is_named(office: Office) -> None:
    octets = creating_verifier("any").SerializeToString(deterministic=True)
    error = await refusal(office.ann.send(CREATE_VERIFIER, b"\x0a\xe0\xd4\x03" + b"a" * 60_000))
    assert error.reason == "MESSAGE_TOO_LARGE"
    for message, field in (
        (pb.CreateActionRequest(request=octets, request_id=new_id()), "method"),
        (pb.CreateActionRequest(method=CREATE_VERIFIER, request_id=new_id()), "request"),
        (pb.CreateActionRequest(method=CREATE_VERIFIER, request=octets), "request_id"),
    ):
        error = await refusal(office.ann.stub.CreateAction(message, metadata=office.ann.said))
        assert (error.reason, error.violations[0].field) == ("FIELD_MISSING", field)
    secretive = catalog_pb2.CreateDepartmentRequest(department_id="any")
    error = await refusal(office.ann.propose(CREATE_DEPARTMENT, secretive))
    assert (error.reason, error.violations[0].field) == ("FIELD_MISSING", "request")


async def test_one_proposer_does_not_fill_the_table(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    other = await another(office.ann, office.bob, office.fresh())
    monkeypatch.setattr("zkservice.storage.actions.MAX_WAITING", 2)
    waiting = [await other.propose(CREATE_VERIFIER, creating_verifier("any")) for _ in range(2)]
    error = await refusal(other.propose(CREATE_VERIFIER, creating_verifier("any")))
    assert (error.code.name, error.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
    await office.bob.reject(waiting[0])
    await other.propose(CREATE_VERIFIER, creating_verifier("any"))


async def test_no_secret_is_kept(office: Office) -> None:
    stored = repr(dump(office.town.ready.data))
    for person in (office.ann, office.bob, office.police):
        assert person.token not in stored
        assert secret_hash(person.token) == token_hash(person.token)
    error = await refusal(office.ann.propose(CREATE_VERIFIER, creating_verifier("x"), "no uuid"))
    assert office.ann.token not in str(error)
