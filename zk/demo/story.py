"""What must fail, and who learns what: one family's day over a real server, with every forgery tried.

Returns what was found and prints nothing.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bbs
from zk.bench.measure import pairing_check, unit_seconds
from zk.demo import chain, refusals, revoked, school, views
from zk.demo.bank import run_bank
from zk.demo.city import City
from zk.demo.folder import fresh
from zk.demo.opening import open_one
from zk.demo.people import BANK, FATHERS, ID_CARD, MOTHERS, OTHER_SCHOOL, SCHOOL, Family
from zk.demo.result import DemoResult
from zk.demo.stage import Holder, Stage, new_vault, policy_of
from zk.demo.watch import Stopwatch
from zk.local_server import LocalServer, running_server
from zk.messages import Language


def run_demo(output: Path, lang: Language, tell: Callable[[str], None] = lambda _: None) -> DemoResult:
    """Play this part alone in an output folder that is made anew, at a server of its own.

    `tell` gets the name of each step as it begins. Raises what goes wrong that must not; what must fail and
    how it did stands in the result.
    """
    fresh(output)
    tell("demo.step.server")
    with running_server(output / "server", output / "server.log") as server:
        return play_at(server, output, lang, tell)


def play_at(
    server: LocalServer,
    output: Path,
    lang: Language,
    tell: Callable[[str], None],
    furnished: Callable[[City], None] = lambda _: None,
) -> DemoResult:
    """Play this part at a running server; `furnished` tells the city what is registered there before."""
    begun = time.monotonic()
    group = bbs.groups.default()
    watch, family = Stopwatch(unit_seconds(pairing_check(group)) * 1e3), Family()
    city = City(family, watch)
    furnished(city)
    with (
        new_vault(output / "vault.mother.sqlite3") as mother,
        new_vault(output / "vault.father.sqlite3") as father,
    ):
        parents = Holder(family.mother, mother), Holder(family.father, father)
        stage = Stage(server, output, watch, family, *parents, city)
        found = _play(stage, lang, tell)
    return DemoResult(
        server=server.address,
        group=group.name,
        pairing_check_ms=watch.pairing_check_ms,
        sizes=tuple(watch.sizes),
        times=tuple(watch.times),
        leaks=views.leaks(output, family),
        seconds=time.monotonic() - begun,
        **found,
    )


def _play(stage: Stage, lang: Language, tell: Callable[[str], None]) -> dict[str, Any]:
    policy = policy_of("enrolment")
    tell("demo.step.register")
    stage.register()
    tell("demo.step.issue")
    for holder, items in ((stage.mother, MOTHERS), (stage.father, FATHERS)):
        for item in (ID_CARD, *items):
            stage.issue_and_claim(item, holder)
    stage.mother.vault.composite.trust(stage.city.regulator)
    tell("demo.step.school")
    enrolled = school.enrol(stage, policy)
    tell("demo.step.second")
    second = school.enrol_again(stage, policy)
    tell("demo.step.bank")
    bank_use, printed, record = run_bank(stage)
    tell("demo.step.refusals")
    late, before = refusals.prepare_to_be_late(stage, policy), revoked.keep(stage)
    changed, accepted = refusals.changed_attribute(stage, policy)
    replays, same = refusals.replayed(stage, policy, enrolled.usage, enrolled.sent)
    refused = [
        second,
        changed,
        refusals.unknown_issuer(stage, policy),
        *replays,
        *refusals.other_verifier(stage, policy),
        refusals.expired(stage, late),
    ]
    tell("demo.step.revoked")
    refused += revoked.revoked(stage, policy, before)
    tell("demo.step.regulator")
    opened = open_one(stage, record, bank_use)
    tell("demo.step.ledger")
    ledger, blocks = chain.exported(stage)
    refused.append(refusals.tampered_ledger(stage, ledger.path, stage.output / "ledger-tampered.txt", lang))
    chain.measure_sizes(stage, enrolled, bank_use, ledger)
    return {
        "views": views.views(enrolled.usage, bank_use, opened, lang),
        "places": (
            chain.place(stage, SCHOOL, enrolled.usage, blocks, lang),
            chain.place(stage, BANK, bank_use, blocks, lang),
            chain.place(stage, OTHER_SCHOOL, accepted, blocks, lang, again=True),
        ),
        "refusals": tuple(refused),
        "opened": opened,
        "ledger": ledger,
        "repeated_receipt_same": same,
        "accepted_after_refusal": accepted.receipt is not None,
        "bank_output": json.dumps(printed),
    }
