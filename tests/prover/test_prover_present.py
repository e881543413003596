import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bbs
from disclosure import (
    CredentialForm,
    CredentialPresentation,
    Directory,
    ExpiryRule,
    KeyState,
    MalformedError,
    Presentation,
    Query,
    RefusedError,
    Request,
    Schema,
    SchemaName,
    statements_of,
)
from prover import (
    HeldCredential,
    Lack,
    PreparedPresentation,
    PresentingError,
    VaultKeys,
    consent_of,
    plan,
    present,
)
from tests.prover.making import (
    INSURANCE,
    INSURANCE_VALUES,
    NOW,
    RESIDENCE,
    RESIDENCE_VALUES,
    SCHOOL,
    flip,
    insurance,
    issuer,
    refused,
    request,
    residence,
)
from tests.prover.strategies import other_value, questions
from tlog import note_hash

KEYS, OTHERS = VaultKeys(bytes(range(32))), VaultKeys(bytes(32))
HOME = Query("home", RESIDENCE.name, ("district",))
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DAY = dt.timedelta(days=1)


def directory(held: list[HeldCredential]) -> Directory:
    return Directory(
        {each.schema.name: each.schema for each in held},
        {each.issuer_key.name: each.issuer_key for each in held},
    )


def verify(request: Request, presentation: Presentation, known: Directory, now: dt.datetime = NOW) -> None:
    """Verify as anybody does who has the request: compile each statement, then check its proof."""
    if presentation.request_digest != request.digest:
        raise ValueError("another request")
    shown = tuple(each.shown for each in presentation.credentials)
    tag, hashed = presentation.usage_tag, presentation.note_hash
    statements = statements_of(request, shown, tag, hashed, known, now)
    for statement, each in zip(statements, presentation.credentials, strict=True):
        bbs.proof_verify(
            statement.public_key, each.proof, statement.header, statement.presentation_header,
            statement.disclosed_messages, statement.disclosed_indexes, suite=statement.suite,
        )  # fmt: skip


def answer(asked: Request, held: list[HeldCredential], keys: VaultKeys = KEYS) -> PreparedPresentation:
    return present(plan(asked, held, NOW), keys, NOW)


@SLOW
@given(questions())
def test_what_is_presented_verifies_and_shows_what_was_asked(
    question: tuple[Request, list[HeldCredential]],
) -> None:
    asked, held = question
    made = answer(asked, held)
    verify(asked, made.presentation, directory(held))
    by_name = {each.schema.name: each.credential for each in held}
    for query, part in zip(asked.queries, made.presentation.credentials, strict=True):
        credential = by_name[query.schema]
        assert part.shown.values == {name: credential.values.get(name) for name in query.shown}
        assert part.shown.expiry == (credential.expiry if query.expiry is ExpiryRule.SHOWN else None)
    assert KEYS.recognises(made.presentation.usage_tag)
    assert not OTHERS.recognises(made.presentation.usage_tag)
    assert made.presentation.note_hash == note_hash(made.holder_note)
    assert Presentation.from_bytes(made.presentation.canonical, made.schemas) == made.presentation


def with_part(presentation: Presentation, index: int, part: CredentialPresentation) -> Presentation:
    parts = list(presentation.credentials)
    parts[index] = part
    return replace(presentation, credentials=tuple(parts))


def changed_parts(
    part: CredentialPresentation, schema: Schema, place: int
) -> Iterator[CredentialPresentation]:
    shown = part.shown
    for name, value in shown.values.items():
        other = other_value(schema.attribute(name), value)
        if other is not None:
            yield replace(part, shown=replace(shown, values={**shown.values, name: other}))
    if shown.expiry is not None:
        yield replace(part, shown=replace(shown, expiry=shown.expiry + DAY))
    yield replace(part, proof=flip(part.proof, place % len(part.proof)))


def changes(presentation: Presentation, held: list[HeldCredential], place: int) -> Iterator[Presentation]:
    """Everything in a presentation, changed one at a time."""
    schemas = {each.schema.name: each.schema for each in held}
    yield replace(presentation, usage_tag=flip(presentation.usage_tag, place % 48))
    yield replace(presentation, note_hash=flip(presentation.note_hash, place % 32))
    for index, part in enumerate(presentation.credentials):
        for changed in changed_parts(part, schemas[part.shown.schema], place):
            yield with_part(presentation, index, changed)


@SLOW
@given(questions(), st.integers(0, 10_000))
def test_whatever_is_changed_is_refused(question: tuple[Request, list[HeldCredential]], place: int) -> None:
    asked, held = question
    made, known = answer(asked, held), directory(held)
    for changed in changes(made.presentation, held, place):
        with pytest.raises(bbs.BbsError):
            verify(asked, changed, known)
    other = replace(asked, nonce=flip(asked.nonce, place % 32))
    with pytest.raises(ValueError, match="another request"):
        verify(other, made.presentation, known)
    with pytest.raises(bbs.VerificationError):
        verify(other, replace(made.presentation, request_digest=other.digest), known)


def test_two_presentations_share_nothing_that_was_not_asked() -> None:
    asked, held = request(HOME), [residence()]
    one, two = (answer(asked, held) for _ in range(2))
    assert one.presentation.credentials[0].shown == two.presentation.credentials[0].shown
    for first, second in (
        (one.presentation.usage_tag[:16], two.presentation.usage_tag[:16]),
        (one.presentation.usage_tag[16:], two.presentation.usage_tag[16:]),
        (one.presentation.note_hash, two.presentation.note_hash),
        (one.holder_note[:64], two.holder_note[:64]),
        (one.request_id, two.request_id),
        *(
            (
                one.presentation.credentials[0].proof[at : at + 32],
                two.presentation.credentials[0].proof[at : at + 32],
            )
            for at in range(0, 272, 32)
        ),
    ):
        assert first != second


def test_hidden_values_are_nowhere_in_what_leaves() -> None:
    made = answer(request(HOME), [residence()])
    for value in (RESIDENCE_VALUES["name"], RESIDENCE_VALUES["number"]):
        assert str(value).encode() not in made.presentation.canonical + made.holder_note
    assert b"370102" in made.presentation.canonical
    assert b"370102" not in made.holder_note


def test_randomness_is_an_argument() -> None:
    def octets(count: int) -> bytes:
        return bytes(range(count % 251)) + bytes(count - count % 251)

    def scalars(count: int) -> list[int]:
        return list(range(2, count + 2))

    planned = plan(request(HOME), [residence()], NOW)
    one, two = (present(planned, KEYS, NOW, octets, proof_rng=scalars) for _ in range(2))
    assert (one.presentation, one.holder_note, one.request_id) == (
        two.presentation,
        two.holder_note,
        two.request_id,
    )
    verify(request(HOME), one.presentation, directory([residence()]))


def test_the_newest_that_fits_is_chosen_and_another_may_be() -> None:
    held = [residence(2), insurance(5), residence(3), residence(1)]
    planned = plan(request(HOME), held, NOW)
    (option,) = planned.options
    assert [each.id for each in option.fitting] == [held[2].id, held[0].id, held[3].id]
    assert option.chosen == held[2]
    chosen = planned.choose("home", held[3].id)
    assert chosen.answers() == ((HOME, held[3]),)
    assert planned.answers() == ((HOME, held[2]),)
    refused(PresentingError, "CHOICE_INVALID", planned.choose, "home", held[1].id)
    refused(PresentingError, "CHOICE_INVALID", planned.choose, "work", held[0].id)


def old() -> HeldCredential:
    made = residence(7)
    issued = NOW.date() - 366 * DAY
    credential = issuer("public-security").issue(RESIDENCE, RESIDENCE_VALUES, issued)
    return replace(made, credential=credential)


def retired() -> HeldCredential:
    made = residence(8)
    return replace(made, issuer_key=replace(made.issuer_key, state=KeyState.RETIRED))


@pytest.mark.parametrize(
    ("held", "lack"),
    [
        ([], Lack.NONE_HELD),
        ([insurance()], Lack.NONE_HELD),
        ([old()], Lack.EXPIRED),
        ([retired()], Lack.KEY_RETIRED),
        ([old(), retired()], Lack.KEY_RETIRED),
    ],
)
def test_what_is_missing_is_named_with_who_issues_it(held: list[HeldCredential], lack: Lack) -> None:
    planned = plan(request(HOME), held, NOW)
    (missing,) = planned.missing
    assert (missing.query, str(missing.department), missing.lack) == (
        HOME,
        "departments/public-security",
        lack,
    )
    for act in (lambda: present(planned, KEYS, NOW), lambda: consent_of(planned, SCHOOL)):
        error = refused(PresentingError, "NOTHING_FITS", act)
        assert str(RESIDENCE.name) in str(error)


def test_one_missing_of_two_is_missing() -> None:
    planned = plan(request(), [residence()], NOW)
    assert [each.query.id for each in planned.missing] == ["work"]
    refused(PresentingError, "NOTHING_FITS", planned.answers)


def test_what_does_not_fit_is_passed_over() -> None:
    held = [residence(1), old(), retired()]
    assert plan(request(HOME), held, NOW).answers() == ((HOME, held[0]),)


def test_a_credential_fits_on_its_last_day_by_the_cities_clock() -> None:
    made = residence()
    last = dt.datetime.combine(made.credential.expiry, dt.time(15, 59), dt.UTC)

    def asked(at: dt.datetime) -> Request:
        return replace(request(HOME), created=at - DAY, expires=at + DAY)

    assert not plan(asked(last), [made], last).missing
    after = last + dt.timedelta(minutes=1)
    assert plan(asked(after), [made], after).missing[0].lack is Lack.EXPIRED


def test_a_request_that_has_ended_is_not_answered() -> None:
    asked = request(HOME)
    refused(RefusedError, "REQUEST_EXPIRED", plan, asked, [residence()], asked.expires)
    early = asked.created - dt.timedelta(minutes=3)
    refused(RefusedError, "REQUEST_NOT_YET_VALID", plan, asked, [residence()], early)
    planned = plan(asked, [residence()], NOW)
    refused(RefusedError, "REQUEST_EXPIRED", present, planned, KEYS, asked.expires)


def test_what_cannot_be_asked_is_refused() -> None:
    unknown = request(Query("home", RESIDENCE.name, ("religion",)))
    error = refused(MalformedError, "ATTRIBUTE_UNKNOWN", plan, unknown, [residence()], NOW)
    assert getattr(error, "field", "") == "religion"
    composite = replace(RESIDENCE, form=CredentialForm.COMPOSITE)
    made = replace(residence(), schema=composite)
    refused(RefusedError, "FORM_NOT_SUPPORTED", plan, request(HOME), [made], NOW)


def test_a_credential_that_was_damaged_makes_no_presentation() -> None:
    made = insurance()
    values = {**INSURANCE_VALUES, "base": 900_000}
    forged = replace(made, credential=replace(made.credential, values=values))
    asked = request(Query("work", INSURANCE.name, ("base",)))
    refused(PresentingError, "OWN_PROOF_INVALID", answer, asked, [forged])


def test_a_presentation_that_nobody_could_store_is_not_made() -> None:
    wide = replace(
        RESIDENCE,
        name=SchemaName("public-security", "wide", 1),
        attributes=(replace(RESIDENCE.attributes[0], max_length=4096),),
    )
    held = issuer("public-security").held(wide, {"name": "x" * 4096})
    queries = [Query(f"query_{number}", wide.name, ("name",)) for number in range(16)]
    refused(MalformedError, "PRESENTATION_INVALID", answer, request(*queries), [held])
    assert len(answer(request(*queries[:14]), [held]).presentation.canonical) < 65_536


@pytest.mark.parametrize("octets", [b"", b"\x80", b"\xff" * 100])
def test_octets_that_are_no_presentation(octets: bytes) -> None:
    refused(MalformedError, "MALFORMED", Presentation.from_bytes, octets, {})


def test_a_presentation_is_read_with_its_schemas() -> None:
    made = answer(request(HOME), [residence()])
    refused(MalformedError, "PRESENTATION_INVALID", Presentation.from_bytes, made.presentation.canonical, {})
    octets = made.presentation.canonical
    for place in range(0, len(octets), 41):
        changed = flip(octets, place)
        try:
            parsed = Presentation.from_bytes(changed, made.schemas)
        except MalformedError:
            continue
        assert parsed.canonical == changed
        assert parsed != made.presentation
