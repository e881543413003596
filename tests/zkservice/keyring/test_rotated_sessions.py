"""Sessions and challenges over a rotation of the master key, at two servers of one database; and those that
whoever has a key of the service makes up."""

import asyncio
import base64
import datetime as dt
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import grpc

from tests import postgres
from tests.zkservice.keyring.living import rotated
from tests.zkservice.keyring.making import by_file
from tests.zkservice.sessions import opened, statement
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, aio_error, city, reopened
from zkproto.v1 import delivery_pb2, session_pb2
from zkproto.v1.delivery_pb2_grpc import DeliveryServiceStub
from zkproto.v1.session_pb2_grpc import SessionServiceStub
from zkservice.config import Settings
from zkservice.keyring.opening import open_keys
from zkservice.keyring.resealing import reseal
from zkservice.keyring.rotating import working
from zkservice.keys import Keys
from zkservice.moments import to_ms
from zkservice.sessions import LIFETIME

BANK: Final = "verifiers/bank"
_SECOND: Final = dt.timedelta(seconds=1)


async def reason(town: City, token: str) -> str:
    stub: Any = DeliveryServiceStub(town.channel)
    try:
        await stub.ListDeliveries(delivery_pb2.ListDeliveriesRequest(), metadata=town.bearer(token))
    except grpc.aio.AioRpcError as error:
        return aio_error(error).reason
    return "OK"


def session(town: City, mac_of: Any, ends: dt.datetime) -> str:
    """Make up a session of the bank's, as the service would with some key."""
    public_key = town.verifier_keys["bank"].public_key().public_bytes_raw()
    mac = mac_of("session", BANK, str(to_ms(ends)), public_key.hex())
    return base64.urlsafe_b64encode(f"{BANK}|{to_ms(ends)}|{mac}".encode()).rstrip(b"=").decode()


async def test_a_session_that_ends_later_than_any_that_is_made_is_none(tmp_path: Path) -> None:
    """Whoever had the key for a moment has no session for longer than the service makes one."""
    async with city(tmp_path) as town:
        keys, now = Keys.load(tmp_path / "keys", make=False), town.clock()
        assert await reason(town, session(town, keys.fleeting, now + LIFETIME)) == "OK"
        for ahead in (LIFETIME + 60 * _SECOND, dt.timedelta(days=365)):
            assert await reason(town, session(town, keys.fleeting, now + ahead)) == "TOKEN_INVALID"


async def test_the_derivation_that_no_rotation_changes_makes_no_session(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        keys = Keys.load(tmp_path / "keys", make=False)
        forged = session(town, keys.token, town.clock() + LIFETIME)
        assert await reason(town, forged) == "TOKEN_INVALID"


async def test_without_a_provider_a_restart_ends_no_session(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await opened(town, BANK, town.verifier_keys["bank"])
    async with reopened(tmp_path) as town:
        assert await reason(town, token) == "OK"
    async with reopened(tmp_path, **by_file(tmp_path / "provider.key")) as town:
        assert await reason(town, token) == "OK", "the open key is the first generation"
    assert not (tmp_path / "keys" / "master.key").exists()


async def test_a_rotation_ends_what_the_old_key_makes_and_no_session_before(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    given = by_file(tmp_path / "provider.key") | Store.on(postgresql).settings
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(city(tmp_path / "one", demand_challenge=True, **given))
        folder = replica(tmp_path / "two", tmp_path / "one")
        two = await stack.enter_async_context(reopened(folder, demand_challenge=True, **given))
        two.verifier_keys = one.verifier_keys
        stolen = open_keys(Settings(data=folder, **given), make=False).keys
        nonce, before = await challenge(one), await over(two, await challenge(one))
        assert await rotated(one, given) == 2
        after = await over(one, nonce)
        for town in (one, two):
            newest = await over(town, await challenge(two))
            assert [await reason(each, before) for each in (one, two)] == ["OK", "OK"]
            assert [await reason(each, after) for each in (one, two)] == ["OK", "OK"]
            assert [await reason(each, newest) for each in (one, two)] == ["OK", "OK"]
        made_up = session(one, stolen.fleeting, one.clock() + LIFETIME)
        assert await reason(one, made_up) == "OK", "a former generation counts until it is retired"
        await asyncio.to_thread(_reseal, Settings(data=tmp_path / "one", **given))
        async with asyncio.timeout(60):
            while {await reason(each, made_up) for each in (one, two)} != {"TOKEN_INVALID"}:
                await asyncio.sleep(0.1)
        assert [await reason(each, newest) for each in (one, two)] == ["OK", "OK"]


def _reseal(settings: Settings) -> None:
    with working(settings) as work:
        assert reseal(work, settle=0, seconds=120).retired == 1


async def challenge(town: City) -> bytes:
    stub: Any = SessionServiceStub(town.channel)
    nonce: bytes = (await stub.GetChallenge(session_pb2.GetChallengeRequest())).nonce
    return nonce


async def over(town: City, nonce: bytes) -> str:
    """Open a session of the bank's over a challenge."""
    stub: Any = SessionServiceStub(town.channel)
    token: str = (
        await stub.OpenSession(statement(town, BANK, town.verifier_keys["bank"], nonce=nonce))
    ).token
    return token
