"""Names and links: what is written is read again, and nothing else is."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    AccumulatorName,
    DepartmentName,
    ExchangeLink,
    IssuerKeyName,
    MalformedError,
    OfferLink,
    PolicyName,
    SchemaName,
    VerifierName,
)
from disclosure.names import check_attribute_id, check_id

ids = st.from_regex(r"\A[a-z][a-z0-9-]{0,62}\Z")
item_ids = st.from_regex(r"\A[a-z][a-z0-9_]{0,62}\Z")
key_ids = st.from_regex(r"\A[0-9a-f]{32}\Z")
names = (
    st.builds(DepartmentName, ids)
    | st.builds(VerifierName, ids)
    | st.builds(SchemaName, ids, item_ids, st.integers(1, 999_999))
    | st.builds(PolicyName, ids, ids, st.integers(1, 999_999))
    | st.builds(IssuerKeyName, ids, key_ids)
    | st.builds(AccumulatorName, ids, key_ids)
)
tokens = st.from_regex(r"\A[A-Za-z0-9_-]{1,200}\Z")
servers = st.from_regex(r"\A[a-z0-9.-]{1,40}:[1-9][0-9]{0,3}\Z")
Name = DepartmentName | VerifierName | SchemaName | PolicyName | IssuerKeyName | AccumulatorName


def read(parse: Callable[[str], object], text: str, reason: str) -> object | None:
    """Return what a text is read as; None if it is refused for this reason."""
    try:
        return parse(text)
    except MalformedError as error:
        if error.reason != reason:
            raise
        return None


BAD_IDS = [
    "", "A", "é", "1a", "-a", "a_b", "a b", "a/b", "a.b", "a\n", "\u0430", "a" * 64, "ａ", "a\x00", "a\u200b",
]  # fmt: skip


@given(names)
def test_a_name_is_read_as_it_is_written(name: Name) -> None:
    assert type(name).parse(str(name)) == name


@given(st.text(max_size=80))
def test_any_text_is_refused_or_written_alike(text: str) -> None:
    for kind in (DepartmentName, VerifierName, SchemaName, PolicyName, IssuerKeyName, AccumulatorName):
        name = read(kind.parse, text, "NAME_INVALID")
        assert name is None or str(name) == text


@pytest.mark.parametrize("bad", BAD_IDS)
@pytest.mark.parametrize(
    "make",
    [
        DepartmentName,
        VerifierName,
        lambda bad: SchemaName(bad, "item", 1),
        lambda bad: PolicyName(bad, "loan", 1),
        lambda bad: PolicyName("bank", bad, 1),
        lambda bad: PolicyName.parse(f"verifiers/{bad}/policies/loan@1"),
        lambda bad: PolicyName.parse(f"verifiers/bank/policies/{bad}@1"),
        lambda bad: IssuerKeyName(bad, "0" * 32),
        lambda bad: DepartmentName.parse(f"departments/{bad}"),
        lambda bad: VerifierName.parse(f"verifiers/{bad}"),
        lambda bad: SchemaName.parse(f"departments/{bad}/schemas/item@1"),
        lambda bad: IssuerKeyName.parse(f"departments/{bad}/issuerKeys/{'0' * 32}"),
        lambda bad: check_id(bad, "it"),
    ],
)
def test_a_bad_identifier_makes_no_name(make: Callable[[str], Any], bad: str) -> None:
    with pytest.raises(MalformedError) as caught:
        make(bad)
    assert caught.value.reason == "NAME_INVALID"


@pytest.mark.parametrize("bad", ["", "A", "1", "_a", "a-b", "a" * 64, "a\n", "a/b", "é"])
def test_a_bad_item_is_no_attribute_and_no_schema(bad: str) -> None:
    for make in (check_attribute_id, lambda each: SchemaName("hrss", each, 1)):
        with pytest.raises(MalformedError) as caught:
            make(bad)
        assert caught.value.reason == "NAME_INVALID"


@pytest.mark.parametrize("version", [0, -1, 1_000_000, True, 1.0, "1"])
def test_a_version_is_a_positive_integer_of_six_digits(version: Any) -> None:
    with pytest.raises(MalformedError):
        SchemaName("hrss", "item", version)


@pytest.mark.parametrize(
    "name",
    [
        "departments/hrss/schemas/item",
        "departments/hrss/schemas/item@",
        "departments/hrss/schemas/item@0",
        "departments/hrss/schemas/item@01",
        "departments/hrss/schemas/item@+1",
        "departments/hrss/schemas/item@1 ",
        "departments/hrss/schemas/item@１",
        "departments/hrss/schemas/item@1000000",
        "departments/hrss/schemas/item@1@1",
        "departments/hrss/schemas/item@1/",
        "/departments/hrss/schemas/item@1",
        "departments//schemas/item@1",
        "Departments/hrss/schemas/item@1",
        "departments/hrss/issuerKeys/" + "0" * 32,
        "departments/hrss",
    ],
)
def test_what_is_no_schema_name(name: str) -> None:
    with pytest.raises(MalformedError) as caught:
        SchemaName.parse(name, field="schema")
    assert (caught.value.reason, caught.value.field) == ("NAME_INVALID", "schema")


@pytest.mark.parametrize("key", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 31 + "\n", "０" * 32])
def test_what_is_no_issuer_key_name(key: str) -> None:
    with pytest.raises(MalformedError, match="NAME_INVALID"):
        IssuerKeyName("hrss", key)
    with pytest.raises(MalformedError, match="NAME_INVALID"):
        IssuerKeyName.parse(f"departments/hrss/issuerKeys/{key}")


@given(servers, tokens, tokens)
def test_a_link_is_read_as_it_is_written(server: str, identifier: str, secret: str) -> None:
    for kind in (ExchangeLink, OfferLink):
        link = kind(server, identifier, secret)
        assert kind.parse(str(link)) == link
        assert repr(link) == f"{kind.__name__}(server={server!r}, id={identifier!r})"


def test_what_a_link_says() -> None:
    exchange = ExchangeLink.parse("zk://present?server=localhost%3A8443&id=x1&secret=s-1")
    assert (exchange.server, exchange.exchange, exchange.ticket) == ("localhost:8443", "exchanges/x1", "s-1")
    offer = OfferLink.parse("zk://offer?server=%5B%3A%3A1%5D%3A8443&id=x1&secret=s-1")
    assert (offer.server, offer.offer, offer.claim_code) == ("[::1]:8443", "offers/x1", "s-1")


@pytest.mark.parametrize(
    "link",
    [
        "",
        "zk://present",
        "zk://present?",
        "zk://offer?server=a%3A1&id=x&secret=y",
        "https://present?server=a%3A1&id=x&secret=y",
        "ZK://present?server=a%3A1&id=x&secret=y",
        "zk://present/?server=a%3A1&id=x&secret=y",
        "zk://u@present?server=a%3A1&id=x&secret=y",
        "zk://present:1?server=a%3A1&id=x&secret=y",
        "zk://present?server=a%3A1&id=x",
        "zk://present?server=a%3A1&id=x&secret=",
        "zk://present?server=a%3A1&id=x&secret=y&secret=z",
        "zk://present?server=a%3A1&id=x&secret=y&more=z",
        "zk://present?id=x&server=a%3A1&secret=y",
        "zk://present?server=a:1&id=x&secret=y",
        "zk://present?server=a%3A1&id=x&secret=y#z",
        "zk://present?server=a%3A1&id=x&secret=y&",
        "zk://present?server=a&id=x&secret=y",
        "zk://present?server=a%3A99999&id=x&secret=y",
        "zk://present?server=a%3A0&id=x&secret=y",
        "zk://present?server=a%2Fb%3A1&id=x&secret=y",
        "zk://present?server=a%3A1&id=x%2Fy&secret=y",
        "zk://present?server=a%3A1&id=x&secret=y%0A",
        "zk://[present?server=a%3A1&id=x&secret=y",
        "zk://present?server=\ud800",
        "zk://present?server=a%3A1&id=x&secret=" + "y" * 201,
        "zk://present?server=" + "a" * 2000,
        " zk://present?server=a%3A1&id=x&secret=y",
    ],
)
def test_what_is_no_link(link: str) -> None:
    with pytest.raises(MalformedError) as caught:
        ExchangeLink.parse(link)
    assert caught.value.reason == "LINK_INVALID"
    assert "secret=y" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_no_link_or_written_alike(text: str) -> None:
    for link in (text, f"zk://present?{text}"):
        parsed = read(ExchangeLink.parse, link, "LINK_INVALID")
        assert parsed is None or str(parsed) == link
