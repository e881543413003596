"""The school question, from the vault's link to the school's verdict: over gRPC with TLS, on loopback.

Everything that a family waits for is in it: fetching the request, checking it against key, policy and ledger,
looking for what fits, the proof (which the vault verifies itself before it goes out), the service's
verification, the receipt on the signed ledger, and the school's own verification of all of it. The service is
a process of its own; vault and school share this one. It is wall-clock time in multiples of P, so it is
measured on a machine that does nothing else.
"""

import datetime as dt
import secrets
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import bbs
from bbs.gadgets.tables import new_digits
from bbs.groups.protocol import Group
from disclosure import DepartmentName, ExchangeLink, LocalizedText, Schema, Value, VerifierName
from disclosure.composite import PublishedDigits, publish_codes
from prover.client import HolderClient
from prover.vault import Vault
from tlog import Verifier
from verifier import CompositePolicy, PolicyError, keys, parse_policy, registered_policy
from verifier.client import VerifierClient
from wire.client import Endpoint
from zk.bench.measure import in_turns, pairing_check
from zk.bench.rows import PROMISED, Message, Row, Scale, Watch
from zk.catalogue import builtin
from zk.clients.policies import Policies
from zk.home import read_secret
from zk.local_server import LocalServer, running_server
from zk.service import Required, Service
from zk.synthetic import City, records_of

_LIMIT: Final = 60.0
_SCHOOL: Final = VerifierName("school")
_NAME: Final = LocalizedText("测试", "test")
_CARD: Final = "id_card"
_PATIENCE: Final = dt.timedelta(seconds=30)
_WARM: Final = 3
_SETTLES: Final = 0.02
"""So long the school watches before the family begins: opening its stream is no part of the answer."""
_POLICY: Final = """
form: composite
id: school-question
purpose: {zh: 入学, en: Admission}
lifetime: 600
register:
  purpose: purposes/school-question
  legal_basis: {zh: 测试, en: Test}
  retention_days: 0
branches:
  - id: resident
    queries:
      - id: birth
        schemas: [departments/health/schemas/birth_cert@1]
        shown: [child_name, child_number]
        expiry: today
        revocation: {max_epoch_age: 2 days}
      - id: guard
        schemas: [departments/civil-affairs/schemas/guardianship@1]
        shown: []
        expiry: today
        revocation: {max_epoch_age: 2 days}
      - id: register
        schemas: [departments/public-security/schemas/household@3]
        shown: []
        expiry: today
        revocation: {max_epoch_age: 2 days}
    predicates:
      - {of: birth.birth, at_most: 2026-08-31}
      - {of: register.district, in_list: {owner: departments/public-security, code_system: GB/T 2260}}
      - {equal: [birth.child_id, guard.child_id]}
      - {equal: [birth.id_commit, guard.guardian_id, register.id_commit]}
    pseudonyms:
      - {id: child, of: birth.child_secret, scope: enrolment}
unique: [child]
"""
"""Three credentials of three departments, all valid and not revoked in hiding: what a first form asks."""


@dataclass(frozen=True)
class Meeting:
    """A school and a family at one server."""

    school: VerifierClient
    holder: HolderClient
    vault: Vault
    log: Verifier
    policy: CompositePolicy

    def ask(self) -> "Asked":
        """The school asks, and begins to watch; what it reads for its request is no part of the answer."""
        now = dt.datetime.now(dt.UTC)
        opened = self.school.ask(self.policy.request(_SCHOOL, now, self.school.reader))
        asked = Asked(opened.link, [])

        def watch() -> None:
            self.school.wait(opened, _PATIENCE)
            asked.verdicts.append(perf_counter())

        asked.watching = threading.Thread(target=watch)
        asked.watching.start()
        return asked

    def seconds(self) -> float:
        """Return how long it takes from the link to the verdict; RuntimeError if there is none."""
        asked = self.ask()
        asked.watching.join(_SETTLES)
        begun = perf_counter()
        self.holder.answer(asked.link, self.vault, self.log, lambda _: True)
        asked.watching.join()
        if not asked.verdicts:
            raise RuntimeError("the school reached no verdict")
        return asked.verdicts[0] - begun


class Asked:
    """A question that the school watches."""

    watching: threading.Thread

    def __init__(self, link: ExchangeLink, verdicts: list[float]) -> None:
        self.link, self.verdicts = link, verdicts


def flow(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure the way from link to verdict, in turns with P."""
    label, check = Message("bench.row.school"), pairing_check(group)
    with tempfile.TemporaryDirectory() as name, watch(label, scale.batches) as advance:
        folder = Path(name)
        with (
            running_server(folder / "server", folder / "server.log", log_level="error") as server,
            meeting(server, folder) as met,
        ):
            for _ in range(_WARM):
                met.seconds()
            taken, units = list[float](), list[float]()
            for done in range(scale.batches):
                taken.append(met.seconds())
                units.append(median(in_turns([check], 5)[0]))
                advance(done + 1)
    measured = median(taken) / median(units)
    limit = _LIMIT if group.name == PROMISED else None
    yield Row(label, measured, median(taken) * 1e3, limit=limit)


@contextmanager
def meeting(server: LocalServer, folder: Path) -> Iterator[Meeting]:
    """Register what the question names, and have a family's papers issued and claimed."""
    endpoint, admin = Endpoint.at(server.address, server.root), read_secret(server.admin_token)
    policy = parse_policy(_POLICY.encode())
    if not isinstance(policy, CompositePolicy):
        raise PolicyError("the question is of the composite form")
    log, key = Verifier.from_string(read_secret(server.log_key)), keys.generate()
    with Service(endpoint) as service, Policies(endpoint, log) as policies:
        schemas, tokens = _registered(service, policy, admin, log)
        service.create_verifier(_SCHOOL, _NAME, keys.public_key(key), admin)
        policies.create(registered_policy(policy, _SCHOOL, lambda _: b""), admin)
        holder = HolderClient(endpoint)
        with Vault.create(folder / "vault.sqlite3", secrets.token_urlsafe(24)) as vault:
            for item, values in _papers(schemas).items():
                required = Required(schemas[_CARD], {"id_commit": values["id_commit"]})
                token = tokens[schemas[item].name.department]
                offer = service.issue(schemas[item], values, token, b"1" if item == _CARD else required)
                holder.claim(offer.link, vault, log, lambda _: True)
            with VerifierClient(endpoint, _SCHOOL, key, log) as school:
                yield Meeting(school, holder, vault, log, policy)


def _registered(
    service: Service, policy: CompositePolicy, admin: str, log: Verifier
) -> tuple[dict[str, Schema], dict[str, str]]:
    """Register departments with keys, accumulators and digits, schemas and a list; return schemas, tokens."""
    newest = builtin().newest
    schemas = {item: newest[item] for item in (_CARD, *(each.item for each in policy.schemas))}
    tokens = dict[str, str]()
    for each in dict.fromkeys(schema.name.department for schema in schemas.values()):
        name = DepartmentName(each)
        tokens[each] = service.create_department(name, _NAME, admin)
        service.create_issuer_key(name, tokens[each])
        service.create_accumulator(name, tokens[each])
        service.create_table(PublishedDigits(str(name), new_digits(bbs.SHA_256)), tokens[each], log)
    for schema in schemas.values():
        service.create_schema(schema, tokens[schema.name.department])
    home = schemas["household"].attribute("district")
    owner = schemas["household"].name.department
    codes = tuple(each.code for each in home.codes)
    listed = publish_codes(str(DepartmentName(owner)), home.code_system, codes, bbs.SHA_256)
    service.create_table(listed, tokens[owner], log)
    return schemas, tokens


def _papers(schemas: dict[str, Schema]) -> dict[str, dict[str, Value]]:
    """Return the papers of somebody in the synthetic city who has a child and is registered there."""
    city = City(200)
    lives = next(each for each in city.households() if each.children and each.members[0].native)
    who, child = lives.members[0], lives.children[0]
    found = dict[str, dict[str, Value]]()
    for item, schema in schemas.items():
        info = builtin().info(item)
        if info is None:
            continue
        for record in records_of(city, schema, info.subject):
            named = record.values.get("child_id", child.commit)
            if record.number == who.number and named == child.commit:
                found[item] = dict(record.values)
                break
    return found
