"""Every log and witness that cheats over HTTP is caught, and the file convinces whoever has only the file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from consortium.fetching import Fetcher
from consortium.monitor import Sources, gossip_app, hand_in
from consortium.witness import load_keys, make_keys, witness_app
from consortium.witness import opened_store as opened_witness
from tests.consortium.making import LOG, ORIGIN, served
from tests.consortium.watching import (
    NOW,
    LyingWitness,
    Shown,
    TimedLog,
    W,
    forged,
    policy,
    serving,
    watcher,
)
from tests.tlog.making import opening
from tlog import (
    AddCheckpoint,
    BlockHeader,
    Checkpoint,
    Evidence,
    Grade,
    Verifier,
    cosign,
    receipt_file,
    sign_checkpoint,
)

FORKED = 7_000


def two_views() -> tuple[TimedLog, TimedLog]:
    log = TimedLog().grow(2, 2)
    return log.fork(FORKED), log.grow(3)


def convinces(path: Path, kind: str, accused: Verifier) -> None:
    found = Evidence.parse(path.read_bytes()).verify()
    assert (found.kind.value, found.grade) == (kind, Grade.PROVEN)
    assert found.accused == (accused,)


async def ask(url: str, note: bytes) -> bytes:
    """Have a witness that never checks cosign a note, over HTTP."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/add-checkpoint", content=AddCheckpoint(0, (), note).to_bytes())
        return answer.content


@pytest.mark.parametrize("blocks", [1, 2, 4])
async def test_two_views_to_two_readers(tmp_path: Path, blocks: int) -> None:
    """One reader is the monitor, the other a witness, whose view may be the smaller or the larger one."""
    other, log = two_views()
    other.grow(*[3] * blocks)
    witness = LyingWitness(W[0])
    async with serving(Shown(log), witness) as (url, at_witness):
        await ask(at_witness, other.note)
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=[W[0]])], sources) as watch:
            await watch.rounds()
            while log.size < other.size:
                assert not watch.alarms, "nothing can be said of a view that is larger than what is served"
                log.grow(3)
                await watch.rounds()
            assert await watch.rounds(3) == []
            assert [each.data["kind"] for each in watch.alarms] == ["SPLIT_VIEW"]
            convinces(watch.file(), "SPLIT_VIEW", LOG.verifier)


async def test_a_log_that_goes_on_otherwise_is_caught_without_its_old_tree(tmp_path: Path) -> None:
    """It goes back and shows another, smaller tree; what it showed before, nobody serves any more."""
    log = TimedLog().grow(2)
    other = log.fork(FORKED).grow(3)
    log.grow(2, 2, 2)
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.log = other
        assert await watch.rounds(3) == ["SPLIT_VIEW"]
        convinces(watch.file(), "SPLIT_VIEW", LOG.verifier)


async def test_a_log_that_forks_and_grows_past_what_it_showed(tmp_path: Path) -> None:
    other, log = two_views()
    shown = Shown(log)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds() == []
        shown.log = other.grow(300, 3)
        assert await watch.rounds(3) == ["SPLIT_VIEW"]
        convinces(watch.file(), "SPLIT_VIEW", LOG.verifier)
        for _ in range(4):
            other.grow(1)
            assert await watch.rounds() == [], "convicted once is enough"


async def test_a_fork_that_is_hidden_from_the_monitor_shows_in_a_receipt(tmp_path: Path) -> None:
    other, log = two_views()
    other.grow(3)
    receipt = receipt_file(opening(5), 3, [], other.note)
    async with serving(Shown(log)) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        heard = list[bytes]()

        def take(note: bytes) -> None:
            heard.append(note)
            watch.monitor.take(note)

        async with served(gossip_app(watch.monitor.notes, take)) as gossip, Fetcher() as fetcher:
            await hand_in(receipt, gossip, fetcher)
        assert heard == [other.note], "nothing of the receipt but its checkpoint is sent"
        assert await watch.rounds(2) == ["SPLIT_VIEW"]
        convinces(watch.file(), "SPLIT_VIEW", LOG.verifier)


async def test_what_one_monitor_saw_convicts_at_the_other(tmp_path: Path) -> None:
    other, log = two_views()
    other.grow(3)
    async with (
        serving(Shown(log), Shown(other)) as (url, url_of_other),
        watcher(tmp_path / "a", [policy(url_of_other)]) as first,
        served(gossip_app(first.monitor.notes, first.monitor.take)) as gossip,
        watcher(tmp_path / "b", [policy(url)], Sources(peers=(gossip,))) as second,
    ):
        await first.rounds()
        assert await second.rounds(2) == ["SPLIT_VIEW"]
        convinces(second.file(), "SPLIT_VIEW", LOG.verifier)


async def test_what_a_witness_refused_convicts_the_log(tmp_path: Path) -> None:
    other, log = two_views()
    other.grow(3)
    witness = LyingWitness(W[0])
    witness.refused = b"%d\n%s" % (len(other.note), other.note)
    async with (
        serving(Shown(log), witness) as (url, at_witness),
        watcher(tmp_path, [policy(url)], Sources(witnesses=(at_witness,))) as watch,
    ):
        assert await watch.rounds(2) == ["SPLIT_VIEW"]


async def test_an_honest_witness_keeps_what_convicts_the_log(tmp_path: Path) -> None:
    """The real witness, which refuses the log's other view and shows it to whoever compares."""
    other, log = two_views()
    other.grow(3)
    known = {ORIGIN: (LOG.verifier,)}
    make_keys(tmp_path / "w", "w.example")
    with opened_witness(tmp_path / "w", known, load_keys(tmp_path / "w")) as store:
        async with (
            served(witness_app(store, known, lambda: NOW)) as at_witness,
            serving(Shown(log)) as (url,),
            watcher(tmp_path / "m", [policy(url)], Sources(witnesses=(at_witness,))) as watch,
            httpx.AsyncClient() as client,
        ):
            for old, view in ((0, log), (log.size, other)):
                proof = tuple(await view.prove(min(old, view.size), view.size))
                body = AddCheckpoint(old, proof, view.note).to_bytes()
                answer = await client.post(f"{at_witness}/add-checkpoint", content=body)
                assert answer.status_code == (409 if old else 200)
            assert await watch.rounds(2) == ["SPLIT_VIEW"]
            convinces(watch.file(), "SPLIT_VIEW", LOG.verifier)


@pytest.mark.parametrize("blocks", [1, 3])
async def test_a_witness_that_signs_both_views(tmp_path: Path, blocks: int) -> None:
    other, log = two_views()
    other.grow(*[3] * blocks)
    witness, shown = LyingWitness(W[0]), Shown(log)
    async with serving(shown, witness) as (url, at_witness):
        shown.lines = await ask(at_witness, log.note)
        await ask(at_witness, other.note)
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=W[:2])], sources) as watch:
            await watch.rounds()
            while log.size < other.size:
                log.grow(3)
                shown.lines = await ask(at_witness, log.note)
                await ask(at_witness, other.note)
                witness.time += 1
                await watch.rounds()
            kinds = [each.data["kind"] for each in watch.alarms if each.data["kind"] != "ROLLED_BACK"]
            assert sorted(kinds) == ["DOUBLE_COSIGNED", "SPLIT_VIEW"]
            files = {each.data["kind"]: Path(each.data["file"]) for each in watch.alarms}
            convinces(files["DOUBLE_COSIGNED"], "DOUBLE_COSIGNED", W[0].verifier)
            convinces(files["SPLIT_VIEW"], "SPLIT_VIEW", LOG.verifier)


async def test_a_witness_that_signs_a_fork_that_the_log_itself_shows(tmp_path: Path) -> None:
    """The fork is the larger tree, and its hashes come from the log that shows it."""
    other, log = two_views()
    shown = Shown(log)
    shown.lines = cosign(log.note, W[1], NOW)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url, witnesses=W)]) as watch:
        assert await watch.rounds() == []
        shown.log = other.grow(5, 5)
        shown.lines = cosign(other.note, W[1], NOW + 5)
        assert sorted(await watch.rounds(3)) == ["DOUBLE_COSIGNED", "SPLIT_VIEW"]


async def test_a_witness_whose_times_go_back(tmp_path: Path) -> None:
    log = TimedLog().grow(2, 2)
    smaller = log.notes_at[3]
    witness, shown = LyingWitness(W[0]), Shown(log)
    shown.lines = cosign(log.note, W[0], NOW)
    witness.note = smaller + cosign(smaller, W[0], NOW + 9)
    async with serving(shown, witness) as (url, at_witness):
        sources = Sources(witnesses=(at_witness,))
        async with watcher(tmp_path, [policy(url, witnesses=W[:1])], sources) as watch:
            assert await watch.rounds(2) == ["ROLLED_BACK"]
            convinces(watch.file(), "ROLLED_BACK", W[0].verifier)


def strange_entry(entries: list[bytes]) -> list[bytes]:
    return [*entries[:4], b"what is this", *entries[5:]]


def no_header(entries: list[bytes]) -> list[bytes]:
    return entries[:-1]


def other_height(entries: list[bytes]) -> list[bytes]:
    return _last_header(entries, height=7)


def other_root(entries: list[bytes]) -> list[bytes]:
    return _last_header(entries, root=bytes(32))


def a_gap(entries: list[bytes]) -> list[bytes]:
    return _last_header(entries, first_index=7, count=1)


def an_overlap(entries: list[bytes]) -> list[bytes]:
    return _last_header(entries, first_index=3, count=5)


def a_block_left_out(entries: list[bytes]) -> list[bytes]:
    return [*entries[:3], *entries[6:]]


def _last_header(entries: list[bytes], **changed: int | bytes) -> list[bytes]:
    return [*entries[:-1], replace(BlockHeader.parse(entries[-1]), **changed).to_bytes()]  # type: ignore[arg-type]


BROKEN = [strange_entry, no_header, other_height, other_root, a_gap, an_overlap, a_block_left_out]


@pytest.mark.parametrize("breaking", BROKEN)
@pytest.mark.parametrize("resumed", [False, True])
async def test_a_chain_that_is_broken(
    tmp_path: Path, breaking: Callable[[list[bytes]], list[bytes]], resumed: bool
) -> None:
    """At the first reading, and in a log whose first block was read before."""
    log = TimedLog().records(2).records(2).records(2)
    entries = [entry for entry, _ in log.pairs]
    broken = forged(breaking(entries))
    shown = Shown(forged(entries[:3]) if resumed else broken)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        if resumed:
            assert await watch.rounds() == []
            shown.log = broken
        assert await watch.rounds(2) == ["BROKEN_CHAIN"]
        convinces(watch.file(), "BROKEN_CHAIN", LOG.verifier)
        # A tree that ends within a block may still go on as it should; any other break is for good.
        assert watch.monitor.summary()[0]["chain_holds"] is (breaking is no_header)
        assert watch.monitor.summary()[0]["size"] == broken.size, "the monitor goes on with the tree"


async def test_an_empty_tree_with_a_root(tmp_path: Path) -> None:
    shown = Shown(TimedLog())
    shown.checkpoint_is = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    async with serving(shown) as (url,), watcher(tmp_path, [policy(url)]) as watch:
        assert await watch.rounds(2) == ["BROKEN_CHAIN"]
        convinces(watch.file(), "BROKEN_CHAIN", LOG.verifier)
