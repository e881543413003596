"""The vault and what it holds: made, given another passphrase, filled by claims, listed and shown."""

from pathlib import Path
from typing import Annotated, Any

import typer

from disclosure import AttributeType, OfferLink
from prover.client import HolderClient
from prover.composite.records import Held, HeldComposite
from prover.composite.sentences import claim_lines
from prover.composite.telling import ClaimConsent
from prover.consent import show_date, show_moment, show_value
from prover.errors import VaultFileError, VaultReason
from prover.vault import Vault
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
    table_of,
)
from zk.commands.vault.recovery import word_lines
from zk.home import private_folder
from zk.run import Answer, Run, confirmed, passphrase
from zk.values import json_value

NEW_PASSPHRASE_VARIABLE = "ZK_NEW_PASSPHRASE"  # noqa: S105


@GROUP.command("create")
def create(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Make an empty vault under a passphrase, and show the words of its recovery secret."""
    path = file or run.home.vault
    if path.exists():
        raise VaultFileError(VaultReason.VAULT_EXISTS, "there is a vault already")
    private_folder(path.parent)
    with Vault.create(path, passphrase(run, passphrase_file, confirm=True)) as vault:
        words = word_lines(run, vault)
    return Answer({"vault": str(path)}, [run.text("vault.created", path=path), *words])


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
    with opened(run, file, passphrase_file) as vault:
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
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Claim an offered credential; repeating it after a failure is safe."""
    offer, log = parsed(OfferLink, link), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        held = HolderClient(run.endpoint).claim(offer, vault, log, lambda asked: agrees(run, asked, yes))
    return claimed(run, held)


def claimed(run: Run, held: Held) -> Answer:
    """Tell of a credential that was claimed."""
    shown = run.text(
        "vault.claimed",
        name=run.local(held.schema.display_name),
        department=department_of(run, held.schema.name),
        expiry=show_date(held.credential.expiry, run.lang),
    )
    return Answer(_listed(run, held), [shown])


def agrees(run: Run, asked: ClaimConsent, yes: bool) -> bool:
    """Show what the department is told first; a person is asked wherever another credential is used."""
    print_screen(run.err if run.as_json else run.out, claim_lines(asked, run.lang, department_names()))
    return yes or asked.shows is None or confirmed(run, "vault.ask_claim")


def _listed(run: Run, held: Held) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": held.id,
        "form": held.schema.form.value,
        "schema": str(held.schema.name),
        "display_name": run.local(held.schema.display_name),
        "issuer_key": str(held.issuer_key.name),
        "expiry": held.credential.expiry.isoformat(),
        "received": held.received.isoformat(timespec="seconds"),
    }
    standing = held.standing if isinstance(held, HeldComposite) else None
    if standing is not None:
        data["known_until"] = standing.time.isoformat(timespec="seconds")
        data["revoked"] = standing.revoked.isoformat(timespec="seconds") if standing.revoked else None
    return data


def _state(run: Run, held: Held) -> str:
    """Return what is known of revocation: nothing in the plain form, which has none."""
    standing = held.standing if isinstance(held, HeldComposite) else None
    if standing is None:
        return run.text("vault.not_followed")
    if standing.revoked is not None:
        return run.text("vault.revoked", time=show_moment(standing.revoked, run.lang))
    return run.text("vault.known_until", time=show_moment(standing.time, run.lang))


@GROUP.command("list")
def list_all(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List the credentials, without their values."""
    with opened(run, file, passphrase_file) as vault:
        held: list[Held] = [*vault.credentials(), *vault.composite.credentials()]
    table = table_of(run, "vault.id", "vault.name", "vault.issuer", "vault.expiry", "vault.revocation")
    for each in held:
        name, expiry = run.local(each.schema.display_name), show_date(each.credential.expiry, run.lang)
        table.add_row(
            each.id[:SHORT_ID], name, department_of(run, each.schema.name), expiry, _state(run, each)
        )
    lines = [table] if held else [run.text("vault.empty")]
    return Answer({"credentials": [_listed(run, each) for each in held]}, lines)


@GROUP.command("show")
def show(
    run: Run,
    credential: Annotated[str, typer.Argument(metavar="ID", help="help.vault.credential")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Show one credential with all its values; of secrets only that they are there."""
    with opened(run, file, passphrase_file) as vault:
        held = vault.credential(credential)
    name = run.local(held.schema.display_name)
    lines = [
        run.text("vault.shown_title", name=name, id=held.id[:SHORT_ID]),
        f"  {run.text('vault.issuer')}: {department_of(run, held.schema.name)}",
        f"  {run.text('vault.expiry')}: {show_date(held.credential.expiry, run.lang)}",
        f"  {run.text('vault.revocation')}: {_state(run, held)}",
    ]
    values: dict[str, Any] = {}
    for each in held.schema.attributes:
        value = held.credential.values.get(each.id)
        lines.append(f"  {run.local(each.display_name)}: {show_value(each, value, run.lang)}")
        values[each.id] = None if each.type is AttributeType.SECRET else json_value(value)
    return Answer({**_listed(run, held), "values": values}, lines)
