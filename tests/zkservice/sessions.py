"""Opening sessions in tests."""

import datetime as dt
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.session import SessionStatement
from tests.zkservice.support import City
from wire.convert import moment_to
from zkproto.v1 import session_pb2 as pb
from zkproto.v1.session_pb2_grpc import SessionServiceStub


def statement(
    town: City,
    party: str,
    key: Ed25519PrivateKey,
    ahead: dt.timedelta = dt.timedelta(),
    service: str = "",
    nonce: bytes = b"",
) -> pb.OpenSessionRequest:
    """Return a party's statement, signed as of the city's clock, or so much ahead of it.

    Over a challenge, where one is given.
    """
    moment = town.clock() + ahead
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    made = SessionStatement(
        party, service or town.ready.verifier_key, moment, nonce or secrets.token_bytes(32)
    )
    return pb.OpenSessionRequest(
        party=party, time=moment_to(moment), nonce=made.nonce, signature=made.sign(key.sign)
    )


async def opened(town: City, party: str, key: Ed25519PrivateKey) -> str:
    """Open a session; return its token."""
    stub: SessionServiceStub = SessionServiceStub(town.channel)
    answer = await stub.OpenSession(statement(town, party, key))  # type: ignore[misc]
    token: str = answer.token
    return token
