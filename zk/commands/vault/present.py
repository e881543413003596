"""Answering a request: see what is asked, consent, prove, send."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from disclosure import ExchangeLink
from prover.client import HolderClient
from prover.composite.lacking import lacking_lines
from prover.composite.planning import CompositePlan, NothingFitsError
from prover.composite.sentences import composite_lines
from prover.composite.telling import CompositeConsent
from prover.consent import consent_lines
from prover.events import EventState
from prover.history import check_usage
from prover.present import Consent, Missing, Plan
from prover.vault import Vault
from zk import catalogue
from zk.commands.vault.common import (
    GROUP,
    SHORT_ID,
    PassphraseFile,
    VaultFile,
    department_names,
    department_of,
    opened,
    parsed,
    print_screen,
)
from zk.commands.vault.uses import use_data
from zk.exits import CommandError, Exit
from zk.run import Answer, Run, confirmed


@GROUP.command("present", remote=True)
def present(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    use: Annotated[list[str] | None, typer.Option("--use", metavar="ID", help="help.vault.use")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="help.vault.branch")] = None,
    pairing_code: Annotated[
        str | None, typer.Option("--pairing-code", metavar="CODE", help="help.vault.pairing_code")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """See what is asked, consent, prove, send; the receipt is checked before it is believed."""
    exchange, log = parsed(ExchangeLink, link), run.log_verifier()
    with opened(run, file, passphrase_file) as vault, lacking_told(run):
        usage = HolderClient(run.endpoint).answer(
            exchange,
            vault,
            log,
            lambda consent: agrees(run, consent, yes),
            choose=choose(run, vault, use),
            choose_composite=choosing_composite(run, vault, use, branch, yes),
            pair=_pair(run, pairing_code),
        )
    receipt = check_usage(usage, log)
    size = receipt.checkpoint.size
    shown = run.text("vault.presented", index=receipt.index, size=size)
    return Answer({**use_data(run, usage), "entry_index": receipt.index, "tree_size": size}, [shown])


@GROUP.command("decline", remote=True)
def decline(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    pairing_code: Annotated[
        str | None, typer.Option("--pairing-code", metavar="CODE", help="help.vault.pairing_code")
    ] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Say no to a request; the verifier is told so, and the no stands in the history with a receipt."""
    exchange, log = parsed(ExchangeLink, link), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        event = HolderClient(run.endpoint).decline(exchange, vault, log, pair=_pair(run, pairing_code))
    data = {"event": event.id, "state": event.state.value, "reason": event.reason}
    if event.state is EventState.REFUSED:
        return Answer(data, [run.text("vault.refused", reason=event.reason)], Exit.REFUSED)
    waits = [run.text("vault.consent_waits")] if event.state is EventState.SENT else []
    return Answer(data, [run.text("vault.declined"), *waits])


def _pair(run: Run, given: str | None) -> Callable[[], str] | None:
    """Return how the pairing code is had: as it was given, or typed; a script has to give it."""
    if given is not None:
        return lambda: given
    if not sys.stdin.isatty():
        return None

    def typed() -> str:
        run.err.print(run.text("vault.ask_pairing"), end=" ", soft_wrap=True)
        return sys.stdin.readline().strip()

    return typed


@contextmanager
def lacking_told(run: Run) -> Iterator[None]:
    """Tell what every branch lacks if the chosen one cannot be answered, be it only found after consent."""
    try:
        yield
    except NothingFitsError as error:
        print_screen(run.err, lacking_lines(error.plan, run.lang, department_names()))
        raise


def choose(run: Run, vault: Vault, use: list[str] | None) -> Callable[[Plan], Plan]:
    """Return how credentials are chosen for a plain request: as they were named, else the newest."""
    return lambda planned: _choose(run, planned, _ids(vault, use))


def choosing_composite(
    run: Run, vault: Vault, use: list[str] | None, branch: str | None, yes: bool
) -> Callable[[CompositePlan], CompositePlan]:
    """Return how branch and credentials are chosen for a composite request; see `_branch_of`."""
    return lambda planned: _choose_composite(run, _branch_of(run, planned, branch, yes), _ids(vault, use))


def _ids(vault: Vault, use: list[str] | None) -> list[str]:
    return [vault.credential(each).id for each in use or ()]


def _choose(run: Run, planned: Plan, chosen: Sequence[str]) -> Plan:
    """Take the credentials that were named; say which others fit where none was."""
    for missing in planned.missing:
        raise _missing(run, missing)
    for option in planned.options:
        fitting = [each.id for each in option.fitting]
        for each in _named(run, fitting, chosen):
            planned = planned.choose(option.query.id, each)
    return planned


def _branch_of(run: Run, planned: CompositePlan, branch: str | None, yes: bool) -> CompositePlan:
    """Take the branch that was named; else the person says which of those that can be answered.

    Whoever answers by a later branch lets the verifier guess that the earlier ones could not be answered:
    that is not for a program to tell, so a script says it with --branch too, unless the first one fits.
    """
    if branch is not None:
        return planned.choose_branch(branch)
    if planned.missing or not planned.is_open or (yes and planned.is_first):
        return planned
    able = ", ".join(planned.answerable)
    print_screen(run.err, lacking_lines(planned, run.lang, department_names()))
    if yes or not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "BRANCH_UNCLEAR", "error.branch_unclear", branches=able)
    run.err.print(run.text("vault.ask_branch", branches=able), end=" ", soft_wrap=True)
    return planned.choose_branch(sys.stdin.readline().strip())


def _choose_composite(run: Run, planned: CompositePlan, chosen: Sequence[str]) -> CompositePlan:
    """Take the credentials that were named; say which others fit where none was."""
    for query, fitting in planned.chosen.fitting.items():
        for each in _named(run, [held.id for held in fitting], chosen):
            planned = planned.choose(query, each)
    return planned


def _named(run: Run, fitting: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Return those of the fitting that were named; say which there are if none was."""
    named = [each for each in fitting if each in chosen]
    if len(fitting) > 1 and not named:
        run.warn("vault.choose", names=", ".join(each[:SHORT_ID] for each in fitting))
    return named


def _missing(run: Run, missing: Missing) -> CommandError:
    schema = catalogue.builtin().find(f"{missing.query.schema.item}@{missing.query.schema.version}")
    known = schema is not None and schema.name == missing.query.schema
    name = run.local(schema.display_name) if schema and known else missing.query.schema
    department = department_of(run, missing.query.schema)
    return CommandError(Exit.REFUSED, "NOTHING_FITS", "vault.missing", name=name, department=department)


def agrees(run: Run, consent: Consent | CompositeConsent, yes: bool) -> bool:
    """Show the consent screen and ask; with --yes a script has consented before."""
    screen, names = run.err if run.as_json else run.out, department_names()
    if isinstance(consent, CompositeConsent):
        print_screen(screen, composite_lines(consent, run.lang, names))
    else:
        print_screen(screen, consent_lines(consent, run.lang, names))
    screen.print(run.text("vault.consent_service"), soft_wrap=True)
    return yes or confirmed(run, "vault.ask_consent")
