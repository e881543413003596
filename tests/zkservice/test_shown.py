"""Whose calls those of a token are: of its name while it holds, of its address once it was refused."""

from pathlib import Path
from typing import Any

import grpc
from hypothesis import given
from hypothesis import strategies as st

from tests.zkservice.certifying import Authority, over
from tests.zkservice.support import City, aio_error, city
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, ledger_pb2, token_pb2, token_pb2_grpc
from zkservice import shown
from zkservice.shown import OF_A_NAME, Shown, mark_of_certificate

CHECKPOINT = ledger_pb2.GetCheckpointRequest()
STRICT: dict[str, Any] = {"rate_anonymous": 0.001, "burst_anonymous": 200}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_held_stands_for_its_name_for_a_while() -> None:
    clock = Clock()
    known = Shown(clock)
    known.held(b"a", "departments/tax")
    assert (known.name_of(b"a"), known.name_of(b"b"), known.name_of(None)) == ("departments/tax", None, None)
    clock.now += 301
    assert known.name_of(b"a") is None


def test_what_was_refused_stands_for_nobody() -> None:
    known = Shown()
    known.held(b"a", "departments/tax")
    known.held(b"b", "departments/tax")
    known.forget(b"a")
    known.forget(b"never seen")
    assert (known.name_of(b"a"), known.name_of(b"b")) == (None, "departments/tax")
    known.held(b"b", "departments/health")
    assert known.name_of(b"b") == "departments/health"


def test_who_has_tokens_without_end_gets_nobodys_forgotten() -> None:
    known = Shown()
    known.held(b"other", "departments/tax")
    for number in range(20_000):
        known.held(number.to_bytes(4), "verifiers/greedy")
    assert known.name_of(b"other") == "departments/tax"
    assert len(known) == 1 + OF_A_NAME
    assert known.name_of((19_999).to_bytes(4)) == "verifiers/greedy"
    assert known.name_of((19_999 - OF_A_NAME).to_bytes(4)) is None


def test_of_all_so_many_are_remembered() -> None:
    known = Shown()
    for number in range(shown.KEPT + 50):
        known.held(number.to_bytes(4), f"verifiers/v{number}")
    assert len(known) == len(known._of) == shown.KEPT


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", ""])), max_size=60))
def test_whatever_comes_in_whatever_order_both_sides_agree(steps: list[tuple[int, str]]) -> None:
    known, expected = Shown(), dict[bytes, str]()
    for number, name in steps:
        mark = bytes([number])
        if name:
            known.held(mark, name)
            expected[mark] = name
        else:
            known.forget(mark)
            expected.pop(mark, None)
        assert {each: known.name_of(each) for each in expected} == expected
        assert {each for own in known._of.values() for each in own} == set(known._names) == set(expected)


def test_a_certificates_mark_is_no_tokens() -> None:
    assert mark_of_certificate(b"a") != mark_of_certificate(b"b")
    assert len(mark_of_certificate(b"a")) == 32


async def reason(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return aio_error(error).reason
    return ""


async def nothing_left(town: City) -> None:
    """Take all that strangers of this address may."""
    for _ in range(1000):
        if await reason(town.ledger.GetCheckpoint(CHECKPOINT)) == "RATE_LIMITED":
            return
    raise AssertionError("nothing was refused")


async def test_a_token_that_was_replaced_is_a_strangers_after_its_first_refusal(tmp_path: Path) -> None:
    async with city(tmp_path, **STRICT) as town:
        old = town.department_token
        tokens: Any = token_pb2_grpc.TokenServiceStub(town.channel)
        replace = token_pb2.ReplaceSecretRequest(name="departments/police")
        await tokens.ReplaceSecret(replace, metadata=town.bearer(old))
        await nothing_left(town)
        again = [await reason(tokens.ReplaceSecret(replace, metadata=town.bearer(old))) for _ in range(2)]
        assert again == ["TOKEN_INVALID", "RATE_LIMITED"]


async def test_a_party_with_a_certificate_alone_is_charged_by_its_name(tmp_path: Path) -> None:
    authority = Authority()
    path = authority.written(tmp_path)
    async with (
        city(tmp_path / "data", client_port=0, client_ca=path, **STRICT) as town,
        over(town, authority.client("zk:departments/police")) as channel,
    ):
        stub: Any = catalog_pb2_grpc.CatalogServiceStub(channel)
        asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=f"departments/police/issuerKeys/{'0' * 32}")
        first = await reason(stub.UpdateIssuerKeyState(asked))
        assert first != "RATE_LIMITED"
        await nothing_left(town)
        assert await reason(stub.UpdateIssuerKeyState(asked)) == first
