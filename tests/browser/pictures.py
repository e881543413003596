"""Pictures of views, compared with those that somebody has looked at (docs/screens).

What differs from run to run, digits and long tokens, is written as noughts first, so that a view looks the
same each time. Compared is in squares, each by its mean: smoothing of letters may differ, a line that is gone
may not.
"""

import io
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.async_api import Page

from tests.browser.browsing import ROOT

KEPT: Final = ROOT / "docs/screens"
MADE_WITH: Final = KEPT / "made-with.txt"
_SQUARE: Final = 24
_MEAN: Final = 16.0
"""So far, of 255, a square's mean may be off."""
_SQUARES: Final = 0.004
"""Such a part of the squares may be off further."""
_COLOURS: Final = 64
_TRIES: Final = 5

_STILL: Final = """() => {
  let changed = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.parentElement.closest("style, script")) continue;
    const still = node.data.replace(/[A-Za-z0-9+/=_-]{20,}|[0-9a-f]{8,}/g, (each) => "0".repeat(each.length))
      .replace(/[0-9]{1,2}/g, "00")
      .replace(/\\b((Jan|Febr)uary|March|April|June|July|August|(Sept|Nov|Dec)ember|October)\\b/g, "May")
      .replace(/\\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\\b/g, "Jan");
    if (still === node.data) continue;
    node.data = still;
    changed += 1;
  }
  const noughts = { date: "2000-01-01", month: "2000-01" };
  for (const each of document.querySelectorAll("input, textarea"))
    each.value = noughts[each.type] ?? each.value.replace(/./g, "0");
  for (const table of document.querySelectorAll("tbody"))
    [...table.rows].slice(3).forEach((row) => { row.hidden = true; });
  const varying = document.querySelectorAll("svg.qr, #qr svg, svg.path, #expires, [data-varies]");
  for (const each of varying) each.style.visibility = "hidden";
  for (const each of document.getAnimations()) each.finish();
  document.activeElement?.blur();
  return changed;
}"""

_DRAWN: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Whatever follows the change of light has been drawn by then."""


@dataclass(frozen=True)
class Difference:
    """What is not as it was: in words, for whoever looks."""

    told: str


def made_with() -> str:
    """Return what pictures are made with: the browser, its letters, the fonts for Chinese."""
    matched = [
        _said("fc-match", name).split(":")[0].strip() for name in ("system-ui", "sans-serif", "monospace")
    ]
    chinese = sorted(set(map(str.strip, _said("fc-list", ":lang=zh-cn", "family").splitlines())))
    told = [_said("chromium", "--version").strip() or "no browser", ", ".join(matched)]
    return "\n".join([*told, ", ".join(chinese) or "no font for Chinese", ""])


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def as_they_were_made() -> None:
    """Skip a test where pictures would be made with another browser or other letters than the kept ones."""
    told = made_with()
    if os.environ.get("ZK_SCREENS") != "write" and (was := MADE_WITH.read_text()) != told:
        pytest.skip(f"pictures are kept of {was.strip()}; here is {told.strip()}")


async def looks(page: Page, name: str, beside: Path) -> list[str]:
    """Hold a view against its pictures, light and dark; return what differs. Taking them spoils the page."""
    told = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.evaluate(_DRAWN)
        found = held_against(f"{name}-{scheme}", await picture(page), beside)
        told += [found.told] if found is not None else []
    await page.emulate_media(color_scheme="light")
    return told


async def picture(page: Page) -> bytes:
    """Take a picture of the whole page, with what varies written as noughts."""
    await page.evaluate("document.fonts.ready")
    await page.evaluate(_STILL)
    for _ in range(_TRIES):
        taken = await page.screenshot(full_page=True, animations="disabled", caret="hide")
        if not await page.evaluate(_STILL):
            break  # else the page has drawn something anew meanwhile, with what varies in it
    return taken


def held_against(name: str, taken: bytes, beside: Path) -> Difference | None:
    """Compare a picture with the one that is kept; what differs is put beside. ZK_SCREENS=write replaces."""
    path = KEPT / f"{name}.png"
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    if os.environ.get("ZK_SCREENS") == "write":
        KEPT.mkdir(parents=True, exist_ok=True)
        MADE_WITH.write_text(made_with())
        image.quantize(_COLOURS).save(path, optimize=True)
        return None
    if not path.is_file():
        return Difference(f"{name}: nobody has looked at it yet")
    kept = Image.open(path).convert("RGB")
    told = _differs(kept, image)
    if told is None:
        return None
    shown = beside / f"{name}.png"
    shown.write_bytes(taken)
    return Difference(f"{name}: {told}; as it is now: {shown}")


def _differs(kept: Image.Image, now: Image.Image) -> str | None:
    if kept.width != now.width or abs(kept.height - now.height) > 2:
        return f"{now.size} in size, and not {kept.size}"
    height = min(kept.height, now.height)
    area = (0, 0, kept.width, height)
    off = ImageChops.difference(kept.crop(area), now.crop(area)).convert("L")
    corners = ((left, top) for top in range(0, height, _SQUARE) for left in range(0, kept.width, _SQUARE))
    squares = [ImageStat.Stat(off.crop(_square(*each, *off.size))).mean[0] for each in corners]
    far = sum(each > _MEAN for each in squares)
    return f"{far} of {len(squares)} squares look different" if far > _SQUARES * len(squares) else None


def _square(left: int, top: int, width: int, height: int) -> tuple[int, int, int, int]:
    return left, top, min(left + _SQUARE, width), min(top + _SQUARE, height)
