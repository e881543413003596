"""What the page's vault signs for its account is what Python's vault signs, octet for octet."""

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import SchemaName
from disclosure.account import AccountKey, code_hash, new_code
from disclosure.application import AppointmentBody, Scope, ScopeKind, ended_digest
from disclosure.session import SessionStatement
from prover.accounts import SubjectKind
from prover.client.account import subject_to
from prover.client.applications import AgentCode
from prover.records import moment_of
from tests.web.showing import needs_pages, run_showing
from tlog import Signer
from wire.convert import date_to
from zkproto.v1 import appointment_pb2 as pb

pytestmark = needs_pages
LOGS: Final = [str(Signer.generate(name).verifier) for name in ("city.example", "城市.example/log")]
TIMES: Final = (0, 1, 255, 1_800_000_000_123, (1 << 47) - 1)


def typed(drawn: random.Random, code: str) -> str:
    """Write a code as somebody may type it."""
    letters = [drawn.choice((each, each.lower())) for each in code]
    return drawn.choice(("", " ")) + "".join(each + drawn.choice(("", "", " ", "-")) for each in letters)


def signed(seed: bytes, code: str, log: str) -> list[str]:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = AccountKey(code_hash(code), private.public_key().public_bytes_raw(), log)
    signature = private.sign(key.signed_bytes)
    key.check(signature)
    return [key.public_key.hex(), signature.hex(), key.digest.hex()]


def said_in_session(given: dict[str, Any]) -> list[str]:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given["seed"]))
    moment = moment_of(given["time"])
    statement = SessionStatement(given["party"], given["log"], moment, bytes.fromhex(given["nonce"]))
    signature = statement.sign(private.sign)
    statement.check(signature, private.public_key().public_bytes_raw(), moment + dt.timedelta(seconds=1))
    return [signature.hex()]


async def test_what_is_signed_is_pythons_octet_for_octet(built: Path) -> None:
    drawn = random.Random(7)
    codes = [new_code() for _ in range(20)]
    registering = [
        {"code": typed(drawn, code), "seed": drawn.randbytes(32).hex(), "log": drawn.choice(LOGS)}
        for code in codes
    ]
    sessions = [
        {
            "party": party, "log": log, "time": time,
            "nonce": drawn.randbytes(32).hex(), "seed": drawn.randbytes(32).hex(),
        }
        for party in ("accounts/a", "consents/" + "c" * 60) for log in LOGS for time in TIMES
    ]  # fmt: skip
    bad = [
        "",
        codes[0][:-1],
        codes[0] + "0",
        codes[0][:-1] + "I",
        codes[0][:-1] + "é",
        codes[0].replace("-", "_"),
    ]
    given = [
        *(["code", each] for each in registering),
        *(["register", each] for each in registering),
        *(["session", each] for each in sessions),
        *(["code", {"code": each}] for each in bad),
    ]
    said = json.loads(await run_showing(built, "account.mjs", given))
    expected: list[Any] = [[code_hash(code).hex()] for code in codes]
    expected += [signed(bytes.fromhex(each["seed"]), each["code"], each["log"]) for each in registering]
    expected += [said_in_session(each) for each in sessions]
    expected += ["VALUE_INVALID"] * len(bad)
    assert said == expected


SCOPES: Final = [Scope(ScopeKind.ITEM, "business_licence"), Scope(ScopeKind.ERRAND, "变更登记")]
SCHEMA: Final = SchemaName("market-regulation", "agent_appointment", 1)


def appointing(drawn: random.Random, count: int, kind: SubjectKind) -> tuple[dict[str, Any], list[str]]:
    """Draw an appointment; return it as the page is given it, and its digest and message by Python."""
    agent = AgentCode(f"accounts/{drawn.randbytes(9).hex()}", drawn.randbytes(32))
    scopes, nonce, note = SCOPES[:count], drawn.randbytes(16), drawn.randbytes(1024)
    until, number, request_id = dt.date(2026, 12, 31), "91370100MA3C0F1XX", f"request-{count}"
    body = AppointmentBody(
        SCHEMA, agent.account, agent.commit, scopes, until, "She keeps our books 📚.", nonce
    )
    kinds = {ScopeKind.ITEM: pb.Scope.KIND_ITEM, ScopeKind.ERRAND: pb.Scope.KIND_ERRAND}
    message = pb.AppointAgentRequest(
        schema=str(SCHEMA),
        company=subject_to(kind, number),
        agent=agent.account,
        agent_commit=agent.commit,
        scopes=[pb.Scope(kind=kinds[each.kind], scope=each.scope) for each in scopes],
        until=date_to(until),
        grounds=body.grounds,
        nonce=nonce,
        request_id=request_id,
        holder_note=note,
    )
    given = {
        "agent": f" {agent} ", "schema": str(SCHEMA), "until": until.isoformat(), "grounds": body.grounds,
        "scopes": [{"kind": each.kind.value, "scope": f" {each.scope} "} for each in scopes],
        "nonce": nonce.hex(), "requestId": request_id, "note": note.hex(),
        "company": {"kind": kind, "number": number},
    }  # fmt: skip
    return given, [body.digest.hex(), message.SerializeToString(deterministic=True).hex()]


async def test_appointments_and_their_ends_are_pythons_octet_for_octet(built: Path) -> None:
    drawn = random.Random(11)
    made = [appointing(drawn, count, kind) for count in (1, 2) for kind in ("company", "person")]
    name, note = "appointments/0123abc", drawn.randbytes(1024)
    ended = pb.EndAppointmentRequest(name=name, request_id="r", holder_note=note)
    given = [("appoint", each) for each, _ in made]
    given.append(("end", {"name": name, "requestId": "r", "note": note.hex()}))
    said = json.loads(await run_showing(built, "account.mjs", given))
    assert said == [
        *(expected for _, expected in made),
        [ended_digest(name).hex(), ended.SerializeToString(deterministic=True).hex()],
    ]


async def test_an_agents_code_is_pythons_and_another_is_refused(built: Path) -> None:
    codes = [AgentCode("accounts/aB-_9", bytes(range(32))), AgentCode("accounts/x", bytes(32))]
    bad = [
        "",
        "accounts/x",
        f"accounts/x#{'0' * 63}",
        f"accounts/x#{'0' * 65}",
        f"accounts/#{'0' * 64}",
        f"consents/x#{'0' * 64}",
        f"accounts/x#{'g' * 64}",
        f"accounts/x y#{'0' * 64}",
        f"accounts/{'x' * 65}#{'0' * 64}",
    ]
    typed = [*map(str, codes), f"\n{str(codes[0]).replace('0a', '0A')} ", *bad]
    said = json.loads(await run_showing(built, "account.mjs", [("agent", {"code": each}) for each in typed]))
    expected = [
        [each.account.encode().hex(), each.commit.hex(), str(each).encode().hex()]
        for each in (*codes, codes[0])
    ]
    assert said == expected + ["AGENT_CODE_MALFORMED"] * len(bad)
    assert [AgentCode.parse(each) for each in typed[:3]] == [*codes, codes[0]]


async def test_days_and_scopes_that_are_none_are_refused(built: Path) -> None:
    days = [
        "2026-02-30",
        "2026-13-01",
        "0000-01-01",
        "26-01-01",
        "2026-1-1",
        "2026-01-01T00:00:00Z",
        "",
        "２０２６-01-01",
    ]
    given: list[Any] = [("day", {"day": each}) for each in ("2024-02-29", *days)]
    appoint, _ = appointing(random.Random(1), 2, "company")
    item = {"kind": "item", "scope": "x"}
    wrong: list[Any] = [
        [],
        [item] * 17,
        [item, item | {"scope": " x "}],
        [item | {"scope": " "}],
        [item | {"scope": "x" * 65}],
        [item | {"kind": "other"}],
        [item | {"kind": "toString"}],
    ]
    given += [("appoint", appoint | {"scopes": scopes}) for scopes in wrong]
    said = json.loads(await run_showing(built, "account.mjs", given))
    assert json.loads(bytes.fromhex(said[0][0])) == {"year": 2024, "month": 2, "day": 29}
    assert said[1:] == ["DATE_MALFORMED"] * len(days) + ["SCOPES_MALFORMED"] * len(wrong)
