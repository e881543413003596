"""Refusals of the revocation service."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bbs.accumulator import Epoch, Position
from bbs.accumulator.position import MAX_REVOCATIONS
from bbs.groups.bls12_381 import r
from tests.zkservice.holding import Holder, identified, offer
from tests.zkservice.refusing import Case, Refusable, Town, add, metadata
from tests.zkservice.revoking import Office, new_handles, octets_of
from tests.zkservice.stored import change
from tests.zkservice.support import new_id
from zkproto.v1 import revocation_pb2 as pb

CASES: list[Case] = []
BAD, DENIED, NAMES = "INVALID_ARGUMENT", "PERMISSION_DENIED", "NAME_INVALID"
POLICE = "departments/police"
NOBODY = f"{POLICE}/accumulators/{'0' * 32}"

Ask = Callable[[Office], Any]


def creating(**changes: Any) -> Any:
    return lambda _: pb.CreateAccumulatorRequest(**({"parent": POLICE, "request_id": new_id()} | changes))


def revoking(**changes: Any) -> Ask:
    def ask(office: Office) -> pb.RevokeCredentialsRequest:
        fields = {"accumulator": office.name, "handles": octets_of(new_handles(2)), "request_id": new_id()}
        return pb.RevokeCredentialsRequest(**(fields | changes))

    return ask


async def open_office(town: Town) -> Office:
    return await Office.open(town.city, "police", town.city.department_token)


def writes(
    method: str,
    ask: Ask,
    code: str,
    reason: str,
    *fields: str,
    token: Callable[[Town], str | None] = lambda town: town.city.department_token,
) -> None:
    async def scenario(town: Town) -> Refusable:
        message = ask(await open_office(town))
        stub = getattr(town.city.revocation, method)
        return lambda: stub(message, metadata=metadata(town.city, token(town)))

    add(CASES, code, reason, *fields, name=f"{method} {len(CASES)}")(scenario)


def reads(method: str, ask: Ask, code: str, reason: str, *fields: str) -> None:
    async def scenario(town: Town) -> Refusable:
        message = ask(await open_office(town))
        return lambda: getattr(town.city.revocation, method)(message)

    add(CASES, code, reason, *fields, name=f"{method} {len(CASES)}")(scenario)


def given(token: str | None, _: Town) -> str | None:
    return token


for method, ask in {"CreateAccumulator": creating(), "RevokeCredentials": revoking()}.items():
    for missing in (None, ""):
        token = partial(given, missing)
        writes(method, ask, "UNAUTHENTICATED", "TOKEN_MISSING", token=token)
    writes(method, ask, DENIED, "TOKEN_INVALID", token=lambda _: "x" * 43)
    writes(method, ask, DENIED, "TOKEN_INVALID", token=lambda town: town.tax_token)
    writes(method, ask, DENIED, "TOKEN_INVALID", token=lambda town: town.city.admin)

for parent in ("", "police", "departments/-", f"{POLICE}/accumulators/-"):
    writes("CreateAccumulator", creating(parent=parent), BAD, NAMES, "parent")
writes("CreateAccumulator", creating(suite="BBS_OF_MY_OWN"), BAD, "FIELD_INVALID", "suite")
writes("CreateAccumulator", creating(request_id=""), BAD, "FIELD_MISSING", "request_id")
writes("CreateAccumulator", creating(request_id="1"), BAD, "FIELD_INVALID", "request_id")

for name in ("", POLICE, f"{POLICE}/x/accumulators/-", f"{POLICE}/accumulators/{'0' * 31}"):
    writes("RevokeCredentials", revoking(accumulator=name), BAD, NAMES, "accumulator")
writes("RevokeCredentials", revoking(accumulator=NOBODY), "NOT_FOUND", "NOT_FOUND", "accumulator")
writes("RevokeCredentials", revoking(request_id=""), BAD, "FIELD_MISSING", "request_id")
writes("RevokeCredentials", revoking(request_id="1"), BAD, "FIELD_INVALID", "request_id")
writes("RevokeCredentials", revoking(handles=[]), BAD, "VALUE_INVALID", "handles")
(GOOD,) = octets_of(new_handles(1))
for wrong in (b"", GOOD[1:], GOOD + b"\0", b"\0" + GOOD, bytes(32), r.to_bytes(32), b"\xff" * 32, GOOD):
    writes("RevokeCredentials", revoking(handles=[GOOD, wrong]), BAD, "VALUE_INVALID", "handles[1]")
TOO_MANY = [number.to_bytes(32) for number in range(1, 4098)]
writes("RevokeCredentials", revoking(handles=TOO_MANY), BAD, "BATCH_TOO_LARGE", "handles")


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def accumulator_of_another_suite(town: Town) -> Refusable:
    message = creating()(None)
    token = metadata(town.city, town.city.department_token)
    await town.city.revocation.CreateAccumulator(message, metadata=token)
    message.suite = "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"
    return lambda: town.city.revocation.CreateAccumulator(message, metadata=token)


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def request_id_of_other_handles(town: Town) -> Refusable:
    office, request_id = await open_office(town), new_id()
    handles = new_handles(2)
    await office.send(office.asking(handles, request_id))
    return lambda: office.send(office.asking(handles[:1], request_id))


@add(CASES, "FAILED_PRECONDITION", "ALREADY_REVOKED", "handles[2]")
async def handle_revoked_before(town: Town) -> Refusable:
    office, handles = await open_office(town), new_handles(4)
    await office.revoke(handles[2])
    return lambda: office.send(office.asking(handles))


async def issued(town: Town) -> bytes:
    """Return the handle of a credential of the composite form."""
    asked = identified(schema=town.composite, person=new_id().encode())
    claim = await Holder(town.city).commit(await offer(town.city, asked), town.composite)
    return (await claim.send(town.city)).handle


@add(CASES, "FAILED_PRECONDITION", "ACCUMULATOR_MISMATCH", "handles[1]")
async def handle_of_another_accumulator(town: Town) -> Refusable:
    """There it would stand for nothing, and the department would believe that it is revoked."""
    await open_office(town)
    handle = int.from_bytes(await issued(town))
    newer = await open_office(town)
    return lambda: newer.send(newer.asking([*new_handles(1), handle]))


@add(CASES, "FAILED_PRECONDITION", "ACCUMULATOR_MISMATCH", "handles[1]")
async def handles_of_two_accumulators(town: Town) -> Refusable:
    office = await open_office(town)
    first = await issued(town)
    await open_office(town)
    asked = office.asking([int.from_bytes(each) for each in (first, await issued(town))])
    asked.accumulator = f"{POLICE}/accumulators/-"
    return lambda: office.send(asked)


@add(CASES, "NOT_FOUND", "NOT_FOUND", "handles[0]")
async def handle_that_was_not_drawn_here_and_no_accumulator(town: Town) -> Refusable:
    office = await open_office(town)
    asked = office.asking(new_handles(1))
    asked.accumulator = f"{POLICE}/accumulators/-"
    return lambda: office.send(asked)


@add(CASES, "FAILED_PRECONDITION", "ACCUMULATOR_FULL", "handles")
async def more_than_a_key_takes(town: Town) -> Refusable:
    """All or none, also where one of two would still fit. The list itself would take an hour to make."""
    office = await open_office(town)
    key = office.accumulator.key
    position = Position(key, MAX_REVOCATIONS - 1, key.start.V_octets, bytes(32))
    late = Epoch(0, position, (await office.epoch()).time)
    change(
        town.city.ready.data,
        "update epoch set octets = ?, count = ? where accumulator = ?",
        late.octets,
        MAX_REVOCATIONS - 1,
        office.name,
    )
    return lambda: office.send(office.asking(new_handles(2)))


def named(request: Any, field: str = "accumulator", **fields: Any) -> Callable[[str], Ask]:
    return lambda name: lambda _: request(**{field: name}, **fields)


def of_office(request: Any, **fields: Any) -> Ask:
    return lambda office: request(accumulator=office.name, **fields)


READS: dict[str, tuple[Callable[[str], Ask], str]] = {
    "GetAccumulator": (named(pb.GetAccumulatorRequest, "name"), "name"),
    "GetEpoch": (named(pb.GetEpochRequest), "accumulator"),
    "ListRevocations": (named(pb.ListRevocationsRequest), "accumulator"),
}
for method, (asking, field) in READS.items():
    reads(method, asking(NOBODY), "NOT_FOUND", "NOT_FOUND", field)
    for bad in ("", f"{NOBODY}/x", f"{NOBODY}'; drop table epoch; --", f" {NOBODY}", NOBODY.upper()):
        reads(method, asking(bad), BAD, NAMES, field)
reads("GetAccumulator", READS["GetAccumulator"][0](f"{POLICE}/x/accumulators/-"), BAD, NAMES, "name")
nobodys = READS["GetAccumulator"][0]("departments/nobody/accumulators/-")
reads("GetAccumulator", nobodys, "NOT_FOUND", "NOT_FOUND", "name")

_RANGE = ("OUT_OF_RANGE", "RANGE_INVALID")
for number in (-1, 1, 1 << 62):
    reads("GetEpoch", of_office(pb.GetEpochRequest, number=number), *_RANGE, "number")
for first in (-1, 0, 1, 1 << 62):
    reads("ListRevocations", of_office(pb.ListRevocationsRequest, first=first), *_RANGE, "first")
reads("ListRevocations", of_office(pb.ListRevocationsRequest, limit=-1), BAD, "FIELD_INVALID", "limit")


def watches(name: str, code: str, reason: str) -> None:
    async def scenario(town: Town) -> Refusable:
        return lambda: town.city.revocation.WatchEpochs(pb.WatchEpochsRequest(accumulator=name)).read()

    add(CASES, code, reason, "accumulator", name=f"WatchEpochs {len(CASES)}")(scenario)


watches(NOBODY, "NOT_FOUND", "NOT_FOUND")
watches("", BAD, NAMES)
watches(POLICE, BAD, NAMES)
