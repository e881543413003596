"""What the vault's owner applies for, and, in a company's vault, whom it appoints."""

import datetime as dt
from typing import Annotated, Any, Final

import typer

from disclosure import Schema
from disclosure.application import Scope, ScopeKind
from disclosure.written import parse_value
from prover.client.applications import AgentCode, ApplicationClient, Applied, Appointed, State
from prover.consent import show_date, show_moment
from prover.events import Event
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.exits import CommandError, Exit
from zk.run import Answer, Run
from zk.service import Service
from zk.subjects import secret_number

APPOINTMENT: Final = "agent_appointment"
"""The item that appointments are, unless another one is named."""
_STATES: Final = {
    State.OPEN: "account.state_open",
    State.APPROVED: "account.state_approved",
    State.REFUSED: "account.state_refused",
    State.CANCELLED: "account.state_cancelled",
}
_SCOPES: Final = {ScopeKind.ITEM: "account.scope_item", ScopeKind.ERRAND: "account.scope_errand"}


@GROUP.command("apply", remote=True)
def apply(
    run: Run,
    item: Annotated[str, typer.Argument(help="help.issuer.item")],
    grounds: Annotated[str, typer.Option("--grounds", help="help.vault.grounds")],
    value: Annotated[
        list[str] | None, typer.Option("-v", "--value", metavar="NAME=VALUE", help="help.vault.applied_value")
    ] = None,
    company: Annotated[str | None, typer.Option("--company", help="help.vault.on_behalf")] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Apply to a department for an item, of one's own or, as its agent, of a company's."""
    log, behalf = run.log_verifier(), secret_number(company) if company else ""
    schema = _schema(run, item)
    values = dict(_value(schema, each) for each in value or ())
    with opened(run, file, passphrase_file) as vault:
        client = ApplicationClient(run.endpoint)
        event = client.apply(schema, grounds, vault, log, values=values, company=behalf)
    name = run.local(schema.display_name)
    return Answer(_event(event) | {"schema": str(schema.name)}, [run.text("account.applied", name=name)])


@GROUP.command("applications", remote=True)
def applications(
    run: Run,
    cancel: Annotated[
        str | None, typer.Option("--cancel", metavar="NAME", help="help.vault.cancel_application")
    ] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """List what was applied for, with what the departments have decided; or take one back."""
    log, client = run.log_verifier(), ApplicationClient(run.endpoint)
    with opened(run, file, passphrase_file) as vault:
        if cancel is not None:
            client.cancel(cancel, vault, log)
        found = client.applications(vault, log)
    lines = [_applied_line(run, each) for each in found] or [run.text("account.no_applications")]
    return Answer({"applications": [_applied(run, each) for each in found]}, lines)


@GROUP.command("appoint", remote=True)
def appoint(
    run: Run,
    agent: Annotated[str, typer.Argument(metavar="CODE", help="help.vault.agent")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="help.vault.appoint_until")],
    grounds: Annotated[str, typer.Option("--grounds", help="help.vault.grounds")],
    item: Annotated[list[str] | None, typer.Option("--item", help="help.vault.appoint_item")] = None,
    errand: Annotated[list[str] | None, typer.Option("--errand", help="help.vault.appoint_errand")] = None,
    schema: Annotated[str, typer.Option("--schema", help="help.vault.appoint_schema")] = APPOINTMENT,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Appoint an agent, from the company's vault, for items and errands until a day."""
    try:
        code, last = AgentCode.parse(agent), dt.date.fromisoformat(until)
    except ValueError:
        raise CommandError(Exit.USAGE, "AGENT_UNCLEAR", "error.agent_unclear") from None
    scopes = [Scope(ScopeKind.ITEM, each) for each in item or ()]
    scopes += [Scope(ScopeKind.ERRAND, each) for each in errand or ()]
    log, name = run.log_verifier(), _schema(run, schema).name
    with opened(run, file, passphrase_file) as vault:
        client = ApplicationClient(run.endpoint)
        event = client.appoint(name, code, scopes, last, grounds, vault, log)
    said = run.text("account.appointed", agent=code.account, until=show_date(last, run.lang))
    return Answer(_event(event) | {"agent": code.account}, [said])


@GROUP.command("appointments", remote=True)
def appointments(
    run: Run,
    end: Annotated[
        str | None, typer.Option("--end", metavar="NAME", help="help.vault.end_appointment")
    ] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """List the company's agents and what they may do; or end an appointment, at once."""
    log, client = run.log_verifier(), ApplicationClient(run.endpoint)
    with opened(run, file, passphrase_file) as vault:
        found = client.appointments(vault, log)
        if end is not None:
            chosen = [each for each in found if each.name == end]
            if not chosen:
                raise CommandError(Exit.REFUSED, "NOT_FOUND", "error.no_appointment", name=end)
            client.end(chosen[0], vault, log)
            found = client.appointments(vault, log)
    lines = [line for each in found for line in _appointed_lines(run, each)]
    data = {"appointments": [_appointed(each) for each in found]}
    return Answer(data, lines or [run.text("account.no_appointments")])


def _schema(run: Run, item: str) -> Schema:
    """Return what can be applied for; who applies cannot register what is not there."""
    from zk.commands.issuer.common import registered_schema  # noqa: PLC0415, it loads a department's commands

    with Service(run.endpoint) as service:
        try:
            return registered_schema(run, service, item, None)
        except CommandError as error:
            if error.reason != "SCHEMA_UNKNOWN":
                raise
            raise CommandError(Exit.REFUSED, error.reason, "error.item_not_offered", item=item) from None


def _value(schema: Schema, written: str) -> tuple[str, Any]:
    name, equals, text = written.partition("=")
    if not equals:
        raise CommandError(Exit.USAGE, "VALUE_UNREADABLE", "error.value_unreadable", name=name)
    return name, parse_value(schema.attribute(name), text)


def _event(event: Event) -> dict[str, Any]:
    return {"event": event.id, "state": event.state.value}


def _applied_line(run: Run, each: Applied) -> str:
    state = run.text(_STATES[each.state])
    made = show_moment(each.created, run.lang)
    line = run.text("account.application", name=each.name, schema=each.schema, state=state, made=made)
    return line if each.reason is None else f"{line}: {run.local(each.reason)}"


def _applied(run: Run, each: Applied) -> dict[str, Any]:
    return {
        "application": each.name,
        "schema": str(each.schema),
        "state": each.state.value,
        "reason": None if each.reason is None else run.local(each.reason),
        "created": each.created.isoformat(timespec="seconds"),
    }


def _appointed_lines(run: Run, each: Appointed) -> list[str]:
    ended = run.text("account.appointment_ended") if each.ended else ""
    until = show_date(each.until, run.lang)
    lines = [run.text("account.appointment", name=each.name, agent=each.agent, until=until, ended=ended)]
    for scope, state in each.scopes:
        said = run.text(_STATES[state])
        kind = run.text(_SCOPES[scope.kind])
        lines.append(run.text("account.scope", kind=kind, scope=scope.scope, state=said))
    return lines


def _appointed(each: Appointed) -> dict[str, Any]:
    return {
        "appointment": each.name,
        "agent": each.agent,
        "until": each.until.isoformat(),
        "ended": None if each.ended is None else each.ended.isoformat(timespec="seconds"),
        "scopes": [
            {"kind": scope.kind.value, "scope": scope.scope, "state": state.value}
            for scope, state in each.scopes
        ],
    }
