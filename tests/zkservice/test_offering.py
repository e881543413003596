"""What an offer of the composite form is made of."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

import bbs
from disclosure import (
    AttributeDefinition,
    AttributeType,
    IssuerKey,
    LocalizedText,
    MalformedError,
    SchemaName,
    issuer_key_name,
)
from disclosure.composite import (
    AcceptedIssuer,
    CompositeCredential,
    ExpiryShown,
    IssuanceTerms,
    IssuedCredential,
    OldestEpoch,
    ValidOn,
    Waiver,
)
from disclosure.composite.query import MAX_ISSUERS
from tests.zkservice.holding import BASE
from tests.zkservice.support import TEXT, VALUES
from zkservice.offering import Ground, Offered, Required, items_of, required_request

NOW = dt.datetime(2026, 11, 25, 20, 30, 1, 500, tzinfo=dt.UTC)
DIGITS = bytes(range(32))


def key() -> IssuerKey:
    public = bbs.SecretKey.generate(suite=bbs.SHA_256).public_key()
    return IssuerKey(issuer_key_name("police", str(bbs.SHA_256), public), str(bbs.SHA_256), public)


def asked(
    ground: Ground,
    end: dt.datetime = NOW + dt.timedelta(days=30),
    schema: Any = BASE,
    now: dt.datetime = NOW,
) -> Any:
    terms = IssuanceTerms(schema.name, ground.keys[0].name, base=False)
    shown = Required.of(BASE, {"name": "王小明", "district": "370102"})
    return required_request(terms, schema, shown, ground, now, end)


def test_what_is_offered_comes_back_as_it_was_sealed() -> None:
    shown = Required.of(BASE, {"name": "王小明", "since": dt.date(2019, 9, 1)})
    for offered in (Offered(items_of(VALUES)), Offered(items_of(VALUES), shown)):
        assert Offered.from_bytes(offered.to_bytes()) == offered
        assert "王小明" not in repr(offered)


def test_what_can_be_offered_can_be_issued_and_stored() -> None:
    """Nobody is offered what no vault could keep: the largest values that pass are small enough for all."""
    names = [f"text_{number:02}" for number in range(20)]
    text = [AttributeDefinition(each, TEXT, AttributeType.TEXT, max_length=4096) for each in names]
    name = SchemaName("d" * 63, "i" * 63, 999_999)
    schema = replace(BASE, name=name, attributes=tuple(text), validity_days=365)
    values: dict[str, Any] = dict.fromkeys(names, "x" * 3_213)
    last = next(each for each in range(1, 4096) if not fits(values | {names[-1]: "x" * each}))
    with pytest.raises(MalformedError) as caught:
        Offered(items_of(values | {names[-1]: "x" * last}))
    assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", "values")
    values[names[-1]] = "x" * (last - 1)
    expiry, handle, signature = dt.date(2027, 1, 1), bbs.groups.bls12_381.r - 1, bytes(80)
    issued = IssuedCredential(expiry, values, handle, signature)
    assert IssuedCredential.from_bytes(issued.to_bytes(schema), schema).values == values
    issuer = replace_department(key(), name.department)
    held = CompositeCredential(name, issuer.name, expiry, values, handle, handle, signature)
    assert CompositeCredential.from_bytes(held.to_bytes(schema), schema).values == values


def fits(values: dict[str, Any]) -> bool:
    try:
        Offered(items_of(values))
    except MalformedError:
        return False
    return True


def replace_department(issuer: IssuerKey, department: str) -> IssuerKey:
    name = issuer_key_name(department, issuer.suite, issuer.public_key)
    return IssuerKey(name, issuer.suite, issuer.public_key)


def test_a_secret_is_never_asked_for() -> None:
    secret = AttributeDefinition("child", TEXT, AttributeType.SECRET)
    schema = replace(BASE, attributes=(*BASE.attributes, secret))
    with pytest.raises(MalformedError) as caught:
        Required.of(schema, {"child": bytes(32)})
    assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", "child")


def test_each_key_is_accepted_with_each_accumulator_newest_first_within_the_bound() -> None:
    keys = [key(), key(), key()]
    epochs = [OldestEpoch(bytes([number]) * 96, number) for number in range(6)]
    (query,) = asked(Ground(keys, epochs[:2], DIGITS)).branches[0].queries
    assert query.issuers == tuple(
        AcceptedIssuer(each.name, epoch, DIGITS) for epoch in epochs[:2] for each in keys
    )
    assert query.expiry == ValidOn(dt.date(2026, 11, 26)), "by the cities' clock"
    (query,) = asked(Ground(keys, epochs, DIGITS)).branches[0].queries
    assert len(query.issuers) == MAX_ISSUERS
    assert {each.revocation for each in query.issuers[:3]} == {epochs[0]}


def test_what_is_shown_is_valid_as_long_as_the_request_lives() -> None:
    midnight = dt.datetime(2026, 11, 26, 16, 0, tzinfo=dt.UTC)  # by the cities' clock
    ground = Ground([key()], [], DIGITS)
    for before, day in ((61, 26), (60, 27), (1, 27)):
        request = asked(ground, now=midnight - dt.timedelta(minutes=before))
        assert request.branches[0].queries[0].expiry == ValidOn(dt.date(2026, 11, day))


def test_without_accumulators_and_digits_revocation_is_waived_and_expiry_shown() -> None:
    (query,) = asked(Ground([key()], [], None)).branches[0].queries
    assert [each.revocation for each in query.issuers] == [Waiver.REVOCATION]
    assert query.expiry == ExpiryShown()
    assert query.shown == ("name", "district")


@pytest.mark.parametrize(
    ("left", "life"),
    [
        (dt.timedelta(days=30), dt.timedelta(hours=1)),
        (dt.timedelta(minutes=10), dt.timedelta(minutes=10)),
        (dt.timedelta(milliseconds=200), dt.timedelta(seconds=1)),
    ],
)
def test_a_request_ends_with_its_hour_or_with_the_offer(left: dt.timedelta, life: dt.timedelta) -> None:
    request = asked(Ground([key()], [], None), NOW + left)
    assert request.created == NOW.replace(microsecond=0)
    assert request.expires - request.created == life


def test_a_name_that_fills_a_text_is_told_by_its_schemas_name() -> None:
    ground = Ground([key()], [], None)
    assert str(BASE.display_name.zh) in asked(ground).purpose.zh
    schema = replace(BASE, display_name=LocalizedText("名" * 333, "n" * 1000))
    assert str(BASE.name) in asked(ground, schema=schema).purpose.en
