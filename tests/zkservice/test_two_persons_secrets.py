"""Whoever has had a secret of another's, and whoever has one no more, would be a second person."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from disclosure.administration import new_secret
from tests.zkservice.administering import (
    CREATE_KEY,
    REPLACE_SECRET,
    Office,
    Person,
    State,
    another,
    creating_key,
    department,
    first,
    opened,
    replacing,
    root,
)
from tests.zkservice.stored import dump
from tests.zkservice.support import refusal, reopened
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
