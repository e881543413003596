"""Scanning in the pages: links are read as Python reads them, and codes are found in pictures."""

import asyncio
import base64
import json
import math
import random
from pathlib import Path
from typing import Any, Final

import pytest
import segno

from disclosure import (
    AccountLink,
    ConsentLink,
    DisclosureError,
    ErrandLink,
    ExchangeLink,
    OfferLink,
    SendLink,
)
from tests.web.node import run

PAGES: Final = Path(__file__).parents[2] / "web" / "pages"
TSC: Final = PAGES.parent / "node_modules" / ".bin" / "tsc"
pytestmark = pytest.mark.skipif(
    not (PAGES.parent / "node_modules" / "qr").exists(),
    reason="not installed: scripts/web.sh does it where Node is there",
)

SECRET: Final = "s3cret_-" * 5
HOST: Final = "127.0.0.1:50051"
KINDS: Final = {
    "present": ExchangeLink, "consent": ConsentLink, "account": AccountLink, "offer": OfferLink,
    "send": SendLink,
}  # fmt: skip
GOOD: Final = [
    *(str(kind(HOST, "accounts-abc-d", SECRET)) for kind in KINDS.values()),
    str(ExchangeLink("[::1]:1", "a", "b")),
    str(ExchangeLink("zk.example:65535", "x" * 200, "y" * 200)),
    str(ExchangeLink("h" * 249 + ":65535", "a", "b")),
]
LINK: Final = GOOD[0]
BAD: Final = [
    "", "zk://", LINK[:-41], LINK + " ", " " + LINK, LINK + "\n", LINK + "#x", LINK + "&a=b", LINK + "=",
    LINK.replace("zk:", "ZK:"), LINK.replace("zk:", "https:"), LINK.replace("zk:", "javascript:"),
    LINK.replace("present", "present/"), LINK.replace("present", "Present"),
    LINK.replace("%3A", ":"), LINK.replace("%3A", "%3a"), LINK.replace("%3A", "%253A"),
    LINK.replace("%3A", "%40"),
    LINK.replace("50051", "0"), LINK.replace("50051", "65536"), LINK.replace("50051", "050"),
    LINK.replace("50051", "٥٠"), LINK.replace("127", "%00127"), LINK.replace("127.0.0.1", "a+b"),
    LINK.replace("id=", "id=&id="), LINK.replace("id=accounts", "id=../accounts"), LINK.replace("id=", "ID="),
    LINK.replace("secret=", "secret=%73"), LINK.replace("s3cret", "s3crét"), LINK.replace("s3cret", "<b>"),
    f"zk://present?id=a&server=h%3A1&secret={SECRET}", f"zk://constructor?server=h%3A1&id=a&secret={SECRET}",
    f"zk://present?server=h%3A1&id={'a' * 201}&secret={SECRET}",
    f"zk://present?server={'h' * 256}%3A1&id=a&secret={SECRET}",
    f"zk://present?server={'h' * 1000}%3A1&id=a&secret={SECRET}",
]  # fmt: skip


def picture(
    text: str, *, scale: int, degrees: float = 0.0, noise: int = 0, torn: bool = False
) -> dict[str, Any]:
    """The code as a camera has it: turned, of a size, and with noise in its grey; RGBA of a square."""
    modules = [list(row) for row in segno.make(text, error="l", micro=False).matrix]
    if torn:
        modules[len(modules) // 3 :] = [[0] * len(modules) for _ in modules[len(modules) // 3 :]]
    count, chance = len(modules), random.Random(7)
    side = int((count + 8) * scale * 1.5)
    cosine, sine = (math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale)
    pixels = bytearray()
    for y in range(side):
        for x in range(side):
            dx, dy = x - side / 2, y - side / 2
            column = math.floor(dx * cosine + dy * sine + count / 2)
            row = math.floor(dy * cosine - dx * sine + count / 2)
            dark = 0 <= row < count and 0 <= column < count and modules[row][column]
            grey = (40 if dark else 215) + chance.randint(-noise, noise)
            pixels += bytes((grey, grey, grey, 255))
    return {"side": side, "rgba": base64.b64encode(pixels).decode()}


async def scan(folder: Path, texts: list[str], pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """Build src/scan into a folder, and have Node read what is given."""
    building = await asyncio.create_subprocess_exec(
        TSC, "--project", PAGES / "test" / "scan" / "tsconfig.json", "--outDir", folder / "built"
    )
    assert await building.wait() == 0
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "node_modules").symlink_to(PAGES.parent / "node_modules")
    script = str(PAGES / "test" / "scan" / "scan.mjs")
    said = await run(script, str(folder / "built"), given={"texts": texts, "pictures": pictures})
    answer: dict[str, Any] = json.loads(said)
    return answer


def in_python(text: str) -> dict[str, Any] | None:
    """What the packages read of it, as the pages say it; None where no kind of link takes it."""
    names = {
        "present": "exchange",
        "consent": "consent",
        "account": "department",
        "offer": "offer",
        "send": "recipient",
    }
    for action, kind in KINDS.items():
        try:
            link = kind.parse(text)
        except DisclosureError:
            continue
        return {
            "action": action,
            "server": link.server,
            "name": getattr(link, names[action]),
            "secret": link.secret,
        }
    return None


async def test_links_and_codes(tmp_path: Path) -> None:
    errand = str(ErrandLink(HOST, "a", SECRET))
    pictures = [
        picture(LINK, scale=4),
        picture(LINK, scale=4, degrees=17, noise=30),
        picture(LINK, scale=3, degrees=180, noise=10),
        picture(LINK, scale=4, torn=True),
    ]
    answer = await scan(tmp_path, [*GOOD, *BAD, errand], pictures)
    links = answer["links"]
    assert [in_python(text) for text in GOOD] == links[: len(GOOD)]
    assert None not in links[: len(GOOD)]
    assert [in_python(text) for text in BAD] == [None] * len(BAD)
    assert [
        text for text, link in zip([*BAD, errand], links[len(GOOD) :], strict=True) if "reason" not in link
    ] == []
    assert {link["reason"] for link in links[len(GOOD) :]} == {"LINK_INVALID"}
    assert not any("s3cr" in link["said"] for link in links[len(GOOD) :])  # a link is a secret
    assert answer["codes"] == [LINK, LINK, LINK, None]
