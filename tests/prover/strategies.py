"""Schemas, values and requests drawn at random."""

import datetime as dt
import unicodedata
from collections.abc import Mapping

from hypothesis import strategies as st

import bbs
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    ExpiryRule,
    LocalizedText,
    Query,
    Request,
    Schema,
    SchemaName,
    Value,
)
from disclosure.attributes import EPOCH, HASH_OCTETS, is_clean
from prover import HeldCredential
from tests.prover.making import issuer, request

TEXTS = (
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: is_clean(text, 60))
)
NAMES = st.text("abcxyz_0", min_size=1, max_size=6).map(lambda rest: f"a{rest}")
LOCALIZED = st.builds(LocalizedText, TEXTS, TEXTS)
SUITES = st.sampled_from([str(bbs.SHA_256), str(bbs.SHAKE_256)])


@st.composite
def attributes(draw: st.DrawFn, name: str) -> AttributeDefinition:
    kind = draw(st.sampled_from([each for each in AttributeType if each is not AttributeType.SECRET]))
    display_name, optional = draw(LOCALIZED), draw(st.booleans())
    match kind:
        case AttributeType.TEXT:
            return AttributeDefinition(name, display_name, kind, optional, max_length=60)
        case AttributeType.INTEGER:
            unit, scale = draw(st.sampled_from(["", "CNY", "months"])), draw(st.integers(0, 18))
            return AttributeDefinition(name, display_name, kind, optional, unit, scale, -(2**63), 2**63 - 1)
        case AttributeType.DATE:
            return AttributeDefinition(name, display_name, kind, optional, minimum=-20_000, maximum=40_000)
        case AttributeType.CODE:
            codes = draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))
            entries = tuple(Code(each, draw(LOCALIZED)) for each in codes)
            return AttributeDefinition(name, display_name, kind, optional, code_system="list", codes=entries)
    return AttributeDefinition(name, display_name, kind, optional)


def values(attribute: AttributeDefinition) -> st.SearchStrategy[Value]:
    match attribute.type:
        case AttributeType.TEXT:
            return TEXTS
        case AttributeType.INTEGER:
            return st.integers(-(2**63), 2**63 - 1)
        case AttributeType.DATE:
            return st.integers(-20_000, 40_000).map(lambda day: EPOCH + dt.timedelta(days=day))
        case AttributeType.BOOLEAN:
            return st.booleans()
        case AttributeType.CODE:
            return st.sampled_from([each.code for each in attribute.codes])
    return st.binary(min_size=HASH_OCTETS, max_size=HASH_OCTETS)


@st.composite
def held_credentials(draw: st.DrawFn, number: int = 0) -> HeldCredential:
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    schema = Schema(
        SchemaName("hrss", f"item_{number}", draw(st.integers(1, 3))),
        draw(LOCALIZED),
        CredentialForm.PLAIN,
        tuple(draw(attributes(name)) for name in names),
        draw(st.integers(1, 400)),
    )
    held: dict[str, Value] = {
        each.id: draw(values(each)) for each in schema.attributes if not each.optional or draw(st.booleans())
    }
    return issuer("hrss", draw(SUITES)).held(schema, held, number)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Request, list[HeldCredential]]:
    """A request and credentials that answer it; some credential may be asked for twice."""
    held = [draw(held_credentials(number)) for number in range(draw(st.integers(1, 2)))]
    asked = [*held, *([held[0]] if draw(st.booleans()) else [])]
    queries = []
    for number, each in enumerate(asked):
        names = [attribute.id for attribute in each.schema.attributes]
        shown = draw(st.lists(st.sampled_from(names), unique=True))
        rule = draw(st.sampled_from(ExpiryRule))
        queries.append(Query(f"query_{number}", each.schema.name, tuple(shown), rule))
    nonce = draw(st.binary(min_size=32, max_size=32))
    return request(*queries, purpose=draw(LOCALIZED), nonce=nonce), held


def other_value(attribute: AttributeDefinition, value: Value | None) -> Value | None:
    """Return another value of the same attribute, or None where there is no other."""
    choices: Mapping[AttributeType, list[Value]] = {
        AttributeType.TEXT: ["one", "another"],
        AttributeType.INTEGER: [0, 1],
        AttributeType.DATE: [EPOCH, EPOCH + dt.timedelta(days=1)],
        AttributeType.BOOLEAN: [True, False],
        AttributeType.CODE: [each.code for each in attribute.codes],
        AttributeType.HASH: [bytes(HASH_OCTETS), b"\xff" * HASH_OCTETS],
    }
    return next((each for each in choices[attribute.type] if each != value), None)
