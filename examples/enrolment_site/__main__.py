"""Run the site: `python -m enrolment_site --help`, with this package's folder on the path of modules."""

import argparse
import asyncio
import contextlib
import logging
import socket
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from disclosure import VerifierName
from enrolment_site.asking import School
from enrolment_site.site import SESSIONS, Site, application
from tlog import Verifier
from verifier import keys, load_policy
from verifier.aio import AsyncVerifierClient
from wire.client import Endpoint


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m enrolment_site", description=__doc__)
    parser.add_argument("--server", required=True, help="the disclosure service, host:port")
    parser.add_argument("--root", required=True, type=Path, help="the root of its certificate, PEM")
    parser.add_argument("--log-key", required=True, type=Path, help="the log's key as the operator gives it")
    parser.add_argument("--key", required=True, type=Path, help="the key the school is registered with, PEM")
    parser.add_argument("--verifier", required=True, help="the school's identifier as a verifier")
    parser.add_argument("--policy", required=True, type=Path, help="a registered policy, YAML")
    parser.add_argument("--folder", required=True, type=Path, help="where records and enrolments are kept")
    parser.add_argument("--port", type=int, default=8470, help="listens on 127.0.0.1; TLS is a proxy's")
    parser.add_argument("--origin", default="", help="what browsers call the site, as https://school.example")
    parser.add_argument("--vault", default="", help="the vault's page, which gets the link behind a '#'")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="so many parents at once")
    return parser.parse_args()


async def main(given: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    if given.vault and urlsplit(given.vault).scheme not in {"https", "http"}:
        raise SystemExit("--vault is the address of a page")
    given.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name, policy = VerifierName(given.verifier), load_policy(given.policy)
    log = Verifier.from_string(given.log_key.read_text("utf-8").strip())
    endpoint = Endpoint.at(given.server, given.root)
    async with AsyncVerifierClient(endpoint, name, keys.load(given.key), log) as client:
        site = Site(School(client, name, policy, given.folder), given.folder, given.vault, given.sessions)
        with socket.create_server(("127.0.0.1", given.port)) as listening:
            origin = given.origin or f"http://localhost:{listening.getsockname()[1]}"
            print(origin, flush=True)
            config = uvicorn.Config(
                application(site, origin), access_log=False, limit_concurrency=1024, log_level="warning",
                server_header=False, timeout_graceful_shutdown=3,
            )  # fmt: skip
            try:
                await uvicorn.Server(config).serve(sockets=[listening])
            finally:
                await site.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(_arguments()))
