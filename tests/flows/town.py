"""A whole city at a real server: every department of the two flows, a school, a bank, and vaults."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from bbs import SHA_256
from bbs.gadgets.tables import new_digits
from disclosure import DepartmentName, ExchangeLink, Schema, Value, VerifierName
from disclosure.composite import PublishedDigits, Regulator, publish_codes
from disclosure.names import RegulatorName
from prover import Usage, Vault
from prover.client import HolderClient
from prover.composite.planning import CompositePlan
from prover.composite.records import HeldComposite
from tests.disclosure.composite.officers import new_officers, shared_by
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town
from tests.verifier.test_verifier_client import client_of
from tests.zkservice.support import TEXT, new_id
from verifier import CompositePolicy, Counterpart, check_composite_policy, load_policy, registered_policy
from verifier.client import CompositeAnswered, CompositeExchange, VerifierClient
from zk.catalogue import builtin
from zk.service import Required, Service
from zk.synthetic import Person

POLICIES: Final = Path(__file__).parents[2] / "examples" / "policies"
SCHOOL, BANK = VerifierName("school"), VerifierName("bank")
FLOWS: Final[Mapping[str, VerifierName]] = {
    "school-enrolment": SCHOOL,
    "enrolment-score-first": SCHOOL,
    "enrolment-score-both": SCHOOL,
    "inclusive-finance": BANK,
}
DISTRICTS: Final = "GB/T 2260"
CATCHMENT: Final = ("370102", "370103")
WAIT: Final = dt.timedelta(seconds=30)


@cache
def policy(name: str) -> CompositePolicy:
    loaded = load_policy(POLICIES / f"{name}.yaml")
    assert isinstance(loaded, CompositePolicy)
    return loaded


def yes(_: Any) -> bool:
    return True


@dataclass
class FlowTown:
    """The town, its departments' tokens, and what was issued in it."""

    town: Town
    regulator: Regulator
    officers: Any
    tokens: Mapping[str, str]
    numbers: WeakKeyDictionary[Vault, bytes] = field(default_factory=WeakKeyDictionary)

    def __post_init__(self) -> None:
        self._holders = self.town.client()
        self._askers = {each: client_of(self.town.city, each.verifier) for each in (SCHOOL, BANK)}

    @property
    def client(self) -> HolderClient:
        """The way to the service for vaults; it keeps nothing but what is public."""
        return self._holders

    def close(self) -> None:
        for each in self._askers.values():
            each.close()

    def schema(self, item: str) -> Schema:
        """The version of an item that the flows ask for."""
        (name,) = {each for flow in FLOWS for each in policy(flow).schemas if each.item == item}
        schema = builtin().find(f"{item}@{name.version}")
        assert schema is not None
        return schema

    def verifier(self, name: VerifierName) -> VerifierClient:
        return self._askers[name]

    def vault(self, path: Path, person: Person, papers: Mapping[str, Mapping[str, Value]]) -> Vault:
        """A person's vault with these papers, of which an identity card comes first.

        The bureau knows each vault's person under another number, so that one household may come as many.
        """
        vault = Vault.create(path, PASSPHRASE, clock=self.town.city.clock)
        vault.composite.trust(self.regulator)
        self.give(vault, person, papers)
        return vault

    def give(self, vault: Vault, person: Person, papers: Mapping[str, Any]) -> None:
        """Have departments issue papers to a person, and the vault claim them."""
        for item, values in papers.items():
            self.claimed(vault, person, item, values)

    def claimed(self, vault: Vault, person: Person, item: str, values: Mapping[str, Value]) -> HeldComposite:
        schema = self.schema(item)
        card = Required(self.schema("id_card"), {"id_commit": person.commit})
        with Service(self.town.endpoint) as service:
            number = self.numbers.setdefault(vault, new_id().encode())
            identified = number if item == "id_card" else card
            offer = service.issue(schema, values, self.tokens[schema.name.department], identified)
        held = self.client.claim(offer.link, vault, self.town.log, yes)
        assert isinstance(held, HeldComposite)
        return held

    def revoke(self, held: HeldComposite) -> None:
        """Have its department revoke a credential."""
        department = held.schema.name.department
        with Service(self.town.endpoint) as service:
            name = f"departments/{department}/accumulators/-"
            service.revoke(name, [held.credential.handle.to_bytes(32)], self.tokens[department])

    def ask(self, name: str, **given: Counterpart) -> CompositeExchange:
        """A verifier asks by one of the flows' policies."""
        client = self.verifier(FLOWS[name])
        now = self.town.city.clock()
        return client.ask(check_composite_policy(policy(name), FLOWS[name], client.reader, now, given))

    def answer(self, link: ExchangeLink, vault: Vault, branch: str | None = None) -> Usage:
        """Answer by a way that the person names; by the first if none is named."""

        def by(plan: CompositePlan) -> CompositePlan:
            if branch is None:
                return plan
            return self._holders.plan(plan.request, vault, self.town.log, branch=branch)

        return self._holders.answer(link, vault, self.town.log, yes, choose_composite=by)

    def wait(
        self, exchange: CompositeExchange, asker: VerifierName, *others: Counterpart
    ) -> CompositeAnswered:
        return self.verifier(asker).wait(exchange, WAIT, others)

    def answered(self, name: str, vault: Vault, branch: str | None = None) -> CompositeAnswered:
        """Ask, answer, and let the verifier verify."""
        exchange = self.ask(name)
        self.answer(exchange.link, vault, branch)
        return self.wait(exchange, FLOWS[name])


def furnished(town: Town) -> FlowTown:
    """Register all that the flows' policies name, the policies themselves among it."""
    policies = {name: policy(name) for name in FLOWS}
    wanted = {name for each in policies.values() for name in each.schemas}
    departments = sorted({each.department for each in wanted} | {"big-data"})
    officers = new_officers()
    regulator = Regulator(RegulatorName("finance"), TEXT, shared_by(officers))
    admin, tokens = town.city.admin, dict[str, str]()
    with Service(town.endpoint) as service:
        for each in departments:
            name = DepartmentName(each)
            tokens[each] = service.create_department(name, builtin().departments[each].display_name, admin)
            service.create_issuer_key(name, tokens[each])
            service.create_accumulator(name, tokens[each])
            service.create_table(PublishedDigits(str(name), new_digits(SHA_256)), tokens[each], town.log)
        for schema in (each for each in builtin().schemas() if each.name in wanted):
            service.create_schema(schema, tokens[schema.name.department])
        every = tuple(each.code for each in builtin().code_lists[DISTRICTS])
        for owner, codes in (("education", CATCHMENT), ("big-data", every)):
            listed = publish_codes(f"departments/{owner}", DISTRICTS, codes, SHA_256)
            service.create_table(listed, tokens[owner], town.log)
        service.create_regulator(regulator, admin, town.log)
    made = FlowTown(town, regulator, officers, tokens)
    for flow, asker in FLOWS.items():
        registered = registered_policy(policies[flow], asker, made.verifier(asker).reader)
        town.run(town.city.add_policy(registered))
    return made
