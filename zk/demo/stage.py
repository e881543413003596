"""The demo's stage: server, departments, holder and verifiers, each with what it needs, and a stopwatch."""

import datetime as dt
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import DepartmentName, ExchangeLink, Schema
from prover.client import HolderClient
from prover.present import Plan, PreparedPresentation, plan, present
from prover.records import FetchedRequest, HeldCredential, Usage
from prover.vault import Vault
from tlog import Verifier
from verifier import keys
from verifier.client import OpenExchange, VerifierClient
from verifier.policy import Policy
from wire.client import Endpoint
from zk import catalogue
from zk.demo.people import ASKERS, INSURANCE, PERMIT, Asker, Holder
from zk.demo.result import Size, Time
from zk.exits import CommandError, Exit
from zk.home import read_secret
from zk.local_server import LocalServer
from zk.service import Service

Result = TypeVar("Result")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def utc_now() -> dt.datetime:
    """Return the time by the system's clock."""
    return dt.datetime.now(dt.UTC)


def example(name: str) -> Path:
    """Return a file of the examples; CommandError USAGE outside a clone, where there are none."""
    path = EXAMPLES / name
    if not path.is_file():
        raise CommandError(Exit.USAGE, "SOURCE_TREE_MISSING", "error.source_tree", path=path)
    return path


@dataclass
class Stopwatch:
    """Collects how long things took and how large they are, under names of zk.messages."""

    pairing_check_ms: float
    times: list[Time] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)

    def time(self, name: str, action: Callable[[], Result]) -> Result:
        """Do something and note how long it took."""
        start = time.perf_counter()
        result = action()
        milliseconds = (time.perf_counter() - start) * 1000
        self.times.append(Time(name, milliseconds, milliseconds / self.pairing_check_ms))
        return result

    def size(self, name: str, octets: int) -> None:
        """Note a size."""
        self.sizes.append(Size(name, octets))


@dataclass
class Stage:
    """Everybody at one server. The holder's vault is a file in the output folder, like a real one."""

    server: LocalServer
    output: Path
    watch: Stopwatch
    vault: Vault
    holder: Holder = field(default_factory=Holder)
    signing: dict[str, Ed25519PrivateKey] = field(default_factory=dict, repr=False)
    tokens: dict[DepartmentName, str] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """The way to the server, under its own root."""
        return Endpoint.at(self.server.address, self.server.root)

    @property
    def log(self) -> Verifier:
        """The log's key, from the operator's file and not from the service."""
        return Verifier.from_string(read_secret(self.server.log_key))

    def key_file(self, asker: Asker) -> Path:
        """Where a verifier keeps its key."""
        return self.output / f"{asker.name.verifier}.pem"

    def register(self) -> dict[str, Schema]:
        """Register two departments with schema and key, and the verifiers; return the schemas by item."""
        admin = read_secret(self.server.admin_token)
        schemas: dict[str, Schema] = {}
        with Service(self.endpoint) as service:
            for item in (PERMIT, INSURANCE):
                schemas[item] = self._register_issuer(service, item, admin)
            for asker in ASKERS:
                key = self.signing[asker.name.verifier] = keys.generate()
                keys.save(key, self.key_file(asker))
                service.create_verifier(asker.name, asker.display_name, keys.public_key(key), admin)
        return schemas

    def _register_issuer(self, service: Service, item: str, admin: str) -> Schema:
        schema = catalogue.builtin().find(item)
        if schema is None:
            raise CommandError(Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown", item=item)
        department = catalogue.builtin().departments[schema.name.department]
        token = service.create_department(department.name, department.display_name, admin)
        self.tokens[department.name] = token
        registered = service.create_schema(schema, token)
        self.watch.time("demo.time.issuer_key", lambda: service.create_issuer_key(department.name, token))
        return registered

    def issue_and_claim(self, schema: Schema, item: str) -> HeldCredential:
        """A department issues; the holder's vault claims by the link."""
        values = self.holder.permit() if item == PERMIT else self.holder.insurance()
        token = self.tokens[DepartmentName(schema.name.department)]
        with Service(self.endpoint) as service:
            offer = self.watch.time("demo.time.issue", lambda: service.issue(schema, values, token))
        client = HolderClient(self.endpoint)
        return self.watch.time("demo.time.claim", lambda: client.claim(offer.link, self.vault))

    @contextmanager
    def verifier(self, asker: Asker) -> Iterator[VerifierClient]:
        """A verifier's client."""
        key = self.signing[asker.name.verifier]
        with VerifierClient(self.endpoint, asker.name, key, self.log) as client:
            yield client

    def ask(self, asker: Asker, policy: Policy, lifetime: dt.timedelta | None = None) -> OpenExchange:
        """A verifier asks by a policy, for as long as the policy says or for `lifetime`."""
        chosen = replace(policy, lifetime=lifetime) if lifetime else policy
        with self.verifier(asker) as client:
            return client.ask(chosen.request(asker.name, utc_now()))

    def prepare(self, link: ExchangeLink) -> "Answering":
        """The holder fetches a request and proves what it asks, but sends nothing yet."""
        fetched = HolderClient(self.endpoint).fetch(link)
        planned = plan(fetched.request, self.vault.credentials(), utc_now())
        prepared = self.watch.time("demo.time.prove", lambda: present(planned, self.vault.keys, utc_now()))
        return Answering(fetched, planned, prepared)

    def send(self, answering: "Answering") -> Usage:
        """The holder's vault stores a use, sends it, and checks the receipt."""
        link, prepared = answering.fetched.link, answering.prepared
        usage = self.vault.begin_usage(answering.fetched, prepared)
        client = HolderClient(self.endpoint)
        return self.watch.time(
            "demo.time.submit", lambda: client.submit(link, prepared, self.vault, usage, self.log)
        )


@dataclass(frozen=True)
class Answering:
    """A request with what would be sent."""

    fetched: FetchedRequest
    plan: Plan
    prepared: PreparedPresentation


def new_vault(path: Path) -> Vault:
    """Make the holder's vault under a passphrase that nobody keeps."""
    return Vault.create(path, secrets.token_urlsafe(24))
