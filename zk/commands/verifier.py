"""`zk verifier`: a relying party registers, asks by a policy, waits, verifies, and keeps the record."""

import datetime as dt
import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import LocalizedText, VerifierName
from prover.consent import show_date, show_moment, show_value
from verifier import keys
from verifier.client import Answered, OpenExchange, VerifierClient
from verifier.policy import Policy, check_policy
from verifier.record import Record, recheck
from verifier.verify import VerifiedPresentation
from zk.commands.issuer import AdminTokenFile
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.qr import qr_lines
from zk.run import Answer, Run, read_log_key
from zk.service import Service
from zk.tokens import admin_token
from zk.values import json_value

GROUP = Group("verifier")


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("register", remote=True)
def register(
    run: Run,
    verifier: Annotated[str, typer.Argument(help="help.verifier.id")],
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Make the key that signs requests and register it.

    The key is on disk before it is registered; run it again after a failure and the same key is used.
    """
    name = VerifierName.parse(f"verifiers/{verifier}")
    path = run.home.verifier_key(verifier)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keys.save(keys.generate(), path)
    public_key = keys.public_key(keys.load(path))
    with Service(run.endpoint) as service:
        made = service.create_verifier(
            name, LocalizedText(name_zh, name_en), public_key, admin_token(admin_token_file)
        )
    lines = [run.text("verifier.registered", name=run.local(made.display_name), verifier=name, path=path)]
    return Answer(
        {"verifier": str(name), "public_key": public_key.hex(), "key_file": str(path)},
        lines,
    )


@GROUP.command("ask", remote=True)
def ask(
    run: Run,
    policy: Annotated[Path, typer.Argument(help="help.verifier.policy")],
    verifier: Annotated[str | None, typer.Option("--as", help="help.verifier.as")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="help.verifier.timeout")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="help.verifier.record")] = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Ask by a policy, wait for the answer, verify it here and keep it.

    With --json it prints one line when it has asked and one when it was answered.
    """
    loaded = Policy.parse(read_file(policy))
    path = record or run.home.records / f"{loaded.id}-{secrets.token_hex(4)}.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = VerifierName.parse(f"verifiers/{verifier or _only_verifier(run)}")
    key = _key(run, name)
    with VerifierClient(run.endpoint, name, key, run.log_verifier()) as client:
        check_policy(loaded, client.directory_for(loaded.schemas))
        opened = client.ask(loaded.request(name, dt.datetime.now(dt.UTC)))
        _show_question(run, opened, loaded, qr)
        wait = dt.timedelta(seconds=timeout) if timeout else loaded.lifetime + dt.timedelta(seconds=5)
        answered = client.wait(opened, wait)
    answered.record.save(path)
    return _answered(run, answered, path)


def _key(run: Run, name: VerifierName) -> Ed25519PrivateKey:
    path = run.home.verifier_key(name.verifier)
    if not path.exists():
        raise CommandError(
            Exit.USAGE, "KEY_FILE_INVALID", "error.verifier_key_missing", path=path, verifier=name.verifier
        )
    return keys.load(path)


def _only_verifier(run: Run) -> str:
    here = run.home.verifiers()
    if not here:
        raise CommandError(Exit.USAGE, "VERIFIER_UNCLEAR", "error.verifier_none")
    if len(here) > 1:
        raise CommandError(Exit.USAGE, "VERIFIER_UNCLEAR", "error.verifier_unclear", here=", ".join(here))
    return here[0]


def _show_question(run: Run, opened: OpenExchange, policy: Policy, qr: bool) -> None:
    ends = opened.expires.isoformat(timespec="seconds")
    run.document(
        {
            "event": "asked",
            "exchange": opened.exchange,
            "link": str(opened.link),
            "policy": policy.id,
            "expires": ends,
        }
    )
    run.say(
        run.text(
            "verifier.asked", purpose=run.local(policy.purpose), expires=show_moment(opened.expires, run.lang)
        )
    )
    run.say(*(qr_lines(str(opened.link)) if qr else ()), str(opened.link), run.text("verifier.waiting"))


def _answered(run: Run, answered: Answered, path: Path) -> Answer:
    checked = recheck(answered.record, log_verifier=run.log_verifier())
    data = {
        "event": "answered",
        "record": str(path),
        "entry_index": checked.index,
        "verified_at": checked.verify_time.isoformat(timespec="milliseconds"),
        "credentials": _data(answered.verified),
    }
    lines = [
        run.text("verifier.answered"),
        *_shown(run, answered.verified, answered.record),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
        run.text("verifier.kept", path=path),
    ]
    return Answer(data, lines)


def _data(verified: VerifiedPresentation) -> list[dict[str, Any]]:
    return [
        {
            "query": each.query,
            "department": str(each.department),
            "schema": str(each.schema),
            "issuer_key": str(each.issuer_key),
            "expiry": each.expiry.isoformat() if each.expiry else None,
            "values": {name: json_value(value) for name, value in each.values.items()},
        }
        for each in verified.credentials
    ]


def _shown(run: Run, verified: VerifiedPresentation, record: Record) -> list[str]:
    lines: list[str] = []
    for each in verified.credentials:
        schema = record.directory.schema(each.schema)
        lines.append(
            run.text("verifier.credential", name=run.local(schema.display_name), department=each.department)
        )
        for name, value in each.values.items():
            definition = schema.attribute(name)
            lines.append(f"  {run.local(definition.display_name)}: {show_value(definition, value, run.lang)}")
        if each.expiry:
            lines.append(f"  {run.text('verifier.expiry')}: {show_date(each.expiry, run.lang)}")
    return lines


@GROUP.command("check")
def check(
    run: Run,
    record: Annotated[Path, typer.Argument(help="help.verifier.check_record")],
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
) -> Answer:
    """Check a record again, offline: request, proofs, receipt, checkpoint."""
    pinned = read_log_key(key) if key else run.profile.log_key
    read_file(record)  # a file that cannot be read is named, as everywhere
    kept = Record.load(record)
    checked = recheck(kept, log_verifier=pinned)
    if not checked.pinned:
        run.warn("ledger.key_of_file")
    data = {
        "record": str(record),
        "verifier": str(kept.request.verifier),
        "entry_index": checked.index,
        "verified_at": checked.verify_time.isoformat(timespec="milliseconds"),
        "log_key": checked.log_key,
        "key_pinned": checked.pinned,
        "credentials": _data(checked.verified),
    }
    lines = [
        run.text(
            "verifier.holds", time=show_moment(checked.verify_time, run.lang), verifier=kept.request.verifier
        ),
        *_shown(run, checked.verified, kept),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
    ]
    return Answer(data, lines)
