"""SD-JWT with key binding over ECDSA P-256, by the package sd-jwt. Its presentations can be linked."""

from importlib import import_module
from time import time
from typing import Any

from benchmarks.others.turns import MESSAGES, SHOWN, require, serve

AUDIENCE, NONCE = "https://verifier.example", "nonce of the verifier"


def main() -> None:
    """Issue, and serve."""
    jwk, common = import_module("jwcrypto.jwk"), import_module("sd_jwt.common")
    issuer, holder = import_module("sd_jwt.issuer"), import_module("sd_jwt.holder")
    verifier = import_module("sd_jwt.verifier")
    issuer_key, holder_key = (jwk.JWK.generate(kty="EC", crv="P-256") for _ in range(2))
    claims = {common.SDObj(f"claim{i}"): message for i, message in enumerate(MESSAGES)}
    fixed = {"iss": "https://issuer.example", "iat": int(time()), "exp": int(time()) + 86_400}
    shown = {f"claim{i}": True for i in SHOWN}

    def sign() -> str:
        issued: str = issuer.SDJWTIssuer({**fixed, **claims}, issuer_key, holder_key).sd_jwt_issuance
        return issued

    issued = sign()

    def prove() -> str:
        holding = holder.SDJWTHolder(issued)
        holding.create_presentation(shown, NONCE, AUDIENCE, holder_key)
        presentation: str = holding.sd_jwt_presentation
        return presentation

    presented = prove()

    def find(*_: Any) -> Any:
        return issuer_key

    def verify() -> None:
        require(verifier.SDJWTVerifier(issued, find).get_verified_payload()["claim9"] == MESSAGES[9])

    def verify_proof() -> None:
        payload = verifier.SDJWTVerifier(presented, find, AUDIENCE, NONCE).get_verified_payload()
        require(payload["claim3"] == MESSAGES[3] and "claim9" not in payload)

    operations = {"sign": sign, "verify": verify, "prove": prove, "verify proof": verify_proof}
    verify()
    verify_proof()
    serve("SD-JWT, linkable", operations, {"signature": len(issued), "proof": len(presented)})


if __name__ == "__main__":
    main()
