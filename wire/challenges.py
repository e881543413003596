"""What a party signs to open a session: a nonce of the service's, or its own where the service gives none."""

import secrets

import grpc

from disclosure.request import NONCE_OCTETS
from wire.client import ServiceError, call
from zkproto.v1 import session_pb2, session_pb2_grpc


def nonce_of(channel: grpc.Channel) -> bytes:
    """Return 32 octets for a session's statement; raises ServiceError.

    A service of before challenges, and one that gives another number of octets, gets random ones: the
    statement is then good for one session at one of its servers.
    """
    stub = session_pb2_grpc.SessionServiceStub(channel)
    try:
        nonce = bytes(call(stub.GetChallenge, session_pb2.GetChallengeRequest()).nonce)
    except ServiceError as error:
        if error.code is not grpc.StatusCode.UNIMPLEMENTED:
            raise
        nonce = b""
    return nonce if len(nonce) == NONCE_OCTETS else secrets.token_bytes(NONCE_OCTETS)
