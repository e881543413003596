"""The storage of a vault in a page of a test: served, opened in tabs, and looked into below its own face."""

import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

WEB: Final = Path(__file__).parents[2] / "web"
PASSPHRASE: Final = "correct horse, ärgert"
_POLICY: Final = "default-src 'none'; script-src 'self'; connect-src 'self'"
_BARE: Final = re.compile(r"""(from |import )(["'])(@noble/)""")
_BEGIN: Final = """async () => {
  const { SealedStore } = await import("/pages/src/vault/store/store.js");
  const { holderSecret } = await import("/pages/src/vault/identity.js");
  Object.assign(window, { SealedStore, holderSecret });
  window.octets = (text) => new TextEncoder().encode(text);
  window.text = (octets) => octets === null ? null : new TextDecoder().decode(octets);
  window.tried = async (work) => {
    try { await work(); return "done"; } catch (error) { return error.reason ?? String(error); }
  };
  window.raw = (vault, store, mode, work) => new Promise((resolve, reject) => {
    const asked = indexedDB.open(vault);
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const within = asked.result.transaction([store], mode);
      const done = work(within.objectStore(store));
      within.oncomplete = () => { asked.result.close(); resolve(done?.result); };
      within.onabort = () => reject(within.error);
    };
  });
}"""


class Handler(BaseHTTPRequestHandler):
    """Serves an empty page, the built scripts, and the packages that they use."""

    def __init__(self, built: Path, *given: Any) -> None:
        self.built = built
        super().__init__(*given)

    def do_GET(self) -> None:
        within = WEB / "node_modules" / "@noble" if self.path.startswith("/node_modules/") else self.built
        root = WEB if self.path.startswith("/node_modules/") else self.built
        file = (root / self.path.lstrip("/")).resolve()
        found = file.is_relative_to(within) and file.suffix == ".js" and file.is_file()
        self.send_response(200 if found or self.path == "/" else 404)
        self.send_header("Content-Type", "text/javascript" if found else "text/html")
        self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        script = _BARE.sub(r"\1\2/node_modules/\3", file.read_text(encoding="utf-8")) if found else ""
        self.wfile.write(script.encode() or b"<!doctype html><title>store</title>")

    def log_request(self, *_: object) -> None:
        """Say nothing."""


class Profile:
    """One person's browser, with as many tabs as wanted."""

    def __init__(self, context: Any, address: str) -> None:
        self._context, self._address = context, address

    async def tab(self) -> Any:
        page = await self._context.new_page()
        await page.goto(self._address)
        await page.evaluate(_BEGIN)
        return page

    async def unlocked(self, vault: str) -> Any:
        """Open a tab, and in it the vault of this name, which is made if there is none."""
        page = await self.tab()
        await page.evaluate(
            """async ([vault, passphrase]) => {
              const there = await SealedStore.exists(vault);
              window.store = await (there ? SealedStore.unlock : SealedStore.create)(vault, passphrase);
            }""",
            [vault, PASSPHRASE],
        )
        return page


async def put(tab: Any, kind: str, name: str, value: str) -> str:
    said: str = await tab.evaluate(
        "([kind, name, value]) => tried(() =>"
        " store.change(async (draft) => draft.put({ kind, name }, octets(value))))",
        [kind, name, value],
    )
    return said


async def get(tab: Any, kind: str, name: str) -> str | None:
    """Return the value at a place, or the reason why it is not read."""
    said: str | None = await tab.evaluate(
        """async ([kind, name]) => {
          let value = null;
          const said = await tried(() =>
            store.read(async (draft) => { value = await draft.get({ kind, name }); }));
          return said === "done" ? text(value) : said;
        }""",
        [kind, name],
    )
    return said


async def names(tab: Any, kind: str) -> list[str]:
    said: list[str] = await tab.evaluate(
        "(kind) => store.read(async (draft) => (await draft.list(kind)).map((each) => each.name))", kind
    )
    return said


async def keys(tab: Any, vault: str) -> list[str]:
    said: list[str] = await tab.evaluate(
        "(vault) => raw(vault, 'records', 'readonly', (store) => store.getAllKeys())", vault
    )
    return said


async def stored(tab: Any, vault: str, key: str) -> bytes:
    said = await tab.evaluate(
        "async ([vault, key]) => [...await raw(vault, 'records', 'readonly', (store) => store.get(key))]",
        [vault, key],
    )
    return bytes(said)


async def store_raw(tab: Any, vault: str, key: str, octets: bytes) -> None:
    await tab.evaluate(
        "([vault, key, octets]) => raw(vault, 'records', 'readwrite',"
        " (store) => { store.put(Uint8Array.from(octets), key); })",
        [vault, key, list(octets)],
    )


async def header(tab: Any, vault: str) -> bytes:
    said = await tab.evaluate(
        "async (vault) => [...(await raw(vault, 'about', 'readonly', (store) => store.get('about'))).header]",
        vault,
    )
    return bytes(said)


async def replace_header(tab: Any, vault: str, octets: bytes) -> None:
    await tab.evaluate(
        """async ([vault, octets]) => {
          const about = await raw(vault, "about", "readonly", (store) => store.get("about"));
          const changed = { ...about, header: Uint8Array.from(octets) };
          await raw(vault, "about", "readwrite", (store) => { store.put(changed, "about"); });
        }""",
        [vault, list(octets)],
    )


async def opens(tab: Any, vault: str, passphrase: str) -> str:
    said: str = await tab.evaluate(
        "([vault, passphrase]) => tried(async () => (await SealedStore.unlock(vault, passphrase)).lock())",
        [vault, passphrase],
    )
    return said
