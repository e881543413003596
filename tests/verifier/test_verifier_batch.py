"""Presentations verified together: each gets the verdict that it gets alone."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure import CredentialPresentation, DisclosureError, Presentation
from tests.disclosure.world import DIRECTORY, NOW, presentation, request
from verifier import Claim, VerifiedPresentation, verify_presentation, verify_presentations

GOOD = presentation()


def false_proof(which: int) -> Presentation:
    """The good presentation with one octet of one proof changed."""
    parts = list(GOOD.credentials)
    proof = parts[which].proof
    parts[which] = CredentialPresentation(parts[which].shown, proof[:-1] + bytes([proof[-1] ^ 1]))
    return replace(GOOD, credentials=tuple(parts))


MEMBERS: dict[str, Presentation] = {
    "good": GOOD,
    "first proof": false_proof(0),
    "last proof": false_proof(len(GOOD.credentials) - 1),
    "other request": replace(GOOD, request_digest=bytes(32)),
    "one too few": replace(GOOD, credentials=GOOD.credentials[:-1]),
    "usage tag": replace(GOOD, usage_tag=bytes(48)),
    "short proof": replace(
        GOOD,
        credentials=(
            CredentialPresentation(GOOD.credentials[0].shown, GOOD.credentials[0].proof[:-32]),
            *GOOD.credentials[1:],
        ),
    ),
}


def alone(member: Presentation) -> Any:
    try:
        return verify_presentation(request(), member, DIRECTORY, NOW)
    except DisclosureError as error:
        return (error.reason, error.field, error.detail)


def told(verdict: VerifiedPresentation | DisclosureError) -> Any:
    return (
        (verdict.reason, verdict.field, verdict.detail) if isinstance(verdict, DisclosureError) else verdict
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(sorted(MEMBERS)), max_size=12))
def test_the_verdict_is_the_one_alone(names: list[str]) -> None:
    claims = [Claim(request(), MEMBERS[name], DIRECTORY, NOW) for name in names]
    assert [told(each) for each in verify_presentations(claims)] == [alone(MEMBERS[name]) for name in names]


def test_the_members_differ_as_they_should() -> None:
    assert isinstance(alone(GOOD), VerifiedPresentation)
    assert {name: alone(each)[0] for name, each in MEMBERS.items() if name != "good"} == {
        "first proof": "PROOF_INVALID",
        "last proof": "PROOF_INVALID",
        "other request": "REQUEST_MISMATCH",
        "one too few": "QUERY_MISMATCH",
        "usage tag": "PROOF_INVALID",
        "short proof": "PROOF_INVALID",
    }


def test_one_false_presentation_among_a_hundred_is_named() -> None:
    claims = [Claim(request(), GOOD, DIRECTORY, NOW)] * 50
    claims += [Claim(request(), MEMBERS["last proof"], DIRECTORY, NOW)]
    claims += [Claim(request(), GOOD, DIRECTORY, NOW)] * 49
    found = verify_presentations(claims)
    assert [place for place, each in enumerate(found) if isinstance(each, DisclosureError)] == [50]
