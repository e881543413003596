"""The signatures of an SD-JWT with key binding alone: ECDSA P-256 by the package cryptography."""

from importlib import import_module

from benchmarks.others.turns import serve


def main() -> None:
    """Make keys, and serve."""
    ec = import_module("cryptography.hazmat.primitives.asymmetric.ec")
    how = ec.ECDSA(import_module("cryptography.hazmat.primitives.hashes").SHA256())
    key, data = ec.generate_private_key(ec.SECP256R1()), bytes(800)
    public = key.public_key()

    def sign() -> bytes:
        signature: bytes = key.sign(data, how)
        return signature

    signature = sign()

    def verify() -> None:
        public.verify(signature, data, how)

    def verify_proof() -> None:
        verify()
        verify()

    operations = {"sign": sign, "verify": verify, "prove": sign, "verify proof": verify_proof}
    serve("ECDSA P-256 alone, linkable", operations, {"signature": 64, "proof": 128})


if __name__ == "__main__":
    main()
