"""`zk verifier w3c`: a nonce for a holder, and the check of a W3C document that was shown for it."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Final

import typer

from disclosure import MalformedError, Reason
from disclosure.w3c import read
from disclosure.w3c.mapping import issuer_key_name_of, schema_name_of
from prover.consent import safe, show_date, show_value
from verifier.w3c import check_document, new_nonce
from wire.published import Reader
from zk.commands.verifier.common import GROUP, As, name_of
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run
from zk.values import json_value

W3C: Final = Group(
    f"{GROUP.name}.w3c", typer.Typer(name="w3c", help=f"help.{GROUP.name}.w3c", no_args_is_help=True)
)


@W3C.command("nonce")
def nonce(run: Run) -> Answer:
    """Make a nonce, which one holder is given and which is good for one document."""
    made = new_nonce().hex()
    return Answer({"nonce": made}, [made])


@W3C.command("check", remote=True)
def check(
    run: Run,
    document: Annotated[Path, typer.Argument(help="help.verifier.w3c_document")],
    nonce: Annotated[str, typer.Option("--nonce", metavar="HEX", help="help.verifier.w3c_nonce")],
    said: As = None,
) -> Answer:
    """Check a document that was shown for a nonce; its key and its schema stand on the ledger."""
    verifier, log = name_of(run, said), run.log_verifier()
    shown = read(read_file(document))
    channel = run.endpoint.channel()
    try:
        reader = Reader(channel, log)
        schema = reader.schema(schema_name_of(shown))
        key = reader.issuer_key(issuer_key_name_of(shown))
    finally:
        channel.close()
    checked = check_document(shown, verifier, _octets(nonce), schema, key, dt.datetime.now(dt.UTC))
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


def _octets(written: str) -> bytes:
    try:
        return bytes.fromhex(written)
    except ValueError:
        detail = "a nonce has hexadecimal digits"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="nonce") from None
