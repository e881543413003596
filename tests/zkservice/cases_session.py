"""Refusals of the session service."""

import datetime as dt
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.zkservice.refusing import Case, Refusable, Town, add
from tests.zkservice.sessions import statement
from zkproto.v1.session_pb2_grpc import SessionServiceStub

CASES: list[Case] = []
BANK = "verifiers/bank"


def opening(code: str, reason: str, *fields: str, name: str, party: str = BANK, **changes: Any) -> None:
    """A statement of the bank's, made with these changes; `alter` changes the message afterwards."""
    alter = changes.pop("alter", lambda _: None)
    own = changes.pop("key", None)

    async def scenario(town: Town) -> Refusable:
        message = statement(town.city, party, own or town.city.verifier_keys["bank"], **changes)
        alter(message)
        stub: Any = SessionServiceStub(town.city.channel)
        return lambda: stub.OpenSession(message)

    add(CASES, code, reason, *fields, name=name)(scenario)


UNSIGNED = ("UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", "signature")
LATE, EARLY = dt.timedelta(minutes=-3), dt.timedelta(minutes=3)
BAD = "INVALID_ARGUMENT"

opening(*UNSIGNED, name="another key", key=Ed25519PrivateKey.generate())
opening(*UNSIGNED, name="another party", party="verifiers/school")
opening(*UNSIGNED, name="nobody", party="verifiers/nobody")
opening(*UNSIGNED, name="a department", party="departments/police")
opening(*UNSIGNED, name="for another service", service="elsewhere+00000000+AAAA")
opening(*UNSIGNED, name="cut", alter=lambda each: setattr(each, "signature", each.signature[:63]))
opening(*UNSIGNED, name="another nonce", alter=lambda each: setattr(each, "nonce", bytes(32)))
opening("FAILED_PRECONDITION", "REQUEST_EXPIRED", "time", name="too old", ahead=LATE)
opening("FAILED_PRECONDITION", "REQUEST_NOT_YET_VALID", "time", name="dated ahead", ahead=EARLY)
opening(BAD, "FIELD_MISSING", "time", name="no time", alter=lambda each: each.ClearField("time"))
opening(BAD, "FIELD_MISSING", "party", name="no party", alter=lambda each: each.ClearField("party"))
opening(
    BAD, "VALUE_INVALID", "nonce", name="short nonce", alter=lambda each: setattr(each, "nonce", bytes(31))
)


@add(CASES, "ALREADY_EXISTS", "REPLAYED", name="OpenSession a statement twice")
async def _twice(town: Town) -> Refusable:
    message = statement(town.city, BANK, town.city.verifier_keys["bank"])
    stub: Any = SessionServiceStub(town.city.channel)
    await stub.OpenSession(message)
    return lambda: stub.OpenSession(message)
