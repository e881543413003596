"""What the command asks of the token service: short-lived tokens, their keys, other secrets."""

import datetime as dt
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from disclosure import DepartmentName
from wire.client import Endpoint, call
from wire.convert import moment_of
from zkproto.v1 import token_pb2, token_pb2_grpc


@dataclass(frozen=True)
class Token:
    """A short-lived token: whose it is, and until when it is good."""

    name: str
    token: str = field(repr=False)
    ends: dt.datetime


@dataclass(frozen=True)
class TokenKey:
    """A public key that tokens are signed with, by its thumbprint; `ends` is None for the one that signs."""

    kid: str
    x: str
    created: dt.datetime
    ends: dt.datetime | None


class TokenClient:
    """A connection to the token service; a context manager. Calls raise wire.client.ServiceError."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._channel = endpoint.channel()
        self._stub = token_pb2_grpc.TokenServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def create(self, secret: str) -> Token:
        """Have a token made of a secret."""
        made = call(self._stub.CreateToken, token_pb2.CreateTokenRequest(), token=secret)
        return Token(made.name, made.token, moment_of(made.expire_time, field="expire_time"))

    def keys(self) -> list[TokenKey]:
        """Return the keys that count, the one that signs first."""
        return list(map(_key_of, call(self._stub.ListTokenKeys, token_pb2.ListTokenKeysRequest()).keys))

    def rotate(self, secret: str, *, at_once: bool) -> TokenKey:
        """Have tokens signed with a new key; takes an operator's or an administrator's secret."""
        request = token_pb2.RotateTokenKeysRequest(at_once=at_once)
        return _key_of(call(self._stub.RotateTokenKeys, request, token=secret).key)

    def replace(self, department: DepartmentName, secret: str, hashed: bytes) -> None:
        """Give a department another secret, by its hash; takes the one before, or an administrator's."""
        request = token_pb2.ReplaceSecretRequest(name=str(department), access_token_hash=hashed)
        call(self._stub.ReplaceSecret, request, token=secret)


def _key_of(key: token_pb2.TokenKey) -> TokenKey:
    ends = moment_of(key.expire_time, field="expire_time") if key.HasField("expire_time") else None
    return TokenKey(key.kid, key.x, moment_of(key.create_time, field="create_time"), ends)
