"""Policies and requests by chance: the prover in TypeScript says of each what Python says.

The vectors have what somebody thought of. Here parts of records are exchanged, doubled and left out, and
requests and policies put together of what both forms have, from a seed that is always the same.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import cbor2

from disclosure import DisclosureError, LocalizedText, Query, Request
from disclosure.allowance import check_allowed
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    CompositeQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    Foreign,
    InList,
    NotEqual,
    Operand,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    at_least,
)
from disclosure.names import SchemaName
from disclosure.policy import AllowedAttribute, AllowedEscrow, AllowedItem, AllowedScope, RegisteredPolicy
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint
from tests.web.node import BUILT, needs_prover, run
from tlog import ReceiptState

T = TypeVar("T")
RECORDS, PAIRS = 1500, 400
POLICIES = (asking.PLAIN, asking.COMPOSITE, replace(asking.COMPOSITE, receipt=ReceiptState.ANCHORED))
SCHEMAS = (
    SchemaName("public-security", "residence_permit", 1),
    SchemaName("public-security", "residence_permit", 2),
    SchemaName("public-security", "visa", 1),
    SchemaName("hrss", "social_insurance", 1),
    SchemaName("hrss", "residence_permit", 1),
)
ATTRIBUTES = ("district", "months", "name", "number")
DIGESTS = tuple(bytes([each]) * 32 for each in range(3))
JOINT = joint(world.SCHOOL, world.SCHOOL_2)
SCOPES = (VerifierScope("enrol-2026"), VerifierScope("enrolment-2026"), JOINT)


def some(rng: Random, of: Sequence[T], least: int = 0, most: int = 99) -> list[T]:
    """Some of these, each once, in any order."""
    return rng.sample(of, rng.randint(least, min(most, len(of))))


def nodes(part: Any) -> Iterator[tuple[list[Any], int]]:
    """Every place of a record, as the list that it is in and where."""
    for place, each in enumerate(part):
        yield part, place
        if isinstance(each, list):
            yield from nodes(each)


def changed_record(rng: Random) -> bytes:
    """A policy's record in which a place or two are another thing."""
    record = cbor2.loads(rng.choice(POLICIES).canonical)
    for _ in range(rng.randint(1, 2)):
        places = list(nodes(record))[1:]
        (part, place), (other, there) = rng.choice(places), rng.choice(places)
        if place >= len(part):
            continue
        match rng.randrange(6):
            case 0:
                part[place] = cbor2.loads(cbor2.dumps(other[there]))
            case 1:
                part.insert(place, part[place])
            case 2:
                del part[place]
            case 3 if part is not record:
                rng.shuffle(part)
            case 4:
                part[place] = rng.choice(
                    [None, True, False, 0, 1, -1, 1 << 40, "", "a", "A", "ordered", b"", bytes(32), []]
                )
            case _ if isinstance(part[place], str):
                part[place] += rng.choice(["x", "-", "_", "\n", " ", "é", "e\u0301", "@", "/"])
            case _:
                part[place] = rng.choice([0, "b", [["a"]]])
    return cbor2.dumps(record, canonical=True)


def policy(rng: Random) -> RegisteredPolicy:
    """A policy of the school's that allows some things."""
    items, of = [], [None, *(AllowedAttribute.of(schema, "number") for schema in SCHEMAS[1:4])]
    for schema in some(rng, SCHEMAS[1:], 1):
        shown = some(rng, ATTRIBUTES)
        proven = [each for each in some(rng, ATTRIBUTES) if each not in shown]
        items.append(AllowedItem(schema.department, schema.item, tuple(sorted(shown)), tuple(sorted(proven))))
    members = [(), (), JOINT.scope.members]
    known = [
        AllowedScope(label, who, each)
        for label, who in zip(("enrol-2026", "enrolment-2026", "enrolment-2026"), members, strict=True)
        for each in of
    ]
    escrows = [AllowedEscrow(digest, each) for digest in DIGESTS[1:] for each in of if each is not None]
    return replace(
        asking.COMPOSITE,
        purpose_text=rng.choice([world.PURPOSE] * 5 + [LocalizedText("别", "x")]),
        items=tuple(sorted(items, key=str)),
        scopes=tuple(sorted(some(rng, known), key=lambda each: each.order)),
        escrows=tuple(sorted(some(rng, escrows))),
        lists=tuple(sorted(some(rng, DIGESTS))),
        foreign=rng.random() < 0.5,
        receipt=rng.choice([None, *ReceiptState]),
    )


def plain(rng: Random) -> Request:
    """A request of the plain form for some of it."""
    queries = tuple(
        Query(f"q{place}", schema, tuple(some(rng, ATTRIBUTES)))
        for place, schema in enumerate(some(rng, SCHEMAS, 1))
    )
    return plain_world.request(queries=queries, purpose=world.PURPOSE)


def branch(rng: Random, name: str) -> Branch:
    """A branch with something of every kind."""
    accepted = {
        each.key.name.department: replace(world.accepted(each), digits=None) for each in world.DEPARTMENTS
    }
    queries = []
    for place in range(rng.randint(1, 3)):
        schemas = tuple(some(rng, SCHEMAS, 1, 3))
        issuers = tuple(accepted[each] for each in sorted({schema.department for schema in schemas}))
        shown = tuple(some(rng, ATTRIBUTES))
        queries.append(CompositeQuery(f"q{place}", schemas, issuers, asking.BRANCH.queries[0].expiry, shown))
    known = [Operand(each.id, attribute) for each in queries for attribute in ATTRIBUTES]

    def one() -> Operand:
        return rng.choice(known)

    predicates = (
        at_least(one(), 3),
        InList(one(), rng.choice(DIGESTS)),
        NotEqual(one(), 7),
        Equal(tuple(some(rng, known, 2))),
        Sum((Term(one()), Term(Foreign("spouse"))), minimum=3),
    )
    pseudonyms = [
        PseudonymQuery(f"p{place}", rng.choice(SCOPES), rng.choice([None, one()]))
        for place in range(rng.randrange(4))
    ]
    escrows = [EscrowQuery(f"e{place}", one(), rng.choice(DIGESTS)) for place in range(rng.randrange(4))]
    commitments = [CommitmentQuery(f"c{place}", one()) for place in range(rng.randrange(3))]
    return Branch(
        name, tuple(queries), tuple(some(rng, predicates)), tuple(pseudonyms), tuple(escrows), None,
        tuple(commitments), tuple(some(rng, asking.BRANCH.foreign)),
    )  # fmt: skip


def composite(rng: Random) -> CompositeRequest:
    """A request of the composite form of a branch or two."""
    return world.request(*(branch(rng, name) for name in some(rng, ("a", "b"), 1)))


def said(act: Callable[..., str], *given: object) -> list[str]:
    """What an act gives, or what it refuses with the places of all that is too much."""
    try:
        return [act(*given)]
    except DisclosureError as error:
        return [str(error), *(f"{each.field}: {each.detail}" for each in error.violations)]


def read(record: bytes) -> str:
    return RegisteredPolicy.from_bytes(record).canonical.hex()


def kept_to(request: Request | CompositeRequest, allowed: RegisteredPolicy) -> str:
    check_allowed(request, allowed)
    return ""


@needs_prover
async def test_of_records_and_requests_by_chance_both_say_the_same() -> None:
    rng = Random(8)
    records = [changed_record(rng) for _ in range(RECORDS)]
    asked: list[tuple[Request | CompositeRequest, RegisteredPolicy]] = [
        (make(rng), policy(rng)) for make in (plain, composite) for _ in range(PAIRS)
    ]
    given = {
        "records": [each.hex() for each in records],
        "asked": [
            [
                "plain" if isinstance(request, Request) else "composite",
                request.canonical.hex(), allowed.canonical.hex(),
            ]
            for request, allowed in asked
        ],
    }  # fmt: skip
    told = json.loads(await run(str(BUILT / "allow.js"), given=given))
    ours = [said(read, each) for each in records]
    for octets, mine, other in zip(records, ours, told["records"], strict=True):
        assert other == mine, octets.hex()
    held = [said(kept_to, *each) for each in asked]
    for pair, mine, other in zip(asked, held, told["asked"], strict=True):
        assert other == mine, pair
    assert len({each[0].split(":")[0] for each in ours if len(each[0]) < 500}) > 15, "refused in many ways"
    assert sum(len(each[0]) > 500 for each in ours) > RECORDS // 20, "and many are policies"
    assert sum(each == [""] for each in held) > 5, "some keep to their policy"
    assert sum(len(each) > 2 for each in held) > PAIRS, "and most ask several things more"
