"""The file of a record of the composite form: JSON, everything in the order in which the request needs it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from bbs.accumulator import AccumulatorKey, Epoch
from bbs.ciphersuite import resolve
from bbs.gadgets.escrow_shares import PublicShare
from disclosure import (
    Accumulator,
    DepartmentName,
    IssuerKey,
    KeyState,
    LocalizedText,
    Schema,
    SchemaName,
    SignedRequest,
    VerifierName,
    epoch_entry,
)
from disclosure.composite import (
    Answer,
    CompositeDirectory,
    CompositePresentation,
    CredentialAnswer,
    ProvenEpoch,
    Published,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    RegulatorKey,
    table_entry,
)
from disclosure.composite.publication import decode_table
from disclosure.names import RegulatorName
from disclosure.policy import RegisteredPolicy
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from verifier.documents import base64, octets, read, shown_of, shown_to, text, write

if TYPE_CHECKING:
    from verifier.composite.record import CompositeRecord

FORMAT: Final = "zk-disclosure/composite-record/v2"


def encode(record: "CompositeRecord") -> bytes:
    """Return a record's file; MalformedError for a value that is none of its attribute."""
    known, proofs = record.directory, record.proofs
    tables: list[Published] = [*known.digits.values(), *known.code_lists.values()]
    return write(
        {
            "format": FORMAT,
            "signed_request": {
                "payload": base64(record.signed_request.payload),
                "signature": base64(record.signed_request.signature),
            },
            "presentation": _presentation_to(record.presentation, known),
            "receipt": base64(record.receipt),
            "schemas": [_schema_to(each, proofs) for each in _sorted(known.schemas)],
            "issuer_keys": [_key_to(each, proofs) for each in _sorted(known.issuer_keys)],
            "tables": [
                _table_to(each, proofs[table_entry(each)])
                for each in sorted(tables, key=lambda each: each.table.digest)
            ],
            "regulators": [_regulator_to(each, proofs) for each in _sorted(record.regulators)],
            "accumulators": [_accumulator_to(each, proofs) for each in _sorted(known.accumulators)],
            "verifiers": {
                str(name): _verifier_to(name, known.verifiers[name], proofs)
                for name in sorted(known.verifiers, key=str)
            },
            "policy": {
                "record": base64(record.policy.canonical),
                "proof": base64(proofs[record.policy.entry()]),
            },
            "verifier_key": base64(record.verifier_key),
            "verifier_proof": base64(proofs[verifier_entry(record.policy.verifier, record.verifier_key)]),
            "log_key": record.log_key,
            "counterparts": [base64(each.to_bytes()) for each in record.counterparts],
        }
    )


def decode(written: bytes) -> dict[str, Any]:
    """Return the fields of the record that a file holds, counterparts as files of their own.

    Raises as `verifier.documents` says.
    """
    data = read(written.decode())
    if data["format"] != FORMAT:
        raise ValueError
    proofs = dict[bytes, bytes]()
    schemas = {each.name: each for each in (_schema_of(each, proofs) for each in data["schemas"])}
    keys = {each.name: each for each in (_key_of(each, proofs) for each in data["issuer_keys"])}
    tables = [_table_of(each, proofs) for each in data["tables"]]
    regulators = [_regulator_of(each, proofs) for each in data["regulators"]]
    accumulators = [_accumulator_of(each, proofs) for each in data["accumulators"]]
    directory = CompositeDirectory(
        schemas,
        keys,
        {each.table.digest: each for each in tables if isinstance(each, PublishedDigits)},
        {each.table.digest: each for each in tables if isinstance(each, PublishedCodeList)},
        {each.key.octets: each for each in accumulators},
        {each.key.digest: each.key for each in regulators},
        dict(_verifier_of(name, each, proofs) for name, each in data["verifiers"].items()),
    )
    signed, policy = data["signed_request"], RegisteredPolicy.from_bytes(octets(data["policy"]["record"]))
    proofs[policy.entry()] = octets(data["policy"]["proof"])
    own = verifier_entry(policy.verifier, octets(data["verifier_key"]))
    proofs[own] = octets(data["verifier_proof"])
    return {
        "signed_request": SignedRequest(octets(signed["payload"]), octets(signed["signature"])),
        "presentation": _presentation_of(data["presentation"], schemas),
        "receipt": octets(data["receipt"]),
        "directory": directory,
        "regulators": {each.key.digest: each for each in regulators},
        "policy": policy,
        "proofs": proofs,
        "verifier_key": octets(data["verifier_key"]),
        "log_key": text(data["log_key"]),
        "counterparts": [octets(each) for each in data["counterparts"]],
    }


def _sorted(named: Mapping[Any, Any]) -> Iterable[Any]:
    """Return values in the order of their names, texts or octets: one file for one record."""
    keys = sorted(named, key=lambda each: each if isinstance(each, bytes) else str(each).encode())
    return (named[each] for each in keys)


def _schema_to(schema: Schema, proofs: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {"schema": base64(schema.canonical), "proof": base64(proofs[schema_entry(schema)])}


def _schema_of(data: Mapping[str, Any], proofs: dict[bytes, bytes]) -> Schema:
    schema = Schema.from_bytes(octets(data["schema"]))
    proofs[schema_entry(schema)] = octets(data["proof"])
    return schema


def _verifier_to(name: VerifierName, key: bytes, proofs: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {"key": base64(key), "proof": base64(proofs[verifier_entry(name, key)])}


def _verifier_of(
    name: str, data: Mapping[str, Any], proofs: dict[bytes, bytes]
) -> tuple[VerifierName, bytes]:
    verifier, key = VerifierName.parse(name), octets(data["key"])
    proofs[verifier_entry(verifier, key)] = octets(data["proof"])
    return verifier, key


def _key_to(key: IssuerKey, proofs: Mapping[bytes, bytes]) -> dict[str, Any]:
    proof = proofs[issuer_key_entry(key)]
    return {"key": base64(key.record()), "state": key.state.value, "proof": base64(proof)}


def _key_of(data: Mapping[str, Any], proofs: dict[bytes, bytes]) -> IssuerKey:
    key = IssuerKey.from_record(octets(data["key"]))
    proofs[issuer_key_entry(key)] = octets(data["proof"])
    return IssuerKey(key.name, key.suite, key.public_key, KeyState(data["state"]))


def _table_to(table: Published, proof: bytes) -> dict[str, Any]:
    return {
        "owner": table.owner,
        "code_system": table.code_system if isinstance(table, PublishedCodeList) else None,
        "codes": list(table.codes) if isinstance(table, PublishedCodeList) else [],
        "octets": base64(table.table.octets),
        "proof": base64(proof),
    }


def _table_of(data: Mapping[str, Any], proofs: dict[bytes, bytes]) -> Published:
    """Return a table, every signature in it checked."""
    owner, table = text(data["owner"]), decode_table(octets(data["octets"]))
    found: Published = (
        PublishedDigits(owner, table)
        if data["code_system"] is None
        else PublishedCodeList(owner, text(data["code_system"]), tuple(map(text, data["codes"])), table)
    )
    proofs[table_entry(found)] = octets(data["proof"])
    return found


def _regulator_to(regulator: Regulator, proofs: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {
        "name": str(regulator.name),
        "display_name": list(regulator.display_name.items()),
        "suite": regulator.key.suite,
        "shares": [[base64(each.public_key), base64(each.possession)] for each in regulator.key.shares],
        "proof": base64(proofs[regulator.entry()]),
    }


def _regulator_of(data: Mapping[str, Any], proofs: dict[bytes, bytes]) -> Regulator:
    zh, en = map(text, data["display_name"])
    shares = tuple(PublicShare(*map(octets, (key, proof))) for key, proof in data["shares"])
    key = RegulatorKey(text(data["suite"]), shares)
    found = Regulator(RegulatorName.parse(data["name"]), LocalizedText(zh, en), key)
    proofs[found.entry()] = octets(data["proof"])
    return found


def accumulator_entry(accumulator: PublishedAccumulator) -> bytes:
    """Return an accumulator's entry on the ledger."""
    return Accumulator.of(DepartmentName.parse(accumulator.owner).department, accumulator.key).entry()


def _accumulator_to(accumulator: PublishedAccumulator, proofs: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {
        "owner": accumulator.owner,
        "suite": str(accumulator.key.suite),
        "key": base64(accumulator.key.octets),
        "proof": base64(proofs[accumulator_entry(accumulator)]),
        "epochs": [
            {"octets": base64(each.octets), "proof": base64(proofs[epoch_entry(each)])}
            for _, each in sorted(accumulator.epochs.items())
        ],
    }


def _accumulator_of(data: Mapping[str, Any], proofs: dict[bytes, bytes]) -> PublishedAccumulator:
    key = AccumulatorKey(resolve(text(data["suite"])), octets(data["key"]))
    epochs = {}
    for each in data["epochs"]:
        epoch = Epoch.from_octets(octets(each["octets"]), key=key)
        epochs[epoch.number] = epoch
        proofs[epoch_entry(epoch)] = octets(each["proof"])
    found = PublishedAccumulator(str(DepartmentName.parse(data["owner"])), key, epochs)
    proofs[accumulator_entry(found)] = octets(data["proof"])
    return found


def _presentation_to(presentation: CompositePresentation, known: CompositeDirectory) -> dict[str, Any]:
    answer = presentation.answer
    return {
        "request_digest": base64(answer.request_digest),
        "branch": answer.branch,
        "usage_tag": base64(answer.usage_tag),
        "note_hash": base64(answer.note_hash),
        "credentials": [
            {
                **shown_to(each.shown, known.schema(each.shown.schema)),
                "epoch": None
                if each.epoch is None
                else {"accumulator": base64(each.epoch.accumulator), "number": each.epoch.number},
            }
            for each in answer.credentials
        ],
        "proof": base64(presentation.proof),
    }


def _presentation_of(data: Mapping[str, Any], schemas: Mapping[SchemaName, Schema]) -> CompositePresentation:
    credentials = tuple(
        CredentialAnswer(shown_of(each, schemas), _proven_of(each["epoch"])) for each in data["credentials"]
    )
    answer = Answer(
        text(data["branch"]), credentials, octets(data["usage_tag"]), octets(data["note_hash"]),
        octets(data["request_digest"]),
    )  # fmt: skip
    return CompositePresentation(answer, octets(data["proof"]))


def _proven_of(data: Mapping[str, Any] | None) -> ProvenEpoch | None:
    return None if data is None else ProvenEpoch(octets(data["accumulator"]), data["number"])
