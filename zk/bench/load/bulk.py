"""Records pushed in bulk beside what signing alone reaches, and how much memory that takes.

The client encodes and sends on the same cores, and is a part of the time; what it takes is told apart. Bare
signing is measured right before and right after, in as many processes as the server signs with.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from disclosure import DepartmentName
from wire.client import Endpoint
from zk.bench.load.parties import SCHEMA, TEXT, VALUES
from zk.bench.load.processes import cpu_seconds, resident_octets
from zk.bench.load.signing import bare_signing
from zk.clients.records import PushPlan, Record, RecordClient
from zk.home import read_secret
from zk.local_server import LocalServer
from zk.service import Service
from zkservice.config import Settings

_SIGNING_SECONDS: Final = 2.0
_WARM_UP: Final = 1024
MARKS: Final = (10_000, 100_000, 1_000_000)
"""Records after which it is told how much memory is taken."""
_SAMPLE_EVERY: Final = 5_000


@dataclass(frozen=True)
class Bulk:
    """One push: records and bare signatures a second, processor seconds of a signature and a record, octets
    that the server's processes keep in memory after so many records (MARKS, and all), and at most."""

    records: int
    per_second: float
    signing_per_second: float
    signing_seconds: float
    server_seconds: float
    client_seconds: float
    octets: Mapping[int, int]
    most_octets: int

    @property
    def early_octets(self) -> int:
        """The octets in memory at the first mark, or at the end of a push that has fewer records."""
        return self.octets[min(self.octets)]

    @property
    def part(self) -> float:
        """What part of bare signing it reaches."""
        return self.per_second / self.signing_per_second

    @property
    def processor_part(self) -> float:
        """The same by processor time, which holds where other programs take a share of the cores too."""
        return self.signing_seconds / (self.server_seconds + self.client_seconds)

    def document(self) -> dict[str, Any]:
        """Return the figures for a machine to read."""
        return {"part": self.part, "processor_part": self.processor_part} | asdict(self)


def bulk(server: LocalServer, records: int, advance: Callable[[int], object] = lambda _: None) -> Bulk:
    """Push so many new records of one schema to a fresh server; each is signed, kept and durable."""
    endpoint, admin = Endpoint.at(server.address, server.root), read_secret(server.admin_token)
    department = DepartmentName(SCHEMA.name.department)
    with Service(endpoint) as service:
        token = service.create_department(department, TEXT, admin)
        service.create_schema(SCHEMA, token)
        service.create_issuer_key(department, token)
    with RecordClient(endpoint, token) as client:
        _pushed(client, _WARM_UP, "warm-up", lambda _: None)
        signing = [bare_signing(Settings().processes, _SIGNING_SECONDS)]
        memory = _Memory(server.process, records)

        def sample(done: int) -> None:
            advance(done)
            memory.sample(done)

        server_before, own_before = cpu_seconds(server.process), time.process_time()
        start = time.perf_counter()
        _pushed(client, records, "record", sample)
        seconds = time.perf_counter() - start
        server_cpu, own_cpu = cpu_seconds(server.process) - server_before, time.process_time() - own_before
    signing.append(bare_signing(Settings().processes, _SIGNING_SECONDS))
    return Bulk(
        records=records,
        per_second=records / seconds,
        signing_per_second=fmean(each.per_second for each in signing),
        signing_seconds=fmean(each.seconds for each in signing),
        server_seconds=server_cpu / records,
        client_seconds=own_cpu / records,
        octets=memory.marked,
        most_octets=memory.most,
    )


class _Memory:
    """How much memory the server's processes take while a push goes on."""

    def __init__(self, process: int, records: int) -> None:
        self._process, self._next = process, 0
        self._marks = [each for each in MARKS if each < records] + [records]
        self.marked: dict[int, int] = {}
        self.most = 0

    def sample(self, done: int) -> None:
        """Look from time to time, and at each mark."""
        passed = [each for each in self._marks if each <= done and each not in self.marked]
        if not passed and done < self._next:
            return
        octets = resident_octets(self._process)
        self.marked |= dict.fromkeys(passed, octets)
        self.most, self._next = max(self.most, octets), done + _SAMPLE_EVERY


def _pushed(client: RecordClient, count: int, prefix: str, advance: Callable[[int], object]) -> None:
    def source(first: int) -> Iterator[Record]:
        return (Record(f"{prefix} {number}".encode(), VALUES) for number in range(first, count))

    for progress in client.push(PushPlan(SCHEMA), source):
        if progress.push.rejected:
            raise RuntimeError("a record was refused")
        advance(progress.push.done)
