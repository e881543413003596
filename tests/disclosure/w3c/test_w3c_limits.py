"""What is read strictly: documents, contexts, pointers, proof values; and what work a document may cost."""

import base64
import json
import time
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure import MalformedError
from disclosure.errors import DisclosureError
from disclosure.w3c import (
    BaseProof,
    DerivedProof,
    add_base_proof,
    derive,
    documents,
    open_base,
    rdf,
    read,
    verify,
)
from disclosure.w3c.documents import MAX_DEPTH, MAX_OCTETS, MAX_VALUES
from disclosure.w3c.loading import CONTEXTS, load
from disclosure.w3c.selection import MAX_POINTERS, select, tokens
from tests.disclosure.w3c.made import (
    HEADER,
    KEY,
    OPTIONS,
    SECRET,
    V2,
    VOCABULARY,
    document,
    expected,
    held,
    shown,
)


def _subject(**members: Any) -> dict[str, Any]:
    return document(credentialSubject=members)


NOT_SIGNED = {
    "null": _subject(name=None),
    "empty array": _subject(names=[]),
    "empty array inside": _subject(names=[[]]),
    "index": _subject(name={"@value": "x", "@index": "y"}),
    "direction": _subject(name={"@value": "x", "@direction": "rtl"}),
    "graph": _subject(home={"@graph": [{"street": "x"}]}),
    "reverse": _subject(home={"@reverse": {"street": "x"}}),
    "list": _subject(home={"@list": ["x"]}),
    "set": _subject(home={"@set": ["x"]}),
    "nest": _subject(home={"@nest": {"street": "x"}}),
    "included": _subject(home={"@included": {"street": "x"}}),
    "unknown keyword": _subject(home={"@unknown": "x"}),
    "blank node": _subject(id="_:b0"),
    "blank node as text": _subject(name="_:b0"),
    "skolem": _subject(id="urn:bnid:n1"),
    "control character": _subject(name="a\tb"),
    "surrogate": _subject(name="\ud800"),
    "large integer": _subject(number=1 << 53),
    "infinity": _subject(number=float("inf")),
    "not a number": _subject(number=float("nan")),
    "octets": _subject(number=b"x"),
    "relative identifier": _subject(id="me"),
    "relative type": {**_subject(name="x"), "@context": [V2], "type": ["VerifiableCredential", "Unheard"]},
    "undefined key": {**_subject(zzz="x"), "@context": [V2]},
    "no context": {"issuer": "urn:example:issuer"},
    "context that is null": document(**{"@context": None}),
    "contexts that are none": document(**{"@context": []}),
    "context that is a number": document(**{"@context": [V2, 7]}),
    "too many contexts": document(**{"@context": [V2] * 9}),
    "imported context": document(**{"@context": [V2, {"@import": V2}]}),
    "alias of an index": document(**{"@context": [V2, VOCABULARY | {"note": "@index"}]}),
    "protected term": document(**{"@context": [V2, VOCABULARY | {"description": "urn:example:other"}]}),
    "named graph": document(
        type=["VerifiablePresentation"], verifiableCredential={"type": "VerifiableCredential"}
    ),
    "array": [V2],
    "relative datatype": _subject(name={"@value": "x", "@type": "y"})
    | {"@context": [V2, {"name2": "urn:x"}]},
}


@pytest.mark.parametrize("name", sorted(NOT_SIGNED))
def test_what_would_stand_under_no_signature_is_refused(name: str) -> None:
    with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
        add_base_proof(NOT_SIGNED[name], OPTIONS, ["/issuer"], SECRET)  # type: ignore[arg-type]


@pytest.mark.parametrize("added", ["name", "id", "type", "note"])
def test_nothing_can_be_put_beside_what_was_shown(added: str) -> None:
    values: list[Any] = [None, [], {"@value": None}, {"@index": "x"}, {"@id": "relative"}]
    for value in values:
        subject = {**shown()["credentialSubject"], added + "2": value}
        with pytest.raises(DisclosureError):
            verify({**shown(), "credentialSubject": subject}, KEY, expected())


@pytest.mark.parametrize(
    "name",
    ["https://example.org/v1", "http://localhost/", "file:///etc/passwd", "", "../contexts/vdl-v1", V2 + "#"],
)
def test_an_unknown_context_is_refused_and_never_fetched(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: Any) -> None:
        raise AssertionError("a context was looked for in a network")

    monkeypatch.setattr("socket.socket.connect", connect)
    for context in ([V2, name], [V2, {"home": {"@id": "urn:example:home", "@context": name}}]):
        with pytest.raises(MalformedError, match="CONTEXT_UNKNOWN"):
            add_base_proof(document(**{"@context": context}), OPTIONS, ["/issuer"], SECRET)
    with pytest.raises(MalformedError, match="CONTEXT_UNKNOWN"):
        load(name)


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_every_context_is_there_and_complete(name: str) -> None:
    loaded = load(name)
    assert loaded["documentUrl"] == name
    assert not [each for each in _names(loaded["document"]) if each not in CONTEXTS]


def _names(value: Any) -> list[str]:
    """All contexts that a context names."""
    if isinstance(value, dict):
        own = value.get("@context")
        found = [each for each in (own if isinstance(own, list) else [own]) if isinstance(each, str)]
        return found + [name for each in value.values() for name in _names(each)]
    return []


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"[]", b"7", b"{", b"\xff{}", b'{"a": 1, "a": 2}', b'{"@context": NaN}',
        b'{"@context": Infinity}',
        b"[" * 100_000, b'{"a":' * 50_000, b"\xef\xbb\xbf{}", b" " * (MAX_OCTETS + 1),
        json.dumps(document()).encode("utf-16"),
    ],
)  # fmt: skip
def test_octets_that_are_no_document_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
        read(octets)


def test_a_document_is_read_as_it_is_written() -> None:
    assert read(documents.write(document())) == document()


def test_a_document_is_not_too_large_or_too_deep() -> None:
    nested: Any = "x"
    for _ in range(MAX_DEPTH):
        nested = {"home": nested}
    for large in (_subject(home=nested), _subject(names=["x"] * MAX_VALUES)):
        with pytest.raises(MalformedError, match="DOCUMENT_INVALID"):
            documents.check(large)
    many = _subject(homes=[{"street": "x", "number": each} for each in range(rdf.MAX_BLANK_NODES)])
    with pytest.raises(MalformedError, match="without an identifier"):
        add_base_proof(many, OPTIONS, ["/issuer"], SECRET)
    statements = _subject(names=[f"n{each}" for each in range(rdf.MAX_STATEMENTS)])
    with pytest.raises(MalformedError, match="statements"):
        add_base_proof(statements, OPTIONS, ["/issuer"], SECRET)


def _complete(count: int) -> dict[str, Any]:
    """A complete graph of nodes that look alike: what RDFC-1.0 takes factorial time for."""

    def node(depth: int) -> Any:
        return {"knows": [node(depth - 1) for _ in range(count)]} if depth else {"name": "x"}

    return _subject(knows=node(3))


@pytest.mark.parametrize("count", [4, 5])
def test_a_poison_graph_is_refused_within_the_budget(count: int) -> None:
    before = time.process_time()
    with pytest.raises(MalformedError, match="too much alike"):
        add_base_proof(_complete(count), OPTIONS, ["/issuer"], SECRET)
    assert time.process_time() - before < 60  # unbounded it would be years


def test_nodes_that_look_alike_are_told_apart_where_they_are_few() -> None:
    alike = _subject(knows=[{"knows": {"name": "x"}}, {"knows": {"name": "x"}}, {"knows": {"name": "x"}}])
    signed = add_base_proof(alike, OPTIONS, ["/issuer"], SECRET)
    made = derive(open_base(signed, KEY), ["/credentialSubject/knows/1"], HEADER)
    assert verify(made, KEY, expected()).document["credentialSubject"]["knows"] == [{"knows": {"name": "x"}}]


@pytest.mark.parametrize(
    "pointer", ["", "issuer", "/nobody", "/credentialSubject/homes/3",
                "/credentialSubject/homes/-", "/issuer/0",
                "/credentialSubject/homes/01", "/credentialSubject/homes/-1", "/a~2", "/~", "/@context",
                "/@context/0", "/" + "x" * 2000, "/credentialSubject/homes/9999999999"],
)  # fmt: skip
def test_a_pointer_that_leads_nowhere_is_refused(pointer: str) -> None:
    with pytest.raises(MalformedError, match="POINTER_INVALID"):
        add_base_proof(document(), OPTIONS, [pointer], SECRET)
    with pytest.raises(MalformedError, match="POINTER_INVALID"):
        derive(held(), [pointer], HEADER)


def test_there_are_not_too_many_pointers_and_some() -> None:
    with pytest.raises(MalformedError, match="POINTER_INVALID"):
        derive(held(), ["/issuer"] * (MAX_POINTERS + 1), HEADER)
    nothing = open_base(add_base_proof(document(), OPTIONS, [], SECRET), KEY)
    with pytest.raises(MalformedError, match="POINTER_INVALID"):
        derive(nothing, [], HEADER)


def test_a_pointer_is_unescaped_once() -> None:
    assert tokens("/a~1b/~01") == ["a/b", "~1"]
    assert select(["/a~1b"], {"@context": "x", "a/b": 1, "c": 2}) == {"@context": "x", "a/b": 1}


def _value(octets: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(value: str) -> bytes:
    return base64.urlsafe_b64decode(value[1:] + "===")


BASE, DERIVED = held().base.encode(), shown()["proof"]["proofValue"]
PARTS = cbor2.loads(_octets(DERIVED)[3:])
FALSE_VALUES = [
    None, 7, "", "u", "z" + DERIVED[1:], DERIVED + "=", DERIVED + "A", DERIVED[:-4], "u" + "!" * 20,
    DERIVED + "\n", _value(_octets(DERIVED)[:3]), _value(b"\xd9\x5d\x01" + _octets(DERIVED)[3:]),
    _value(_octets(DERIVED) + b"\0"),
    _value(b"\xd9\x5d\x03" + cbor2.dumps(cbor2.CBORTag(24, PARTS))),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([*PARTS, 7])), _value(b"\xd9\x5d\x03" + cbor2.dumps(PARTS[:-1])),
    _value(b"\xd9\x5d\x03" + b"\x9f" + cbor2.dumps(PARTS)[1:] + b"\xff"),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], dict(reversed(PARTS[1].items())), *PARTS[2:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], {"c14n0": "b0"}, *PARTS[2:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], {0: 1, 1: 1}, *PARTS[2:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], PARTS[1], [1, 0], *PARTS[3:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], PARTS[1], [0, 0], *PARTS[3:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([PARTS[0], PARTS[1], [1 << 40], *PARTS[3:]])),
    _value(b"\xd9\x5d\x03" + cbor2.dumps([*PARTS[:4], bytes(2000)])),
    _value(b"\xd9\x5d\x03\x9b" + b"\xff" * 8),
    _value(b"\xd9\x5d\x03" + b"\x81" * 5000),
    "u" + "A" * (1 << 19),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(FALSE_VALUES)))
def test_a_proof_value_is_read_strictly(index: int) -> None:
    for kind in (DerivedProof, BaseProof):
        with pytest.raises(MalformedError) as refused:
            kind.decode(FALSE_VALUES[index])
        assert refused.value.reason in {"DOCUMENT_INVALID", "POINTER_INVALID"}


@given(st.binary(max_size=200), st.integers(0, 10))
@settings(max_examples=300, deadline=None)
def test_any_octets_behind_the_prefix_are_read_or_refused(octets: bytes, third: int) -> None:
    for kind in (DerivedProof, BaseProof):
        with suppress(MalformedError):
            kind.decode(_value(b"\xd9\x5d" + bytes([third]) + octets))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_bent_proof_value_is_read_as_itself_or_refused(data: st.DataObject) -> None:
    octets = bytearray(_octets(data.draw(st.sampled_from([BASE, DERIVED]))))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    for kind in (DerivedProof, BaseProof):
        with suppress(MalformedError):
            assert kind.decode(_value(bytes(octets))).encode() == _value(bytes(octets))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["@id", "@type", "@value", "@language", "@context", "id", "type", "issuer", "x", "proof"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
@settings(max_examples=60, deadline=None)
def test_any_document_is_signed_and_verified_or_refused(subject: Any) -> None:
    whole = document(credentialSubject=subject)
    try:
        signed = add_base_proof(whole, OPTIONS, ["/issuer"], SECRET)
    except MalformedError:
        return
    made = derive(open_base(signed, KEY), ["/issuer"], HEADER)
    assert verify(made, KEY, expected()).document["issuer"] == whole["issuer"]


_POINTERS = (
    "/credentialSubject", "/credentialSubject/name",
    "/credentialSubject/born",
    "/credentialSubject/tall",
    "/credentialSubject/alive", "/credentialSubject/homes",
    "/credentialSubject/homes/0",
    "/credentialSubject/homes/0/size", "/credentialSubject/homes/1",
    "/credentialSubject/homes/2/rooms/1", "/type",
    "/issuer",
)  # fmt: skip


@given(st.lists(st.sampled_from(_POINTERS), max_size=5), st.lists(st.sampled_from(_POINTERS), max_size=5))
@settings(max_examples=20, deadline=None)
def test_any_selection_shows_just_what_it_selects(mandatory: list[str], selective: list[str]) -> None:
    signed = add_base_proof(document(), OPTIONS, ["/issuer", *mandatory], SECRET)
    made = derive(open_base(signed, KEY), selective, HEADER)
    verified = verify(made, KEY, expected())
    assert verified.document == select(["/issuer", *mandatory, *selective], document())
    found = rdf.canonicalize(rdf.quads_of(verified.document)).lines
    assert len(found) == len(verified.statements)
