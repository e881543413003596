"""Base and derived proofs of bbs-2023 (Data Integrity BBS Cryptosuites v1.0, W3C, 3 April 2025, section 3).

The issuer signs a document's statements with a base proof, which only the holder sees. The holder derives
from it a document with some of the statements and a proof of them; two derived proofs of one base proof have
nothing in common but what they show. What the mandatory pointers select is in all of them.

A proof says of statements that they were signed, not of the document's keys: which key stands for which
statement is said by the contexts. Whoever reads a verified document by its keys has to know its contexts.
"""

import datetime as dt
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bbs
from bbs.scalars import calculate_random_scalars
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.w3c import features, rdf, selection
from disclosure.w3c.documents import Document, check, invalid
from disclosure.w3c.features import NO_SECRETS, HolderSecrets
from disclosure.w3c.grouping import Grouped
from disclosure.w3c.proof_values import BaseProof, DerivedProof, Feature

PROOF_TYPE: Final = "DataIntegrityProof"
CRYPTOSUITE: Final = "bbs-2023"
PURPOSE: Final = "assertionMethod"
_OPTIONS: Final = frozenset(
    {"type", "cryptosuite", "created", "expires", "verificationMethod", "proofPurpose"}
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_NYM_OCTETS: Final = frozenset({Feature.PSEUDONYM.base, Feature.HOLDER_BINDING_PSEUDONYM.base})


@dataclass(frozen=True)
class Signing:
    """How a base proof is made: an option, what the holder committed to, and what is drawn for it.

    `commitment` is the holder's, in all options but the baseline. `hmac_key` has 32 secret octets, fresh for
    each document. `nym_entropy` is a uniform scalar, drawn if it is not given, of options with a pseudonym.
    """

    feature: Feature = Feature.BASELINE
    commitment: bytes = b""
    hmac_key: bytes | None = None
    nym_entropy: int | None = None


def add_base_proof(
    document: Document,
    options: Mapping[str, Any],
    mandatory_pointers: Sequence[str],
    secret_key: bbs.SecretKey,
    signing: Signing = Signing(),
) -> Document:
    """Return a document with a base proof (sections 3.3.1 to 3.3.5).

    `options` are the proof's members but its value. Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN,
    POINTER_INVALID; RefusedError COMMITMENT_INVALID.
    """
    _without_proof(check(document), there=False)
    pointers = selection.check_pointers(mandatory_pointers)
    key = random.token_bytes(32) if signing.hmac_key is None else signing.hmac_key
    entropy = signing.nym_entropy
    if signing.feature.has_nym and entropy is None:
        (entropy,) = calculate_random_scalars(1)
    grouped = Grouped(document, key)
    mandatory = grouped.group(pointers)
    header = proof_hash(document, options) + mandatory_hash(grouped.at(mandatory.positions))
    messages = _octets(grouped.at(grouped.others(mandatory)))
    signature = features.sign(secret_key, header, messages, signing.feature, signing.commitment, entropy)
    octet = Feature.HOLDER_BINDING_PSEUDONYM.base if signing.feature.has_nym else signing.feature.base
    base = BaseProof(signature, header, secret_key.public_key(), key, pointers, octet, entropy)
    return {**document, "proof": {**options, "proofValue": base.encode()}}


@dataclass(frozen=True, repr=False)
class Held:
    """A document whose base proof was verified by its holder. Secret, as the base proof is."""

    document: Document
    options: Mapping[str, Any]
    base: BaseProof
    grouped: Grouped
    secrets: HolderSecrets

    def messages(self) -> list[bytes]:
        """Return what is signed one by one: all statements that no mandatory pointer selects."""
        return _octets(self.grouped.at(self.grouped.others(self.grouped.group(self.base.mandatory_pointers))))


def open_base(signed: Document, public_key: bytes, secrets: HolderSecrets = NO_SECRETS) -> Held:
    """Verify a base proof as its holder.

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN, POINTER_INVALID; RefusedError SIGNATURE_INVALID,
    ISSUER_KEY_UNKNOWN (the proof is of another key).
    """
    document, options, value = _without_proof(check(signed))
    base = BaseProof.decode(value)
    if base.octet not in _octets_of(secrets.feature):
        detail = "the base proof is of another option than the holder's secrets"
        raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="proof")
    if not hmac.compare_digest(base.public_key, public_key):
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the base proof is of another key", field="proof")
    held = Held(document, options, base, Grouped(document, base.hmac_key), secrets)
    mandatory = held.grouped.group(base.mandatory_pointers)
    header = proof_hash(document, options) + mandatory_hash(held.grouped.at(mandatory.positions))
    if not hmac.compare_digest(header, base.header):
        raise RefusedError(Reason.SIGNATURE_INVALID, "the issuer's signature does not hold", field="proof")
    features.verify_signature(base, held.messages(), secrets)
    return held


def derive(
    held: Held,
    selective_pointers: Sequence[str],
    presentation_header: bytes = b"",
    nym_domain: bytes | None = None,
) -> Document:
    """Return what pointers select and what is mandatory, with a derived proof (sections 3.3.6 and 3.2.4).

    `presentation_header` is what the verifier gave: the proof is for nothing else. `nym_domain` is where a
    pseudonym is valid, of options that have one. Raises MalformedError POINTER_INVALID, VALUE_INVALID.
    """
    if (nym_domain is not None) != held.secrets.feature.has_nym:
        detail = "a domain is given where there is a pseudonym, and only there"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="nym_domain")
    grouped, base = held.grouped, held.base
    pointers = (*base.mandatory_pointers, *selection.check_pointers(selective_pointers))
    revealed = selection.select(pointers, held.document)
    if revealed is None:
        raise selection.invalid("nothing is selected")
    mandatory, combined = grouped.group(base.mandatory_pointers), grouped.group(pointers)
    others, selected = grouped.others(mandatory), set(grouped.group(selective_pointers).positions)
    selective = tuple(index for index, position in enumerate(others) if position in selected)
    proof, pseudonym = features.prove(
        base, _octets(grouped.at(others)), held.secrets, selective, presentation_header, nym_domain
    )
    canonical = rdf.canonicalize(combined.quads).labels
    value = DerivedProof(
        proof,
        {_number(canonical[label], "_:c14n"): _number(grouped.labels[label], "_:b") for label in canonical},
        tuple(combined.positions.index(each) for each in mandatory.positions),
        selective,
        presentation_header,
        base.octet + 1,
        pseudonym,
        None if held.secrets.feature is Feature.BASELINE else len(others),
    )
    derived = {**revealed, "proof": {**held.options, "proofValue": value.encode()}}
    verify(derived, base.public_key, Expected(held.secrets.feature, presentation_header, nym_domain or b""))
    return derived


@dataclass(frozen=True)
class Expected:
    """What a verifier asked for: an option, its own presentation header, and where pseudonyms are valid."""

    feature: Feature = Feature.BASELINE
    presentation_header: bytes = b""
    nym_domain: bytes = b""


@dataclass(frozen=True)
class Verified:
    """A document that was verified, without its proof; its statements; and the pseudonym, if there is one."""

    document: Document
    options: Mapping[str, Any]
    statements: tuple[str, ...]
    pseudonym: bytes | None


def verify(derived: Document, public_key: bytes, expected: Expected = Expected()) -> Verified:
    """Verify a derived proof (sections 3.3.7 and 3.2.5).

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN; RefusedError PROOF_INVALID, REQUEST_MISMATCH (the
    proof is of another option or for another presentation header).
    """
    document, options, value = _without_proof(check(derived))
    proof = DerivedProof.decode(value)
    if proof.octet - 1 not in _octets_of(expected.feature):
        raise RefusedError(Reason.REQUEST_MISMATCH, "the proof is of another option", field="proof")
    if not hmac.compare_digest(proof.presentation_header, expected.presentation_header):
        raise RefusedError(Reason.REQUEST_MISMATCH, "the proof is for another presentation", field="proof")
    lines = statements(document, proof.label_map)
    mandatory = set(proof.mandatory_indexes)
    if mandatory and max(mandatory) >= len(lines):
        raise _false()
    header = proof_hash(document, options) + mandatory_hash([lines[each] for each in sorted(mandatory)])
    shown = [line for index, line in enumerate(lines) if index not in mandatory]
    if len(shown) != len(proof.selective_indexes):
        raise _false()
    features.verify_proof(public_key, proof, header, _octets(shown), expected.feature, expected.nym_domain)
    return Verified(document, options, tuple(lines), proof.pseudonym)


def statements(document: Document, label_map: Mapping[int, int]) -> list[str]:
    """Return a revealed document's statements with the labels that were signed (section 3.2.5, step 4).

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN; RefusedError PROOF_INVALID (labels are missing).
    """
    rdf.expand(document)
    quads = rdf.quads_of(document)
    canonical = rdf.canonicalize(quads).labels
    if len(canonical) != len(label_map):
        raise _false()
    labels = {label: f"_:b{label_map[_number(each, '_:c14n')]}" for label, each in canonical.items()}
    return sorted(set(rdf.relabelled(quads, labels)))


def proof_hash(document: Document, options: Mapping[str, Any]) -> bytes:
    """Return the hash of a proof's members but its value (sections 3.3.3 and 3.3.4).

    Raises MalformedError DOCUMENT_INVALID, CONTEXT_UNKNOWN.
    """
    return hashlib.sha256("".join(proof_statements(document, options)).encode()).digest()


def proof_statements(document: Document, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the canonical statements of a proof's members but its value; raises as `proof_hash`."""
    config = check({**options, "@context": document["@context"]})
    rdf.expand(config)
    return rdf.canonicalize(rdf.quads_of(config)).lines


def mandatory_hash(lines: Sequence[str]) -> bytes:
    """Return the hash of the mandatory statements (Vc-di-ecdsa, section 3.4.18, hashMandatoryNQuads)."""
    return hashlib.sha256("".join(lines).encode()).digest()


def _without_proof(signed: Document, *, there: bool = True) -> tuple[Document, Mapping[str, Any], Any]:
    """Part a document from its one proof: the document, the proof's other members, its value."""
    if ("proof" in signed) != there:
        raise invalid("a document has its one proof, and none before it is signed", field="proof")
    proof = signed.get("proof", {})
    document = {key: value for key, value in signed.items() if key != "proof"}
    if not there:
        return document, {}, None
    if not isinstance(proof, dict):
        raise invalid("the proof is one object", field="proof")
    options = {key: value for key, value in proof.items() if key != "proofValue"}
    check_options(options)
    return document, options, proof.get("proofValue")


def check_options(options: Mapping[str, Any]) -> None:
    """Raise MalformedError DOCUMENT_INVALID unless a proof's members but its value are of this suite."""
    fixed = {"type": PROOF_TYPE, "cryptosuite": CRYPTOSUITE, "proofPurpose": PURPOSE}
    if any(options.get(key) != value for key, value in fixed.items()):
        raise invalid("the proof is no assertion of bbs-2023", field="proof")
    if not options.keys() <= _OPTIONS or not isinstance(options.get("verificationMethod"), str):
        raise invalid("the proof has a key, and no member that is not known", field="proof")
    for name in ("created", "expires"):
        if name in options and not _is_moment(options[name]):
            raise invalid("a moment has a date, a time and a zone", field=f"proof.{name}")


def _is_moment(text: Any) -> bool:
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return False
    try:
        return dt.datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _octets_of(feature: Feature) -> frozenset[int]:
    """What the third octet of an option's base proofs may be: see `Feature`."""
    if feature is Feature.PSEUDONYM:
        return _NYM_OCTETS
    return frozenset({feature.base})


def _octets(lines: Sequence[str]) -> list[bytes]:
    return [line.encode() for line in lines]


def _number(label: str, prefix: str) -> int:
    return int(label.removeprefix(prefix))


def _false() -> RefusedError:
    return RefusedError(Reason.PROOF_INVALID, "the proof does not hold", field="proof")
