"""The fixtures of blind signatures and pseudonyms, read, and their cases as values; for tests only."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

import bbs
from bbs import BbsError, Ciphersuite, Committed
from tests.bbs.mocked import FOLDERS, octets, seeded_random_scalars
from tests.vectors import require_vectors


def load_from(room: str, suite: Ciphersuite, name: str) -> dict[str, Any]:
    folder = next(each for each, known in FOLDERS.items() if known.ciphersuite_id == suite.ciphersuite_id)
    data: dict[str, Any] = json.loads((require_vectors(room, folder) / name).read_text())
    return data


def mocked(data: dict[str, Any], kind: str, suite: Ciphersuite) -> Callable[[int], list[int]]:
    """The randomness of one case: its SEED is text, its DST its own and not the interface's."""
    parameters = data["mockRngParameters"]
    seed, dst = parameters["SEED"].encode(), parameters[kind]["DST"].encode()
    return seeded_random_scalars(seed, dst, suite=suite)


def scalar(value: str) -> int:
    """Some scalars of the data have lost leading zeros."""
    return int(value, 16)


def scalars_in(data: dict[str, Any], name: str) -> tuple[int, ...]:
    return tuple(scalar(value) for value in data[name])


def committed_of(data: dict[str, Any]) -> Committed:
    if data["proverBlind"] is None:
        return Committed()
    return Committed(tuple(octets(data["committedMessages"])), scalar(data["proverBlind"]))


def shown_of(data: dict[str, Any]) -> tuple[list[bytes], list[bytes], list[int], list[int]]:
    """Disclosed messages and disclosed committed messages, then the indexes of both."""
    known, committed = (
        {int(index): bytes.fromhex(message) for index, message in (data[name] or {}).items()}
        for name in ("revealedMessages", "revealedCommittedMessages")
    )
    return list(known.values()), list(committed.values()), list(known), list(committed)


def refused(reasons: str | set[str], act: Callable[..., object], *args: Any, **options: Any) -> None:
    """The act raises an error of the package for one of these reasons."""
    with pytest.raises(BbsError) as caught:
        act(*args, **options)
    assert caught.value.reason in ({reasons} if isinstance(reasons, str) else reasons)


FALSE_OR_MALFORMED = {
    "PROOF_INVALID", "SIGNATURE_INVALID", "INVALID_POINT", "NOT_IN_SUBGROUP", "IDENTITY_POINT",
    "INVALID_SCALAR",
}  # fmt: skip


@dataclass(frozen=True)
class ShownBlind:
    """A proof with all that its verifier is told, and all that its prover has."""

    suite: Ciphersuite
    pk: bytes
    signature: bytes
    header: bytes
    ph: bytes
    messages: list[bytes]
    committed: Committed
    proof: bytes
    L: int
    known: list[bytes]
    hidden: list[bytes]
    indexes: list[int]
    committed_indexes: list[int]

    @classmethod
    def of(cls, suite: Ciphersuite, name: str) -> "ShownBlind":
        data = load_from("blind", suite, name)
        names = ["signerPublicKey", "signature", "header", "presentationHeader", "proof"]
        pk, signature, header, ph, proof = octets([data[key] for key in names])
        every = json.loads(require_vectors("blind", "messages.json").read_text())
        committed = committed_of(data | {"committedMessages": every["committedMessages"]})
        return cls(
            suite, pk, signature, header, ph, octets(every["messages"]), committed, proof, data["L"],
            *shown_of(data),
        )  # fmt: skip

    def prove(self, **options: Any) -> bytes:
        return bbs.blind_proof_gen(
            self.pk, self.signature, self.header, self.ph, self.messages, self.committed, self.indexes,
            self.committed_indexes, suite=self.suite, **options,
        )  # fmt: skip

    def verify(self, **changed: Any) -> None:
        it = replace(self, **changed)
        bbs.blind_proof_verify(
            it.pk, it.proof, it.header, it.ph, it.L, it.known, it.hidden, it.indexes, it.committed_indexes,
            suite=it.suite,
        )  # fmt: skip


@dataclass(frozen=True)
class ShownNym:
    """A proof and a pseudonym with all that their verifier is told, and all that their prover has."""

    suite: Ciphersuite
    pk: bytes
    signature: bytes
    header: bytes
    ph: bytes
    context_id: bytes
    nym_secrets: tuple[int, ...]
    messages: list[bytes]
    committed: Committed
    proof: bytes
    pseudonym: bytes
    L: int
    N: int
    known: list[bytes]
    hidden: list[bytes]
    indexes: list[int]
    committed_indexes: list[int]

    @classmethod
    def of(cls, suite: Ciphersuite, name: str) -> "ShownNym":
        data = load_from("pseudonym", suite, name)
        names = ["signerPublicKey", "signature", "header", "presentationHeader", "context_id"]
        pk, signature, header, ph, context_id = octets([data[key] for key in names])
        proof, pseudonym = octets([data["proof"], data["pseudonym"]])
        secrets = scalars_in(data, "nym_secrets")
        return cls(
            suite, pk, signature, header, ph, context_id, secrets, octets(data["messages"]),
            committed_of(data), proof, pseudonym, data["L"], len(secrets), *shown_of(data),
        )  # fmt: skip

    def prove(self, **options: Any) -> tuple[bytes, bytes]:
        return bbs.proof_gen_with_nym(
            self.pk, self.signature, self.header, self.ph, self.nym_secrets, self.context_id, self.messages,
            self.committed, self.indexes, self.committed_indexes, suite=self.suite, **options,
        )  # fmt: skip

    def proven(self, **changed: Any) -> "ShownNym":
        it = replace(self, **changed)
        proof, pseudonym = it.prove()
        return replace(it, proof=proof, pseudonym=pseudonym)

    def verify(self, **changed: Any) -> None:
        it = replace(self, **changed)
        bbs.proof_verify_with_nym(
            it.pk, it.proof, it.header, it.ph, it.pseudonym, it.context_id, it.L, it.N, it.known, it.hidden,
            it.indexes, it.committed_indexes, suite=it.suite,
        )  # fmt: skip
