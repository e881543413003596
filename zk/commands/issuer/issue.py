"""A department issues credentials, and revokes them."""

import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from disclosure import AccumulatorName, AttributeType, CredentialForm, Schema, Value
from disclosure.written import parse_value
from prover.consent import show_moment
from verifier import strict_yaml
from zk.clients.accounts import DepartmentDesk
from zk.clients.records import Subject
from zk.commands.issuer.common import GROUP, Item, OfDepartment, chosen_department, registered_schema
from zk.exits import CommandError, Exit
from zk.home import read_file, read_secret, write_private
from zk.qr import qr_lines
from zk.run import Answer, Run
from zk.service import Required, Service
from zk.subjects import subject_given
from zk.values import SECRET_OCTETS, parse_values

_HANDLE = re.compile(r"[0-9a-f]{64}", re.ASCII)


@GROUP.command("issue", remote=True)
def issue(
    run: Run,
    item: Item,
    value: Annotated[
        list[str] | None, typer.Option("-v", "--value", metavar="NAME=VALUE", help="help.issuer.value")
    ] = None,
    values: Annotated[Path | None, typer.Option("--values", help="help.issuer.values")] = None,
    person: Annotated[str | None, typer.Option("--person", help="help.issuer.person")] = None,
    requires: Annotated[
        tuple[str, str] | None,
        typer.Option("--requires", metavar="ITEM NAME=VALUE", help="help.issuer.requires"),
    ] = None,
    to_person: Annotated[str | None, typer.Option("--to-person", help="help.issuer.deliver_person")] = None,
    to_company: Annotated[
        str | None, typer.Option("--to-company", help="help.issuer.deliver_company")
    ] = None,
    replaces: Annotated[bool, typer.Option("--replaces", help="help.issuer.replaces")] = False,
    department: OfDepartment = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Offer a credential: print the link that claims it, or lay it into its holder's inbox.

    With `--replaces` it is for a new vault of a person whose old one is lost: with the claim that one's base
    credentials of this department are revoked.
    """
    written = written_values(value or [], values)
    with Service(run.endpoint) as service:
        found = registered_schema(run, service, item, department)
        token = run.home.token(found.name.department)
        identified = identified_by(run, service, found, person, requires)
        if replaces and not isinstance(identified, bytes):
            raise CommandError(Exit.USAGE, "REPLACES_UNCLEAR", "error.replaces_unclear")
        kept = kept_values(found, written, lambda each: run.home.subject_secret(found.name, each))
        if to_person is not None or to_company is not None:
            subject = Subject(*subject_given(to_person, to_company))
            return _delivered(run, found, kept, token, subject, identified, replaces=replaces)
        offer = service.issue(found, kept.values, token, identified, replace_holder=replaces)
    name, expires = run.local(found.display_name), show_moment(offer.expires, run.lang)
    replacing = [run.text("issuer.replaces")] if replaces else []
    key = "issuer.offer" if found.form is CredentialForm.PLAIN else "issuer.offer_composite"
    lines = [
        run.text(key, name=name, expires=expires, offer=offer.name, department=found.name.department),
        *replacing,
        *(run.text("issuer.secret_kept", attribute=each, path=path) for each, path in kept.secrets.items()),
        *(qr_lines(str(offer.link)) if qr else ()),
        str(offer.link),
        run.text("issuer.offer_secret"),
    ]
    data = {
        "link": str(offer.link),
        "offer": offer.name,
        "schema": str(found.name),
        "expires": offer.expires.isoformat(timespec="seconds"),
        "secrets": {each: str(path) for each, path in kept.secrets.items()},
    }
    return Answer(data, lines)


def _delivered(
    run: Run,
    schema: Schema,
    kept: "KeptValues",
    token: str,
    subject: Subject,
    identified: bytes | Required | None,
    *,
    replaces: bool,
) -> Answer:
    """Lay an offer into an inbox: nothing is printed that could claim it."""
    department = f"departments/{schema.name.department}"
    with DepartmentDesk(run.endpoint, department, token) as desk:
        made = desk.deliver(schema, kept.values, subject, identified, replace_holder=replaces)
    name, expires = run.local(schema.display_name), show_moment(made.expires, run.lang)
    lines = [
        run.text("issuer.delivered", name=name, offer=made.offer, expires=expires),
        *([run.text("issuer.replaces")] if replaces else ()),
        *(run.text("issuer.secret_kept", attribute=each, path=path) for each, path in kept.secrets.items()),
    ]
    data = {
        "offer": made.offer,
        "schema": str(schema.name),
        "expires": made.expires.isoformat(timespec="seconds"),
        "secrets": {each: str(path) for each, path in kept.secrets.items()},
    }
    return Answer(data, lines)


def written_values(pairs: list[str], file: Path | None) -> dict[str, str]:
    """Return the values as they were written, those of the command line over those of the file."""
    written: dict[str, str] = {}
    for pair in pairs:
        name, each = _pair(pair)
        if name in written:
            raise CommandError(Exit.USAGE, "VALUE_UNREADABLE", "error.value_unreadable", name=name)
        written[name] = each
    return {**_values_of(file), **written} if file else written


def _pair(written: str) -> tuple[str, str]:
    name, equals, value = written.partition("=")
    if not equals:
        raise CommandError(Exit.USAGE, "VALUE_UNREADABLE", "error.value_unreadable", name=name)
    return name, value


def _values_of(file: Path) -> dict[str, str]:
    data = strict_yaml.load(file, text_only=True)
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        raise CommandError(Exit.USAGE, "VALUES_FILE_INVALID", "error.values_file_invalid", path=file)
    return data


def identified_by(
    run: Run, service: Service, schema: Schema, person: str | None, requires: tuple[str, str] | None
) -> bytes | Required | None:
    """Return how the department knows whose credential it will be; the composite form has two ways."""
    # The number of a person is not for everybody on the machine, who could read arguments.
    if person == "-":
        person = sys.stdin.readline().strip()
    elif person and person.startswith("@"):
        person = read_secret(Path(person[1:]))
    wanted = schema.form is CredentialForm.COMPOSITE
    if wanted != (bool(person) != bool(requires)) or (not wanted and (person or requires)):
        key = "error.identify" if wanted else "error.identify_plain"
        raise CommandError(Exit.USAGE, "IDENTIFICATION_UNCLEAR", key, schema=schema.name)
    if person:
        return person.encode()
    return _required(run, service, requires) if requires else None


def _required(run: Run, service: Service, requires: tuple[str, str]) -> Required:
    item, pair = requires
    name, written = _pair(pair)
    schema = registered_schema(run, service, item, None)
    value = parse_value(schema.attribute(name), written)
    return Required(schema, {} if value is None else {name: value})


@dataclass(frozen=True)
class KeptValues:
    """The values of a credential, and where each secret that was made for it is kept."""

    values: Mapping[str, Value] = field(repr=False)
    secrets: Mapping[str, Path]


def kept_values(schema: Schema, written: Mapping[str, str], place: Callable[[str], Path]) -> KeptValues:
    """Return the values; a secret that was not named is made, and is kept before anything is sent.

    The same file is named for the next credential that is about the same child, home or household. Nothing is
    made for values that are none.
    """
    missing = [each.id for each in schema.attributes if each.type is AttributeType.SECRET]
    made = {each: secrets.token_bytes(SECRET_OCTETS) for each in missing if each not in written}
    values = parse_values(schema, written, made)
    paths = {each: place(each) for each in made}
    for each, path in paths.items():
        write_private(path, made[each].hex().encode() + b"\n")
    return KeptValues(values, paths)


@GROUP.command("revoke", remote=True)
def revoke(
    run: Run,
    handle: Annotated[
        list[str] | None, typer.Argument(metavar="HANDLE...", help="help.issuer.handle")
    ] = None,
    offer: Annotated[str | None, typer.Option("--offer", help="help.issuer.offer")] = None,
    accumulator: Annotated[str | None, typer.Option("--accumulator", help="help.issuer.by")] = None,
    department: OfDepartment = None,
) -> Answer:
    """Revoke credentials, by handles or by an offer; the same command again answers the same."""
    if bool(handle) == bool(offer):
        raise CommandError(Exit.USAGE, "HANDLE_UNCLEAR", "error.revoke_what")
    handles = [found for each in handle or () for found in _handles(each)]
    before = -1
    with Service(run.endpoint) as service:
        if accumulator is not None:
            name, owner = accumulator, AccumulatorName.parse(accumulator).department
        elif offer is not None:
            at, found = _of_offer(run, service, offer, department)
            name, owner, handles = str(at), at.department, [found]
            before = service.newest_epoch(at)
        else:
            chosen = chosen_department(run, department)
            name, owner = f"{chosen}/accumulators/-", chosen.department
        epoch = service.revoke(name, handles, run.home.token(owner))
    data = {"accumulator": str(epoch.accumulator), "epoch": epoch.number, "revoked": epoch.count}
    # Asked a second time, the service answers with the epoch of the first: one that stood there before.
    if epoch.number <= before:
        return Answer(data, [run.text("issuer.revoked_before", offer=offer, epoch=epoch.number)])
    return Answer(data, [run.text("issuer.revoked", count=len(handles), epoch=epoch.number)])


def _handles(written: str) -> list[bytes]:
    """Return a handle, or those of a file of one a line: others on the machine can read arguments."""
    lines = read_file(Path(written[1:])).decode().split() if written.startswith("@") else [written]
    if not lines or not all(map(_HANDLE.fullmatch, lines)):
        raise CommandError(Exit.USAGE, "HANDLE_UNREADABLE", "error.handle_unreadable", handle=written)
    return list(map(bytes.fromhex, lines))


def _of_offer(
    run: Run, service: Service, offer: str, department: str | None
) -> tuple[AccumulatorName, bytes]:
    """Return the handle of the credential that came of an offer, and the accumulator that revokes it."""
    issuance = service.issuance(offer, run.home.token(chosen_department(run, department).department))
    if issuance.handle is None:
        raise CommandError(Exit.REFUSED, "OFFER_UNCLAIMED", "error.offer_unclaimed", offer=offer)
    if issuance.accumulator is None:
        raise CommandError(Exit.REFUSED, "NOT_REVOCABLE", "error.not_revocable", offer=offer)
    return issuance.accumulator, issuance.handle
