"""Refusals of names that are changed, and of issuer keys that are taken on."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from tests.zkservice.centre import POLICE, change_key
from tests.zkservice.refusing import Case, Refusable, Seed, Town, add, put, writes
from tests.zkservice.support import City, new_id
from zkproto.v1 import catalog_pb2

CASES: list[Case] = []
BAD, STATE = "INVALID_ARGUMENT", "FAILED_PRECONDITION"
ACTIVE, VERIFY_ONLY, RETIRED = 1, 2, 3


async def renaming(town: City) -> dict[str, Message]:
    """Calls that change what a department and a verifier are called."""
    department = await town.catalog.GetDepartment(catalog_pb2.GetDepartmentRequest(name=POLICE))
    verifier = await town.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name="verifiers/school"))
    return {
        "UpdateDepartment": catalog_pb2.UpdateDepartmentRequest(
            department=catalog_pb2.Department(
                name=department.name,
                etag=department.etag,
                display_name=department.display_name,
                identifies=department.identifies,
            )
        ),
        "UpdateVerifier": catalog_pb2.UpdateVerifierRequest(
            verifier=catalog_pb2.Verifier(
                name=verifier.name, etag=verifier.etag, display_name=verifier.display_name
            )
        ),
    }


async def seeds(town: City, number: int) -> dict[str, Message]:
    """What the service answers with OK."""
    department = f"rotating-{number}"
    await town.add_department(department)
    key = await town.add_key(department)
    return {
        **await renaming(town),
        "UpdateIssuerKeyState": catalog_pb2.UpdateIssuerKeyStateRequest(
            name=key.name, expected_state=key.state, state=catalog_pb2.IssuerKey.STATE_VERIFY_ONLY
        ),
    }


async def department_seed(town: Town) -> Any:
    return (await renaming(town.city))["UpdateDepartment"]


async def verifier_seed(town: Town) -> Any:
    return (await renaming(town.city))["UpdateVerifier"]


async def key_seed(town: Town) -> Any:
    return catalog_pb2.UpdateIssuerKeyStateRequest(
        name=str(town.issued.key.name),
        expected_state=catalog_pb2.IssuerKey.STATE_ACTIVE,
        state=catalog_pb2.IssuerKey.STATE_VERIFY_ONLY,
    )


WRITES: dict[str, Seed] = {
    "UpdateDepartment": department_seed,
    "UpdateVerifier": verifier_seed,
    "UpdateIssuerKeyState": key_seed,
}
for method, seed in WRITES.items():
    writes(CASES, method, seed, "UNAUTHENTICATED", "TOKEN_MISSING", name="no token", token=lambda _: None)
    writes(
        CASES, method, seed, "PERMISSION_DENIED", "TOKEN_INVALID", name="another department's token",
        token=lambda town: town.tax_token,
    )  # fmt: skip
writes(
    CASES, "UpdateVerifier", verifier_seed, "PERMISSION_DENIED", "TOKEN_INVALID", name="a department's token",
    token=lambda town: town.city.department_token,
)  # fmt: skip


def cleared(field: str) -> Callable[[Any], object]:
    return lambda each: each.ClearField(field)


for method, field, seed in (
    ("UpdateDepartment", "department", department_seed),
    ("UpdateVerifier", "verifier", verifier_seed),
):
    writes(CASES, method, seed, BAD, "FIELD_MISSING", field, name="none", alter=cleared(field))
    writes(
        CASES,
        method,
        seed,
        BAD,
        "FIELD_MISSING",
        f"{field}.etag",
        name="no etag",
        alter=put(f"{field}.etag", ""),
    )
    writes(CASES, method, seed, "ABORTED", "ETAG_MISMATCH", f"{field}.etag", name="another etag",
           alter=put(f"{field}.etag", "0" * 32))  # fmt: skip
    writes(CASES, method, seed, BAD, "VALUE_INVALID", f"{field}.display_name.zh", name="no name",
           alter=put(f"{field}.display_name.zh", ""))  # fmt: skip
    writes(CASES, method, seed, "NOT_FOUND", "NOT_FOUND", f"{field}.name", name="nobody",
           alter=put(f"{field}.name", f"{field}s/nobody"))  # fmt: skip


writes(CASES, "UpdateDepartment", department_seed, "PERMISSION_DENIED", "TOKEN_INVALID",
       "department.identifies", name="a power of its own", token=lambda town: town.city.department_token,
       alter=lambda each: each.department.identifies.pop())  # fmt: skip


def identifying(*kinds: int) -> Callable[[Any], object]:
    def alter(message: Any) -> None:
        message.department.identifies[:] = kinds

    return alter


for kinds, at in (([0], "[0]"), ([1, 9], "[1]"), ([2, 2], "[1]")):
    writes(CASES, "UpdateDepartment", department_seed, BAD, "VALUE_INVALID", f"department.identifies{at}",
           name=f"identifies {kinds}", alter=identifying(*kinds))  # fmt: skip


def keys(code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object]) -> None:
    writes(CASES, "UpdateIssuerKeyState", key_seed, code, reason, *fields, name=name, alter=alter)


keys(BAD, "NAME_INVALID", "name", name="no name", alter=put("name", POLICE))
keys("NOT_FOUND", "NOT_FOUND", "name", name="nothing", alter=put("name", f"{POLICE}/issuerKeys/{'0' * 32}"))
keys(BAD, "FIELD_INVALID", "state", name="no state", alter=put("state", 0))
keys(BAD, "FIELD_INVALID", "state", name="a state that is none", alter=put("state", 9))
keys(BAD, "FIELD_INVALID", "expected_state", name="from nowhere", alter=put("expected_state", 0))
keys(STATE, "KEY_STATE_INVALID", "state", name="active again", alter=put("state", ACTIVE))
keys("ABORTED", "ETAG_MISMATCH", "expected_state", name="from another state",
     alter=lambda each: (put("expected_state", VERIFY_ONLY)(each), put("state", RETIRED)(each)))  # fmt: skip


def back(before: int, after: int) -> None:
    async def scenario(town: Town) -> Refusable:
        made = await town.city.add_key("old", new_id())
        await change_key(town.city, made.name, ACTIVE, before)
        return lambda: change_key(town.city, made.name, before, after)

    add(CASES, STATE, "KEY_STATE_INVALID", "state", name=f"UpdateIssuerKeyState: {before} to {after}")(
        scenario
    )


back(VERIFY_ONLY, ACTIVE)
back(RETIRED, ACTIVE)
back(RETIRED, VERIFY_ONLY)
