"""The chain's window, by clicking: what it shows holds, and what does not hold is told."""

import base64
import json
import ssl
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.browsing import SIZES, site
from tests.browser.conftest import Nine
from tests.consortium.making import LOG
from tests.consortium.watching import TimedLog
from tests.web_edge.standing import TYPE, framed
from tests.zkservice.witnessing import CITIES, QUORUM, anchored, grow, published
from tlog import Signer, Verifier, verify_receipt
from tlog.accusing import contradiction
from tlog.proof_file import ProofFile
from web_edge.bridge import STREAMS_OF_ONE
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
SIZE = "[data-test=size]"


@pytest.mark.parametrize("size", list(SIZES))
async def test_the_ledger_is_shown_and_goes_on_by_itself(nine: Nine, size: str) -> None:
    async with nine.site.visitor(size) as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_role("heading", name="The chain's window")).to_be_visible()
        before = await published(nine.town)
        await expect(page.locator(SIZE)).to_have_text(str(before))
        await expect(page.get_by_text("The log's signature holds")).to_be_visible()
        await expect(page.get_by_text("The quorum has cosigned")).to_be_visible()
        await expect(page.get_by_text("each following the one before it")).to_be_visible()
        after = await grow(nine.town, f"grown-{size}")
        await expect(page.locator(SIZE)).to_have_text(str(after))
        await expect(page.get_by_text(f"this browser saw before ({before} entries)")).to_be_visible()
        await anchored(nine.town, after, 60)
        await expect(page.get_by_text(f"{after} of {after} entries are anchored")).to_be_visible()
        await visitor.fits()
        await visitor.passes_axe()


async def test_the_cosignatures_of_the_cities_are_told_by_name(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/")
        rows = page.get_by_role("region", name="Cosignatures, table").get_by_role("row")
        await expect(rows).to_have_count(1 + len(CITIES) + 1)
        await expect(rows.filter(has_text="yes")).to_have_count(len(CITIES) + 1)
        gone = CITIES[: len(CITIES) - QUORUM]
        await nine.gathered.end(*gone)
        try:
            size = await grow(nine.town, "with-five")
            await expect(page.get_by_text(f"{size} of {size} entries are anchored")).to_be_visible()
            for name in gone:
                row = rows.filter(has=page.get_by_role("rowheader", name=name, exact=True))
                await expect(row).to_contain_text("not this one")
        finally:
            await nine.gathered.start(*gone)


@pytest.mark.parametrize("size", list(SIZES))
async def test_a_receipt_is_checked_and_drawn(nine: Nine, size: str) -> None:
    held = verify_receipt(nine.receipt, Verifier.from_string(nine.town.ready.verifier_key))
    async with nine.site.visitor(size) as visitor:
        page = await visitor.goes_to("/chain/#receipt")
        await page.get_by_label("Paste the receipt").fill(nine.receipt.decode())
        await page.get_by_role("button", name="Check", exact=True).click()
        await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_visible()
        await expect(page.get_by_text(f"the leaf number {held.index}.")).to_be_visible()
        await expect(page.get_by_text("The newest ledger contains the one of the receipt.")).to_be_visible()
        await expect(page.get_by_text("Anchored:")).to_contain_text(CITIES[-1])
        await expect(page.get_by_text("verifiers/school", exact=True)).to_be_visible()
        drawn = page.get_by_role("img", name="A tree path of")
        await expect(drawn).to_be_visible()
        proof = ProofFile.parse(nine.receipt)
        await page.get_by_text("All hashes", exact=True).click()
        table = page.get_by_role("region", name="All hashes, table")
        for each in proof.hashes:
            await expect(table.get_by_text(each.hex()).first).to_be_visible()
        await expect(table.get_by_text(held.checkpoint.root.hex())).to_be_visible()
        await visitor.fits()
        await visitor.passes_axe()
        assert nine.receipt.decode()[:200] not in "".join(
            each.post_data or "" for each in _posts(visitor.requests)
        )


def _posts(requests: list) -> list:  # type: ignore[type-arg]
    return [each for each in requests if each.method == "POST" and not each.post_data_buffer]


async def test_a_record_of_a_verifier_is_read_for_its_receipt(nine: Nine, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"receipt": base64.b64encode(nine.receipt).decode(), "other": "<b>x</b>"}))
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/#receipt")
        await page.get_by_label("Or choose its file").set_input_files(record)
        await page.get_by_role("button", name="Check", exact=True).click()
        await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_visible()
        await page.get_by_role("button", name="Clear").click()
        await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_hidden()


def _changed(receipt: bytes) -> dict[str, tuple[bytes, str]]:
    """The receipt with one thing changed, and what is to be told of it."""
    proof = ProofFile.parse(receipt)
    text, _, _ = proof.checkpoint.partition(b"\n\n")
    size = text.split(b"\n")[1]
    line = Signer.generate("other.example/log").sign_line(text.decode() + "\n")
    first = bytes([proof.hashes[0][0] ^ 1]) + proof.hashes[0][1:]
    opening = bytearray(proof.extra or b"")
    opening[40] ^= 1
    changed = {
        "hash": (replace(proof, hashes=(first, *proof.hashes[1:])), "another root"),
        "index": (replace(proof, index=proof.index ^ 1), "another root"),
        "opening": (replace(proof, extra=bytes(opening)), "another root"),
        "missing hash": (replace(proof, hashes=proof.hashes[1:]), "another root"),
        "stranger": (replace(proof, checkpoint=text + b"\n\n" + line), "has not signed it"),
        "no opening": (replace(proof, extra=None), "opening cannot be read"),
    }
    return {what: (each.to_bytes(), told) for what, (each, told) in changed.items()} | {
        "size": (receipt.replace(b"\n%s\n" % size, b"\n9%s\n" % size, 1), "a signature does not hold"),
        "nonsense": (b"nonsense", "this is no receipt"),
        "markup": (b"<img src=x onerror=alert(1)>", "this is no receipt"),
    }


async def test_a_receipt_with_anything_changed_does_not_hold(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/#receipt")
        for what, (octets, told) in _changed(nine.receipt).items():
            await page.get_by_label("Paste the receipt").fill(octets.decode())
            await page.get_by_role("button", name="Check", exact=True).click()
            failure = page.get_by_text("The receipt does not hold")
            await expect(failure, what).to_contain_text(told)
            await expect(page.get_by_role("heading", name="The receipt holds.")).to_be_hidden()
            await page.get_by_role("button", name="Clear").click()
            await expect(failure).to_be_hidden()


async def test_a_key_that_is_kept_is_the_only_one(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("You keep no key yet")).to_be_visible()
        await page.get_by_role("link", name="Whom you trust").first.click()
        await expect(page.get_by_text("handed out by this server")).to_be_visible()
        await visitor.passes_axe()
        await page.get_by_role("button", name="Keep it").click()
        await expect(page.get_by_text("You keep this one.")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text("You keep this one.")).to_be_visible()
        await page.get_by_role("link", name="Ledger").click()
        await expect(page.get_by_text("This is the key that you keep.")).to_be_visible()
        another = Signer.generate("zk-disclosure.example/log").verifier
        # Another log's key: nothing that this server shows counts any more.
        await page.get_by_role("link", name="Whom you trust").first.click()
        await page.get_by_label("Keep another one").fill(str(another))
        await page.get_by_role("button", name="Keep what I pasted").click()
        await page.get_by_role("link", name="Ledger").click()
        await expect(page.get_by_text("The checkpoint does not hold")).to_contain_text("has not signed it")
        await expect(page.locator(SIZE)).to_have_count(0)
        await page.get_by_role("link", name="Whom you trust").first.click()
        for nonsense in ("garbage", "log x", str(CITIES), nine.town.ready.verifier_key + "x"):
            await page.get_by_label("Keep another one").fill(nonsense)
            await page.get_by_role("button", name="Keep what I pasted").click()
            await expect(page.get_by_text("neither a verifier key nor a policy")).to_be_visible()
        await page.get_by_role("button", name="Forget it").click()
        await expect(page.get_by_text("handed out by this server")).to_be_visible()


SEEN = "Object.entries(localStorage).filter(([name]) => name.startsWith('zk.seen.'))"


async def _keeps(page: Page, named: dict[str, str]) -> None:
    """Put texts where the browser keeps them."""
    for given in named.items():
        await page.evaluate("([name, text]) => localStorage.setItem(name, text)", list(given))


def _seen(size: int) -> str:
    return json.dumps({"size": str(size), "root": base64.b64encode(b"\7" * 32).decode()})


@pytest.mark.parametrize(
    ("size", "told"),
    [(1, "not the continuation"), (999999, "now fewer are shown")],
    ids=["fork", "shrunk"],
)
@pytest.mark.parametrize("trusted", ["kept", "handed out"])
async def test_a_browser_remembers_what_it_saw(nine: Nine, trusted: str, size: int, told: str) -> None:
    key = nine.town.ready.verifier_key
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/")
        await _keeps(page, {f"zk.seen.{key}": _seen(size)} | ({"zk.trust": key} if trusted == "kept" else {}))
        await visitor.goes_to("/chain/")
        await expect(page.get_by_text(told)).to_be_visible()
        assert await page.evaluate(SEEN) == [[f"zk.seen.{key}", _seen(size)]]


async def test_only_a_log_whose_key_is_kept_is_remembered(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("This page sees the log for the first time.")).to_be_visible()
        size = await grow(nine.town, "unkept")
        await expect(page.locator(SIZE)).to_have_text(str(size))
        await expect(page.get_by_text("that this browser saw before")).to_be_visible()
        assert await page.evaluate(SEEN) == []
        await page.reload()
        await expect(page.get_by_text("This page sees the log for the first time.")).to_be_visible()
        await page.get_by_role("link", name="Whom you trust").first.click()
        await page.get_by_role("button", name="Keep it").click()
        await page.get_by_role("link", name="Ledger").click()
        await expect(page.get_by_text("This is the key that you keep.")).to_be_visible()
        ((name, seen),) = await page.evaluate(SEEN)
        assert name == f"zk.seen.{nine.town.ready.verifier_key}"
        assert int(json.loads(seen)["size"]) >= size
        await page.reload()
        await expect(page.get_by_text("that this browser saw before")).to_be_visible()


async def test_what_another_key_of_the_same_name_signed_accuses_nobody(nine: Nine) -> None:
    key = Verifier.from_string(nine.town.ready.verifier_key)
    another = Signer.generate(key.name).verifier
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/")
        false = {f"zk.seen.{each}": _seen(999999) for each in (another, key.name)}
        await _keeps(page, {"zk.trust": str(key)} | false)
        await visitor.goes_to("/chain/")
        await expect(page.get_by_text("This browser saw this log for the first time.")).to_be_visible()


async def test_a_threshold_is_a_number_or_one_of_two_words(nine: Nine) -> None:
    policy = nine.gathered.policy.to_bytes().decode()
    line = next(each for each in policy.splitlines() if each.startswith("group "))
    _, name, count, *members = line.split()
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/#trust")
        for word in ("constructor", "toString", "__proto__", "valueOf", "0", "99", "Any"):
            await page.get_by_label("Keep another one").fill(
                policy.replace(line, " ".join(["group", name, word, *members]))
            )
            await page.get_by_role("button", name="Keep what I pasted").click()
            await expect(page.get_by_text("neither a verifier key nor a policy")).to_be_visible()
            assert await page.evaluate("localStorage.getItem('zk.trust')") is None, word
        for word, kept in (("any", "1"), ("all", str(len(members))), (count, count)):
            await page.get_by_label("Keep another one").fill(
                policy.replace(line, " ".join(["group", name, word, *members]))
            )
            await page.get_by_role("button", name="Keep what I pasted").click()
            await expect(page.get_by_text("You keep this one.")).to_be_visible()
            written = await page.evaluate("localStorage.getItem('zk.trust')")
            assert f"group {name} {kept} " in written
            await page.get_by_role("button", name="Forget it").click()
            await expect(page.get_by_text("handed out by this server")).to_be_visible()


async def test_a_service_that_changes_one_octet_is_caught(nine: Nine) -> None:
    async def lie(route: Route) -> None:
        answer = await route.fetch()
        body = bytearray(await answer.body())
        body[at(bytes(body))] ^= 1
        await route.fulfill(response=answer, body=bytes(body))

    def at(body: bytes) -> int:
        # An octet of the last entry's header: the hash of the one before it.
        return body.rindex(b"zk-disclosure/block/v1\n") + len("zk-disclosure/block/v1\n") + 20

    async with nine.site.visitor() as visitor:
        await visitor.page.route("**/rpc/*/ListEntries", lie)
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("The chain does not hold")).to_be_visible()
        await expect(page.get_by_text("each following the one before it")).to_be_hidden()


async def test_back_reload_and_another_language(nine: Nine) -> None:
    async with nine.site.visitor("phone") as visitor:
        page = await visitor.goes_to("/")
        await page.get_by_role("link", name="The chain's window").click()
        await page.get_by_role("link", name="Check a receipt").click()
        await page.get_by_label("Paste the receipt").fill("half")
        await page.get_by_role("link", name="Alarms").click()
        await expect(page.get_by_role("heading", name="Alarms of the monitor")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("heading", name="Check a receipt")).to_be_visible()
        await page.go_back()
        await expect(page.locator(SIZE)).to_be_visible()
        await page.get_by_role("button", name="中文").click()
        await expect(page.get_by_role("heading", name="链上之窗")).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == "zh-Hans"
        await page.get_by_role("button", name="大字").click()
        await page.reload()
        await expect(page.get_by_role("heading", name="链上之窗")).to_be_visible()
        await expect(page.get_by_role("button", name="大字")).to_have_attribute("aria-pressed", "true")
        await expect(page.locator(SIZE)).to_be_visible()
        await visitor.fits()
        await visitor.passes_axe()
        await page.go_back()
        await expect(page.get_by_role("heading", name="您可以在这里")).to_be_visible()
        await visitor.passes_axe()


async def test_the_network_goes_and_comes_back(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["ERR_INTERNET_DISCONNECTED", "ERR_NETWORK"]
        page = await visitor.goes_to("/chain/")
        await expect(page.locator(SIZE)).to_be_visible()
        await visitor.context.set_offline(True)
        await page.evaluate("dispatchEvent(new Event('online'))")  # the stream that stands is opened anew
        await expect(page.get_by_text("The service cannot be reached.")).to_be_visible()
        await expect(page.locator(SIZE)).to_be_visible()
        size = await grow(nine.town, "while-away")
        await visitor.context.set_offline(False)
        await expect(page.locator(SIZE)).to_have_text(str(size))
        await expect(page.get_by_text("The service cannot be reached.")).to_be_hidden()


async def test_without_a_place_for_a_stream_the_page_asks_by_itself(nine: Nine) -> None:
    async with AsyncExitStack() as stack:
        # An edge of its own: other windows' streams would end, and leave a place, when they like.
        own = await stack.enter_async_context(
            site(nine.town, nine.site.browser, Watched(nine.gathered.policy))
        )
        headers = {"content-type": TYPE, "origin": own.origin}
        trusted = ssl.create_default_context(cafile=str(nine.town.ready.data / "ca.pem"))
        http = await stack.enter_async_context(httpx.AsyncClient(verify=trusted, timeout=60))
        held = []  # an iterator that nobody holds would end its stream
        for _ in range(STREAMS_OF_ONE):
            address = f"{own.origin}/rpc/zkproto.v1.LedgerService/WatchCheckpoints"
            taken = http.stream("POST", address, content=framed(b""), headers=headers)
            held.append((await stack.enter_async_context(taken)).aiter_raw())
            assert (await anext(held[-1]))[0] == 0
        async with own.visitor() as visitor:
            page = await visitor.goes_to("/chain/")
            await expect(page.locator(SIZE)).to_be_visible()
            size = await grow(nine.town, "without-a-stream")
            await expect(page.locator(SIZE)).to_have_text(str(size))
            await expect(page.get_by_text("The service cannot be reached.")).to_have_count(0)
            watched = [each for each in visitor.requests if each.url.endswith("WatchCheckpoints")]
            assert len(watched) > 1, "it had a stream"


async def test_the_keyboard_is_enough(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/")
        await expect(page.locator(SIZE)).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        for _ in range(12):
            await page.keyboard.press("Shift+Tab")
            if await page.evaluate("document.activeElement.getAttribute('href')") == "#receipt":
                break
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Check a receipt")).to_be_visible()
        await expect(page.locator("main")).to_be_focused()


async def test_the_alarms_are_told_as_text(nine: Nine) -> None:
    folder = nine.monitor / "alarms"
    folder.mkdir(parents=True)
    async with nine.site.visitor() as visitor:
        page = await visitor.goes_to("/chain/#alarms")
        await expect(page.get_by_text("The monitor has found nothing.")).to_be_visible()
        name = "split_view-0123456789abcdef.json"
        evil = Signer.generate("<img/src=x/onerror=document.title='owned'>")
        for signer, file in ((LOG, name), (evil, "split_view-1.json")):
            notes = [TimedLog(signer, seed).grow(2).note for seed in (0, 1)]
            evidence = contradiction(notes[0], notes[1], [signer.verifier], [])[0]
            (folder / file).write_bytes(evidence.to_bytes())
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("article").filter(has_text="SPLIT_VIEW")).to_have_count(2)
        await expect(page.get_by_text(evil.name, exact=True)).to_be_visible()
        assert await page.locator("img").count() == 0
        assert "owned" not in await page.title()
        await visitor.fits()
        await visitor.passes_axe()
        async with page.expect_download() as coming:
            await page.get_by_role("link", name=name).click()
        path = await (await coming.value).path()
        assert Path(path).read_bytes() == (folder / name).read_bytes()
