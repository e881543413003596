"""An edge of a test's own before a real service, and calls as a page makes them."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.zkservice.support import City
from web_edge import Edge, Pages, serving
from wire.client import Endpoint

TYPE: Final = "application/grpc-web+proto"


def endpoint_of(town: City) -> Endpoint:
    return Endpoint(town.ready.address, (town.ready.data / "ca.pem").read_bytes())


def tls_of(town: City) -> dict[str, Any]:
    """The certificate that the service made for itself."""
    return {"certificate": town.ready.data / "server.pem", "private_key": town.ready.data / "server.key"}


def some_pages(folder: Path) -> Pages:
    """Pages that are no build's, for what does not depend on what is in them."""
    (folder / "assets").mkdir(parents=True)
    (folder / "chain").mkdir()
    for name in ("index.html", "chain/index.html", "assets/a-12345678.js", "assets/plain.js"):
        (folder / name).write_text(f"content of {name}\n" * 50)
    (folder / "assets/a-12345678.js.br").write_bytes(b"brotli")
    (folder / "assets/a-12345678.js.gz").write_bytes(b"gzip")
    (folder / "secret.key").write_text("not a page")
    return Pages(folder)


@dataclass
class Standing:
    """An edge that runs, and a client that is no browser."""

    port: int
    http: httpx.AsyncClient
    origin: str
    root: Path

    def headers(self, **changed: str) -> dict[str, str]:
        return {"content-type": TYPE, "origin": self.origin} | {
            name.replace("_", "-"): value for name, value in changed.items()
        }

    def client_from(self, address: str) -> httpx.AsyncClient:
        """A client whose connections come from an address of this machine."""
        trusted = ssl.create_default_context(cafile=str(self.root))
        transport = httpx.AsyncHTTPTransport(verify=trusted, local_address=address)
        return httpx.AsyncClient(base_url=self.origin, transport=transport, timeout=60)

    async def call(
        self, method: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.http.post(f"/rpc/{method}", content=body, headers=headers or self.headers())


@asynccontextmanager
async def standing(town: City, folder: Path, **given: Any) -> AsyncIterator[Standing]:
    pages = given.pop("pages", None) or some_pages(folder)
    root = town.ready.data / "ca.pem"
    async with serving(Edge(endpoint_of(town), pages, **(tls_of(town) | given))) as port:
        origin = f"https://localhost:{port}"
        async with httpx.AsyncClient(
            base_url=origin, verify=ssl.create_default_context(cafile=str(root)), timeout=60
        ) as http:
            yield Standing(port, http, origin, root)


def framed(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4) + message


def split(body: bytes) -> tuple[list[bytes], dict[str, str]]:
    """Take an answer apart: its messages, and its trailers."""
    messages, trailers = [], {}
    while body:
        end = 5 + int.from_bytes(body[1:5])
        content = body[5:end]
        assert len(content) == end - 5
        if body[0] == 0x80:
            assert len(body) == end
            trailers = dict(line.split(": ", 1) for line in content.decode().splitlines())
        else:
            assert body[0] == 0
            messages.append(content)
        body = body[end:]
    return messages, trailers
