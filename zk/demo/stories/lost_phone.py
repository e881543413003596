"""A lost phone: the history comes back by the recovery words, and the old phone's credentials go."""

from typing import Final

from disclosure import ExchangeLink
from prover.errors import PresentingError
from prover.events import EventState
from prover.history import check_found
from prover.recovery import keys_of, words_of
from prover.vault import Vault
from zk.clients.records import Subject
from zk.demo.refusals import VAULT, refused
from zk.demo.stories import over_asking
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story, answered, asked, part, verified
from zk.demo.stories.town import ID_CARD, IDENTIFIER, Town, today
from zk.synthetic import Person
from zk.synthetic.people import Role

LOSER: Final = "loser"


def cast(registers: Registers) -> Cast:
    """Return somebody whose phone will be lost, and who plays in no other story."""
    day = today()
    grown = (each for each in registers.people.values() if each.role is Role.PARENT and each.age(day) < 80)
    return Cast({LOSER: Part(next(grown), (ID_CARD,))})


def play(town: Town, cast: Cast, told: Told) -> None:
    """Use a phone, lose it, and go on with another one that has nothing but 24 words."""
    cast.furnish(town)
    person = part(cast, LOSER).person
    policy, old = over_asking.register(town), town.vaults[person.number]
    answered(town, asked(town, over_asking.SHOP, policy).link, old)
    _say_no(town, asked(town, over_asking.SHOP, policy).link, old)
    words = words_of(old.keys)
    new = town.new_vault(f"{person.id}-new", keys=keys_of(" ".join(words)))
    _history(town, old, new, told)
    _account(town, person, old, new, told)
    _replaced(town, person, new, told)
    late = asked(town, over_asking.SHOP, policy)
    told.refusals.append(
        refused("story.lost.old_phone", (VAULT, "NOTHING_FITS"), lambda: answered(town, late.link, old))
    )
    answered(town, late.link, new)
    verified(town, over_asking.SHOP, late)
    told.fact("story.lost.goes_on")


def _say_no(town: Town, link: ExchangeLink, vault: Vault) -> None:
    try:
        town.client.answer(link, vault, town.log, lambda _: False)
    except PresentingError as error:
        if error.reason != "DECLINED":
            raise


def _history(town: Town, old: Vault, new: Vault, told: Told) -> None:
    """Read the ledger on the new phone; every entry that comes back is proven by what the log signed."""
    rebuilt = town.client.rebuild(new, town.log)
    found = [each for each in rebuilt.found if each.copy_of is None]
    reading = new.readings
    for each in found:
        check_found(each, reading.proof(each), town.log)
    events = [each for each in old.events() if each.state is EventState.RECORDED]
    told.fact(
        "story.lost.history",
        holds=len(found) == len(events) + len(old.usages()) > 0,
        entries=rebuilt.size,
        count=len(found),
    )


def _account(town: Town, person: Person, old: Vault, new: Vault, told: Told) -> None:
    """Register the new phone for the same account; the old one cannot open it any more."""
    before = old.accounts.at(town.endpoint.server).name
    link = town.desk(IDENTIFIER).code(Subject("person", person.number)).link
    after = town.accounts.register(link, "person", person.number, new, town.log).name
    told.fact("story.lost.account", holds=before == after)
    told.refusals.append(
        refused(
            "story.lost.old_account",
            ("UNAUTHENTICATED", "ACCOUNT_REPLACED"),
            lambda: town.accounts.offers(old, town.log),
        )
    )


def _replaced(town: Town, person: Person, new: Vault, told: Told) -> None:
    """Have the department that knows the person issue the card anew, in the place of the lost one."""
    values = town.registers.of(ID_CARD, person)
    card = town.registers.schema(ID_CARD)
    subject, number = Subject("person", person.number), person.number.encode()
    town.desk(IDENTIFIER).deliver(card, values or {}, subject, number, replace_holder=True)
    town.vaults[person.number] = new
    told.fact("story.lost.replaced", holds=town.receive(person) == 1)


STORY: Final = Story("lost-phone", cast, play)
