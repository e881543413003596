"""What a node that lies can make a client believe, keep or suffer: nothing, without an engine."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ordering.client import Client
from ordering.errors import StateError
from ordering.light import fetching
from ordering.light.header import Validators
from ordering.light.verifying import OrderError, OrderReason, Trusted
from tests.ordering.answering import NOW, Node, answering, written
from tests.ordering.cities import City, town


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
