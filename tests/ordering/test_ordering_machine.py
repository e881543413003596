"""Machines agree whatever they are sent, keep whole blocks or none, and restore what others hold."""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordering import state
from ordering.errors import Refusal, RefusedError, StateError
from ordering.genesis import Genesis
from ordering.machine import PER_BLOCK, PER_WAITING, Machine
from ordering.operators import Admit, Remove, Replace
from ordering.rules import proposal_id
from ordering.snapshots import FORMAT, MAX_CHUNK_OCTETS, Restoring, Snapshot, Snapshots, chunks_of, rows_of
from ordering.store import STORE_FILE, Store, connect, held
from ordering.transactions import (
    MAX_OCTETS,
    Claim,
    Propose,
    RotateKey,
    SubmitEpoch,
    Transaction,
    Vote,
    key_consent,
)
from tests.ordering.cities import CHAIN, City, Town, town

TAG, REFERENCE = bytes([1]) * 32, bytes([9]) * 32


@pytest.fixture
def nine(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path / "nine") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "nine").mkdir()
    (tmp_path / "other").mkdir()


def one_of_each(city: City) -> list[bytes]:
    """Return a transaction of each kind."""
    proposal = city.says(Propose(Admit(City.of(50).operator)))
    consent = key_consent(CHAIN, city.name, city.key)
    return [
        city.says(city.grown(3)),
        city.says(city.grown(9)),
        city.says(SubmitEpoch("departments/tax", 3, TAG)),
        city.says(Claim("x", TAG, REFERENCE)),
        proposal,
        city.says(Propose(Remove("city-8"))),
        city.says(Propose(Replace(City.of(7).operator, City.of(7).operator.digest))),
        city.says(Vote(proposal_id(Transaction.parse(proposal)), agrees=True)),
        city.says(RotateKey(city.operator.key, consent)),
    ]


def test_each_kind_is_decoded_as_it_was_encoded() -> None:
    for data in one_of_each(City.of(0)):
        assert Transaction.parse(data).to_bytes() == data


def test_what_is_cut_longer_or_too_large_is_malformed() -> None:
    for data in one_of_each(City.of(0)):
        for changed in (*(data[:at] for at in range(len(data))), data + b"\x00"):
            with pytest.raises(RefusedError) as refused:
                Transaction.parse(changed)
            assert refused.value.refusal in {Refusal.MALFORMED, Refusal.KEY_INVALID}
    with pytest.raises(RefusedError) as refused:
        Transaction.parse(bytes(MAX_OCTETS + 1))
    assert refused.value.refusal is Refusal.TOO_LARGE


def test_no_octet_of_a_transaction_can_be_changed(nine: Town) -> None:
    kept = nine.machine.committed
    for data in one_of_each(nine.cities[0]):
        for at in {*range(0, len(data), 3), *range(len(data) - 70, len(data))}:
            changed = bytearray(data)
            changed[at] ^= 1
            assert nine.machine.check(bytes(changed)).refusal is not None, at
    assert nine.machine.committed == kept


def test_octets_at_random_are_refused_and_nothing_else(nine: Town) -> None:
    drawn = random.Random(7)
    kept = nine.machine.committed
    for _ in range(100):
        nine.machine.finalize([drawn.randbytes(drawn.randrange(200)) for _ in range(3)], (), nine.moment())
    for data in one_of_each(nine.cities[0]):
        for _ in range(30):
            changed = bytearray(data)
            for _ in range(drawn.randrange(1, 4)):
                changed[drawn.randrange(len(changed))] = drawn.randrange(256)
            outcome = nine.machine.check(bytes(changed))
            assert outcome.refusal is not None or bytes(changed) == data
    assert nine.machine.committed == kept


def traffic(cities: tuple[City, ...], seed: int) -> list[list[bytes]]:
    """Return blocks of what cities say, some of it refused."""
    drawn = random.Random(seed)
    blocks = list[list[bytes]]()
    said = list[bytes]()
    for _ in range(12):
        block = list[bytes]()
        for _ in range(drawn.randrange(12)):
            city = drawn.choice(cities)
            body = drawn.choice(
                (
                    lambda city=city: city.grown(drawn.randrange(1, 5)),
                    lambda: Claim("x", bytes([drawn.randrange(6)]) * 32, REFERENCE),
                    lambda: SubmitEpoch("departments/tax", drawn.randrange(9), TAG),
                    lambda: Propose(Admit(City.of(drawn.randrange(60, 63)).operator)),
                    lambda: Propose(Remove(drawn.choice(cities).name)),
                )
            )()
            block.append(city.says(body))
        block += [*drawn.sample(said, min(2, len(said))), drawn.randbytes(50)]
        said += block
        blocks.append(block)
    return blocks


@pytest.mark.parametrize("seed", range(3))
def test_machines_that_were_given_the_same_blocks_hold_the_same(tmp_path: Path, seed: int) -> None:
    blocks = traffic(tuple(City.of(each) for each in range(9)), seed)
    with ExitStack() as stack:
        first, second = (stack.enter_context(town(tmp_path / name)) for name in ("nine", "other"))
        for number, block in enumerate(blocks):
            assert first.bring(*block) == second.bring(*block)
            for each in (first, second)[: number % 3]:  # what one machine is asked besides changes nothing
                each.machine.check(block[0])
                each.machine.fitting(block, 10_000, each.moment())
                each.machine.is_sound(block, each.moment())
        assert first.machine.committed == second.machine.committed
        assert list(first.store.rows()) == list(second.store.rows())


def test_a_proposal_has_what_can_be_brought_and_others_find_it_sound(nine: Town) -> None:
    city = nine.cities[0]
    sound = [city.says(Claim("x", bytes([each]) * 32, REFERENCE)) for each in range(5)]
    given = [sound[0], b"junk", sound[0], *sound[1:], City.of(77).says(Claim("x", TAG, REFERENCE))]
    assert nine.machine.fitting(given, 1 << 20, nine.moment()) == sound
    assert nine.machine.fitting(given, 2 * (len(sound[0]) + 6), nine.moment()) == sound[:1]
    assert nine.machine.is_sound(sound, nine.moment())
    assert not nine.machine.is_sound(given, nine.moment())
    assert not nine.machine.is_sound([sound[0], sound[0]], nine.moment())


def test_several_of_one_operator_wait_for_one_block(nine: Town) -> None:
    city = nine.cities[0]
    waiting = [city.says(city.grown(2)) for _ in range(4)]
    assert [nine.machine.check(each).refusal for each in waiting] == [None] * 4
    assert [each.refusal for each in nine.bring(*waiting).outcomes] == [None] * 4


class Cut(Exception):
    """A crash."""


@pytest.mark.parametrize("statement", ["begin immediate", "commit"])
@pytest.mark.parametrize("done", [False, True])
def test_a_crash_keeps_a_whole_block_or_none(tmp_path: Path, statement: str, done: bool) -> None:
    """And the same block, sent again, leads to the same state."""
    armed = False

    class Crashing(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            if armed and sql == statement and not done:
                raise Cut
            found = super().execute(sql, parameters)
            if armed and sql == statement:
                raise Cut
            return found

    def crashing(path: Path) -> sqlite3.Connection:
        connect(path).close()
        connection = sqlite3.connect(path, isolation_level=None, factory=Crashing)
        connection.execute("pragma synchronous = full")
        return connection

    cities = tuple(City.of(each) for each in range(9))
    first, second = traffic(cities, 5)[3:5]
    with closing(Store(tmp_path / "nine", crashing)) as store:
        opened = Town(store, cities)
        opened.begin()
        before = opened.bring(*first).app_hash
        armed = True
        moment = opened.moment()
        expected = opened.machine.finalize(second, (), moment).app_hash
        with pytest.raises(Cut):
            opened.machine.commit()
    with closing(Store(tmp_path / "nine")) as store:
        machine = Machine(store)
        kept = machine.committed
        assert kept is not None
        whole = done and statement == "commit"
        assert (kept.height, kept.app_hash) == ((2, expected) if whole else (1, before))
        if not whole:
            assert machine.finalize(second, (), moment).app_hash == expected
            machine.commit()
        assert machine.committed is not None
        assert machine.committed.app_hash == expected


def test_a_changed_row_is_found_out_by_the_next_hash(tmp_path: Path) -> None:
    """What is hashed is the rows' tree, so a row that was changed is found out when it is asked for."""
    with town(tmp_path / "nine") as opened:
        city = opened.cities[0]
        opened.bring(city.says(Claim("x", TAG, REFERENCE)))
        opened.store._connection.execute(
            "update row set value = ? where key = ?", (b"changed", state.claim_key("x", TAG))
        )
        with pytest.raises(StateError):
            opened.machine.read(state.claim_key("x", TAG))


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(StateError, match="another process"), held(tmp_path):
        pass


def test_another_file_is_not_taken_for_a_store(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / STORE_FILE)) as other:
        other.execute("create table something (x)")
    with pytest.raises(StateError, match="not an application's"):
        Store(tmp_path)


def test_a_chain_begins_once(nine: Town) -> None:
    genesis = Genesis(CHAIN, tuple(each.operator for each in nine.cities))
    with pytest.raises(StateError, match="has begun"):
        nine.machine.begin(genesis)
    assert nine.machine.begun(genesis).validators == {each.operator.validator: 10 for each in nine.cities}
    with pytest.raises(StateError, match="another chain"):
        nine.machine.begun(replace(genesis, chain="other"))
    nine.bring()
    with pytest.raises(StateError, match="another chain"):
        nine.machine.begun(genesis)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"{}",
        b"[]",
        b'{"operators": [1]}',
        b'{"operators": ["AA=="]}',
        b'{"operators": []}',
        b"[" * 99_999,
    ],
)
def test_a_genesis_file_that_names_no_operators_is_refused(given: bytes) -> None:
    with pytest.raises(StateError):
        Genesis.parse(CHAIN, given)


def test_a_snapshot_restores_the_state_and_the_machine_goes_on(nine: Town, tmp_path: Path) -> None:
    for block in traffic(nine.cities, 1):
        nine.bring(*block)
    snapshots = Snapshots(tmp_path / "nine")
    taken = snapshots.take(nine.height, nine.store.rows())
    assert snapshots.all() == [taken]
    offered = Snapshot.offered(taken.height, FORMAT, len(taken.hashes), taken.hash, taken.metadata)
    kept = nine.machine.committed
    assert offered == taken
    assert kept is not None
    restoring = Restoring(taken, kept.app_hash)
    with closing(Store(tmp_path / "other")) as store:
        for number in range(len(taken.hashes)):
            assert restoring.add(number, snapshots.chunk(taken.height, FORMAT, number))
        restoring.finish(store)
        machine = Machine(store)
        assert machine.committed == kept
        block = [nine.cities[0].says(Claim("later", TAG, REFERENCE))]
        moment = nine.moment()
        assert machine.finalize(block, (), moment) == nine.machine.finalize(block, (), moment)


def test_a_snapshot_of_another_state_is_refused_and_nothing_is_kept(nine: Town, tmp_path: Path) -> None:
    nine.bring(nine.cities[0].says(Claim("x", TAG, REFERENCE)))
    kept = nine.machine.committed
    assert kept is not None
    rows = [(key, value) for key, value in nine.store.rows() if b"claim" not in key]
    (chunk,) = chunks_of(rows)
    taken = Snapshots(tmp_path / "nine").take(kept.height, rows)
    restoring = Restoring(taken, kept.app_hash)
    assert not restoring.add(0, chunk + b"\x00")
    assert not restoring.add(1, chunk)
    assert restoring.add(0, chunk)
    with closing(Store(tmp_path / "other")) as store:
        with pytest.raises(StateError, match="not the state"):
            restoring.finish(store)
        assert store.committed is None


def test_snapshots_of_another_format_are_not_taken() -> None:
    good = Snapshot(5, (TAG, REFERENCE))
    assert Snapshot.offered(5, FORMAT, 2, good.hash, good.metadata) == good
    for height, form, chunks, digest, metadata in (
        (0, FORMAT, 2, good.hash, good.metadata),
        (5, FORMAT + 1, 2, good.hash, good.metadata),
        (5, FORMAT, 3, good.hash, good.metadata),
        (5, FORMAT, 2, TAG, good.metadata),
        (5, FORMAT, 2, good.hash, good.metadata[:-1]),
        (5, FORMAT, 0, Snapshot(5, ()).hash, b""),
    ):
        assert Snapshot.offered(height, form, chunks, digest, metadata) is None


def test_before_a_chain_has_begun_nothing_is_taken_and_nothing_ends(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "nine")) as store:
        machine = Machine(store)
        for data in one_of_each(City.of(0)):
            assert machine.check(data).refusal is Refusal.NOT_BEGUN
        with pytest.raises(StateError, match="has not begun"):
            machine.read(state.OPERATORS)


def test_one_operator_fills_neither_a_block_nor_the_waiting_room(nine: Town) -> None:
    greedy, other = nine.cities[:2]
    many = [greedy.says(Claim("x", each.to_bytes(32, "big"), REFERENCE)) for each in range(PER_WAITING + 1)]
    assert [nine.machine.check(each).refusal for each in many] == [None] * PER_WAITING + [Refusal.TOO_MANY]
    vote = other.says(Claim("y", TAG, REFERENCE))
    assert nine.machine.check(vote).refusal is None
    chosen = nine.machine.fitting([*many, vote], 1 << 20, nine.moment())
    assert chosen == [*many[:PER_BLOCK], vote]
    assert not nine.machine.is_sound(many, nine.moment())
    outcomes = nine.bring(*many, vote).outcomes
    assert sum(each.refusal is None for each in outcomes) == PER_BLOCK + 1


def test_a_genesis_of_operators_without_power_or_with_one_key_for_two_begins_nothing(tmp_path: Path) -> None:
    quiet, loud = replace(City.of(0).operator, power=0), City.of(1).operator
    twin = replace(City.of(2).operator, key=loud.key)
    with closing(Store(tmp_path / "nine")) as store:
        for wrong in ((quiet,), (loud, twin), (loud, loud)):
            with pytest.raises(StateError, match="cannot begin"):
                Machine(store).begin(Genesis(CHAIN, wrong))
        assert store.committed is None
        assert Machine(store).begin(Genesis(CHAIN, (quiet, loud))).validators == {loud.validator: 10}
        with pytest.raises(StateError, match="another chain"):
            Machine(store).begun(Genesis(CHAIN, (quiet, replace(loud, power=3))))


def test_a_damaged_snapshot_is_offered_to_nobody_and_a_height_is_taken_anew(
    nine: Town, tmp_path: Path
) -> None:
    snapshots = Snapshots(tmp_path / "nine")
    first = snapshots.take(3, nine.store.rows())
    assert snapshots.take(3, nine.store.rows()) == first
    (tmp_path / "nine" / "snapshots" / "4").mkdir()
    (tmp_path / "nine" / "snapshots" / "5").mkdir()
    (tmp_path / "nine" / "snapshots" / "5" / "hashes.json").write_bytes(b"")
    assert snapshots.all() == [first]


def test_a_chunk_that_nobody_could_have_cut_is_not_taken() -> None:
    chunk = bytes(MAX_CHUNK_OCTETS + 1)
    restoring = Restoring(Snapshot(1, (hashlib.sha256(chunk).digest(),)), TAG)
    assert not restoring.add(0, chunk)


def test_old_snapshots_go_and_half_of_one_too(nine: Town, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path / "nine")
    for height in range(1, 6):
        snapshots.take(height, nine.store.rows())
    assert [each.height for each in snapshots.all()] == [5, 4]
    (tmp_path / "nine" / "snapshots" / "9.part").mkdir()
    again = Snapshots(tmp_path / "nine")
    assert not (tmp_path / "nine" / "snapshots" / "9.part").exists()
    assert again.chunk(5, FORMAT, 99) == again.chunk(99, FORMAT, 0) == again.chunk(5, 9, 0) == b""


def test_chunks_hold_all_rows_in_their_order() -> None:
    rows = [(bytes([each]), bytes(200_000)) for each in range(20)]
    chunks = list(chunks_of(rows))
    assert len(chunks) > 1
    assert [row for chunk in chunks for row in rows_of(chunk)] == rows
    assert not list(chunks_of([]))
