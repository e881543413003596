"""The signatures and proofs of the suite's options, over `bbs` (Vc-di-bbs, sections 3.2.3 and 3.3.5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bbs
from bbs import pseudonym_single as nym
from bbs.scalars import calculate_random_scalars
from bbs.serialization import undisclosed_count
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.w3c.proof_values import BaseProof, DerivedProof, Feature

SUITE: Final = bbs.SHA_256


@dataclass(frozen=True, repr=False)
class HolderSecrets:
    """What a holder committed to, and the blind of the commitment. Secret, and does not show itself.

    `holder_secret` are octets, of the options that bind to a holder; `prover_nym` is a scalar, of those with
    a pseudonym. None of it is there in the baseline.
    """

    holder_secret: bytes | None = None
    prover_nym: int | None = None
    blind: int = 0

    @property
    def committed(self) -> bbs.Committed:
        """What was committed to besides the pseudonym's secret."""
        return bbs.Committed(() if self.holder_secret is None else (self.holder_secret,), self.blind)

    @property
    def feature(self) -> Feature:
        """The option that these secrets are for."""
        if self.prover_nym is None:
            return Feature.BASELINE if self.holder_secret is None else Feature.ANONYMOUS_HOLDER_BINDING
        return Feature.PSEUDONYM if self.holder_secret is None else Feature.HOLDER_BINDING_PSEUDONYM


NO_SECRETS: Final = HolderSecrets()


def commit(
    holder_secret: bytes | None = None,
    prover_nym: int | None = None,
    *,
    rng: bbs.RandomScalars = calculate_random_scalars,
) -> tuple[bytes, HolderSecrets]:
    """Commit to a holder's secrets; which are given says for which option.

    Returns the commitment with its proof, which goes to the issuer, and what the holder keeps. Raises
    MalformedError VALUE_INVALID if there is nothing to commit to, or a secret is none.
    """
    messages = () if holder_secret is None else (holder_secret,)
    try:
        if prover_nym is not None:
            octets, kept = nym.commit_with_single_nym(messages, prover_nym, suite=SUITE, rng=rng)
        elif messages:
            octets, kept = bbs.commit(messages, suite=SUITE, rng=rng)
        else:
            raise MalformedError(Reason.VALUE_INVALID, "there is no secret to commit to", field="secrets")
    except bbs.InputError:
        raise MalformedError(Reason.VALUE_INVALID, "a secret has another form", field="secrets") from None
    return octets, HolderSecrets(holder_secret, prover_nym, kept.secret_prover_blind)


def sign(
    secret_key: bbs.SecretKey,
    header: bytes,
    messages: Sequence[bytes],
    feature: Feature,
    commitment: bytes,
    entropy: int | None,
) -> bytes:
    """Sign an issuer's messages, with what a holder committed to in all but the baseline.

    Raises RefusedError COMMITMENT_INVALID.
    """
    key, public = secret_key, secret_key.public_key()
    bound = int(feature.is_bound)
    try:
        if feature is Feature.BASELINE:
            return bbs.sign(key, public, header, messages, suite=SUITE)
        if entropy is None:
            return bbs.blind_sign(key, public, commitment, header, messages, bound, suite=SUITE)
        return nym.blind_sign_with_single_nym(
            key, public, commitment, entropy, header, messages, bound, suite=SUITE
        )
    except (bbs.VerificationError, bbs.DecodingError):
        detail = "the commitment's proof does not hold, or it is for another option"
        raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="commitment") from None


def verify_signature(base: BaseProof, messages: Sequence[bytes], secrets: HolderSecrets) -> int | None:
    """Verify a signature as its holder; return the secret of the pseudonyms, if there are any.

    Raises RefusedError SIGNATURE_INVALID.
    """
    key, signature, header = base.public_key, base.signature, base.header
    try:
        if secrets.prover_nym is not None:
            return nym.verify_finalize_with_single_nym(
                key, signature, header, messages, secrets.committed, secrets.prover_nym,
                base.signer_nym_entropy or 0, suite=SUITE,
            )  # fmt: skip
        if secrets.holder_secret is not None:
            bbs.verify_blind_sign(key, signature, header, messages, secrets.committed, suite=SUITE)
        else:
            bbs.verify(key, signature, header, messages, suite=SUITE)
    except (bbs.VerificationError, bbs.DecodingError):
        raise RefusedError(Reason.SIGNATURE_INVALID, "the issuer's signature does not hold") from None
    return None


def prove(
    base: BaseProof,
    messages: Sequence[bytes],
    secrets: HolderSecrets,
    selective: Sequence[int],
    presentation_header: bytes,
    nym_domain: bytes | None,
) -> tuple[bytes, bytes | None]:
    """Prove a signature that was verified, disclosing some messages; return the proof and the pseudonym."""
    key, signature, header = base.public_key, base.signature, base.header
    committed = secrets.committed
    if secrets.prover_nym is not None and nym_domain is not None:
        secret = (secrets.prover_nym + (base.signer_nym_entropy or 0)) % SUITE.r
        return nym.proof_gen_with_single_nym(
            key, signature, header, presentation_header, secret, nym_domain, messages, committed, selective,
            suite=SUITE,
        )  # fmt: skip
    if secrets.holder_secret is not None:
        given = (key, signature, header, presentation_header, messages, committed, selective, ())
        return bbs.blind_proof_gen(*given, suite=SUITE), None
    given_plain = (key, signature, header, presentation_header, messages, selective)
    return bbs.proof_gen(*given_plain, suite=SUITE), None


def verify_proof(
    public_key: bytes,
    derived: DerivedProof,
    header: bytes,
    shown: Sequence[bytes],
    feature: Feature,
    nym_domain: bytes,
) -> None:
    """Verify a derived proof of an option; RefusedError PROOF_INVALID."""
    try:
        if feature is Feature.BASELINE:
            _verify_plain(public_key, derived, header, shown)
        elif feature is Feature.ANONYMOUS_HOLDER_BINDING:
            _verify_bound(public_key, derived, header, shown)
        else:
            _verify_nym(public_key, derived, header, shown, int(feature.is_bound), nym_domain)
    except bbs.BbsError:  # a number of messages that does not fit is the prover's doing too
        raise RefusedError(Reason.PROOF_INVALID, "the proof does not hold", field="proof") from None


def _verify_plain(public_key: bytes, derived: DerivedProof, header: bytes, shown: Sequence[bytes]) -> None:
    given = (public_key, derived.bbs_proof, header, derived.presentation_header)
    bbs.proof_verify(*given, shown, derived.selective_indexes, suite=SUITE)


def _verify_bound(public_key: bytes, derived: DerivedProof, header: bytes, shown: Sequence[bytes]) -> None:
    """Verify a proof of a credential that a holder's secret was signed into: that, and nothing else."""
    length, selective = derived.length or 0, derived.selective_indexes
    if undisclosed_count(derived.bbs_proof, suite=SUITE) + len(selective) != length + 2:
        raise bbs.InputError(bbs.Reason.COUNT_MISMATCH, "a blind and one secret are hidden besides")
    given = (public_key, derived.bbs_proof, header, derived.presentation_header, length)
    bbs.blind_proof_verify(*given, shown, (), selective, (), suite=SUITE)


def _verify_nym(
    public_key: bytes, derived: DerivedProof, header: bytes, shown: Sequence[bytes], bound: int, domain: bytes
) -> None:
    nym.proof_verify_with_single_nym(
        public_key, derived.bbs_proof, header, derived.presentation_header, derived.pseudonym or b"", domain,
        derived.length or 0, bound, shown, derived.selective_indexes, suite=SUITE,
    )  # fmt: skip
