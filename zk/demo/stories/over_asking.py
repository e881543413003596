"""The over-asking shop: registered to ask for age, it asks for the name too, and gets it from nobody."""

import sqlite3
from dataclasses import replace
from typing import Final

from disclosure import LocalizedText, RefusedError, VerifierName, civil_date, sign_request
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from prover.events import EventState
from prover.vault import Vault
from verifier import CompositePolicy
from verifier.client import CompositeExchange
from zk.clients.statistics import StatisticsClient
from zk.demo.people import Asker
from zk.demo.refusals import refused
from zk.demo.result import Refusal
from zk.demo.stage import utc_now
from zk.demo.stories.outcome import Told
from zk.demo.stories.registers import Registers
from zk.demo.stories.story import Cast, Part, Story, answered, asked, part, policy_text, verified
from zk.demo.stories.town import ID_CARD, Town, today, yes
from zk.synthetic import Person

SHOP: Final = Asker(VerifierName("corner-shop"), LocalizedText("街角便利店", "Corner Shop"), "age")
BUYER: Final = "buyer"


def cast(registers: Registers) -> Cast:
    """Return somebody of age."""
    return Cast({BUYER: Part(_adult(registers), (ID_CARD,))})


def _adult(registers: Registers) -> Person:
    day = today()
    return next(each for each in registers.people.values() if each.age(day) >= 30)


def play(town: Town, cast: Cast, told: Told) -> None:
    """The shop asks what it may, then more; a service that lets it through changes nothing."""
    cast.furnish(town)
    vault = town.vaults[part(cast, BUYER).person.number]
    policy = register(town)
    exchange = asked(town, SHOP, policy)
    answered(town, exchange.link, vault)
    shown = verified(town, SHOP, exchange).verified.answer.credentials[0].shown.values
    told.fact("story.over.age", holds=not shown)
    told.refusals.append(refused_by_service(town, policy))
    let_through = asked(town, SHOP, policy)
    _let_through(town, let_through, policy)
    told.refusals.append(refused_by_vault(town, let_through, vault))
    _history(vault, told)
    _figures(town, told)


def register(town: Town) -> CompositePolicy:
    """Register the shop, unless another story did; return the policy that it may use."""
    policy = policy_text(f"policies/{SHOP.policy}")
    town.need(ID_CARD)
    if SHOP.name.verifier not in town.signing:
        town.register(SHOP, policy)
    return policy


def _too_much(town: Town, policy: CompositePolicy) -> CompositeRequest:
    """Return the same question with name and sex to be shown."""
    asks = policy_text(f"policies/{SHOP.policy}", [("shown: []", "shown: [name, sex]")])
    return replace(asks, registered=policy.registered).request(
        SHOP.name, utc_now(), town.verifier(SHOP.name).reader
    )


def refused_by_service(town: Town, policy: CompositePolicy) -> Refusal:
    """Ask too much, at an honest service."""
    return refused(
        "story.over.service",
        ("PERMISSION_DENIED", "OVER_ASKING"),
        lambda: town.verifier(SHOP.name).ask(_too_much(town, policy)),
    )


def _let_through(town: Town, exchange: CompositeExchange, policy: CompositePolicy) -> None:
    """Be whoever runs the service, and write the question that asks too much into its database."""
    asks = _too_much(town, policy)
    signed = sign_request(asks, town.signing[SHOP.name.verifier])
    with sqlite3.connect(town.server.data / "service.sqlite3", timeout=20) as database:
        database.execute(
            "UPDATE exchange SET payload = ?, signature = ?, request_digest = ? WHERE id = ?",
            (signed.payload, signed.signature, asks.digest, exchange.link.id),
        )
    database.close()


def refused_by_vault(town: Town, exchange: CompositeExchange, vault: Vault) -> Refusal:
    """Have the buyer's vault fetch what the service let through; the person is not even asked."""
    name, expected = "story.over.vault", ("vault", "OVER_ASKING")
    try:
        town.client.answer(exchange.link, vault, town.log, yes)
    except RefusedError as error:
        return Refusal(name, expected, "vault", str(error.reason), error.detail)
    return Refusal(name, expected, "OK", "", "")


def _history(vault: Vault, told: Told) -> None:
    over = [each for each in vault.events() if each.note.kind is EventKind.OVER_ASKED]
    recorded = [each for each in over if each.state is EventState.RECORDED]
    told.fact("story.over.history", holds=len(recorded) == 1 and len(over) == 1, shop=SHOP.display_name)


def _figures(town: Town, told: Told) -> None:
    """Read what the regulator sees: how often, by verifier, and nobody's name."""
    with StatisticsClient(town.endpoint) as client:
        token = client.give_access(town.regulator.name, town.admin)
        day = civil_date(utc_now())
        found = client.figures(token, (day, day), ("verifier",), {"verifier": str(SHOP.name)})
        counts = {each.kind: each.count for each in found}
    over = counts.get("over-asked", 0)
    told.fact("story.over.figures", holds=over >= 1, count=over, answered=counts.get("answered", 0))


STORY: Final = Story("over-asking", cast, play)
