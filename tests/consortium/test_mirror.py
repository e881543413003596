"""A mirror over real HTTP: what an honest log says is kept whole, and of anything else nothing."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consortium.checking import check
from consortium.errors import FolderError, Reason, SourceError
from consortium.folder import opened_folder
from consortium.mirror import ContradictionError
from consortium.source import FolderSource
from tests.consortium.making import LOG, OTHER, MemoryLog, cosigner, policy_of
from tests.consortium.mirrors import POLICY, Lying, files, mirrored, over_http, refused
from tests.tlog.making import flip, holder_note, record
from tlog import EMPTY_ROOT, Checkpoint, Policy, Signer, TileId, TlogError, cosign, sign_checkpoint
from tlog.tiles import entry_bundle, parse_entry_bundle


async def test_a_mirror_of_a_mirror_is_the_log(tmp_path: Path) -> None:
    log = MemoryLog().grow(3, 300, 1, 260, 2)
    async with over_http(log) as source:
        assert await mirrored(tmp_path / "first", source)
        assert not await mirrored(tmp_path / "first", source)
    async with over_http(FolderSource(tmp_path / "first")) as source:
        assert await mirrored(tmp_path / "second", source)
    assert files(tmp_path / "first") == files(tmp_path / "second")
    checked = check(tmp_path / "second", POLICY)
    assert (checked.checkpoint.size, checked.blocks) == (log.size, 5)
    assert checked.receipts == sum(note is not None for _, note in log.pairs)
    second = FolderSource(tmp_path / "second")
    assert parse_entry_bundle(await second.entries(1, 256), 256) == tuple(e for e, _ in log.pairs[256:512])
    assert await second.notes(2, 3) == await log.notes(2, 3)


async def test_a_log_that_grows_is_followed_and_old_partial_tiles_go(tmp_path: Path) -> None:
    log = MemoryLog()
    for count in (1, 3, 250, 1, 300, 700, 40):
        log.grow(count)
        assert await mirrored(tmp_path, log)
        assert check(tmp_path, POLICY).checkpoint.size == log.size
        own = FolderSource(tmp_path)
        for index in range(log.size // 256):
            assert await own.tile(TileId(0, index), 256) == await log.tile(TileId(0, index), 256)
    # The last two checkpoints' are there, and of those before none.
    for count in (3, 4):
        log.grow(count)
        assert await mirrored(tmp_path, log)
    index, width = divmod(log.size, 256)
    partial = {path for path in files(tmp_path) if path.startswith("tile/entries/") and ".p/" in path}
    assert partial == {f"tile/entries/00{index}.p/{each}" for each in (width, width - 5)}


async def test_a_log_of_several_levels(tmp_path: Path) -> None:
    log = MemoryLog().grow(255, 65_400)  # over 65,536 leaves with what follows: a tile of level 2
    assert await mirrored(tmp_path, log)
    log.grow(200)
    assert await mirrored(tmp_path, log)
    assert check(tmp_path, POLICY).checkpoint.size == log.size
    assert (tmp_path / "tile/1/000").stat().st_size == 8192
    assert (tmp_path / "tile/2/000.p/1").stat().st_size == 32


async def test_an_empty_log(tmp_path: Path) -> None:
    log = MemoryLog()
    log.note = sign_checkpoint(Checkpoint(LOG.name, 0, EMPTY_ROOT), LOG)
    assert await mirrored(tmp_path, log)
    assert not await mirrored(tmp_path, log)
    assert check(tmp_path, POLICY).checkpoint.size == 0
    assert await mirrored(tmp_path, log.grow(5))
    assert check(tmp_path, POLICY).checkpoint.size == 6


def cosigned(log: MemoryLog, *numbers: int) -> bytes:
    return log.note + b"".join(cosign(log.note, cosigner(n), 1_700_000_000) for n in numbers)


async def test_the_quorum_is_demanded_and_more_witnesses_are_news(tmp_path: Path) -> None:
    policy = policy_of([None] * 3, threshold=2)
    log = MemoryLog().grow(4)
    await refused("QUORUM_MISSING", tmp_path, Lying(log, checkpoint=lambda _: cosigned(log, 1)), policy)
    assert files(tmp_path) == {}
    two, three = cosigned(log, 0, 1), cosigned(log, 0, 1, 2)
    assert await mirrored(tmp_path, Lying(log, checkpoint=lambda _: two), policy)
    assert await mirrored(tmp_path, Lying(log, checkpoint=lambda _: three), policy)
    assert not await mirrored(tmp_path, Lying(log, checkpoint=lambda _: two), policy)
    assert (tmp_path / "checkpoint").read_bytes() == three
    assert len(check(tmp_path, policy).cosignatures) == 3
    with pytest.raises(TlogError, match="QUORUM_MISSING"):
        check(tmp_path, policy_of([None] * 9, threshold=6))


def _cut(bundle: bytes, *_: Any) -> bytes:
    return bundle[:-1]


def _more(bundle: bytes, *_: Any) -> bytes:
    return bundle + bytes(2)


def _empty(_: bytes, *__: Any) -> bytes:
    return b""


def _changed(at: int) -> Callable[..., bytes]:
    return lambda found, *_: flip(found, 8 * at)


def _with_other_entry(bundle: bytes, _: int, width: int) -> bytes:
    entries = list(parse_entry_bundle(bundle, width))
    return entry_bundle([record(12345), *entries[1:]])


def _with_other_note(bundle: bytes, _: int, width: int) -> bytes:
    notes = list(parse_entry_bundle(bundle, width))
    return entry_bundle([holder_note(9) if each else each for each in notes])


def _with_extra_note(bundle: bytes, _: int, width: int) -> bytes:
    notes = list(parse_entry_bundle(bundle, width))
    return entry_bundle([each or holder_note(9) for each in notes])


LIES = [
    ("entries", _cut, "TILE_MALFORMED"),
    ("entries", _more, "TILE_MALFORMED"),
    ("entries", _empty, "TILE_MALFORMED"),
    ("entries", _with_other_entry, "BLOCK_INVALID"),
    ("notes", _cut, "TILE_MALFORMED"),
    ("notes", _more, "TILE_MALFORMED"),
    ("notes", _with_other_note, "HOLDER_NOTE_INVALID"),
    ("notes", _with_extra_note, "HOLDER_NOTE_INVALID"),
    ("tile", _changed(5), "CONSISTENCY_INVALID"),
    ("tile", _cut, "CONSISTENCY_INVALID"),
    ("checkpoint", _empty, "NOTE_MALFORMED"),
    ("checkpoint", _changed(3), "NOTE_SIGNATURE_INVALID"),
]


@pytest.mark.parametrize(("what", "lie", "reason"), LIES, ids=lambda each: getattr(each, "__name__", each))
async def test_a_lie_is_refused_with_its_reason_and_nothing_of_it_stays(
    tmp_path: Path, what: str, lie: Callable[..., bytes], reason: str
) -> None:
    log = MemoryLog().grow(2, 300, 3)
    await refused(reason, tmp_path, Lying(log, **{what: lie}))
    assert files(tmp_path) == {}
    # The same of a log that is held already: what stood goes on standing, octet for octet.
    assert await mirrored(tmp_path, log)
    before = files(tmp_path)
    log.grow(400)
    # The first bundle that is asked for begins with what is held, and is compared with that first.
    repeated = lie in (_with_other_entry, _with_other_note, _with_extra_note)
    reasons = {reason: "CONSISTENCY_INVALID"} if repeated else {}
    if what == "tile" and lie is _cut:
        reasons = {reason: "TILE_MALFORMED"}
    error = await refused(reasons.get(reason, reason), tmp_path, Lying(log, **{what: lie}))
    assert not isinstance(error, ContradictionError)
    now = files(tmp_path)
    assert {path: now[path] for path in before} == before
    assert all(path.startswith("suspected/") for path in now.keys() - before.keys())
    assert await mirrored(tmp_path, log)
    assert check(tmp_path, POLICY).checkpoint.size == log.size


async def test_a_lie_in_each_bundle_and_each_octet_of_an_entry_shows(tmp_path: Path) -> None:
    log = MemoryLog().grow(600)
    for index in range(3):
        for at in (0, 1, 2, 30, 60, 90):

            def lie(found: bytes, place: int, _: int, index: int = index, at: int = at) -> bytes:
                return flip(found, 8 * at) if place == index else found

            with pytest.raises(TlogError):
                await mirrored(tmp_path, Lying(log, entries=lie))
            assert files(tmp_path) == {}


async def test_a_checkpoint_of_another_log_or_key(tmp_path: Path) -> None:
    await refused("NOTE_UNSIGNED", tmp_path, MemoryLog(OTHER).grow(3))
    impostor = Signer.from_secret(LOG.name, hashlib.sha256(b"impostor").digest())
    await refused("NOTE_UNSIGNED", tmp_path, MemoryLog(impostor).grow(3))
    assert files(tmp_path) == {}
    # A policy of two logs does not let one take the other's place in a folder.
    both = Policy((*POLICY.logs, *Policy.of_log(OTHER.verifier).logs))
    assert await mirrored(tmp_path, MemoryLog().grow(3))
    await refused("ORIGIN_UNKNOWN", tmp_path, MemoryLog(OTHER).grow(30), both)


async def test_a_fork_is_refused_and_both_notes_are_kept(tmp_path: Path) -> None:
    log = MemoryLog().grow(4, 300)
    forks = [
        ("larger", MemoryLog(seed=1000).grow(4, 300, 5), "LOG_FORKED"),
        ("as large", MemoryLog(seed=1000).grow(4, 300), "LOG_FORKED"),
        ("smaller", MemoryLog(seed=1000).grow(4), "LOG_FORKED"),
    ]
    for name, fork, reason in forks:
        folder = tmp_path / name
        async with over_http(log) as source:
            assert await mirrored(folder, source)
        before = files(folder)
        async with over_http(fork) as source:
            for _ in range(2):
                error = await refused(reason, folder, source)
        assert isinstance(error, ContradictionError)
        assert error.place
        assert (error.place / "held").read_bytes() == log.note
        assert (error.place / "refused").read_bytes() == fork.note
        now = files(folder)
        assert {path: now[path] for path in before} == before
        assert len(now) == len(before) + 2
        assert await mirrored(folder, log.fork(2000).grow(6))


async def test_an_old_answer_is_no_fork_and_the_log_is_followed_on(tmp_path: Path) -> None:
    """A cache has it, a replica that lags, or somebody who wants the mirror to stop."""
    log = MemoryLog().grow(4)
    old = log.note
    log.grow(300)
    assert await mirrored(tmp_path, log)
    before = files(tmp_path)
    error = await refused("LOG_ROLLED_BACK", tmp_path, Lying(log, checkpoint=lambda _: old))
    assert isinstance(error, SourceError)
    assert files(tmp_path) == before
    assert await mirrored(tmp_path, log.grow(3))


async def test_notes_that_are_kept_are_bounded_and_doubts_do_not_displace_a_proof(tmp_path: Path) -> None:
    log = MemoryLog().grow(2)
    assert await mirrored(tmp_path, log)
    with opened_folder(tmp_path) as folder:
        for number in range(100):
            folder.suspect(log.note, b"%d" % number)
        kept = {each.name: (each / "refused").read_bytes() for each in (tmp_path / "suspected").iterdir()}
        assert sorted(map(int, kept.values())) == list(range(36, 100)), "the newest"
        places = [folder.convict(log.note, b"%d" % number) for number in range(100)]
        assert [number for number, each in enumerate(places) if each] == list(range(64)), "the first"
        assert len(list((tmp_path / "refused").iterdir())) == 64
        still = {int((each / "refused").read_bytes()) for each in (tmp_path / "suspected").iterdir()}
        assert still == set(range(64, 100)), "what was proven is a doubt no more"


async def test_wrong_tiles_under_honest_checkpoints_hide_no_fork(tmp_path: Path) -> None:
    """Who serves them has no key of the log, and fills what is kept of doubts with all it likes."""
    log = MemoryLog().grow(4)
    assert await mirrored(tmp_path, log)
    held = log.note
    for _ in range(66):
        log.grow(1)
        wrong = Lying(log, tile=lambda octets, *_: bytes(len(octets)))
        await refused("CONSISTENCY_INVALID", tmp_path, wrong)
    assert not (tmp_path / "refused").exists()
    error = await refused("LOG_FORKED", tmp_path, MemoryLog(seed=1000).grow(4, 5))
    assert isinstance(error, ContradictionError)
    assert error.place
    assert (error.place / "held").read_bytes() == held


async def test_a_false_line_in_a_witnesss_name_is_not_passed_on(tmp_path: Path) -> None:
    """The mirror's policy does not know that witness; whoever reads the mirror may."""
    log = MemoryLog().grow(4)
    stranger, known = cosigner(5), policy_of([None] * 3, threshold=2)
    false = cosign(MemoryLog().grow(1).note, stranger, 1)
    true = cosigned(log, 0, 1)
    assert await mirrored(tmp_path / "policy", Lying(log, checkpoint=lambda _: true + false), known)
    assert (tmp_path / "policy" / "checkpoint").read_bytes() == true
    # With the log's key alone nothing can be told apart: what an honest source has takes its place.
    assert await mirrored(tmp_path / "key", Lying(log, checkpoint=lambda _: true + false))
    assert await mirrored(tmp_path / "key", Lying(log, checkpoint=lambda _: true))
    assert (tmp_path / "key" / "checkpoint").read_bytes() == true


async def test_a_source_that_goes_away_leaves_what_was_read_and_it_is_used(tmp_path: Path) -> None:
    log = MemoryLog().grow(1200)

    def gone(found: bytes, index: int, _: int) -> bytes:
        if index == 4:
            raise SourceError(Reason.UNREACHABLE, "gone")
        return found

    await refused("UNREACHABLE", tmp_path, Lying(log, notes=gone))
    assert not (tmp_path / "checkpoint").exists()
    again = Lying(log)
    assert await mirrored(tmp_path, again)
    asked = {place[1] for place in again.asked if place[0] == "entries"}
    assert asked == {4}
    assert check(tmp_path, POLICY).checkpoint.size == log.size


async def test_what_an_earlier_attempt_left_is_not_believed(tmp_path: Path) -> None:
    log = MemoryLog().grow(1200)
    assert await mirrored(tmp_path / "other", MemoryLog(seed=5000).grow(1200))
    shutil.copytree(tmp_path / "other", tmp_path / "mirror")
    (tmp_path / "mirror" / "checkpoint").unlink()
    assert await mirrored(tmp_path / "mirror", log)
    assert check(tmp_path / "mirror", POLICY).checkpoint.size == log.size
    (tmp_path / "mirror" / "checkpoint").unlink()
    torn = tmp_path / "mirror" / "tile" / "entries" / "002"
    torn.write_bytes(torn.read_bytes()[:1000])
    assert await mirrored(tmp_path / "mirror", log)
    assert check(tmp_path / "mirror", POLICY).checkpoint.size == log.size


async def test_a_changed_file_is_found_and_named(tmp_path: Path) -> None:
    log = MemoryLog().grow(2, 600)
    assert await mirrored(tmp_path, log)
    whole = files(tmp_path)
    for path, octets in whole.items():
        target = tmp_path / path
        for damaged in (flip(octets, 8 * (len(octets) // 2)), octets[:-1], octets + b"\0", None):
            target.unlink() if damaged is None else target.write_bytes(damaged)
            with pytest.raises((FolderError, TlogError)) as caught:
                check(tmp_path, POLICY)
            if isinstance(caught.value, FolderError):
                assert caught.value.reason == "FOLDER_INVALID"
            target.write_bytes(octets)
    check(tmp_path, POLICY)


async def test_a_damaged_folder_is_not_gone_on_from(tmp_path: Path) -> None:
    log = MemoryLog().grow(2, 600)
    assert await mirrored(tmp_path, log)
    for path in ("checkpoint", "tile/0/002.p/92", "tile/1/000.p/2", "tile/entries/002.p/92"):
        target = tmp_path / path
        octets = target.read_bytes()
        target.write_bytes(flip(octets, 8 * (len(octets) - 40)))
        await refused("FOLDER_INVALID", tmp_path, log)
        target.write_bytes(octets)
    assert not await mirrored(tmp_path, log)


async def test_two_processes_do_not_write_one_folder(tmp_path: Path) -> None:
    with opened_folder(tmp_path):
        await refused("FOLDER_BUSY", tmp_path, MemoryLog().grow(1))
