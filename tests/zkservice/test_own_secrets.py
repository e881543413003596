"""Whoever replaces its own secret shows the one that it has: over a real server, with a stolen token."""

from pathlib import Path
from typing import Any

import pytest

from disclosure.administration import new_secret, secret_hash
from tests.zkservice.stored import dump
from tests.zkservice.support import TEXT, City, city, refusal, reopened
from tests.zkservice.test_tokens import reason, stub
from tests.zkservice.walking import token_of
from wire.convert import text_to
from zkproto.v1 import administration_pb2, administration_pb2_grpc, token_pb2


async def test_a_token_is_not_turned_into_a_secret(tmp_path: Path) -> None:
    """What a thief has of a token ends with it."""
    async with city(tmp_path) as town:
        token, chosen = await token_of(town, town.department_token), new_secret()
        before = dump(tmp_path)
        for hashed in (b"", secret_hash(chosen)):
            asked = token_pb2.ReplaceSecretRequest(name="departments/police", access_token_hash=hashed)
            error = await refusal(stub(town).ReplaceSecret(asked, metadata=town.bearer(token)))
            assert (error.reason, error.code.name) == ("TOKEN_INVALID", "PERMISSION_DENIED")
        assert dump(tmp_path) == before
        assert await reason(town, town.department_token) == "OK"
        assert await reason(town, chosen) == "TOKEN_INVALID"


@pytest.mark.parametrize("takes", [True, False])
async def test_an_administrators_token_does_not_set_its_own_secret(tmp_path: Path, takes: bool) -> None:
    """Neither where secrets are taken nor where tokens alone are: there the secret is shown all the same."""
    async with city(tmp_path) as town:
        ann, other, thiefs = new_secret(), new_secret(), new_secret()
        making = administration_pb2.CreateAdministratorRequest(
            administrator_id="ann",
            administrator=administration_pb2.Administrator(display_name=text_to(TEXT)),
            secret_hash=secret_hash(ann),
        )
        await administrators(town).CreateAdministrator(making, metadata=town.bearer(town.admin))
    async with reopened(tmp_path, accept_secrets=takes) as town:
        token, root = await token_of(town, ann), await token_of(town, town.admin)
        before = dump(tmp_path)
        error = await refusal(setting(town, thiefs, token))
        assert error.reason == "TOKEN_INVALID"
        assert dump(tmp_path) == before
        await setting(town, other, ann)
        await token_of(town, other)
        await setting(town, ann, root)
        await token_of(town, ann)


def administrators(town: City) -> Any:
    return administration_pb2_grpc.AdministrationServiceStub(town.channel)


def setting(town: City, secret: str, shown: str) -> Any:
    asked = administration_pb2.SetAdministratorSecretRequest(
        name="administrators/ann", secret_hash=secret_hash(secret)
    )
    return administrators(town).SetAdministratorSecret(asked, metadata=town.bearer(shown))
