"""The worker of the vault in a browser, under the pages' own policy."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.browsing import Site
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, opened, vault_site
from tests.zkservice.support import city

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(
    browser: Browser, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("vault-worker")
    async with city(folder / "server") as town, vault_site(town, browser, pages) as place:
        yield place


async def test_a_vault_is_made_locked_and_opened(site: Site) -> None:
    async with site.visitor() as visitor, opened(visitor) as tab:
        assert await tab.call("state") == "none"
        trust = await tab.call("logKey")
        assert trust["key"] == site.town.ready.verifier_key
        assert await tab.refused("create", PASSPHRASE, "no key") == "KEY_MALFORMED"
        assert await tab.refused("create", "short", trust["key"]) == "PASSPHRASE_TOO_SHORT"
        assert await tab.call("state") == "none"
        await tab.call("create", PASSPHRASE, trust["key"])
        assert await tab.call("state") == "open"
        assert await tab.call("trust") == trust
        assert await tab.refused("create", PASSPHRASE, trust["key"]) == "VAULT_OPEN"
        await tab.call("lock")
        assert await tab.call("state") == "locked"
        assert await tab.refused("trust") == "VAULT_LOCKED"
        assert await tab.refused("unlock", f"{PASSPHRASE}!") == "PASSPHRASE_WRONG"
        await tab.call("unlock", PASSPHRASE)
        assert await tab.call("trust") == trust
        await tab.call("changePassphrase", PASSPHRASE, "another horse")
        file = await tab.call("backup")
    async with site.visitor() as visitor, opened(visitor) as tab:
        assert await tab.refused("restore", file[:-1], "another horse") == "BACKUP_MALFORMED"
        assert await tab.refused("restore", file, PASSPHRASE) == "PASSPHRASE_WRONG"
        await tab.call("restore", file, "another horse")
        assert await tab.call("trust") == trust


async def test_what_was_asked_when_it_is_locked_is_told_so(site: Site) -> None:
    async with site.visitor() as visitor, opened(visitor) as tab:
        trust = await tab.call("logKey")
        told: Any = await tab.page.evaluate(
            """async ([passphrase, key]) => {
              const making = vault.create(passphrase, key).then(() => "done", (fault) => fault.reason);
              await vault.lock();
              return [await making, await vault.state()];
            }""",
            [PASSPHRASE, trust["key"]],
        )
        assert told == ["WORKER_ENDED", "none"]


async def test_the_page_makes_no_worker_of_another_script(site: Site) -> None:
    async with site.visitor() as visitor, opened(visitor) as tab:
        visitor.expected.append("TrustedScriptURL")
        said = await tab.page.evaluate(
            """() => {
              const made = () => new Worker("/assets/other.js", { type: "module" });
              try { made(); return "made"; } catch (error) { return error.name; }
            }"""
        )
        assert said == "TypeError"
        names = await tab.page.evaluate("() => Object.keys(vault)")
        assert {"open", "agree", "settle", "restore"} <= set(names)
        assert "constructor" not in names
