"""W3C documents in the vault: credentials of the plain form that their department signed anew (docs/w3c.md).

Each is bound to the vault: a secret of the vault is signed into it unseen, and every presentation proves
that whoever shows it has that secret, without showing it. The secret follows from the vault's keys, so that
a vault made anew from its words has the same one; the blind of each document is kept beside it.

State rules: a commitment is not stored before it is sent, since it follows from the vault's keys and the
claim, which is. If what comes back is lost, it is asked for again with the same one.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

import bbs
from bbs.scalars import calculate_random_scalars
from disclosure import IssuerKey, Reason, RefusedError, Schema, check_lifetime
from disclosure.canonical import Item
from disclosure.w3c import Document, Held, HolderSecrets, commit, derive, open_base, read
from disclosure.w3c.mapping import MANDATORY, ShownDocument, pointers_of, read_document
from prover.errors import PresentingError, VaultReason
from prover.finding import one_of
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, schema_of, unpack
from prover.sealing import VaultKeys
from prover.shelf import Records, Shelf

_BLIND_OCTETS = 32


@dataclass(frozen=True)
class HeldDocument:
    """A signed document in the vault, in JSON, with the blind of its commitment and what it is read by."""

    id: str
    document: bytes = field(repr=False)
    blind: int = field(repr=False)
    schema: Schema
    issuer_key: IssuerKey
    received: dt.datetime

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [Kind.W3C_DOCUMENT.value, milliseconds(self.received), self.issuer_key.state.value]
        blind = self.blind.to_bytes(_BLIND_OCTETS)
        return pack(head, self.schema.canonical, self.issuer_key.record(), blind, self.document)


def held_document_of(record_id: str, octets: bytes) -> HeldDocument:
    """Decode a document's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.W3C_DOCUMENT, int(received), str()],
            [schema, key, blind, document],
        ] if len(blind) == _BLIND_OCTETS:
            issuer_key = IssuerKey.from_record(key)
            known = schema_of(schema)
            number, moment = int.from_bytes(blind), moment_of(received)
            return HeldDocument(record_id, document, number, known, issuer_key, moment)
    raise malformed()


class W3cDocuments:
    """The part of a vault that holds W3C documents; `Vault.w3c` gives it."""

    def __init__(self, shelf: Shelf, keys: VaultKeys) -> None:
        self._shelf, self._keys = shelf, keys

    def commit(self, request_id: str) -> tuple[bytes, HolderSecrets]:
        """Return the commitment of a claim to the vault's secret, and what opens what comes of it.

        Another claim's is another one, which nobody can connect with it. The same claim's is the same, but
        for its proof: the service binds a claim's documents to one commitment.
        """
        blind = int.from_bytes(self._keys.w3c_blind(request_id)) % bbs.SHA_256.r
        return commit(
            self._keys.w3c_secret(), rng=lambda count: [blind, *calculate_random_scalars(count - 1)]
        )

    def add(
        self, document: bytes, secrets: HolderSecrets, schema: Schema, key: IssuerKey, today: dt.date
    ) -> HeldDocument:
        """Keep a document whose base proof holds, and that says what this schema has.

        By what is shown in every presentation nobody is known again: the last day is what the schema says,
        and what is mandatory what it always is. Raises MalformedError; RefusedError SIGNATURE_INVALID,
        ISSUER_KEY_UNKNOWN, EXPIRY_INVALID.
        """
        opened, said = _opened(document, secrets, schema, key)
        complete = {name: value for name, value in said.values.items() if value is not None}
        schema.check_values(complete)
        if len(said.values) != len(schema.attributes) or opened.base.mandatory_pointers != MANDATORY:
            detail = "the document says more or less than it has to"
            raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="document")
        check_lifetime(said, schema, today)
        with self._shelf.writing() as records:
            now = self._shelf.now()
            held = HeldDocument(self._shelf.new_id(), document, secrets.blind, schema, key, now)
            records.put(held)
        return held

    def documents(self) -> list[HeldDocument]:
        """Return all documents, in the order in which they came."""
        with self._shelf.reading() as records:
            return _all(records)

    def document(self, document_id: str) -> HeldDocument:
        """Return one document; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        return one_of(self.documents(), document_id, VaultReason.CREDENTIAL_NOT_FOUND)

    def remove(self, document_id: str) -> None:
        """Forget a document for good; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        with self._shelf.writing() as records:
            found = one_of(_all(records), document_id, VaultReason.CREDENTIAL_NOT_FOUND)
            records.delete(found.id)

    def said(self, held: HeldDocument) -> ShownDocument:
        """Return all that a document says."""
        return _opened(held.document, self._secrets(held), held.schema, held.issuer_key)[1]

    def derive(self, held: HeldDocument, attributes: Iterable[str], presentation_header: bytes) -> Document:
        """Return the document with some attributes and a proof for one presentation.

        It is read again before it is given: it says what was asked for and nothing else. Raises
        MalformedError ATTRIBUTE_UNKNOWN, ATTRIBUTE_MISSING (none is shown), DOCUMENT_INVALID (the header is
        too long); PresentingError OWN_PROOF_INVALID.
        """
        asked = tuple(attributes)
        opened = _opened(held.document, self._secrets(held), held.schema, held.issuer_key)[0]
        derived = derive(opened, pointers_of(opened.document, asked), presentation_header)
        shown = {name: value for name, value in derived.items() if name != "proof"}
        if read_document(shown, opened.options, held.schema, held.issuer_key).values.keys() != set(asked):
            detail = "the document would show something else than what was asked for"
            raise PresentingError(VaultReason.OWN_PROOF_INVALID, detail)
        return derived

    def _secrets(self, held: HeldDocument) -> HolderSecrets:
        return HolderSecrets(self._keys.w3c_secret(), None, held.blind)


def _all(records: Records) -> list[HeldDocument]:
    found = records.all(Kind.W3C_DOCUMENT, held_document_of)
    return sorted(found, key=lambda each: (each.received, each.id))


def _opened(
    document: bytes, secrets: HolderSecrets, schema: Schema, key: IssuerKey
) -> tuple[Held, ShownDocument]:
    held = open_base(read(document), key.public_key, secrets)
    return held, read_document(held.document, held.options, schema, key)
