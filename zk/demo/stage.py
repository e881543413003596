"""The demo's stage: one server, two vaults, verifiers, each with what it needs."""

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import ExchangeLink
from disclosure.composite import CompositeRequest
from prover.client import HolderClient
from prover.composite.planning import CompositePlan
from prover.composite.presenting import PreparedComposite, present_plan
from prover.records import FetchedRequest
from prover.usages import Usage
from prover.vault import Vault
from tlog import Verifier
from verifier import CompositePolicy, keys, load_policy, registered_policy
from verifier.client import CompositeExchange, VerifierClient
from wire.client import Endpoint
from zk.clients.policies import Policies
from zk.demo.city import City
from zk.demo.people import ASKERS, Asker, Family, Person
from zk.demo.watch import Stopwatch
from zk.exits import CommandError, Exit
from zk.home import read_secret
from zk.local_server import LocalServer
from zk.service import Service

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


def policy_of(name: str) -> CompositePolicy:
    """Return one of the examples' policies."""
    loaded = load_policy(example(f"policies/{name}.yaml"))
    if not isinstance(loaded, CompositePolicy):
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.source_tree", path=name)
    return loaded


@dataclass(frozen=True)
class Holder:
    """A parent with a vault, which is a file in the output folder, like a real one."""

    person: Person
    vault: Vault


@dataclass(frozen=True)
class Answering:
    """A request with what would be sent, and the vault that would send it."""

    holder: Holder
    fetched: FetchedRequest
    plan: CompositePlan
    prepared: PreparedComposite


@dataclass
class Stage:
    """Everybody at one server."""

    server: LocalServer
    output: Path
    watch: Stopwatch
    family: Family
    mother: Holder
    father: Holder
    city: City
    signing: dict[str, Ed25519PrivateKey] = field(default_factory=dict, repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """The way to the server, under its own root."""
        return Endpoint.at(self.server.address, self.server.root)

    @property
    def log(self) -> Verifier:
        """The log's key, from the operator's file and not from the service."""
        return Verifier.from_string(read_secret(self.server.log_key))

    @property
    def client(self) -> HolderClient:
        """The way to the service for a vault."""
        return HolderClient(self.endpoint)

    def key_file(self, asker: Asker) -> Path:
        """Where a verifier keeps its key."""
        return self.output / f"{asker.name.verifier}.pem"

    def register(self) -> None:
        """Register the city's departments, the regulator, and the verifiers with what they may ask."""
        admin = read_secret(self.server.admin_token)
        with Service(self.endpoint) as service:
            self.city.register(service, admin, self.log)
            for asker in ASKERS:
                key = self.signing.setdefault(asker.name.verifier, keys.generate())
                keys.save(key, self.key_file(asker))
                service.create_verifier(asker.name, asker.display_name, keys.public_key(key), admin)
        with Policies(self.endpoint, self.log) as policies:
            for asker in ASKERS:
                with self.verifier(asker) as client:
                    made = registered_policy(policy_of(asker.policy), asker.name, client.reader)
                policies.create(made, admin)

    def issue_and_claim(self, item: str, holder: Holder) -> None:
        """A department offers; the holder's vault shows what it has to, and claims."""
        with Service(self.endpoint) as service:
            link = self.city.offer(service, item, holder.person)
        self.watch.time(
            "demo.time.claim", lambda: self.client.claim(link, holder.vault, self.log, lambda _: True)
        )

    @contextmanager
    def verifier(self, asker: Asker) -> Iterator[VerifierClient]:
        """A verifier's client."""
        key = self.signing[asker.name.verifier]
        with VerifierClient(self.endpoint, asker.name, key, self.log) as client:
            yield client

    def ask(
        self, asker: Asker, policy: CompositePolicy, lifetime: dt.timedelta | None = None
    ) -> CompositeExchange:
        """A verifier asks by a policy, for as long as the policy says or for `lifetime`."""
        chosen = replace(policy, lifetime=lifetime) if lifetime else policy
        with self.verifier(asker) as client:
            return client.ask(chosen.request(asker.name, utc_now(), client.reader))

    def prepare(self, holder: Holder, link: ExchangeLink, branch: str | None = None) -> Answering:
        """A holder fetches a request and proves what it asks, but sends nothing yet."""
        fetched = self.client.fetch(link, self.log)
        planned = self.ready(holder, self.planned(holder, fetched, branch))
        prepared = self.watch.time(
            "demo.time.prove", lambda: present_plan(planned, holder.vault.keys, utc_now())
        )
        return Answering(holder, fetched, planned, prepared)

    def planned(self, holder: Holder, fetched: FetchedRequest, branch: str | None = None) -> CompositePlan:
        """Return how a vault would answer with what it has."""
        request = fetched.request
        if not isinstance(request, CompositeRequest):
            raise CommandError(Exit.UNHEALTHY, "FORM_NOT_SUPPORTED", "error.source_tree", path="examples")
        return self.client.plan(request, holder.vault, self.log, branch=branch)

    def ready(self, holder: Holder, planned: CompositePlan) -> CompositePlan:
        """Return the same plan once all is caught up, as after consent; NOTHING_FITS if one is revoked."""
        return self.client.ready(planned, holder.vault, self.log)

    def send(self, answering: Answering) -> Usage:
        """The holder's vault stores a use, sends it, and checks the receipt."""
        vault, prepared = answering.holder.vault, answering.prepared
        usage = vault.begin_usage(answering.fetched, prepared)
        link = answering.fetched.link
        return self.watch.time(
            "demo.time.submit", lambda: self.client.submit(link, prepared, vault, usage, self.log)
        )


@contextmanager
def new_vault(path: Path) -> Iterator[Vault]:
    """Make a holder's vault under a passphrase that nobody keeps."""
    with Vault.create(path, secrets.token_urlsafe(24)) as vault:
        yield vault
