"""What comes out of a presentation: pseudonyms, escrow, issuance, octets."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.engine import verify
from bbs.gadgets.escrow import identity_octets, look_up
from bbs.gadgets.escrow_shares import EscrowShare, OpeningCase, combine
from disclosure import (
    DisclosureError,
    MalformedError,
    Presentation,
    RefusedError,
    canonical,
)
from disclosure.canonical import Item
from disclosure.composite import (
    Answer,
    Branch,
    CompositeClaim,
    CompositePresentation,
    CompositeRequest,
    Equal,
    Holding,
    IssuanceTerms,
    PseudonymQuery,
    RegulatorKey,
    VerifierScope,
    accept_credential,
    check_composite_request,
    combine_opening,
    compile_answer,
    issue_composite,
    missing_in,
    open_part,
    scalars,
    verify_composite,
    verify_opening_part,
)
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.officers import parts_of
from tests.disclosure.composite.policy import (
    LABEL,
    OTHER,
    REQUEST,
    answer,
    good,
    holdings,
    op,
    outcome,
    unmet,
)
from tests.disclosure.composite.world import (
    ALICE,
    BANK,
    BOB,
    CHILD,
    DIRECTORY,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    OFFICERS,
    PAIRING,
    PERMIT,
    REGULATOR_KEY,
    SCHOOL_2,
    SUITE,
    TODAY,
    VALUES,
    answer_with,
    held,
    presented,
    query,
    request,
)
from tests.disclosure.world import asked_by
from tests.disclosure.world import presentation as plain_presentation


def test_a_pseudonym_is_one_for_a_holder_and_a_scope() -> None:
    def names(asked: CompositeRequest, who: dict[str, Holding], secret: Any = ALICE) -> dict[str, bytes]:
        verified = verify_composite(asked, presented(asked, who, secret=secret), DIRECTORY, NOW)
        return dict(verified.pseudonyms)

    bobs = {"permit": held(PERMIT, BOB), "insurance": held(INSURANCE, BOB), "household": held(HOUSEHOLD, BOB)}
    first, again = names(REQUEST, holdings()), names(replace(REQUEST, nonce=bytes(32)), holdings())
    elsewhere = names(asked_by(REQUEST, SCHOOL_2), holdings())
    bob = names(REQUEST, bobs, BOB)
    assert first == again
    # The other parent's vault has another name, the child has the same: at this school and at the next.
    assert first["me"] != bob["me"]
    assert first["child"] == bob["child"] == elsewhere["child"]
    assert first["me"] != elsewhere["me"]
    sister = {**holdings(), "household": held(HOUSEHOLD, child="王二", child_secret=CHILD[::-1])}
    assert names(REQUEST, sister)["child"] != first["child"]
    assert names(REQUEST, sister)["me"] == first["me"]


def test_a_holders_and_a_subjects_pseudonym_have_no_scope_in_common() -> None:
    """A department that signed k as a subject's secret would otherwise hold a holder's name."""
    own = PseudonymQuery("me", VerifierScope("x"))
    branch = Branch(
        "b",
        (query("household", HOUSEHOLD),),
        (),
        (own, PseudonymQuery("child", VerifierScope("x"), op("household.child_secret"))),
    )
    asked = request(branch)
    compiled = compile_answer(asked, presented(asked, holdings()).answer, DIRECTORY, NOW)
    assert compiled.layout.pseudonyms["me"].base.octets != compiled.layout.pseudonyms["child"].base.octets


def test_two_credentials_name_one_subject_without_showing_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    same = Equal((op("one.child_secret"), op("two.child_secret")))
    name = PseudonymQuery("child", VerifierScope("x"), op("two.child_secret"))
    branch = Branch("b", (query("one", HOUSEHOLD), query("two", HOUSEHOLD)), (same,), (name,))
    asked, household = request(branch), holdings()["household"]
    check_composite_request(asked, DIRECTORY)
    renewed = held(HOUSEHOLD, expiry=TODAY + dt.timedelta(days=31))
    assert outcome(asked, presented(asked, {"one": household, "two": renewed})) == "OK"
    others = {"one": household, "two": held(HOUSEHOLD, child_secret=CHILD[::-1])}
    assert [each.place for each in missing_in(branch, "b", others, DIRECTORY, NOW)] == ["b.predicates[0]"]
    lying(monkeypatch)
    assert outcome(asked, presented(asked, others)) == "PROOF_INVALID"


def test_a_joint_scope_needs_the_verifier_among_its_members() -> None:
    asked = asked_by(REQUEST, BANK)
    assert unmet({}, asked) == ("REQUEST_SIGNATURE_INVALID", "branches[0].pseudonyms[1].scope")


def test_two_officers_open_the_identity_that_was_signed() -> None:
    claim = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    parts = parts_of(OFFICERS, claim, "who", "2026-17")
    for officer, part in zip(OFFICERS, parts, strict=True):
        assert verify_opening_part(part, claim, "who", "2026-17") == officer.public_key
    identity = combine_opening(parts, claim, "who", "2026-17")
    number = VALUES[PERMIT.name]["number"]
    register = [
        (name, scalars.scalar(PERMIT.attribute("number"), name, SUITE))
        for name in ("370102199001011235", number)
    ]
    assert look_up(PAIRING, identity, register) == number
    assert identity_octets(PAIRING, register[1][1]) == identity


def test_one_officer_opens_nothing() -> None:
    claim = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    one, other = parts_of(OFFICERS, claim, "who", "2026-17")
    for parts in ((one,), (one, one), (other, one), (one, replace(one, share=other.share))):
        with pytest.raises(RefusedError, match="PROOF_INVALID"):
            combine_opening(parts, claim, "who", "2026-17")


def test_an_opening_is_of_the_presentation_and_the_case_that_it_was_made_for() -> None:
    """Else it could be filed in the ledger under the presentation of somebody else."""
    claim = CompositeClaim(REQUEST, good(), DIRECTORY, NOW)
    parts = parts_of(OFFICERS, claim, "who", "2026-17")
    other = replace(claim, presentation=presented(REQUEST, holdings()))
    forged = replace(claim, presentation=answer(usage_tag=bytes(48)))
    for wrong, escrow, case, reason in (
        (other, "who", "2026-17", "PROOF_INVALID"),
        (claim, "who", "2026-18", "PROOF_INVALID"),
        (forged, "who", "2026-17", "PROOF_INVALID"),
        (claim, "whom", "2026-17", "QUERY_MISMATCH"),
        (claim, "who", "", "MALFORMED"),
    ):
        with pytest.raises(DisclosureError) as raised:
            combine_opening(parts, wrong, escrow, case)
        assert raised.value.reason == reason
        with pytest.raises(DisclosureError) as raised:
            verify_opening_part(parts[0], wrong, escrow, case)
        assert raised.value.reason == reason
    for spoilt in (replace(parts[0], decrypted=b""), replace(parts[0], proof=b"")):
        with pytest.raises(MalformedError, match="MALFORMED"):
            combine_opening((spoilt, parts[1]), claim, "who", "2026-17")
        with pytest.raises(MalformedError, match="MALFORMED"):
            verify_opening_part(spoilt, claim, "who", "2026-17")
    # Officers who name another presentation are not believed, nor do their own honest tools do so.
    compiled = compile_answer(REQUEST, good().answer, DIRECTORY, NOW)
    proven = verify(compiled.statement, compiled.context, good().proof)
    gadget, shares = compiled.layout.escrows["who"], REGULATOR_KEY.officers
    elsewhere = OpeningCase("2026-17", bytes(32), "who")
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        combine_opening(
            [each.open(proven, gadget, shares, elsewhere) for each in OFFICERS], claim, "who", "2026-17"
        )
    here = OpeningCase("2026-17", good().digest, "who")
    assert combine(proven, gadget, shares, here, parts) == combine_opening(parts, claim, "who", "2026-17")
    # Nobody decrypts out of what does not verify, or was escrowed to somebody else.
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        open_part(OFFICERS[0], forged, "who", "2026-17")
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_part(EscrowShare.generate(PAIRING), claim, "who", "2026-17")


def test_a_regulator_s_key_is_shared_by_two_who_have_proven_their_shares() -> None:
    one, other = REGULATOR_KEY.shares
    wrong = (
        (one,), (one, one), (), (one, other, other), (one, replace(other, possession=one.possession)),
        (one, replace(other, public_key=b"\xff" * 48)), (one, replace(other, possession=b"")),
    )  # fmt: skip
    for shares in wrong:
        with pytest.raises(MalformedError, match="MALFORMED"):
            RegulatorKey(REGULATOR_KEY.suite, shares)
    with pytest.raises(MalformedError, match="MALFORMED"):
        RegulatorKey("BBS_OF_MY_OWN", REGULATOR_KEY.shares)
    again = RegulatorKey.from_items(REGULATOR_KEY.items())
    assert again == REGULATOR_KEY
    turned = RegulatorKey(REGULATOR_KEY.suite, (other, one))
    assert (turned.public_key, turned.digest == again.digest) == (again.public_key, False)
    items: tuple[Item, ...] = (
        [], [REGULATOR_KEY.suite], [REGULATOR_KEY.suite, [[one.public_key]]], b"", [1, []]
    )  # fmt: skip
    for item in items:
        with pytest.raises(MalformedError, match="MALFORMED"):
            RegulatorKey.from_items(item)


def test_a_vault_escrows_to_those_that_it_trusts_only() -> None:
    assert unmet({}, trusted=frozenset()) == ("REGULATOR_UNKNOWN", "branches[0].escrows[0].regulator")
    other = presented(REQUEST, {"permit": holdings()["permit"]}, branch="other", trusted=frozenset())
    assert outcome(REQUEST, other) == "OK"


def test_a_department_issues_on_a_presentation_of_the_same_holder() -> None:
    terms = IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False)
    asked = request(Branch("permit", (query("permit", PERMIT),)), issuance=terms)
    check_composite_request(asked, DIRECTORY)
    answered = answer_with(asked, {"permit": holdings()["permit"]})
    verified = verify_composite(asked, answered.presentation, DIRECTORY, NOW)
    assert verified.commitment is not None
    assert answered.pending is not None
    sent = issue_composite(
        verified.commitment, INSURANCE, HRSS.key, HRSS.secret, VALUES[INSURANCE.name], TODAY
    )
    assert verified.commitment.presentation == verified.digest == answered.presentation.digest
    true = HRSS.accumulator.witness(sent.handle, HRSS.epochs[2].position, ())
    accept_credential(answered.pending, sent, ALICE, INSURANCE, HRSS.key, HRSS.published, true)
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        accept_credential(answered.pending, sent, BOB, INSURANCE, HRSS.key, HRSS.published, true)


def test_a_commitment_of_another_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one person with a base credential could have credentials issued to many."""
    lying(monkeypatch)
    terms = IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False)
    asked = request(Branch("permit", (query("permit", PERMIT),)), issuance=terms)
    forged = answer_with(asked, {"permit": holdings()["permit"]}, BOB).presentation
    assert outcome(asked, forged) == "PROOF_INVALID"


def test_neither_form_is_read_as_the_other() -> None:
    with pytest.raises(MalformedError):
        Presentation.from_bytes(good().canonical, DIRECTORY.schemas)
    with pytest.raises(MalformedError):
        CompositePresentation.from_bytes(plain_presentation().canonical, DIRECTORY.schemas)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_octets_are_refused_or_another_presentation(data: st.DataObject) -> None:
    octets = bytearray(good().canonical)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = CompositePresentation.from_bytes(bytes(octets), DIRECTORY.schemas)
    except DisclosureError:
        return
    assert other.canonical == bytes(octets)
    assert other != good()
    with pytest.raises(DisclosureError):
        verify_composite(REQUEST, other, DIRECTORY, NOW)


def raw() -> list[Any]:
    return canonical.decode(LABEL, good().canonical)


def spoilt(change: Callable[[list[Any]], object]) -> bytes:
    items = raw()
    change(items)
    return canonical.encode(LABEL, *items)


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items.append(None),
        lambda items: items.pop(),
        lambda items: items[4].clear(),
        lambda items: items[4][0].append(None),
        lambda items: items[4][0][0].append(None),
        lambda items: items[4][0][0].__setitem__(1, "departments/x/schemas/y@1"),
        lambda items: items[4][0][0].__setitem__(3, True),
        lambda items: items[4][0][0][4].reverse(),
        lambda items: items[4][0][0][4].append(items[4][0][0][4][0]),
        lambda items: items[4][0][0][4][0].__setitem__(1, False),
        lambda items: items[4][0].__setitem__(1, [bytes(95), 1]),
        lambda items: items[4][0].__setitem__(1, [bytes(96), -1]),
        lambda items: items[4][0].__setitem__(1, [bytes(96), True]),
        lambda items: items[4][0].__setitem__(1, [bytes(96), 1 << 63]),
        lambda items: items[4][0][0].__setitem__(3, 1 << 63),
        lambda items: items[4][0].__setitem__(1, []),
        lambda items: items.__setitem__(2, bytes(47)),
        lambda items: items.__setitem__(5, b""),
    ],
)
def test_unknown_fields_and_second_encodings_are_refused(change: Callable[[list[Any]], object]) -> None:
    with pytest.raises(MalformedError):
        CompositePresentation.from_bytes(spoilt(change), DIRECTORY.schemas)


def places(items: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Give every place in nested lists."""
    for index, each in enumerate(items):
        yield items, index
        if isinstance(each, list):
            yield from places(each)


@pytest.mark.parametrize(
    "strange", [-(1 << 63), -1, 1 << 63, (1 << 64) - 1, True, None, "", "\x00", b"", b"\xff" * 96, []]
)
def test_whatever_stands_in_any_place_is_refused_by_name(strange: Any) -> None:
    """A bare ValueError would stop a loop over what strangers send."""
    for number in range(sum(1 for _ in places(raw()))):
        items = raw()
        inside, index = list(places(items))[number]
        inside[index] = strange
        with suppress(DisclosureError):
            verify_composite(
                REQUEST,
                CompositePresentation.from_bytes(canonical.encode(LABEL, *items), DIRECTORY.schemas),
                DIRECTORY,
                NOW,
            )
            assert items == raw(), "it says something else, and is verified all the same"


def test_two_presentations_of_one_holder_have_nothing_in_common() -> None:
    """Without pseudonyms: every group of the proof's octets is fresh."""
    asked = replace(REQUEST, branches=(OTHER,))
    one, other = (presented(asked, {"permit": holdings()["permit"]}).proof for _ in range(2))
    size = len(one)
    assert not {one[at : at + 16] for at in range(0, size, 16)} & {
        other[at : at + 16] for at in range(0, size, 16)
    }


def test_what_comes_out_shows_no_hidden_value() -> None:
    verified = verify_composite(REQUEST, good(), DIRECTORY, NOW)
    assert verified.digest == good().digest
    assert "pseudonyms" not in repr(verified)
    assert all(repr(each)[2:-1] not in repr(verified) for each in verified.pseudonyms.values())
    for shown in (repr(verified), repr(good()), str(compile_answer(REQUEST, good().answer, DIRECTORY, NOW))):
        assert "370102199001011234" not in shown
        assert "812300" not in shown


def test_answers_keep_their_sizes() -> None:
    for changes in (
        {"usage_tag": bytes(47)},
        {"note_hash": bytes(31)},
        {"request_digest": bytes(33)},
        {"credentials": ()},
    ):
        with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
            replace(good().answer, **changes)
    for proof in (b"", bytes(48 * 1024 + 1)):
        with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
            replace(good(), proof=proof)
    assert isinstance(good().answer, Answer)
