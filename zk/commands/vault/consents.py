"""Standing consents of a holder: granted, listed, attended to, withdrawn."""

import time
from functools import partial
from typing import Annotated, Any, Final

import typer

from disclosure import ConsentLink
from prover.client import HolderClient
from prover.client.consents import Attended, ConsentClient, StandingConsent
from prover.composite.sentences import composite_lines
from prover.composite.telling import CompositeConsent
from prover.consent import consent_lines, show_date, show_moment
from prover.errors import PresentingError, VaultReason
from prover.events import Event, EventState
from prover.following import FAULTS
from prover.standing import HeldConsent
from prover.vault import Vault
from tlog import Verifier
from zk.commands.vault.common import (
    GROUP,
    SHORT_ID,
    PassphraseFile,
    VaultFile,
    department_names,
    opened,
    parsed,
    print_screen,
    table_of,
)
from zk.exits import Exit
from zk.failure import explain
from zk.group import Group
from zk.run import Answer, Run, confirmed

CONSENTS: Final = Group(
    f"{GROUP.name}.consents",
    typer.Typer(name="consents", help=f"help.{GROUP.name}.consents", no_args_is_help=True),
)
_LOOK_SECONDS: Final = 60.0


@CONSENTS.command("answer", remote=True)
def answer(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.consent_link")],
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """See what a verifier wants to ask again and again, and grant it or not."""
    asked, log = parsed(ConsentLink, link), run.log_verifier()
    agreed = list[bool]()

    def agrees(consent: StandingConsent) -> bool:
        agreed.append(_agrees(run, consent, yes))
        return agreed[-1]

    with opened(run, file, passphrase_file) as vault:
        event = ConsentClient(run.endpoint).answer(asked, vault, log, agrees)
    if agreed == [False]:
        raise PresentingError(VaultReason.DECLINED, "the person said no")
    return _told(run, event, "vault.consent_granted")


def _agrees(run: Run, consent: StandingConsent, yes: bool) -> bool:
    screen, names = run.err if run.as_json else run.out, department_names()
    if isinstance(consent.each, CompositeConsent):
        print_screen(screen, composite_lines(consent.each, run.lang, names))
    else:
        print_screen(screen, consent_lines(consent.each, run.lang, names))
    screen.print(run.text("vault.consent_terms", **_terms(run, consent.terms)), soft_wrap=True)
    return yes or confirmed(run, "vault.ask_standing_consent")


def _terms(run: Run, terms: Any) -> dict[str, object]:
    return {
        "times": terms.times,
        "days": terms.interval_days,
        "until": show_date(terms.until, run.lang),
    }


def _told(run: Run, event: Event, key: str) -> Answer:
    data = {"event": event.id, "state": event.state.value, "reason": event.reason}
    if event.state is EventState.REFUSED:
        return Answer(data, [run.text("vault.refused", reason=event.reason)], Exit.REFUSED)
    sent = event.state is EventState.SENT
    return Answer(data, [run.text(key), *([run.text("vault.consent_waits")] if sent else [])])


@CONSENTS.command("list", remote=True)
def consents(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List the standing consents; those of a lost phone are read again where the ledger gave them back."""
    with opened(run, file, passphrase_file) as vault:
        if vault.readings.found():
            ConsentClient(run.endpoint).recovered(vault, run.log_verifier())
        held = vault.consents.all()
    table = table_of(
        run, "vault.id", "vault.history_verifier", "vault.history_purpose", "vault.consent_limits",
        "vault.consent_used", "vault.consent_state",
    )  # fmt: skip
    for each in held:
        table.add_row(
            each.id[:SHORT_ID],
            run.local(each.verifier_display_name),
            run.local(each.terms.asked.purpose),
            run.text("vault.consent_limit", **_terms(run, each.terms)),
            str(len(each.uses)),
            run.text(f"vault.grant.{each.state.value}"),
        )
    lines: list[Any] = [table] if held else [run.text("vault.consents_none")]
    return Answer({"consents": [_data(run, each) for each in held]}, lines)


def _data(run: Run, held: HeldConsent) -> dict[str, Any]:
    terms = held.terms
    return {
        "id": held.id,
        "consent": held.link.consent,
        "verifier": str(terms.verifier),
        "verifier_name": run.local(held.verifier_display_name),
        "purpose": run.local(terms.asked.purpose),
        "times": terms.times,
        "interval_days": terms.interval_days,
        "until": terms.until.isoformat(),
        "state": held.state.value,
        "uses": [each.isoformat(timespec="seconds") for each in held.uses],
    }


@CONSENTS.command("withdraw", remote=True)
def withdraw(
    run: Run,
    consent: Annotated[str, typer.Argument(help="help.vault.consent")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Withdraw a standing consent, at once."""
    with opened(run, file, passphrase_file) as vault:
        event = ConsentClient(run.endpoint).withdraw(consent, vault, run.log_verifier())
    return _told(run, event, "vault.consent_withdrawn")


@GROUP.command("attend", remote=True)
def attend(
    run: Run,
    once: Annotated[bool, typer.Option("--once", help="help.vault.once")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Answer what standing consents allow, refuse what is beyond, until Ctrl-C."""
    log, told = run.log_verifier(), list[dict[str, Any]]()
    with opened(run, file, passphrase_file) as vault:
        try:
            while True:
                for each in _attended_now(run, vault, log, once=once):
                    told.append(_attended(each))
                    if not once:
                        run.document({"event": "attended", **told[-1]})
                    run.say(_line(run, each))
                if once:
                    break
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            if once:
                raise
    answered = sum(each["usage"] is not None for each in told)
    summary = run.text("vault.attended", answered=answered, refused=len(told) - answered)
    return Answer({"attended": told}, [summary])


def _attended_now(run: Run, vault: Vault, log: Verifier, *, once: bool) -> list[Attended]:
    """Go on with what was broken off, then attend to what waits: what holds up the one does not the other."""
    done, failures = list[Attended](), list[Exception]()

    def attend() -> None:
        done.extend(ConsentClient(run.endpoint).attend(vault, log))

    for step in (partial(HolderClient(run.endpoint).resume, vault, log), attend):
        try:
            step()
        except FAULTS as error:
            failures.append(error)
            if not once:
                run.warn("vault.follow_failed", problem=explain(error, run.lang, way=run.way()).message)
    if once and failures:
        raise failures[0]
    return done


def _attended(attended: Attended) -> dict[str, Any]:
    usage = attended.usage
    return {
        "consent": attended.consent,
        "exchange": attended.exchange,
        "usage": None if usage is None else usage.id,
        "reason": attended.reason,
    }


def _line(run: Run, attended: Attended) -> str:
    if attended.usage is None:
        return run.text("vault.attended_not", reason=attended.reason)
    moment = show_moment(attended.usage.time, run.lang)
    verifier = run.local(attended.usage.verifier_display_name)
    return run.text("vault.attended_one", verifier=verifier, time=moment)
