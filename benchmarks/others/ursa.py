"""BBS+ as it was before the draft, in Rust, by the package ursa-bbs-signatures."""

from importlib import import_module

from benchmarks.others.turns import COUNT, MESSAGES, SHOWN, require, serve


def main() -> None:
    """Sign, and serve."""
    ursa = import_module("ursa_bbs_signatures")
    pair = ursa.BlsKeyPair.generate_g2()
    key, nonce, kinds = pair.get_bbs_key(COUNT), b"nonce of the verifier", ursa.ProofMessageType

    def sign() -> bytes:
        signature: bytes = ursa.sign(ursa.SignRequest(pair, MESSAGES))
        return signature

    signature = sign()

    def verify() -> None:
        require(ursa.verify(ursa.VerifyRequest(pair, signature, MESSAGES)))

    marked = [
        ursa.ProofMessage(message, kinds.Revealed if i in SHOWN else kinds.HiddenProofSpecificBlinding)
        for i, message in enumerate(MESSAGES)
    ]

    def prove() -> bytes:
        proof: bytes = ursa.create_proof(ursa.CreateProofRequest(key, marked, signature, nonce))
        return proof

    proof, shown = prove(), [MESSAGES[i] for i in SHOWN]

    def verify_proof() -> None:
        require(ursa.verify_proof(ursa.VerifyProofRequest(key, proof, shown, nonce)))

    operations = {"sign": sign, "verify": verify, "prove": prove, "verify proof": verify_proof}
    verify_proof()
    serve("BBS+, Rust", operations, {"signature": len(signature), "proof": len(proof)})


if __name__ == "__main__":
    main()
