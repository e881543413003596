"""Nine cities with real engines, and what may happen to them. Minutes: run by `make test-long`."""

import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordering import state
from ordering.errors import RefusedError, StateError
from ordering.light import fetching
from ordering.operators import Admit
from ordering.rules import proposal_id
from ordering.state import Claimed
from ordering.store import STORE_FILE
from ordering.transactions import Claim, Propose, Transaction, Vote
from tests.ordering.engines import Cities, Member, consortium, needs_engine, until

pytestmark = [needs_engine, pytest.mark.long, pytest.mark.timeout(1800)]
REFERENCE = bytes([9]) * 32
KILLING_SECONDS = 600


@pytest.fixture
def cities(tmp_path: Path) -> Iterator[Cities]:
    with consortium(tmp_path, 9, snapshot_every=10) as opened:
        yield opened


def submit(member: Member, data: bytes) -> int:
    with member.client() as client:
        return client.submit(Transaction.parse(data)).height


def claim(member: Member, tag: int) -> bytes:
    return member.city.says(Claim("scope", tag.to_bytes(32, "big"), REFERENCE))


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
    drawn, accepted, tag = random.Random(time.time_ns()), set[int](), 0
    ends = time.monotonic() + KILLING_SECONDS
    while time.monotonic() < ends:
        member = drawn.choice(cities.members)
        if drawn.random() < 0.2:
            half = drawn.randrange(3)
            member.running.kill(engine=half != 1, application=half != 0)
            time.sleep(drawn.random() * 3)
            member.running.kill()
            member.running.start()
            continue
        tag += 1
        try:
            submit(member, claim(member, tag))
        except (StateError, RefusedError):
            continue  # it may be there all the same, and need not be
        accepted.add(tag)
    until(lambda: all(each.running.runs and each.height() for each in cities.members))
    cities.agree()
    assert len(accepted) > 20
    for member in cities.members:
        with member.client() as client:
            for each in accepted:
                row = client.read(state.claim_key("scope", each.to_bytes(32, "big")))
                assert row.value is not None, (member.city.name, each)
