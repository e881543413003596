"""The composite form: credentials of one holder, shown by one proof of what was asked.

    verifier: request = CompositeRequest(...); check_composite_request(request, directory); sign_request
    holder:   request = open_composite_request(signed, find_key); check_composite_request(request, directory)
              missing_in(branch, ...) for each branch and what is held, until nothing is missing
              presented = present_composite(request, branch, holdings, secret, directory, now, ...)
    verifier: verified = verify_composite(request, presented.presentation, directory, now)
    regulator: part = open_part(share, CompositeClaim(...), escrow, reference) by each of two officers, for
              others to check by verify_opening_part; combine_opening(parts, ...) gives the identity

A sum across two holders takes two presentations: the first one's branch has a `CommitmentQuery`, the second
one's a `ForeignNumber` with what came of it, and the vaults hand the opening over in between:

    first:    presented.kept[...]; sealed = hand_over(kept, second_request, branch, key.public, now)
    second:   opening = key.receive(sealed, second_request, branch, number)
              present_composite(second_request, ..., openings={number: opening})
    verifier: verify_composite(second_request, presentation, directory, now, others=(first_verified,))

Issuance is in `disclosure.composite.issuance`, the argument in docs/composite-form.md. No I/O and no clock;
randomness for secrets, nonces and proofs comes from the system's generator.
"""

from disclosure.composite.compiler import Compiled, check_composite_request, compile_answer
from disclosure.composite.counterparts import check_joint_request
from disclosure.composite.credential import (
    CompositeCredential,
    HolderSecret,
    check_composite_credential,
    prepare,
)
from disclosure.composite.directory import (
    CompositeDirectory,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    RegulatorKey,
    contents_of,
    publish_codes,
)
from disclosure.composite.foreign import (
    CommitmentQuery,
    CommittedNumber,
    Compared,
    ForeignNumber,
    HolderWaiver,
)
from disclosure.composite.handover import CommitmentOpening, HandoverKey, KeptOpening, hand_over
from disclosure.composite.holding import Holding, Missing, missing_in
from disclosure.composite.issuance import (
    IdentifiedCommitment,
    IssuanceTerms,
    IssuedCredential,
    PendingCredential,
    PresentedCommitment,
    VerifiedCommitment,
    accept_credential,
    ask_for_credential,
    check_commitment,
    issue_composite,
)
from disclosure.composite.needed import Needed
from disclosure.composite.opening import combine_opening, open_part, verify_opening_part
from disclosure.composite.outputs import (
    EscrowQuery,
    JointScope,
    PseudonymQuery,
    SignedJointScope,
    VerifierScope,
)
from disclosure.composite.predicates import (
    Equal,
    Foreign,
    InList,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    Sum,
    Term,
    at_least,
    at_most,
    between,
    shifted_day,
)
from disclosure.composite.present import Presented, check_own_proof, present_composite
from disclosure.composite.presentation import Answer, CompositePresentation, CredentialAnswer, ProvenEpoch
from disclosure.composite.publication import (
    OpeningRecord,
    Published,
    Regulator,
    opened_escrow,
    table_entry,
)
from disclosure.composite.query import (
    AcceptedIssuer,
    CompositeQuery,
    ExpiryShown,
    OldestEpoch,
    ValidOn,
    Waiver,
)
from disclosure.composite.request import (
    Branch,
    CompositeRequest,
    composite_digest,
    is_composite,
    open_composite_request,
)
from disclosure.composite.verified import VerifiedComposite
from disclosure.composite.verify import (
    CompositeClaim,
    CompositeVerdict,
    verify_composite,
    verify_composite_batch,
)

__all__ = [
    "AcceptedIssuer",
    "Answer",
    "Branch",
    "CommitmentOpening",
    "CommitmentQuery",
    "CommittedNumber",
    "Compared",
    "Compiled",
    "CompositeClaim",
    "CompositeCredential",
    "CompositeDirectory",
    "CompositePresentation",
    "CompositeQuery",
    "CompositeRequest",
    "CompositeVerdict",
    "CredentialAnswer",
    "Equal",
    "EscrowQuery",
    "ExpiryShown",
    "Foreign",
    "ForeignNumber",
    "HandoverKey",
    "HolderSecret",
    "HolderWaiver",
    "Holding",
    "IdentifiedCommitment",
    "InList",
    "IssuanceTerms",
    "IssuedCredential",
    "JointScope",
    "KeptOpening",
    "Missing",
    "Needed",
    "NotEqual",
    "OldestEpoch",
    "OneOf",
    "OpeningRecord",
    "Operand",
    "PendingCredential",
    "Predicate",
    "Presented",
    "PresentedCommitment",
    "ProvenEpoch",
    "PseudonymQuery",
    "Published",
    "PublishedAccumulator",
    "PublishedCodeList",
    "PublishedDigits",
    "Range",
    "Regulator",
    "RegulatorKey",
    "SignedJointScope",
    "Sum",
    "Term",
    "ValidOn",
    "VerifiedCommitment",
    "VerifiedComposite",
    "VerifierScope",
    "Waiver",
    "accept_credential",
    "ask_for_credential",
    "at_least",
    "at_most",
    "between",
    "check_commitment",
    "check_composite_credential",
    "check_composite_request",
    "check_joint_request",
    "check_own_proof",
    "combine_opening",
    "compile_answer",
    "composite_digest",
    "contents_of",
    "hand_over",
    "is_composite",
    "issue_composite",
    "missing_in",
    "open_composite_request",
    "open_part",
    "opened_escrow",
    "prepare",
    "present_composite",
    "publish_codes",
    "shifted_day",
    "table_entry",
    "verify_composite",
    "verify_composite_batch",
    "verify_opening_part",
]
