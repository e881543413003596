"""The enrolment site as a process of its own before a real service, and a parent's browser at it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from disclosure import ExchangeLink, Request, Value
from tests.clients.test_examples import ROOT, Parties, parties
from tests.verifier.test_verifier_client import POLICY
from tests.zkservice.support import VALUES, Issued, present
from zkproto.v1 import presentation_pb2

COOKIE: Final = "__Host-enrolment"
TYPED: Final = {"child": "小明 <b>Ming</b>", "phone": "0531-1234567"}


@dataclass
class Parent:
    """A browser at the site: it keeps its cookie, and states the page that its calls come from."""

    http: httpx.AsyncClient
    origin: str
    cookie: str = field(default="", repr=False)

    async def call(self, method: str, path: str = "/enrolment", body: Any = None, **headers: str) -> Any:
        given = {"origin": self.origin, "cookie": f"{COOKIE}={self.cookie}" if self.cookie else ""}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.request(method, path, json=body, headers=given)
        if COOKIE in answer.cookies:
            self.cookie = answer.cookies[COOKIE]
        return answer

    async def asks(self) -> dict[str, Any]:
        answer = await self.call("POST", body={})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def until_ended(self) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while (told := (await self.call("GET", "/enrolment?known=waiting")).json())["state"] == "waiting":
                pass
        ended: dict[str, Any] = told
        return ended

    async def submits(self, attempt: str, **changed: Any) -> Any:
        return await self.call("POST", "/enrolment/form", TYPED | {"attempt": attempt} | changed)


@dataclass
class Town:
    """The parties, a credential, the site's address and its folder."""

    given: Parties
    issued: Issued
    http: httpx.AsyncClient
    origin: str
    kept: Path

    def parent(self) -> Parent:
        return Parent(self.http, self.origin)

    async def fetched(self, told: dict[str, Any]) -> presentation_pb2.FetchRequestResponse:
        """Fetch as a vault into which the parent typed the code from the page."""
        link = ExchangeLink.parse(told["link"])
        message = presentation_pb2.FetchRequestRequest(
            exchange=link.exchange, ticket=link.ticket, pairing_code=told["code"]
        )
        answer: presentation_pb2.FetchRequestResponse
        answer = await self.given.town.presentation.FetchRequest(message)
        return answer

    async def agrees(self, told: dict[str, Any]) -> None:
        """Answer a question."""
        fetched, link = await self.fetched(told), ExchangeLink.parse(told["link"])
        request = Request.from_bytes(fetched.signed_request.payload)
        town = self.given.town
        opened = presentation_pb2.CreateExchangeResponse(exchange=link.exchange, ticket=link.ticket)
        submission = town.submission(opened, *present(request, self.issued, town.clock()))
        await town.presentation.SubmitPresentation(submission)

    @asynccontextmanager
    async def another(self, kept: Path, *more: str) -> AsyncIterator["Town"]:
        """Run a second site of the same school, with other options."""
        service, folder = self.given.service, self.given.folder
        async with (
            running(service, folder / "school.pem", folder / "policy.yaml", kept, *more) as origin,
            httpx.AsyncClient(base_url=origin, timeout=60) as http,
        ):
            yield Town(self.given, self.issued, http, origin, kept)

    def enrolments(self) -> list[Path]:
        return sorted(self.kept.glob("enrolment-*.json"))

    def records(self) -> list[Path]:
        return sorted(self.kept.glob("record-*.json"))


@asynccontextmanager
async def running(
    service: tuple[object, ...], key: Path, policy: Path, kept: Path, *more: str
) -> AsyncIterator[str]:
    """Run the school's site at a service (address, root, the log's key); give its origin."""
    server, root, log = map(str, service)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "enrolment_site", "--server", server, "--root", root, "--log-key", log,
        "--key", str(key), "--verifier", "school", "--policy", str(policy), "--folder", str(kept),
        "--port", "0", *more,
        cwd=kept.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'examples'}", "GRPC_VERBOSITY": "NONE"},
    )  # fmt: skip
    with _ended(process):
        assert process.stdout is not None
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode().strip()
        assert line.startswith("http://localhost:"), await process.communicate()
        yield line
        process.terminate()
        async with asyncio.timeout(60):
            _, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()


@contextmanager
def _ended(process: asyncio.subprocess.Process) -> Iterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()


@asynccontextmanager
async def enrolling(folder: Path, policy: str = POLICY, **changed: Value) -> AsyncIterator[Town]:
    """A service, a school's site before it, and a credential to answer with, of changed values."""
    async with parties(folder, policy) as given:
        issued = await given.town.claim(await given.town.issue(VALUES | changed))
        async with (
            running(given.service, folder / "school.pem", folder / "policy.yaml", folder / "kept") as origin,
            httpx.AsyncClient(base_url=origin, timeout=60) as http,
        ):
            yield Town(given, issued, http, origin, folder / "kept")
