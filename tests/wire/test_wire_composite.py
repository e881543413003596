"""Messages of the composite form: what is converted comes back, and what is wrong is refused at its place."""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbs import SHAKE_256
from bbs.gadgets.escrow_shares import PartialOpening
from bbs.gadgets.tables import Table, new_table
from disclosure import (
    Accumulator,
    DisclosureError,
    LocalizedText,
    MalformedError,
    RefusedError,
    Shown,
)
from disclosure.composite import (
    Answer,
    CompositePresentation,
    CredentialAnswer,
    IssuedCredential,
    ProvenEpoch,
    PublishedDigits,
    Regulator,
)
from disclosure.composite.publication import MAX_TABLE_OCTETS
from disclosure.names import RegulatorName
from tests.disclosure.composite.policy import REQUEST, good, holdings
from tests.disclosure.composite.world import (
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    PERMIT,
    POLICE,
    REGULATOR_KEY,
    SCHEMAS,
    VALUES,
    held,
    presented,
)
from tests.wire.sending import over_the_wire
from wire.composite import (
    composite_presentation_of,
    composite_presentation_to,
    issued_of,
    issued_to,
    part_of,
    part_to,
    published_of,
    published_to,
    regulator_of,
    regulator_to,
    table_name,
    witness_of,
)
from zkproto.v1 import issuance_pb2, presentation_pb2, publication_pb2

TEXTS: Final = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
DAYS: Final = st.dates(dt.date(1970, 1, 1), dt.date(2099, 12, 31))
PERMIT_VALUES: Final = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "number": TEXTS,
        "district": st.sampled_from(["370102", "370103"]),
        "since": DAYS,
        "months": st.integers(0, 600),
        "gap": st.none() | st.integers(0, 600),
        "remark": st.none() | TEXTS,
    },
)
EPOCHS: Final = st.builds(ProvenEpoch, st.binary(min_size=96, max_size=96), st.integers(0, (1 << 63) - 1))
CREDENTIALS: Final = st.builds(
    CredentialAnswer,
    st.builds(
        Shown,
        st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
        st.just(PERMIT.name),
        st.just(POLICE.key.name),
        PERMIT_VALUES,
        st.none() | DAYS,
    ),
    st.none() | EPOCHS,
)
PRESENTATIONS: Final = st.builds(
    CompositePresentation,
    st.builds(
        Answer,
        st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
        st.lists(CREDENTIALS, min_size=1, max_size=4).map(tuple),
        st.binary(min_size=48, max_size=48),
        st.binary(min_size=32, max_size=32),
        st.binary(min_size=32, max_size=32),
    ),
    st.binary(min_size=1, max_size=300),
)


def sent(presentation: CompositePresentation) -> presentation_pb2.CompositePresentation:
    return over_the_wire(composite_presentation_to(presentation, DIRECTORY.schema))


@settings(max_examples=150)
@given(PRESENTATIONS)
def test_a_presentation_comes_back_with_its_digest(presentation: CompositePresentation) -> None:
    again = composite_presentation_of(sent(presentation))
    assert again == presentation
    assert (again.canonical, again.digest) == (presentation.canonical, presentation.digest)


def test_real_presentations_come_back() -> None:
    other = presented(REQUEST, {"permit": holdings()["permit"]}, branch="other")
    for each in (good(), other):
        assert composite_presentation_of(sent(each)) == each


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_octets_that_were_changed_are_another_presentation_or_none(data: st.DataObject) -> None:
    octets = bytearray(sent(good()).SerializeToString())
    place = data.draw(st.integers(0, len(octets) - 1))
    octets[place] ^= data.draw(st.integers(1, 255))
    try:
        message = presentation_pb2.CompositePresentation.FromString(bytes(octets))
        changed = composite_presentation_of(message)
    except (DecodeError, DisclosureError):
        return
    # A boolean has more than one encoding in protobuf: another octet of it is the same message.
    assert changed != good() or message == sent(good())


WRONG: Final[dict[str, tuple[str, str, Callable[[Any], object]]]] = {
    "no schema": ("NAME_INVALID", "credentials[0].schema", lambda m: m.credentials[0].ClearField("schema")),
    "no key": (
        "NAME_INVALID",
        "credentials[1].issuer_key",
        lambda m: m.credentials[1].ClearField("issuer_key"),
    ),
    "no day": ("VALUE_INVALID", "credentials[2].expiry", lambda m: m.credentials[2].expiry.Clear()),
    "a short accumulator": (
        "PRESENTATION_INVALID",
        "credentials[0].epoch",
        lambda m: setattr(m.credentials[0], "accumulator", bytes(95)),
    ),
    "an epoch of nothing": (
        "PRESENTATION_INVALID",
        "credentials[0].epoch",
        lambda m: m.credentials[0].ClearField("accumulator"),
    ),
    "an epoch below 0": (
        "PRESENTATION_INVALID",
        "credentials[0].epoch",
        lambda m: setattr(m.credentials[0], "epoch", -1),
    ),
    "no credential": ("PRESENTATION_INVALID", "credentials", lambda m: m.ClearField("credentials")),
    "17 credentials": (
        "PRESENTATION_INVALID",
        "credentials",
        lambda m: m.credentials.extend([m.credentials[0]] * 14),
    ),
    "300 values": (
        "VALUE_INVALID",
        "credentials[0].values",
        lambda m: [m.credentials[0].values.add(attribute=f"a{at}") for at in range(300)],
    ),
    "no usage tag": ("PRESENTATION_INVALID", "usage_tag", lambda m: m.ClearField("usage_tag")),
    "a long note hash": (
        "PRESENTATION_INVALID",
        "note_hash",
        lambda m: setattr(m, "note_hash", bytes(33)),
    ),
    "no digest": ("PRESENTATION_INVALID", "request_digest", lambda m: m.ClearField("request_digest")),
    "no proof": ("PRESENTATION_INVALID", "proof", lambda m: m.ClearField("proof")),
    "a proof without end": (
        "PRESENTATION_INVALID",
        "proof",
        lambda m: setattr(m, "proof", bytes(48 * 1024 + 1)),
    ),
    "text without end": (
        "PRESENTATION_INVALID",
        "credentials",
        lambda m: setattr(m.credentials[0].values[0].value, "text", "x" * 70_000),
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_presentation_that_is_none_is_refused_at_its_place(wrong: Any) -> None:
    reason, field, alter = wrong
    message = sent(good())
    alter(message)
    with pytest.raises(MalformedError) as raised:
        composite_presentation_of(message)
    assert (raised.value.reason, raised.value.field) == (reason, field)


@pytest.mark.parametrize("published", [CITY_DIGITS, DISTRICT_LIST], ids=["digits", "codes"])
def test_a_table_comes_back(published: Any) -> None:
    message = over_the_wire(published_to(published, b"proof"))
    assert (message.name, message.proof) == (table_name(published.table.digest), b"proof")
    again = published_of(message)
    assert type(again) is type(published)
    assert (again.owner, again.table.octets) == (published.owner, published.table.octets)
    assert getattr(again, "codes", ()) == getattr(published, "codes", ())


def test_a_table_of_the_other_suite_comes_back() -> None:
    other = PublishedDigits("departments/x", new_table(SHAKE_256, "digits", range(256)))
    assert published_of(over_the_wire(published_to(other))).table.digest == other.table.digest


def _swapped(table: Table) -> bytes:
    """Two signatures that change places: every octet is that of a table, and two signatures are false."""
    first, second, *others = table.entries
    return Table(table.suite, table.purpose, table.scalars, table.key, (second, first, *others)).octets


WRONG_TABLES: Final[dict[str, tuple[str, str, Callable[[Any], object]]]] = {
    "false signatures": (
        "SIGNATURE_INVALID",
        "octets",
        lambda m: m.MergeFrom(publication_pb2.Table(octets=_swapped(DISTRICT_LIST.table))),
    ),
    "cut": ("MALFORMED", "octets", lambda m: setattr(m, "octets", m.octets[:-1])),
    "more": ("MALFORMED", "octets", lambda m: setattr(m, "octets", m.octets + b"\x00")),
    "none": ("MALFORMED", "octets", lambda m: m.ClearField("octets")),
    "without end": ("MALFORMED", "octets", lambda m: setattr(m, "octets", bytes(MAX_TABLE_OCTETS + 1))),
    "another name": ("NAME_INVALID", "name", lambda m: setattr(m, "name", table_name(bytes(32)))),
    "codes of no system": ("MALFORMED", "codes", lambda m: m.ClearField("code_system")),
    "other codes": ("MALFORMED", "octets", lambda m: m.codes.append("370199")),
    "codes in another order": ("MALFORMED", "octets", lambda m: m.codes.reverse()),
    "another system": ("MALFORMED", "octets", lambda m: setattr(m, "code_system", "GB/T 1")),
    "a list without its codes": (
        "MALFORMED",
        "octets",
        lambda m: (m.ClearField("codes"), m.ClearField("code_system")),
    ),
}


@pytest.mark.parametrize("wrong", WRONG_TABLES.values(), ids=WRONG_TABLES.keys())
def test_a_table_that_is_none_is_refused(wrong: Any) -> None:
    reason, field, alter = wrong
    message = published_to(DISTRICT_LIST)
    alter(message)
    with pytest.raises((MalformedError, RefusedError)) as raised:
        published_of(message)
    assert (raised.value.reason, raised.value.field) == (reason, field)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_octet_of_a_table_counts(data: st.DataObject) -> None:
    message = published_to(DISTRICT_LIST)
    message.ClearField("name")
    octets = bytearray(message.octets)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    message.octets = bytes(octets)
    with pytest.raises((MalformedError, RefusedError)):
        published_of(message)


def test_a_regulator_comes_back_and_its_digest_is_its_keys() -> None:
    regulator = Regulator(RegulatorName("prosecutor"), LocalizedText("检察院", "Prosecutor"), REGULATOR_KEY)
    message = over_the_wire(regulator_to(regulator))
    assert regulator_of(message) == regulator
    message.digest = bytes(32)
    with pytest.raises(MalformedError) as raised:
        regulator_of(message)
    assert (raised.value.reason, raised.value.field) == ("MALFORMED", "digest")
    for spoil in (
        lambda each: setattr(each, "suite", "none"),
        lambda each: setattr(each.shares[0], "public_key", bytes(47)),
        lambda each: setattr(each.shares[1], "possession_proof", each.shares[0].possession_proof),
        lambda each: each.shares.pop(),
        lambda each: each.shares.extend(each.shares[:1]),
    ):
        wrong = regulator_to(regulator)
        spoil(wrong)
        with pytest.raises(MalformedError):
            regulator_of(wrong)


def test_a_part_of_an_opening_comes_back() -> None:
    part = PartialOpening(b"share", b"decrypted", b"proof")
    assert part_of(over_the_wire(part_to(part))) == part


@pytest.mark.parametrize("schema", SCHEMAS[:1] + SCHEMAS[3:], ids=lambda each: each.name.item)
def test_what_was_issued_comes_back_with_its_witness(schema: Any) -> None:
    holding = held(schema)
    credential, accumulator = holding.credential, Accumulator.of("public-security", POLICE.accumulator.key)
    issued = IssuedCredential(credential.expiry, VALUES[schema.name], credential.handle, credential.signature)
    assert holding.witness is not None
    message = over_the_wire(issued_to(issued, schema, (accumulator, 2, holding.witness)))
    again = issued_of(message)
    assert (again.expiry, again.values, again.handle, again.signature) == (
        issued.expiry,
        issued.values,
        issued.handle,
        issued.signature,
    )
    assert (message.accumulator, message.epoch) == (str(accumulator.name), 2)
    witness = witness_of(message, accumulator)
    assert witness.to_octets_secret() == holding.witness.to_octets_secret()
    witness.verified()
    message.witness = message.witness[:-1]
    with pytest.raises(MalformedError) as raised:
        witness_of(message, accumulator)
    assert raised.value.field == "witness"
    without = issued_to(issued, schema, None)
    assert (without.accumulator, without.witness) == ("", b"")


@pytest.mark.parametrize(
    ("field", "value"),
    [("handle", bytes(31)), ("handle", b""), ("handle", bytes([255]) * 32), ("signature", b"short")],
)
def test_what_was_not_issued_is_refused(field: str, value: bytes) -> None:
    credential = held(HOUSEHOLD).credential
    issued = IssuedCredential(
        credential.expiry, VALUES[HOUSEHOLD.name], credential.handle, credential.signature
    )
    message = issued_to(issued, HOUSEHOLD, None)
    setattr(message, field, value)
    with pytest.raises(MalformedError):
        issued_of(message)


def test_messages_without_anything_are_refused() -> None:
    empty: list[tuple[Callable[[Any], object], Any]] = [
        (composite_presentation_of, presentation_pb2.CompositePresentation()),
        (published_of, publication_pb2.Table()),
        (regulator_of, publication_pb2.Regulator()),
        (issued_of, issuance_pb2.ClaimCompositeCredentialResponse()),
    ]
    for convert, message in empty:
        with pytest.raises(MalformedError):
            convert(message)


def test_a_secret_travels_to_the_vault_and_is_in_no_repr() -> None:
    issued = IssuedCredential(dt.date(2030, 1, 1), VALUES[HOUSEHOLD.name], 7, bytes(80))
    assert repr(VALUES[HOUSEHOLD.name]["child_secret"])[2:20] not in repr(issued)
    message = issued_to(issued, HOUSEHOLD, None)
    assert dict(issued_of(message).values) == dict(VALUES[HOUSEHOLD.name])
    assert {each.value.WhichOneof("value") for each in message.values} == {"text", "secret", "date"}
