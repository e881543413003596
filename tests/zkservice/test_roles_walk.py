"""Every method as every role, as nobody, and as another one of the same role: what the table says happens."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.zkservice.certifying import Authority
from tests.zkservice.fuzzing import filled_target
from tests.zkservice.holding import BASE
from tests.zkservice.refusing import raw
from tests.zkservice.stored import Rows
from tests.zkservice.support import city
from tests.zkservice.walking import REFUSALS, THROUGH, Noting, Walk, expected, role_of
from tests.zkservice.wiring import Method, methods
from zkservice import roles, roles_page
from zkservice.roles import TABLE, Role
from zkservice.services import roster

METHODS: Final = methods()
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
in_module = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    authority = Authority()
    settings: Any = {"client_port": 0, "client_ca": authority.written(tmp_path_factory.mktemp("authority"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        patch.setattr("zkservice.server.Guard", Noting)
        async with AsyncExitStack() as stack:
            town = await stack.enter_async_context(city(tmp_path_factory.mktemp("walk"), **settings))
            issued = await town.claim(await town.issue())
            await town.answered(issued)
            await town.add_schema(BASE)
            rows = stack.enter_context(closing(Rows(town.ready.data)))
            made = await Walk.of(await filled_target(town, issued, rows))
            await made.certify(authority, stack)
            yield made


@in_module
@each_method
async def test_the_outcome_is_what_the_table_says(walk: Walk, method: Method) -> None:
    """Those who are refused come first, then whoever may and owns it, then whoever else is let through."""
    outcomes = {who: expected(method, who) for who in walk.walkers(method)}
    before = walk.target.rows()
    for who, outcome in outcomes.items():
        if outcome != THROUGH:
            reached = Noting.reached
            assert await walk.called(method, who) == outcome, who
            assert outcome not in REFUSALS or Noting.reached == reached or _is_found_out(method, who), who
    assert walk.target.rows() == before, "a refused call changed something"
    if TABLE[method.path].roles:
        reached = Noting.reached
        assert await walk.reason(method, walk.target.token(method)) == "OK"
        assert Noting.reached == reached + 1
    if b"departments/police" in walk.target.seed(method) and Role.DEPARTMENT in TABLE[method.path].roles:
        assert await walk.reason(method, walk.target.city.department_token) not in REFUSALS
    for who, outcome in outcomes.items():
        if outcome == THROUGH:
            seconds = 2 if method.streams else 60
            assert await walk.called(method, who, seconds) not in REFUSALS, who


def _is_found_out(method: Method, who: str) -> bool:
    """Tell whether whose it is stands in the database or in a stream's first message: the method is begun."""
    roles_ = TABLE[method.path].roles
    role = role_of(who)
    whose = roles_.get(Role(role)) if role in set(Role) else None
    return whose is not None and (whose.stored is not None or bool(method.part))


@in_module
async def test_health_and_reflection_are_everybodys(walk: Walk) -> None:
    channel: Any = walk.target.city.channel
    health: Any = health_pb2_grpc.HealthStub(channel)
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    for token in walk.cast.values():
        bearer = walk.target.city.bearer(token) if token is not None else None
        found = await health.Check(health_pb2.HealthCheckRequest(), metadata=bearer)
        assert found.status == health_pb2.HealthCheckResponse.SERVING
        listed = [each async for each in reflection.ServerReflectionInfo(iter([asked]), metadata=bearer)]
        assert {each.name for each in listed[0].list_services_response.service} >= set(roster.NAMES)


@in_module
async def test_what_has_no_row_cannot_be_called(walk: Walk) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await raw(walk.target.city, "CatalogService/DropDepartment")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@in_module
async def test_every_role_walks(walk: Walk) -> None:
    assert {role_of(who) for who in walk.cast} >= set(Role)


def test_every_method_has_a_row_and_every_row_a_method() -> None:
    roles.check_complete(roster.METHODS)
    with pytest.raises(LookupError, match="CatalogService/DropDepartment"):
        roles.check_complete((*roster.METHODS, "/zkproto.v1.CatalogService/DropDepartment"))
    with pytest.raises(LookupError, match="SessionService/OpenSession"):
        roles.check_complete(set(roster.METHODS) - {"/zkproto.v1.SessionService/OpenSession"})


async def test_a_server_does_not_start_with_a_method_that_has_no_row(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.services.roster.METHODS", (*roster.METHODS, "/zkproto.v1.New/Method"))
    with pytest.raises(LookupError, match="New/Method"):
        async with city(tmp_path):
            pass


def test_what_everybody_may_call_and_changes_something_is_little() -> None:
    """Written down once more: a row that is opened by mistake does not pass."""
    reading = (
        "Get",
        "List",
        "Watch",
        "Fetch",
        "Read",
        "Search",
        "Export",
        "Verify",
        "Batch",
        "Check",
        "Server",
    )
    opened = {
        path.rpartition("/")[2]
        for path, row in TABLE.items()
        if not row.roles and not path.rpartition("/")[2].startswith(reading)
    }
    assert opened == {
        "RegisterAccount", "OpenSession", "CreateConsent", "GrantConsent", "DeclineConsent",
        "SendDelivery", "StartErrand", "SubmitErrand", "RetryErrandPart", "AbandonErrand",
        "RefuseErrandPart", "ClaimCredential", "ClaimCompositeCredential", "AcknowledgeCredential",
        "ClaimW3cCredential",
        "CreateExchange", "SubmitPresentation", "DeclineExchange", "RecordOpening",
    }  # fmt: skip


def test_holders_present_without_a_role() -> None:
    presenting = {path for path in TABLE if path.startswith("/zkproto.v1.PresentationService/")}
    assert presenting
    assert not any(TABLE[path].roles for path in presenting)


def test_the_page_is_written_from_the_table() -> None:
    assert roles_page.PAGE.read_text("utf-8") == roles_page.page(), "run python -m zkservice.roles_page"
