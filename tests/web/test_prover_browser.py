"""The prover in a worker of Chromium gives the octets of Python; its own randomness is the browser's."""

import pytest

from disclosure import Presentation, Request
from scripts import web_vectors
from tests.disclosure import world
from tests.web.node import needs_prover
from tests.web.test_prover import verified_of

browser = pytest.importorskip("tests.web.browser", reason="no playwright")
pytestmark = [
    needs_prover,
    pytest.mark.skipif(not browser.CHROMIUM.exists(), reason="no Chromium: scripts/chromium.sh installs it"),
]


async def test_a_worker_proves_as_python_does() -> None:
    vectors = web_vectors.plain()
    place, asked = next(
        (at, each) for at, each in enumerate(vectors["presentations"]) if each["name"] == "two credentials"
    )
    given = {"kind": "plain", "vectors": vectors, "place": place}
    async with browser.page() as opened:
        seeded, _ = await browser.ask(opened, given | {"seeded": True})
        first, _ = await browser.ask(opened, given | {"seeded": False})
        second, _ = await browser.ask(opened, given | {"seeded": False})
    assert seeded == asked["presentation"]
    assert len({seeded, first, second}) == 3
    request = Request.from_bytes(bytes.fromhex(asked["request"]))
    for each in (first, second):
        verified_of(request, bytes.fromhex(each))
        assert (
            Presentation.from_bytes(bytes.fromhex(each), world.DIRECTORY.schemas).usage_tag == world.USAGE_TAG
        )
