"""Schemas and values for hypothesis, drawn without throwing most of them away."""

import unicodedata
from typing import Any

from hypothesis import strategies as st

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    LocalizedText,
    Schema,
    SchemaName,
    Value,
)
from disclosure.attributes import date_of, is_clean

_letters = st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"))


def clean(max_size: int = 12) -> st.SearchStrategy[str]:
    """Texts of at least one letter that `is_clean` accepts."""
    drawn = st.text(_letters, min_size=1, max_size=max_size)
    return drawn.map(lambda each: unicodedata.normalize("NFC", each)).filter(is_clean)


def localized() -> st.SearchStrategy[LocalizedText]:
    lines = clean().filter(lambda each: bool(each.strip()))
    return st.builds(LocalizedText, lines, lines)


ids = st.from_regex(r"\A[a-z][a-z0-9_]{0,10}\Z")
texts = localized()
words = clean(8)


@st.composite
def definitions(
    draw: st.DrawFn, identifier: str, form: CredentialForm = CredentialForm.PLAIN
) -> AttributeDefinition:
    kinds = set(AttributeType) - ({AttributeType.SECRET} if form is CredentialForm.PLAIN else set())
    kind = draw(st.sampled_from(sorted(kinds)))
    more: dict[str, Any] = {"optional": kind is not AttributeType.SECRET and draw(st.booleans())}
    if kind is AttributeType.TEXT:
        more["max_length"] = draw(st.integers(1, 4096))
    if kind in {AttributeType.INTEGER, AttributeType.DATE}:
        limit = 700_000 if kind is AttributeType.DATE else (1 << 63) - 1
        bounds = st.integers(-limit, limit)
        more["minimum"], more["maximum"] = sorted((draw(bounds), draw(bounds)))
    if kind is AttributeType.INTEGER:
        more |= {"unit": draw(words | st.just("")), "scale": draw(st.integers(0, 18))}
    if kind is AttributeType.CODE:
        codes = draw(
            st.lists(st.builds(Code, words, texts), min_size=1, max_size=4, unique_by=lambda c: c.code)
        )
        more |= {"code_system": draw(words), "codes": tuple(codes)}
    return AttributeDefinition(identifier, draw(texts), kind, **more)


@st.composite
def schemas(draw: st.DrawFn, *, secrets: bool = False) -> Schema:
    """Schemas of both forms; with secret attributes in those of the composite form if these are wanted."""
    identifiers = draw(st.lists(ids, min_size=1, max_size=5, unique=True))
    form = draw(st.sampled_from(CredentialForm))
    return Schema(
        SchemaName("hrss", draw(ids), draw(st.integers(1, 999_999))),
        draw(texts),
        form,
        tuple(draw(definitions(each, form if secrets else CredentialForm.PLAIN)) for each in identifiers),
        draw(st.integers(1, 36_525)),
    )


def values_of(definition: AttributeDefinition) -> st.SearchStrategy[Value | None]:
    """Values that an attribute takes, None among them if it is optional."""
    match definition.type:
        case AttributeType.TEXT:
            drawn: st.SearchStrategy[Value] = clean(8).filter(
                lambda each: len(each.encode()) <= definition.max_length
            )
        case AttributeType.INTEGER:
            drawn = st.integers(definition.minimum, definition.maximum)
        case AttributeType.DATE:
            drawn = st.integers(definition.minimum, definition.maximum).map(date_of)
        case AttributeType.BOOLEAN:
            drawn = st.booleans()
        case AttributeType.CODE:
            drawn = st.sampled_from([each.code for each in definition.codes])
        case AttributeType.HASH | AttributeType.SECRET:
            drawn = st.binary(min_size=32, max_size=32)
    return drawn | st.none() if definition.optional else drawn
