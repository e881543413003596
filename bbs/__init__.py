"""BBS signatures: sign many messages at once, then prove the signature while disclosing only some of them.

This is draft-irtf-cfrg-bbs-signatures, revision -09 (7 July 2025), with both ciphersuites. What could be read
when this was written: a full text of the working group's source between -05 and -06, which already parts the
interface from the core operations, and the opening pages only of -09, -10 (8 January 2026) and -11 (28
September 2026). Where -09 differs from the full text, its published vectors decided; all of them are
reproduced byte for byte. Nothing here claims to follow -10 or -11. The encoding of signatures and proofs has
been the same since -06. Sections are cited as numbered in -09; should a number have moved, the operation's
name counts. Blind signatures and pseudonyms are drafts of their own; `bbs.blind` and `bbs.pseudonym` say
which revisions.

No I/O, no clock. Randomness is an argument with the system's generator as default. The arithmetic is done by
a group (see `bbs.groups`); the reference groups are not constant-time.
"""

from bbs import groups
from bbs.batch import FirstFalse, ProofClaim, Verdict, proof_verify_batch, proof_verify_groups
from bbs.blind import (
    Committed,
    blind_proof_gen,
    blind_proof_verify,
    blind_sign,
    commit,
    verify_blind_sign,
)
from bbs.ciphersuite import SHA_256, SHAKE_256, Ciphersuite
from bbs.commitment import CommitmentBinding
from bbs.credential import PreparedCredential, prepare_credential
from bbs.errors import BbsError, DecodingError, InputError, Reason, VerificationError
from bbs.keys import SecretKey, keygen, sk_to_pk
from bbs.proof import proof_gen, proof_gen_prepared, proof_verify
from bbs.pseudonym import (
    blind_sign_with_nym,
    calculate_pseudonym,
    commit_with_nym,
    proof_gen_with_nym,
    proof_verify_with_nym,
    verify_finalize_with_nym,
)
from bbs.scalars import RandomScalars
from bbs.signature import sign, verify
from bbs.signing import PreparedSigning, prepare_signing

__all__ = [
    "SHAKE_256",
    "SHA_256",
    "BbsError",
    "Ciphersuite",
    "CommitmentBinding",
    "Committed",
    "DecodingError",
    "FirstFalse",
    "InputError",
    "PreparedCredential",
    "PreparedSigning",
    "ProofClaim",
    "RandomScalars",
    "Reason",
    "SecretKey",
    "Verdict",
    "VerificationError",
    "blind_proof_gen",
    "blind_proof_verify",
    "blind_sign",
    "blind_sign_with_nym",
    "calculate_pseudonym",
    "commit",
    "commit_with_nym",
    "groups",
    "keygen",
    "prepare_credential",
    "prepare_signing",
    "proof_gen",
    "proof_gen_prepared",
    "proof_gen_with_nym",
    "proof_verify",
    "proof_verify_batch",
    "proof_verify_groups",
    "proof_verify_with_nym",
    "sign",
    "sk_to_pk",
    "verify",
    "verify_blind_sign",
    "verify_finalize_with_nym",
]
