"""Four cities with real engines: one order, proven offline, whatever falls over."""

import base64
import datetime as dt
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering import state
from ordering.errors import Refusal, RefusedError, StateError
from ordering.light import fetching
from ordering.light.header import BlockId, Commit, CommitVote, Flag
from ordering.light.verifying import (
    TRUSTING_SECONDS,
    Order,
    OrderError,
    OrderReason,
    Trusted,
    advance,
    check_order,
    check_row,
)
from ordering.operators import Admit, Remove
from ordering.rules import proposal_id
from ordering.transactions import Claim, Propose, Transaction, Vote
from tests.ordering.cities import CHAIN, City, proof_from
from tests.ordering.engines import Cities, Member, consortium, needs_engine, until
from tlog.checkpoint import Checkpoint, open_checkpoint
from tlog.merkle import root_of

pytestmark = needs_engine
SCOPE, TAG, REFERENCE = "enrolment/2027", bytes([7]) * 32, bytes([9]) * 32


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cities]:
    with consortium(tmp_path_factory.mktemp("c"), 4) as opened:
        yield opened


def submit(member: Member, data: bytes) -> int:
    with member.client() as client:
        return client.submit(Transaction.parse(data)).height


def refusal(member: Member, data: bytes) -> Refusal:
    with pytest.raises(RefusedError) as refused:
        submit(member, data)
    return refused.value.refusal


def first_trusted(member: Member) -> Trusted:
    with member.client() as client:
        return fetching.trusted(client, 1)


def ordered(member: Member, city: City, begin: Trusted) -> Order:
    with member.client() as client:
        return fetching.order(client, city.log.name, begin, int(time.time()))


def test_the_second_city_is_refused_and_the_first_is_proven_to_have_come_first(cities: Cities) -> None:
    first, second = cities.members[:2]
    height = submit(first, first.city.says(Claim(SCOPE, TAG, REFERENCE)))
    assert refusal(second, second.city.says(Claim(SCOPE, TAG, bytes(32)))) is Refusal.TAKEN
    begin, key = first_trusted(second), state.claim_key(SCOPE, TAG)
    with second.client() as client:
        steps, row = fetching.shown(client, key, begin, int(time.time()))
        none, absent = fetching.shown(client, state.claim_key(SCOPE, bytes(32)), begin, int(time.time()))
    _, header = advance(begin, steps, int(time.time()))
    assert header is not None
    assert row.value is not None
    check_row(header, key, row.value, row.proof)
    assert state.Claimed.parse(row.value) == state.Claimed(first.city.name, REFERENCE, height)
    _, header = advance(begin, none, int(time.time()))
    assert header is not None
    assert absent.value is None
    check_row(header, state.claim_key(SCOPE, bytes(32)), None, absent.proof)
    with pytest.raises(OrderError):
        check_row(header, key, None, absent.proof)


def test_a_checkpoint_is_shown_to_be_in_the_order_offline(cities: Cities) -> None:
    member, other = cities.members[2], cities.members[3]
    city = member.city
    body = city.grown(5)
    older = open_checkpoint(body.note, city.log.verifier)
    submit(member, city.says(body))
    submit(member, city.says(city.grown(20)))
    cities.agree()
    begin = first_trusted(other)
    found = ordered(other, city, begin)
    order = replace(found, consistency=tuple(proof_from(city.leaves, 5)))
    kept, pinned, now = order.to_bytes(), begin.to_bytes(), int(time.time())
    assert (Order.parse(kept), Trusted.parse(pinned)) == (order, begin)
    assert check_order(Order.parse(kept), older, begin, now).size == 25
    newest = Checkpoint(city.log.name, 25, root_of(city.leaves))
    assert check_order(found, newest, begin, now).size == 25

    def reason(order: Order, checkpoint: Checkpoint, trusted: Trusted, at: int = now) -> OrderReason:
        with pytest.raises(OrderError) as refused:
            check_order(order, checkpoint, trusted, at)
        return refused.value.reason

    forked = replace(newest, root=bytes(32))
    assert reason(found, forked, begin) is OrderReason.ORDER_CHECKPOINT_MISMATCH
    assert reason(found, older, begin) is OrderReason.ORDER_CHECKPOINT_MISMATCH
    assert reason(order, replace(older, origin="other"), begin) is OrderReason.ORDER_ROW_INVALID
    assert (
        reason(order, older, replace(begin, header=replace(begin.header, chain="other")))
        is OrderReason.ORDER_CHAIN_MISMATCH
    )
    late = now + TRUSTING_SECONDS
    assert reason(order, older, begin, late) is OrderReason.ORDER_TRUST_EXPIRED
    strangers = replace(begin.validators, members=((City.of(70).operator.validator, 10),))
    assert reason(order, older, replace(begin, validators=strangers)) is OrderReason.ORDER_TRUST_MISSING
    assert reason(replace(order, steps=()), older, begin) is OrderReason.ORDER_MALFORMED


def test_no_octet_of_what_shows_an_order_can_be_changed(cities: Cities) -> None:
    """But for what is not signed, and one vote of four, which is more than is needed."""
    member = cities.members[1]
    submit(member, member.city.says(member.city.grown(4)))
    begin = first_trusted(member)
    order = ordered(member, member.city, begin)
    checkpoint = Checkpoint(member.city.log.name, 4, root_of(member.city.leaves))
    data, now = order.to_bytes(), int(time.time())
    check_order(order, checkpoint, begin, now)
    held = 0
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        try:
            found = check_order(Order.parse(bytes(changed)), checkpoint, begin, now)
        except OrderError:
            continue
        assert found.size == 4
        assert found.root == checkpoint.root
        held += 1
    # One of four votes may be lost whole: its flag, address, time and signature.
    assert held <= 4 * (1 + 22 + 12 + 66)
    for cut in range(0, len(data), 7):
        with pytest.raises(OrderError) as refused:
            Order.parse(data[:cut])
        assert refused.value.reason is OrderReason.ORDER_MALFORMED


def test_what_cannot_be_brought_is_refused_before_it_comes_into_a_block(cities: Cities) -> None:
    member = cities.members[0]
    assert refusal(member, City.of(77).says(Claim(SCOPE, bytes(32), REFERENCE))) is Refusal.OPERATOR_UNKNOWN
    once = member.city.says(Claim("once", TAG, REFERENCE))
    submit(member, once)
    with member.client() as client, pytest.raises((RefusedError, StateError), match=r"REPLAYED|cache"):
        client.submit(Transaction.parse(once))
    cities.agree()


@pytest.mark.parametrize("half", ["engine", "application", "both"])
def test_a_city_that_is_killed_comes_back_to_the_same_state(cities: Cities, half: str) -> None:
    gone, other = cities.members[3], cities.members[0]
    gone.running.kill(engine=half != "application", application=half != "engine")
    submit(other, other.city.says(Claim("while away", half.encode().ljust(32), REFERENCE)))
    gone.running.kill()  # an engine whose application is gone ends by itself, some time
    gone.running.start()
    until(lambda: gone.height() >= other.height())
    cities.agree()
    taken = gone.city.says(Claim("while away", half.encode().ljust(32), REFERENCE))
    assert refusal(gone, taken) is Refusal.TAKEN


def test_two_of_four_are_too_few_and_nothing_is_harmed(cities: Cities) -> None:
    first, *_, third, fourth = cities.members
    for each in (third, fourth):
        each.running.kill()
    before = first.height()
    with first.client() as client:
        client.send(Transaction.parse(first.city.says(Claim("halted", TAG, REFERENCE))))
    time.sleep(3)
    assert first.height() <= before + 1
    third.running.start()
    until(lambda: first.height() > before + 1)
    fourth.running.start()
    cities.agree()
    assert refusal(fourth, fourth.city.says(Claim("halted", TAG, REFERENCE))) is Refusal.TAKEN


def test_a_validator_that_signs_for_two_blocks_is_written_down(cities: Cities) -> None:
    """Its key votes twice at one height; the engine sees that from the two votes alone."""
    liar, other = cities.members[3], cities.members[0]
    with other.client() as client:
        found = fetching.step(client, 3)
        commit, header = found.commit, found.header
        index = [key for key, _ in found.validators.members].index(liar.city.validator_octets)
        blocks = (BlockId(bytes([each]) * 32, 1, bytes([each]) * 32) for each in (1, 2))
        votes = [signed_vote(liar, replace(commit, block=each), index) for each in blocks]
        seconds, nanoseconds = header.time
        stamp = f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09}Z"
        evidence = {
            "vote_a": votes[0],
            "vote_b": votes[1],
            "TotalVotingPower": str(found.validators.total),
            "ValidatorPower": "10",
            "Timestamp": stamp,
        }
        client.ask(
            "broadcast_evidence", evidence={"type": "tendermint/DuplicateVoteEvidence", "value": evidence}
        )
        submit(other, other.city.says(Claim("a block", TAG, REFERENCE)))
        key = state.misbehaviour_key(liar.city.name)
        row = until(lambda: client.read(key).value)
    assert (row[:4], row[4], int.from_bytes(row[5:], "big")) == (bytes([0, 0, 0, 1]), 1, 3)
    cities.agree()


def signed_vote(member: Member, commit: Commit, index: int) -> dict[str, object]:
    """Have a validator's own key sign for a block that was never proposed."""
    config = member.running.node.engine / "config"
    given = json.loads((config / "priv_validator_key.json").read_text())["priv_key"]["value"]
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(given)[:32])
    vote = CommitVote(Flag.COMMIT, state.validator_address(member.city.validator_octets), (1_800_000_000, 0))
    block = {"total": 1, "hash": commit.block.parts_hash.hex().upper()}
    return {
        "type": 2,
        "height": str(commit.height),
        "round": commit.round,
        "block_id": {"hash": commit.block.hash.hex().upper(), "parts": block},
        "timestamp": "2027-01-15T08:00:00Z",
        "validator_address": vote.address.hex().upper(),
        "validator_index": index,
        "signature": base64.b64encode(key.sign(commit.sign_bytes(CHAIN, vote))).decode(),
    }


def test_operators_vote_a_validator_out_and_one_who_trusted_it_still_follows(cities: Cities) -> None:
    *voters, gone = cities.members
    begin = first_trusted(voters[0])
    proposal = voters[0].city.says(Propose(Remove(gone.city.name)))
    submit(voters[0], proposal)
    identifier = proposal_id(Transaction.parse(proposal))
    for each in voters[1:]:
        height = submit(each, each.city.says(Vote(identifier, agrees=True)))
    submit(voters[0], voters[0].city.says(Claim("after", TAG, REFERENCE)))
    with voters[0].client() as client:
        client.wait_for(height + 2)
        _, row = fetching.shown(client, state.OPERATORS, begin, int(time.time()))
        found = fetching.step(client, height + 2)
        assert len(found.validators.members) == 3
        steps = fetching.steps_to(client, begin, height + 2, int(time.time()))
    now, header = advance(begin, steps, int(time.time()))
    assert header is not None
    assert len(now.validators.members) == 3
    assert row.value is not None
    assert refusal(voters[0], gone.city.says(Claim("x", TAG, REFERENCE))) is Refusal.OPERATOR_UNKNOWN
    again = refusal(voters[0], voters[0].city.says(Propose(Admit(voters[1].city.operator))))
    assert again is Refusal.CHANGE_IMPOSSIBLE


def test_the_paths_of_the_folders_are_short_enough_for_a_socket(cities: Cities) -> None:
    for each in cities.members:
        assert len(str((each.running.node.application / "app.sock").absolute())) < 100
        assert Path(each.running.node.folder / "operator.key").stat().st_mode & 0o077 == 0
