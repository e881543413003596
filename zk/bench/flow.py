"""A question, from the vault's link to the verifier's verdict: over gRPC with TLS, on loopback.

Everything that a family waits for is in it: fetching the request, checking it against key, policy and ledger,
looking for what fits, the proof (which the vault verifies itself before it goes out), the service's
verification, the receipt on the signed ledger, and the school's own verification of all of it. The person's
consent takes no time. Service and school are processes of their own. It is wall-clock time in multiples of P,
so it is measured on a machine that does nothing else.
"""

import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Final

import bbs
from bbs.gadgets.tables import new_digits
from bbs.groups.protocol import Group
from disclosure import DepartmentName, ExchangeLink, LocalizedText, Schema
from disclosure.composite import PublishedDigits, publish_codes
from prover.client import HolderClient
from prover.vault import Vault
from tlog import Verifier
from verifier import keys, registered_policy
from verifier.client import VerifierClient
from wire.client import Endpoint
from zk.bench.measure import in_turns, pairing_check
from zk.bench.questions import CARD, ENROLMENT, SCHOOL, Question
from zk.bench.rows import PROMISED, Message, Row, Scale, Watch
from zk.bench.school import SCHOOL as ASKER
from zk.clients.policies import Policies
from zk.home import read_secret
from zk.local_server import UNLIMITED, LocalServer, running_server
from zk.service import Required, Service

_NAME: Final = LocalizedText("测试", "test")
_WARM: Final = 3
_ENDS: Final = 10


@dataclass(frozen=True)
class Meeting:
    """A school, by what is written to it and read from it, and a family at one server."""

    asks: IO[str]
    says: IO[str]
    holder: HolderClient
    vault: Vault
    log: Verifier

    def seconds(self) -> float:
        """Return how long it takes from the link to the verdict; RuntimeError if there is none."""
        self.asks.write("\n")
        self.asks.flush()
        link = ExchangeLink.parse(self._said())
        begun = time.monotonic()
        self.holder.answer(link, self.vault, self.log, lambda _: True)
        return float(self._said()) - begun

    def _said(self) -> str:
        line = self.says.readline().strip()
        if not line:
            raise RuntimeError("the school ended without a verdict")
        return line


def flow(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure the way from link to verdict, in turns with P."""
    for question in (SCHOOL, ENROLMENT):
        yield _row(question, group, scale, watch)


def _row(question: Question, group: Group, scale: Scale, watch: Watch) -> Row:
    label, check = Message(question.label), pairing_check(group)
    with tempfile.TemporaryDirectory() as name, watch(label, scale.batches) as advance:
        folder = Path(name)
        with (
            running_server(
                folder / "server", folder / "server.log", log_level="error", settings=UNLIMITED
            ) as server,
            meeting(server, folder, question) as met,
        ):
            for _ in range(_WARM):
                met.seconds()
            taken, units = list[float](), list[float]()
            for done in range(scale.batches):
                taken.append(met.seconds())
                units.append(median(in_turns([check], 5)[0]))
                advance(done + 1)
    limit = question.limit if group.name == PROMISED else None
    return Row(label, median(taken) / median(units), median(taken) * 1e3, limit=limit)


@contextmanager
def meeting(server: LocalServer, folder: Path, question: Question) -> Iterator[Meeting]:
    """Register what the question names, have a family's papers issued and claimed, and start the school."""
    endpoint, admin = Endpoint.at(server.address, server.root), read_secret(server.admin_token)
    log, key = Verifier.from_string(read_secret(server.log_key)), keys.generate()
    with (
        Service(endpoint) as service,
        Policies(endpoint, log) as policies,
        Vault.create(folder / "vault.sqlite3", secrets.token_urlsafe(24)) as vault,
    ):
        schemas, tokens = _registered(service, question, admin, log)
        service.create_verifier(ASKER, _NAME, keys.public_key(key), admin)
        with VerifierClient(endpoint, ASKER, key, log) as client:
            policies.create(registered_policy(question.policy, ASKER, client.reader), admin)
        holder = HolderClient(endpoint)
        for item, values in question.papers().items():
            required = Required(schemas[CARD], {"id_commit": values["id_commit"]})
            token = tokens[schemas[item].name.department]
            offer = service.issue(schemas[item], values, token, b"1" if item == CARD else required)
            holder.claim(offer.link, vault, log, lambda _: True)
        keys.save(key, folder / "school.pem")
        (folder / "policy.yaml").write_text(question.text, encoding="utf-8")
        with _school(server, str(log), folder) as school:
            if school.stdin is None or school.stdout is None:
                raise RuntimeError("the school has no pipes")
            yield Meeting(school.stdin, school.stdout, holder, vault, log)


@contextmanager
def _school(server: LocalServer, log: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the school; it ends when nothing more can come."""
    command = [sys.executable, "-m", "zk.bench.school", server.address, str(server.root), log, str(folder)]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_ENDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _registered(
    service: Service, question: Question, admin: str, log: Verifier
) -> tuple[dict[str, Schema], dict[str, str]]:
    """Register departments with keys, accumulators and digits, schemas and a list; return schemas, tokens."""
    schemas, tokens = question.schemas, dict[str, str]()
    for each in dict.fromkeys(schema.name.department for schema in schemas.values()):
        name = DepartmentName(each)
        tokens[each] = service.create_department(name, _NAME, admin)
        service.create_issuer_key(name, tokens[each])
        service.create_accumulator(name, tokens[each])
        service.create_table(PublishedDigits(str(name), new_digits(bbs.SHA_256)), tokens[each], log)
    for schema in schemas.values():
        service.create_schema(schema, tokens[schema.name.department])
    home = next(each for each in schemas.values() if each.name.item in ("residence_permit", "household"))
    district, owner = home.attribute("district"), home.name.department
    codes = tuple(each.code for each in district.codes)
    listed = publish_codes(str(DepartmentName(owner)), district.code_system, codes, bbs.SHA_256)
    service.create_table(listed, tokens[owner], log)
    return schemas, tokens
