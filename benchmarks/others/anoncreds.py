"""AnonCreds (CL signatures over RSA), by the package anoncreds."""

from importlib import import_module

from benchmarks.others.turns import MESSAGES, SHOWN, require, serve

NAMES = [f"claim{i}" for i in range(len(MESSAGES))]
ISSUER, SCHEMA, DEFINITION = "did:example:issuer", "schema:benchmark", "definition:benchmark"


def main() -> None:
    """Issue, and serve."""
    an = import_module("anoncreds")
    schema = an.Schema.create("benchmark", "1.0", ISSUER, NAMES)
    definition, private, correctness = an.CredentialDefinition.create(SCHEMA, schema, ISSUER, "tag", "CL")
    offer = an.CredentialOffer.create(SCHEMA, DEFINITION, correctness)
    secret = an.create_link_secret()
    asked, metadata = an.CredentialRequest.create("entropy", None, definition, secret, "default", offer)
    values = dict(zip(NAMES, MESSAGES, strict=True))
    wanted = an.PresentationRequest.load(
        {
            "name": "benchmark",
            "version": "1.0",
            "nonce": an.generate_nonce(),
            "requested_attributes": {f"a{i}": {"name": NAMES[i]} for i in SHOWN},
            "requested_predicates": {},
        }
    )

    def sign() -> object:
        return an.Credential.create(definition, private, offer, asked, values)

    issued = sign()

    def verify() -> object:
        return issued.process(metadata, secret, definition)  # type: ignore[attr-defined]

    held = verify()

    def prove() -> object:
        chosen = an.PresentCredentials()
        chosen.add_attributes(held, *(f"a{i}" for i in SHOWN))
        return an.Presentation.create(wanted, chosen, {}, secret, {SCHEMA: schema}, {DEFINITION: definition})

    proof = prove()

    def verify_proof() -> None:
        require(proof.verify(wanted, {SCHEMA: schema}, {DEFINITION: definition}))  # type: ignore[attr-defined]

    operations = {"sign": sign, "verify": verify, "prove": prove, "verify proof": verify_proof}
    verify_proof()
    octets = {"signature": len(issued.to_json()), "proof": len(proof.to_json())}  # type: ignore[attr-defined]
    serve("CL signatures, JSON", operations, octets)


if __name__ == "__main__":
    main()
