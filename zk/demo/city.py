"""The city: departments that publish, issue and revoke, and the regulator, all over the real service."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import bbs
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import OFFICERS, EscrowShare
from bbs.gadgets.tables import new_digits
from disclosure import DepartmentName, OfferLink, Schema, SchemaName
from disclosure.composite import PublishedDigits, Regulator, RegulatorKey, publish_codes
from disclosure.names import RegulatorName
from tlog import Verifier
from zk import catalogue
from zk.demo.people import ID_CARD, ITEMS, PERMIT, REGULATOR, REGULATOR_NAME, Family, Person
from zk.demo.watch import Stopwatch
from zk.exits import CommandError, Exit
from zk.service import Offer, Required, Service

_DISTRICT: Final = "district"


@dataclass
class City:
    """The departments with their tokens, what they offered to whom, and the regulator's officers."""

    family: Family
    watch: Stopwatch
    schemas: dict[str, Schema] = field(default_factory=dict)
    tokens: dict[DepartmentName, str] = field(default_factory=dict, repr=False)
    known: set[SchemaName] = field(default_factory=set)
    """Schemas that are registered before, as departments with a token are: the demo's other stories were."""
    hosted: bool = False
    """Whether the regulator is registered before."""
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict, repr=False)
    officers: tuple[EscrowShare, ...] = field(
        default_factory=lambda: tuple(
            EscrowShare.generate(PairingSuite(bbs.SHA_256)) for _ in range(OFFICERS)
        ),
        repr=False,
    )

    @cached_property
    def regulator(self) -> Regulator:
        """The regulator as it is registered, by what its two officers have published."""
        key = RegulatorKey(str(bbs.SHA_256), tuple(each.publish() for each in self.officers))
        return Regulator(RegulatorName(REGULATOR), REGULATOR_NAME, key)

    def register(self, service: Service, admin: str, log: Verifier) -> None:
        """Register departments with schemas, key, accumulator, digits; a list of codes; the regulator."""
        wanted = [_item(each) for each in ITEMS]
        for name in dict.fromkeys(DepartmentName(each.name.department) for each in wanted):
            if name not in self.tokens:
                self._register_department(service, name, admin, log)
        for item, schema in zip(ITEMS, wanted, strict=True):
            token = self.tokens[DepartmentName(schema.name.department)]
            there = schema.name in self.known
            self.schemas[item] = schema if there else service.create_schema(schema, token)
        districts = self.schemas[PERMIT].attribute(_DISTRICT)
        owner = DepartmentName(self.schemas[PERMIT].name.department)
        codes = tuple(each.code for each in districts.codes)
        listed = publish_codes(str(owner), districts.code_system, codes, bbs.SHA_256)
        service.create_table(listed, self.tokens[owner], log)
        if not self.hosted:
            service.create_regulator(self.regulator, admin, log)

    def _register_department(self, service: Service, name: DepartmentName, admin: str, log: Verifier) -> None:
        department = catalogue.builtin().departments[name.department]
        token = self.tokens[name] = service.create_department(
            name, department.display_name, admin, department.identifies
        )
        self.watch.time("demo.time.issuer_key", lambda: service.create_issuer_key(name, token))
        service.create_accumulator(name, token)
        made = PublishedDigits(str(name), new_digits(bbs.SHA_256))
        self.watch.time("demo.time.digits", lambda: service.create_table(made, token, log))
        if len(self.tokens) == 1:
            self.watch.size("demo.size.digits", len(made.table.octets))

    def offer(self, service: Service, item: str, person: Person) -> OfferLink:
        """Offer an item to a person: the identity card to whom the bureau knows, the rest to its holder."""
        schema = self.schemas[item]
        card, token = self.schemas[ID_CARD], self.tokens[DepartmentName(schema.name.department)]
        identified: bytes | Required = Required(card, {"id_commit": person.number_hash})
        if item == ID_CARD:
            identified = person.number.encode()
        values = self.family.values(item, person)
        offer = self.watch.time("demo.time.issue", lambda: service.issue(schema, values, token, identified))
        self.offers[item, person.number] = offer
        return offer.link

    def revoke(self, service: Service, item: str, person: Person) -> None:
        """Revoke what came of an offer, by the handle that the department asks for."""
        token = self.tokens[DepartmentName(self.schemas[item].name.department)]
        issuance = service.issuance(self.offers[item, person.number].name, token)
        if issuance.handle is None or issuance.accumulator is None:
            raise CommandError(Exit.UNHEALTHY, "NOT_REVOCABLE", "error.not_revocable", offer=issuance.offer)
        name, handles = issuance.accumulator, [issuance.handle]
        self.watch.time("demo.time.revoke", lambda: service.revoke(name, handles, token))


def _item(item: str) -> Schema:
    schema = catalogue.builtin().find(item)
    if schema is None:
        raise CommandError(
            Exit.USAGE, "ITEM_UNKNOWN", "error.item_unknown", item=item, known=", ".join(ITEMS)
        )
    return schema
