"""Sessions over a challenge of the service's, and tokens, at several servers of one database."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests import postgres
from tests.zkservice.sessions import statement
from tests.zkservice.stored import dump, selected
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, city, refusal, reopened
from tests.zkservice.test_tokens import reason, stub
from tests.zkservice.walking import token_of
from zkproto.v1 import session_pb2 as pb
from zkproto.v1 import token_pb2
from zkproto.v1.session_pb2_grpc import SessionServiceStub
from zkservice.sessions import CHALLENGE_LIFE
from zkservice.storage.challenges import KEPT

BANK = "verifiers/bank"
_SECOND = dt.timedelta(seconds=1)


def sessions(town: City) -> Any:
    return SessionServiceStub(town.channel)


async def challenge(town: City) -> bytes:
    nonce: bytes = (await sessions(town).GetChallenge(pb.GetChallengeRequest())).nonce
    return nonce


def signed(town: City, nonce: bytes, by: str = "bank") -> pb.OpenSessionRequest:
    return statement(town, BANK, town.verifier_keys[by], nonce=nonce)


async def test_a_challenge_opens_one_session(tmp_path: Path) -> None:
    async with city(tmp_path, demand_challenge=True) as town:
        before = dump(tmp_path)
        nonce = await challenge(town)
        assert len({nonce, *[await challenge(town) for _ in range(9)]}) == 10
        assert dump(tmp_path) == before, "whoever asks for challenges has something kept"
        assert (await sessions(town).OpenSession(signed(town, nonce))).token
        before = dump(tmp_path)
        error = await refusal(sessions(town).OpenSession(signed(town, nonce)))
        assert (error.code.name, error.reason) == ("ALREADY_EXISTS", "REPLAYED")
        assert dump(tmp_path) == before


async def test_what_is_no_challenge_is_refused_where_one_is_demanded(tmp_path: Path) -> None:
    async with city(tmp_path, demand_challenge=True) as town:
        nonce, before = await challenge(town), dump(tmp_path)
        changed = [
            nonce[:place] + bytes([nonce[place] ^ 1]) + nonce[place + 1 :] for place in (0, 7, 8, 16, 31)
        ]
        for each in (b"", bytes(32), *changed):
            error = await refusal(sessions(town).OpenSession(signed(town, each)))
            assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "CHALLENGE_MISSING")
            assert [one.field for one in error.violations] == ["nonce"]
        assert dump(tmp_path) == before


async def test_a_challenge_is_used_up_by_its_signer_alone(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        nonce = await challenge(town)
        error = await refusal(sessions(town).OpenSession(signed(town, nonce, by="school")))
        assert error.reason == "REQUEST_SIGNATURE_INVALID"
        assert not selected(tmp_path, "select nonce from spent_challenge")
        assert (await sessions(town).OpenSession(signed(town, nonce))).token


async def test_a_challenge_ends(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        nonces = [await challenge(town) for _ in range(2)]
        town.clock.ahead = CHALLENGE_LIFE - 10 * _SECOND
        assert (await sessions(town).OpenSession(signed(town, nonces[0]))).token
        town.clock.ahead = CHALLENGE_LIFE + _SECOND
        error = await refusal(sessions(town).OpenSession(signed(town, nonces[1])))
        assert (error.reason, [each.field for each in error.violations]) == ("REQUEST_EXPIRED", ["nonce"])


async def test_a_nonce_of_the_partys_own_is_taken_unless_challenges_are_demanded(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        assert (await sessions(town).OpenSession(signed(town, b""))).token
        assert not selected(tmp_path, "select nonce from spent_challenge")


async def test_another_services_challenge_is_none_of_this_one(tmp_path: Path) -> None:
    async with city(tmp_path / "one") as one, city(tmp_path / "other", demand_challenge=True) as other:
        error = await refusal(sessions(other).OpenSession(signed(other, await challenge(one))))
        assert error.reason == "CHALLENGE_MISSING"


@pytest_asyncio.fixture
async def pair(postgresql: postgres.Server, tmp_path: Path) -> AsyncIterator[tuple[City, City]]:
    """Two servers on one database."""
    settings = Store.on(postgresql).settings
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(city(tmp_path / "one", **settings))
        folder = replica(tmp_path / "two", tmp_path / "one")
        two = await stack.enter_async_context(reopened(folder, **settings))
        two.verifier_keys, two.department_token = one.verifier_keys, one.department_token
        yield one, two


async def test_at_several_servers_a_challenge_opens_one_session(pair: tuple[City, City]) -> None:
    one, two = pair
    nonce = await challenge(one)
    message = signed(two, nonce)
    assert (await sessions(two).OpenSession(message)).token
    for town in pair:
        assert (await refusal(sessions(town).OpenSession(message))).reason == "REPLAYED"


async def test_every_server_takes_what_another_has_signed(pair: tuple[City, City]) -> None:
    one, two = pair
    token = await token_of(one, one.department_token)
    other = await token_of(two, one.department_token)
    for town in pair:
        assert await reason(town, token) == await reason(town, other) == "OK"
    assert len((await stub(one).ListTokenKeys(token_pb2.ListTokenKeysRequest())).keys) == 1
    rotate = token_pb2.RotateTokenKeysRequest(at_once=True)
    await stub(two).RotateTokenKeys(rotate, metadata=two.bearer(two.admin))
    newest = await token_of(two, one.department_token)
    one.clock.ahead = 2 * _SECOND
    for town in pair:
        assert await reason(town, token) == "TOKEN_INVALID"
        assert await reason(town, newest) == "OK"


async def test_a_secret_that_is_replaced_ends_at_every_server(pair: tuple[City, City]) -> None:
    one, two = pair
    secret = one.department_token
    token = await token_of(one, secret)
    assert await reason(two, token) == await reason(two, secret) == "OK"
    asked = token_pb2.ReplaceSecretRequest(name="departments/police")
    await stub(one).ReplaceSecret(asked, metadata=one.bearer(one.admin))
    two.clock.ahead = 2 * _SECOND
    for town in pair:
        assert await reason(town, token) == await reason(town, secret) == "TOKEN_INVALID"


async def test_used_challenges_are_forgotten_when_they_count_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert KEPT > 2 * CHALLENGE_LIFE, "one that is forgotten could be used again"
    async with city(tmp_path) as town:
        await sessions(town).OpenSession(signed(town, await challenge(town)))
        assert len(selected(tmp_path, "select nonce from spent_challenge")) == 1
    monkeypatch.setattr("zkservice.storage.challenges.KEPT", dt.timedelta(seconds=-1))
    async with reopened(tmp_path), asyncio.timeout(60):
        while selected(tmp_path, "select nonce from spent_challenge"):
            await asyncio.sleep(0.05)
