"""Compiling a request and what is shown into what must be proven: the same on both sides, or refused."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from disclosure import (
    CredentialForm,
    CredentialPresentation,
    Directory,
    DisclosureError,
    ExpiryRule,
    IssuerKeyName,
    KeyState,
    MalformedError,
    Presentation,
    Query,
    Shown,
    Statement,
    check_request,
    statements_of,
)
from disclosure.attributes import expiry_message
from tests.disclosure.world import (
    CREDENTIALS,
    DIRECTORY,
    HRSS,
    INSURANCE,
    NOTE_HASH,
    NOW,
    PERMIT,
    PERMIT_2,
    PERMIT_CREDENTIAL,
    POLICE,
    POLICE_2,
    QUERIES,
    REQUEST,
    USAGE_TAG,
    directory,
    presentation,
    request,
    shown_of,
)

SHOWN = tuple(shown_of(query, CREDENTIALS[query.id]) for query in QUERIES)
DAY = dt.timedelta(days=1)


def compiled(shown: tuple[Shown, ...] = SHOWN, **changes: Any) -> tuple[Statement, ...]:
    fields: dict[str, Any] = {
        "request": REQUEST,
        "usage_tag": USAGE_TAG,
        "note_hash": NOTE_HASH,
        "directory": DIRECTORY,
        "now": NOW,
    }
    return statements_of(**(fields | changes), shown=shown)


def test_a_statement_says_what_is_shown_and_under_which_schema() -> None:
    permit, insurance = compiled()
    assert permit.disclosed_indexes == (0, 2, 3, 7)
    assert permit.disclosed_messages == (
        expiry_message(PERMIT_CREDENTIAL.expiry),
        PERMIT.attribute("district").message("370102"),
        PERMIT.attribute("continuous_since").message(dt.date(2019, 5, 1)),
        PERMIT.attribute("remark").message(None),
    )
    assert (permit.header, permit.public_key, permit.suite) == (
        PERMIT.header(),
        POLICE.key.public_key,
        POLICE.key.suite,
    )
    assert permit.proof_octets == 272 + 32 * 4
    assert insurance.disclosed_indexes == (4, 5, 6)
    assert insurance.proof_octets == 272 + 32 * 5


def test_the_order_in_which_values_are_given_does_not_count() -> None:
    turned = replace(SHOWN[0], values=dict(reversed(list(SHOWN[0].values.items()))))
    assert compiled((turned, SHOWN[1])) == compiled()


def changed(index: int, **changes: Any) -> tuple[Shown, ...]:
    return tuple(replace(each, **changes) if index == at else each for at, each in enumerate(SHOWN))


def with_value(name: str, value: Any) -> tuple[Shown, ...]:
    return changed(0, values={**SHOWN[0].values, name: value})


WITHOUT_REMARK = {name: value for name, value in SHOWN[0].values.items() if name != "remark"}


@pytest.mark.parametrize(
    ("shown", "reason", "field"),
    [
        pytest.param(SHOWN[:1], "QUERY_MISMATCH", "credentials", id="one answer too few"),
        pytest.param((*SHOWN, SHOWN[0]), "QUERY_MISMATCH", "credentials", id="one answer too many"),
        pytest.param((), "QUERY_MISMATCH", "credentials", id="no answer"),
        pytest.param(SHOWN[::-1], "QUERY_MISMATCH", "credentials[0]", id="answers in another order"),
        pytest.param((SHOWN[0], SHOWN[0]), "QUERY_MISMATCH", "credentials[1]", id="one answer twice"),
        pytest.param(changed(0, query="other"), "QUERY_MISMATCH", "credentials[0]", id="another query"),
        pytest.param(
            changed(0, schema=PERMIT_2.name), "QUERY_MISMATCH", "credentials[0]", id="another version"
        ),
        pytest.param(
            changed(0, values=WITHOUT_REMARK), "QUERY_MISMATCH", "credentials[0].values", id="one too few"
        ),
        pytest.param(
            with_value("name", "王小明"), "QUERY_MISMATCH", "credentials[0].values", id="one too many"
        ),
        pytest.param(
            with_value("nobody", 1), "QUERY_MISMATCH", "credentials[0].values", id="one that does not exist"
        ),
        pytest.param(
            changed(0, expiry=None), "QUERY_MISMATCH", "credentials[0].expiry", id="the expiry not shown"
        ),
        pytest.param(
            changed(1, expiry=PERMIT_CREDENTIAL.expiry),
            "QUERY_MISMATCH",
            "credentials[1].expiry",
            id="an expiry that was waived",
        ),
        pytest.param(
            changed(0, expiry=dt.date(2026, 2, 28)),
            "CREDENTIAL_EXPIRED",
            "credentials[0].expiry",
            id="an expiry that has passed",
        ),
        pytest.param(
            changed(1, issuer_key=IssuerKeyName("hrss", "0" * 32)),
            "ISSUER_KEY_UNKNOWN",
            "credentials[1].issuer_key",
            id="a key that nobody registered",
        ),
        pytest.param(
            changed(1, issuer_key=POLICE.key.name),
            "ISSUER_KEY_UNKNOWN",
            "credentials[1].issuer_key",
            id="a key of another department",
        ),
        *(
            pytest.param(
                with_value(name, value),
                "VALUE_INVALID",
                f"credentials[0].values.{name}",
                id=f"{name}={value!r}",
            )
            for name, value in (
                ("district", "370199"), ("district", 370_102), ("continuous_since", dt.date(2100, 1, 1)),
                ("continuous_since", 18_017), ("continuous_since", dt.datetime(2019, 5, 1)),
                ("continuous_since", True), ("remark", ""), ("remark", "\ud800"), ("remark", b"x"),
            )
        ),
        *(
            pytest.param(
                with_value(name, None), "ATTRIBUTE_MISSING", f"credentials[0].values.{name}", id=f"no {name}"
            )
            for name in ("district", "continuous_since")
        ),
    ],
)  # fmt: skip
def test_what_is_shown_but_was_not_asked(shown: tuple[Shown, ...], reason: str, field: str) -> None:
    with pytest.raises(DisclosureError) as caught:
        compiled(shown)
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_keys_by_their_state() -> None:
    assert compiled(directory=directory(police=KeyState.VERIFY_ONLY)) == compiled()
    with pytest.raises(DisclosureError) as caught:
        compiled(directory=directory(police=KeyState.RETIRED))
    assert (caught.value.reason, caught.value.field) == ("ISSUER_KEY_RETIRED", "credentials[0].issuer_key")


def test_a_credential_is_good_through_its_last_day_in_the_cities() -> None:
    last = PERMIT_CREDENTIAL.expiry
    evening = dt.datetime(last.year, last.month, last.day, 15, 59, 59, tzinfo=dt.UTC)
    assert compiled(now=evening) == compiled()
    with pytest.raises(DisclosureError) as caught:
        compiled(now=evening + dt.timedelta(seconds=1))
    assert caught.value.reason == "CREDENTIAL_EXPIRED"


def asking(query: Query) -> Any:
    return request(queries=(query,))


@pytest.mark.parametrize(
    ("known", "asked", "reason", "field"),
    [
        pytest.param(Directory({}, {}), REQUEST, "SCHEMA_UNKNOWN", "queries[0].schema", id="no schema"),
        pytest.param(
            DIRECTORY,
            asking(Query("q", PERMIT.name, ("name", "nobody"))),
            "ATTRIBUTE_UNKNOWN",
            "queries[0].shown[1]",
            id="no attribute",
        ),
        pytest.param(
            Directory({PERMIT.name: replace(PERMIT, form=CredentialForm.COMPOSITE)}, {}),
            asking(QUERIES[0]),
            "FORM_NOT_SUPPORTED",
            "",
            id="the composite form",
        ),
    ],
)
def test_a_request_that_cannot_be_answered(known: Directory, asked: Any, reason: str, field: str) -> None:
    for check in (
        lambda: check_request(asked, known),
        lambda: compiled(SHOWN[: len(asked.queries)], request=asked, directory=known),
    ):
        with pytest.raises(DisclosureError) as caught:
            check()
        assert (caught.value.reason, caught.value.field) == (reason, field)


def test_a_query_may_show_nothing() -> None:
    query = Query("permit", PERMIT.name, (), ExpiryRule.WAIVED)
    shown = (replace(SHOWN[0], values={}, expiry=None),)
    (statement,) = compiled(shown, request=request(queries=(query,)))
    assert statement.disclosed_indexes == ()
    assert statement.proof_octets == 272 + 32 * 8


# ---- the presentation header


def headers(**changes: Any) -> tuple[bytes, ...]:
    return tuple(each.presentation_header for each in compiled(**changes))


def variants() -> dict[str, Callable[[], tuple[bytes, ...]]]:
    """Compilations that each differ in one thing, on either credential."""
    other_since = with_value("continuous_since", dt.date(2019, 5, 2))
    lax = replace(PERMIT, validity_days=91)
    return {
        "as it is": headers,
        "request": lambda: headers(request=request(nonce=bytes(32))),
        "usage tag": lambda: headers(usage_tag=bytes(48)),
        "note": lambda: headers(note_hash=bytes(32)),
        "a value": lambda: headers(shown=other_since),
        "an absent value": lambda: headers(shown=with_value("remark", "x")),
        "a value of the other": lambda: headers(shown=changed(1, values={**SHOWN[1].values, "base": 1})),
        "an expiry": lambda: headers(shown=changed(0, expiry=PERMIT_CREDENTIAL.expiry + DAY)),
        "a key": lambda: headers(shown=changed(0, issuer_key=POLICE_2.key.name)),
        "a schema's content": lambda: headers(
            directory=Directory({**DIRECTORY.schemas, lax.name: lax}, DIRECTORY.issuer_keys)
        ),
    }


def test_no_two_statements_have_the_same_presentation_header() -> None:
    """Also the two statements of one presentation differ, so their proofs cannot be exchanged."""
    all_of_them = [header for make in variants().values() for header in make()]
    assert len(set(all_of_them)) == len(all_of_them) == 2 * len(variants())


# ---- presentations


def test_everything_changes_the_digest() -> None:
    answer = presentation()
    first, second = answer.credentials
    digests = [
        each.digest
        for each in (
            answer,
            replace(answer, usage_tag=bytes(48)),
            replace(answer, note_hash=bytes(32)),
            replace(answer, request_digest=bytes(32)),
            replace(answer, credentials=(first,)),
            replace(answer, credentials=(second, first)),
            replace(answer, credentials=(first, first)),
            replace(answer, credentials=(replace(first, proof=bytes(272)), second)),
            *(
                replace(answer, credentials=(replace(first, shown=shown[0]), second))
                for shown in (
                    changed(0, query="other"),
                    changed(0, schema=PERMIT_2.name),
                    changed(0, issuer_key=POLICE_2.key.name),
                    changed(0, expiry=None),
                    changed(0, values={}),
                    with_value("remark", "x"),
                    with_value("name", None),
                    with_value("district", "370103"),
                )
            ),
        )
    ]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"usage_tag": bytes(47)}, "usage_tag"),
        ({"usage_tag": bytes(49)}, "usage_tag"),
        ({"note_hash": bytes(31)}, "note_hash"),
        ({"request_digest": bytes(33)}, "request_digest"),
        ({"credentials": ()}, "credentials"),
        ({"credentials": presentation().credentials[:1] * 17}, "credentials"),
    ],
)
def test_a_presentation_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(presentation(), **changes)
    assert (caught.value.reason, caught.value.field) == ("PRESENTATION_INVALID", field)


@pytest.mark.parametrize("size", [0, 271, 273, 272 + 31, 272 + 32 * 101 + 1, 272 + 32 * 102])
def test_a_proof_of_a_length_that_none_has(size: int) -> None:
    with pytest.raises(MalformedError) as caught:
        CredentialPresentation(SHOWN[0], bytes(size))
    assert (caught.value.reason, caught.value.field) == ("PRESENTATION_INVALID", "proof")


def test_the_longest_proof() -> None:
    assert CredentialPresentation(SHOWN[0], bytes(272 + 32 * 101)).proof


def test_an_expiry_is_a_date_and_not_a_moment() -> None:
    with pytest.raises(MalformedError):
        replace(SHOWN[0], expiry=dt.datetime(2026, 5, 30))


def test_a_presentation_does_not_show_what_it_shows() -> None:
    for each in (presentation(), SHOWN[0]):
        assert "370102" not in repr(each)
        assert "2019" not in repr(each)
    assert isinstance(presentation(), Presentation)


def test_a_directory_keeps_everything_under_its_own_name() -> None:
    with pytest.raises(MalformedError):
        Directory({PERMIT_2.name: PERMIT}, {})
    with pytest.raises(MalformedError):
        Directory({}, {HRSS.key.name: POLICE.key})
    assert Directory({INSURANCE.name: INSURANCE}, {}).schema(INSURANCE.name) is INSURANCE
