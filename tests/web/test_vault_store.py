"""The sealed storage of the vault in a browser: over Chromium's own IndexedDB and WebCrypto."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio

from disclosure import canonical
from prover.sealing import VaultKeys
from tests.web.serving import serving
from tests.web.storing import (
    PASSPHRASE,
    WEB,
    Handler,
    Profile,
    get,
    header,
    keys,
    names,
    opens,
    put,
    replace_header,
    store_raw,
    stored,
)

browser = pytest.importorskip("tests.web.browser", reason="no playwright")
COMPILER: Final = WEB / "node_modules" / ".bin" / "tsc"
pytestmark = [
    pytest.mark.skipif(not COMPILER.exists(), reason="not installed: scripts/web.sh does it"),
    pytest.mark.skipif(not browser.CHROMIUM.exists(), reason="no Chromium: scripts/chromium.sh installs it"),
    pytest.mark.asyncio(loop_scope="module"),
]
PATIENCE_MS: Final = 120_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def profile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Profile]:
    built = tmp_path_factory.mktemp("store")
    project = WEB / "pages" / "test" / "vault" / "tsconfig.json"
    building = await asyncio.create_subprocess_exec(COMPILER, "--project", project, "--outDir", built)
    assert await building.wait() == 0
    with serving(partial(Handler, built)) as address:
        async with browser.async_playwright() as driver:
            running = await driver.chromium.launch(executable_path=browser.CHROMIUM, args=browser._ARGUMENTS)
            try:
                context = await running.new_context()
                context.set_default_timeout(PATIENCE_MS)
                yield Profile(context, address)
            finally:
                await running.close()


async def test_what_is_kept_is_there_again_and_is_not_readable(profile: Profile) -> None:
    tab = await profile.unlocked("kept")
    assert await put(tab, "credential", "district", "a secret value") == "done"
    await tab.close()
    again = await profile.unlocked("kept")
    assert await get(again, "credential", "district") == "a secret value"
    assert await get(again, "credential", "other") is None
    assert await get(again, "district", "credential") is None
    (key,) = await keys(again, "kept")
    sealed = await stored(again, "kept", key)
    assert len(sealed) % 512 == 0
    assert b"secret" not in sealed
    assert b"district" not in sealed
    assert "district" not in key
    await again.close()


async def uses_are_of_both(tab: Any, python: VaultKeys) -> None:
    """A tag and a note of either are the other's own; changed ones and a stranger's are nobody's."""
    tag = bytes(await tab.evaluate("async () => [...await store.uses.usageTag()]"))
    assert python.recognises(tag)
    stranger = VaultKeys.generate()
    own = python.usage_tag()
    tags = [own, own[:-1], own + b"\0", b"", stranger.usage_tag()]
    tags += [own[:at] + bytes([own[at] ^ 1]) + own[at + 1 :] for at in (0, 15, 16, 47)]
    said = "(all) => Promise.all(all.map((each) => work(each)))"
    recognises = said.replace("work(each)", "store.uses.recognises(Uint8Array.from(each))")
    assert await tab.evaluate(recognises, [list(each) for each in tags]) == [True] + [False] * 8
    plain = bytes(range(249)) * 4
    sealed = await tab.evaluate(
        "async (plain) => [...await store.uses.sealNote(Uint8Array.from(plain))]", list(plain)
    )
    assert python.open_note(bytes(sealed)) == plain
    note = python.seal_note(plain)
    notes = [note, note[:-1], note[:-1] + bytes([note[-1] ^ 1]), stranger.seal_note(plain)]
    opens_note = said.replace(
        "work(each)", "store.uses.openNote(Uint8Array.from(each)).then((a) => a && [...a])"
    )
    assert await tab.evaluate(opens_note, [list(each) for each in notes]) == [list(plain), None, None, None]


async def test_python_opens_what_the_browser_sealed(profile: Profile) -> None:
    tab = await profile.unlocked("python")
    await put(tab, "usage", "größe", "ab" * 700)
    (key,) = await keys(tab, "python")
    opened = VaultKeys.unwrap(await header(tab, "python"), PASSPHRASE)
    plain = opened.open_record(bytes.fromhex(key), await stored(tab, "python", key))
    end = 4 + int.from_bytes(plain[:4])
    assert canonical.decode("zk-disclosure/web-vault-entry/v1", plain[4:end]) == ["usage", "größe"]
    assert plain[end:] == b"ab" * 700
    await uses_are_of_both(tab, opened)
    await replace_header(tab, "python", opened.wrap("another of Python"))
    assert await opens(tab, "python", PASSPHRASE) == "PASSPHRASE_WRONG"
    assert await opens(tab, "python", "another of Python") == "done"
    await tab.close()


async def test_a_wrong_passphrase_and_a_changed_header_say_the_same(profile: Profile) -> None:
    tab = await profile.unlocked("wrong")
    assert await opens(tab, "nobody's", PASSPHRASE) == "VAULT_NOT_FOUND"
    assert await opens(tab, "wrong", PASSPHRASE + "x") == "PASSPHRASE_WRONG"
    assert await opens(tab, "wrong", "short") == "PASSPHRASE_WRONG"
    assert (
        await opens(tab, "wrong", "correct horse, a\u0308rgert") == "done"
    )  # as another keyboard composes it
    good = await header(tab, "wrong")
    weak = good.replace(bytes.fromhex("0304"), bytes.fromhex("0104"), 1)
    assert weak != good
    for changed in (good[:-1], good + b"\0", good[:-1] + bytes([good[-1] ^ 1]), weak, b""):
        await replace_header(tab, "wrong", changed)
        assert await opens(tab, "wrong", PASSPHRASE) == "PASSPHRASE_WRONG"
    await replace_header(tab, "wrong", good)
    assert await opens(tab, "wrong", PASSPHRASE) == "done"
    said = "(each) => tried(() => SealedStore.create('never', each))"
    assert await tab.evaluate(said, "nine char") == "PASSPHRASE_TOO_SHORT"
    assert await tab.evaluate(said, "ä" * 513) == "PASSPHRASE_TOO_LONG"
    assert await tab.evaluate("() => tried(() => SealedStore.create('never', '\\ud800'.repeat(10)))") == (
        "PASSPHRASE_MALFORMED"
    )
    assert not await tab.evaluate("() => SealedStore.exists('never')")
    await tab.close()


async def test_swapped_and_changed_values_are_refused(profile: Profile) -> None:
    tab = await profile.unlocked("swapped")
    await put(tab, "credential", "one", "first")
    await put(tab, "credential", "two", "second")
    await put(tab, "receipt", "one", "third")
    places = await keys(tab, "swapped")
    values = {key: await stored(tab, "swapped", key) for key in places}
    for key in places:
        for other in set(places) - {key}:
            await store_raw(tab, "swapped", key, values[other])
            said = [
                await get(tab, *each)
                for each in (("credential", "one"), ("credential", "two"), ("receipt", "one"))
            ]
            assert said.count("VAULT_DAMAGED") == 1
        await store_raw(tab, "swapped", key, values[key])
    (receipt,) = [key for key in places if sum(each.startswith(key[:32]) for each in places) == 1]
    whole = values[receipt]
    changes = [
        *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 11, 12, 200, 495, 496, 511)),
        whole[:-1], whole + b"\0", b"", whole[:12],
    ]  # fmt: skip
    for changed in changes:
        await store_raw(tab, "swapped", receipt, changed)
        assert await get(tab, "receipt", "one") == "VAULT_DAMAGED"
    assert await get(tab, "credential", "one") == "first"  # and nothing else was touched
    await store_raw(tab, "swapped", receipt, whole)
    assert await get(tab, "receipt", "one") == "third"
    await tab.close()


async def test_a_use_case_is_written_whole_or_not(profile: Profile) -> None:
    tab = await profile.unlocked("whole")
    await put(tab, "claim", "begun", "x")
    failed = """() => tried(() => store.change(async (draft) => {
      draft.put({ kind: "claim", name: "other" }, octets("y"));
      draft.remove({ kind: "claim", name: "begun" });
      const left = await draft.get({ kind: "claim", name: "begun" });
      if (left !== null) throw new Error("it does not see what it wrote");
      throw Object.assign(new Error("given up"), { reason: "GIVEN_UP" });
    }))"""
    assert await tab.evaluate(failed) == "GIVEN_UP"
    assert await names(tab, "claim") == ["begun"]
    moved = """() => tried(() => store.change(async (draft) => {
      draft.remove({ kind: "claim", name: "begun" });
      for (const name of ["b", "a"]) draft.put({ kind: "claim", name }, octets(name));
    }))"""
    assert await tab.evaluate(moved) == "done"
    assert await names(tab, "claim") == ["a", "b"]
    await tab.evaluate("() => store.lock()")
    assert await put(tab, "claim", "late", "z") == "VAULT_LOCKED"
    assert await get(tab, "claim", "a") == "VAULT_LOCKED"
    await tab.close()


async def test_two_tabs_lose_nothing_of_each_other(profile: Profile) -> None:
    one = await profile.unlocked("two")
    other = await profile.unlocked("two")
    await put(one, "counter", "all", "0")
    count = """async () => {
      const place = { kind: "counter", name: "all" };
      for (let turn = 0; turn < 25; turn++) {
        await store.change(async (draft) => {
          draft.put(place, octets(String(Number(text(await draft.get(place))) + 1)));
        });
      }
    }"""
    await asyncio.gather(one.evaluate(count), other.evaluate(count))
    assert await get(one, "counter", "all") == await get(other, "counter", "all") == "50"
    secret = "() => store.change(async (draft) => String((await holderSecret(draft)).scalar))"
    secrets = await asyncio.gather(one.evaluate(secret), other.evaluate(secret), one.evaluate(secret))
    assert len(set(secrets)) == 1  # one person, however many tabs
    await put(one, "holder-secret", "", "no scalar")
    assert await one.evaluate("() => tried(() => store.change(holderSecret))") == "VAULT_DAMAGED"
    create = "(passphrase) => tried(() => SealedStore.create('both', passphrase))"
    said = await asyncio.gather(one.evaluate(create, PASSPHRASE), other.evaluate(create, PASSPHRASE))
    assert sorted(said) == ["VAULT_EXISTS", "done"]
    await one.close()
    await other.close()


async def test_a_tab_that_is_closed_in_the_middle_leaves_nothing_half_done(profile: Profile) -> None:
    tab = await profile.unlocked("closed")
    watching = await profile.unlocked("closed")
    begin = """() => {
      window.turn = 0;
      void (async () => {
        for (;;) {
          await store.change(async (draft) => {
            for (let at = 0; at < 20; at++) {
              draft.put({ kind: "step", name: String(at) }, octets(String(turn)));
            }
          });
          window.turn += 1;
        }
      })();
    }"""
    await tab.evaluate(begin)
    await tab.wait_for_function("() => window.turn > 2")
    seen = await tab.evaluate("() => window.turn")
    await tab.close()
    values = {await get(watching, "step", str(at)) for at in range(20)}
    assert len(values) == 1
    assert int(values.pop() or -1) >= seen - 1  # what the tab was told is written is there
    await watching.close()


async def test_a_vault_that_took_the_place_of_another_is_not_written(profile: Profile) -> None:
    tab = await profile.unlocked("replaced")
    await put(tab, "claim", "a", "x")
    erased = """(vault) => Promise.all(["about", "records"].map(
      (each) => raw(vault, each, "readwrite", (store) => { store.clear(); })))"""
    await tab.evaluate(erased, "replaced")
    fresh = await profile.unlocked("replaced")
    assert await put(tab, "claim", "b", "y") == "VAULT_REPLACED"
    assert await names(fresh, "claim") == []
    assert await keys(fresh, "replaced") == []
    await tab.close()
    await fresh.close()


async def test_a_new_passphrase_opens_and_the_old_does_not(profile: Profile) -> None:
    tab = await profile.unlocked("anew")
    await put(tab, "claim", "a", "x")
    change = "([old, chosen]) => tried(() => store.changePassphrase(old, chosen))"
    assert await tab.evaluate(change, ["not the old one", "the chosen one"]) == "PASSPHRASE_WRONG"
    assert await tab.evaluate(change, [PASSPHRASE, "short"]) == "PASSPHRASE_TOO_SHORT"
    assert await tab.evaluate(change, [PASSPHRASE, "the chosen one"]) == "done"
    assert await get(tab, "claim", "a") == "x"
    assert await opens(tab, "anew", PASSPHRASE) == "PASSPHRASE_WRONG"
    assert await opens(tab, "anew", "the chosen one") == "done"
    await tab.close()


async def restored(tab: Any, vault: str, file: bytes, passphrase: str = PASSPHRASE) -> str:
    said: str = await tab.evaluate(
        """([vault, file, passphrase]) => tried(async () => {
          const made = await SealedStore.restore(vault, Uint8Array.from(file), passphrase);
          window.store.lock();
          window.store = made;
        })""",
        [vault, list(file), passphrase],
    )
    return said


async def test_a_file_brings_all_of_a_vault_back_or_nothing(profile: Profile) -> None:
    tab = await profile.unlocked("lost")
    await put(tab, "credential", "one", "first")
    before = bytes(await tab.evaluate("async () => [...await store.backup()]"))
    await put(tab, "credential", "two", "second")
    file = bytes(await tab.evaluate("async () => [...await store.backup()]"))
    assert b"first" not in file
    assert b"credential" not in file
    mixed = before[:-32] + file[-32:]
    label = file.index(b"\n")
    changes = [
        file[:-1], file + b"\0", b"", file[:40], file[:label] + b" " + file[label + 1 :], file[: label + 3],
        file[: label + 1] + b"\xff" * 4 + file[label + 5 :],
    ]  # fmt: skip
    for changed in changes:
        assert await restored(tab, "found", changed) == "BACKUP_MALFORMED"
    assert await restored(tab, "found", mixed) == "BACKUP_MALFORMED"
    assert await restored(tab, "found", file[:-1] + bytes([file[-1] ^ 1])) == "BACKUP_MALFORMED"
    assert await restored(tab, "found", file, PASSPHRASE + "x") == "PASSPHRASE_WRONG"
    assert await restored(tab, "lost", file) == "VAULT_EXISTS"
    assert not await tab.evaluate("() => SealedStore.exists('found')")
    assert await restored(tab, "found", file) == "done"
    assert await names(tab, "credential") == ["one", "two"]
    assert await get(tab, "credential", "one") == "first"
    (key, _) = await keys(tab, "found")
    sealed = await stored(tab, "found", key)
    await store_raw(tab, "found", key, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert await tab.evaluate("() => tried(() => store.backup())") == "VAULT_DAMAGED"
    await tab.close()


async def test_a_vault_of_recovery_words_has_pythons_keys_and_gives_them_back(profile: Profile) -> None:
    secret = VaultKeys.generate().recovery_secret()
    tab = await profile.tab()
    given = await tab.evaluate(
        """async ([secret, passphrase]) => {
          const key = Uint8Array.from(secret);
          window.store = await SealedStore.create("words", passphrase, [], key);
          return [...key];
        }""",
        [list(secret), PASSPHRASE],
    )
    assert bytes(given) == bytes(32), "its octets are overwritten"
    await uses_are_of_both(tab, VaultKeys(secret))
    assert await put(tab, "credential", "district", "a secret value") == "done"
    (key,) = await keys(tab, "words")
    assert VaultKeys(secret).open_record(bytes.fromhex(key), await stored(tab, "words", key))
    again = "(each) => tried(async () => { window.told = [...await store.recoverySecret(each)]; })"
    assert await tab.evaluate(again, PASSPHRASE) == "done"
    assert bytes(await tab.evaluate("() => told")) == secret
    for wrong in (PASSPHRASE + "x", ""):
        assert await tab.evaluate(again, wrong) == "PASSPHRASE_WRONG"
    await tab.evaluate("(each) => store.changePassphrase(each, 'another of words')", PASSPHRASE)
    assert await tab.evaluate(again, PASSPHRASE) == "PASSPHRASE_WRONG"
    assert await tab.evaluate(again, "another of words") == "done"
    await tab.evaluate("() => store.lock()")
    assert await tab.evaluate(again, "another of words") == "VAULT_LOCKED"
    await tab.close()
