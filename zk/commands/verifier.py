"""`zk verifier`: a relying party registers, asks by a policy, waits, verifies, and keeps the record."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import DepartmentName, LocalizedText, Request, Shown, VerifierName
from disclosure.composite import CompositeRequest, EscrowQuery
from prover.consent import show_date, show_moment, show_value
from verifier import (
    CompositePolicy,
    CompositeRechecked,
    CompositeRecord,
    Counterpart,
    JointScopeFile,
    Policy,
    PseudonymRegister,
    Rechecked,
    Record,
    VerifiedCredential,
    check_composite_policy,
    check_policy,
    files,
    keys,
    load_policy,
    load_record,
    recheck,
    recheck_composite,
)
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange, VerifierClient
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import private_folder, read_file
from zk.qr import qr_lines
from zk.run import Answer, Run, read_log_key
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token
from zk.values import json_value

AnyPolicy: TypeAlias = Policy | CompositePolicy
Counting = Annotated[
    list[str] | None, typer.Option("--with", metavar="NAME=RECORD", help="help.verifier.with")
]
AnyRecord: TypeAlias = Record | CompositeRecord
AnyRechecked: TypeAlias = Rechecked | CompositeRechecked
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
        private_folder(path.parent)
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


@GROUP.command("check-policy", remote=True)
def check_one(
    run: Run,
    policy: Annotated[Path, typer.Argument(help="help.verifier.policy")],
    verifier: Annotated[str | None, typer.Option("--as", help="help.verifier.as")] = None,
    counting: Counting = None,
) -> Answer:
    """Check that a policy can be asked and answered, with what is published today; ask nobody."""
    loaded, name = _loaded(policy), _name(run, verifier)
    with VerifierClient(run.endpoint, name, _key(run, name), run.log_verifier()) as client:
        _checked(client, loaded, name, _counterparts(run, counting or ()))
    data = {"policy": loaded.id, "form": _form(loaded), "verifier": str(name)}
    return Answer(data, [run.text("verifier.policy_holds", policy=loaded.id)])


@GROUP.command("ask", remote=True)
def ask(
    run: Run,
    policy: Annotated[Path, typer.Argument(help="help.verifier.policy")],
    verifier: Annotated[str | None, typer.Option("--as", help="help.verifier.as")] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="help.verifier.timeout")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="help.verifier.record")] = None,
    counting: Counting = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Ask by a policy, wait for the answer, verify it here and keep it.

    With --json it prints one line when it has asked and one when it was answered.
    """
    loaded, name = _loaded(policy), _name(run, verifier)
    path = record or run.home.records / f"{loaded.id}-{secrets.token_hex(4)}.json"
    if path.exists():
        raise CommandError(Exit.USAGE, "RECORD_EXISTS", "error.record_exists", path=path)
    private_folder(path.parent)
    given = _counterparts(run, counting or ())
    with VerifierClient(run.endpoint, name, _key(run, name), run.log_verifier()) as client:
        opened = client.ask(_checked(client, loaded, name, given))
        _show_question(run, opened, loaded, qr)
        wait = dt.timedelta(seconds=timeout) if timeout else loaded.lifetime + dt.timedelta(seconds=5)
        answered = client.wait(opened, wait, given.values())
    _keep(run, answered, loaded, path)
    return _answered(run, answered.record, path)


@GROUP.command("sign-scope")
def sign_scope(
    run: Run,
    scope: Annotated[Path, typer.Argument(help="help.verifier.scope")],
    verifier: Annotated[str | None, typer.Option("--as", help="help.verifier.as")] = None,
) -> Answer:
    """Sign a scope that several verifiers share; its file goes round among them until everyone has."""
    name = _name(run, verifier)
    read_file(scope)  # a file that cannot be read is named, as everywhere
    signed = JointScopeFile.load(scope).signed_by(name, _key(run, name))
    files.replace(scope, signed.to_bytes())
    left = [str(each) for each in signed.scope.members if each not in signed.signatures]
    data = {"scope": signed.scope.label, "signed_by": str(name), "unsigned": left}
    told = (
        run.text("verifier.scope_waits", members=", ".join(left))
        if left
        else run.text("verifier.scope_whole")
    )
    return Answer(data, [told])


def _loaded(path: Path) -> AnyPolicy:
    read_file(path)  # a file that cannot be read is named, as everywhere
    return load_policy(path)


def _form(policy: AnyPolicy) -> str:
    return "composite" if isinstance(policy, CompositePolicy) else "plain"


def _name(run: Run, said: str | None) -> VerifierName:
    return VerifierName.parse(f"verifiers/{said or _only_verifier(run)}")


def _counterparts(run: Run, written: Sequence[str]) -> dict[str, Counterpart]:
    """Return the answers whose numbers are counted, by the policy's names for them, each verified again."""
    given = dict[str, Counterpart]()
    for each in written:
        answer, _, path = each.partition("=")
        if not path or answer in given:
            raise CommandError(Exit.USAGE, "ANSWER_UNCLEAR", "error.answer_unclear", given=each)
        read_file(Path(path))  # a file that cannot be read is named, as everywhere
        record = load_record(Path(path))
        if not isinstance(record, CompositeRecord):
            raise CommandError(Exit.USAGE, "RECORD_PLAIN", "error.answer_plain", path=path)
        given[answer] = Counterpart.of(record, run.log_verifier())
    return given


def _checked(
    client: VerifierClient, policy: AnyPolicy, name: VerifierName, given: Mapping[str, Counterpart]
) -> Request | CompositeRequest:
    """Return a request of a policy that can be asked today; PolicyError with the place in the file.

    CommandError USAGE names the answers that the policy counts and nobody gave.
    """
    now = dt.datetime.now(dt.UTC)
    if isinstance(policy, CompositePolicy):
        if missing := [each for each in policy.answers if each not in given]:
            options = " ".join(f"--with {each}=RECORD" for each in missing)
            raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.answers_missing", options=options)
        return check_composite_policy(policy, name, client.reader, now, given)
    check_policy(policy, client.directory_for(policy.schemas))
    return policy.request(name, now)


def _keep(run: Run, answered: Answered | CompositeAnswered, policy: AnyPolicy, path: Path) -> None:
    """Save the record; what may come once is noted first, and refused if it has come before."""
    if isinstance(answered, CompositeAnswered) and isinstance(policy, CompositePolicy):
        register = PseudonymRegister(run.home.pseudonyms)
        answered.keep(path, unique=policy.unique, register=register)
    else:
        answered.record.save(path)


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


def _show_question(run: Run, opened: OpenExchange | CompositeExchange, policy: AnyPolicy, qr: bool) -> None:
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


def _answered(run: Run, record: AnyRecord, path: Path) -> Answer:
    checked = _recheck(record, run.log_verifier())
    data = {"event": "answered", "record": str(path), **_data(record, checked)}
    lines = [
        run.text("verifier.answered"),
        *_shown(run, record),
        *_proven(run, record, checked),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
        run.text("verifier.kept", path=path),
    ]
    return Answer(data, lines)


def _recheck(record: AnyRecord, log: tlog.Verifier | None) -> AnyRechecked:
    if isinstance(record, CompositeRecord):
        return recheck_composite(record, log_verifier=log)
    return recheck(record, log_verifier=log)


def _data(record: AnyRecord, checked: AnyRechecked) -> dict[str, Any]:
    """Return what was verified, for a JSON document; of the composite form also what is no shown value."""
    data: dict[str, Any] = {
        "entry_index": checked.index,
        "verified_at": checked.verify_time.isoformat(timespec="milliseconds"),
    }
    if isinstance(checked, Rechecked):
        parts = [(each, each.issuer_key) for each in checked.verified.credentials]
        return {**data, "credentials": [_credential(each, str(key)) for each, key in parts]}
    answer = checked.verified.answer
    return {
        **data,
        "branch": answer.branch,
        "credentials": [_credential(each.shown, str(each.shown.issuer_key)) for each in answer.credentials],
        "pseudonyms": {name: octets.hex() for name, octets in checked.verified.pseudonyms.items()},
        "escrows": {each.id: each.regulator.hex() for each in _escrows(record)},
    }


def _escrows(record: AnyRecord) -> Sequence[EscrowQuery]:
    if isinstance(record, CompositeRecord):
        return record.request.branch(record.presentation.answer.branch)[1].escrows
    return ()


def _credential(shown: Shown | VerifiedCredential, issuer_key: str) -> dict[str, Any]:
    return {
        "query": shown.query,
        "department": str(DepartmentName(shown.schema.department)),
        "schema": str(shown.schema),
        "issuer_key": issuer_key,
        "expiry": shown.expiry.isoformat() if shown.expiry else None,
        "values": {name: json_value(value) for name, value in shown.values.items()},
    }


def _parts(record: AnyRecord) -> list[Shown]:
    if isinstance(record, CompositeRecord):
        return [each.shown for each in record.presentation.answer.credentials]
    return [each.shown for each in record.presentation.credentials]


def _shown(run: Run, record: AnyRecord) -> list[str]:
    lines: list[str] = []
    for each in _parts(record):
        schema = record.directory.schema(each.schema)
        name, department = run.local(schema.display_name), DepartmentName(each.schema.department)
        lines.append(run.text("verifier.credential", name=name, department=department))
        for attribute, value in each.values.items():
            definition = schema.attribute(attribute)
            lines.append(f"  {run.local(definition.display_name)}: {show_value(definition, value, run.lang)}")
        if each.expiry:
            lines.append(f"  {run.text('verifier.expiry')}: {show_date(each.expiry, run.lang)}")
    return lines


def _proven(run: Run, record: AnyRecord, checked: AnyRechecked) -> list[str]:
    """Tell what was proven and not shown: the policy's own question says it, so only that it holds."""
    if isinstance(checked, Rechecked):
        return []
    pseudonyms = checked.verified.pseudonyms.items()
    return [
        run.text("verifier.branch", branch=checked.verified.answer.branch),
        *(run.text("verifier.pseudonym", id=name, pseudonym=octets.hex()) for name, octets in pseudonyms),
        *(run.text("verifier.escrow", id=each.id, of=each.operand) for each in _escrows(record)),
    ]


@GROUP.command("check")
def check(
    run: Run,
    record: Annotated[Path, typer.Argument(help="help.verifier.check_record")],
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
) -> Answer:
    """Check a record again, offline: request, proofs, receipt, checkpoint."""
    pinned = read_log_key(key) if key else run.profile.log_key
    read_file(record)  # a file that cannot be read is named, as everywhere
    kept = load_record(record)
    checked = _recheck(kept, pinned)
    if not checked.pinned:
        run.warn("ledger.key_of_file")
    data = {
        "record": str(record),
        "verifier": str(kept.request.verifier),
        "log_key": checked.log_key,
        "key_pinned": checked.pinned,
        **_data(kept, checked),
    }
    lines = [
        run.text(
            "verifier.holds", time=show_moment(checked.verify_time, run.lang), verifier=kept.request.verifier
        ),
        *_shown(run, kept),
        *_proven(run, kept, checked),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
    ]
    return Answer(data, lines)
