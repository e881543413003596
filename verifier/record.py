"""Records: one file that holds an answered request with everything that it takes to verify it years later.

The file is JSON that a person can read and a program reads strictly: only the bytes that `to_bytes` gives are
accepted. What it proves rests on three things that its reader compares with what came another way: the log's
key (give it to `recheck`), the names of the issuer keys (each follows from its key) and the verifier's public
key. The holder's values stand in it, so it is kept as personal data are.
"""

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import tlog
from disclosure import (
    CredentialPresentation,
    Directory,
    DisclosureError,
    IssuerKey,
    KeyState,
    Presentation,
    Request,
    Schema,
    SignedRequest,
    open_request,
)
from verifier import documents, files
from verifier.audit import audit_receipt, receipt_body
from verifier.errors import RecordError
from verifier.verify import VerifiedPresentation, required_names, verify_presentation

FORMAT: Final = "zk-disclosure/record/v1"
MAX_RECORD_OCTETS: Final = 4 << 20
VERIFIER_KEY_OCTETS: Final = 32


@dataclass(frozen=True)
class Record:
    """An answered request. That it exists does not mean that it holds: `recheck` tells.

    `directory` holds exactly the schemas and issuer keys that the request and its answer name; `verifier_key`
    is the Ed25519 key that signed the request (32 octets), `log_key` the log's verifier key as text
    (C2SP signed-note). Raises RecordError.
    """

    signed_request: SignedRequest
    presentation: Presentation
    receipt: bytes = field(repr=False)
    directory: Directory = field(repr=False)
    verifier_key: bytes
    log_key: str

    def __post_init__(self) -> None:
        if len(self.verifier_key) != VERIFIER_KEY_OCTETS:
            raise RecordError(f"a verifier's key has {VERIFIER_KEY_OCTETS} octets", field="verifier_key")
        try:
            tlog.Verifier.from_string(self.log_key)
        except tlog.TlogError as error:
            raise RecordError(error.detail, field="log_key") from None
        try:
            schemas, keys = required_names(self.request, self.presentation)
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        names = (set(self.directory.schemas), set(self.directory.issuer_keys))
        if names != (set(schemas), set(keys)):
            raise RecordError("it holds other schemas or issuer keys than those that are used")

    @classmethod
    def of(
        cls,
        signed_request: SignedRequest,
        presentation: Presentation,
        receipt: bytes,
        directory: Directory,
        verifier_key: bytes,
        log_verifier: tlog.Verifier,
    ) -> "Record":
        """Make a record; of `directory`, which may hold more, it keeps what is used.

        Whether an issuer key may still sign is not kept: what counts years later is that it signed. Raises
        RecordError; RefusedError SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN and what `required_names` raises.
        """
        schemas, keys = required_names(signed_request.request, presentation)
        active = [replace(directory.issuer_key(each), state=KeyState.ACTIVE) for each in keys]
        kept = Directory(
            {each: directory.schema(each) for each in schemas}, {each.name: each for each in active}
        )
        return cls(signed_request, presentation, receipt, kept, verifier_key, str(log_verifier))

    @property
    def request(self) -> Request:
        """The request, not yet verified."""
        return self.signed_request.request

    def to_bytes(self) -> bytes:
        """Return the file; RecordError if it is too large, or holds a value that is none of its attribute."""
        try:
            written = documents.write(_encoded(self))
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        if len(written) > MAX_RECORD_OCTETS:
            raise RecordError(f"a record has at most {MAX_RECORD_OCTETS} octets")
        return written

    @classmethod
    def from_bytes(cls, written: bytes) -> "Record":
        """Decode what `to_bytes` gives, and nothing else; RecordError."""
        if len(written) > MAX_RECORD_OCTETS:
            raise RecordError(f"a record has at most {MAX_RECORD_OCTETS} octets")
        try:
            record = _decoded(documents.read(written.decode()))
            if record.to_bytes() != written:
                raise RecordError("the file is not written as records are")
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RecordError(f"the file is no {FORMAT}") from None
        return record

    def save(self, path: Path) -> None:
        """Write the file with mode 0600, whole or not at all, durable on return.

        What else stands there is not replaced. Raises FileExistsError, OSError, RecordError.
        """
        files.place(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Read a file; OSError, RecordError."""
        try:
            written = files.read(path, MAX_RECORD_OCTETS)
        except ValueError as error:
            raise RecordError(str(error)) from None
        return cls.from_bytes(written)


@dataclass(frozen=True)
class Rechecked:
    """A record that holds: what was shown, when the service verified it, and where its receipt stands.

    `log_key` is the key that signed the checkpoint; `pinned` tells whether the caller brought it, or the
    record did, which shows only that the record fits together. `state` is what the receipt is under the
    policy that was asked for, and `cosignatures` who has cosigned an anchored one.
    """

    verified: VerifiedPresentation
    verify_time: dt.datetime
    index: int
    checkpoint: tlog.Checkpoint
    log_key: str
    pinned: bool
    state: tlog.ReceiptState = tlog.ReceiptState.PENDING
    cosignatures: tuple[tlog.Cosignature, ...] = ()


def recheck(
    record: Record,
    *,
    log_verifier: tlog.Verifier | None,
    policy: tlog.Policy | None = None,
    accept_pending: bool = False,
) -> Rechecked:
    """Verify everything in a record offline, as of the moment that its receipt states.

    With a policy the receipt has to be anchored, unless `accept_pending` says that its state is to be told.
    Raises RefusedError, MalformedError (request signature, presentation, receipt's body), tlog.TlogError (the
    log's key and signatures, the receipt's place).
    """
    log = log_verifier or tlog.Verifier.from_string(record.log_key)
    request = open_request(record.signed_request, lambda _: record.verifier_key)
    receipt = audit_receipt(
        record.receipt, request, record.presentation, log, policy=policy, accept_pending=accept_pending
    )
    moment = receipt_body(receipt).verified
    verified = verify_presentation(request, record.presentation, record.directory, moment)
    return Rechecked(
        verified=verified,
        verify_time=moment,
        index=receipt.index,
        checkpoint=receipt.checkpoint,
        log_key=str(log),
        pinned=log_verifier is not None,
        state=receipt.state,
        cosignatures=receipt.cosignatures,
    )


def _encoded(record: Record) -> dict[str, Any]:
    schemas, keys = required_names(record.request, record.presentation)
    return {
        "format": FORMAT,
        "signed_request": {
            "payload": documents.base64(record.signed_request.payload),
            "signature": documents.base64(record.signed_request.signature),
        },
        "presentation": _encoded_presentation(record),
        "receipt": documents.base64(record.receipt),
        "schemas": [documents.base64(record.directory.schema(each).canonical) for each in schemas],
        "issuer_keys": [documents.base64(record.directory.issuer_key(each).record()) for each in keys],
        "verifier_key": documents.base64(record.verifier_key),
        "log_key": record.log_key,
    }


def _encoded_presentation(record: Record) -> dict[str, Any]:
    presentation = record.presentation
    return {
        "request_digest": documents.base64(presentation.request_digest),
        "usage_tag": documents.base64(presentation.usage_tag),
        "note_hash": documents.base64(presentation.note_hash),
        "credentials": [
            {
                **documents.shown_to(each.shown, record.directory.schema(each.shown.schema)),
                "proof": documents.base64(each.proof),
            }
            for each in presentation.credentials
        ],
    }


def _decoded(data: dict[str, Any]) -> Record:
    if data["format"] != FORMAT:
        raise ValueError
    schemas = [Schema.from_bytes(documents.octets(each)) for each in data["schemas"]]
    keys = [IssuerKey.from_record(documents.octets(each)) for each in data["issuer_keys"]]
    directory = Directory({each.name: each for each in schemas}, {each.name: each for each in keys})
    signed = data["signed_request"]
    return Record(
        signed_request=SignedRequest(
            documents.octets(signed["payload"]), documents.octets(signed["signature"])
        ),
        presentation=_decoded_presentation(data["presentation"], directory),
        receipt=documents.octets(data["receipt"]),
        directory=directory,
        verifier_key=documents.octets(data["verifier_key"]),
        log_key=documents.text(data["log_key"]),
    )


def _decoded_presentation(data: dict[str, Any], directory: Directory) -> Presentation:
    return Presentation(
        credentials=tuple(_decoded_credential(each, directory) for each in data["credentials"]),
        usage_tag=documents.octets(data["usage_tag"]),
        note_hash=documents.octets(data["note_hash"]),
        request_digest=documents.octets(data["request_digest"]),
    )


def _decoded_credential(data: dict[str, Any], directory: Directory) -> CredentialPresentation:
    return CredentialPresentation(
        documents.shown_of(data, directory.schemas), documents.octets(data["proof"])
    )
