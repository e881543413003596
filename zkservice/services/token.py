"""TokenService: short-lived tokens for whoever has a secret, the keys that sign them, other secrets."""

import base64
from typing import Any

import structlog

from disclosure import DepartmentName
from wire.convert import moment_to
from zkproto.v1 import token_pb2 as pb
from zkproto.v1.token_pb2_grpc import TokenServiceServicer
from zkservice.context import Context
from zkservice.roles import Role
from zkservice.services.parties import given_token
from zkservice.storage import registered
from zkservice.storage.token_keys import TokenKey


class TokenService(TokenServiceServicer):
    """Tokens and secrets are in answers and nowhere else."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateToken(self, request: pb.CreateTokenRequest, context: Any) -> Any:
        """Make a token of the secret that the call came with."""
        name, hashed = await self._context.callers.secret(context)
        now = self._context.now()
        token, ends = await self._context.tokens.create(name, hashed, now)
        seconds = int((ends - now).total_seconds())
        return pb.CreateTokenResponse(
            token=token, expire_time=moment_to(ends), name=name, lifetime_seconds=seconds
        )

    async def ListTokenKeys(self, request: pb.ListTokenKeysRequest, context: Any) -> Any:
        """The keys that count."""
        keys = await self._context.tokens.keys(self._context.now())
        return pb.ListTokenKeysResponse(keys=map(_key_to, keys))

    async def RotateTokenKeys(self, request: pb.RotateTokenKeysRequest, context: Any) -> Any:
        """Sign with a new key from now on."""
        caller = await self._context.callers.of(context, {Role.OPERATOR, Role.ADMINISTRATOR})
        key = await self._context.tokens.rotate(self._context.now(), at_once=request.at_once)
        structlog.get_logger().info(
            "token keys rotated", kid=key.kid, by=caller.name, at_once=request.at_once
        )
        return pb.RotateTokenKeysResponse(key=_key_to(key))

    async def ReplaceSecret(self, request: pb.ReplaceSecretRequest, context: Any) -> Any:
        """Give a department another secret; the one before ends, and its tokens."""
        name = str(DepartmentName.parse(request.name, field="name"))
        by = await self._context.access.replacing(context, name, {Role.DEPARTMENT, Role.ADMINISTRATOR})
        given = None if by == name else by
        token, hashed = given_token(self._context, request.access_token_hash)
        await self._context.database.write(lambda each: registered.replace_token(each, name, hashed, given))
        self._context.secrets.forget()
        return pb.ReplaceSecretResponse(access_token=token)


def _key_to(key: TokenKey) -> pb.TokenKey:
    message = pb.TokenKey(
        kid=key.kid,
        kty="OKP",
        crv="Ed25519",
        x=base64.urlsafe_b64encode(key.public_key).rstrip(b"=").decode(),
        alg="EdDSA",
        use="sig",
        create_time=moment_to(key.created),
    )
    if key.ends is not None:
        message.expire_time.CopyFrom(moment_to(key.ends))
    return message
