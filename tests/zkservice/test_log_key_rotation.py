"""The log goes over to another key: what holds under which key before, meanwhile, after, after crashes."""

import asyncio
import datetime as dt
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from disclosure.errors import RefusedError
from disclosure.log_key_change import follow, open_change, predecessors
from tests.zkservice.changing import (
    NEXT,
    ORIGIN,
    RETIRED,
    SIGNING,
    STRANGE,
    head,
    holds,
    listed,
    not_now,
    readable,
    refused,
    serving,
    settings_of,
    settled,
    use,
)
from tests.zkservice.stored import change, dump
from tlog import (
    CosignatureSigner,
    LogLine,
    Policy,
    RecordEntry,
    Verifier,
    WitnessLine,
    cosign,
    open_checkpoint,
    verify_receipt,
)
from zkservice import key_change
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.key_change import KeyChangeError
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer, Step
from zkservice.storage import anchors, ledger, schema_version, secrets
from zkservice.storage.database import Database, open_engine


async def test_receipts_and_records_before_meanwhile_and_after(tmp_path: Path) -> None:
    async with serving(tmp_path) as first:
        old = Verifier.from_string(first.ready.verifier_key)
        issued = await first.claim(await first.issue())
        before = await use(first, issued)
        (only,) = await listed(first)
        assert (only.verifier_key, only.state, only.change_proof) == (str(old), SIGNING, b"")
        assert (await head(first)).next_verifier_key == ""
    began, new = key_change.begin(settings_of(tmp_path))
    assert (began, new.name) == (old, ORIGIN)
    assert (tmp_path / "log.vkey").read_text() == f"{old}\n"

    async with serving(tmp_path, first) as town:
        answer = await settled(town, new)
        assert (answer.verifier_key, answer.next_verifier_key) == (str(old), str(new))
        open_checkpoint(answer.checkpoint, old)
        meanwhile = await use(town, issued)
        one, two = await listed(town)
        assert (one.state, two.state) == (SIGNING, NEXT)
        assert follow([two.change_proof], old) == [new]
        assert await readable(town, old)
        assert await readable(town, new), "who pins the new key early can read what is older than it"

    assert key_change.finish(settings_of(tmp_path)) == (old, new)
    assert (tmp_path / "log.vkey").read_text() == f"{new}\n"
    async with serving(tmp_path, first) as town:
        assert town.ready.verifier_key == str(new)
        after = await use(town, issued)
        answer = await head(town)
        assert (answer.verifier_key, answer.next_verifier_key) == (str(new), "")
        refused("NOTE_UNSIGNED", answer.checkpoint, old)
        one, two = await listed(town)
        assert (one.state, two.state, one.change_proof) == (RETIRED, SIGNING, b"")
        assert follow([two.change_proof], old) == [new]
        assert await readable(town, new)
        assert not await readable(town, old)

    found = [[holds(receipt, key) for key in (old, new)] for receipt in (before, meanwhile, after)]
    assert found == [[True, False], [True, True], [False, True]]
    for receipt in (before, meanwhile, after):
        verify_receipt(receipt, (new, old))


async def test_what_was_sent_before_is_answered_under_the_new_key_after(tmp_path: Path) -> None:
    """Sending the same again gives the same entry; its proof is one that who knows the new key can check."""
    async with serving(tmp_path) as first:
        old = Verifier.from_string(first.ready.verifier_key)
        issued = await first.claim(await first.issue())
        _, submission, answer = await first.answered(issued)
    _, new = key_change.begin(settings_of(tmp_path))
    async with serving(tmp_path, first) as town:
        await settled(town, new)
    key_change.finish(settings_of(tmp_path))
    async with serving(tmp_path, first) as town:
        again = await town.presentation.SubmitPresentation(submission)
    earlier, later = verify_receipt(answer.receipt, old), verify_receipt(again.receipt, new)
    assert (earlier.index, earlier.opening) == (later.index, later.opening)


async def test_a_log_changes_its_key_twice_and_is_followed_over_both(tmp_path: Path) -> None:
    async with serving(tmp_path) as town:
        keys = [Verifier.from_string(town.ready.verifier_key)]
    for _ in range(2):
        _, new = key_change.begin(settings_of(tmp_path))
        async with serving(tmp_path, town) as running:
            await settled(running, new)
        key_change.finish(settings_of(tmp_path))
        keys.append(new)
    async with serving(tmp_path, town) as running:
        proofs = [each.change_proof for each in await listed(running) if each.change_proof]
        assert [each.verifier_key for each in await listed(running)] == list(map(str, keys))
    assert follow(proofs, keys[0]) == keys[1:]
    assert follow(proofs, keys[1]) == keys[2:]
    assert follow(proofs, keys[2]) == []
    assert [predecessors(proofs, each) for each in keys] == [[], keys[:1], keys[1::-1]]
    with pytest.raises(RefusedError, match="LOG_KEY_NOT_FOLLOWED"):
        follow(reversed(proofs), keys[1])


async def test_steps_that_are_not_their_turn_change_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyChangeError, match="LOG_NOT_BEGUN"):
        key_change.begin(settings_of(tmp_path / "none"))
    async with serving(tmp_path) as town:
        for act in (key_change.begin, key_change.finish):
            with pytest.raises(StartError, match="another server is running"):
                act(settings_of(tmp_path))
    not_now("CHANGE_NOT_BEGUN", tmp_path, key_change.finish)
    with pytest.raises(StartError, match="another log_origin"):
        key_change.begin(Settings(data=tmp_path, log_origin="log.example/other"))
    _, new = key_change.begin(settings_of(tmp_path))
    not_now("CHANGE_UNDER_WAY", tmp_path, key_change.begin)
    not_now("CHANGE_NOT_RECORDED", tmp_path, key_change.finish)
    async with serving(tmp_path, town) as running:
        await settled(running, new)
    not_now("CHANGE_UNDER_WAY", tmp_path, key_change.begin)


async def test_the_old_secret_is_erased_when_the_change_is_finished(tmp_path: Path) -> None:
    async with serving(tmp_path) as town:
        pass
    ((name, _),) = dump(tmp_path)["service_secret"]
    _, new = key_change.begin(settings_of(tmp_path))
    assert len(dump(tmp_path)["service_secret"]) == 2
    async with serving(tmp_path, town) as running:
        await settled(running, new)
    key_change.finish(settings_of(tmp_path))
    ((left, _),) = dump(tmp_path)["service_secret"]
    assert left != name


async def test_a_log_without_a_table_of_keys_goes_on_with_its_one_key(tmp_path: Path) -> None:
    async with serving(tmp_path) as town:
        pass
    change(tmp_path, "delete from log_key")
    async with serving(tmp_path, town) as running:
        assert running.ready.verifier_key == town.ready.verifier_key
    change(tmp_path, "delete from log_key")
    old, _ = key_change.begin(settings_of(tmp_path))
    assert str(old) == town.ready.verifier_key


@pytest.mark.parametrize("state", ["signing", "next"])
async def test_a_key_that_was_exchanged_or_lost_is_not_signed_with(tmp_path: Path, state: str) -> None:
    async with serving(tmp_path) as town:
        pass
    key_change.begin(settings_of(tmp_path))
    change(tmp_path, "update log_key set verifier_key = ? where state = ?", str(STRANGE.verifier), state)
    with pytest.raises(StartError, match="not the one that it is said to be"):
        async with serving(tmp_path, town):
            pass
    change(tmp_path, "delete from service_secret")
    with pytest.raises(StartError, match="is missing"):
        async with serving(tmp_path, town):
            pass


async def test_with_a_policy_a_change_is_finished_only_when_it_is_anchored(tmp_path: Path) -> None:
    witness = CosignatureSigner.from_secret("witness.example", bytes([9]) * 32)
    async with serving(tmp_path) as town:
        pass
    old, new = key_change.begin(settings_of(tmp_path))
    async with serving(tmp_path, town) as running:
        await settled(running, new)
    line, file = WitnessLine("w", witness.verifier, "http://w.example"), tmp_path / "policy"
    policy = Policy((LogLine(old),), (line,), quorum="w")

    def finish(_: Settings) -> object:
        return key_change.finish(Settings(data=tmp_path, log_origin=ORIGIN, policy=file))

    file.write_bytes(policy.to_bytes())
    not_now("POLICY_LACKS_KEY", tmp_path, finish)
    file.write_bytes(replace(policy, logs=(LogLine(old), LogLine(new))).to_bytes())
    not_now("CHANGE_NOT_ANCHORED", tmp_path, finish)
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    with engine.execution_options(writing=True).begin() as connection:
        newest = ledger.published(connection)
        anchors.add(connection, newest, [cosign(newest.checkpoint, witness, 1)], 1)
    with engine.connect() as connection:
        proof = key_change.change_proof(connection, *secrets.log_keys(connection))
    engine.dispose()
    assert proof is not None
    assert open_change(proof, old, policy) == new, "the proof that is given is the anchored one"
    assert finish(settings_of(tmp_path)) == (old, new)


# Crashes.


async def test_a_crash_before_a_change_is_durable_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as town:
        pass
    for act, last in ((key_change.begin, "add_next"), (key_change.finish, "retire")):
        before, done = dump(tmp_path), getattr(secrets, last)

        def crash(*given: Any, done: Any = done) -> None:
            done(*given)
            raise ConnectionAbortedError

        with monkeypatch.context() as patched:
            patched.setattr(secrets, last, crash)
            with pytest.raises(ConnectionAbortedError):
                act(settings_of(tmp_path))
        assert dump(tmp_path) == before
        _, new = act(settings_of(tmp_path))
        if act is key_change.begin:
            async with serving(tmp_path, town) as running:
                await settled(running, new)


async def test_a_crash_after_the_change_is_finished_leaves_the_file_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as town:
        pass
    old, new = key_change.begin(settings_of(tmp_path))
    async with serving(tmp_path, town) as running:
        await settled(running, new)

    def crash(*_: Any) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr(key_change, "write_verifier_key", crash)
        with pytest.raises(ConnectionAbortedError):
            key_change.finish(settings_of(tmp_path))
    assert (tmp_path / "log.vkey").read_text() == f"{old}\n"
    async with serving(tmp_path, town) as running:
        assert running.ready.verifier_key == str(new)
    assert (tmp_path / "log.vkey").read_text() == f"{new}\n"


class CrashError(Exception):
    """The sequencer ends here."""


@pytest.mark.parametrize("step", list(Step))
async def test_a_crash_in_the_block_of_the_record_loses_neither_key(tmp_path: Path, step: Step) -> None:
    async with serving(tmp_path) as town:
        pass
    old, new = key_change.begin(settings_of(tmp_path))
    reached = list[Step]()

    def after(now: Step) -> None:
        if now is step:
            reached.append(now)
            raise CrashError

    database = Database(open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}"))
    try:
        keys = Keys.load(tmp_path / "keys")
        log_keys = await database.write(lambda each: LogKeys.load(each, keys, ORIGIN))
        sequencer = Sequencer(database, log_keys, lambda: dt.datetime.now(dt.UTC), max_batch=100, after=after)
        await sequencer.start()
        with pytest.raises(CrashError):
            await sequencer.run()
    finally:
        database.close()
    assert reached == [step]
    async with serving(tmp_path, town) as running:
        answer = await settled(running, new)
        open_checkpoint(answer.checkpoint, old)
        _, second = await listed(running)
        assert follow([second.change_proof], old) == [new]
    assert key_change.finish(settings_of(tmp_path)) == (old, new)
    async with serving(tmp_path, town) as running:
        assert open_checkpoint((await head(running)).checkpoint, new).size > 0


# While the sequencer runs.


async def test_a_sequencer_that_runs_signs_with_a_key_that_was_made_meanwhile(tmp_path: Path) -> None:
    """As another replica, or an operation of the server itself, would make it."""
    engine = open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}")
    schema_version.upgrade(engine)
    database, keys = Database(engine), Keys.load(tmp_path / "keys")
    enqueue = partial(ledger.enqueue, entry=RecordEntry("test", b"entry").to_bytes(), holder_note=None)
    try:
        log_keys = await database.write(lambda each: LogKeys.load(each, keys, ORIGIN))
        sequencer = Sequencer(database, log_keys, lambda: dt.datetime.now(dt.UTC), max_batch=100)
        await sequencer.start()
        running = asyncio.create_task(sequencer.run())
        place = await sequencer.integrated(await database.write(enqueue))
        old = log_keys.current
        before = open_checkpoint(place.block.checkpoint, old)
        assert log_keys.following is None
        (stored,) = await database.read(secrets.log_keys)
        made = await database.write(lambda each: secrets.add_next(each, keys, stored))
        assert made.outbox is not None
        place = await sequencer.integrated(made.outbox)
        for key in (old, made.verifier):
            assert open_checkpoint(place.block.checkpoint, key).size > before.size
        await database.write(lambda each: secrets.retire(each, stored, made))
        place = await sequencer.integrated(await database.write(enqueue))
        open_checkpoint(place.block.checkpoint, made.verifier)
        refused("NOTE_UNSIGNED", place.block.checkpoint, old)
        assert (log_keys.current, log_keys.following) == (made.verifier, None)
        assert log_keys.known == (old, made.verifier)
        sequencer.stop()
        await running
    finally:
        database.close()
