"""Sessions of a relying party, for the calls that take one."""

import datetime as dt
from collections.abc import Callable

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import VerifierName
from disclosure.session import SessionStatement
from wire import convert
from wire.challenges import nonce_of
from wire.client import call
from wire.sessions import Session
from zkproto.v1 import session_pb2, session_pb2_grpc


def opened(
    channel: grpc.Channel, name: VerifierName, key: Ed25519PrivateKey, log: tlog.Verifier, now: dt.datetime
) -> tuple[str, dt.datetime]:
    """Open a session with the registered key; return its token, and when it ends. Raises ServiceError."""
    moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
    statement = SessionStatement(str(name), str(log), moment, nonce_of(channel))
    answer = call(
        session_pb2_grpc.SessionServiceStub(channel).OpenSession,
        session_pb2.OpenSessionRequest(
            party=statement.party,
            time=convert.moment_to(moment),
            nonce=statement.nonce,
            signature=statement.sign(key.sign),
        ),
    )
    return answer.token, convert.moment_of(answer.expire_time, field="expire_time")


def session(
    channel: grpc.Channel,
    name: VerifierName,
    key: Ed25519PrivateKey,
    log: tlog.Verifier,
    clock: Callable[[], dt.datetime],
) -> Session:
    """Return the session of a client's calls, which opens itself."""
    return Session(lambda now: opened(channel, name, key, log, now), clock)
