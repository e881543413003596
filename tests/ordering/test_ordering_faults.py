"""Nine cities with real engines, and what may happen to them. Minutes: run by `make test-long`."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ordering import state
from ordering.errors import StateError
from ordering.light import fetching
from ordering.operators import Admit
from ordering.rules import proposal_id
from ordering.state import Claimed
from ordering.store import STORE_FILE
from ordering.transactions import Claim, Propose, Transaction, Vote
from tests.cities.networks import Network, UnavailableError, joined
from tests.ordering.engines import Cities, Member, consortium, needs_engine, until
from tests.ordering.killing import REFERENCE, SECONDS, claim, killed_at_random, submit

pytestmark = [needs_engine, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[Cities]:
    with consortium(tmp_path, 9, snapshot_every=10) as opened:
        yield opened


def test_two_of_nine_are_missed_by_nobody_and_three_are_waited_for(cities: Cities) -> None:
    *rest, seventh, eighth, ninth = cities.members
    for each in (eighth, ninth):
        each.running.kill()
    for tag in range(3):
        submit(rest[tag], claim(rest[tag], tag))
    seventh.running.kill()
    before = rest[0].height()
    with rest[0].client() as client:
        client.send(Transaction.parse(claim(rest[0], 3)))
    time.sleep(10)
    assert max(each.height() for each in rest) <= before + 1
    for each in (seventh, eighth, ninth):
        each.running.start()
    until(lambda: min(each.height() for each in cities.members) > before + 1)
    cities.agree()
    with ninth.client() as client:
        for tag in range(4):
            assert client.read(state.claim_key("scope", tag.to_bytes(32, "big"))).value is not None


def test_a_tenth_city_joins_by_a_snapshot(cities: Cities) -> None:
    first, second = cities.members[:2]
    for tag in range(12):
        submit(first, claim(first, tag))
    tenth = cities._made(9)
    proposal = first.city.says(Propose(Admit(tenth.city.operator)))
    submit(first, proposal)
    identifier = proposal_id(Transaction.parse(proposal))
    for each in cities.members[1:7]:
        submit(each, each.city.says(Vote(identifier, agrees=True)))
    for tag in range(12, 24):
        submit(first, claim(first, tag))
    with first.client() as client:
        trusted = fetching.trusted(client, 2)
    peers = [f"http://127.0.0.1:{each.ports.rpc}" for each in (first, second)]
    cities.members.append(tenth)
    cities.configure(
        tenth,
        statesync={
            "enable": True,
            "rpc_servers": ",".join(peers),
            "trust_height": trusted.height,
            "trust_hash": trusted.hash.hex(),
            "trust_period": "336h0m0s",
            "discovery_time": "5s",
        },
    )
    tenth.running.start()
    until(lambda: tenth.height() >= first.height(), 180)
    submit(tenth, claim(tenth, 99))
    cities.agree()
    with tenth.client() as client, pytest.raises(StateError):
        client.ask("block", height="3")  # it has never seen it
    with tenth.client() as client:
        assert client.read(state.claim_key("scope", bytes(32))).value is not None


def test_an_application_with_another_state_stands_still_and_harms_nobody(cities: Cities) -> None:
    wrong, *rest = cities.members
    submit(rest[0], claim(rest[0], 1))
    cities.agree()
    wrong.running.stop()
    with sqlite3.connect(wrong.running.node.application / STORE_FILE) as file:
        file.execute("update row set value = ? where key = ?", _stolen(wrong))
        file.execute("delete from node where depth > 0")
    wrong.running.start()
    for tag in range(2, 5):
        submit(rest[tag], claim(rest[tag], tag))
    log = wrong.running.node.folder / "engine.log"
    until(lambda: "wrong Block.Header.AppHash" in log.read_text())
    stood = wrong.height()
    for tag in range(5, 8):
        submit(rest[tag], claim(rest[tag], tag))
    assert wrong.height() == stood < min(each.height() for each in rest)
    wrong.running.kill()
    cities.agree()


def _stolen(member: Member) -> tuple[bytes, bytes]:
    return Claimed(member.city.name, REFERENCE, 1).to_bytes(), state.claim_key(
        "scope", (1).to_bytes(32, "big")
    )


def test_whatever_is_killed_for_ten_minutes_all_agree_and_all_that_was_accepted_is_there(
    cities: Cities,
) -> None:
    killed_at_random(cities, max(SECONDS, 600))


def test_a_network_that_is_cut_in_two_halts_without_two_views_and_goes_on_when_it_is_healed(
    tmp_path: Path,
) -> None:
    """Five and four of nine: neither is more than two thirds."""
    with network() as laid, consortium(tmp_path, 9, place=lambda each: laid.place(part_of(each))) as cities:
        west, east = cities.members[:5], cities.members[5:]
        submit(west[0], claim(west[0], 0))
        cities.agree()
        laid.cut("east")
        assert not laid.reaches("west", f"http://{east[0].host}:{east[0].ports.peers}"), "it was not cut"
        before = max(each.height() for each in cities.members)
        for number, member in enumerate((west[1], east[1]), start=1):
            # The same pseudonym on both sides: one of them comes first when there is one order again.
            with member.client() as client:
                client.send(
                    Transaction.parse(member.city.says(Claim("cut", bytes(32), bytes([number]) * 32)))
                )
        time.sleep(20)
        assert max(each.height() for each in cities.members) <= before + 1
        laid.heal("east")
        until(lambda: min(each.height() for each in cities.members) > before + 1, 240)
        submit(east[0], claim(east[0], 1))
        cities.agree()
        found = {row_of(each, state.claim_key("cut", bytes(32))) for each in cities.members}
        assert len(found) == 1
        assert None not in found


def part_of(number: int) -> str:
    return "west" if number < 5 else "east"


@contextmanager
def network() -> Iterator[Network]:
    with ExitStack() as stack:
        try:
            laid = stack.enter_context(joined(["west", "east"]))
        except UnavailableError as error:
            pytest.skip(f"no partition without network namespaces: {error}")
        yield laid


def row_of(member: Member, key: bytes) -> bytes | None:
    with member.client() as client:
        return client.read(key).value
