"""Standing consents by chance: the prover in TypeScript says of requests and terms what Python says.

The vectors have what somebody thought of. Here requests are asked again at other times, terms are written by
the one and read by the other, and their octets changed, from a seed that is always the same.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import cbor2

from disclosure import DisclosureError, Request, civil_date
from disclosure.attributes import date_of, days
from disclosure.composite import CompositeRequest, ValidOn
from disclosure.standing import StandingTerms, template_of
from tests.disclosure import world as plain_world
from tests.web.node import BUILT, needs_prover, run
from tests.web.test_prover_allowance import composite, nodes, plain

AnyRequest = Request | CompositeRequest
REQUESTS, CHANGED = 60, 900
SECONDS = int(plain_world.NOW.timestamp())


def said(act: Callable[..., str], *given: Any) -> str:
    """What an act gives, or the reason why it is refused."""
    try:
        return act(*given)
    except DisclosureError as error:
        return str(error.reason)


def template(asked: AnyRequest) -> str:
    return template_of(asked).hex()


def is_same(terms: StandingTerms, asked: AnyRequest) -> str:
    return str(terms.is_same(asked)).lower()


def read(octets: bytes) -> str:
    return StandingTerms.from_bytes(octets).digest.hex()


def again(rng: Random, asked: AnyRequest) -> AnyRequest:
    """The same at another time; where a day of validity stands still, another question or none."""
    created = plain_world.NOW + dt.timedelta(seconds=rng.randrange(40 * 86_400))
    life = dt.timedelta(seconds=rng.randint(1, 7 * 86_400))
    moved = replace(asked, created=created, expires=created + life, nonce=rng.randbytes(32))
    if isinstance(moved, Request) or rng.random() < 0.3:
        return moved
    day = ValidOn(civil_date(created + life) + dt.timedelta(days=rng.choice([0, 0, 0, 1])))
    branches = (
        replace(each, queries=tuple(replace(query, expiry=day) for query in each.queries))
        for each in moved.branches
    )
    return replace(moved, branches=tuple(branches))


def fields(rng: Random, asked: AnyRequest) -> list[Any]:
    """Terms for a question, most of them within their bounds."""
    created = SECONDS + rng.randrange(86_400 * 300)
    until = days(plain_world.TODAY) + rng.choice([rng.randint(0, 400), rng.randint(3600, 4100)])
    times, apart = rng.choice([rng.randint(1, 1000), rng.randint(0, 1002)]), rng.choice([0, 28, 366, 367])
    life = rng.choice([60, 7 * 86_400, 7 * 86_400 + 1])
    octets = rng.choice([template_of(asked)] * 6 + [asked.canonical])
    return [octets.hex(), times, apart, until, created, created + life, rng.randbytes(32).hex()]


def terms_of(given: list[Any]) -> StandingTerms:
    octets, times, apart, until, created, expires, nonce = given
    first, last = (dt.datetime.fromtimestamp(each, dt.UTC) for each in (created, expires))
    fields = bytes.fromhex(octets), times, apart, date_of(until)
    return StandingTerms(*fields, first, last, bytes.fromhex(nonce))


def written(given: list[Any]) -> str:
    return terms_of(given).canonical.hex()


def changed(rng: Random, octets: bytes) -> bytes:
    """Terms, or the template in them, in which a place is another thing."""
    items = cbor2.loads(octets)
    inner = rng.random() < 0.6
    part = cbor2.loads(items[1]) if inner else items
    where, place = rng.choice(list(nodes(part)))
    others = [None, True, False, 0, 1, -1, 5, 1 << 40, "", "a", b"", bytes(32), [], ["shown"]]
    match rng.randrange(4):
        case 0:
            del where[place]
        case 1:
            where.insert(place, where[place])
        case 2 if isinstance(where[place], int):
            where[place] += rng.choice([-1, 1, 1 << 32])
        case _:
            where[place] = rng.choice(others)
    if inner:
        items[1] = cbor2.dumps(part, canonical=True)
    return cbor2.dumps(items, canonical=True)


def formed(asked: AnyRequest) -> list[str]:
    return ["plain" if isinstance(asked, Request) else "composite", asked.canonical.hex()]


@needs_prover
async def test_of_requests_and_terms_by_chance_both_say_the_same() -> None:
    rng = Random(11)
    first: list[AnyRequest] = [make(rng) for make in (plain, composite) for _ in range(REQUESTS)]
    later = [again(rng, each) for each in first]
    wanted = [fields(rng, each) for each in first]
    whole = [written(each) for each in wanted if is_whole(each)]
    pairs = [
        (StandingTerms.from_bytes(bytes.fromhex(each)), rng.choice([*later[-REQUESTS:], *later[:REQUESTS]]))
        for each in whole
    ]
    kept = [(terms_of(each), after) for each, after in zip(wanted, later, strict=True) if is_whole(each)]
    octets = [changed(rng, bytes.fromhex(rng.choice(whole))) for _ in range(CHANGED)]
    given: dict[str, Any] = {
        "asked": [formed(each) for each in (*first, *later)],
        "same": [[terms.canonical.hex(), formed(each)] for terms, each in (*pairs, *kept)],
        "terms": wanted,
        "octets": [*whole, *(each.hex() for each in octets)],
    }
    told = json.loads(await run(str(BUILT / "stand.js"), given=given))
    assert told["templates"] == [said(template, each) for each in (*first, *later)]
    same = [said(is_same, *each) for each in (*pairs, *kept)]
    assert told["same"] == same
    assert told["written"] == [said(written, each) for each in wanted]
    for each in whole:
        assert StandingTerms.from_bytes(bytes.fromhex(each)).canonical.hex() == each
    ours = [said(read, bytes.fromhex(each)) for each in given["octets"]]
    # What is no question is refused by both; of several faults within one each may name another first.
    assert [len(each) == 64 for each in told["read"]] == [len(each) == 64 for each in ours]
    named = [(mine, other) for mine, other in zip(ours, told["read"], strict=True) if mine != other]
    assert {each for pair in named for each in pair} <= {"REQUEST_INVALID", "PREDICATE_INVALID"}, named
    assert {"true", "false"} <= set(same), "some are the same question, and some another"
    assert len(named) < CHANGED // 20
    assert len({each for each in ours if len(each) < 40}) > 4, "refused in many ways"
    assert 0 < sum(len(each) == 64 for each in ours[len(whole) :]) < CHANGED // 2, "and some are other terms"


def is_whole(given: list[Any]) -> bool:
    return len(said(written, given)) > 64
