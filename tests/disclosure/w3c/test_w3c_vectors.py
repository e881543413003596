"""All published vectors of bbs-2023: every value on the way, both ways.

The random scalars of the derived proofs are not published, so a derived proof cannot be made anew octet by
octet: theirs verify, ours have every other element of theirs, and theirs are written again as they are.
"""

from dataclasses import replace
from typing import Any

import pytest

from disclosure.w3c import (
    BaseProof,
    DerivedProof,
    Feature,
    add_base_proof,
    derive,
    open_base,
    rdf,
    suite,
    verify,
)
from disclosure.w3c.grouping import Grouped
from disclosure.w3c.selection import select
from tests.disclosure.w3c.official import CASES, Case, octets, public_key, secret_key

every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def _map(found: Any) -> dict[int, str]:
    return dict(found["value"] if isinstance(found, dict) else found)


def _grouped(case: Case) -> Grouped:
    key = case.signing.hmac_key
    assert key is not None
    return Grouped(case.unsigned, key)


@every
def test_canonical_statements_are_the_published_ones(case: Case) -> None:
    assert list(rdf.canonicalize(rdf.quads_of(case.unsigned)).lines) == case.json("addBaseDocCanon.json")
    assert list(_grouped(case).lines) == case.json("addBaseDocHMACCanon.json")


@every
def test_the_issuers_groups_are_the_published_ones(case: Case) -> None:
    published, grouped = case.json("addBaseTransform.json"), _grouped(case)
    assert published["mandatoryPointers"] == case.pointers[0]
    mandatory = grouped.group(case.pointers[0])
    lines = dict(enumerate(grouped.lines))
    assert {each: lines[each] for each in mandatory.positions} == _map(published["mandatory"])
    assert {each: lines[each] for each in grouped.others(mandatory)} == _map(published["nonMandatory"])


@every
def test_the_hashes_are_the_published_ones(case: Case) -> None:
    options = case.json("addProofConfig.json")
    assert options.pop("@context") == case.unsigned["@context"]
    assert options == case.options
    grouped, hashes = _grouped(case), case.json("addHashData.json")
    mandatory = grouped.at(grouped.group(case.pointers[0]).positions)
    assert suite.proof_hash(case.unsigned, options).hex() == hashes["proofHash"]
    assert suite.mandatory_hash(mandatory).hex() == hashes["mandatoryHash"]


@every
def test_the_signed_document_is_the_published_one(case: Case) -> None:
    made = add_base_proof(case.unsigned, case.options, case.pointers[0], secret_key(), case.signing)
    assert made == case.signed
    published = case.json("addRawBaseSignatureInfo.json")
    base = BaseProof.decode(made["proof"]["proofValue"])
    assert base.signature.hex() == published["bbsSignature"]
    assert list(base.mandatory_pointers) == published.get("mandatoryPointers", case.pointers[0])


@every
def test_the_holder_opens_the_published_document(case: Case) -> None:
    held = open_base(case.signed, public_key(), case.secrets)
    published = case.json("derivedRecoveredBaseData.json")
    assert held.base.signature.hex() == published["bbsSignature"]
    assert held.base.hmac_key.hex() == published["hmacKey"]
    assert held.base.encode() == case.signed["proof"]["proofValue"]
    if case.feature.has_nym:
        assert held.base.signer_nym_entropy == int(published["signerNymEntropy"], 16)


@every
def test_the_holders_groups_are_the_published_ones(case: Case) -> None:
    grouped, published = _grouped(case), case.json("derivedGroupIndexes.json")
    mandatory, selective = case.pointers
    found = grouped.group(mandatory)
    assert list(found.positions) == published["mandatoryIndexes"]
    assert list(grouped.others(found)) == published["nonMandatoryIndexes"]
    assert list(grouped.group(selective).positions) == published["selectiveIndexes"]
    assert list(grouped.group([*mandatory, *selective]).positions) == published["combinedIndexes"]
    assert select([*mandatory, *selective], case.unsigned) == case.json("derivedUnsignedReveal.json")


@every
def test_the_published_derived_document_verifies(case: Case) -> None:
    verified = verify(case.revealed, public_key(), case.expected)
    assert verified.document == case.json("derivedUnsignedReveal.json")
    if case.feature.has_nym:
        published = case.json("derivedDisclosureData.json")["pseudonym"]
        assert verified.pseudonym is not None
        assert verified.pseudonym.hex() == published
    value = case.revealed["proof"]["proofValue"]
    assert DerivedProof.decode(value).encode() == value


@every
def test_a_derived_document_is_the_published_one_but_for_its_randomness(case: Case) -> None:
    held = open_base(case.signed, public_key(), case.secrets)
    header = case.expected.presentation_header
    made = derive(held, case.pointers[1], header, case.nym_domain)
    ours, theirs = (DerivedProof.decode(each["proof"]["proofValue"]) for each in (made, case.revealed))
    assert len(ours.bbs_proof) == len(theirs.bbs_proof)
    assert replace(ours, bbs_proof=theirs.bbs_proof) == theirs
    assert made == {**case.revealed, "proof": made["proof"]}
    published = case.json("derivedAdjIndexes.json")
    assert list(ours.mandatory_indexes) == published["adjMandatoryIndexes"]
    assert list(ours.selective_indexes) == published["adjSelectiveIndexes"]


def test_the_statements_of_the_proof_are_the_published_ones() -> None:
    for case in CASES:
        published = octets(case.folder, "addProofConfigCanon.txt").decode()
        assert "".join(suite.proof_statements(case.unsigned, case.options)) == published


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case.name)
def test_the_verifiers_statements_are_the_published_ones(case: Case) -> None:
    published = case.json("verifyNQuads.json")
    proof = DerivedProof.decode(case.revealed["proof"]["proofValue"])
    document = {key: value for key, value in case.revealed.items() if key != "proof"}
    lines = suite.statements(document, proof.label_map)
    assert lines == (published if isinstance(published, list) else published["nquads"])


def test_there_is_a_set_for_each_option() -> None:
    assert {case.feature for case in CASES} == set(Feature)
