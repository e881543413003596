"""Refusals of the record service."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from tests.zkservice.pushes import Pusher, answers, groups, record
from tests.zkservice.refusing import NO_KEY, OWN_COMPOSITE, Case, Refusable, Town, add, metadata
from tests.zkservice.support import new_id
from zkproto.v1 import record_pb2 as pb

CASES: list[Case] = []
BAD, DENIED = "INVALID_ARGUMENT", "PERMISSION_DENIED"
PERMIT = "departments/police/schemas/residence_permit@1"
Messages = Callable[[Pusher], Iterable[pb.PushRecordsRequest]]


def pusher(town: Town) -> Pusher:
    return Pusher(town.city, town.city.department_token)


def pushing(
    code: str,
    reason: str,
    *fields: str,
    name: str,
    messages: Messages,
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
    before: Callable[[Pusher], Awaitable[Any]] | None = None,
) -> None:
    async def scenario(town: Town) -> Refusable:
        own = pusher(town)
        if before is not None:
            await before(own)
        sent = list(messages(own))

        def call() -> Any:
            async def each() -> Any:
                for message in sent:
                    yield message

            return answers(lambda: own.stub.PushRecords(each(), metadata=metadata(town.city, token(town))))

        return call

    add(CASES, code, reason, *fields, name=f"PushRecords {name}")(scenario)


def starting(**changes: Any) -> Messages:
    """A push of one record, its start changed."""
    return lambda own: [own.start(**changes), *groups([record("case")])]


def grouped(**changes: Any) -> Messages:
    """A push whose second message has these fields."""
    return lambda own: [own.start(), pb.PushRecordsRequest(**changes)]


def given(token: str | None, _: Town) -> str | None:
    return token


for missing in (None, ""):
    token = partial(given, missing)
    pushing("UNAUTHENTICATED", "TOKEN_MISSING", name=f"token {missing}", messages=starting(), token=token)
pushing(DENIED, "TOKEN_INVALID", name="nobody's token", messages=starting(), token=lambda _: "x" * 43)
pushing(DENIED, "TOKEN_INVALID", name="another department", messages=starting(), token=lambda t: t.tax_token)
pushing(DENIED, "TOKEN_INVALID", name="the administrator", messages=starting(), token=lambda t: t.city.admin)
pushing(DENIED, "TOKEN_INVALID", name="another's item", messages=starting(schema=str(OWN_COMPOSITE.name)))
pushing(BAD, "NAME_INVALID", "start.schema", name="no schema", messages=starting(schema=""))
pushing(
    "FAILED_PRECONDITION", "SCHEMA_UNKNOWN", "start.schema", name="unknown schema",
    messages=starting(schema="departments/police/schemas/nothing@1"),
)  # fmt: skip
pushing(BAD, "FIELD_MISSING", "start.push", name="no name", messages=starting(push=""))
pushing(BAD, "FIELD_INVALID", "start.push", name="no UUID", messages=starting(push="1"))
pushing("OUT_OF_RANGE", "RANGE_INVALID", "start.first", name="beyond", messages=starting(first=1))
pushing("OUT_OF_RANGE", "RANGE_INVALID", "start.first", name="before", messages=starting(first=-1))
for days in (-1, 3661):
    pushing(BAD, "FIELD_INVALID", "start.renew_days", name=f"{days} days", messages=starting(renew_days=days))
pushing(BAD, "FIELD_MISSING", "start", name="nothing", messages=lambda _: [])
pushing(BAD, "FIELD_MISSING", "start", name="no start", messages=lambda _: groups([record("case")]))
pushing(BAD, "FIELD_MISSING", "group", name="two starts", messages=lambda own: [own.start(), own.start()])
pushing(BAD, "FIELD_MISSING", "group", name="an empty message", messages=grouped())
pushing(BAD, "FIELD_MISSING", "group.records", name="an empty group", messages=grouped(group={}))
pushing(
    BAD, "BATCH_TOO_LARGE", "group.records", name="513 records",
    messages=grouped(group=pb.RecordGroup(records=[pb.Record()] * 513)),
)  # fmt: skip

KNOWN = new_id()
pushing(
    "ALREADY_EXISTS", "REQUEST_ID_REUSED", "start.push", name="the push of another schema",
    messages=lambda own: [own.start(KNOWN, schema="departments/police/schemas/composite@1")],
    before=lambda own: own.push([record("known")], KNOWN),
)  # fmt: skip
FINISHED = new_id()


async def _finished(own: Pusher) -> None:
    await own.push([record("known")], FINISHED)
    await own.finish(FINISHED)


pushing(
    "FAILED_PRECONDITION", "PUSH_FINISHED", "start.push", name="a finished push",
    messages=lambda own: [own.start(FINISHED)], before=_finished,
)  # fmt: skip


@add(CASES, "FAILED_PRECONDITION", "ISSUER_KEY_MISSING", name="PushRecords no key")
async def _no_key(town: Town) -> Refusable:
    token = await town.city.add_department("forest")
    schema = type(NO_KEY)(
        type(NO_KEY.name)("forest", "composite", 1), NO_KEY.display_name, NO_KEY.form, NO_KEY.attributes,
        NO_KEY.validity_days,
    )  # fmt: skip
    await town.city.add_schema(schema)
    own = Pusher(town.city, token, schema)
    sent = [own.start(), *groups([record("case", schema, person=b"1")])]
    return lambda: answers(lambda: own.send(sent))


def calling(
    method: str, message: Any, code: str, reason: str, *fields: str,
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
) -> None:  # fmt: skip
    async def scenario(town: Town) -> Refusable:
        stub = getattr(pusher(town).stub, method)
        return lambda: stub(message, metadata=metadata(town.city, token(town)))

    add(CASES, code, reason, *fields, name=f"{method} {len(CASES)}")(scenario)


OF_ITEM: dict[str, Any] = {"schema": PERMIT}
ASKED = {
    "GetPush": pb.GetPushRequest(push=new_id()),
    "FinishPush": pb.FinishPushRequest(push=new_id(), complete=True),
    "WithdrawRecords": pb.WithdrawRecordsRequest(**OF_ITEM, record_ids=[b"known"]),
    "GetRecord": pb.GetRecordRequest(**OF_ITEM, record_id=b"known"),
    "CountRecords": pb.CountRecordsRequest(**OF_ITEM),
}
for method, message in ASKED.items():
    calling(method, message, "UNAUTHENTICATED", "TOKEN_MISSING", token=lambda _: None)
    calling(method, message, DENIED, "TOKEN_INVALID", token=lambda _: "x" * 43)
for method in ("WithdrawRecords", "GetRecord", "CountRecords"):
    calling(method, ASKED[method], DENIED, "TOKEN_INVALID", token=lambda town: town.tax_token)
for method in ("GetPush", "FinishPush"):
    calling(method, ASKED[method], "NOT_FOUND", "NOT_FOUND", "push")
calling("GetPush", pb.GetPushRequest(), BAD, "FIELD_MISSING", "push")
calling("FinishPush", pb.FinishPushRequest(push="x"), BAD, "FIELD_INVALID", "push")
calling(
    "GetRecord", pb.GetRecordRequest(**OF_ITEM, record_id=b"nobody"), "NOT_FOUND", "NOT_FOUND", "record_id"
)
calling("GetRecord", pb.GetRecordRequest(**OF_ITEM), BAD, "FIELD_MISSING", "record_id")
calling("GetRecord", pb.GetRecordRequest(**OF_ITEM, record_id=bytes(201)), BAD, "FIELD_INVALID", "record_id")
calling("GetRecord", pb.GetRecordRequest(record_id=b"1"), BAD, "NAME_INVALID", "schema")
calling("WithdrawRecords", pb.WithdrawRecordsRequest(**OF_ITEM), BAD, "FIELD_MISSING", "record_ids")
calling(
    "WithdrawRecords", pb.WithdrawRecordsRequest(**OF_ITEM, record_ids=[b"1", b""]), BAD, "FIELD_MISSING",
    "record_ids[1]",
)  # fmt: skip
calling(
    "WithdrawRecords", pb.WithdrawRecordsRequest(**OF_ITEM, record_ids=[b"1"] * 513), BAD, "BATCH_TOO_LARGE",
    "record_ids",
)  # fmt: skip
calling("CountRecords", pb.CountRecordsRequest(**OF_ITEM, renew_days=-1), BAD, "FIELD_INVALID", "renew_days")
