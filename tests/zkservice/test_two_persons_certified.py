"""Whoever signs certificates is no second person, and reads nothing that two persons have not given."""

from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.zkservice.administering import (
    CREATE_KEY,
    State,
    another,
    creating_key,
    department,
    first,
    root,
)
from tests.zkservice.certifying import Authority, over
from tests.zkservice.counting import access, asking
from tests.zkservice.publishing import new_regulator, register
from tests.zkservice.stored import dump
from tests.zkservice.support import new_id, refusal, reopened
from tests.zkservice.walking import token_of
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1.administration_pb2_grpc import AdministrationServiceStub
from zkproto.v1.statistics_pb2_grpc import StatisticsServiceStub

pytestmark = pytest.mark.asyncio


def _proposing(channel: grpc.aio.Channel, bearer: Any = None) -> Any:
    request = pb.CreateActionRequest(
        method=CREATE_KEY,
        request=creating_key("tax").SerializeToString(deterministic=True),
        request_id=new_id(),
    )
    stub: Any = AdministrationServiceStub(channel)
    return stub.CreateAction(request, metadata=bearer, timeout=60)


async def test_a_certificate_alone_proposes_nothing(tmp_path: Path) -> None:
    authority = Authority()
    settings: Any = {"client_port": 0, "client_ca": authority.written(tmp_path)}
    async with reopened(tmp_path / "town", two_persons=True, **settings) as town:
        ann = await first(town)
        bob = await another(ann, root(town), "bob")
        tax = await department(ann, bob, "tax")
        async with over(town, authority.client("zk:departments/tax")) as channel:
            before = dump(town.ready.data)
            error = await refusal(_proposing(channel))
            assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "TOKEN_INVALID")
            assert dump(town.ready.data) == before
            assert (await refusal(_proposing(channel, ann.said))).reason == "TOKEN_INVALID"
            for token in (tax.token, await token_of(town, tax.token)):
                proposed = await _proposing(channel, town.bearer(token))
                assert (await bob.approve(proposed)).state == State.STATE_DONE


async def test_a_regulators_certificate_reads_figures_once_access_was_given(tmp_path: Path) -> None:
    authority = Authority()
    settings: Any = {"client_port": 0, "client_ca": authority.written(tmp_path)}
    async with reopened(tmp_path / "town", **settings) as town:
        await register(town, "blind", new_regulator())
        await access(town, "seeing")
        for name, reason in (("blind", "CERTIFICATE_INVALID"), ("seeing", "")):
            async with over(town, authority.client(f"zk:regulators/{name}")) as channel:
                reading: Any = StatisticsServiceStub(channel)
                call = reading.ListStatistics(asking(town), timeout=60)
                if reason:
                    assert (await refusal(call)).reason == reason
                else:
                    assert not (await call).next_page_token
