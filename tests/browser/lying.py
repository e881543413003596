"""Answers of a service that is not true: how each is altered, and why it is refused then."""

import base64
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from tests.zkservice.composite_city import OTHER_SCHOOL
from zkproto.v1 import catalog_pb2, policy_pb2, publication_pb2, revocation_pb2


@dataclass
class Lie:
    """How an answer of a method is altered, what is asked then, and why it is refused."""

    method: str
    kind: type[Message]
    change: Any
    question: str
    reason: str
    word: str
    """Of what is kept of such answers."""

    def altered(self, octets: bytes) -> bytes:
        message = self.kind.FromString(octets)
        self.change(message)
        assert message.SerializeToString() != octets
        return message.SerializeToString()


def _flipped(octets: bytes, at: int = -1) -> bytes:
    changed = bytearray(octets)
    changed[at] ^= 1
    return bytes(changed)


def _signed_by_nobody(message: Any) -> None:
    """Change the log's signature."""
    start, dash, line = message.proof.rpartition(" — ".encode()[1:])
    name, encoded = line.decode().split()
    octets = bytearray(base64.b64decode(encoded))
    octets[-1] ^= 1
    message.proof = start + dash + f"{name} {base64.b64encode(octets).decode()}\n".encode()


def _unsigned(message: Any) -> None:
    """Have another log's name under it."""
    start, dash, line = message.proof.rpartition(" — ".encode()[1:])
    message.proof = start + dash + b"other.example " + line.split()[1] + b"\n"


def _moved(message: Any) -> None:
    """Name another place of the tree."""
    message.proof = message.proof.replace(b"\nindex ", b"\nindex 1", 1)


def _cleared(message: Any) -> None:
    message.proof = b""


def _set(name: str, value: Any) -> Any:
    return lambda message: setattr(message, name, value)


def _undigested(message: Any) -> None:
    message.digest = b""
    message.display_name.en = "another name"


READS = {
    "GetSchema": (catalog_pb2.Schema, "schema", "schema"),
    "GetIssuerKey": (catalog_pb2.IssuerKey, "issuerKey", "issuer-key"),
    "GetVerifier": (catalog_pb2.Verifier, "verifier", "verifier"),
    "GetPolicy": (policy_pb2.Policy, "policy", "policy"),
    "GetAccumulator": (revocation_pb2.Accumulator, "lists", "list"),
    "GetEpoch": (revocation_pb2.Epoch, "newestEpoch", "newest-epoch"),
    "GetTable": (publication_pb2.Table, "directory", "table"),
    "GetRegulator": (publication_pb2.Regulator, "regulator", "regulator"),
}
_PROOFS = {
    "no proof": (_cleared, "PROOF_MALFORMED"),
    "a changed signature": (_signed_by_nobody, "NOTE_SIGNATURE_INVALID"),
    "nobody's signature": (_unsigned, "NOTE_UNSIGNED"),
    "another place": (_moved, "INCLUSION_INVALID"),
}
_OTHERS: dict[str, list[tuple[str, Any, str]]] = {
    "GetSchema": [
        ("another text", lambda each: setattr(each.display_name, "en", "another"), "SCHEMA_INVALID"),
        ("another text, no digest", _undigested, "INCLUSION_INVALID"),
        ("no form", _set("form", 0), "SCHEMA_INVALID"),
        ("another length", lambda each: setattr(each.attributes[0], "max_length", 61), "SCHEMA_INVALID"),
        ("another name", _set("name", "departments/hrss/schemas/other@1"), "SCHEMA_INVALID"),
    ],
    "GetIssuerKey": [
        ("another key", lambda each: setattr(each, "public_key", _flipped(each.public_key)), "NAME_INVALID"),
        ("retired by nobody", _set("state", catalog_pb2.IssuerKey.STATE_RETIRED), "PROOF_MALFORMED"),
        ("no state", _set("state", 0), "MALFORMED"),
        ("another suite", _set("suite", "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"), "NAME_INVALID"),
    ],
    "GetVerifier": [
        (
            "another key",
            lambda each: setattr(each, "public_key", _flipped(each.public_key)),
            "INCLUSION_INVALID",
        ),
        ("another name", _set("name", f"verifiers/{OTHER_SCHOOL}"), "MALFORMED"),
        ("half a key", lambda each: setattr(each, "public_key", each.public_key[:16]), "MALFORMED"),
    ],
    "GetPolicy": [
        (
            "more days",
            lambda each: setattr(each, "retention_days", each.retention_days + 1),
            "INCLUSION_INVALID",
        ),
        ("fewer items", lambda each: each.items.pop(), "INCLUSION_INVALID"),
        ("another name", _set("name", f"verifiers/{OTHER_SCHOOL}/policies/any@2"), "MALFORMED"),
    ],
    "GetAccumulator": [
        ("another key", lambda each: setattr(each, "public_key", bytes(96)), "MALFORMED"),
        ("another suite", _set("suite", "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"), "NAME_INVALID"),
    ],
    "GetEpoch": [
        ("another digest", lambda each: setattr(each, "octets", _flipped(each.octets)), "INCLUSION_INVALID"),
        ("another kind", lambda each: setattr(each, "octets", _flipped(each.octets, 0)), "MALFORMED"),
        ("an octet less", lambda each: setattr(each, "octets", each.octets[:-1]), "MALFORMED"),
    ],
    "GetTable": [
        ("a false signature", lambda each: setattr(each, "octets", _flipped(each.octets)), "MALFORMED"),
        ("another owner", _set("owner", f"verifiers/{OTHER_SCHOOL}"), "INCLUSION_INVALID"),
        ("codes of nothing", lambda each: each.codes.append("1"), "MALFORMED"),
    ],
    "GetRegulator": [
        ("another text", lambda each: setattr(each.display_name, "en", "another"), "INCLUSION_INVALID"),
        ("another name", _set("name", "regulators/other"), "INCLUSION_INVALID"),
        (
            "a changed share",
            lambda each: setattr(
                each.shares[0], "possession_proof", _flipped(each.shares[0].possession_proof)
            ),
            "MALFORMED",
        ),
    ],
}
LIES = {
    f"{method}: {name}": Lie(method, kind, change, question, reason, word)
    for method, (kind, question, word) in READS.items()
    for name, change, reason in [*((n, *each) for n, each in _PROOFS.items()), *_OTHERS[method]]
}
