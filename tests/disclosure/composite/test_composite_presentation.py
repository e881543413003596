"""Presentations: accepted for their own request and for nothing else."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bbs import SHAKE_256
from bbs.engine.proof import proof_octets
from disclosure import (
    DisclosureError,
    IssuerKeyName,
)
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    ExpiryShown,
    Holding,
    NotEqual,
    ProvenEpoch,
    PseudonymQuery,
    ValidOn,
    VerifierScope,
    Waiver,
    at_least,
    check_composite_request,
    compile_answer,
    prepare,
    verify_composite,
    verify_composite_batch,
)
from tests.disclosure.composite.policy import (
    MAIN,
    POLICE_ACCUMULATOR,
    REQUEST,
    answer,
    good,
    holdings,
    op,
    outcome,
    with_branch,
    with_predicate,
    with_query,
)
from tests.disclosure.composite.world import (
    ALICE,
    DIRECTORY,
    HRSS,
    INSURANCE,
    NONCE,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    SCHOOL_2,
    TODAY,
    accepted,
    department,
    digits_of,
    directory,
    issued,
    presented,
    query,
    request,
    witness,
)
from tests.disclosure.world import asked_by


def test_what_is_true_is_accepted_and_shows_what_was_asked() -> None:
    check_composite_request(REQUEST, DIRECTORY)
    assert outcome(REQUEST, good()) == "OK"
    verified = verify_composite(REQUEST, good(), DIRECTORY, NOW)
    permit, insurance, household = (each.shown for each in verified.answer.credentials)
    assert permit.values == {"name": "王小明", "remark": None}
    assert insurance.values == {"employed": True}
    assert (permit.expiry, insurance.expiry) == (None, None)
    assert household.expiry == holdings()["household"].credential.expiry
    assert set(verified.pseudonyms) == {"me", "child"}
    assert verified.commitment is None


def test_one_branch_is_answered_and_nothing_of_the_other_is_sent() -> None:
    other = presented(REQUEST, {"permit": holdings()["permit"]}, branch="other")
    assert outcome(REQUEST, other) == "OK"
    assert len(other.answer.credentials) == 1
    assert len(other.canonical) < len(good().canonical) / 2


def test_a_presentation_is_read_as_it_is_written() -> None:
    again = CompositePresentation.from_bytes(good().canonical, DIRECTORY.schemas)
    assert (again, again.digest) == (good(), good().digest)


def test_a_proof_has_exactly_the_length_of_its_statement() -> None:
    compiled = compile_answer(REQUEST, good().answer, DIRECTORY, NOW)
    assert len(good().proof) == proof_octets(compiled.statement)
    for proof in (good().proof[:-1], good().proof + b"\x00", good().proof[32:], good().proof + bytes(32)):
        assert outcome(REQUEST, replace(good(), proof=proof)) == "PRESENTATION_INVALID"


OTHER_REQUESTS: dict[str, CompositeRequest] = {
    "nonce": replace(REQUEST, nonce=NONCE[::-1]),
    "verifier": asked_by(REQUEST, SCHOOL_2),
    "time": replace(REQUEST, expires=REQUEST.expires + dt.timedelta(seconds=1)),
    "a weaker bound": with_predicate(0, at_least(op("permit.months"), 11)),
    "a stronger bound": with_predicate(0, at_least(op("permit.months"), 13)),
    "no predicate": with_branch(predicates=MAIN.predicates[1:]),
    "predicates in another order": with_branch(predicates=MAIN.predicates[::-1]),
    "queries in another order": with_branch(queries=MAIN.queries[::-1]),
    "another scope": with_branch(
        pseudonyms=(PseudonymQuery("me", VerifierScope("enrol-2027")), MAIN.pseudonyms[1])
    ),
    "no escrow": with_branch(escrows=()),
    "another older epoch": with_query(0, issuers=(accepted(POLICE, 0), accepted(POLICE_2))),
    "revocation waived": with_query(0, issuers=(accepted(POLICE, revocation=Waiver.REVOCATION),)),
    "expiry shown": with_query(0, expiry=ExpiryShown()),
    "another day": with_query(0, expiry=ValidOn(TODAY + dt.timedelta(days=1))),
}


@pytest.mark.parametrize("asked", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS.keys())
def test_a_presentation_of_one_request_is_none_of_another(asked: CompositeRequest) -> None:
    assert outcome(asked, good()) == "REQUEST_MISMATCH"
    # A dishonest holder names the other request; the statement and the transcript are the verifier's own.
    renamed = replace(good(), answer=replace(good().answer, request_digest=asked.digest))
    assert outcome(asked, renamed) in {"PROOF_INVALID", "PRESENTATION_INVALID", "QUERY_MISMATCH"}


def credential_with(index: int, **changes: Any) -> CompositePresentation:
    parts = list(good().answer.credentials)
    parts[index] = replace(parts[index], shown=replace(parts[index].shown, **changes))
    return answer(credentials=tuple(parts))


def epoch_with(index: int, epoch: ProvenEpoch | None) -> CompositePresentation:
    parts = list(good().answer.credentials)
    parts[index] = replace(parts[index], epoch=epoch)
    return answer(credentials=tuple(parts))


MUTATED: dict[str, tuple[Callable[[], CompositePresentation], str]] = {
    "usage tag": (lambda: answer(usage_tag=bytes(48)), "PROOF_INVALID"),
    "note": (lambda: answer(note_hash=bytes([1] * 32)), "PROOF_INVALID"),
    "request": (lambda: answer(request_digest=bytes(32)), "REQUEST_MISMATCH"),
    "branch": (lambda: answer(branch="other"), "QUERY_MISMATCH"),
    "no such branch": (lambda: answer(branch="x"), "PRESENTATION_INVALID"),
    "branch of one": (
        lambda: answer(branch="other", credentials=good().answer.credentials[:1]),
        "PRESENTATION_INVALID",
    ),
    "a credential less": (lambda: answer(credentials=good().answer.credentials[:2]), "QUERY_MISMATCH"),
    "credentials in another order": (
        lambda: answer(credentials=good().answer.credentials[::-1]),
        "QUERY_MISMATCH",
    ),
    "shown value": (lambda: credential_with(0, values={"name": "王大明", "remark": None}), "PROOF_INVALID"),
    "shown truth": (lambda: credential_with(1, values={"employed": False}), "PROOF_INVALID"),
    "present, not absent": (
        lambda: credential_with(0, values={"name": "王小明", "remark": "x"}),
        "PROOF_INVALID",
    ),
    "absent, not present": (
        lambda: credential_with(0, values={"name": None, "remark": None}),
        "ATTRIBUTE_MISSING",
    ),
    "a value of another type": (lambda: credential_with(1, values={"employed": 1}), "VALUE_INVALID"),
    "a value less": (lambda: credential_with(0, values={"name": "王小明"}), "QUERY_MISMATCH"),
    "a value more": (lambda: credential_with(1, values={"employed": True, "base": 1}), "QUERY_MISMATCH"),
    "another query": (lambda: credential_with(0, query="insurance"), "QUERY_MISMATCH"),
    "another version": (lambda: credential_with(0, schema=PERMIT_2.name), "PROOF_INVALID"),
    "another schema": (lambda: credential_with(0, schema=INSURANCE.name), "QUERY_MISMATCH"),
    "another accepted key": (lambda: credential_with(0, issuer_key=POLICE_2.key.name), "QUERY_MISMATCH"),
    "an unknown key": (
        lambda: credential_with(0, issuer_key=IssuerKeyName("public-security", "0" * 32)),
        "QUERY_MISMATCH",
    ),
    "an expiry that is hidden": (lambda: credential_with(0, expiry=TODAY), "QUERY_MISMATCH"),
    "an expiry that is not shown": (lambda: credential_with(2, expiry=None), "QUERY_MISMATCH"),
    "another expiry": (lambda: credential_with(2, expiry=TODAY), "PROOF_INVALID"),
    "an expiry of yesterday": (
        lambda: credential_with(2, expiry=TODAY - dt.timedelta(days=1)),
        "CREDENTIAL_EXPIRED",
    ),
    "another epoch": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 1)), "PROOF_INVALID"),
    "an epoch too old": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 0)), "EPOCH_STALE"),
    "an epoch to come": (lambda: epoch_with(0, ProvenEpoch(POLICE_ACCUMULATOR, 3)), "EPOCH_UNKNOWN"),
    "another's epoch": (lambda: epoch_with(0, ProvenEpoch(HRSS.accumulator.key.octets, 2)), "QUERY_MISMATCH"),
    "no epoch": (lambda: epoch_with(0, None), "QUERY_MISMATCH"),
}


@pytest.mark.parametrize(("make", "reason"), MUTATED.values(), ids=MUTATED.keys())
def test_everything_beside_the_proof_is_bound_to_it(
    make: Callable[[], CompositePresentation], reason: str
) -> None:
    assert outcome(REQUEST, make()) == reason


def test_bad_ones_are_found_among_a_hundred_good_ones() -> None:
    bad = {7: "usage tag", 8: "shown value", 55: "no epoch", 99: "another epoch", 101: "note"}
    claims = [CompositeClaim(REQUEST, good(), DIRECTORY, NOW)] * 105
    for place, name in bad.items():
        claims[place] = CompositeClaim(REQUEST, MUTATED[name][0](), DIRECTORY, NOW)
    verdicts = verify_composite_batch(claims)
    assert {at: each.reason for at, each in enumerate(verdicts) if isinstance(each, DisclosureError)} == {
        place: MUTATED[name][1] for place, name in bad.items()
    }


def test_the_other_suite_does_the_same() -> None:
    suite = str(SHAKE_256)
    hrss = department("hrss", 9, suite)
    known = directory(
        issuer_keys={hrss.key.name: hrss.key},
        accumulators={hrss.accumulator.key.octets: hrss.published},
        digits={digits_of(hrss): hrss.digits},
    )
    branch = Branch(
        "b",
        (query("insurance", INSURANCE, shown=("employed",), issuers=(accepted(hrss),)),),
        (at_least(op("insurance.months"), 12), NotEqual(op("insurance.number"), "1")),
        (PseudonymQuery("me", VerifierScope("x")),),
    )
    asked = request(branch)
    check_composite_request(asked, known)
    credential = issued(INSURANCE, hrss, ALICE, TODAY, ())
    ready = prepare(credential, ALICE, INSURANCE, hrss.key)
    holding = Holding(credential, ready, witness(credential, hrss, 2))
    verify_composite(asked, presented(asked, {"insurance": holding}, known=known), known, NOW)


def test_every_octet_of_the_proof_counts() -> None:
    proof = good().proof
    claims = []
    for at in range(0, len(proof), 19):
        changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
        claims.append(CompositeClaim(REQUEST, replace(good(), proof=changed), DIRECTORY, NOW))
    reasons = {getattr(each, "reason", "OK") for each in verify_composite_batch(claims)}
    assert reasons == {"PROOF_INVALID", "PRESENTATION_INVALID"}


def test_another_key_of_the_same_name_or_another_epoch_of_the_same_number_is_another_statement() -> None:
    """The directory's contents are in the transcript, not only their names."""
    schemas = {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=91)}
    assert outcome(REQUEST, good(), directory(schemas=schemas)) == "PROOF_INVALID"
    epochs = dict(POLICE.epochs)
    epochs[2] = replace(epochs[2], time=99)
    published = replace(POLICE.published, epochs=epochs)
    accumulators = {**DIRECTORY.accumulators, POLICE_ACCUMULATOR: published}
    assert outcome(REQUEST, good(), directory(accumulators=accumulators)) == "PROOF_INVALID"


# What a holder cannot satisfy.
