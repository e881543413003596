"""What a running server shows to its operator: its log, its metrics, its readiness, its spans."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, TypeVar

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from zkservice.server import Ready

SECONDS = 60.0
_Found = TypeVar("_Found")


async def until(look: Callable[[], Awaitable[_Found]], seconds: float = SECONDS) -> _Found:
    """Look until something is found; TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def http(ready: Ready) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of a server's metrics port."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{ready.metrics_port}", timeout=SECONDS
    ) as client:
        yield client


Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Series:
    """Read what `/metrics` tells: each sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def metrics(ready: Ready) -> Series:
    """Ask a server for its metrics."""
    async with http(ready) as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        return parsed(answer.text)


def value(found: Series, metric: str, **labels: str) -> float | None:
    """Return a sample; None if there is none."""
    return found.get((metric, frozenset(labels.items())))


async def readiness(ready: Ready) -> tuple[int, dict[str, Any]]:
    """Ask a server whether it is ready."""
    async with http(ready) as client:
        answer = await client.get("/ready")
        return answer.status_code, answer.json()


def lines(log: Path) -> list[dict[str, Any]]:
    """Read the lines of a server's log; each is one JSON object, but for what gRPC's core says of forks."""
    told = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(each) for each in told if "fork_posix.cc" not in each]


@dataclass
class Receiver:
    """An OTLP receiver over HTTP. While `held` is clear it takes requests and does not answer them."""

    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    held: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    @property
    def octets(self) -> bytes:
        """All that came, with the heads of the requests."""
        return b"\n".join([*self.bodies, *(each.encode() for each in self.heads)])

    @property
    def spans(self) -> list[Any]:
        """All spans that came."""
        return [
            span
            for body in list(self.bodies)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Any]:
        """The spans of a name."""
        return [each for each in self.spans if each.name == name]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver in a thread until the block ends."""
    made = Receiver()
    made.held.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.held.wait(SECONDS)
            made.heads.append(f"{self.path}\n{self.headers}")
            made.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.held.set()
        server.shutdown()
        server.server_close()
        thread.join(SECONDS)


def attributes(span: Any) -> dict[str, str | int]:
    """Return what a span says."""
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
