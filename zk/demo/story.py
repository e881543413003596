"""The demo's story from beginning to end, over a real server; returns what was found and prints nothing."""

import datetime as dt
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import bbs
from prover.consent import show_date, show_value
from prover.history import check_usage
from prover.records import Usage
from tlog import AuditReport, BlockHeader, parse_entry
from verifier.client import Answered
from verifier.policy import Policy
from verifier.verify import verify_presentation
from zk.bench.measure import pairing_check, unit_seconds
from zk.demo import refusals
from zk.demo.bank import run_bank
from zk.demo.people import BANK, INSURANCE, PERMIT, SCHOOL, Asker, Holder
from zk.demo.result import DemoResult, Ledger, Place, View
from zk.demo.stage import Stage, Stopwatch, example, new_vault, utc_now
from zk.exits import CommandError, Exit
from zk.export import export
from zk.local_server import running_server
from zk.messages import Language, local, text
from zk.service import Service

_MARK: Final = ".zk-demo"
_PATIENCE: Final = dt.timedelta(seconds=60)


def run_demo(output: Path, lang: Language, tell: Callable[[str], None] = lambda _: None) -> DemoResult:
    """Play the demo in an output folder that is made anew; `tell` gets the name of each step as it begins.

    Raises what goes wrong that must not; what must fail and how it did stands in the result.
    """
    begun = time.monotonic()
    _fresh(output)
    group = bbs.groups.default()
    watch = Stopwatch(unit_seconds(pairing_check(group)) * 1e3)
    tell("demo.step.server")
    with (
        running_server(output / "server", output / "server.log") as server,
        new_vault(output / "vault.sqlite3") as vault,
    ):
        stage = Stage(server, output, watch, vault)
        found = _play(stage, lang, tell)
    return DemoResult(
        server=server.address,
        group=group.name,
        pairing_check_ms=watch.pairing_check_ms,
        sizes=tuple(watch.sizes),
        times=tuple(watch.times),
        leaks=leaks(output, stage.holder),
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
    school = Policy.load(example("policies/school.yaml"))
    tell("demo.step.register")
    schemas = stage.register()
    tell("demo.step.issue")
    for item in (PERMIT, INSURANCE):
        stage.issue_and_claim(schemas[item], item)
    tell("demo.step.school")
    school_use, answered = _school(stage, school)
    tell("demo.step.bank")
    bank_use, printed = run_bank(stage)
    tell("demo.step.refusals")
    late = refusals.prepare_to_be_late(stage, school)
    changed, accepted = refusals.changed_attribute(stage, school)
    replays, same = refusals.replayed(stage, school, school_use)
    refused = [
        changed,
        *replays,
        *refusals.other_verifier(stage, school),
        refusals.expired(stage, late),
        refusals.unknown_issuer(stage, school, schemas[PERMIT]),
    ]
    tell("demo.step.ledger")
    ledger = stage.output / "ledger.txt"
    report, blocks = _export(stage, ledger)
    refused.append(refusals.tampered_ledger(stage, ledger, stage.output / "ledger-tampered.txt", lang))
    _measure_sizes(stage, school_use, answered, ledger)
    return {
        "views": _views(stage, answered, bank_use, lang),
        "places": (
            _place(stage, SCHOOL, school_use, blocks, lang),
            _place(stage, BANK, bank_use, blocks, lang),
            _place(stage, SCHOOL, accepted, blocks, lang, again=True),
        ),
        "refusals": tuple(refused),
        "ledger": Ledger(ledger, report.size, report.blocks, report.receipts, report.records, report.root),
        "repeated_receipt_same": same,
        "accepted_after_refusal": accepted.receipt is not None,
        "bank_output": json.dumps(printed),
    }


def _school(stage: Stage, policy: Policy) -> tuple[Usage, Answered]:
    """The school asks, the holder answers, the school verifies for itself and keeps the record."""
    opened = stage.ask(SCHOOL, policy)
    usage = stage.send(stage.prepare(opened.link))
    with stage.verifier(SCHOOL) as client:
        answered = stage.watch.time("demo.time.verify", lambda: client.wait(opened, _PATIENCE))
    record = answered.record
    stage.watch.time(
        "demo.time.verify_proofs",
        lambda: verify_presentation(record.request, record.presentation, record.directory, utc_now()),
    )
    record.save(stage.output / "school-record.json")
    return usage, answered


def _export(stage: Stage, path: Path) -> tuple[AuditReport, list[BlockHeader]]:
    """Export and audit the ledger; also return its blocks."""
    with Service(stage.endpoint) as service:
        signed = service.checkpoint()
        report, _ = stage.watch.time("demo.time.ledger", lambda: export(service, signed, path, stage.log))
        entries = [each for page in service.entries(0, report.size) for each in page]
    parsed = [parse_entry(each.octets) for each in entries]
    return report, [each for each in parsed if isinstance(each, BlockHeader)]


def _place(
    stage: Stage,
    asker: Asker,
    usage: Usage,
    blocks: list[BlockHeader],
    lang: Language,
    *,
    again: bool = False,
) -> Place:
    """Check a receipt as its holder does, offline, and say where it stands; keep it as a file.

    `again` says that it is the one for the true answer, given after a forged one was refused.
    """
    receipt = stage.watch.time("demo.time.receipt", lambda: check_usage(usage, stage.log))
    octets = usage.receipt or b""
    name = f"receipt-{asker.name.verifier}{'-after-forgery' if again else ''}.tlog-proof"
    (stage.output / name).write_bytes(octets)
    block = next(each for each in blocks if each.first_index <= receipt.index < each.index)
    party = local(lang, asker.display_name)
    if again:
        party = text(lang, "demo.places.after_forgery", party=party)
    return Place(party, receipt.index, block.height, receipt.checkpoint.size, len(octets))


def _measure_sizes(stage: Stage, usage: Usage, answered: Answered, ledger: Path) -> None:
    watch, credential = stage.watch, stage.vault.credentials()[0].credential
    watch.size("demo.size.signature", len(credential.signature))
    watch.size("demo.size.request", len(usage.request_payload))
    for part in usage.presentation.credentials:
        watch.size(f"demo.size.proof_{part.shown.query}", len(part.proof))
    watch.size("demo.size.presentation", len(usage.presentation.canonical))
    watch.size("demo.size.note", len(usage.holder_note))
    watch.size("demo.size.receipt", len(usage.receipt or b""))
    watch.size("demo.size.record", len(answered.record.to_bytes()))
    watch.size("demo.size.ledger", ledger.stat().st_size)


def _views(stage: Stage, answered: Answered, bank_use: Usage, lang: Language) -> tuple[View, ...]:
    school = _view(stage, SCHOOL, answered.record.presentation.credentials, lang)
    bank = _view(stage, BANK, bank_use.presentation.credentials, lang)
    others = [
        View(text(lang, f"demo.view.{name}"), ((text(lang, f"demo.view.{name}_learns"), ""),), ())
        for name in ("service", "public", "departments")
    ]
    return (school, bank, *others)


def _view(stage: Stage, asker: Asker, parts: Any, lang: Language) -> View:
    """Say what a verifier learnt and what stayed hidden, from the very presentation that it received."""
    held = {each.schema.name: each for each in stage.vault.credentials()}
    learnt, hidden = list[tuple[str, str]](), list[str]()
    for part in parts:
        schema = held[part.shown.schema].schema
        for each in schema.attributes:
            label = f"{local(lang, schema.display_name)} / {local(lang, each.display_name)}"
            if each.id in part.shown.values:
                learnt.append((label, show_value(each, part.shown.values[each.id], lang)))
            else:
                hidden.append(local(lang, each.display_name))
        if part.shown.expiry:
            label = f"{local(lang, schema.display_name)} / {text(lang, 'vault.expiry')}"
            learnt.append((label, show_date(part.shown.expiry, lang)))
    return View(local(lang, asker.display_name), tuple(learnt), tuple(hidden))


def leaks(output: Path, holder: Holder) -> tuple[str, ...]:
    """Look for the holder's name and number in all that others keep: service, verifiers, ledger, receipts.

    Returns which of the two was found in which file. The vault is the holder's own and is encrypted.
    """
    files = [each for each in output.rglob("*") if each.is_file() and not each.name.startswith("vault.")]
    found = [
        f"{name}: {path.relative_to(output)}"
        for path in files
        for name, forms in holder.secrets().items()
        if any(form in path.read_bytes() for form in forms)
    ]
    return tuple(found)
