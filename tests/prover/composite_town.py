"""A real server with departments of the composite form, and holders that claim and answer there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from disclosure import ExchangeLink, OfferLink, Schema, Value
from disclosure.composite import Branch, CompositeRequest, Regulator
from disclosure.names import RegulatorName
from prover import Vault
from prover.client import HolderClient
from prover.composite.records import HeldComposite
from prover.composite.telling import ClaimConsent
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT, VALUES, Department, accepted
from tests.prover.town import Town
from tests.zkservice.composite_city import CompositeCity
from tests.zkservice.revoking import Office
from tests.zkservice.support import TEXT, new_id
from wire.convert import values_to
from zkproto.v1 import issuance_pb2

PERSON = b"person-1"
NUMBER = VALUES[PERMIT.name]["number"]


def yes(_: ClaimConsent) -> bool:
    return True


@dataclass
class CompositeTown:
    """A town with its composite half."""

    town: Town
    city: CompositeCity

    def client(self) -> HolderClient:
        return self.town.client()

    @property
    def log(self) -> Any:
        return self.town.log

    @property
    def regulator(self) -> Regulator:
        return Regulator(RegulatorName("prosecutor"), TEXT, self.city.regulator_key)

    def office(self, schema: Schema) -> Office:
        return self.city.offices[schema.name.department]

    def offer(
        self,
        schema: Schema = PERMIT,
        *,
        person: bytes | None = None,
        required: Mapping[str, Value] | None = None,
        **changes: Value | None,
    ) -> OfferLink:
        """Offer a credential: to an identified person, or to whoever shows a permit that says this."""
        values = {
            name: value for name, value in {**VALUES[schema.name], **changes}.items() if value is not None
        }
        asked = issuance_pb2.IssueCredentialRequest(
            schema=str(schema.name), values=values_to(schema, values.items()), request_id=new_id()
        )
        if required is None:
            asked.person = person or PERSON
        else:
            asked.required.schema = str(PERMIT.name)
            asked.required.values.extend(values_to(PERMIT, required.items()))
        metadata = self.town.city.bearer(self.office(schema).token)

        async def issue(message: Any) -> Any:
            return await self.town.city.issuance.IssueCredential(message, metadata=metadata)

        made = self.town.call(issue, asked)
        return OfferLink(self.town.server, made.offer.removeprefix("offers/"), made.claim_code)

    def claimed(self, vault: Vault, schema: Schema = PERMIT, **options: Any) -> HeldComposite:
        held = self.client().claim(self.offer(schema, **options), vault, self.log, yes)
        assert isinstance(held, HeldComposite)
        return held

    def stock(self, vault: Vault, person: bytes | None = None) -> Vault:
        """Have a vault claim a permit as a base credential, and the others by showing it."""
        self.claimed(vault, PERMIT, person=person or new_id().encode())
        for schema in (INSURANCE, HOUSEHOLD):
            self.claimed(vault, schema, required={"number": NUMBER})
        return vault

    def revoke(self, held: HeldComposite) -> None:
        """Have the department of a credential revoke it, as it knows it by its handle."""
        self.town.run(self.office(held.schema).revoke(held.credential.handle))

    def branch(self, **changes: Any) -> Branch:
        """Everything that can be asked, of whichever key the departments issue with."""
        city = self.city
        made = city.main(**changes)
        queries = tuple(
            replace(query, issuers=tuple(map(accepted, self.keys(query.issuers[0].key.department))))
            for query in made.queries
        )
        return replace(made, queries=queries)

    def keys(self, department: str) -> list[Department]:
        return [each for each in self.city.departments if each.key.name.department == department]

    def small(self, **changes: Any) -> Branch:
        made = self.city.small(**changes)
        (query,) = made.queries
        return replace(
            made,
            queries=(
                replace(query, issuers=tuple(map(accepted, self.keys(query.issuers[0].key.department)))),
            ),
        )

    def ask(self, *branches: Branch, **changes: Any) -> tuple[CompositeRequest, ExchangeLink]:
        asked = self.city.request(*(branches or (self.branch(), self.small())), **changes)
        opened = self.town.run(self.city.ask(asked))
        return asked, ExchangeLink(
            self.town.server, opened.exchange.removeprefix("exchanges/"), opened.ticket
        )
