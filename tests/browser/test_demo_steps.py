"""The steps that `zk web demo` prints, followed by clicking: the vault on a phone, the other pages on a desk.

What a step quotes is pressed or looked for, and nothing of it may be left over. A step that is printed and
not followed here fails, and so does one that is followed and not printed.
"""

import asyncio
import json
import os
import pty
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.browser.browsing import BUILT, ROOT, Site, Visitor, chromium, needs
from tests.browser.test_counter import saves_the_record
from tests.cli.running import EXAMPLES, environment, start
from tests.web_edge.steps import PROGRAM, labels
from tlog import Evidence
from zk.demo.web_steps import STEPS

PASSPHRASE: Final = "a person's own, on a phone"
PHONE: Final = "053188880000"
LINES: Final = "[data-test=lines] li"
ROWS: Final = "[data-test=parts] a"
SECONDS: Final = 200


@dataclass
class Walk:
    """A person who follows one step of the demo, at both windows."""

    name: str
    told: dict[str, Any]
    phone: Visitor
    desk: Visitor
    record: Path
    read: set[str] = field(default_factory=set)

    def says(self, label: str) -> str:
        """Return a label that the step quotes."""
        assert label in labels("en", self.name), f"{self.name} does not say {label}"
        self.read.add(label)
        return label

    async def enters(self, visitor: Visitor, label: str) -> Page:
        """Go to one of the pages, from the one that links all."""
        page = await visitor.goes_to("/")
        await self.goes(page, label)
        return page

    async def goes(self, page: Page, label: str) -> None:
        """Follow a link."""
        await page.get_by_role("link", name=self.says(label), exact=True).first.click()

    async def press(self, page: Page, label: str) -> None:
        """Press a button."""
        await page.get_by_role("button", name=self.says(label), exact=True).click()

    async def sees(self, page: Page, label: str) -> None:
        """See something that stands there."""
        await expect(page.get_by_text(self.says(label)).first).to_be_visible()

    async def stands(self, page: Page, label: str) -> None:
        """See a heading."""
        heading = page.get_by_role("heading", name=self.says(label), exact=True)
        await expect(heading.first).to_be_visible()

    async def pastes(self, link: str) -> Page:
        """Open a link in the vault on the phone."""
        page = self.phone.page
        await self.goes(page, "Scan")
        await page.get_by_label("Link", exact=True).fill(link)
        await self.press(page, "Open the link")
        return page

    async def takes(self, page: Page) -> None:
        """Take a credential that is offered."""
        await self.press(page, "Take it into the vault")
        await expect(page.get_by_text("It is in your vault now.")).to_be_visible()

    async def types(self, answer: str = "", **instead: str) -> None:
        """Type the step's command into a shell, as somebody at a terminal, who answers what it asks."""
        (line,) = [each for each in self.told["steps"][self.name].splitlines() if PROGRAM in each]
        for each, value in {PROGRAM: f"{shlex.quote(sys.executable)} -m zk.cli", **instead}.items():
            line = line.replace(each, value)
        person, terminal = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                "sh", "-c", line, cwd=ROOT, env=environment({"ZK_PASSPHRASE": None}),
                stdin=terminal, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            os.write(person, f"{answer}\n".encode())
            out, _ = await asyncio.wait_for(process.communicate(), SECONDS)
        finally:
            for end in (person, terminal):
                os.close(end)
        assert process.returncode == 0, out.decode()


async def signs_in(page: Page, label: str, code: str) -> None:
    await page.get_by_label(label).fill(code)
    await page.get_by_role("button", name="Sign in").click()


async def linked(page: Page, label: str) -> str:
    """Open what has the link, and read it."""
    await page.get_by_text(label, exact=True).click()
    shown = page.locator("[data-test=link]")
    await expect(shown).to_be_visible()
    return (await shown.text_content() or "").strip()


async def opens(walk: Walk) -> None:
    page = await walk.desk.goes_to("/")
    for each in ("Your vault", "The chain's window", "The counter", "The resource centre"):
        await expect(page.get_by_role("link", name=each, exact=True)).to_be_visible()
    await page.get_by_role("link", name="The chain's window").click()
    await walk.goes(page, "All pages")
    await expect(page.get_by_role("heading", name="What you can do here")).to_be_visible()


async def looks_at_the_chain(walk: Walk) -> None:
    page = await walk.enters(walk.desk, "The chain's window")
    await walk.stands(page, "Cosignatures")
    await expect(page.get_by_text("The quorum has cosigned")).to_be_visible()
    await expect(page.locator("[aria-labelledby=witnesses] tbody tr")).to_have_count(9)
    await walk.stands(page, "Blocks")
    await expect(page.locator("[aria-labelledby=blocks] tbody")).to_contain_text("public record: ")
    await walk.goes(page, "Whom you trust")
    await walk.press(page, "Keep it")
    await walk.sees(page, "You keep this one.")


async def makes_a_vault(walk: Walk) -> None:
    page = await walk.enters(walk.phone, "Your vault")
    await expect(page.locator("[data-test=fingerprint]")).to_have_text(walk.told["fingerprint"])
    compared = walk.says("I have compared it, or I accept the key as this server shows it")
    await page.get_by_label(compared).check()
    await page.get_by_label("Passphrase", exact=True).first.fill(PASSPHRASE)
    await page.get_by_label("The passphrase once more").fill(PASSPHRASE)
    await walk.press(page, "Make the vault")
    for each in ("permit", "insurance", "licence"):
        await walk.pastes(walk.told[each])
        await walk.takes(page)
        await walk.press(page, "Credentials")
    await expect(page.get_by_role("button", name="Valid until")).to_have_count(3)


async def answers_at_the_counter(walk: Walk) -> None:
    page = await walk.enters(walk.desk, "The counter")
    await signs_in(page, "Code of the counter", walk.told["code"])
    await walk.press(page, "Checking who may enrol")
    vault = await walk.pastes(await linked(page, walk.says("As a link")))
    await expect(vault.get_by_role("heading", name="They will see").first).to_be_visible()
    await expect(vault.get_by_text("Who asks")).to_be_visible()
    await walk.press(vault, "Agree and show")
    await walk.sees(vault, "It was shown, and the use stands on the ledger.")
    await walk.stands(page, "Proven")
    await expect(page.locator(LINES)).not_to_have_count(0)
    await saves_the_record(page, page.get_by_role("link", name=walk.says("Save the record")), walk.record)


async def answers_from_a_terminal(walk: Walk) -> None:
    page = walk.desk.page
    await walk.press(page, "Next person")
    await page.get_by_role("button", name="Checking who may enrol").click()
    await walk.types("yes", LINK=await linked(page, "As a link"))
    await walk.stands(page, "Proven")
    await expect(page.locator(LINES)).not_to_have_count(0)


async def checks_the_receipt(walk: Walk) -> None:
    page = await walk.enters(walk.desk, "The chain's window")
    await walk.goes(page, "Check a receipt")
    await page.get_by_label("Or choose its file").set_input_files(walk.record)
    async with asyncio.timeout(SECONDS):
        while True:
            await walk.press(page, "Check")
            await walk.sees(page, "The receipt holds.")
            if await page.get_by_text("Anchored: ").count():
                break
            await asyncio.sleep(1)
    await expect(page.get_by_role("img", name="A tree path of")).to_be_visible()


async def reads_the_alarm(walk: Walk) -> None:
    page = walk.desk.page
    await walk.goes(page, "Alarms")
    told = page.get_by_role("article")
    await expect(told).to_contain_text(walk.says("proven"))
    async with page.expect_download() as coming:
        await told.get_by_role("link").click()
    finding = Evidence.parse((await (await coming.value).path()).read_bytes()).verify()
    (accused,) = {each.name for each in finding.accused}
    assert accused == f"{walk.told['cheat']}.example/log"
    await expect(told).to_contain_text(accused)


async def fills_the_schools_form(walk: Walk) -> None:
    context, site = walk.phone.context, walk.told["site"]
    walk.phone.elsewhere.append(site)
    form = await context.new_page()
    await form.goto(site)
    await walk.press(form, "Fill in from my vault")
    async with context.expect_page() as coming:
        await walk.goes(form, "Open the vault on this device")
    vault = await coming.value
    await vault.get_by_label("Passphrase").fill(PASSPHRASE)
    await vault.get_by_role("button", name="Open", exact=True).click()
    await vault.get_by_label("Pairing code").fill(await form.locator("#code").text_content() or "")
    await walk.press(vault, "Go on")
    await walk.press(vault, "Agree and show")
    await walk.sees(form, "Proven. Please complete the form.")
    await expect(form.locator("[data-proven]")).to_have_count(2)
    await form.get_by_label("Child's name").fill("小明")
    await form.get_by_label("Phone").fill(PHONE)
    await walk.press(form, "Enrol")
    await walk.sees(form, "Enrolled.")
    for each in (vault, form):
        await each.close()


async def looks_into_the_centre(walk: Walk) -> None:
    page = await walk.enters(walk.desk, "The resource centre")
    await signs_in(page, "Code of the centre", walk.told["centre_code"])
    rows = page.get_by_role("row")
    await walk.goes(page, "Departments")
    await expect(rows.filter(has_text="departments/")).to_have_count(3)
    await walk.goes(page, "Policies")
    await expect(rows.filter(has_text="school-enrolment")).to_have_count(1)
    await walk.goes(page, "Statistics")
    counted = rows.filter(has_text=f"verifiers/{walk.told['school']}").locator("td")
    # Of credentials nothing is its; it asked and was answered twice at its counter, once on its site.
    await expect(counted).to_have_text(["0", "0", "3", "3"])


async def finds_it_in_the_inbox(walk: Walk) -> None:
    page = await walk.pastes(walk.told["account"])
    await page.get_by_label("Number of the ID document").fill(walk.told["number"])
    await walk.press(page, "Bind this vault")
    await expect(page.get_by_text("The vault is bound.")).to_be_visible()
    await walk.types()
    await walk.goes(page, "Inbox")
    await page.locator("ul.choices button").first.click()
    await walk.takes(page)


async def goes_to_two_counters(walk: Walk) -> None:
    page = await walk.enters(walk.desk, "The counter")
    await walk.goes(page, "Errands")
    await walk.press(page, "Begin with a person")
    vault = await walk.pastes(await linked(page, walk.says("As a link")))
    await walk.press(vault, "Begin")
    await walk.press(vault, "See what they ask")
    await expect(vault.get_by_role("heading", name="What the counters want to be told")).to_be_visible()
    for each in await vault.get_by_label("Telephone of the person in charge").all():
        await each.fill(PHONE)
    await vault.get_by_label("Employees insured at first").fill("12")
    await vault.get_by_label("First day of the first month paid").fill("2026-12-01")
    await walk.press(vault, "Go on")
    await expect(vault.get_by_role("heading", name="Part 2 of 2")).to_be_visible()
    await walk.press(vault, "Agree and submit all")
    await expect(vault.get_by_text(re.compile("The receipt holds[.,]"))).to_have_count(2)
    received = page.locator(ROWS).filter(has=page.locator(".state", has_text=walk.says("received")))
    await expect(received).to_have_count(2)
    for left in (1, 0):
        await received.first.click()
        await expect(page.locator("[data-test=lines]")).to_contain_text("91370102MA3EXAMPL1")
        await expect(page.locator("[data-test=declared]")).to_contain_text(PHONE)
        await walk.press(page, "Done")
        await expect(page.locator("[data-test=facts] .state")).to_have_text("done")
        await page.get_by_role("link", name="All parts").click()
        await expect(received).to_have_count(left)
    await walk.sees(vault, "Everything is done")


FOLLOWED: Final[dict[str, Callable[[Walk], Awaitable[None]]]] = {
    "web.demo_open": opens,
    "web.demo_chain": looks_at_the_chain,
    "web.demo_vault": makes_a_vault,
    "web.demo_counter": answers_at_the_counter,
    "web.demo_terminal": answers_from_a_terminal,
    "web.demo_receipt": checks_the_receipt,
    "web.demo_alarms": reads_the_alarm,
    "web.demo_enrolment": fills_the_schools_form,
    "web.demo_centre": looks_into_the_centre,
    "web.demo_inbox": finds_it_in_the_inbox,
    "web.demo_board": goes_to_two_counters,
}


@asynccontextmanager
async def demo(output: Path) -> AsyncIterator[dict[str, Any]]:
    """Start the demo; in the end Ctrl-C ends all of it, as its last step says."""
    running = start(
        "web", "demo", "--pages", BUILT, "--port", "0", "--output", output, "--examples", EXAMPLES, "--json"
    )  # fmt: skip
    try:
        assert running.stdout is not None
        assert running.stderr is not None
        said = await asyncio.to_thread(running.stdout.readline)
        assert said, await asyncio.to_thread(running.stderr.read)
        yield json.loads(said)
    finally:
        running.send_signal(signal.SIGINT)
        _, err = await asyncio.to_thread(running.communicate, timeout=SECONDS)
    assert running.returncode == 0, err


@pytest.mark.asyncio
@pytest.mark.timeout(600)
async def test_every_step_can_be_followed_and_shows_what_it_says(tmp_path: Path) -> None:
    needs()
    nobody: Any = None
    async with chromium() as browser, demo(tmp_path / "out") as told:
        assert [*told["steps"]] == [*STEPS] == [*FOLLOWED, "web.demo_end"]
        place = Site(browser, urlsplit(told["address"]).port or 0, nobody)
        async with place.visitor("phone") as phone, place.visitor() as desk:
            desk.expected += ["401"]  # signed in is nobody yet
            for name, follow in FOLLOWED.items():
                walk = Walk(name, told, phone, desk, tmp_path / "record.json")
                await follow(walk)
                assert walk.read == set(labels("en", name))
                for each in (phone, desk):
                    await each.fits()
