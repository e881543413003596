"""What a department says of a person in the plain form, as a W3C Verifiable Credential (docs/w3c.md).

The messages that are signed are others than the plain form's, so the department's key signs anew. Its header
is two hashes and never a plain form's, which begins with a label: neither signature passes for the other.

The context stands in the document, written from the schema: an attribute's name there is its identifier, with
the IRI that the schema's name gives. Two identifiers are written otherwise (`key_of`), since selecting parts
of a document always adds what stands under them. Every attribute is one statement, also an optional one that
is absent, so that the number of statements tells nobody what a person lacks. Issuer, schema and last day of
validity are shown in every presentation, as in the plain form; nothing else is.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import bbs
from disclosure import canonical
from disclosure.attributes import AttributeDefinition, AttributeType, Value
from disclosure.credential import CIVIL_TIME, IssuerKey, check_issuer, issuer_key_name
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import IssuerKeyName, SchemaName, VerifierName
from disclosure.schema import Schema
from disclosure.w3c import suite
from disclosure.w3c.did_key import did_of, method_of, public_key_of
from disclosure.w3c.documents import MAX_SAFE_INTEGER, Document, invalid
from disclosure.w3c.loading import CREDENTIALS_V2
from disclosure.w3c.proof_values import Feature

MANDATORY: Final = ("/issuer", "/validUntil", "/credentialSchema")
TYPES: Final = ("VerifiableCredential", "ZkDisclosureCredential")
COMMITMENT_OCTETS: Final = 144
"""A point and three scalars: the commitment to a holder's secret, with its proof."""
POINT_OCTETS: Final = 48
"""The point, which comes first: what is committed to, and is signed."""
MIN_NONCE: Final = 16
MAX_NONCE: Final = 64
_HEADER_LABEL: Final = "zk-disclosure/w3c-presentation/v1"
_URN: Final = "urn:zk-disclosure:"
_SCHEMA_TYPE: Final = "ZkDisclosureSchema"
_ATTRIBUTES: Final = "/credentialSubject/attributes/"
_ABSENT: Final = ".absent"
_NODE_MEMBERS: Final = frozenset({"id", "type"})
_OTHERWISE: Final = "attribute."
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_DATATYPES: Final[Mapping[AttributeType, str]] = {
    AttributeType.INTEGER: "integer",
    AttributeType.DATE: "date",
    AttributeType.BOOLEAN: "boolean",
    AttributeType.HASH: "hexBinary",
}
_END: Final = dt.time(23, 59, 59, tzinfo=CIVIL_TIME)
_MEMBERS: Final = frozenset(
    {"@context", "type", "issuer", "validUntil", "credentialSchema", "credentialSubject"}
)


def key_of(attribute: str) -> str:
    """Return the key that an attribute's value stands under.

    It is the identifier, but for `id` and `type`: members of these names come with whatever is selected
    beside them (selectJsonLd), and the value would be shown without having been asked for. No identifier has
    a dot, so that none is the key of another.
    """
    return _OTHERWISE + attribute if attribute in _NODE_MEMBERS else attribute


def context_of(schema: Schema) -> list[Any]:
    """Return the contexts of a schema's documents."""
    terms: dict[str, Any] = {}
    for each in schema.attributes:
        iri = f"{_URN}{schema.name}#{each.id}"
        datatype = _DATATYPES.get(each.type)
        key = key_of(each.id)
        terms[key] = {"@id": iri, "@type": _XSD + datatype} if datatype else {"@id": iri}
        if each.optional:
            terms[key + _ABSENT] = {"@id": iri + _ABSENT, "@type": _XSD + "boolean"}
    own = {
        TYPES[1]: _URN + "Credential",
        _SCHEMA_TYPE: _URN + "Schema",
        "attributes": {"@id": _URN + "attributes", "@context": terms},
    }
    return [CREDENTIALS_V2, own]


def reference_of(schema: Schema) -> Document:
    """Return how a document names its schema, which never changes: by name and digest."""
    return {"id": f"{_URN}schema:{schema.digest.hex()}:{schema.name}", "type": _SCHEMA_TYPE}


def schema_name_of(document: Document) -> SchemaName:
    """Return the name of the schema that a document names; MalformedError DOCUMENT_INVALID, NAME_INVALID."""
    reference = document.get("credentialSchema")
    name = reference.get("id") if isinstance(reference, dict) else None
    if not isinstance(name, str) or not name.startswith(_URN + "schema:") or len(name) > 512:
        raise invalid("the document names no schema of ours", field="credentialSchema")
    return SchemaName.parse(name.rsplit(":", 1)[1], field="credentialSchema")


def issuer_of(document: Document) -> bytes:
    """Return the public key that a document names as its issuer; MalformedError DOCUMENT_INVALID."""
    issuer = document.get("issuer")
    return public_key_of(issuer if isinstance(issuer, str) else "")


def issuer_key_name_of(document: Document) -> IssuerKeyName:
    """Return the name under which the catalogue has a document's key, if it has it; raises as both above."""
    department = schema_name_of(document).department
    return issuer_key_name(department, str(bbs.SHA_256), issuer_of(document))


def presentation_header(verifier: VerifierName, nonce: bytes) -> bytes:
    """Return what a proof is made for: one verifier, and a nonce of its own of 16 to 64 octets.

    Raises MalformedError VALUE_INVALID.
    """
    if not MIN_NONCE <= len(nonce) <= MAX_NONCE:
        detail = f"a nonce has {MIN_NONCE} to {MAX_NONCE} octets"
        raise MalformedError(Reason.VALUE_INVALID, detail, field="nonce")
    return canonical.encode(_HEADER_LABEL, str(verifier), nonce)


def document_of(schema: Schema, values: Mapping[str, Value], expiry: dt.date, public_key: bytes) -> Document:
    """Return values as an unsigned document; raises as `Schema.check_values`."""
    schema.check_values(values)
    attributes: dict[str, Any] = {}
    for each in schema.attributes:
        value = values.get(each.id)
        if value is None:
            attributes[key_of(each.id) + _ABSENT] = True
        else:
            attributes[key_of(each.id)] = _written(value)
    return {
        "@context": context_of(schema),
        "type": list(TYPES),
        "issuer": did_of(public_key),
        "validUntil": dt.datetime.combine(expiry, _END).isoformat(),
        "credentialSchema": reference_of(schema),
        "credentialSubject": {"attributes": attributes},
    }


def _written(value: Value) -> Any:
    match value:
        case dt.date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case bool() | str():
            return value
    return value if abs(value) <= MAX_SAFE_INTEGER else str(value)


def issue(
    schema: Schema,
    key: IssuerKey,
    secret_key: bbs.SecretKey,
    values: Mapping[str, Value],
    expiry: dt.date,
    commitment: bytes = b"",
) -> Document:
    """Sign values as a document, with a holder's secret if there is a commitment to one.

    Raises MalformedError (values), RefusedError ISSUER_KEY_RETIRED, FORM_NOT_SUPPORTED (a composite form, or
    a key of another suite than BLS12-381-SHA-256, which bbs-2023 is of), ISSUER_KEY_UNKNOWN,
    COMMITMENT_INVALID.
    """
    check_issuer(schema, key)
    if key.suite != str(bbs.SHA_256):
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, "bbs-2023 is of keys of BLS12-381-SHA-256 only")
    feature = Feature.ANONYMOUS_HOLDER_BINDING if commitment else Feature.BASELINE
    document = document_of(schema, values, expiry, key.public_key)
    options = options_of(key.public_key)
    return suite.add_base_proof(document, options, MANDATORY, secret_key, suite.Signing(feature, commitment))


def options_of(public_key: bytes) -> dict[str, Any]:
    """Return the proof's members but its value. There is no `created`: it would tell holders apart."""
    return {
        "type": suite.PROOF_TYPE,
        "cryptosuite": suite.CRYPTOSUITE,
        "verificationMethod": method_of(public_key),
        "proofPurpose": suite.PURPOSE,
    }


def pointers_of(held: Document, attributes: Iterable[str]) -> list[str]:
    """Return what selects attributes of a document: their values, or that they are absent.

    Raises MalformedError ATTRIBUTE_UNKNOWN, ATTRIBUTE_MISSING (there are none: a credential says something).
    """
    there = held["credentialSubject"]["attributes"]
    pointers = []
    for each in dict.fromkeys(attributes):
        key = key_of(each)
        names = [name for name in (key, key + _ABSENT) if name in there]
        if not names or "." in each:
            raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, "the schema has no such attribute", field=each)
        pointers.append(_ATTRIBUTES + names[0])
    if not pointers:
        raise MalformedError(Reason.ATTRIBUTE_MISSING, "at least one attribute is shown", field="attributes")
    return pointers


@dataclass(frozen=True)
class ShownDocument:
    """What a verified document says: values of attributes, None for one that is shown to be absent."""

    schema: SchemaName
    issuer: bytes
    expiry: dt.date
    values: Mapping[str, Value | None] = field(repr=False)


def read_document(
    document: Document, options: Mapping[str, Any], schema: Schema, key: IssuerKey
) -> ShownDocument:
    """Read a document that a key of a department signed, whole or in part, by its keys.

    All of it is what `document_of` writes under this schema and key, the contexts among it: with another
    context a key would stand for another statement. The proof is not verified here. Raises MalformedError
    DOCUMENT_INVALID, VALUE_INVALID, ATTRIBUTE_UNKNOWN; RefusedError ISSUER_KEY_UNKNOWN, FORM_NOT_SUPPORTED.
    """
    if key.name.department != schema.name.department:
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "a department signs under its own schemas only")
    expiry = _expiry(document.get("validUntil"))
    fixed = {
        "@context": context_of(schema),
        "type": list(TYPES),
        "issuer": did_of(key.public_key),
        "validUntil": dt.datetime.combine(expiry, _END).isoformat(),
        "credentialSchema": reference_of(schema),
    }
    wrong = [name for name, value in fixed.items() if document.get(name) != value]
    if wrong or not document.keys() <= _MEMBERS or dict(options) != options_of(key.public_key):
        detail = "the document is not as a department's documents are"
        raise invalid(detail, field=wrong[0] if wrong else "proof")
    match document.get("credentialSubject"):
        case {"attributes": dict(attributes), **others} if not others:
            return ShownDocument(schema.name, key.public_key, expiry, _values(attributes, schema))
    raise invalid("the subject has attributes and nothing else", field="credentialSubject")


def _expiry(text: Any) -> dt.date:
    try:
        return dt.datetime.fromisoformat(text).date()
    except (TypeError, ValueError):
        raise invalid("the document has no last day of validity", field="validUntil") from None


def _values(attributes: Document, schema: Schema) -> dict[str, Value | None]:
    found: dict[str, Value | None] = {}
    defined = {key_of(each.id): each for each in schema.attributes}
    for name, written in attributes.items():
        definition = defined.get(name.removesuffix(_ABSENT))
        if definition is None:
            detail = "the schema has no such attribute"
            raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, detail, field="credentialSubject")
        value = None if name.endswith(_ABSENT) else _read(definition, written)
        definition.check(value, field=definition.id)
        same = written is True if value is None else (type(written), written) == _typed(_written(value))
        if not same or definition.id in found:
            raise MalformedError(
                Reason.VALUE_INVALID, "the value is written in another way", field=definition.id
            )
        found[definition.id] = value
    return found


def _typed(value: Any) -> tuple[type, Any]:
    return type(value), value


def _read(definition: AttributeDefinition, written: Any) -> Value:
    try:
        match definition.type:
            case AttributeType.DATE:
                return dt.date.fromisoformat(written)
            case AttributeType.HASH:
                return bytes.fromhex(written)
            case AttributeType.INTEGER if isinstance(written, str):
                return int(written)
    except (TypeError, ValueError):
        raise MalformedError(
            Reason.VALUE_INVALID, "the value is of another type", field=definition.id
        ) from None
    if not isinstance(written, str | int | bool):
        raise MalformedError(Reason.VALUE_INVALID, "the value is of another type", field=definition.id)
    return written
