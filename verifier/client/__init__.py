"""The relying party's way to the service: ask, wait for the answer, verify it here; in both forms.

What the service says of an answer is not believed. The presentation is verified against the request that was
asked, the receipt against the log's key that the caller brought. Schemas and the public halves of issuer keys
come from the service's catalogue; an issuer key's name follows from the key and stands in the result. What
requests of the composite form name by digest and number counts with its proof from the ledger only.

An answer comes with a pending receipt: the log has signed for it. A verifier that wants more gives the policy
of the witnesses that it believes, and an answer counts once their quorum has cosigned; until then it is none.
What the registered policy demands of receipts is demanded in any case.
"""

from verifier.client.calls import ASK_PATIENCE
from verifier.client.client import VerifierClient
from verifier.client.exchange import (
    Answered,
    CompositeAnswered,
    CompositeExchange,
    DemandError,
    OpenExchange,
    PendingError,
)
from verifier.client.remote import RemoteRefusal, RemoteVerdict

__all__ = [
    "ASK_PATIENCE",
    "Answered",
    "CompositeAnswered",
    "CompositeExchange",
    "DemandError",
    "OpenExchange",
    "PendingError",
    "RemoteRefusal",
    "RemoteVerdict",
    "VerifierClient",
]
