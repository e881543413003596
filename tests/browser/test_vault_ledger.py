"""That the vault's log only grows, and that its key is followed by proof: in Chromium, over real services."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser

from disclosure import SchemaName
from disclosure.registry import LOG_KEY_RECORD, log_key_entry
from tests.browser.altering import altered
from tests.browser.reading import READING, Reader, reading
from tests.zkservice.changing import NEW, OLD, STRANGE, head, proof_of, serving, settings_of, settled
from tests.zkservice.support import PERMIT, City
from tlog import CosignatureSigner, RecordEntry, Signer, Verifier
from tlog.checkpoint import open_checkpoint
from zkproto.v1 import ledger_pb2
from zkservice import key_change

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = READING


async def grown(town: City, item: str) -> ledger_pb2.GetCheckpointResponse:
    """Have one record more, and return the newest checkpoint."""
    await town.add_schema(replace(PERMIT, name=SchemaName("police", item, 1)))
    return await head(town)


def size_of(answer: ledger_pb2.GetCheckpointResponse) -> int:
    return open_checkpoint(answer.checkpoint, Verifier.from_string(answer.verifier_key)).size


async def test_a_log_that_grows_is_followed_and_one_that_was_rewritten_is_noticed(
    browser: Browser, pages: Path, tmp_path: Path
) -> None:
    async with serving(tmp_path / "one") as first:
        pass
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    async with (
        serving(tmp_path / "one", first) as town,
        serving(tmp_path / "two", first) as forked,
        reading(town, browser, pages) as page,
    ):
        between = page.between
        log = town.ready.verifier_key
        await page.begins(log)
        assert await page.ask("last") is None
        answer = await head(town)
        assert (await page.ask("check"))[1] == size_of(answer)
        grown_to = await page.ask("last")
        assert (await page.ask("schema", str(PERMIT.name))) is not None, "with a checkpoint of before"
        newest = await grown(town, "honest")
        assert (await page.ask("check"))[1] == size_of(newest) > grown_to[1]

        @altered(ledger_pb2.GetConsistencyProofResponse)
        def shorter(proof: ledger_pb2.GetConsistencyProofResponse) -> None:
            proof.hashes.pop()

        await grown(town, "unproven")
        between.alter["GetConsistencyProof"] = shorter
        seen = await page.ask("last")
        assert await page.refused("check") == "CONSISTENCY_INVALID"
        assert await page.ask("last") == seen
        between.alter.clear()
        between.alter["GetCheckpoint"] = lambda _: answer.SerializeToString()
        assert await page.refused("check") == "CONSISTENCY_INVALID", "the log is smaller than it was"
        between.alter.clear()
        seen = await page.ask("check")
        await page.begins(log)
        for number in range(6):
            await grown(forked, f"other_{number}")
        async with between.instead(forked):
            assert size_of(await head(forked)) > seen[1]
            assert await page.refused("check") == "CONSISTENCY_INVALID", "and it is so in another visit"
            assert await page.ask("last") == seen
            await forked.add_verifier("twin")
        await town.add_verifier("twin")
        twin = await page.ask("verifier", "verifiers/twin")
        await page.begins(log, 7200)
        async with between.instead(forked):
            assert await page.refused("verifier", "verifiers/twin") == "MALFORMED", "it has a key already"
        assert await page.ask("verifier", "verifiers/twin") == twin
        # What vouched for something is compared as well, though no checkpoint was asked for then.
        await page.forget()
        await page.begins(log)
        async with between.instead(forked):
            await page.ask("schema", "departments/police/schemas/other_1@1")
        for number in range(8):
            await grown(town, f"more_{number}")
        assert await page.refused("check") == "CONSISTENCY_INVALID"
        assert await page.ask("last") is None


async def test_the_logs_key_is_followed_by_proof(browser: Browser, pages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "server"
    async with serving(folder) as first:
        old = Verifier.from_string(first.ready.verifier_key)
    _, new = key_change.begin(settings_of(folder))
    async with serving(folder, first) as town:
        await settled(town, new)
    key_change.finish(settings_of(folder))
    async with (
        serving(folder, first) as town,
        reading(town, browser, pages) as page,
    ):
        between = page.between
        await page.begins(str(old))
        await page.ask("check")
        await grown(town, "after")
        assert await page.refused("check") == "NOTE_UNSIGNED"
        await page.ask("trust", str(STRANGE.verifier))
        assert await page.ask("follow") == str(STRANGE.verifier), "which the log never had"

        @altered(ledger_pb2.ListLogKeysResponse)
        def unproven(keys: ledger_pb2.ListLogKeysResponse) -> None:
            stolen = log_key_entry(old, STRANGE.verifier)
            for each in keys.log_keys:
                each.change_proof = proof_of(stolen, STRANGE) if each.change_proof else b""

        await page.ask("trust", str(old))
        between.alter["ListLogKeys"] = unproven
        assert await page.refused("follow") == "NOTE_UNSIGNED"
        assert await page.ask("trusted") == str(old)
        between.alter.clear()
        assert await page.ask("follow") == str(new)
        assert await page.ask("trusted") == str(new)
        await page.begins(str(new))
        await page.ask("check")
        await page.ask("schema", str(PERMIT.name))
        await proofs_of_changes(page)


async def proofs_of_changes(page: Reader) -> None:
    """Python's cases of what is a proof of a change, and what is none."""
    record, newer = log_key_entry(OLD.verifier, NEW.verifier), Signer.from_secret(OLD.name, bytes([7]) * 32)
    first, second = (
        proof_of(record, OLD, NEW),
        proof_of(log_key_entry(NEW.verifier, newer.verifier), NEW, newer),
    )
    old, new, newest = (str(each.verifier) for each in (OLD, NEW, newer))
    assert await page.ask("openChange", first.hex(), old) == new
    both = [first.hex(), second.hex()]
    assert await page.ask("followers", both, old) == [new, newest]
    assert await page.ask("followers", both, new) == [newest]
    assert await page.ask("followers", both, newest) == []
    assert await page.ask("predecessors", both[::-1], newest) == [new, old]
    assert await page.ask("predecessors", both, old) == []
    other = RecordEntry("test", b"other").to_bytes()
    elsewhere = Signer.from_secret("log.example/other", bytes(32)).verifier
    cosigner = CosignatureSigner.from_secret(OLD.name, bytes(32)).verifier
    cases: list[tuple[str, bytes]] = [
        ("NOTE_UNSIGNED", proof_of(record, NEW)),
        ("NOTE_UNSIGNED", proof_of(record, STRANGE, NEW)),
        ("NOTE_UNSIGNED", proof_of(record, OLD)),
        ("NOTE_UNSIGNED", proof_of(log_key_entry(OLD.verifier, STRANGE.verifier), OLD, NEW)),
        ("INCLUSION_INVALID", proof_of(other, OLD, NEW, extra=record)),
        ("LOG_KEY_NOT_FOLLOWED", proof_of(log_key_entry(NEW.verifier, OLD.verifier), OLD, NEW)),
        ("MALFORMED", proof_of(RecordEntry("issuer-key", b"x").to_bytes(), OLD, NEW)),
        ("MALFORMED", proof_of(RecordEntry(LOG_KEY_RECORD, b"x").to_bytes(), OLD, NEW)),
        *(
            ("MALFORMED", proof_of(log_key_entry(OLD.verifier, each), OLD, NEW))
            for each in (OLD.verifier, elsewhere, cosigner)
        ),
        ("ENTRY_MALFORMED", proof_of(record, OLD, NEW, extra=b"x")),
        ("PROOF_MALFORMED", b"x"),
    ]
    for reason, proof in cases:
        assert await page.refused("openChange", proof.hex(), old) == reason
    stolen = proof_of(log_key_entry(OLD.verifier, STRANGE.verifier), STRANGE)
    assert await page.refused("predecessors", [stolen.hex()], str(STRANGE.verifier)) == "NOTE_UNSIGNED"
