"""Cards, a founding and a city's folder, without an engine: what is refused, and what is kept."""

import base64
import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordering.city.card import MAX_OCTETS, Card
from ordering.city.founding import Founding
from ordering.city.home import City as Who
from ordering.city.home import CityHome, Join
from ordering.errors import StateError
from ordering.home import Node, public_octets, write_once, write_private
from tests.ordering.cities import City

BEGINS = dt.datetime(2027, 1, 15, 8, tzinfo=dt.UTC)


def card(number: int, power: int = 10) -> Card:
    city = City.of(number, power)
    node = bytes([number]) * 20
    return Card(city.operator, node.hex(), f"node-{number}.example:26656").signed_by(city.key, city.validator)


def changed(number: int, **fields: Any) -> bytes:
    return json.dumps(card(number).document() | fields).encode()


def test_a_card_is_read_as_it_was_written() -> None:
    assert Card.parse(card(1).to_bytes()) == card(1)
    assert "signed" not in repr(card(1))
    assert card(1).peer == f"{'01' * 20}@node-1.example:26656"


OTHERS = base64.b64encode(public_octets(City.of(2).validator)).decode()


TOUCHED = [
    b"",
    b"[]",
    b"{" * 5000,
    changed(1, name="city-2"),
    changed(1, name="City"),
    changed(1, name="../city"),
    changed(1, power=11),
    changed(1, power=True),
    changed(1, power=-1),
    changed(1, power=1 << 40),
    changed(1, node="00" * 20),
    changed(1, node="00"),
    changed(1, node=None),
    changed(1, address="node-1.example:26657"),
    changed(1, address="node-1.example,x@y:1"),
    changed(1, address=5),
    changed(1, validator=OTHERS),
    changed(1, key=OTHERS),
    changed(1, key="AA=="),
    changed(1, key="A"),
    changed(1, log="none"),
    changed(1, signed=""),
    changed(1, format="other"),
    changed(1, more=1),
    changed(1, signed=card(2).document()["signed"]),
    b'{"name": "x", ' + card(1).to_bytes()[1:],
    card(1).to_bytes() + b" " * MAX_OCTETS,
]


@pytest.mark.parametrize("data", TOUCHED, ids=map(str, range(len(TOUCHED))))
def test_a_card_that_was_touched_is_refused(data: bytes) -> None:
    with pytest.raises(StateError):
        Card.parse(data)


def test_a_founding_is_one_document_whatever_the_order_of_the_cards() -> None:
    one = Founding.of("east", BEGINS, [card(1), card(2)])
    other = Founding.of("east", BEGINS, [card(2), card(1)])
    assert one == Founding.parse(other.to_bytes())
    assert one.digest == other.digest
    assert len({one.digest, Founding.of("west", BEGINS, [card(1), card(2)]).digest}) == 2
    assert [each.name for each in one.genesis.operators] == ["city-1", "city-2"]


def test_a_founding_that_cannot_be_or_was_touched_is_refused() -> None:
    same_name = Card(replace(card(1).operator, name="city-2"), "aa" * 20, "a.example:1").signed_by(
        City.of(1).key, City.of(1).validator
    )
    for chain, cards in (
        ("", [card(1)]),
        ("x" * 51, [card(1)]),
        ("a\nb", [card(1)]),
        ("east", []),
        ("east", [card(1), card(1)]),
        ("east", [same_name, card(2)]),
        ("east", [card(1, power=0)]),
    ):
        with pytest.raises(StateError):
            Founding.of(chain, BEGINS, cards)
    document = json.loads(Founding.of("east", BEGINS, [card(1), card(2)]).to_bytes())
    touched: list[dict[str, Any]] = [
        {"begins": "now"},
        {"begins": 1},
        {"chain": 1},
        {"cards": {}},
        {"more": 1},
        {"format": ""},
    ]
    for fields in touched:
        with pytest.raises(StateError):
            Founding.parse(json.dumps(document | fields, indent=1).encode() + b"\n")
    document["cards"].reverse()
    with pytest.raises(StateError, match="written"):
        Founding.parse(json.dumps(document, indent=1).encode() + b"\n")


@pytest.fixture
def home(tmp_path: Path) -> CityHome:
    """Make a folder as `zk consortium init` does, its engine's keys by hand."""
    config = tmp_path / "city" / "engine" / "config"
    config.mkdir(parents=True)
    for name, field, key in (
        ("priv_validator_key.json", "priv_key", City.of(7).validator),
        ("node_key.json", "priv_key", City.of(8).validator),
    ):
        seed = key.private_bytes_raw()
        given = {field: {"value": base64.b64encode(seed + public_octets(key)).decode()}}
        given["pub_key"] = {"value": base64.b64encode(public_octets(key)).decode()}
        write_private(config / name, json.dumps(given).encode())
    made = CityHome(tmp_path / "city")
    made.make(
        Who("seven", str(City.of(7).log.verifier), 10, "127.0.0.1:1", "127.0.0.1:2", "seven.example:1"),
        "no engine is asked",
    )
    return made


def test_a_founder_takes_part_once_and_in_one_chain(home: CityHome) -> None:
    founding = Founding.of("east", BEGINS, [card(1), home.card()])
    with pytest.raises(StateError, match="no chain"):
        _ = home.founding
    assert home.take_part(founding) is True
    assert home.take_part(founding) is True
    assert (home.founding, [each.operator.name for each in home.peers()]) == (founding, ["city-1"])
    later = dt.timedelta(seconds=1)
    for other in (
        Founding.of("west", BEGINS, [card(1), home.card()]),
        Founding.of("east", BEGINS + later, [card(1), home.card()]),
        Founding.of("east", BEGINS, [card(1)]),
    ):
        with pytest.raises(StateError, match="another chain"):
            home.take_part(other)
    with pytest.raises(StateError, match="snapshot"):
        home.take_part(founding, Join(5, "00" * 32, ("http://a", "http://b")))
    assert home.founding == founding


def test_a_genesis_with_another_card_of_the_city_is_refused(home: CityHome) -> None:
    before = home.card()
    home.settle_key(public_octets(home.next_key()))
    assert home.card().operator.key != before.operator.key
    with pytest.raises(StateError, match="another card"):
        home.take_part(Founding.of("east", BEGINS, [card(1), before]))


def test_a_folder_is_configured_for_its_chain_and_holds_no_other(home: CityHome) -> None:
    home.take_part(Founding.of("east", BEGINS, [card(1)]), Join(5, "ab" * 32, ("http://a:1", "http://b:2")))
    home.add_peer(card(2))
    home.add_peer(
        Card(card(1).operator, "cc" * 20, "moved.example:1").signed_by(City.of(1).key, City.of(1).validator)
    )
    home.configure()
    config = (home.node.engine / "config" / "config.toml").read_text()
    assert f'"{"cc" * 20}@moved.example:1,{card(2).peer}"' in config
    assert 'external_address = "seven.example:1"' in config
    assert "trust_height = 5" in config
    assert 'rpc_servers = "http://a:1,http://b:2"' in config
    genesis = home.node.engine / "config" / "genesis.json"
    genesis.write_text(genesis.read_text().replace('"east"', '"west"'))
    with pytest.raises(StateError, match="another chain, west"):
        home.configure()


def test_a_folder_that_others_can_read_is_not_used_and_keys_are_nowhere_said(home: CityHome) -> None:
    key = home.folder / "operator.key"
    for path, mode, back in ((home.folder, 0o750, 0o700), (key, 0o640, 0o600)):
        path.chmod(mode)
        with pytest.raises(StateError, match="others can read"):
            home.operator_keys()
        path.chmod(back)
    secret = key.read_bytes()
    key.write_bytes(secret[:31])
    with pytest.raises(StateError) as refused:
        home.card()
    assert secret[:4].hex() not in str(refused.value)
    assert repr(secret[:4])[2:-1] not in str(refused.value)


def test_a_next_key_is_made_once_and_takes_the_place_of_the_one_before(home: CityHome) -> None:
    (before,) = home.operator_keys()
    made = home.next_key()
    assert public_octets(home.next_key()) == public_octets(made)
    assert [public_octets(each) for each in home.operator_keys()] == [
        public_octets(before),
        public_octets(made),
    ]
    assert (home.folder / "operator.next").stat().st_mode & 0o077 == 0
    for other in (public_octets(before), bytes(32)):
        with pytest.raises(StateError, match="another key"):
            home.settle_key(other)
    home.settle_key(public_octets(made))
    # A node may have lied about what the chain has: what was valid before can still sign.
    kept = [public_octets(each) for each in home.operator_keys()]
    assert kept == [public_octets(made), public_octets(before)]
    home.settle_key(public_octets(home.next_key()))
    assert {*kept} < {public_octets(each) for each in home.operator_keys()}
    for path in home.folder.glob("operator.*"):
        assert path.stat().st_mode & 0o077 == 0


def test_of_two_rotations_one_is_refused_and_a_next_key_is_never_written_over(home: CityHome) -> None:
    with home.rotating():
        made = (home.next_key(), (home.folder / "operator.next").read_bytes())[1]
        with pytest.raises(StateError, match="being changed"), home.rotating():
            pass
    with pytest.raises(FileExistsError):
        write_once(home.folder / "operator.next", bytes(32))
    assert (home.folder / "operator.next").read_bytes() == made
    assert not list(home.folder.glob(".operator*"))
    with home.rotating():
        pass


def test_a_folder_is_made_once_and_held_once(home: CityHome) -> None:
    with pytest.raises(StateError, match="already"):
        home.make(home.city)
    with home.held(), pytest.raises(StateError, match="runs"), home.held():
        pass
    with home.held(), home.rotating(), home.claiming(), pytest.raises(StateError, match="another service"):
        home.claiming().__enter__()
    with home.claiming():
        pass


def test_a_path_that_no_socket_can_have_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    home = CityHome(tmp_path / ("x" * 100))
    with pytest.raises(StateError, match="too long"):
        home.make(Who("x", str(City.of(1).log.verifier), 10, "127.0.0.1:1", "127.0.0.1:2", "x.example:1"))
    assert not Node(home.folder).application.exists()
