"""The vault's account: registered by a department's code, its inbox listed, claimed and watched."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from disclosure import AccountLink
from prover.accounts import Account
from prover.client.account import AccountClient, Arrived, Claimed, Waiting
from prover.client.applications import agent_code
from prover.consent import show_date, show_moment
from prover.vault import Vault
from tlog import Verifier
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, department_of, opened, parsed
from zk.commands.vault.credentials import agrees
from zk.exits import Exit
from zk.failure import explain
from zk.qr import qr_lines
from zk.run import Answer, Run, terminable
from zk.subjects import subject_given

IDENTITY: Final = "id_card"
"""The item whose credential an agent is known by."""
_KINDS: Final[Mapping[str, str]] = {
    "offer": "account.came_offer",
    "application": "account.came_application",
    "appointment": "account.came_appointment",
    "code": "account.came_code",
    "key": "account.came_key",
    "other": "account.came_other",
}


@GROUP.command("register", remote=True)
def register(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.account_link")],
    person: Annotated[str | None, typer.Option("--person", help="help.vault.own_number")] = None,
    company: Annotated[str | None, typer.Option("--company", help="help.vault.company_number")] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Bind the vault to whoever a department has identified; repeating it after a failure is safe."""
    code, log = parsed(AccountLink, link), run.log_verifier()
    kind, number = subject_given(person, company)
    with opened(run, file, passphrase_file) as vault:
        account = AccountClient(run.endpoint).register(code, kind, number, vault, log)
    return Answer(_data(account), [run.text("account.registered", account=account.name)])


@GROUP.command("inbox", remote=True)
def inbox(
    run: Run,
    claim: Annotated[bool, typer.Option("--claim", help="help.vault.claim_all")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="help.vault.watch_inbox")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """List what departments have for the vault's owner; claim it all, or watch what comes."""
    log, client = run.log_verifier(), AccountClient(run.endpoint)
    with opened(run, file, passphrase_file) as vault:
        if watch:
            return _watched(run, client, vault, log)
        if claim:
            done = client.claim_all(vault, log, lambda asked: agrees(run, asked, yes))
            return _claimed(run, done)
        waiting = client.offers(vault, log)
    lines = [_line(run, each) for each in waiting] or [run.text("account.inbox_empty")]
    return Answer({"offers": [_offer(each) for each in waiting]}, lines)


@GROUP.command("agent-code", remote=True)
def show_agent_code(
    run: Run,
    identity: Annotated[
        str, typer.Option("--identity", metavar="ITEM", help="help.vault.identity")
    ] = IDENTITY,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Show what a company takes to appoint the vault's owner as its agent."""
    with opened(run, file, passphrase_file) as vault:
        code = str(agent_code(vault, run.endpoint.server, identity))
    return Answer({"code": code}, [run.text("account.agent_code"), *(qr_lines(code) if qr else ()), code])


def _watched(run: Run, client: AccountClient, vault: Vault, log: Verifier) -> Answer:
    """Print what comes until Ctrl-C, or until the session ends."""
    run.say(run.text("account.watching"))
    with terminable():
        try:
            for arrived in client.watch(vault, log):
                for each in arrived:
                    run.document({"event": "arrived", **_arrived(each)})
                    run.say(run.text(_KINDS[each.kind.value], about=each.about))
        except KeyboardInterrupt:
            pass
    return Answer({"event": "ended"}, [run.text("account.watch_ended")])


def _arrived(each: Arrived) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "about": each.about,
        "time": each.time.isoformat(timespec="seconds"),
    }


def _claimed(run: Run, done: list[Claimed]) -> Answer:
    """Tell what came of each offer; where one failed, the command does, after all were tried."""
    lines, rows, failed = [], [], False
    for each in done:
        row, name = _offer(each.offer), department_of(run, each.offer.schema)
        if each.held is not None:
            lines.append(
                run.text(
                    "vault.claimed",
                    name=run.local(each.held.schema.display_name),
                    department=name,
                    expiry=show_date(each.held.credential.expiry, run.lang),
                )
            )
            rows.append({**row, "credential": each.held.id})
        elif each.error is not None:
            failure, failed = explain(each.error, run.lang, way=run.way()), True
            lines.append(
                run.text("account.not_claimed", schema=each.offer.schema, problem=failure.sentence())
            )
            rows.append({**row, "credential": None, "reason": failure.reason})
    return Answer(
        {"offers": rows}, lines or [run.text("account.inbox_empty")], Exit.REFUSED if failed else Exit.OK
    )


def _line(run: Run, each: Waiting) -> str:
    key = "account.waiting_replaces" if each.replaces else "account.waiting"
    department, expires = department_of(run, each.schema), show_moment(each.expires, run.lang)
    return run.text(key, schema=each.schema, department=department, expires=expires)


def _offer(each: Waiting) -> dict[str, Any]:
    """Return what may be printed: the code that claims an offer stays inside."""
    return {
        "offer": each.link.offer,
        "schema": str(each.schema),
        "expires": each.expires.isoformat(timespec="seconds"),
        "replaces": each.replaces or None,
    }


def _data(account: Account) -> dict[str, Any]:
    return {"account": account.name, "server": account.server, "kind": account.kind}
