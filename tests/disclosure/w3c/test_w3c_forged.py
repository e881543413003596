"""Whatever is changed of what was signed or shown is refused, with a stable reason."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import fields, replace
from typing import Any

import pytest

from disclosure import MalformedError, RefusedError
from disclosure.errors import DisclosureError
from disclosure.w3c import (
    BaseProof,
    DerivedProof,
    Document,
    Expected,
    Feature,
    HolderSecrets,
    Signing,
    add_base_proof,
    derive,
    open_base,
    verify,
)
from tests.disclosure.w3c.made import (
    DOMAIN,
    HEADER,
    KEY,
    MANDATORY,
    OPTIONS,
    OTHER,
    SECRET,
    SELECTIVE,
    document,
    expected,
    held,
    secrets_for,
    shown,
    signed_of,
)

every = pytest.mark.parametrize("feature", list(Feature), ids=lambda feature: feature.option)
REASONS = {"PROOF_INVALID", "SIGNATURE_INVALID", "DOCUMENT_INVALID", "CONTEXT_UNKNOWN", "POINTER_INVALID"}


def _changes(value: Any) -> Iterator[Any]:
    """Every way to change one value of a document: another value, one less, one more."""
    match value:
        case dict():
            for key in value:
                yield {each: member for each, member in value.items() if each != key}
                yield from ({**value, key: changed} for changed in _changes(value[key]))
            yield {**value, "added": "x"}
        case list():
            for index, each in enumerate(value):
                yield [*value[:index], *value[index + 1 :]]
                yield from ([*value[:index], changed, *value[index + 1 :]] for changed in _changes(each))
            yield [*value, "added"]
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str():
            yield value + "x"
            yield value[:-1]
            yield 7


def _with(document: Document, proof: BaseProof | DerivedProof, name: str, bent: Any) -> Document:
    """Return a document whose proof has another element."""
    changed = replace(proof, **{name: bent})
    return {**document, "proof": {**OPTIONS, "proofValue": changed.encode()}}


@every
def test_every_change_of_what_is_shown_is_refused(feature: Feature) -> None:
    original = shown(feature)
    count = 0
    for changed in _changes(
        {key: each for key, each in original.items() if key not in {"proof", "@context"}}
    ):
        forged = {**changed, "@context": original["@context"], "proof": original["proof"]}
        with pytest.raises(DisclosureError) as refused:
            verify(forged, KEY, expected(feature))
        assert refused.value.reason in REASONS
        count += 1
    assert count > 30


def test_every_change_of_what_was_signed_is_refused() -> None:
    original = signed_of(held())
    context = original["@context"]
    for member in _changes({key: each for key, each in held().document.items() if key != "@context"}):
        changed = {**member, "@context": context}
        with pytest.raises(DisclosureError) as refused:
            open_base({**changed, "proof": original["proof"]}, KEY)
        assert refused.value.reason in REASONS


@every
def test_every_change_of_the_proofs_members_is_refused(feature: Feature) -> None:
    original = shown(feature)
    for changed in _changes(original["proof"]):
        with pytest.raises(DisclosureError):
            verify({**original, "proof": changed}, KEY, expected(feature))
    created = {**original["proof"], "created": "2026-01-01T00:00:00Z"}
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        verify({**original, "proof": created}, KEY, expected(feature))


def _bent(name: str, value: Any) -> list[Any]:
    match value:
        case bytes():
            return [
                value[:-1] + bytes([value[-1] ^ 1]),
                bytes([value[0] ^ 1]) + value[1:],
                value + b"\0",
                value[:-1],
            ]
        case tuple():
            return [value[1:], value[:-1], (*value, max(value, default=0) + 1)]
        case int():
            return [value + 1, value - 1]
        case None:
            return [1, b"\0" * 48]
        case dict():
            swapped = dict(zip(value, reversed(value.values()), strict=True))
            return [swapped, {key: value[key] for key in list(value)[:-1]}, {**value, len(value): 99}]
    raise AssertionError(name)


@every
def test_every_element_of_a_derived_proof_counts(feature: Feature) -> None:
    original = shown(feature)
    proof = DerivedProof.decode(original["proof"]["proofValue"])
    for each in fields(proof):
        for bent in _bent(each.name, getattr(proof, each.name)):
            with pytest.raises(DisclosureError) as refused:
                verify(_with(original, proof, each.name, bent), KEY, expected(feature))
            assert refused.value.reason in {"PROOF_INVALID", "DOCUMENT_INVALID", "REQUEST_MISMATCH"}, (
                each.name
            )


@every
def test_every_element_of_a_base_proof_counts(feature: Feature) -> None:
    opened = held(feature)
    for each in fields(opened.base):
        value = getattr(opened.base, each.name)
        bents = (
            [value[1:], (*value, "/credentialSubject/name")]
            if each.name == "mandatory_pointers"
            else _bent(each.name, value)
        )
        for bent in bents:
            with pytest.raises(DisclosureError):
                open_base(_with(opened.document, opened.base, each.name, bent), KEY, opened.secrets)


@every
def test_what_the_verifier_expects_counts(feature: Feature) -> None:
    good = expected(feature)
    assert verify(shown(feature), KEY, good).document["issuer"] == "urn:example:issuer"
    with pytest.raises(RefusedError, match="REQUEST_MISMATCH"):
        verify(shown(feature), KEY, replace(good, presentation_header=b"another nonce"))
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        verify(shown(feature), OTHER.public_key(), good)
    if feature.has_nym:
        with pytest.raises(RefusedError, match="PROOF_INVALID"):
            verify(shown(feature), KEY, replace(good, nym_domain=b"urn:example:another"))
    for other in set(Feature) - {feature}:
        with pytest.raises(RefusedError) as refused:
            verify(shown(feature), KEY, Expected(other, HEADER, DOMAIN))
        assert refused.value.reason in {"REQUEST_MISMATCH", "PROOF_INVALID"}


@every
def test_a_holder_needs_its_own_secrets(feature: Feature) -> None:
    opened = held(feature)
    for secrets in (HolderSecrets(), HolderSecrets(b"another", None, 5), HolderSecrets(b"another", 7, 5)):
        if secrets == opened.secrets:
            continue
        with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
            open_base(signed_of(opened), KEY, secrets)


@every
def test_a_base_proof_is_of_one_key(feature: Feature) -> None:
    with pytest.raises(RefusedError, match="ISSUER_KEY_UNKNOWN"):
        open_base(signed_of(held(feature)), OTHER.public_key(), held(feature).secrets)


@pytest.mark.parametrize("feature", list(Feature)[1:], ids=lambda feature: feature.option)
def test_a_commitment_is_for_one_option(feature: Feature) -> None:
    commitment, _ = secrets_for(feature)
    for other in set(Feature) - {feature, Feature.BASELINE}:
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
            add_base_proof(document(), OPTIONS, MANDATORY, SECRET, Signing(other, commitment))
    for bent in (b"", commitment[:-1], commitment[:-1] + bytes([commitment[-1] ^ 1])):
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
            add_base_proof(document(), OPTIONS, MANDATORY, SECRET, Signing(feature, bent))


def test_two_derived_proofs_have_nothing_in_common_but_what_they_show() -> None:
    proofs = [DerivedProof.decode(derive(held(), SELECTIVE, HEADER)["proof"]["proofValue"]) for _ in range(2)]
    first, second = (each.bbs_proof for each in proofs)
    assert not {first[at : at + 16] for at in range(0, len(first), 16)} & {
        second[at : at + 16] for at in range(0, len(second), 16)
    }
    octets = "".join(str(shown()))
    assert "1990" not in octets
    assert "三" not in octets


def test_a_pseudonym_is_the_same_in_one_place_and_another_elsewhere() -> None:
    opened = held(Feature.PSEUDONYM)
    found = []
    for domain in (DOMAIN, DOMAIN, b"urn:example:another"):
        made = derive(opened, SELECTIVE, HEADER, domain)
        found.append(verify(made, KEY, Expected(Feature.PSEUDONYM, HEADER, domain)).pseudonym)
    assert found[0] == found[1] != found[2]


def test_a_domain_is_given_where_there_is_a_pseudonym_and_only_there() -> None:
    with pytest.raises(MalformedError, match="VALUE_INVALID"):
        derive(held(), SELECTIVE, HEADER, DOMAIN)
    with pytest.raises(MalformedError, match="VALUE_INVALID"):
        derive(held(Feature.PSEUDONYM), SELECTIVE, HEADER)


def test_secrets_do_not_show_themselves() -> None:
    for each in (held(Feature.HOLDER_BINDING_PSEUDONYM), held(Feature.HOLDER_BINDING_PSEUDONYM).secrets):
        assert "secret'" not in repr(each)
        assert re.search(r"(?<![0-9a-f])77(?![0-9a-f])", repr(each)) is None, "an address may hold any digits"
    base = held(Feature.PSEUDONYM).base
    assert base.hmac_key.hex() not in repr(base)
    assert repr(base.hmac_key) not in repr(base)


def test_what_was_given_is_not_changed() -> None:
    given = signed_of(held())
    before = deepcopy(given)
    derive(open_base(given, KEY), SELECTIVE, HEADER)
    assert given == before
    assert isinstance(BaseProof.decode(given["proof"]["proofValue"]), BaseProof)
