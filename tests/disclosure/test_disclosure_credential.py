"""Credentials and issuer keys: any change of any field is refused."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

import bbs
from disclosure import (
    AttributeType,
    Credential,
    CredentialForm,
    IssuerKey,
    IssuerKeyName,
    KeyState,
    MalformedError,
    RefusedError,
    canonical,
    check_credential,
    check_lifetime,
    civil_date,
    issue,
    issuer_key_name,
)
from tests.disclosure.world import (
    HRSS,
    INSURANCE,
    PERMIT,
    PERMIT_2,
    PERMIT_CREDENTIAL,
    POLICE,
    POLICE_2,
    TODAY,
    VALUES,
    credential,
    definition,
    issuer,
)

LABEL = "zk-disclosure/plain-credential/v1"
KEY_LABEL = "zk-disclosure/issuer-key/v1"


@pytest.mark.parametrize("by", [0, 1])
def test_an_issued_credential_holds(by: int) -> None:
    held = credential(PERMIT, by)
    key = (POLICE, POLICE_2)[by].key
    assert check_credential(held, PERMIT, key) is held
    assert held.expiry == TODAY + dt.timedelta(days=PERMIT.validity_days)


def test_an_optional_value_may_be_there_or_not() -> None:
    assert "remark" not in PERMIT_CREDENTIAL.values
    check_credential(credential(PERMIT, 0, remark="x"), PERMIT, POLICE.key)


def changed_values(**changes: Any) -> Credential:
    return replace(PERMIT_CREDENTIAL, values={**PERMIT_CREDENTIAL.values, **changes})


@pytest.mark.parametrize(
    "changed",
    [
        changed_values(name="王小朋"),
        changed_values(district="370103"),
        changed_values(continuous_since=dt.date(2019, 4, 30)),
        changed_values(base=812_301),
        changed_values(employed=False),
        changed_values(photo=bytes(32)),
        changed_values(remark="x"),
        replace(PERMIT_CREDENTIAL, expiry=PERMIT_CREDENTIAL.expiry + dt.timedelta(days=1)),
        replace(PERMIT_CREDENTIAL, expiry=PERMIT_CREDENTIAL.expiry - dt.timedelta(days=1)),
    ],
)
def test_a_changed_value_is_refused(changed: Credential) -> None:
    with pytest.raises(RefusedError) as caught:
        check_credential(changed, PERMIT, POLICE.key)
    assert caught.value.reason == "SIGNATURE_INVALID"


def test_each_changed_bit_of_the_signature_is_refused() -> None:
    for bit in range(0, 640, 3):
        octets = bytearray(PERMIT_CREDENTIAL.signature)
        octets[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RefusedError) as caught:
            check_credential(replace(PERMIT_CREDENTIAL, signature=bytes(octets)), PERMIT, POLICE.key)
        assert caught.value.reason == "SIGNATURE_INVALID"


def test_another_schema_is_refused_even_of_the_same_shape() -> None:
    with pytest.raises(RefusedError) as caught:
        check_credential(PERMIT_CREDENTIAL, PERMIT_2, POLICE.key)
    assert caught.value.reason == "SCHEMA_UNKNOWN"
    for pretended in (PERMIT_2, replace(PERMIT_2, name=PERMIT.name, validity_days=91)):
        with pytest.raises(RefusedError) as caught:
            check_credential(replace(PERMIT_CREDENTIAL, schema=pretended.name), pretended, POLICE.key)
        assert caught.value.reason == "SIGNATURE_INVALID"


def test_another_key_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        check_credential(PERMIT_CREDENTIAL, PERMIT, POLICE_2.key)
    assert caught.value.reason == "ISSUER_KEY_UNKNOWN"
    other = issuer("public-security", 9)
    with pytest.raises(RefusedError) as caught:
        check_credential(replace(PERMIT_CREDENTIAL, issuer_key=other.key.name), PERMIT, other.key)
    assert caught.value.reason == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**VALUES, "base": -1}, "VALUE_INVALID"),
        ({**VALUES, "base": True}, "VALUE_INVALID"),
        ({**VALUES, "employed": 1}, "VALUE_INVALID"),
        ({**VALUES, "continuous_since": dt.datetime(2019, 5, 1)}, "VALUE_INVALID"),
        ({**VALUES, "name": "e\u0301"}, "VALUE_INVALID"),
        ({**VALUES, "other": "x"}, "ATTRIBUTE_UNKNOWN"),
        ({**VALUES, "name": None}, "ATTRIBUTE_MISSING"),
        ({"name": "x"}, "ATTRIBUTE_MISSING"),
        ({}, "ATTRIBUTE_MISSING"),
    ],
)
def test_what_is_not_issued(values: Any, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        issue(PERMIT, POLICE.key, POLICE.secret, values, TODAY)
    assert caught.value.reason == reason
    with pytest.raises(MalformedError):
        check_credential(replace(PERMIT_CREDENTIAL, values=values), PERMIT, POLICE.key)


def test_only_an_active_key_of_the_department_signs() -> None:
    for state in (KeyState.VERIFY_ONLY, KeyState.RETIRED):
        with pytest.raises(RefusedError) as caught:
            issue(PERMIT, replace(POLICE.key, state=state), POLICE.secret, VALUES, TODAY)
        assert caught.value.reason == "ISSUER_KEY_RETIRED"
    with pytest.raises(RefusedError) as caught:
        issue(PERMIT, HRSS.key, HRSS.secret, VALUES, TODAY)
    assert caught.value.reason == "ISSUER_KEY_UNKNOWN"
    composite = replace(PERMIT, form=CredentialForm.COMPOSITE)
    with pytest.raises(RefusedError) as caught:
        issue(composite, POLICE.key, POLICE.secret, VALUES, TODAY)
    assert caught.value.reason == "FORM_NOT_SUPPORTED"


def test_a_credential_that_no_vault_could_read_is_not_issued() -> None:
    attributes = tuple(definition(f"t{n}", AttributeType.TEXT, max_length=4096) for n in range(17))
    schema = replace(PERMIT, attributes=attributes)
    with pytest.raises(MalformedError) as caught:
        issue(schema, POLICE.key, POLICE.secret, {each.id: "x" * 4096 for each in attributes}, TODAY)
    assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", "values")


# ---- encoding


def test_a_credential_is_read_as_it_is_written() -> None:
    for held in (PERMIT_CREDENTIAL, credential(PERMIT, 1, remark="x")):
        assert Credential.from_bytes(held.to_bytes(PERMIT), PERMIT) == held


def test_a_credential_does_not_show_itself() -> None:
    assert "王小明" not in repr(PERMIT_CREDENTIAL)
    assert "signature" not in repr(PERMIT_CREDENTIAL)


def test_a_credential_of_another_schema_is_not_read() -> None:
    for other in (PERMIT_2, INSURANCE):
        with pytest.raises(MalformedError):
            Credential.from_bytes(PERMIT_CREDENTIAL.to_bytes(PERMIT), other)


def raw() -> list[Any]:
    return canonical.decode(LABEL, PERMIT_CREDENTIAL.to_bytes(PERMIT))


def with_values(values: Any) -> list[Any]:
    items = raw()
    items[3] = values
    return items


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([*raw(), 0], id="an item too many"),
        pytest.param(raw()[:-1], id="an item too few"),
        pytest.param([str(PERMIT_2.name), *raw()[1:]], id="another schema"),
        pytest.param([raw()[0], str(HRSS.key.name), *raw()[2:]], id="a key of another department"),
        pytest.param([*raw()[:2], True, *raw()[3:]], id="an expiry that is true"),
        pytest.param([*raw()[:2], 1 << 40, *raw()[3:]], id="an expiry after all years"),
        pytest.param([*raw()[:4], bytes(79)], id="a signature too short"),
        pytest.param([*raw()[:4], "x" * 80], id="a signature that is text"),
        pytest.param(with_values(raw()[3][::-1]), id="values in another order"),
        pytest.param(with_values([*raw()[3], raw()[3][0]]), id="a value twice"),
        pytest.param(with_values(raw()[3][1:]), id="a value missing"),
        pytest.param(with_values([*raw()[3], ["other", 1]]), id="an unknown value"),
        pytest.param(with_values([*raw()[3], ["remark", None]]), id="an absent value written down"),
        pytest.param(with_values([*raw()[3][:4], ["employed", 1], raw()[3][5]]), id="a boolean that is 1"),
        pytest.param(
            with_values([*raw()[3][:3], ["base", True], *raw()[3][4:]]), id="an integer that is true"
        ),
        pytest.param(with_values([["name"], *raw()[3][1:]]), id="a name without a value"),
        pytest.param(with_values("x"), id="values that are a text"),
    ],
)
def test_octets_that_are_no_credential(items: list[Any]) -> None:
    with pytest.raises(MalformedError):
        Credential.from_bytes(canonical.encode(LABEL, *items), PERMIT)


def test_a_credential_is_refused_without_its_length_or_department() -> None:
    with pytest.raises(MalformedError):
        replace(PERMIT_CREDENTIAL, signature=bytes(81))
    with pytest.raises(MalformedError):
        replace(PERMIT_CREDENTIAL, issuer_key=HRSS.key.name)


# ---- issuer keys


def test_a_key_is_read_from_its_record() -> None:
    for each in (POLICE, POLICE_2, HRSS):
        assert IssuerKey.from_record(each.key.record()) == each.key


def test_the_name_follows_from_department_suite_and_key() -> None:
    key = POLICE.key
    names = {
        issuer_key_name("public-security", key.suite, key.public_key),
        issuer_key_name("hrss", key.suite, key.public_key),
        issuer_key_name("public-security", str(bbs.SHAKE_256), key.public_key),
        issuer_key_name("public-security", key.suite, POLICE_2.key.public_key),
    }
    assert len({each.key for each in names}) == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": HRSS.key.name}, "NAME_INVALID"),
        ({"name": IssuerKeyName("hrss", POLICE.key.name.key)}, "NAME_INVALID"),
        ({"suite": str(bbs.SHAKE_256)}, "NAME_INVALID"),
        ({"suite": "BBS"}, "MALFORMED"),
        ({"public_key": POLICE_2.key.public_key}, "NAME_INVALID"),
        ({"public_key": bytes(95)}, "MALFORMED"),
    ],
)
def test_a_key_under_a_name_that_is_not_its_own(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(POLICE.key, **changes)
    assert caught.value.reason == reason


def test_octets_that_are_no_key() -> None:
    items = canonical.decode(KEY_LABEL, POLICE.key.record())
    for wrong in (items[:2], [*items, 0], [items[0], items[1], "x" * 96], [1, *items[1:]]):
        with pytest.raises(MalformedError):
            IssuerKey.from_record(canonical.encode(KEY_LABEL, *wrong))
    for place in range(len(POLICE.key.record())):
        octets = bytearray(POLICE.key.record())
        octets[place] ^= 1
        with pytest.raises(MalformedError):
            IssuerKey.from_record(bytes(octets))


def test_days_change_at_midnight_of_the_cities() -> None:
    assert civil_date(dt.datetime(2026, 3, 1, 15, 59, 59, tzinfo=dt.UTC)) == dt.date(2026, 3, 1)
    assert civil_date(dt.datetime(2026, 3, 1, 16, 0, tzinfo=dt.UTC)) == dt.date(2026, 3, 2)


@pytest.mark.parametrize("days", [0, 1, 30, 365])
def test_an_expiry_that_the_schema_gives_is_taken(days: int) -> None:
    held = PERMIT_CREDENTIAL
    assert check_lifetime(held, PERMIT, TODAY + dt.timedelta(days=min(days, PERMIT.validity_days))) is held


@pytest.mark.parametrize("shift", [-3000, -2, 2, 3000])
def test_an_expiry_of_its_own_for_each_person_is_refused(shift: int) -> None:
    """Beyond what the schema gives, it would mark its holder wherever it is shown."""
    expiry = TODAY + dt.timedelta(days=PERMIT.validity_days + shift if shift > 0 else shift)
    with pytest.raises(RefusedError) as caught:
        check_lifetime(replace(PERMIT_CREDENTIAL, expiry=expiry), PERMIT, TODAY)
    assert caught.value.reason == "EXPIRY_INVALID"
