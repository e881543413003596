"""W3C Verifiable Credentials with Data Integrity proofs of the suite bbs-2023 (docs/w3c.md).

Documents become statements (`rdf`), pointers select some (`selection`, `grouping`), and a proof is made of
them (`features`, `suite`). What a department says of a person in the plain form becomes such a document in
`mapping`. No I/O but reading the package's own contexts.
"""

from disclosure.w3c.documents import Document, read, write
from disclosure.w3c.features import NO_SECRETS, HolderSecrets, commit
from disclosure.w3c.proof_values import BaseProof, DerivedProof, Feature
from disclosure.w3c.suite import (
    Expected,
    Held,
    Signing,
    Verified,
    add_base_proof,
    derive,
    open_base,
    verify,
)

__all__ = [
    "NO_SECRETS",
    "BaseProof",
    "DerivedProof",
    "Document",
    "Expected",
    "Feature",
    "Held",
    "HolderSecrets",
    "Signing",
    "Verified",
    "add_base_proof",
    "commit",
    "derive",
    "open_base",
    "read",
    "verify",
    "write",
]
