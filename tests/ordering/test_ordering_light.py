"""What a node that lies can make a client believe, keep or suffer: nothing, without an engine."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordering import state, tree
from ordering.client import MAX_OCTETS, Client
from ordering.errors import StateError
from ordering.light import fetching
from ordering.light.header import Validators
from ordering.light.verifying import Order, OrderError, OrderReason, Trusted, advance
from ordering.octets import Writer
from ordering.submitting import Submitter
from tests.ordering.answering import NOW, Node, answering, encoded, written
from tests.ordering.cities import CHAIN, City, town

PRESENT = tree.write_proof(tree.Proof((), bytes(32), b""), Writer()).number(1, 1).to_bytes().hex()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with town(tmp_path, 4) as opened, answering(Node(opened)) as served:
        yield served


def test_the_hash_that_people_compare_binds_all_that_is_trusted(node: Node) -> None:
    with Client(node.url) as client:
        found = fetching.trusted(client, 5)
    assert found == Trusted.parse(found.to_bytes()) == node.trusted(5)
    assert found.hash == node.header(5).hash()
    strangers = Validators(((City.of(70).operator.validator, 10),))
    with pytest.raises(OrderError) as caught:
        Trusted.parse(replace(found, validators=strangers).to_bytes())
    assert caught.value.reason is OrderReason.ORDER_MALFORMED
    later = replace(found, header=replace(found.header, time=(NOW, 0)))
    assert Trusted.parse(later.to_bytes()).hash != found.hash


def test_a_header_to_be_trusted_is_of_the_height_asked_for_and_signed_by_its_validators(node: Node) -> None:
    with Client(node.url) as client:
        node.touched["commit"] = lambda _: {"signed_header": written(node.step(4))}
        with pytest.raises(StateError, match="another height"):
            fetching.trusted(client, 5)
        node.touched["commit"] = lambda _: {"signed_header": written(node.step(5, signers=2))}
        with pytest.raises(OrderError) as caught:
            fetching.trusted(client, 5)
        assert caught.value.reason is OrderReason.ORDER_COMMIT_INVALID


def test_headers_are_followed_to_the_row(node: Node) -> None:
    with Client(node.url) as client:
        steps = fetching.steps_to(client, node.trusted(1), node.height, NOW)
    assert [each.header.height for each in steps] == [node.height]


def test_what_a_node_shows_of_a_checkpoint_is_checked_and_can_be_kept(node: Node) -> None:
    city = node.town.cities[0]
    node.town.bring(city.says(city.grown(3)))
    with Client(node.url) as client:
        found = fetching.order(client, city.log.name, node.trusted(1), NOW)
        assert Order.parse(found.to_bytes()) == found
        forged = state.Ordered.parse(found.row)
        lie = encoded(replace(forged, size=9).to_bytes())
        node.touched["abci_query"] = lambda said: {"response": {**said["response"], "value": lie}}
        with pytest.raises(OrderError) as caught:
            fetching.order(client, city.log.name, node.trusted(1), NOW)
        assert caught.value.reason is OrderReason.ORDER_ROW_INVALID


def padded(given: dict[str, Any], **vote: Any) -> dict[str, Any]:
    votes = given["signed_header"]["commit"]["signatures"]
    votes[-1].update(vote)
    return given


@pytest.mark.parametrize(
    "spoil",
    [
        lambda given: padded(given, signature=encoded(bytes(65))),
        lambda given: padded(given, validator_address="00" * 21),
        lambda given: padded(given, timestamp="1901-01-01T00:00:00Z"),
        lambda given: {},
        lambda given: [],
        lambda given: None,
        lambda given: {"signed_header": 5},
        lambda given: {"signed_header": {"header": None, "commit": []}},
    ],
    ids=["signature", "address", "time", "nothing", "list", "null", "number", "parts"],
)
def test_a_step_that_could_not_be_kept_or_read_is_the_nodes_fault(
    node: Node, spoil: Callable[[Any], Any]
) -> None:
    node.touched["commit"] = spoil
    with Client(node.url) as client, pytest.raises(StateError, match="cannot be read"):
        fetching.step(client, 5)


def test_a_step_at_the_trusted_height_has_a_commit_too(node: Node) -> None:
    begin, bare = node.trusted(5), node.step(5, signers=1)
    assert advance(begin, [node.step(5)], NOW)[0] == begin
    with pytest.raises(OrderError) as caught:
        advance(begin, [bare], NOW)
    assert caught.value.reason is OrderReason.ORDER_COMMIT_INVALID


@pytest.mark.parametrize("body", [b"[]", b"5", b"{}", b"{", b"[" * 100_000, b"\xff", b'{"error": 7}'])
def test_an_answer_of_any_shape_is_a_state_error(node: Node, body: bytes) -> None:
    node.touched |= {name: lambda _: body for name in ("status", "abci_query", "commit", "validators")}
    with Client(node.url) as client:
        for ask in (
            lambda: client.height,
            lambda: client.read(b"key"),
            lambda: client.seen("city-1"),
            lambda: fetching.step(client, 3),
        ):
            with pytest.raises(StateError):
                ask()


def test_an_answer_is_bounded_in_length_and_time(node: Node) -> None:
    node.touched["status"] = lambda _: b" " * (MAX_OCTETS + 1)
    with Client(node.url) as client, pytest.raises(StateError, match="too long"):
        _ = client.height
    node.touched.clear()
    with Client(node.url, seconds=0.5) as client:
        assert client.height == node.height
        node.dripping = True
        with pytest.raises(StateError, match="in time"):
            _ = client.height
        node.dripping, node.trickling = False, True
        for _ in range(2):  # the connection that was cut is not used again
            with pytest.raises(StateError, match="in time"):
                _ = client.height
        node.trickling = False
        assert client.height == node.height


def test_a_connection_that_comes_too_late_is_cut(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.create_connection

    def late(*given: Any, **more: Any) -> socket.socket:
        time.sleep(1)  # as where a name is long looked for
        return connect(*given, **more)

    monkeypatch.setattr(socket, "create_connection", late)
    node.trickling = True
    with Client(node.url, seconds=0.5) as client, pytest.raises(StateError, match="in time"):
        _ = client.height


def test_a_number_that_none_comes_after_is_not_gone_on_from(node: Node) -> None:
    row = encoded(state.Seen((1 << 64) - 1).to_bytes())
    node.touched["abci_query"] = lambda said: {
        "response": {**said["response"], "value": row, "info": PRESENT}
    }
    with Client(node.url) as client, pytest.raises(StateError, match="cannot be read"):
        client.seen("city-1")


def test_the_next_node_is_asked_where_one_answers_with_nonsense(node: Node, tmp_path: Path) -> None:
    city = node.town.cities[1]
    with answering(Node(node.town, touched={"status": lambda _: {"node_info": 5}})) as lying:
        submits = Submitter([lying.url, node.url], CHAIN, city.name, lambda: [city.key])
        with submits.client() as client:
            assert submits.operator(client) == city.operator
    assert lying.asked == ["status"]


def test_headers_are_looked_for_until_a_deadline(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "STEPS_SECONDS", -1.0)
    with Client(node.url) as client, pytest.raises(StateError, match="too slow"):
        fetching.steps_to(client, node.trusted(1), node.height, NOW)
