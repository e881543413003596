"""A city's service that claims for its verifiers, and the verifier's side of it (docs/ordering.md).

The service holds the key of the city's transactions, so that no verifier has to. It is not believed: what it
answers is checked by the verifier from the header on that it trusts.
"""
