"""One-chain errands: begun, agreed to once, submitted once, followed; and gone on with."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from disclosure.errand import BundleLink, Counter, ErrandBundleName, FormField, FormValue
from prover.client.errands import Choosing, Declare, ErrandClient
from prover.composite.lacking import lacking_lines
from prover.composite.planning import CompositePlan, NothingFitsError
from prover.consent import show_moment
from prover.errands.planning import ErrandConsent
from prover.errands.records import HeldErrand, Stage
from prover.errands.screen import errand_lines, show_declared
from prover.errands.view import ErrandState, ErrandView, PartState, PartView
from prover.present import Plan
from prover.usages import UsageState
from prover.vault import Vault
from tlog import Verifier
from zk.commands.vault.common import (
    GROUP,
    SHORT_ID,
    PassphraseFile,
    VaultFile,
    department_names,
    opened,
    print_screen,
    table_of,
)
from zk.commands.vault.uses import use_data
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Answer, Run, confirmed

ERRANDS: Final = Group(
    f"{GROUP.name}.errands",
    typer.Typer(name="errands", help=f"help.{GROUP.name}.errands", no_args_is_help=True),
)
Errand = Annotated[str, typer.Argument(metavar="ID", help="help.vault.errand")]
Declared = Annotated[
    list[str] | None, typer.Option("--declare", metavar="FIELD=VALUE", help="help.vault.declare")
]
Use = Annotated[list[str] | None, typer.Option("--use", metavar="ID", help="help.vault.use")]
Yes = Annotated[bool, typer.Option("--yes", help="help.vault.yes")]
Patience = Annotated[float, typer.Option("--timeout", min=0.0, help="help.vault.errand_timeout")]
_STATES: Final[Mapping[PartState, str]] = {
    PartState.WAITING: "vault.errand_waiting",
    PartState.ASKED: "vault.errand_asked",
    PartState.SUBMITTED: "vault.errand_submitted",
    PartState.RECEIVED: "vault.errand_received",
    PartState.IN_PROGRESS: "vault.errand_in_progress",
    PartState.DONE: "vault.errand_done",
    PartState.REJECTED: "vault.errand_rejected",
    PartState.ENDED: "vault.errand_ended",
}
_STAGES: Final[Mapping[Stage, str]] = {
    Stage.BEGUN: "vault.errand_stage_begun",
    Stage.SUBMITTED: "vault.errand_stage_submitted",
    Stage.ENDED: "vault.errand_stage_ended",
}


@ERRANDS.command("list")
def listed(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List the vault's own errands; nobody is asked."""
    with opened(run, file, passphrase_file) as vault:
        found = vault.errands.all()
    table = table_of(run, "vault.id", "vault.errand_bundle", "vault.errand_begun", "vault.errand_stage")
    for each in found:
        table.add_row(
            each.id[:SHORT_ID],
            run.local(each.bundle.display_name),
            show_moment(each.begun, run.lang),
            run.text(_STAGES[each.stage]),
        )
    lines: list[Any] = [table] if found else [run.text("vault.errand_none")]
    return Answer({"errands": list(map(_held_data, found))}, lines)


@ERRANDS.command("start", remote=True)
def start(
    run: Run,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE@VERSION|LINK", help="help.vault.bundle_or_link")],
    declare: Declared = None,
    use: Use = None,
    yes: Yes = False,
    timeout: Patience = 300.0,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Begin an errand, wait until its counters have asked, consent once, submit once."""
    wanted, log = _wanted(bundle), run.log_verifier()
    written = _pairs(declare)
    with opened(run, file, passphrase_file) as vault:
        errand = _begun(ErrandClient(run.endpoint), wanted, vault, log)
        run.say(run.text("vault.errand_started", id=errand.id[:SHORT_ID]))
        return _submitted(run, vault, errand, written, use, yes, timeout)


@ERRANDS.command("show", remote=True)
def show(run: Run, errand: Errand, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Tell how far an errand is now, what its counters have told, and what was declared."""
    with opened(run, file, passphrase_file) as vault:
        view = ErrandClient(run.endpoint).look(errand, vault)
        held = vault.errands.one(errand)
        declared = {each.part: vault.errands.defaults(each) for each in held.bundle.counters}
    lines = _view_lines(run, held, view)
    for counter in held.bundle.counters:
        lines += [_declared_line(run, each, declared[counter.part]) for each in counter.fields]
    return Answer(_view_data(held, view), lines)


@ERRANDS.command("follow", remote=True)
def follow(
    run: Run, errand: Errand, file: VaultFile = None, passphrase_file: PassphraseFile = None
) -> Answer:
    """Follow an errand live until it is over; with --json one line for each change."""
    with opened(run, file, passphrase_file) as vault:
        held, last = vault.errands.one(errand), None
        for view in ErrandClient(run.endpoint).follow(errand, vault):
            if last is not None:
                run.document(_view_data(held, last))
                run.say(*_view_lines(run, held, last))
            last = view
    if last is None:
        return Answer(_held_data(held))
    return Answer(_view_data(held, last), _view_lines(run, held, last))


@ERRANDS.command("resume", remote=True)
def resume(
    run: Run,
    errand: Annotated[str | None, typer.Argument(metavar="ID", help="help.vault.errand_resume")] = None,
    declare: Declared = None,
    use: Use = None,
    yes: Yes = False,
    timeout: Patience = 300.0,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Send again what broke off; with an errand, submit what its counters ask for now."""
    log = run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        settled = ErrandClient(run.endpoint).resume(vault, log)
        if errand is not None:
            held = vault.errands.one(errand)
            return _submitted(run, vault, held, _pairs(declare), use, yes, timeout)
    answered = sum(each.state is UsageState.ANSWERED for each in settled)
    return Answer({"answered": answered}, [run.text("vault.errand_resumed", count=answered)])


@ERRANDS.command("retry", remote=True)
def retry(
    run: Run,
    errand: Errand,
    part: Annotated[str, typer.Argument(help="help.vault.errand_part")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Open a rejected part again; `resume` submits it once its counter has asked anew."""
    with opened(run, file, passphrase_file) as vault:
        view = ErrandClient(run.endpoint).retry(errand, part, vault)
        held = vault.errands.one(errand)
    return Answer(_view_data(held, view), _view_lines(run, held, view))


@ERRANDS.command("abandon", remote=True)
def abandon(
    run: Run, errand: Errand, file: VaultFile = None, passphrase_file: PassphraseFile = None
) -> Answer:
    """End an errand that was not submitted."""
    log = run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        event = ErrandClient(run.endpoint).abandon(errand, vault, log)
    data = {"event": event.id, "state": event.state.value, "reason": event.reason}
    return Answer(data, [run.text("vault.errand_abandoned", state=event.state.value)])


def _wanted(said: str) -> ErrandBundleName | BundleLink:
    """Return the bundle that is to be begun: its name with the version, or the link of a counter's page."""
    if BundleLink.begins(said):
        return BundleLink.parse(said)
    return ErrandBundleName.parse(f"errandBundles/{said}")


def _begun(
    client: ErrandClient, wanted: ErrandBundleName | BundleLink, vault: Vault, log: Verifier
) -> HeldErrand:
    if isinstance(wanted, BundleLink):
        return client.begin(wanted, vault, log)
    return client.start(wanted, vault, log)


def _submitted(
    run: Run,
    vault: Vault,
    errand: HeldErrand,
    written: Mapping[str, str],
    use: Sequence[str] | None,
    yes: bool,
    timeout: float,
) -> Answer:
    client, log = ErrandClient(run.endpoint), run.log_verifier()
    run.say(run.text("vault.errand_waits"))
    client.wait_until_asked(errand.id, vault, dt.timedelta(seconds=timeout))
    chosen = [vault.credential(each).id for each in use or ()]
    try:
        uses = client.submit(
            errand.id,
            vault,
            log,
            lambda consent: _agrees(run, consent, yes),
            declare=_declaring(run, written, yes),
            choosing=Choosing(lambda each: _plain(each, chosen), lambda each: _composite(each, chosen)),
        )
    except NothingFitsError as error:
        print_screen(run.err, lacking_lines(error.plan, run.lang, department_names()))
        raise
    data = {"errand": errand.id, "uses": [use_data(run, each) for each in uses]}
    return Answer(data, [run.text("vault.errand_sent", count=len(uses), id=errand.id[:SHORT_ID])])


def _plain(plan: Plan, chosen: Sequence[str]) -> Plan:
    for option in plan.options:
        for each in option.fitting:
            if each.id in chosen:
                plan = plan.choose(option.query.id, each.id)
    return plan


def _composite(plan: CompositePlan, chosen: Sequence[str]) -> CompositePlan:
    for query, fitting in plan.chosen.fitting.items():
        for each in fitting:
            if each.id in chosen:
                plan = plan.choose(query, each.id)
    return plan


def _agrees(run: Run, consent: ErrandConsent, yes: bool) -> bool:
    """Show the one screen and ask once; with --yes a script has consented before."""
    screen = run.err if run.as_json else run.out
    print_screen(screen, errand_lines(consent, run.lang, department_names()))
    return yes or confirmed(run, "vault.ask_errand")


def _declaring(run: Run, written: Mapping[str, str], yes: bool) -> Declare:
    """Take what was written on the command line, else what was declared before; ask for what is missing."""

    def declare(counter: Counter, defaults: Mapping[str, FormValue]) -> dict[str, FormValue]:
        values = dict(defaults)
        for each in counter.fields:
            if each.id in written:
                values[each.id] = each.parse(written[each.id])
            elif each.id not in values and not each.optional and not yes and sys.stdin.isatty():
                run.err.print(run.text("vault.ask_field", field=run.local(each.display_name)), end=" ")
                values[each.id] = each.parse(sys.stdin.readline().strip())
        return values

    return declare


def _pairs(declare: Sequence[str] | None) -> dict[str, str]:
    pairs = dict[str, str]()
    for each in declare or ():
        name, equals, value = each.partition("=")
        if not equals or name in pairs:
            raise CommandError(Exit.USAGE, "FIELD_UNCLEAR", "error.field_unclear", given=name)
        pairs[name] = value
    return pairs


def _held_data(errand: HeldErrand) -> dict[str, Any]:
    return {
        "errand": errand.id,
        "bundle": str(errand.bundle.name),
        "begun": errand.begun.isoformat(timespec="seconds"),
        "stage": errand.stage.value,
    }


def _view_data(errand: HeldErrand, view: ErrandView) -> dict[str, Any]:
    return {
        **_held_data(errand),
        "state": view.state.value,
        "parts": [
            {
                "part": each.part,
                "state": each.state.value,
                "told": [
                    {
                        "state": one.state.value,
                        "time": one.time.isoformat(timespec="seconds"),
                        "message": None if one.message is None else one.message.items(),
                        "document": one.document,
                        "offer": None if one.offer is None else str(one.offer),
                    }
                    for one in each.told
                ],
            }
            for each in view.parts
        ],
    }


def _view_lines(run: Run, errand: HeldErrand, view: ErrandView) -> list[str]:
    title = run.text(
        "vault.errand_title", name=run.local(errand.bundle.display_name), id=errand.id[:SHORT_ID]
    )
    lines = [title]
    for each in view.parts:
        lines += _part_lines(run, errand, each)
    if view.state is ErrandState.DONE:
        lines.append(run.text("vault.errand_all_done"))
    return lines


def _part_lines(run: Run, errand: HeldErrand, part: PartView) -> list[str]:
    name = run.local(errand.bundle.counter(part.part).display_name)
    lines = [run.text("vault.errand_part", name=name, part=part.part, state=run.text(_STATES[part.state]))]
    for each in part.told:
        if each.message is not None:
            lines.append(
                run.text(
                    "vault.errand_told", time=show_moment(each.time, run.lang), text=run.local(each.message)
                )
            )
        if each.document:
            lines.append(run.text("vault.errand_document", document=each.document))
        if each.offer is not None:
            lines.append(run.text("vault.errand_offer", link=each.offer))
    return lines


def _declared_line(run: Run, field: FormField, values: Mapping[str, FormValue]) -> str:
    value = show_declared(field, values.get(field.id), run.lang)
    return run.text("vault.errand_declared", field=run.local(field.display_name), value=value)
