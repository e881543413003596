"""`zk consortium trust, rotate` at a node that lies, without an engine: what the home keeps then."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ordering import state
from ordering.city.founding import Founding
from ordering.city.home import City as Who
from ordering.city.home import CityHome
from ordering.home import public_octets, write_private
from ordering.octets import Writer
from ordering.operators import Admit
from ordering.rules import proposal_id
from ordering.state import Proposal
from ordering.transactions import Propose, Transaction
from tests.cli.running import Done, refused, zk
from tests.ordering.answering import Node, answering, encoded, written
from tests.ordering.cities import CHAIN, City, town
from tests.ordering.test_ordering_city import BEGINS, card
from zk.commands import ordered
from zk.exits import Exit
from zk.home import Home
from zk.ordered import Pinned
from zk.run import Run

NAME = "city-1"


@dataclass
class Lying(Node):
    """Says of one key that it has a row, as often as it is told to; what it proves is the truth."""

    lie: tuple[bytes, bytes] = (b"", b"")
    lies: int = 0
    signers: int | None = None
    """So many validators have signed its headers; all of them if not said."""

    def _commit(self, height: str) -> Any:
        return {"signed_header": written(self.step(int(height), self.signers))}

    def _abci_query(self, path: str, data: str) -> Any:
        found = super()._abci_query(path, data)
        if bytes.fromhex(data) == self.lie[0] and self.lies:
            self.lies -= 1
            found["response"]["value"] = encoded(self.lie[1])
        return found


@dataclass
class World:
    node: Lying
    home: Path
    city: CityHome
    folder: Path

    def zk(self, *words: object) -> Done:
        return zk("consortium", *words, "--home", self.home, "--json")

    def trust(self, height: int, *more: object) -> Done:
        path = self.folder / f"header-{height}"
        path.write_bytes(self.node.trusted(height).to_bytes())
        return self.zk("trust", path, *more)

    def says(self, key: bytes, lies: int = 9) -> None:
        """Have the node say that the city has another key."""
        row = replace(City.of(1).operator, key=key).write(Writer()).to_bytes()
        self.node.lie, self.node.lies = (state.operator_key(NAME), row), lies

    @property
    def pinned(self) -> Pinned:
        found = Pinned.of(Run(as_json=True, lang="en", home=Home(self.home)))
        assert found is not None
        return found

    @property
    def key(self) -> bytes:
        return (self.city.folder / "operator.key").read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        (tmp_path / "t").mkdir()
        node = Lying(stack.enter_context(town(tmp_path / "t", 4)))
        stack.enter_context(answering(node))
        folder, own = tmp_path / "city", City.of(1)
        (folder / "engine" / "config").mkdir(parents=True)
        for name, key in (
            ("priv_validator_key.json", own.validator),
            ("node_key.json", City.of(8).validator),
        ):
            secret = base64.b64encode(key.private_bytes_raw() + public_octets(key)).decode()
            given = {"priv_key": {"value": secret}, "pub_key": {"value": encoded(public_octets(key))}}
            write_private(folder / "engine" / "config" / name, json.dumps(given).encode())
        write_private(folder / "operator.key", own.key.private_bytes_raw())
        city = CityHome(folder)
        rpc = node.url.removeprefix("http://")
        city.make(
            Who(NAME, str(own.log.verifier), 10, "127.0.0.1:1", rpc, "city-1.example:1"), "no engine is asked"
        )
        city.take_part(Founding.of(CHAIN, BEGINS, [city.card()]))
        yield World(node, tmp_path / "home", city, tmp_path)


def test_a_home_goes_on_only_to_what_follows(world: World) -> None:
    refused(world.zk("trust"), Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    assert world.trust(2).json["height"] == 2
    refused(world.zk("trust"), Exit.USAGE, "NODE_MISSING")
    for signers, reason in ((2, "ORDER_COMMIT_INVALID"), (1, "ORDER_TRUST_MISSING")):
        world.node.signers = signers
        refused(world.zk("trust", "--node", world.node.url), Exit.NOT_VERIFIED, reason)
        assert (world.pinned.trusted.height, world.pinned.node) == (2, "")
    world.node.signers = None
    assert world.zk("trust", "--node", world.node.url).json["height"] == 9
    assert world.zk("trust").json["node"] == world.node.url
    world.node.height = 5  # a node that is behind, or says so: what is trusted does not move back
    assert world.zk("trust").json["height"] == 9


def test_a_file_that_is_none_another_header_and_another_chain(world: World) -> None:
    key = world.city.folder / "operator.key"
    said = world.trust(7, "--node", world.node.url, "--operator", NAME, "--operator-key", key).json
    assert said["operator"] == NAME
    (world.folder / "bad").write_bytes(world.node.trusted(7).to_bytes()[:-1])
    refused(world.zk("trust", world.folder / "bad"), Exit.NOT_VERIFIED, "ORDER_MALFORMED")
    forked = replace(world.node.trusted(7), header=replace(world.node.header(7), app_hash=bytes(32)))
    (world.folder / "forked").write_bytes(forked.to_bytes())
    refused(world.zk("trust", world.folder / "forked"), Exit.NOT_VERIFIED, "ORDER_TRUST_MISSING")
    assert world.trust(7).json["operator"] == NAME  # what was said of claims stays with the chain
    other = replace(world.node.trusted(7), header=replace(world.node.header(7), chain="west"))
    (world.folder / "west").write_bytes(other.to_bytes())
    said = world.zk("trust", world.folder / "west").json
    assert (said["chain"], said["operator"]) == ("west", "")  # and not with another


def test_of_two_processes_that_go_on_the_later_header_stays(world: World) -> None:
    world.trust(2, "--node", world.node.url)
    before = world.pinned

    def meanwhile(pinned: Pinned) -> Pinned:
        run = Run(as_json=True, lang="en", home=Home(world.home))
        replace(pinned, trusted=world.node.trusted(8)).save(run)
        return replace(pinned, trusted=world.node.trusted(5))

    with mock.patch.object(ordered, "renewed", meanwhile):
        assert world.zk("trust").json["height"] == 8
    assert world.pinned == replace(before, trusted=world.node.trusted(8))


@pytest.mark.parametrize(
    ("lies", "reason", "code"),
    [(9, "ORDER_ROW_INVALID", Exit.NOT_VERIFIED), (1, "KEY_NOT_TAKEN", Exit.REFUSED)],
    ids=["to the end", "at first"],
)
def test_a_key_that_the_chain_has_not_taken_is_not_used_whatever_a_node_says(
    lies: int, reason: str, code: Exit, world: World
) -> None:
    before = world.key
    world.trust(2)
    world.says(public_octets(world.city.next_key()), lies)
    refused(world.zk("rotate", "--data", world.city.folder), code, reason)
    assert world.key == before
    assert (world.city.folder / "operator.next").exists()
    assert "broadcast_tx_commit" not in world.node.asked


def test_without_a_header_the_nodes_word_counts_and_that_is_said(world: World) -> None:
    before = world.key
    made = world.city.next_key()
    world.says(public_octets(made))
    done = zk("consortium", "rotate", "--data", world.city.folder, "--home", world.home, "--lang", "en")
    assert done.code == 0, done
    assert "as the node says" in done.out
    assert world.key == made.private_bytes_raw()
    assert before in {path.read_bytes() for path in world.city.folder.glob("operator.*.previous")}


def test_a_header_of_another_chain_says_nothing_of_a_key(world: World) -> None:
    other = replace(world.node.trusted(7), header=replace(world.node.header(7), chain="west"))
    (world.folder / "west").write_bytes(other.to_bytes())
    assert world.zk("trust", world.folder / "west").code == 0
    made = world.city.next_key()
    world.says(public_octets(made))
    assert world.zk("rotate", "--data", world.city.folder).json["height"] is None


def test_of_two_rotations_by_commands_the_second_is_refused(world: World) -> None:
    with world.city.rotating():
        refused(world.zk("rotate", "--data", world.city.folder), Exit.USAGE, "CITY_INVALID")
    assert not (world.city.folder / "operator.next").exists()


def test_a_vote_by_a_card_goes_by_what_is_shown_and_not_by_what_a_node_says(world: World) -> None:
    """The node says that the proposal is for the card's keys; what was proposed has another key."""
    wanted, town_ = card(7), world.node.town
    forged = replace(wanted.operator, key=public_octets(City.of(6).key))
    said = town_.cities[0].says(Propose(Admit(forged)))
    town_.bring(said)
    identifier = proposal_id(Transaction.parse(said))
    key = state.proposal_key(identifier)
    row = town_.machine.read(key).value
    assert row is not None
    lie = replace(Proposal.parse(row), change=Admit(wanted.operator)).to_bytes()
    path = world.folder / "card.json"
    path.write_bytes(wanted.to_bytes())
    vote = ("vote", identifier.hex(), "--data", world.city.folder, "--card")
    refused(world.zk(*vote, path), Exit.REFUSED, "CARD_MISMATCH")  # an honest node
    world.trust(2)
    refused(world.zk(*vote, path), Exit.REFUSED, "CARD_MISMATCH")
    world.node.lie, world.node.lies = (key, lie), 9
    refused(world.zk(*vote, path), Exit.NOT_VERIFIED, "ORDER_ROW_INVALID")
    assert not any(each.startswith("broadcast") for each in world.node.asked)
