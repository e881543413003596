"""Whoever has had a secret of another's, and whoever has one no more, would be a second person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from disclosure.administration import new_secret, secret_hash
from tests.zkservice.administering import (
    CREATE_KEY,
    CREATE_VERIFIER,
    REPLACE_SECRET,
    SET_SECRET,
    Office,
    Person,
    State,
    another,
    creating_key,
    creating_verifier,
    department,
    first,
    opened,
    replacing,
    root,
    setting,
)
from tests.zkservice.stored import change, dump
from tests.zkservice.support import refusal, reopened
from tests.zkservice.walking import token_of
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1 import token_pb2
from zkproto.v1.token_pb2_grpc import TokenServiceStub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    async with opened(tmp_path_factory.mktemp("office")) as made:
        yield made


async def _replaced(person: Person, proposer: Person, approver: Person) -> Person:
    """Have two persons give a department another token, which the first has made."""
    other = replace(person, token=new_secret())
    request = replacing(person.name.partition("/")[2], other.token)
    done = await approver.approve(await proposer.propose(REPLACE_SECRET, request))
    assert done.state == State.STATE_DONE, done
    return other


async def test_whoever_replaced_a_departments_secret_is_no_second_person(office: Office) -> None:
    ann, bob, eve = office.ann, office.bob, await another(office.ann, office.bob, "eve")
    tax = await _replaced(await department(ann, bob, "tax"), eve, bob)
    keys = len(dump(office.town.ready.data)["issuer_key"])
    proposed = await tax.propose(CREATE_KEY, creating_key("tax"))
    error = await refusal(eve.approve(proposed))
    assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "SAME_PERSON")
    assert (await refusal(ann.approve(proposed))).reason == "SAME_PERSON", "who registered it could have too"
    assert len(dump(office.town.ready.data)["issuer_key"]) == keys
    assert (await bob.approve(proposed)).state == State.STATE_DONE


async def test_what_the_department_replaces_itself_clears_nobody(office: Office) -> None:
    """Ann has had the token: she could replace it in the department's name, and have the next one too."""
    tokens, health = TokenServiceStub(office.town.channel), await department(office.ann, office.bob, "health")
    own = replace(health, token=new_secret())
    await tokens.ReplaceSecret(replacing("health", own.token), metadata=health.said)
    proposed = await own.propose(CREATE_KEY, creating_key("health"))
    assert (await refusal(office.ann.approve(proposed))).reason == "SAME_PERSON"
    assert (await office.bob.approve(proposed)).state == State.STATE_DONE


async def test_whoever_was_answered_with_a_secret_where_one_person_suffices_is_written_down(
    tmp_path: Path,
) -> None:
    async with reopened(tmp_path) as town:
        await town.add_department("old")
        ann = await first(town)
        request = token_pb2.ReplaceSecretRequest(name="departments/old")
        answer = await TokenServiceStub(town.channel).ReplaceSecret(request, metadata=ann.said)
    async with reopened(tmp_path, two_persons=True) as town:
        ann = replace(ann, town=town)
        old = Person(town, "departments/old", answer.access_token)
        bob = await another(ann, root(town), "bob")
        proposed = await old.propose(CREATE_KEY, creating_key("old"))
        for person in (ann, root(town)):
            assert (await refusal(person.approve(proposed))).reason == "SAME_PERSON"
        assert (await bob.approve(proposed)).state == State.STATE_DONE


# what was proposed with a secret that is nobody's any more


async def _refused(approver: Person, proposed: pb.Action) -> None:
    before = dump(approver.town.ready.data)
    error = await refusal(approver.approve(proposed))
    assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "SECOND_PERSON_REQUIRED")
    assert proposed.proposer in error.detail
    assert dump(approver.town.ready.data) == before


async def test_what_a_thief_proposed_ends_with_the_administrators_secret(office: Office) -> None:
    thief = await another(office.ann, office.bob, "mia")
    by_secret = await thief.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    token = replace(thief, token=await token_of(office.town, thief.token))
    by_token = await token.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    mia = replace(thief, token=new_secret())
    await thief.stub.SetAdministratorSecret(setting(mia, mia.token), metadata=thief.said)
    for proposed in (by_secret, by_token):
        await _refused(office.bob, proposed)
    anew = await mia.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    assert (await office.bob.approve(anew)).state == State.STATE_DONE
    assert (await office.bob.reject(by_secret)).state == State.STATE_REJECTED


async def test_so_it_does_where_two_others_replace_the_secret(office: Office) -> None:
    thief = await another(office.ann, office.bob, "kim")
    proposed = await thief.propose(CREATE_VERIFIER, creating_verifier(office.fresh()))
    done = await office.bob.approve(await office.ann.propose(SET_SECRET, setting(thief, new_secret())))
    assert done.state == State.STATE_DONE
    await _refused(office.bob, proposed)


async def test_what_a_thief_proposed_ends_with_the_departments_secret(office: Office) -> None:
    thief = await department(office.ann, office.bob, "water")
    proposed = await thief.propose(CREATE_KEY, creating_key("water"))
    water = await _replaced(thief, office.ann, office.bob)
    await _refused(office.bob, proposed)
    error = await refusal(thief.propose(CREATE_KEY, creating_key("water")))
    assert error.reason == "TOKEN_INVALID"
    anew = await water.propose(CREATE_KEY, creating_key("water"))
    assert (await office.bob.approve(anew)).state == State.STATE_DONE


async def test_what_was_approved_in_time_stays_so(office: Office) -> None:
    max_ = await another(office.ann, office.bob, "max")
    done = await office.bob.approve(await max_.propose(CREATE_VERIFIER, creating_verifier(office.fresh())))
    await max_.stub.SetAdministratorSecret(setting(max_, new_secret()), metadata=max_.said)
    assert await office.bob.approve(done) == done


async def test_a_secret_that_ended_elsewhere_a_moment_ago_proposes_nothing(office: Office) -> None:
    """This server goes by what it read within the last second; the proposal itself looks again."""
    fire = await department(office.ann, office.bob, "fire")
    await fire.propose(CREATE_KEY, creating_key("fire"))
    statement = "update department set token_hash = ? where name = ?"
    change(office.town.ready.data, statement, secret_hash(new_secret()), fire.name)
    error = await refusal(fire.propose(CREATE_KEY, creating_key("fire")))
    assert error.reason == "TOKEN_INVALID"


async def test_what_a_thief_proposed_ends_with_the_folders_secret(tmp_path: Path) -> None:
    async with reopened(tmp_path, two_persons=True) as town:
        ann = await first(town)
        proposed = await root(town).propose(CREATE_VERIFIER, creating_verifier("stolen"))
    path = tmp_path / "admin.token"
    path.write_text(f"{new_secret()}\n", "utf-8")
    async with reopened(tmp_path, two_persons=True) as town:
        ann = replace(ann, town=town)
        await _refused(ann, proposed)
        anew = await root(town).propose(CREATE_VERIFIER, creating_verifier("own"))
        assert (await ann.approve(anew)).state == State.STATE_DONE
