"""Draw the vault's icons for home screens, which take no SVG, from web/pages/public/icon.svg, by Chromium."""

import asyncio
import shutil
from pathlib import Path

from playwright.async_api import async_playwright

PUBLIC = Path(__file__).resolve().parents[1] / "web/pages/public"
SIZES = (180, 192, 512)


async def main() -> None:
    """Write them beside the page's manifest."""
    svg = (PUBLIC / "icon.svg").read_text()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for size in SIZES:
            page = await browser.new_page(viewport={"width": size, "height": size})
            # Opaque to the edge: a home screen cuts corners itself.
            style = "margin:0;background:#1d4f63;display:grid;place-items:center;height:100vh"
            await page.set_content(f'<body style="{style}"><div style="width:80%">{svg}</div></body>')
            await page.screenshot(path=PUBLIC / f"vault/icon-{size}.png")
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
