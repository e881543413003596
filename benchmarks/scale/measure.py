"""Measures on a real server, over gRPC with TLS on loopback, what the arithmetic counts with.

A use goes from the question to the verifier's verdict, a credential from the pushed record to the vault's
acknowledgement; both one after the other, so that no proof shares its verification with others: a busy
server takes less.
"""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.scale import ledger, storage
from benchmarks.scale.arithmetic import Action, Log, Revocation
from benchmarks.scale.questions import ONE
from benchmarks.scale.server import Watched, watched
from benchmarks.scale.storage import Rows
from disclosure import Accumulator, DepartmentName, LocalizedText, OfferLink, Value
from prover.client import HolderClient
from prover.vault import Vault
from tlog import Verifier
from wire.client import Endpoint
from zk.bench.flow import Meeting, meeting
from zk.bench.questions import CARD, Question
from zk.clients.records import PushPlan, Record, RecordClient
from zk.home import read_secret
from zk.service import Required, Service

Tell = Callable[[int], object]
WARM: Final = 5
_TEXT: Final = LocalizedText("测试", "test")
_ITEM: Final = "residence_permit"
_HANDLES: Final = 4096
"""What one call revokes at most."""
_SCALAR: Final = 32


@contextmanager
def using(question: Question, folder: Path) -> Iterator[tuple[Watched, Meeting]]:
    """Have a server, a verifier and a vault that can answer its question; both have done so some times."""
    with watched(folder) as server, meeting(server.server, folder, question) as met:
        for _ in range(WARM):
            met.seconds()
        yield server, met


@dataclass(frozen=True)
class Department:
    """A department that pushes records of one item to a server, and whose credentials a vault claims."""

    endpoint: Endpoint
    service: Service
    token: str
    accumulator: Accumulator
    values: dict[str, Value]
    required: Required
    holder: HolderClient
    vault: Vault
    log: Verifier
    plan: PushPlan
    records: list[Record]

    def issue(self) -> None:
        """Go on with the push by one record, and have its credential claimed."""
        self.records.append(Record(secrets.token_bytes(16), self.values, identified=self.required))
        with RecordClient(self.endpoint, self.token) as client:
            ((offer,),) = [each.offers for each in client.push(self.plan, lambda first: self.records[first:])]
        link = OfferLink(self.endpoint.server, offer.offer.removeprefix("offers/"), offer.claim_code)
        self.holder.claim(link, self.vault, self.log, lambda _: True)

    def revoke(self, count: int) -> None:
        """Revoke so many handles that are nobody's."""
        for first in range(0, count, _HANDLES):
            handles = [
                secrets.token_bytes(_SCALAR - 1).rjust(_SCALAR, b"\0")
                for _ in range(min(_HANDLES, count - first))
            ]
            self.service.revoke(self.accumulator.name, handles, self.token)


@contextmanager
def department(server: Watched, folder: Path) -> Iterator[Department]:
    """Register a department with key, accumulator and two schemas; its holder has an identity card."""
    endpoint = Endpoint.at(server.server.address, server.server.root)
    log = Verifier.from_string(read_secret(server.server.log_key))
    card, schema, papers = ONE.schemas[CARD], ONE.schemas[_ITEM], ONE.papers()
    name = DepartmentName(schema.name.department)
    with (
        Service(endpoint) as service,
        Vault.create(folder / "vault.sqlite3", secrets.token_urlsafe(24)) as vault,
    ):
        token = service.create_department(name, _TEXT, read_secret(server.server.admin_token))
        service.create_issuer_key(name, token)
        accumulator = service.create_accumulator(name, token)
        for each in (card, schema):
            service.create_schema(each, token)
        holder = HolderClient(endpoint)
        holder.claim(service.issue(card, papers[CARD], token, b"1").link, vault, log, lambda _: True)
        required = Required(card, {"id_commit": papers[CARD]["id_commit"]})
        plan = PushPlan(schema, codes=True)
        yield Department(
            endpoint, service, token, accumulator, papers[_ITEM], required, holder, vault, log, plan, []
        )


@dataclass(frozen=True)
class Taken:
    """What an action takes in the mean, the processor times of those that were measured, and their rows."""

    action: Action
    times: Sequence[float]
    rows: Rows


def uses(question: Question, count: int, tell: Tell) -> Taken:
    """Measure so many uses."""
    with folder() as place, using(question, place) as (server, met):
        return _taken(server, met.seconds, count, tell)


def credentials(count: int, tell: Tell) -> Taken:
    """Measure so many credentials."""
    with folder() as place, watched(place) as server, department(server, place) as issuer:
        for _ in range(WARM):
            issuer.issue()
        return _taken(server, issuer.issue, count, tell)


def revocations(count: int) -> Revocation:
    """Measure so many revocations, and a vault that has missed them all."""
    with folder() as place, watched(place) as server, department(server, place) as issuer:
        issuer.issue()
        issuer.revoke(64)
        issuer.holder.catch_up_all(issuer.vault, issuer.log)
        revoked, _ = server.action(lambda: issuer.revoke(count), 1)
        held = issuer.vault.composite.credentials()[-1]
        before, begun = server.relay.octets, time.process_time()
        issuer.holder.catch_up_held(issuer.vault, held, issuer.log)
        seconds, octets = time.process_time() - begun, server.relay.octets - before
    return Revocation(revoked.seconds / count, revoked.kept_octets / count, seconds / count, octets / count)


def log(entries: int, blocks: int, tell: Tell) -> Log:
    """Measure a log of full blocks, and one of blocks that have one entry each."""
    full = ledger.write(entries, tell)
    waited = ledger.write(blocks, tell, batch=1)
    single = ledger.write(8 * blocks, tell, batch=1, durable=False)
    block = (single.entry_octets - full.entry_octets) / (1 - 1 / ledger.BATCH)
    return Log(
        entry_octets=full.entry_octets - block / ledger.BATCH,
        block_octets=block,
        entries_a_second=full.entries / full.seconds,
        block_seconds=waited.seconds / waited.entries,
    )


def _taken(server: Watched, act: Callable[[], object], count: int, tell: Tell) -> Taken:
    ends = storage.ends(server.database)
    action, times = server.action(_counting(act, tell), count)
    return Taken(action, times, storage.rows_after(server.database, ends, count))


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder for the time of a measurement."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _counting(act: Callable[[], object], tell: Tell) -> Callable[[], None]:
    done = 0

    def once() -> None:
        nonlocal done
        act()
        done += 1
        tell(done)

    return once
