"""What two holders do in nine cities, and everything that they, and those whom they meet, keep to themselves.

Each has a vault and in each city a permit of that city's own police; in two cities insurance of its health
department as well. Both use them in all cities, in two of them several times: one credential twice at one
verifier, another one elsewhere, several at once; and they refuse. In the first city there are besides
credentials of the composite form, deliveries, standing consents, errands of three counters, a revocation.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from disclosure import ExchangeLink, ExpiryRule, OfferLink, Query, Request, Schema, Value, VerifierName
from disclosure.composite import CompositePresentation, CompositeRequest, verify_composite
from prover import Usage, Vault
from prover.events import Event
from tests.observer.cities import LETTERS, Cities, item
from tests.observer.private import Secrets
from tests.prover.composite_town import CompositeTown
from tests.prover.consenting import Parties
from tests.prover.delivering import receiving, sent
from tests.prover.errand_making import agree, begun, client_of, desks, fill_in
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town
from tests.zkservice.allowing import allowed, any_policy
from tests.zkservice.composite_city import furnished
from tests.zkservice.errands import Errands
from tests.zkservice.support import PERMIT, TEXT
from tlog import receipt_leaf

TWICE = "ab"
"""The cities where each holder does everything that can be done in one."""
FIRST = "a"
ONE = ("district",)


def yes(_: Any) -> bool:
    return True


@dataclass
class Place:
    """A city with two departments of its own and two verifiers."""

    letter: str
    town: Town
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def permit(self) -> Schema:
        return replace(PERMIT, name=item(self.letter, "police", "residence_permit"))

    @property
    def insurance(self) -> Schema:
        return replace(PERMIT, name=item(self.letter, "health", "insurance"))

    @property
    def school(self) -> str:
        return f"school-of-{self.letter}"

    @property
    def bank(self) -> str:
        return f"savings-bank-of-{self.letter}"

    async def furnish(self) -> None:
        city = self.town.city
        for schema in (self.permit, self.insurance):
            department = schema.name.department
            self.tokens[department] = await city.add_department(department)
            await city.add_schema(schema)
            await city.add_key(department)
        for name in (self.school, self.bank):
            await city.add_verifier(name)
            policy = any_policy(VerifierName(name), 2)
            await city.add_policy(allowed(policy, [self.permit, self.insurance], TEXT))

    def ask(self, verifier: str, *schemas: Schema, shown: Sequence[str] = ONE) -> ExchangeLink:
        now, name = self.town.city.clock().replace(microsecond=0), VerifierName(verifier)
        queries = tuple(
            Query(each.name.item.replace("_", ""), each.name, tuple(shown), ExpiryRule.SHOWN)
            for each in schemas
        )
        request = Request(name, TEXT, queries, now, now + dt.timedelta(hours=1), policy=any_policy(name, 2))
        opened = self.town.run(self.town.city.ask(request))
        return ExchangeLink(self.town.server, opened.exchange.removeprefix("exchanges/"), opened.ticket)

    def offer(self, schema: Schema, values: dict[str, Value]) -> OfferLink:
        token = self.tokens[schema.name.department]
        made = self.town.run(self.town.city.issue(values, schema=schema, token=token))
        return OfferLink(self.town.server, made.offer.removeprefix("offers/"), made.claim_code)


@dataclass
class Holder:
    """A person with a vault, and what departments say of this person."""

    vault: Vault
    number: str
    values: dict[str, Value]

    @classmethod
    def born(cls, vault: Vault, number: str, **values: Value) -> "Holder":
        name = f"王小明 of the long name {secrets.token_hex(8)}"
        card, since = secrets.token_bytes(32), dt.date(2019, 9, 1)
        return cls(vault, number, {"name": name, "number": card, "since": since, **values})

    def claim(self, place: Place, schema: Schema) -> None:
        place.town.client().claim(place.offer(schema, self.values), self.vault, place.town.log)

    def use(self, place: Place, verifier: str, *schemas: Schema, shown: Sequence[str] = ONE) -> None:
        link = place.ask(verifier, *schemas, shown=shown)
        place.town.client().answer(link, self.vault, place.town.log, yes)


@dataclass
class Story:
    """How it went: the holders, who keep receipts of everything, and what is nobody else's."""

    cities: Cities
    holders: tuple[Holder, Holder]
    secrets: Secrets

    def leaves(self) -> dict[str, dict[int, bytes]]:
        """Return which leaf, by its hash, receipts say to stand at which index of which log."""
        servers = {town.server: self.cities.logs[letter].name for letter, town in self.cities.towns.items()}
        found: dict[str, dict[int, bytes]] = {each: {} for each in servers.values()}
        for holder in self.holders:
            kept: list[Usage | Event] = [*holder.vault.usages(), *holder.vault.events()]
            for each in kept:
                index, leaf = receipt_leaf(each.receipt or b"")
                found[servers[server_of(each)]][index] = leaf
        return found


def server_of(kept: Usage | Event) -> str:
    return kept.link.server if isinstance(kept, Usage) else kept.server


@contextmanager
def told(cities: Cities, folder: Path) -> Iterator[Story]:
    """Have all of it happen."""
    places = {letter: Place(letter, cities.towns[letter]) for letter in LETTERS}
    loop = places[FIRST].town

    async def furnish() -> None:
        await asyncio.gather(*(each.furnish() for each in places.values()))

    loop.run(furnish())
    with ExitStack() as stack:
        vaults = [
            stack.enter_context(Vault.create(folder / f"{name}.vault", PASSPHRASE, clock=loop.city.clock))
            for name in ("one", "other")
        ]
        holders = (
            Holder.born(vaults[0], "370102199001011234", district="370102", student=False),
            Holder.born(vaults[1], "370102197707077777", district="370103", student=True, fee=1234),
        )
        story = Story(cities, holders, Secrets())
        for letter, place in places.items():
            for holder in holders:
                _in_a_city(place, holder, often=letter in TWICE)
        _in_the_first_city(places[FIRST], story)
        for holder in holders:
            story.secrets.of_vault(holder.vault, cities.logs.values())
            story.secrets.of_person(holder.number, holder.values)
        for place in places.values():
            story.secrets.of_place(place.town.city.verifier_keys, place.tokens, place.town.city.admin)
            story.secrets.of_names(place.permit.name, place.insurance.name, place.school, place.bank)
        yield story


def _in_a_city(place: Place, holder: Holder, *, often: bool) -> None:
    holder.claim(place, place.permit)
    holder.use(place, place.school, place.permit)
    if often:
        holder.claim(place, place.insurance)
        holder.use(place, place.school, place.permit)
        holder.use(place, place.bank, place.insurance, shown=("name", "number", "since"))
        holder.use(place, place.bank, place.permit, place.insurance, shown=("district", "student"))
        place.town.client().decline(place.ask(place.bank, place.permit), holder.vault, place.town.log)


def _in_the_first_city(place: Place, story: Story) -> None:
    town = place.town

    async def furnish() -> Any:
        made = await furnished(await town.city.furnish())
        return made, await Errands.of(town.city, await town.city.claim(await town.city.issue()))

    city, errands = town.run(furnish())
    composite = CompositeTown(town, city)
    for holder in story.holders:
        _composite_uses(composite, holder, story.secrets)
        _consents(town, holder)
    with receiving(composite), desks(town, errands) as counters:
        for holder in story.holders:
            sent(composite, holder.vault)
            errand = begun(town, errands, counters, holder.vault)
            client_of(town).submit(errand.id, holder.vault, town.log, agree, declare=fill_in)
    mine = story.holders[0].vault.composite.credentials()[0]
    composite.revoke(mine)


def _composite_uses(composite: CompositeTown, holder: Holder, kept: Secrets) -> None:
    town, pseudonyms = composite.town, list[bytes]()
    client = town.client()
    holder.vault.composite.trust(composite.regulator)
    composite.stock(holder.vault, person=holder.number.encode())
    for branches in ((composite.branch(),), (composite.small(),), (composite.small(),)):
        use = client.answer(composite.ask(*branches)[1], holder.vault, town.log, yes)
        request, presentation = use.request, use.presentation
        assert isinstance(request, CompositeRequest)
        assert isinstance(presentation, CompositePresentation)
        known = client.directory(request, town.log)
        verified = verify_composite(request, presentation, known, town.city.clock())
        pseudonyms += verified.pseudonyms.values()
    assert len(pseudonyms) == 2
    kept.secret.add(*pseudonyms)


def _consents(town: Town, holder: Holder) -> None:
    """Grant, have it used, and withdraw: with a permit of the department that this bank asks about."""
    town.client().claim(town.offer(holder.values), holder.vault, town.log)
    parties = Parties(town, holder.vault)
    with parties.bank:
        consent = parties.granted(interval=0)
        exchange = parties.use(consent)
        assert [each.usage is not None for each in parties.attend()] == [True]
        parties.wait(exchange)
        held = next(each for each in holder.vault.consents.all() if each.link.id == consent.link.id)
        parties.holder.withdraw(held.id, holder.vault, town.log)
