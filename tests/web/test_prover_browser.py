"""The prover in a worker of Chromium gives the octets of Python; its own randomness is the browser's."""

import json

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


async def test_a_worker_proves_the_composite_form_as_python_does() -> None:
    kept = json.loads((web_vectors.FOLDER / "composite.json").read_text(encoding="utf-8"))
    given = {"kind": "composite", "vectors": kept}
    async with browser.page() as opened:
        for place, answer in enumerate(kept["answers"]):
            seeded, _ = await browser.ask(opened, given | {"place": place, "seeded": True})
            own, _ = await browser.ask(opened, given | {"place": place, "seeded": False})
            assert seeded == answer["presentation"], answer["name"]
            assert own != seeded, answer["name"]
            assert len(own) == len(seeded), answer["name"]


async def test_an_error_in_a_worker_names_no_value() -> None:
    vectors = web_vectors.plain()
    vectors["credentials"][0]["octets"] = vectors["credentials"][0]["octets"][:-2] + "00"
    async with browser.page() as opened:
        with pytest.raises(AssertionError, match="SIGNATURE_INVALID: the issuer's signature does not hold"):
            await browser.ask(opened, {"kind": "plain", "vectors": vectors, "place": 0, "seeded": False})
