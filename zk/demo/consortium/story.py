"""Nine cities: receipts in each, two die, one shows two ledgers, a receipt is verified with nobody there."""

import json
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import bbs
from prover.usages import Usage
from tlog import Policy, VerifiedReceipt, verify_receipt
from verifier import keys
from zk.bench.measure import pairing_check, unit_seconds
from zk.demo.city import City as Departments
from zk.demo.consortium.cities import City, Consortium, Running, founded, run
from zk.demo.consortium.order import engine_program, go_on_without, once_in_all, ordering, verified_offline
from zk.demo.folder import fresh
from zk.demo.people import ID_CARD, MOTHERS, OTHER_SCHOOL, SCHOOL, Family
from zk.demo.stage import Holder, Stage, new_vault, policy_of
from zk.demo.stories.outcome import StoryResult, Told
from zk.demo.watch import Stopwatch
from zk.exits import CommandError, Exit
from zk.local_server import LocalServer

NAME: Final = "consortium"
_PATIENCE: Final = 60.0
_AT_ONCE: Final = 3


def play(output: Path, tell: Callable[[str], None]) -> StoryResult:
    """Play the story in an output folder that is made anew; raises what goes wrong that must not."""
    engine = engine_program()
    fresh(output)
    begun, told = time.monotonic(), Told()
    tell("story.consortium.step.start")
    with ExitStack() as opened:
        made = opened.enter_context(founded(output))
        told.fact("story.consortium.started", cities=len(made.cities), seconds=_since(begun))
        tell("story.consortium.step.receipts")
        stages = _furnished(made, opened)
        kept = _receipts(made, stages, told)
        tell("story.consortium.step.order")
        order = opened.enter_context(ordering(made, output / "order", engine))
        once_in_all(made, stages, order, told)
        tell("story.consortium.step.dead")
        kept |= _two_die(made, stages, told)
        files = go_on_without(made, stages, order, kept, output, told)
        tell("story.consortium.step.cheat")
        _one_cheats(made, stages, told)
        policies = {letter: made.policy_of(city) for letter, city in made.cities.items()}
    tell("story.consortium.step.offline")
    _offline(kept, policies, output, told)
    verified_offline(files, told, _zk)
    return StoryResult(NAME, time.monotonic() - begun, tuple(told.facts), tuple(told.refusals), ())


def _since(begun: float) -> str:
    return f"{time.monotonic() - begun:.1f}"


def _furnished(made: Consortium, opened: ExitStack) -> dict[str, Stage]:
    """Register a school and departments in each city, and give a parent there what the school asks about.

    In the second city it is the same family, which has moved there: its departments took the child's secret
    over. Schools have one key in all cities, so that they may share a scope.
    """
    unit = unit_seconds(pairing_check(bbs.groups.default())) * 1e3
    stages = dict[str, Stage]()
    signing = {each.name.verifier: keys.generate() for each in (SCHOOL, OTHER_SCHOOL)}
    for letter, city in made.cities.items():
        family, watch = Family(), Stopwatch(unit)
        if len(stages) == 1:
            family = replace(family, child_secret=next(iter(stages.values())).family.child_secret)
        holder = Holder(family.mother, opened.enter_context(new_vault(city.folder / "vault.sqlite3")))
        departments = Departments(family, watch)
        stage = Stage(city.local, city.folder, watch, family, holder, holder, departments)
        stages[letter] = replace(stage, signing=dict(signing))
    with ThreadPoolExecutor(_AT_ONCE) as at_once:
        list(at_once.map(_furnish, stages.values()))
    return stages


def _furnish(stage: Stage) -> None:
    stage.register()
    for item in (ID_CARD, *MOTHERS):
        stage.issue_and_claim(item, stage.mother)


def _used(stage: Stage) -> Usage:
    """A parent answers the school's question; the receipt comes pending."""
    policy = policy_of("enrolment")
    asked = stage.ask(SCHOOL, policy)
    return stage.send(stage.prepare(stage.mother, asked.link))


def _receipts(made: Consortium, stages: dict[str, Stage], told: Told) -> dict[str, Usage]:
    """A use in each city; each receipt is pending first and anchored soon after."""
    with ThreadPoolExecutor(_AT_ONCE) as at_once:
        uses = dict(zip(stages, at_once.map(_used, stages.values()), strict=True))
    for letter, use in uses.items():  # pending it shows what the log claims: that alone holds at once
        verify_receipt(use.receipt or b"", made.cities[letter].log)
    told.fact("story.consortium.receipts", count=len(uses))
    begun = time.monotonic()
    kept = {letter: _anchored(made, stages[letter], letter, use) for letter, use in uses.items()}
    verified = [_verified(made.policy_of(made.cities[letter]), use) for letter, use in kept.items()]
    least = min(len(each.cosignatures) for each in verified)
    told.fact(
        "story.consortium.anchored",
        count=len(verified),
        least=least,
        seconds=_since(begun),
        holds=all(each.is_anchored for each in verified),
    )
    return kept


def _verified(policy: Policy, use: Usage) -> VerifiedReceipt:
    return verify_receipt(use.receipt or b"", policy.logs[0].verifier, policy=policy)


def _anchored(made: Consortium, stage: Stage, letter: str, use: Usage) -> Usage:
    """Wait until a use's receipt is anchored, as a vault that looks again; CommandError if it never is."""
    city, vault = made.cities[letter], stage.mother.vault
    policy, end = made.policy_of(city), time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        stage.client.anchor(vault, city.log, policy)
        found = next(each for each in vault.usages() if each.id == use.id)
        if verify_receipt(found.receipt or b"", city.log, policy=policy, accept_pending=True).is_anchored:
            return found
        time.sleep(0.2)
    raise CommandError(Exit.UNHEALTHY, "NOT_ANCHORED", "error.not_anchored", city=city.name)


def _two_die(made: Consortium, stages: dict[str, Stage], told: Told) -> dict[str, Usage]:
    """Two cities end without warning; the others' receipts are anchored all the same."""
    dead = [made.cities[letter] for letter in list(made.cities)[-2:]]
    for city in dead:
        made.kill(city)
    letter = next(iter(stages))
    begun = time.monotonic()
    use = _anchored(made, stages[letter], letter, _used(stages[letter]))
    verified = _verified(made.policy_of(made.cities[letter]), use)
    lost = {each.key for each in dead}
    told.fact(
        "story.consortium.two_dead",
        dead=", ".join(each.name for each in dead),
        count=len(verified.cosignatures),
        seconds=_since(begun),
        holds=verified.is_anchored and not lost & {each.witness for each in verified.cosignatures},
    )
    return {letter: use}


def _one_cheats(made: Consortium, stages: dict[str, Stage], told: Told) -> None:
    """A city runs a second ledger under its key, for people who are to see another one; a receipt tells."""
    letter = list(made.cities)[1]
    city, stage = made.cities[letter], stages[letter]
    policies = [each for each in made.cities.values() if each.server and each.server.process.poll() is None]
    command: list[object] = ["--json", "ledger", "monitor", "--folder", made.folder / "monitor"]
    command += ["--interval", "0.5", "--listen", "127.0.0.1:0"]
    for each in policies:
        command += ["--policy", made.policy_file(each)]
    monitor = run(command, made.folder / "monitor.log")
    made.others.append(monitor)
    use = _used(_second_ledger(made, city, stage))
    _used(stage)  # the ledger that everybody sees grows otherwise
    receipt = made.folder / "second-receipt.txt"
    receipt.write_bytes(use.receipt or b"")
    _zk("ledger", "report", receipt, "--to", f"http://127.0.0.1:{monitor.ready['port']}")
    alarm = _alarm(monitor)
    _, found = _zk("ledger", "evidence", alarm)
    (made.folder / "accused.json").write_text(json.dumps(found))
    told.fact(
        "story.consortium.caught",
        city=city.name,
        fault=found["fault"],
        path=str(alarm),
        holds=found["accused"] == [str(city.log)] and found["grade"] == "PROVEN",
    )


def _second_ledger(made: Consortium, city: City, stage: Stage) -> Stage:
    """Copy a city's server and run both; return the parent at the copy."""
    if city.server is not None:
        city.server.end()
    copy = city.folder / "second"
    shutil.copytree(city.folder / "server", copy)
    second = made.start_second(city, copy)
    made.start_server(city)
    stage.server = city.local
    return replace(stage, server=LocalServer(second.ready["address"], copy, second.process.pid))


def _alarm(monitor: Running) -> Path:
    """Wait for the monitor's first alarm and return its file."""
    with suppress(queue.Empty):
        while line := monitor.lines.get(timeout=_PATIENCE):
            found = json.loads(line)
            if found["event"] == "alarm":
                return Path(found["file"])
    raise CommandError(Exit.UNHEALTHY, "NO_ALARM", "error.no_alarm")


def _zk(*arguments: object) -> tuple[int, dict[str, object]]:
    """Run a command to its end, as somebody else would who has nothing but the file."""
    command = [sys.executable, "-m", "zk.cli", "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)  # noqa: S603
    return done.returncode, json.loads(done.stdout)


def _offline(kept: dict[str, Usage], policies: dict[str, Policy], output: Path, told: Told) -> None:
    """With no process left, the receipt and the policy show that the cities held the ledger to it."""
    letter = next(iter(kept))
    verified = _verified(policies[letter], kept[letter])
    (output / "receipt.txt").write_bytes(kept[letter].receipt or b"")
    (output / "policy.txt").write_bytes(policies[letter].to_bytes())
    told.fact(
        "story.consortium.offline",
        city=letter.upper(),
        index=verified.index,
        names=", ".join(each.witness.name for each in verified.cosignatures),
        holds=verified.is_anchored,
    )
