"""What another page tries in somebody's name, in a browser in which that one is signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Response, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from consortium.serving import listening
from tests.browser.browsing import Site, site
from tests.browser.conftest import Nine
from tests.browser.test_counter import signs_in
from tests.web_edge.behind import CODE, POLICY, desk_of
from tests.web_edge.standing import endpoint_of, tls_of
from tests.zkservice.counting import access
from tests.zkservice.stored import selected
from tests.zkservice.support import City
from web_edge.watched import Watched
from zk.centre import opened_books

pytestmark = pytest.mark.asyncio(loop_scope="session")
CENTRE_CODE = "the centre's own code"
FORGED = POLICY.replace(b"id: counter", b"id: forged")
_FORGE = """async (edge) => {
  const ask = JSON.stringify({ purpose: "forged" });
  const read = [];
  const attempt = async (method, path, mode, headers, body) => {
    try {
      const answer = await fetch(edge + path, { method, mode, headers, body, credentials: "include" });
      if (answer.type !== "opaque") read.push(path);
    } catch { /* as it should */ }
  };
  for (const mode of ["no-cors", "cors"]) {
    for (const type of ["text/plain", "application/json"]) {
      await attempt("POST", "/counter/asks", mode, { "content-type": type }, ask);
      await attempt("POST", "/counter/session", mode, { "content-type": type }, "{}");
    }
    await attempt("DELETE", "/counter/session", mode, {});
    await attempt("GET", "/counter/purposes", mode, {});
    await attempt("GET", "/centre/books/departments", mode, {});
    const method = "/rpc/zkproto.v1.LedgerService/GetCheckpoint";
    await attempt("POST", method, mode, { "content-type": "text/plain" }, "");
  }
  const made = (name, given) => Object.assign(document.createElement(name), given);
  const form = made("form", { method: "post", enctype: "text/plain", action: `${edge}/counter/asks` });
  form.target = "taken";
  form.append(made("input", { name: '{"purpose":"forged","x":"', value: '"}' }));
  document.body.append(made("iframe", { name: "taken" }), form);
  form.submit();
  const stream = new EventSource(`${edge}/counter/asks/x`, { withCredentials: true });
  stream.onmessage = () => read.push("events");
  await new Promise((done) => setTimeout(done, 1000));
  return read;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """An edge with a counter and a centre."""
    token = await access(nine.town, "forged")
    given: dict[str, Any] = {
        "desk": await desk_of(nine.town, tmp_path_factory.mktemp("forged") / "home", FORGED),
        "counter_code": CODE,
        "books": lambda: opened_books(endpoint_of(nine.town), token),
        "centre_code": CENTRE_CODE,
    }
    async with site(nine.town, nine.site.browser, Watched(), **given) as made:
        yield made


@asynccontextmanager
async def another_page(town: City) -> AsyncIterator[str]:
    """Serve a page of another origin, which no policy holds back, and give its address.

    It is of the same site, since only the port is another: its requests carry even cookies that are for one
    site alone.
    """

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>elsewhere</title>")

    app = Starlette(routes=[Route("/", page)])
    async with listening(app, "127.0.0.1", 0, **tls_of(town)) as port:
        yield f"https://localhost:{port}/"


async def test_another_page_does_nothing_and_reads_nothing_in_a_clerks_name(nine: Nine, place: Site) -> None:
    data = nine.town.ready.data
    async with place.visitor() as visitor, another_page(nine.town) as elsewhere:
        visitor.expected = ["401"]
        page = await visitor.goes_to("/centre/")
        await page.get_by_label("Code of the centre").fill(CENTRE_CODE)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("navigation")).to_be_visible()
        page = await visitor.goes_to("/counter/")
        await signs_in(page)
        asked = selected(data, "select count(*) from exchange")
        other, answers = await visitor.context.new_page(), list[Response]()
        other.on("response", lambda each: answers.append(each))  # noqa: PLW0108 - playwright marks it
        await other.goto(elsewhere)
        assert await other.evaluate(_FORGE, place.origin) == []
        answers = [each for each in answers if each.url.startswith(f"{place.origin}/")]
        told = {each.status for each in answers}
        assert 403 in told, "nothing has reached the edge"
        assert told <= {403, 405}, [(each.url, each.status) for each in answers]
        carried = [(await each.request.all_headers()).get("cookie", "") for each in answers]
        assert any("__Host-counter=" in each for each in carried), "it was in nobody's name"
        assert selected(data, "select count(*) from exchange") == asked
        await other.close()
        await page.reload()
        await expect(page.get_by_role("heading", name="What is it for?")).to_be_visible()
        visitor.requests = [each for each in visitor.requests if not each.url.startswith(elsewhere)]
