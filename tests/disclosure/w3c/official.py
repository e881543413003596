"""The published vectors of bbs-2023, read where they lie (tests/vectors.py)."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import bbs
from disclosure.w3c import Document, Expected, Feature, HolderSecrets, Signing, read
from tests.vectors import require_vectors

FOLDER = "w3c-bbs-2023"


@dataclass(frozen=True)
class Case:
    """One of the five sets: its folder, its option, and the files of its document and pointers.

    The unsigned document of `prc` has another description than the one that was signed: it is taken from the
    signed document there.
    """

    folder: str
    feature: Feature
    document: str
    mandatory: str
    selective: str

    @property
    def name(self) -> str:
        return self.folder or "windsurf"

    def json(self, file: str) -> Any:
        return load(self.folder, file)

    @property
    def signed(self) -> Document:
        return read(octets(self.folder, "addSignedSDBase.json"))

    @property
    def unsigned(self) -> Document:
        if self.folder == "prc":
            return {key: value for key, value in self.signed.items() if key != "proof"}
        return read(octets("", self.document))

    @property
    def options(self) -> dict[str, Any]:
        return {key: value for key, value in self.signed["proof"].items() if key != "proofValue"}

    @property
    def revealed(self) -> Document:
        return read(octets(self.folder, "derivedRevealDocument.json"))

    @property
    def pointers(self) -> tuple[list[str], list[str]]:
        return load("", self.mandatory), load("", self.selective)

    @property
    def secrets(self) -> HolderSecrets:
        secret = bytes.fromhex(load("FeatureInputs", "holderSecret.json")["holderSecretHex"])
        nym = int(load("FeatureInputs", "proverNym.json")["proverNymHex"], 16)
        blind = 0 if self.feature is Feature.BASELINE else int(self._commitment["secretProverBlind"], 16)
        return HolderSecrets(
            secret if self.feature.is_bound else None, nym if self.feature.has_nym else None, blind
        )

    @property
    def _commitment(self) -> dict[str, str]:
        found: dict[str, str] = self.json("commitmentInfo.json")
        return found

    @property
    def signing(self) -> Signing:
        key = bytes.fromhex(load("", "BBSKeyMaterial.json")["hmacKeyString"])
        if self.feature is Feature.BASELINE:
            return Signing(hmac_key=key)
        commitment = bytes.fromhex(self._commitment["commitmentWithProof"])
        entropy = int(load("FeatureInputs", "signerNymEntropy.json")["signerNymEntropyHex"], 16)
        return Signing(self.feature, commitment, key, entropy if self.feature.has_nym else None)

    @property
    def nym_domain(self) -> bytes | None:
        domain: str = load("FeatureInputs", "verifierInfo.json")["verifierId"]
        return domain.encode() if self.feature.has_nym else None

    @property
    def expected(self) -> Expected:
        header = bytes.fromhex(load("", "BBSDeriveMaterial.json")["presentationHeaderHex"])
        return Expected(self.feature, header, self.nym_domain or b"")


_LICENSE = (
    "FeatureInputs/license.json",
    "FeatureInputs/licenseMandatory.json",
    "FeatureInputs/licenseSelective.json",
)
CASES = (
    Case("", Feature.BASELINE, "windDoc.json", "windMandatory.json", "windSelective.json"),
    Case("prc", Feature.BASELINE, "prCredUnsigned.json", "prCredMandatory.json", "prCredSelective.json"),
    Case("HolderBinding", Feature.ANONYMOUS_HOLDER_BINDING, *_LICENSE),
    Case("Pseudonym", Feature.PSEUDONYM, *_LICENSE),
    Case("PseudonymHB", Feature.HOLDER_BINDING_PSEUDONYM, *_LICENSE),
)


@cache
def octets(*parts: str) -> bytes:
    return require_vectors(FOLDER, *(each for each in parts if each)).read_bytes()


def load(*parts: str) -> Any:
    return json.loads(octets(*parts))


def public_key() -> bytes:
    return bytes.fromhex(load("", "BBSKeyMaterial.json")["publicKeyHex"])


def secret_key() -> bbs.SecretKey:
    octets = bytes.fromhex(load("", "BBSKeyMaterial.json")["privateKeyHex"])
    return bbs.SecretKey.from_octets(octets, suite=bbs.SHA_256)
