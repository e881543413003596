"""Refusals of the administration service."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.message import Message

from disclosure import LocalizedText
from disclosure.administration import new_secret, secret_hash
from tests.zkservice.administering import (
    CREATE_VERIFIER,
    Person,
    creating_administrator,
    creating_verifier,
    first,
    root,
)
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, put
from tests.zkservice.support import City, new_id
from wire.convert import text_to
from zkproto.v1 import administration_pb2 as pb

CASES: list[Case] = []
BAD, STATE, DENIED = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"
METHODS: Final = (
    "CreateAdministrator", "GetAdministrator", "ListAdministrators", "UpdateAdministrator",
    "SetAdministratorSecret", "RemoveAdministrator",
    "CreateAction", "GetAction", "ListActions", "ApproveAction", "RejectAction",
)  # fmt: skip
WEEK: Final = dt.timedelta(days=7)


async def made(town: City) -> Person:
    """Return a new administrator of root's."""
    return await first(town, f"a-{new_id()[:13]}")


async def proposed(person: Person) -> pb.Action:
    return await person.propose(CREATE_VERIFIER, creating_verifier(f"v-{new_id()[:13]}"))


async def renaming(by: Person, name: str) -> pb.UpdateAdministratorRequest:
    """Return what changes an administrator's display name as it is now."""
    found = await by.stub.GetAdministrator(pb.GetAdministratorRequest(name=name), metadata=by.said)
    changed = pb.Administrator(name=name, display_name=text_to(LocalizedText("乙", "B")), etag=found.etag)
    return pb.UpdateAdministratorRequest(administrator=changed)


async def seeds(town: City, number: int) -> dict[str, tuple[Message, str]]:
    """What the service answers with OK, with the token that it takes."""
    ann, own = await made(town), root(town)
    waiting, other, third = [await proposed(ann) for _ in range(3)]
    octets = creating_verifier(f"seed-{number}").SerializeToString(deterministic=True)
    calls: dict[str, Message] = {
        "CreateAdministrator": creating_administrator(f"seed-{number}", new_secret()),
        "GetAdministrator": pb.GetAdministratorRequest(name=ann.name),
        "ListAdministrators": pb.ListAdministratorsRequest(page_size=1),
        "UpdateAdministrator": await renaming(own, ann.name),
        "SetAdministratorSecret": pb.SetAdministratorSecretRequest(
            name=(await made(town)).name, secret_hash=secret_hash(new_secret())
        ),
        "RemoveAdministrator": pb.RemoveAdministratorRequest(name=(await made(town)).name),
        "CreateAction": pb.CreateActionRequest(method=CREATE_VERIFIER, request=octets, request_id=new_id()),
        "GetAction": pb.GetActionRequest(name=third.name),
        "ListActions": pb.ListActionsRequest(page_size=1, waiting=True),
        "ApproveAction": pb.ApproveActionRequest(name=waiting.name, digest=waiting.digest),
        "RejectAction": pb.RejectActionRequest(name=other.name),
    }
    return {method: (message, own.token) for method, message in calls.items()}


def refused(
    method: str, code: str, reason: str, *fields: str, name: str,
    alter: Callable[[Any], object] = lambda _: None,
    token: Callable[[Town], str | None] = lambda town: town.city.admin,
) -> None:  # fmt: skip
    """Write down a call that root would be answered with OK, changed."""

    async def scenario(town: Town) -> Refusable:
        message, _ = (await seeds(town.city, len(CASES)))[method]
        alter(message)
        sent = metadata(town.city, token(town))
        return lambda: getattr(root(town.city).stub, method)(message, metadata=sent)

    add(CASES, code, reason, *fields, name=f"{method}: {name}")(scenario)


for method in METHODS:
    refused(method, "UNAUTHENTICATED", "TOKEN_MISSING", name="no token", token=lambda _: None)
    refused(method, DENIED, "TOKEN_INVALID", name="nobody's token", token=lambda _: "x" * 43)
for method in METHODS:
    if method in {"CreateAction", "GetAction", "RejectAction"}:
        continue
    refused(
        method, DENIED, "TOKEN_INVALID", name="a department's token",
        token=lambda town: town.city.department_token,
    )  # fmt: skip
refused("CreateAction", DENIED, "TOKEN_INVALID", name="not a department's",
        token=lambda town: town.city.department_token)  # fmt: skip
for method in ("GetAction", "RejectAction"):
    refused(
        method, "NOT_FOUND", "NOT_FOUND", "name", name="not the department's",
        token=lambda town: town.city.department_token,
    )  # fmt: skip
for method in ("GetAction", "RejectAction", "ApproveAction"):
    refused(method, BAD, "FIELD_MISSING", "name", name="no name", alter=put("name", ""))
    refused(method, BAD, "FIELD_INVALID", "name", name="another's name", alter=put("name", "offers/x"))
    refused(method, "NOT_FOUND", "NOT_FOUND", "name", name="nothing", alter=put("name", "actions/nothing"))
refused("CreateAction", BAD, "FIELD_INVALID", "method", name="no such method", alter=put("method", "x"))
refused("CreateAction", BAD, "MESSAGE_MALFORMED", "request", name="no message", alter=put("request", b"x"))
refused("CreateAction", BAD, "FIELD_INVALID", "request_id", name="no UUID", alter=put("request_id", "x"))
refused("ApproveAction", BAD, "FIELD_MISSING", "digest", name="no digest", alter=put("digest", b""))
refused("ApproveAction", BAD, "FIELD_INVALID", "digest", name="a short digest", alter=put("digest", b"x"))
refused("ApproveAction", BAD, "ACTION_MISMATCH", "digest", name="another", alter=put("digest", bytes(32)))
for method in ("CreateAdministrator", "SetAdministratorSecret"):
    refused(method, BAD, "FIELD_MISSING", "secret_hash", name="no hash", alter=put("secret_hash", b""))
    refused(method, BAD, "FIELD_INVALID", "secret_hash", name="short", alter=put("secret_hash", b"x"))
for method in ("GetAdministrator", "SetAdministratorSecret", "RemoveAdministrator"):
    refused(method, BAD, "NAME_INVALID", "name", name="no name", alter=put("name", ""))
    refused(method, "NOT_FOUND", "NOT_FOUND", "name", name="nobody", alter=put("name", "administrators/no"))
refused("RemoveAdministrator", "NOT_FOUND", "NOT_FOUND", "name", name="root",
        alter=put("name", "administrators/root"))  # fmt: skip
refused("CreateAdministrator", BAD, "NAME_INVALID", "administrator_id", name="no name",
        alter=put("administrator_id", "A B"))  # fmt: skip
refused("CreateAdministrator", BAD, "FIELD_INVALID", "administrator_id", name="root",
        alter=put("administrator_id", "root"))  # fmt: skip
refused("CreateAdministrator", BAD, "FIELD_MISSING", "administrator", name="nothing",
        alter=lambda each: each.ClearField("administrator"))  # fmt: skip
refused("CreateAdministrator", BAD, "VALUE_INVALID", "administrator.display_name.zh", name="no display name",
        alter=put("administrator.display_name.zh", ""))  # fmt: skip


_CHANGED: Final = "UpdateAdministrator"
refused("GetAdministrator", "NOT_FOUND", "NOT_FOUND", "name", name="root",
        alter=put("name", "administrators/root"))  # fmt: skip
refused(_CHANGED, BAD, "FIELD_MISSING", "administrator", name="nothing",
        alter=lambda each: each.ClearField("administrator"))  # fmt: skip
refused(_CHANGED, BAD, "NAME_INVALID", "administrator.name", name="no name",
        alter=put("administrator.name", ""))  # fmt: skip
for nobody in ("no", "root"):
    refused(_CHANGED, "NOT_FOUND", "NOT_FOUND", "administrator.name", name=nobody,
            alter=put("administrator.name", f"administrators/{nobody}"))  # fmt: skip
refused(_CHANGED, BAD, "FIELD_MISSING", "administrator.etag", name="no etag",
        alter=put("administrator.etag", ""))  # fmt: skip
refused(_CHANGED, "ABORTED", "ETAG_MISMATCH", "administrator.etag", name="another etag",
        alter=put("administrator.etag", "x"))  # fmt: skip
refused(_CHANGED, BAD, "VALUE_INVALID", "administrator.display_name.en", name="no display name",
        alter=put("administrator.display_name.en", ""))  # fmt: skip


Deciding = Callable[[Town, Person, pb.Action], Awaitable[object]]


def decided(
    code: str, reason: str, *fields: str, name: str, before: Deciding, by_proposer: bool = False,
    ahead: dt.timedelta = dt.timedelta(),
) -> None:  # fmt: skip
    """Write down an approval of something that became something else before."""

    async def scenario(town: Town) -> Refusable:
        ann = await made(town.city)
        action = await proposed(ann)
        await before(town, ann, action)
        person = ann if by_proposer else root(town.city)
        return town.at(ahead, lambda: person.approve(action))

    add(CASES, code, reason, *fields, name=f"ApproveAction: {name}")(scenario)


async def nothing(*_: object) -> None:
    pass


async def rejected(_: Town, person: Person, action: pb.Action) -> None:
    await person.reject(action)


async def removed(town: Town, person: Person, _: pb.Action) -> None:
    request, own = pb.RemoveAdministratorRequest(name=person.name), root(town.city)
    await own.stub.RemoveAdministrator(request, metadata=own.said)


decided(DENIED, "SAME_PERSON", name="by the proposer", before=nothing, by_proposer=True)
decided(STATE, "ACTION_DECIDED", "name", name="rejected", before=rejected)
decided(STATE, "ACTION_EXPIRED", "name", name="after its week", before=nothing, ahead=WEEK)
decided(STATE, "SECOND_PERSON_REQUIRED", name="its proposer was removed", before=removed)
