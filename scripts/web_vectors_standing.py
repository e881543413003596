"""Vectors of standing consents: templates of requests of both forms, and terms with what is refused of them.

Written by `python -m scripts.web_vectors`. Requests are those of the vectors of allowance, at other times,
with other days of hidden expiry and other epochs.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from disclosure import DisclosureError, Request, canonical
from disclosure.attributes import days
from disclosure.composite import Branch, CompositeRequest, ExpiryShown, OldestEpoch, ValidOn
from disclosure.policy import RegisteredPolicy, StandingLimits
from disclosure.standing import SignedTerms, StandingTerms, check_standing, sign_terms, template_of
from scripts.web_vectors import Json, flips, text_of
from scripts.web_vectors_allowance import _composite, _plain
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world

AnyRequest = Request | CompositeRequest
NOW: Final = plain_world.NOW
DAY: Final = dt.timedelta(days=1)
LABEL: Final = "zk-disclosure/standing-terms/v1"
NONCE: Final = bytes(range(32))
_NO_NONCE: Final = bytes(32)


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    requests = _requests()
    made = dict(_terms(requests))
    return {
        "standing.json": text_of(
            {
                "requests": {name: _request(each) for name, each in requests.items()},
                "terms": {name: _written(each) for name, each in made.items()},
                "same": [
                    [name, other, _said(_is_same, terms, each)]
                    for name, terms in made.items()
                    for other, each in requests.items()
                ],
                "refused": [[each.hex(), _said(_read, each)] for each in _others(made)],
                "signed": list(_signed(made["plain"])),
                "standing": list(_standing(made)),
                "samples": list(_samples(made)),
                "moments": list(_moments(made["plain"])),
            }
        )
    }


def _requests() -> dict[str, AnyRequest]:
    plain, composite = _plain(), _composite()
    asked = world.request(*_branches(composite["what is allowed"]))
    found: dict[str, AnyRequest] = {f"plain: {name}": each for name, each in plain.items()}
    found |= {f"composite: {name}": each for name, each in composite.items()}
    month = 30 * DAY
    later: dict[str, Any] = {"created": NOW + month, "expires": NOW + month + DAY, "nonce": NONCE}
    ends = world.TODAY + 31 * DAY
    return found | {
        "plain: later": plain_world.request(**later),
        "composite: a month later": replace(_valid(asked, ValidOn(ends)), **later),
        "composite: a newer epoch": _epochs(asked, 9, None),
        "composite: an epoch of an age": _epochs(asked, 9, 86_400),
        "composite: a day longer": _valid(asked, ValidOn(world.TODAY + DAY)),
        "composite: a day before the end": _valid(asked, ValidOn(world.TODAY - DAY)),
        "composite: until midnight in China": replace(asked, expires=NOW + dt.timedelta(hours=6.5)),
        "composite: the last day that there is": _valid(asked, ValidOn(dt.date.max)),
        "composite: a last day that is shown": _valid(asked, ExpiryShown()),
    }


def _branches(asked: AnyRequest) -> tuple[Branch, ...]:
    return asked.branches if isinstance(asked, CompositeRequest) else ()


def _valid(asked: CompositeRequest, expiry: ValidOn | ExpiryShown) -> CompositeRequest:
    return _with(asked, lambda query: replace(query, expiry=expiry))


def _epochs(asked: CompositeRequest, number: int, age: int | None) -> CompositeRequest:
    def newer(query: Any) -> Any:
        issuers = (
            replace(each, revocation=replace(each.revocation, number=number, max_age=age))
            if isinstance(each.revocation, OldestEpoch)
            else each
            for each in query.issuers
        )
        return replace(query, issuers=tuple(issuers))

    return _with(asked, newer)


def _with(asked: CompositeRequest, change: Callable[[Any], Any]) -> CompositeRequest:
    branches: Iterator[Branch] = (
        replace(each, queries=tuple(map(change, each.queries))) for each in asked.branches
    )
    return replace(asked, branches=tuple(branches))


def _request(asked: AnyRequest) -> Json:
    form = "plain" if isinstance(asked, Request) else "composite"
    template = _said(lambda: template_of(asked).hex())
    return {"form": form, "octets": asked.canonical.hex(), "template": template}


def _terms(requests: Mapping[str, AnyRequest]) -> Iterator[tuple[str, StandingTerms]]:
    until = dt.date(2026, 12, 31)
    for name, asked, times, interval, last in (
        ("plain", "plain: what is allowed", 10, 30, until),
        ("plain, once", "plain: everything", 1, 0, world.TODAY),
        ("composite", "composite: what is allowed", 1000, 366, world.TODAY + 3660 * DAY),
        ("composite, of two branches", "composite: two branches", 12, 28, world.TODAY + 365 * DAY),
        ("composite, far away", "composite: the last day that there is", 12, 28, until),
    ):
        yield (
            name,
            StandingTerms(template_of(requests[asked]), times, interval, last, NOW, NOW + 7 * DAY, NONCE),
        )


def _written(terms: StandingTerms) -> Json:
    return {
        "template": terms.template.hex(),
        "times": terms.times,
        "intervalDays": terms.interval_days,
        "until": days(terms.until),
        "created": int(terms.created.timestamp()),
        "expires": int(terms.expires.timestamp()),
        "nonce": terms.nonce.hex(),
        "verifier": str(terms.verifier),
        "octets": terms.canonical.hex(),
        "digest": terms.digest.hex(),
        "flips": flips(terms.canonical, StandingTerms.from_bytes),
    }


def _others(made: Mapping[str, StandingTerms]) -> Iterator[bytes]:
    """Return octets in which one item of terms is left out, doubled or another one."""
    for name in ("plain",):
        items = canonical.decode(LABEL, made[name].canonical, most=1 << 17)
        for place, item in enumerate(items):
            rest = items[:place], items[place + 1 :]
            yield canonical.encode(LABEL, *rest[0], *rest[1])
            yield canonical.encode(LABEL, *rest[0], item, item, *rest[1])
            for other in _OTHER_ITEMS:
                yield canonical.encode(LABEL, *rest[0], other, *rest[1])
        yield made[name].canonical + b"\x00"
        yield made[name].canonical[:-1]
        yield canonical.encode("zk-disclosure/request/v1", *items)
    asked = plain_world.REQUEST
    for template in (asked.canonical, b"", b"\x80", replace(asked, nonce=_NO_NONCE).canonical):
        yield canonical.encode(
            LABEL, template, 1, 0, dt.date(2026, 3, 2).toordinal(), int(NOW.timestamp()),
            int(NOW.timestamp()) + 60, NONCE,
        )  # fmt: skip


_OTHER_ITEMS: Final[tuple[canonical.Item, ...]] = (
    None, True, False, 0, 1, -1, 366, 367, 1000, 1001, 739_000, 739_677, 739_678, 743_337, 743_338, 3_652_059,
    3_652_060, 1 << 37, (1 << 64) - 1, -(1 << 63), "", "plain", b"", bytes(31), bytes(32), [], [b""],
)  # fmt: skip


def _signed(terms: StandingTerms) -> Iterator[Json]:
    signed = sign_terms(terms, plain_world.SCHOOL_KEY)
    public = plain_world.SCHOOL_KEY.public_key().public_bytes_raw()
    other = replace(terms, times=terms.times + 1).canonical
    for payload, signature, key in (
        (signed.payload, signed.signature, public),
        (other, signed.signature, public),
        (signed.payload, signed.signature[::-1], public),
        (signed.payload, signed.signature[:-1], public),
        (signed.payload[:-1], signed.signature, public),
        (signed.payload, signed.signature, public[::-1]),
        (signed.payload, signed.signature, b""),
    ):
        yield {
            "payload": payload.hex(),
            "signature": signature.hex(),
            "key": key.hex(),
            "said": _said(_opened, payload, signature, key),
        }


def _opened(payload: bytes, signature: bytes, key: bytes) -> str:
    return SignedTerms(payload, signature).open(lambda _: key).digest.hex()


def _standing(made: Mapping[str, StandingTerms]) -> Iterator[Json]:
    limits = (
        None, StandingLimits(10, 30, 306), StandingLimits(9, 31, 305), StandingLimits(1000, 0, 36_525),
        StandingLimits(12, 28, 366), StandingLimits(12, 28, 365), StandingLimits(1, 366, 1),
    )  # fmt: skip
    policies: tuple[RegisteredPolicy, ...] = (asking.PLAIN, asking.COMPOSITE)
    for name, terms in made.items():
        for policy in policies:
            for each in limits:
                by = replace(policy, standing=each)
                yield {"terms": name, "policy": by.canonical.hex(), "refused": _refused(terms, by)}


def _refused(terms: StandingTerms, policy: RegisteredPolicy) -> list[str]:
    try:
        check_standing(terms, policy)
    except DisclosureError as error:
        return [str(error), *(f"{each.field}: {each.detail}" for each in error.violations)]
    return []


def _samples(made: Mapping[str, StandingTerms]) -> Iterator[Json]:
    for name, terms in made.items():
        for after, life in ((0, 600), (86_400 * 40, 86_400 * 7), (86_400 * 40 + 23_400, 86_400)):
            created = NOW + dt.timedelta(seconds=after)

            def sample(terms: StandingTerms = terms, created: dt.datetime = created, life: int = life) -> str:
                asked = terms.sample(created, dt.timedelta(seconds=life))
                return replace(asked, nonce=_NO_NONCE).canonical.hex()

            yield {
                "terms": name, "created": int(created.timestamp()), "lifetime": life, "said": _said(sample)
            }  # fmt: skip


def _moments(terms: StandingTerms) -> Iterator[Json]:
    midnight = dt.datetime(2026, 12, 31, 16, tzinfo=dt.UTC)
    second = dt.timedelta(seconds=1)
    for now in (
        NOW, NOW - 120 * second, NOW - 121 * second, NOW + 7 * DAY - second, NOW + 7 * DAY,
        midnight - second, midnight,
    ):  # fmt: skip

        def offered(now: dt.datetime = now) -> str:
            terms.check_offered(now)
            return ""

        yield {"now": int(now.timestamp()), "offered": _said(offered), "over": terms.is_over(now)}


def _is_same(terms: StandingTerms, asked: AnyRequest) -> str:
    return str(terms.is_same(asked)).lower()


def _read(octets: bytes) -> str:
    return StandingTerms.from_bytes(octets).digest.hex()


def _said(act: Callable[..., str], *given: Any) -> str:
    """Return what an act gives, or the reason why it is refused."""
    try:
        return act(*given)
    except DisclosureError as error:
        return str(error.reason)
