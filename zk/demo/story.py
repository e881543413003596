"""The demo's story from beginning to end, over a real server; returns what was found and prints nothing."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import bbs
from zk.bench.measure import pairing_check, unit_seconds
from zk.demo import chain, refusals, revoked, school, views
from zk.demo.bank import run_bank
from zk.demo.city import City
from zk.demo.opening import open_one
from zk.demo.people import BANK, FATHERS, ID_CARD, MOTHERS, OTHER_SCHOOL, SCHOOL, Family
from zk.demo.result import DemoResult
from zk.demo.stage import Holder, Stage, new_vault, policy_of
from zk.demo.watch import Stopwatch
from zk.exits import CommandError, Exit
from zk.local_server import running_server
from zk.messages import Language

_MARK: Final = ".zk-demo"


def run_demo(output: Path, lang: Language, tell: Callable[[str], None] = lambda _: None) -> DemoResult:
    """Play the demo in an output folder that is made anew; `tell` gets the name of each step as it begins.

    Raises what goes wrong that must not; what must fail and how it did stands in the result.
    """
    begun = time.monotonic()
    _fresh(output)
    group = bbs.groups.default()
    watch, family = Stopwatch(unit_seconds(pairing_check(group)) * 1e3), Family()
    tell("demo.step.server")
    with (
        running_server(output / "server", output / "server.log") as server,
        new_vault(output / "vault.mother.sqlite3") as mother,
        new_vault(output / "vault.father.sqlite3") as father,
    ):
        parents = Holder(family.mother, mother), Holder(family.father, father)
        stage = Stage(server, output, watch, family, *parents, City(family, watch))
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


def _fresh(output: Path) -> None:
    """Empty the folder, if it is one of the demo's own."""
    if output.exists() and any(output.iterdir()):
        if not (output / _MARK).exists():
            raise CommandError(Exit.USAGE, "OUTPUT_IN_USE", "error.output_in_use", path=output)
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True, mode=0o700)
    (output / _MARK).touch()


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
