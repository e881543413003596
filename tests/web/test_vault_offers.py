"""The vault's page answers those requests of departments that Python's vault answers, and no other."""

import json
from dataclasses import replace
from pathlib import Path

from disclosure import VerifierName
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    CompositeRequest,
    IssuanceTerms,
    PseudonymQuery,
    VerifierScope,
    at_least,
)
from prover import ClientError
from prover.composite.offers import offer_request_of
from tests.disclosure.composite.policy import MAIN, op
from tests.disclosure.composite.world import INSURANCE, PERMIT, POLICE, query, request
from tests.web.showing import needs_pages, run_showing

pytestmark = needs_pages
TERMS = IssuanceTerms(PERMIT.name, POLICE.key.name, base=False)
ONE = Branch("b", (query("permit", PERMIT, shown=("name",)),))
NAME = VerifierName(PERMIT.name.department)


def asked(*branches: Branch, terms: IssuanceTerms | None = TERMS, by: VerifierName = NAME) -> bytes:
    made: CompositeRequest = request(*branches, verifier=by, issuance=terms)
    return made.canonical


def cases() -> dict[str, bytes]:
    two = replace(ONE, queries=(*ONE.queries, query("insurance", INSURANCE)))
    return {
        "good": asked(ONE),
        "of a verifier": asked(ONE, by=VerifierName("school")),
        "of another department": asked(ONE, by=VerifierName("hrss")),
        "of no issuance": asked(ONE, terms=None),
        "of another nonce": asked(ONE, terms=IssuanceTerms(PERMIT.name, POLICE.key.name, base=False)),
        "two ways": asked(ONE, replace(ONE, id="c")),
        "two credentials": asked(two),
        "predicates": asked(replace(ONE, predicates=(at_least(op("permit.months"), 1),))),
        "pseudonyms": asked(replace(ONE, pseudonyms=(PseudonymQuery("me", VerifierScope("enrol-2026")),))),
        "escrows": asked(replace(ONE, escrows=MAIN.escrows)),
        "commitments": asked(replace(ONE, commitments=(CommitmentQuery("n", op("permit.months")),))),
        "cut": asked(ONE)[:-1],
        "nothing": b"",
        "other octets": TERMS.canonical,
    }


def expected(octets: bytes) -> str:
    try:
        offer_request_of(octets, TERMS)
    except ClientError as error:
        return f"{error.reason}: {error.detail}"
    return "good"


async def test_what_a_department_asks_is_answered_or_refused_as_by_python(built: Path) -> None:
    given = cases()
    terms = TERMS.canonical.hex()
    said = json.loads(
        await run_showing(built, "offers.mjs", [[each.hex(), terms] for each in given.values()])
    )
    assert dict(zip(given, said, strict=True)) == {name: expected(each) for name, each in given.items()}
    assert [name for name, each in zip(given, said, strict=True) if each == "good"] == ["good"]
