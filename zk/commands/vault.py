"""`zk vault`: a holder keeps credentials, sees what is asked, consents, proves, and keeps the receipts."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from disclosure import DisclosureError, ExchangeLink, MalformedError, OfferLink
from prover.client import HolderClient
from prover.consent import Style, consent_lines, show_date, show_moment, show_value
from prover.errors import VaultFileError, VaultReason
from prover.history import check_usage
from prover.present import Consent, Missing, Plan
from prover.records import HeldCredential, Usage, UsageState
from prover.vault import Vault
from tlog import TlogError, Verifier
from zk import catalogue
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Answer, Run, confirmed, passphrase
from zk.values import json_value

GROUP = Group("vault")
NEW_PASSPHRASE_VARIABLE = "ZK_NEW_PASSPHRASE"  # noqa: S105
SHORT_ID = 8

VaultFile = Annotated[
    Path | None, typer.Option("--vault", envvar="ZK_VAULT", help="help.vault.file", show_envvar=True)
]
PassphraseFile = Annotated[Path | None, typer.Option("--passphrase-file", help="help.option.passphrase_file")]
_STYLES = {
    Style.HEADING: "bold",
    Style.FACT: "",
    Style.SECTION: "bold",
    Style.REVEALED: "bold yellow",
    Style.HIDDEN: "green",
}
_Link = TypeVar("_Link", OfferLink, ExchangeLink)
_BEGINNINGS: Mapping[type, str] = {OfferLink: "zk://offer?", ExchangeLink: "zk://present?"}
_INDENTED = {Style.REVEALED, Style.HIDDEN}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@contextmanager
def _opened(run: Run, file: Path | None, passphrase_file: Path | None) -> Iterator[Vault]:
    path = file or run.home.vault
    if not path.exists():
        # Nobody is asked for the passphrase of a vault that is not there.
        raise VaultFileError(VaultReason.VAULT_NOT_FOUND, "there is no vault")
    with Vault.open(path, passphrase(run, passphrase_file)) as vault:
        yield vault


@GROUP.command("create")
def create(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Make an empty vault under a passphrase."""
    path = file or run.home.vault
    if path.exists():
        raise VaultFileError(VaultReason.VAULT_EXISTS, "there is a vault already")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    Vault.create(path, passphrase(run, passphrase_file, confirm=True)).close()
    return Answer({"vault": str(path)}, [run.text("vault.created", path=path)])


@GROUP.command("passphrase")
def change(
    run: Run,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: Annotated[
        Path | None, typer.Option("--new-passphrase-file", help="help.vault.new_passphrase_file")
    ] = None,
) -> Answer:
    """Let another passphrase open the vault."""
    with _opened(run, file, passphrase_file) as vault:
        vault.change_passphrase(
            passphrase(
                run,
                new_passphrase_file,
                confirm=True,
                variable=NEW_PASSPHRASE_VARIABLE,
                prompt="vault.new_passphrase",
            )
        )
    return Answer({"changed": True}, [run.text("vault.passphrase_changed")])


@GROUP.command("claim", remote=True)
def claim(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Claim an offered credential; repeating it after a failure is safe."""
    offer = _parsed(OfferLink, link)
    with _opened(run, file, passphrase_file) as vault:
        held = HolderClient(run.endpoint).claim(offer, vault)
    name = run.local(held.schema.display_name)
    expiry = show_date(held.credential.expiry, run.lang)
    shown = run.text("vault.claimed", name=name, department=_department(run, held), expiry=expiry)
    return Answer(_listed(run, held), [shown])


def _parsed(kind: type[_Link], written: str) -> _Link:
    """Return a link, read from standard input for "-": others on the machine can read arguments.

    A shell cuts a link off at its first "&" unless it is in quotes. Raises what `parse` raises, and
    CommandError LINK_INVALID for a link that was cut off or is for the other command.
    """
    link = sys.stdin.readline().strip() if written == "-" else written
    try:
        return kind.parse(link)
    except MalformedError as error:
        key = _what_is_wrong(link)
        if key is None or (key == "error.link_other" and link.startswith(_BEGINNINGS[kind])):
            raise
        raise CommandError(Exit.USAGE, error.reason, key) from None


def _what_is_wrong(link: str) -> str | None:
    if not link.startswith("zk:"):
        return None
    if not all(f"{name}=" in link for name in ("server", "id", "secret")) or link.endswith("="):
        return "error.link_incomplete"
    return "error.link_other"


def _department(run: Run, held: HeldCredential) -> str:
    known = catalogue.builtin().departments.get(held.schema.name.department)
    return run.local(known.display_name) if known else held.schema.name.department


def _listed(run: Run, held: HeldCredential) -> dict[str, Any]:
    return {
        "id": held.id,
        "schema": str(held.schema.name),
        "display_name": run.local(held.schema.display_name),
        "issuer_key": str(held.issuer_key.name),
        "expiry": held.credential.expiry.isoformat(),
        "received": held.received.isoformat(timespec="seconds"),
    }


@GROUP.command("list")
def list_all(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List the credentials, without their values."""
    with _opened(run, file, passphrase_file) as vault:
        held = vault.credentials()
    table = _table(run, "vault.id", "vault.name", "vault.issuer", "vault.expiry")
    for each in held:
        name, expiry = run.local(each.schema.display_name), show_date(each.credential.expiry, run.lang)
        table.add_row(each.id[:SHORT_ID], name, _department(run, each), expiry)
    lines = [table] if held else [run.text("vault.empty")]
    return Answer({"credentials": [_listed(run, each) for each in held]}, lines)


def _table(run: Run, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for each in headings:
        table.add_column(run.text(each))
    return table


@GROUP.command("show")
def show(
    run: Run,
    credential: Annotated[str, typer.Argument(metavar="ID", help="help.vault.credential")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Show one credential with all its values."""
    with _opened(run, file, passphrase_file) as vault:
        held = vault.credential(credential)
    values = [(each, held.credential.values.get(each.id)) for each in held.schema.attributes]
    name = run.local(held.schema.display_name)
    lines = [
        run.text("vault.shown_title", name=name, id=held.id[:SHORT_ID]),
        f"  {run.text('vault.issuer')}: {_department(run, held)}",
        f"  {run.text('vault.expiry')}: {show_date(held.credential.expiry, run.lang)}",
        *(f"  {run.local(each.display_name)}: {show_value(each, value, run.lang)}" for each, value in values),
    ]
    data = {**_listed(run, held), "values": {each.id: json_value(value) for each, value in values}}
    return Answer(data, lines)


@GROUP.command("present", remote=True)
def present(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    use: Annotated[list[str] | None, typer.Option("--use", metavar="ID", help="help.vault.use")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """See what is asked, consent, prove, send; the receipt is checked before it is believed."""
    exchange, log = _parsed(ExchangeLink, link), run.log_verifier()
    with _opened(run, file, passphrase_file) as vault:
        usage = HolderClient(run.endpoint).answer(
            exchange,
            vault,
            log,
            lambda consent: _agrees(run, consent, yes),
            choose=lambda planned: _choose(run, planned, [vault.credential(each).id for each in use or ()]),
        )
    receipt = check_usage(usage, log)
    size = receipt.checkpoint.size
    shown = run.text("vault.presented", index=receipt.index, size=size)
    return Answer({**_use(run, usage), "entry_index": receipt.index, "tree_size": size}, [shown])


def _choose(run: Run, planned: Plan, chosen: list[str]) -> Plan:
    """Take the credentials that were named; say which others fit where none was."""
    for missing in planned.missing:
        raise _missing(run, missing)
    for option in planned.options:
        fitting = {each.id for each in option.fitting}
        for each in fitting.intersection(chosen):
            planned = planned.choose(option.query.id, each)
        if len(fitting) > 1 and not fitting.intersection(chosen):
            run.warn("vault.choose", names=", ".join(each.id[:SHORT_ID] for each in option.fitting))
    return planned


def _missing(run: Run, missing: Missing) -> CommandError:
    schema = catalogue.builtin().find(f"{missing.query.schema.item}@{missing.query.schema.version}")
    known = schema is not None and schema.name == missing.query.schema
    name = run.local(schema.display_name) if schema and known else missing.query.schema
    return CommandError(
        Exit.REFUSED, "NOTHING_FITS", "vault.missing", name=name, department=missing.department
    )


def _agrees(run: Run, consent: Consent, yes: bool) -> bool:
    """Show the consent screen and ask; with --yes a script has consented before."""
    names = {str(each.name): each.display_name for each in catalogue.builtin().departments.values()}
    screen = run.err if run.as_json else run.out
    for line in consent_lines(consent, run.lang, names):
        indent = "    " if line.style in _INDENTED else ""
        screen.print(Text(indent + line.text, style=_STYLES[line.style]))
    screen.print(run.text("vault.consent_service"), soft_wrap=True)
    return yes or confirmed(run, "vault.ask_consent")


def _use(run: Run, usage: Usage) -> dict[str, Any]:
    return {
        "usage": usage.id,
        "state": usage.state.value,
        "time": usage.time.isoformat(timespec="seconds"),
        "verifier": str(usage.verifier),
        "verifier_name": run.local(usage.verifier_display_name),
        "purpose": run.local(usage.purpose),
        "shown": {query: list(names) for query, names in usage.shown.items()},
        "reason": usage.reason,
    }


@GROUP.command("history", remote=True)
def history(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """What was shown to whom; every receipt is checked again, without asking the service."""
    with _opened(run, file, passphrase_file) as vault:
        usages = vault.usages()
    log = run.log_verifier() if any(each.receipt for each in usages) else None
    table = _table(
        run, "vault.history_time", "vault.history_verifier", "vault.history_purpose", "vault.history_shown",
        "vault.history_state",
    )  # fmt: skip
    rows, broken = list[dict[str, Any]](), False
    for each in usages:
        found, state = _checked(run, each, log)
        broken = broken or found.get("holds") is False
        rows.append({**_use(run, each), **found})
        table.add_row(
            show_moment(each.time, run.lang),
            run.local(each.verifier_display_name),
            run.local(each.purpose),
            _shown_names(run, each),
            state,
        )
    lines = [table] if usages else [run.text("vault.history_none")]
    return Answer({"usages": rows}, lines, Exit.NOT_VERIFIED if broken else Exit.OK)


def _shown_names(run: Run, usage: Usage) -> str:
    names = [
        run.local(usage.schemas[part.shown.schema].attribute(name).display_name)
        for part in usage.presentation.credentials
        for name in usage.shown[part.shown.query]
    ]
    return ", ".join(names)


def _checked(run: Run, usage: Usage, log: Verifier | None) -> tuple[dict[str, Any], str]:
    """Check a use's receipt again; return what is found for scripts and for people."""
    if usage.state is UsageState.REFUSED:
        return {}, run.text("vault.refused", reason=usage.reason)
    if log is None or usage.receipt is None:
        return {}, run.text("vault.sent")
    try:
        receipt = check_usage(usage, log)
    except (TlogError, DisclosureError) as error:
        found = {"holds": False, "receipt_reason": error.reason}
        return found, run.text("vault.receipt_fails", reason=error.reason)
    found = {"holds": True, "entry_index": receipt.index, "tree_size": receipt.checkpoint.size}
    return found, run.text("vault.receipt_holds", index=receipt.index)


@GROUP.command("resume", remote=True)
def resume(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Go on with claims and uses that broke off: the same bytes give the receipt that the service keeps."""
    log = run.log_verifier()
    with _opened(run, file, passphrase_file) as vault:
        resumed = HolderClient(run.endpoint).resume(vault, log)
        states = [each.state for each in vault.usages()]
    counts = {
        "claimed": len(resumed.credentials),
        "answered": sum(each.state is UsageState.ANSWERED for each in resumed.usages),
        "refused": sum(each.state is UsageState.REFUSED for each in resumed.usages),
        "open": states.count(UsageState.SENT),
    }
    return Answer(counts, [run.text("vault.resumed", **counts)])
