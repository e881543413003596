"""An nginx of the tests' own with the configuration that is shipped, on a free port, gone with them."""

import asyncio
import os
import re
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

SHIPPED = Path(__file__).parents[1] / "deploy" / "nginx" / "zk.conf"
_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 2;
worker_shutdown_timeout 30s;
{user}
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/zk.conf;
}}
"""


def program() -> str:
    """Return nginx's path; skip the test where it is not there, or fail where CI is set."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        reason = "nginx is not there: run scripts/nginx.sh"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return str(found)


@dataclass
class Nginx:
    """A running nginx."""

    folder: Path
    port: int
    handle: asyncio.subprocess.Process

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def reload(self) -> None:
        """Have it read its configuration again, as a service manager does."""
        self.handle.send_signal(signal.SIGHUP)

    def errors(self) -> str:
        return (self.folder / "error.log").read_text()


def written(
    folder: Path,
    port: int,
    servers: Sequence[str],
    identity: Path,
    authorities: bytes,
    changes: Mapping[str, str],
) -> None:
    """Write the shipped configuration with addresses and files of a test, and what it changes besides."""
    (folder / "servers-ca.pem").write_bytes(authorities)
    lines = "".join(f"    server {each} max_fails=2 fail_timeout=5s;\n" for each in servers)
    text, number = re.subn(r"(    server [0-9.]+:8443 [^\n]*\n)+", lines, SHIPPED.read_text())
    assert number == 1
    places = {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2",
        "server_name zk.example": "server_name localhost",
        "grpc_ssl_name zk.example": "grpc_ssl_name localhost",
        "/etc/nginx/zk/servers-ca.pem": f"{folder}/servers-ca.pem",
        "/etc/nginx/zk/server.pem": f"{identity}/server.pem",
        "/etc/nginx/zk/server.key": f"{identity}/server.key",
        "/var/log/nginx/zk.log": f"{folder}/zk.log",
        "/var/log/nginx/zk-error.log": f"{folder}/zk-error.log",
    }
    for shipped, own in (places | dict(changes)).items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, own)
    (folder / "zk.conf").write_text(text)
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))


@asynccontextmanager
async def running(
    folder: Path,
    servers: Sequence[str],
    identity: Path,
    authorities: bytes,
    changes: Mapping[str, str] | None = None,
) -> AsyncIterator[Nginx]:
    """Start nginx before these servers, with a server's certificate and key, until the block ends."""
    path = program()
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    written(folder, port, servers, identity, authorities, changes or {})
    async with started(path, folder, port, ("-p", str(folder), "-c", str(folder / "nginx.conf"))) as nginx:
        yield nginx


@asynccontextmanager
async def started(path: str, folder: Path, port: int, arguments: Sequence[str]) -> AsyncIterator[Nginx]:
    """Start nginx in the foreground, until the block ends."""
    with (folder / "started.log").open("wb") as log:
        handle = await asyncio.create_subprocess_exec(path, *arguments, stdout=log, stderr=log)
    try:
        await _listening(folder, port, handle)
        yield Nginx(folder, port, handle)
    finally:
        if handle.returncode is None:
            handle.send_signal(signal.SIGTERM)
            await handle.wait()


async def _listening(folder: Path, port: int, handle: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30):
        while True:
            assert handle.returncode is None, (folder / "started.log").read_text()
            try:
                _, writing = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writing.close()
                return


def channel(nginx: Nginx, root: Path) -> grpc.aio.Channel:
    """Open a connection of its own."""
    credentials = grpc.ssl_channel_credentials(root.read_bytes())
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.aio.secure_channel(nginx.address, credentials, options)
