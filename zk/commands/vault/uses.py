"""What was shown to whom, with its receipts; and going on with what broke off."""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from disclosure import CredentialPresentation, DepartmentName
from disclosure.composite import CredentialAnswer
from prover.client import HolderClient
from prover.composite.sentences import composite_lines
from prover.composite.showing import ClaimUse
from prover.composite.telling import Treatment, told_of
from prover.consent import ConsentLine, show_moment
from prover.usages import Usage, UsageState
from prover.vault import Vault
from tlog import Verifier
from zk.commands.vault import happenings
from zk.commands.vault.common import (
    GROUP,
    SHORT_ID,
    PassphraseFile,
    VaultFile,
    department_names,
    opened,
    table_of,
)
from zk.commands.vault.happenings import NO_ORDERS, Orders, Row, event_row, found_row, unknown
from zk.exits import Exit
from zk.run import Answer, Run

_COUNTED: Final = (
    (Treatment.PROVEN, "vault.history_proven"),
    (Treatment.ESCROWED, "vault.history_escrowed"),
)


def use_data(run: Run, usage: Usage) -> dict[str, Any]:
    """Return what a use is, for a JSON document: of the composite form also what was proven and escrowed."""
    data: dict[str, Any] = {
        "usage": usage.id,
        "state": usage.state.value,
        "time": usage.time.isoformat(timespec="seconds"),
        "verifier": str(usage.verifier),
        "verifier_name": run.local(usage.verifier_display_name),
        "purpose": run.local(usage.purpose),
        "shown": {query: list(names) for query, names in usage.shown.items()},
        "reason": usage.reason,
    }
    if usage.branch is not None:
        data["branch"] = usage.branch.id
        for treatment in (Treatment.PROVEN, Treatment.ESCROWED):
            data[treatment.value] = {
                each.query.id: [one.attribute.id for one in each.attributes if one.treatment is treatment]
                for each in told_of(usage).credentials
            }
    return data


@GROUP.command("history", remote=True)
def history(
    run: Run,
    use: Annotated[str | None, typer.Argument(metavar="ID", help="help.vault.usage")] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """What was shown to whom and what else happened; every receipt is checked again, offline."""
    with opened(run, file, passphrase_file) as vault:
        claims = [each for each in vault.composite.claim_uses() if each.id.startswith(use or "")]
        orders = vault.orders.all()
        others = _others(run, vault, use or "", orders)
        usages = vault.usages() if use is None else [vault.usage(use)] if not claims and not others else []
    log = run.log_verifier() if any(each.receipt for each in usages) else None
    table = table_of(
        run, "vault.id", "vault.history_time", "vault.history_verifier", "vault.history_purpose",
        "vault.history_shown", "vault.history_state",
    )  # fmt: skip
    rows, broken = list[dict[str, Any]](), False
    told = list[tuple[dt.datetime, tuple[str, ...]]]()
    for each in usages:
        found, state = checked(run, each, log, orders)
        broken = broken or found.get("holds") is False
        rows.append({**use_data(run, each), **found})
        told.append((each.time, _cells(run, each, _shown_names(run, each), state)))
    for claim in claims:
        shown = _cells(run, claim, _claim_names(run, claim), run.text("vault.shown_for_claim"))
        told.append((claim.time, shown))
    for row in others:
        broken = broken or row.broken
        told.append((row.time, row.cells))
    for _, cells in sorted(told, key=lambda each: each[0]):
        table.add_row(*cells)
    lines: list[Any] = [table] if usages or claims or others else [run.text("vault.history_none")]
    if use is not None:
        shown_uses: list[Usage | ClaimUse] = [*usages, *claims]
        lines += [Text(each.text) for one in shown_uses for each in _told(run, one)]
    data = {
        "usages": rows,
        "claims": [_claim_data(run, each) for each in claims],
        "others": [each.data for each in others],
    }
    return Answer(data, lines, Exit.NOT_VERIFIED if broken else Exit.OK)


def _cells(run: Run, use: Usage | ClaimUse, shown: str, state: str) -> tuple[str, ...]:
    moment, name = show_moment(use.time, run.lang), run.local(use.verifier_display_name)
    return use.id[:SHORT_ID], moment, name, run.local(use.purpose), shown, state


def _others(run: Run, vault: Vault, wanted: str, orders: Orders) -> list[Row]:
    """Return the events, and what was read from the ledger and is not known otherwise."""
    events, usages = vault.events(), vault.usages()
    found = unknown(vault, usages, events)
    log = run.log_verifier() if found or any(each.receipt for each in events) else None
    return [
        *(event_row(run, each, log, orders) for each in events if each.id.startswith(wanted)),
        *(found_row(run, vault, each, log) for each in found if each.id.startswith(wanted)),
    ]


def _told(run: Run, usage: Usage | ClaimUse) -> list[ConsentLine]:
    """Return what a use of the composite form has told, in the words in which the person was asked."""
    if isinstance(usage, Usage) and usage.branch is None:
        return []
    return composite_lines(told_of(usage), run.lang, department_names())


def _claim_names(run: Run, claim: ClaimUse) -> str:
    """Return by name what a department was shown before it issued."""
    told = [one for each in told_of(claim).credentials for one in each.attributes]
    return ", ".join(
        run.local(each.attribute.display_name) for each in told if each.treatment is Treatment.SHOWN
    )


def _claim_data(run: Run, claim: ClaimUse) -> dict[str, Any]:
    return {
        "usage": claim.id,
        "time": claim.time.isoformat(timespec="seconds"),
        "department": str(DepartmentName(claim.verifier.verifier)),
        "department_name": run.local(claim.verifier_display_name),
        "purpose": run.local(claim.purpose),
        "shown": {
            each.query.id: [one.attribute.id for one in each.attributes if one.treatment is Treatment.SHOWN]
            for each in told_of(claim).credentials
        },
    }


def _shown_names(run: Run, usage: Usage) -> str:
    """Return by name what was shown; of the composite form also how much was proven and escrowed."""
    names = [
        run.local(usage.schemas[part.shown.schema].attribute(name).display_name)
        for part in _parts(usage)
        for name in usage.shown[part.shown.query]
    ]
    if usage.branch is not None:
        attributes = [one for each in told_of(usage).credentials for one in each.attributes]
        for treatment, key in _COUNTED:
            if count := sum(each.treatment is treatment for each in attributes):
                names.append(run.text(key, count=count))
    return ", ".join(names)


def _parts(usage: Usage) -> Iterable[CredentialPresentation | CredentialAnswer]:
    return usage.answer.credentials


def checked(
    run: Run, usage: Usage, log: Verifier | None, orders: Orders = NO_ORDERS
) -> tuple[dict[str, Any], str]:
    """Check a use's receipt again; return what is found for scripts and for people."""
    if usage.state is UsageState.REFUSED:
        return {}, run.text("vault.refused", reason=usage.reason)
    if log is None or usage.receipt is None:
        return {}, run.text("vault.sent")
    return happenings.checked(run, usage, log, orders)


@GROUP.command("resume", remote=True)
def resume(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Go on with claims and uses that broke off: the same bytes give the receipt that the service keeps."""
    log = run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        resumed = HolderClient(run.endpoint).resume(vault, log)
        states = [each.state for each in vault.usages()]
    counts = {
        "claimed": len(resumed.credentials),
        "answered": sum(each.state is UsageState.ANSWERED for each in resumed.usages),
        "refused": sum(each.state is UsageState.REFUSED for each in resumed.usages),
        "open": states.count(UsageState.SENT),
    }
    return Answer(counts, [run.text("vault.resumed", **counts)])
