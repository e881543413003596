"""What the page's vault signs for its account is what Python's vault signs, octet for octet."""

import datetime as dt
import json
import random
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.account import AccountKey, code_hash, new_code
from disclosure.session import SessionStatement
from prover.records import moment_of
from tests.web.showing import needs_pages, run_showing
from tlog import Signer

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
