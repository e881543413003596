"""`zk verifier w3c`: a nonce for a holder, and the check of a W3C document that was shown for it."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Final

import typer

from disclosure import MalformedError, Reason, VerifierName
from disclosure.w3c import read
from disclosure.w3c.mapping import issuer_key_name_of, presentation_header, schema_name_of
from prover.consent import safe, show_date, show_value
from verifier.nonces import Nonces
from verifier.w3c import check_document
from wire.published import Reader
from zk.commands.verifier.common import GROUP, As, name_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import private_folder, read_file
from zk.run import Answer, Run
from zk.values import json_value

W3C: Final = Group(
    f"{GROUP.name}.w3c", typer.Typer(name="w3c", help=f"help.{GROUP.name}.w3c", no_args_is_help=True)
)


@W3C.command("nonce")
def nonce(run: Run) -> Answer:
    """Make a nonce, which one holder is given and which is good for one document; this home remembers it."""
    private_folder(run.home.nonces)
    made = Nonces(run.home.nonces).make().hex()
    return Answer({"nonce": made}, [made])


@W3C.command("check", remote=True)
def check(
    run: Run,
    document: Annotated[Path, typer.Argument(help="help.verifier.w3c_document")],
    nonce: Annotated[str, typer.Option("--nonce", metavar="HEX", help="help.verifier.w3c_nonce")],
    accept_unbound: Annotated[
        bool, typer.Option("--accept-unbound", help="help.verifier.w3c_accept_unbound")
    ] = False,
    said: As = None,
) -> Answer:
    """Check a document that was shown for a nonce; its key and its schema stand on the ledger.

    The nonce has to be one of this home's, and is used up by the document that holds and by no other.
    """
    verifier, log = name_of(run, said), run.log_verifier()
    given, nonces = _octets(nonce, verifier), Nonces(run.home.nonces)
    if not nonces.waits(given):
        raise _nonce_unknown()
    shown = read(read_file(document))
    channel = run.endpoint.channel()
    try:
        reader = Reader(channel, log)
        schema = reader.schema(schema_name_of(shown))
        key = reader.issuer_key(issuer_key_name_of(shown))
    finally:
        channel.close()
    checked = check_document(shown, verifier, given, schema, key, dt.datetime.now(dt.UTC))
    if not checked.bound and not accept_unbound:
        raise CommandError(Exit.REFUSED, "DOCUMENT_UNBOUND", "error.w3c_unbound")
    if not nonces.use_up(given):
        raise _nonce_unknown()
    lines = [run.text("verifier.w3c_holds", name=run.local(schema.display_name), key=key.name)]
    for name, value in checked.shown.values.items():
        definition = schema.attribute(name)
        told = show_value(definition, value, run.lang)
        lines.append(f"  {safe(run.local(definition.display_name))}: {told}")
    lines.append(f"  {run.text('verifier.expiry')}: {show_date(checked.shown.expiry, run.lang)}")
    lines.append(run.text("verifier.w3c_bound" if checked.bound else "verifier.w3c_not_bound"))
    data = {
        "schema": str(schema.name),
        "issuer_key": str(key.name),
        "expiry": checked.shown.expiry.isoformat(),
        "bound": checked.bound,
        "values": {name: json_value(value) for name, value in checked.shown.values.items()},
    }
    return Answer(data, lines)


def _nonce_unknown() -> CommandError:
    return CommandError(Exit.REFUSED, "NONCE_UNKNOWN", "error.w3c_nonce_unknown")


def _octets(written: str, verifier: VerifierName) -> bytes:
    try:
        octets = bytes.fromhex(written)
    except ValueError:
        detail = "a nonce has hexadecimal digits"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="nonce") from None
    presentation_header(verifier, octets)  # raises for one that is too short or too long
    return octets
