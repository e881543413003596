"""The town that all stories are played in: one server, one synthetic city, what was registered and issued."""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import OFFICERS, EscrowShare
from bbs.gadgets.tables import new_digits
from disclosure import CredentialForm, DepartmentName, Schema, SchemaName, VerifierName
from disclosure.composite import PublishedDigits, Regulator, RegulatorKey, publish_codes
from disclosure.names import RegulatorName
from prover.client import HolderClient
from prover.client.account import AccountClient
from prover.sealing import VaultKeys
from prover.usages import Usage
from prover.vault import Vault
from tlog import Verifier
from verifier import CompositePolicy, Policy, keys, registered_policy
from verifier.client import VerifierClient
from wire.client import Endpoint
from zk import catalogue
from zk.clients.accounts import DepartmentDesk
from zk.clients.policies import Policies
from zk.clients.records import PushPlan, Record, RecordClient, Subject
from zk.demo.city import City as DemoCity
from zk.demo.people import REGULATOR, REGULATOR_NAME, Asker
from zk.demo.savings import Use
from zk.demo.stories.registers import Line, Registers
from zk.home import read_secret
from zk.local_server import LocalServer
from zk.service import Required, Service
from zk.synthetic import Person

ID_CARD: Final = "id_card@3"
IDENTIFIER: Final = "public-security"
"""The department that knows who people are, and gives them the codes of their accounts."""
DISTRICTS: Final = "GB/T 2260"
BIG_DATA: Final = "big-data"


def yes(_: Any) -> bool:
    """Say yes at every consent screen, as the people of the stories do unless they say otherwise."""
    return True


@dataclass
class Town:
    """Everybody at one server. What is registered or issued once is not so again for the next story."""

    server: LocalServer
    output: Path
    registers: Registers
    opened: ExitStack = field(repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    schemas: set[SchemaName] = field(default_factory=set)
    signing: dict[str, Ed25519PrivateKey] = field(default_factory=dict, repr=False)
    vaults: dict[str, Vault] = field(default_factory=dict, repr=False)
    issued: set[tuple[str, str]] = field(default_factory=set, repr=False)
    uses: list[Use] = field(default_factory=list)
    shown: set[str] = field(default_factory=set, repr=False)
    """Numbers of people that a verifier was shown, and keeps in its own records."""
    officers: tuple[EscrowShare, ...] = field(
        default_factory=lambda: tuple(
            EscrowShare.generate(PairingSuite(bbs.SHA_256)) for _ in range(OFFICERS)
        ),
        repr=False,
    )

    def __post_init__(self) -> None:
        key = RegulatorKey(str(bbs.SHA_256), tuple(each.publish() for each in self.officers))
        self.regulator = Regulator(RegulatorName(REGULATOR), REGULATOR_NAME, key)
        self.endpoint = Endpoint.at(self.server.address, self.server.root)
        self.log = Verifier.from_string(read_secret(self.server.log_key))
        self.admin = read_secret(self.server.admin_token)
        self.client = HolderClient(self.endpoint)
        self.accounts = AccountClient(self.endpoint)
        self.service = self.opened.enter_context(Service(self.endpoint))
        self.service.create_regulator(self.regulator, self.admin, self.log)

    # departments

    def need(self, *items: str) -> None:
        """Register these items, with their departments, unless they are."""
        for item in items:
            schema = self.registers.schema(item)
            if schema.name not in self.schemas:
                self.department(schema.name.department)
                self.service.create_schema(schema, self.tokens[schema.name.department])
                self.schemas.add(schema.name)

    def department(self, name: str) -> None:
        """Register a department with its key, accumulator and table of digits, unless it is."""
        if name in self.tokens:
            return
        department, said = DepartmentName(name), catalogue.builtin().departments[name]
        token = self.tokens[name] = self.service.create_department(
            department, said.display_name, self.admin, said.identifies
        )
        self.service.create_issuer_key(department, token)
        self.service.create_accumulator(department, token)
        digits = PublishedDigits(str(department), new_digits(bbs.SHA_256))
        self.service.create_table(digits, token, self.log)

    def publish(self, owner: str, districts: Sequence[str]) -> None:
        """Have a department sign a list of districts."""
        self.department(owner)
        listed = publish_codes(str(DepartmentName(owner)), DISTRICTS, tuple(districts), bbs.SHA_256)
        self.service.create_table(listed, self.tokens[owner], self.log)

    def desk(self, department: str) -> DepartmentDesk:
        """Return a department's desk."""
        name = str(DepartmentName(department))
        return self.opened.enter_context(DepartmentDesk(self.endpoint, name, self.tokens[department]))

    # people

    def settle(self, people: Iterable[Person]) -> None:
        """Give people a vault and an account, by a code of the department that knows them."""
        self.department(IDENTIFIER)
        desk = self.desk(IDENTIFIER)
        for person in people:
            if person.number not in self.vaults:
                vault = self.new_vault(person.id)
                link = desk.code(Subject("person", person.number)).link
                self.accounts.register(link, "person", person.number, vault, self.log)
                self.vaults[person.number] = vault

    def new_vault(self, name: str, keys: VaultKeys | None = None) -> Vault:
        """Make a vault, a file in the output folder, under a passphrase that nobody keeps."""
        path = self.output / f"vault.{name}.{secrets.token_hex(3)}.sqlite3"
        vault = self.opened.enter_context(Vault.create(path, secrets.token_urlsafe(24), keys=keys))
        vault.composite.trust(self.regulator)
        return vault

    def push(self, item: str, people: Iterable[Person] | None = None) -> int:
        """Push the records of these people, or of all, in bulk; return how many were offered now.

        Whoever has an account finds the offer there; the others' offers wait for them.
        """
        self.need(ID_CARD, item)
        wanted = None if people is None else {each.number for each in people}
        left = [
            each
            for each in self.registers.lines(item)
            if (wanted is None or each.holder.number in wanted) and (item, each.record.id) not in self.issued
        ]
        if not left:
            return 0
        schema = self.registers.schema(item)
        records = [self._pushed(schema, each) for each in left]
        with RecordClient(self.endpoint, self.tokens[schema.name.department]) as client:
            plan = PushPlan(schema)
            for _ in client.push(plan, lambda first: records[first:]):
                pass
            done = client.finish(plan.push)
        self.issued |= {(item, each.record.id) for each in left}
        return done.issued

    def _pushed(self, schema: Schema, line: Line) -> Record:
        number = line.holder.number
        subject = Subject("person", number) if number in self.vaults else None
        identified: bytes | Required | None = None
        if schema.form is CredentialForm.COMPOSITE:
            card = self.registers.schema(ID_CARD)
            identified = Required(card, {"id_commit": line.holder.commit})
        if schema.name.item == "id_card" and identified is not None:
            identified = number.encode()
        # A record is one for an item: another version of it would take the place of the first.
        record_id = f"{schema.name.version}/{line.record.id}".encode()
        return Record(record_id, line.record.values, subject, identified)

    def receive(self, person: Person) -> int:
        """Have somebody's vault claim all that waits in the inbox; return how many credentials came."""
        claimed = self.accounts.claim_all(self.vaults[person.number], self.log, yes)
        for each in claimed:
            if each.error is not None:
                raise each.error
        return len(claimed)

    def offer(self, people: Sequence[Person], *items: str) -> None:
        """Offer people these items, as far as the departments have records of them and have not yet."""
        self.settle(people)
        for item in dict.fromkeys((ID_CARD, *items)):
            self.push(item, people)

    # verifiers

    def register(self, asker: Asker, *policies: Policy | CompositePolicy) -> None:
        """Register a verifier with the policies that it may use, unless it is."""
        name = asker.name.verifier
        if name not in self.signing:
            key = self.signing[name] = keys.generate()
            self.service.create_verifier(asker.name, asker.display_name, keys.public_key(key), self.admin)
        with Policies(self.endpoint, self.log) as registered:
            for each in policies:
                made = registered_policy(each, asker.name, self.verifier(asker.name).reader)
                registered.create(made, self.admin)

    def verifier(self, name: VerifierName) -> VerifierClient:
        """Return a verifier's client."""
        key = self.signing[name.verifier]
        return self.opened.enter_context(VerifierClient(self.endpoint, name, key, self.log))

    def hosts(self, city: DemoCity) -> None:
        """Tell the city of another part what is registered here."""
        city.tokens |= {DepartmentName(name): token for name, token in self.tokens.items()}
        city.known |= self.schemas
        city.officers, city.hosted = self.officers, True

    def used(self, usage: Usage) -> Usage:
        """Note an accepted answer for what was saved, and return it."""
        self.uses.append(Use(str(usage.request.verifier), tuple(documents_of(usage))))
        return usage


def documents_of(usage: Usage) -> Iterator[SchemaName]:
    """Give the schemas of the credentials in an answer."""
    for each in usage.answer.credentials:
        yield each.shown.schema


def today() -> dt.date:
    """Return the day by the system's clock."""
    return dt.datetime.now(dt.UTC).date()
