"""What a department may ask before it issues: one credential of the same holder, and nothing else.

Nobody signs a department's request. So the vault answers only one that names the department itself and the
very terms of the offer, and that asks for no more than an issuance needs: no predicate, which could search
for a hidden value, no pseudonym, no escrow and no commitment. Whatever it wants shown, the person is asked.
"""

from disclosure import MalformedError, VerifierName
from disclosure.composite import CompositeRequest, IssuanceTerms
from prover.composite.telling import ClaimConsent
from prover.errors import ClientError, VaultReason


def offer_request_of(octets: bytes, terms: IssuanceTerms) -> CompositeRequest:
    """Decode the request that an offer's terms come with; ClientError OFFER_REQUEST_INVALID."""
    try:
        request = CompositeRequest.from_bytes(octets)
    except MalformedError:
        raise _invalid("it cannot be read") from None
    if request.verifier != VerifierName(terms.schema.department):
        raise _invalid("it is not of the department that issues")
    if request.issuance != terms:
        raise _invalid("it is for other terms than the offer's")
    if len(request.branches) != 1 or len(request.branches[0].queries) != 1:
        raise _invalid("it asks for more than one credential")
    branch = request.branches[0]
    if any((branch.predicates, branch.pseudonyms, branch.escrows, branch.commitments, branch.foreign)):
        raise _invalid("it asks for more than an issuance needs")
    return request


def is_base(consent: ClaimConsent) -> bool:
    """Agree to a base claim only: all others tell at least what their holder has, and until when."""
    return consent.shows is None


def _invalid(detail: str) -> ClientError:
    return ClientError(VaultReason.OFFER_REQUEST_INVALID, f"the department's request is refused: {detail}")
