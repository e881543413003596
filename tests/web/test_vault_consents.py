"""What the page's vault keeps of standing consents is what Python keeps: keys, records, what is within."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

from disclosure import (
    AccountLink,
    ConsentLink,
    DisclosureError,
    ExchangeLink,
    LocalizedText,
    OfferLink,
    SendLink,
)
from disclosure.composite import Branch, CompositeRequest
from disclosure.request import Request
from disclosure.standing import SignedTerms, StandingTerms, sign_terms, template_of
from prover import Vault
from prover.errors import VaultError
from prover.sealing import VaultKeys
from prover.standing import GrantState, HeldConsent
from tests.disclosure import world
from tests.disclosure.composite import world as composite_world
from tests.prover.making import PASSPHRASE
from tests.web.showing import needs_pages, run_showing
from tlog import Signer

pytestmark = needs_pages
NOW: Final = world.NOW
DAY: Final = dt.timedelta(days=1)
LOGS: Final = [Signer.generate(name).verifier for name in ("city.example", "城市.example/log")]
CALLED: Final = LocalizedText("学校", "School")
LINK: Final = ConsentLink("city.example:8443", "consent-1", "s" * 43)
COMPOSITE: Final = composite_world.request(
    Branch("main", (composite_world.query("permit", composite_world.PERMIT, shown=("name",)),))
)


def terms(asked: Request | CompositeRequest = world.REQUEST, **changes: Any) -> SignedTerms:
    made: dict[str, Any] = {
        "template": template_of(asked), "times": 3, "interval_days": 30, "until": dt.date(2026, 12, 31),
        "created": NOW, "expires": NOW + 7 * DAY, "nonce": bytes(32),
    }  # fmt: skip
    return sign_terms(StandingTerms(**(made | changes)), world.SCHOOL_KEY)


def held(**changes: Any) -> HeldConsent:
    made = HeldConsent("0" * 32, GrantState.GRANTED, LINK, CALLED, terms(), (), LOGS[0])
    return replace(made, **changes)


def given(each: HeldConsent) -> dict[str, Any]:
    return {
        "id": each.id, "state": each.state.value, "link": str(each.link),
        "called": [each.verifier_display_name.zh, each.verifier_display_name.en],
        "uses": [int(use.timestamp()) for use in each.uses],
        "log": None if each.log is None else str(each.log),
        "payload": each.signed.payload.hex(), "signature": each.signed.signature.hex(),
    }  # fmt: skip


def told(each: HeldConsent) -> list[Any]:
    found = given(each)
    names = ("state", "link", "called", "uses", "log", "payload", "signature")
    return [*(found[name] for name in names), each.terms.digest.hex()]


def key(drawn: Random) -> tuple[dict[str, Any], str]:
    data_key, log = drawn.randbytes(32), str(drawn.choice(LOGS))
    name, digest = f"consents/{drawn.randrange(1 << 60):x}", drawn.randbytes(32)
    made = VaultKeys(data_key).consent_key(log, name, digest)
    asked = {"dataKey": data_key.hex(), "log": log, "consent": name, "terms": digest.hex()}
    return asked, made.private_bytes_raw().hex()


async def test_the_keys_of_consents_are_pythons_octet_for_octet(built: Path) -> None:
    drawn = Random(5)
    pairs = [key(drawn) for _ in range(30)]
    said = json.loads(await run_showing(built, "consents.mjs", [["key", asked] for asked, _ in pairs]))
    assert said == [made for _, made in pairs]
    assert len(set(said)) == len(said)


RECORDS: Final = [
    held(),
    held(state=GrantState.WITHDRAWN, log=None),
    held(state=GrantState.RECOVERED, uses=(NOW, NOW + 31 * DAY), log=LOGS[1]),
    held(signed=terms(COMPOSITE), link=ConsentLink("[::1]:443", "c_-1", "t")),
]


async def test_a_record_is_read_as_it_was_written_and_nothing_else_is(built: Path) -> None:
    said = json.loads(await run_showing(built, "consents.mjs", [["record", given(each)] for each in RECORDS]))
    for each, found in zip(RECORDS, said, strict=True):
        assert found["told"] == told(each)
        # A log or uses may be missing; every other change makes no record.
        assert set(found["damaged"]) <= {"VAULT_DAMAGED", "read"}
        assert found["damaged"].count("read") <= 2
        assert len(found["damaged"]) > 50


async def test_what_comes_with_a_file_of_before_is_not_answered_under(built: Path) -> None:
    said = json.loads(await run_showing(built, "consents.mjs", [["aged", given(each)] for each in RECORDS]))
    expected = [
        told(replace(each, state=GrantState.RECOVERED)) if each.state is GrantState.GRANTED else None
        for each in RECORDS
    ]
    assert said == expected


def checked(each: HeldConsent, asked: Request | CompositeRequest, now: dt.datetime) -> str:
    try:
        each.check(asked, now)
    except (DisclosureError, VaultError) as error:
        return str(error.reason)
    return ""


def checks() -> list[tuple[HeldConsent, Request | CompositeRequest, dt.datetime]]:
    first, second = world.REQUEST.queries
    more = world.request(queries=(replace(first, shown=(*first.shown, "name")), second))
    tolerance = dt.timedelta(minutes=2)
    early = replace(COMPOSITE, expires=COMPOSITE.expires + 7 * DAY - dt.timedelta(minutes=10))
    later = [
        world.request(created=NOW + after, expires=NOW + after + DAY, nonce=bytes(range(32)))
        for after in (30 * DAY - tolerance, 30 * DAY - tolerance - dt.timedelta(seconds=1), 30 * DAY)
    ]
    used = held(uses=(NOW - 40 * DAY, NOW, NOW - 80 * DAY))
    once = held(uses=(NOW,))
    last = dt.datetime(2026, 12, 31, 15, 59, 59, tzinfo=dt.UTC)
    return [
        (held(), world.REQUEST, NOW),
        (held(), more, NOW),
        (held(state=GrantState.WITHDRAWN), world.REQUEST, NOW),
        (held(state=GrantState.RECOVERED), world.REQUEST, NOW),
        (held(), world.REQUEST, last),
        (held(), world.REQUEST, last + dt.timedelta(seconds=1)),
        (used, later[2], NOW),
        *((once, each, NOW) for each in later),
        (held(signed=terms(interval_days=0), uses=(NOW,)), world.REQUEST, NOW),
        (held(signed=terms(times=1, interval_days=0), uses=(NOW,)), world.REQUEST, NOW),
        (held(signed=terms(COMPOSITE)), COMPOSITE, NOW),
        (held(signed=terms(COMPOSITE)), world.REQUEST, NOW),
        (held(signed=terms(COMPOSITE)), early, NOW),
    ]


async def test_what_is_beyond_a_consent_is_what_python_says_it_is(built: Path) -> None:
    cases = checks()
    asked = [
        ["check", {"held": given(each), "request": wanted.canonical.hex(), "now": now.timestamp()}]
        for each, wanted, now in cases
    ]
    said = json.loads(await run_showing(built, "consents.mjs", asked))
    assert said == [checked(*each) for each in cases]
    assert set(said) == {"", "CONSENT_BEYOND", "BOUND_INVALID"}


async def test_terms_and_names_that_do_not_fit_are_refused_as_python_refuses_them(
    built: Path, tmp_path: Path
) -> None:
    mine, others = terms(), terms(times=2)
    elsewhere, renamed = replace(LINK, server="other.example:1"), replace(LINK, id="consent-2")
    cases = [(link, signed) for link in (LINK, renamed, elsewhere) for signed in (mine, others)]
    asked, expected = list[Any](), list[str | None]()
    for place, (link, signed) in enumerate(cases):
        there = given(held())
        asked.append(
            [
                "known",
                {
                    "held": [there],
                    "link": str(link),
                    "payload": signed.payload.hex(),
                    "signature": signed.signature.hex(),
                },
            ]
        )
        with Vault.create(tmp_path / f"{place}.vault", PASSPHRASE) as vault:
            vault.consents.adopt(LINK, mine, CALLED)
            try:
                found = vault.consents.adopt(link, signed, CALLED)
            except DisclosureError as error:
                expected.append(str(error.reason))
            else:
                expected.append("0" * 32 if found.signed == mine else None)
    assert json.loads(await run_showing(built, "consents.mjs", asked)) == expected
    assert set(expected) == {"REQUEST_MISMATCH", None, "0" * 32}


async def test_what_the_ledger_has_of_others_ends_a_consent(built: Path) -> None:
    """As Python's `settle`: a withdrawal counts, and so does a use that the vault does not hold."""
    created, digest = int(NOW.timestamp() * 1000), held().terms.digest.hex()
    school = str(held().terms.verifier)
    cases: list[tuple[HeldConsent, str, list[str], list[int], str]] = [
        (held(), school, [], [], "granted"),
        (held(), school, ["00" * 32], [], "granted"),
        (held(), school, [digest], [], "withdrawn"),
        (held(state=GrantState.RECOVERED), school, [digest], [], "withdrawn"),
        (held(), school, [], [created], "recovered"),
        (held(), school, [], [created - 3_600_000], "granted"),
        (held(), f"{school}s", [], [created], "granted"),
        (held(state=GrantState.WITHDRAWN), school, [], [created], "withdrawn"),
    ]
    asked = [
        ["settled", {"held": given(each), "verifier": verifier, "withdrawn": withdrawn, "used": used}]
        for each, verifier, withdrawn, used, _ in cases
    ]
    said = json.loads(await run_showing(built, "consents.mjs", asked))
    assert said == [expected for *_, expected in cases]


async def test_links_are_written_as_they_are_read(built: Path) -> None:
    links = [
        LINK, ExchangeLink("[::1]:443", "a-b_c", "s"), OfferLink("h:1", "o", "c"),
        AccountLink("h:1", "police", "C"),
        SendLink.to("h:65535", "accounts/a-b", bytes(32)),
    ]  # fmt: skip
    said = json.loads(await run_showing(built, "consents.mjs", [["link", str(each)] for each in links]))
    assert said == [str(each) for each in links]
