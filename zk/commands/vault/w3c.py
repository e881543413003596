"""`zk vault w3c`: credentials as W3C documents, claimed, listed, and shown in part with a proof."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import MalformedError, OfferLink, Reason, VerifierName
from disclosure.w3c import write
from disclosure.w3c.mapping import presentation_header
from prover.client.w3c import W3cClient
from prover.consent import safe, show_date, show_value
from prover.w3c import HeldDocument
from zk.commands.vault.common import (
    GROUP,
    SHORT_ID,
    PassphraseFile,
    VaultFile,
    department_of,
    opened,
    parsed,
    table_of,
)
from zk.group import Group
from zk.run import Answer, Run, confirmed

W3C: Final = Group(
    f"{GROUP.name}.w3c", typer.Typer(name="w3c", help=f"help.{GROUP.name}.w3c", no_args_is_help=True)
)


def octets_of(written: str, name: str) -> bytes:
    """Return octets that were written in hexadecimal digits; MalformedError VALUE_INVALID."""
    try:
        return bytes.fromhex(written)
    except ValueError:
        raise MalformedError(Reason.VALUE_INVALID, f"{name} has hexadecimal digits", field=name) from None


@W3C.command("claim", remote=True)
def claim(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Claim an offered credential of the plain form, and the same as a W3C document."""
    offer, log = parsed(OfferLink, link), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        document, held = W3cClient(run.endpoint).claim(offer, vault, log)
    said = {"name": run.local(held.schema.display_name), "department": department_of(run, held.schema.name)}
    lines = [
        run.text("vault.claimed", expiry=show_date(held.credential.expiry, run.lang), **said),
        run.text("vault.w3c_claimed", id=document.id[:SHORT_ID]),
    ]
    return Answer({"credential": held.id, **_listed(run, document)}, lines)


def _listed(run: Run, held: HeldDocument) -> dict[str, Any]:
    return {
        "id": held.id,
        "schema": str(held.schema.name),
        "display_name": run.local(held.schema.display_name),
        "issuer_key": str(held.issuer_key.name),
        "received": held.received.isoformat(timespec="seconds"),
    }


@W3C.command("list")
def list_all(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List the documents, without their values."""
    with opened(run, file, passphrase_file) as vault:
        held = vault.w3c.documents()
    table = table_of(run, "vault.id", "vault.name", "vault.issuer")
    for each in held:
        name = run.local(each.schema.display_name)
        table.add_row(each.id[:SHORT_ID], name, department_of(run, each.schema.name))
    documents = [_listed(run, each) for each in held]
    return Answer({"documents": documents}, [table] if held else [run.text("vault.w3c_none")])


@W3C.command("derive")
def derive(
    run: Run,
    document: Annotated[str, typer.Argument(metavar="ID", help="help.vault.w3c_document")],
    show: Annotated[list[str], typer.Option("--show", metavar="ATTRIBUTE", help="help.vault.w3c_show")],
    to: Annotated[str, typer.Option("--to", metavar="VERIFIER", help="help.vault.w3c_to")],
    nonce: Annotated[str, typer.Option("--nonce", metavar="HEX", help="help.vault.w3c_nonce")],
    out: Annotated[Path | None, typer.Option("--out", help="help.vault.w3c_out")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.w3c_yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Show some attributes of a document to one verifier, with a proof for its nonce."""
    verifier = VerifierName.parse(f"verifiers/{to}", field="to")
    header = presentation_header(verifier, octets_of(nonce, "nonce"))
    with opened(run, file, passphrase_file) as vault:
        held = vault.w3c.document(document)
        derived = vault.w3c.derive(held, show, header)
        said = vault.w3c.said(held)
    screen = run.err if run.as_json or out is None else run.out
    screen.print(run.text("vault.w3c_shows", verifier=verifier))
    for each in dict.fromkeys(show):
        definition = held.schema.attribute(each)
        value = show_value(definition, said.values[each], run.lang)
        screen.print(f"  {safe(run.local(definition.display_name))}: {value}", markup=False)
    screen.print(run.text("vault.w3c_always", expiry=show_date(said.expiry, run.lang)))
    if not yes and not confirmed(run, "vault.ask_w3c"):
        return Answer({"shown": False}, [run.text("vault.w3c_declined")])
    if out is None:
        return Answer({"document": derived}, [json.dumps(derived, ensure_ascii=False, indent=2)])
    out.write_bytes(write(derived))
    return Answer({"document": derived, "file": str(out)}, [run.text("vault.w3c_written", path=out)])


@W3C.command("remove")
def remove(
    run: Run,
    document: Annotated[str, typer.Argument(metavar="ID", help="help.vault.w3c_document")],
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.w3c_remove_yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Remove a document for good, after a question; credentials stay as they are."""
    with opened(run, file, passphrase_file) as vault:
        held = vault.w3c.document(document)
        named = {"name": run.local(held.schema.display_name), "id": held.id[:SHORT_ID]}
        screen = run.err if run.as_json else run.out
        screen.print(
            run.text("vault.w3c_removes", department=department_of(run, held.schema.name), **named),
            markup=False,
        )
        if not yes and not confirmed(run, "vault.ask_w3c_remove"):
            return Answer({"id": held.id, "removed": False}, [run.text("vault.w3c_kept")])
        # By its whole number: what the question named, whatever has come into the vault meanwhile.
        vault.w3c.remove(held.id)
    return Answer({"id": held.id, "removed": True}, [run.text("vault.w3c_removed")])
