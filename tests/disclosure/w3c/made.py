"""A document of the tests' own, signed for each option."""

from functools import cache
from typing import Any, Final

import bbs
from disclosure.w3c import (
    NO_SECRETS,
    Document,
    Expected,
    Feature,
    Held,
    HolderSecrets,
    Signing,
    add_base_proof,
    commit,
    derive,
    open_base,
)

SECRET: Final = bbs.SecretKey.from_octets(bbs.keygen(bytes(range(32)), suite=bbs.SHA_256), suite=bbs.SHA_256)
KEY: Final = SECRET.public_key()
OTHER: Final = bbs.SecretKey.from_octets(bbs.keygen(bytes(32), suite=bbs.SHA_256), suite=bbs.SHA_256)
V2: Final = "https://www.w3.org/ns/credentials/v2"
VOCABULARY: Final = {"@vocab": "urn:example:"}
OPTIONS: Final = {
    "type": "DataIntegrityProof",
    "cryptosuite": "bbs-2023",
    "verificationMethod": "urn:example:key",
    "proofPurpose": "assertionMethod",
}
MANDATORY: Final = ("/issuer", "/credentialSubject/homes/0")
SELECTIVE: Final = ("/credentialSubject/name", "/credentialSubject/homes/1/street")
HEADER: Final = b"a nonce of the verifier's"
DOMAIN: Final = b"urn:example:verifier"


def document(**changes: Any) -> Document:
    return {
        "@context": [V2, VOCABULARY],
        "type": ["VerifiableCredential", "Residence"],
        "issuer": "urn:example:issuer",
        "credentialSubject": {
            "name": "李雷",
            "born": 1990,
            "tall": 1.75,
            "alive": True,
            "homes": [
                {"street": "一", "size": 40},
                {"street": "二", "size": 40},
                {"street": "三", "rooms": [1, 2]},
            ],
        },
        **changes,
    }


def secrets_for(feature: Feature) -> tuple[bytes, HolderSecrets]:
    if feature is Feature.BASELINE:
        return b"", NO_SECRETS
    return commit(b"a holder's secret" if feature.is_bound else None, 77 if feature.has_nym else None)


@cache
def held(feature: Feature = Feature.BASELINE) -> Held:
    commitment, secrets = secrets_for(feature)
    signed = add_base_proof(
        document(), OPTIONS, MANDATORY, SECRET, Signing(feature, commitment, bytes(range(32)))
    )
    return open_base(signed, KEY, secrets)


def signed_of(opened: Held) -> Document:
    return {**opened.document, "proof": {**opened.options, "proofValue": opened.base.encode()}}


@cache
def shown(feature: Feature = Feature.BASELINE) -> Document:
    return derive(held(feature), SELECTIVE, HEADER, DOMAIN if feature.has_nym else None)


def expected(feature: Feature = Feature.BASELINE) -> Expected:
    return Expected(feature, HEADER, DOMAIN if feature.has_nym else b"")
