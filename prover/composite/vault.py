"""The part of a vault that holds the composite form; `Vault.composite` gives it.

State rules are the vault's: every method that changes something is one transaction. The holder's secret is
made in the transaction that stores the first claim, so no claim goes out with a secret that a crash could
lose, and no two processes make two. A witness is replaced only by one that is verified; what is on its way
stands beside it.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from bbs.accumulator import Epoch, MembershipWitness
from disclosure import OfferLink
from disclosure.composite import (
    CommitmentOpening,
    CompositeCredential,
    HolderSecret,
    Holding,
    IssuanceTerms,
    PendingCredential,
    Presented,
    Regulator,
    ask_for_credential,
    prepare,
)
from prover.composite.handovers import Handovers, Received, received_in
from prover.composite.records import (
    HeldComposite,
    KeptSecret,
    Offered,
    PendingClaim,
    Standing,
    TrustedRegulator,
    held_composite_of,
    pending_claim_of,
    secret_of,
    trusted_regulator_of,
)
from prover.composite.showing import ClaimUse, Showing, claim_use_of
from prover.errors import ContentError, VaultReason
from prover.records import Kind
from prover.shelf import Records, Shelf

Preparations = dict[str, tuple[HeldComposite, Holding]]


@dataclass(frozen=True)
class Contents:
    """What a planner chooses from, as it was at one moment. Does not show the secret."""

    secret: HolderSecret | None = field(repr=False)
    credentials: tuple[HeldComposite, ...] = ()
    regulators: tuple[Regulator, ...] = ()
    received: Received = field(default_factory=dict, repr=False)
    prepared: "Preparations" = field(default_factory=dict, repr=False)
    """What was prepared of these credentials, or of what they were before, by their identifiers."""

    def holding(self, held: HeldComposite) -> Holding:
        """Return a credential prepared for proofs; ContentError CREDENTIAL_NOT_FOUND without a secret.

        It costs a good part of a proof, and is kept while the vault is open and the credential as it is.
        """
        before, holding = self.prepared.get(held.id, (None, None))
        if holding is None or before is not held:
            if self.secret is None:  # there is no credential without it
                raise ContentError(VaultReason.CREDENTIAL_NOT_FOUND, "the vault has no holder's secret")
            prepared = prepare(held.credential, self.secret, held.schema, held.issuer_key)
            witness = None if held.standing is None else held.standing.witness
            holding = Holding(held.credential, prepared, witness)
            self.prepared[held.id] = held, holding
        return holding

    def openings(self, request: bytes, branch: str) -> Mapping[str, CommitmentOpening]:
        """Return what was handed over for a branch of the request of this digest, by the numbers' names."""
        return self.received.get((request, branch), {})

    @property
    def trusted(self) -> frozenset[bytes]:
        """The digests of the keys that an identity may be escrowed to."""
        return frozenset(each.key.digest for each in self.regulators)


class CompositeVault:
    """Credentials, claims and trusted regulators of the composite form; lists are in the order of coming."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._prepared: Preparations = {}

    def close(self) -> None:
        """Forget what was prepared."""
        self._prepared.clear()

    @cached_property
    def handovers(self) -> Handovers:
        """The numbers of sums across two holders."""
        return Handovers(self._shelf)

    def contents(self) -> Contents:
        """Return secret, credentials and trusted regulators, all as of one moment."""
        with self._shelf.reading() as records:
            secret = next(iter(records.all(Kind.HOLDER_SECRET, secret_of)), None)
            return Contents(
                None if secret is None else secret.secret,
                tuple(held_in(records)),
                tuple(each.regulator for each in _trusted(records)),
                received_in(records),
                self._prepared,
            )

    def credentials(self) -> list[HeldComposite]:
        """Return all credentials of this form."""
        with self._shelf.reading() as records:
            return held_in(records)

    # Claims

    def claims(self) -> list[PendingClaim]:
        """Return the claims that are not yet acknowledged."""
        with self._shelf.reading() as records:
            return _claims(records)

    def begin_base_claim(self, offered: Offered, terms: IssuanceTerms) -> PendingClaim:
        """Commit to the holder's secret, made if there is none, and store the claim before it is sent.

        Raises what `ask_for_credential` raises.
        """
        with self._shelf.writing() as records:
            answer, pending = ask_for_credential(
                terms, self._secret(records), offered.schema, offered.issuer_key
            )
            return self._begin(records, self._claim(offered, pending, answer))

    def begin_claim(self, offered: Offered, presented: Presented, showing: Showing) -> PendingClaim:
        """Store a claim with its presentation, made for an issuance, before it is sent.

        What its department is shown stays as a use when the claim is gone. Raises ContentError USAGE_MISMATCH
        if the presentation is for no issuance.
        """
        if presented.pending is None:
            raise ContentError(VaultReason.USAGE_MISMATCH, "the presentation is for no issuance")
        claim = self._claim(offered, presented.pending, presented.presentation.canonical)
        claim = replace(claim, shown_by=showing.schemas)
        with self._shelf.writing() as records:
            begun = self._begin(records, claim)
            if begun.answer == claim.answer:
                records.put(
                    ClaimUse(self._shelf.new_id(), self._shelf.now(), showing, presented.presentation)
                )
            return begun

    def claim_uses(self) -> list[ClaimUse]:
        """Return what departments were shown, with the claims that it went with."""
        with self._shelf.reading() as records:
            found = records.all(Kind.CLAIM_USE, claim_use_of)
            return sorted(found, key=lambda each: (each.time, each.id))

    def renew(self, claim_id: str, link: OfferLink) -> PendingClaim:
        """Go on with a claim by a link to the same offer, in place of the one that it was begun with.

        Raises ContentError CLAIM_NOT_FOUND.
        """
        with self._shelf.writing() as records:
            claim = replace(self._one(records, claim_id), link=link)
            records.put(claim)
            return claim

    def finish_claim(
        self, claim_id: str, credential: CompositeCredential, standing: Standing | None
    ) -> HeldComposite:
        """Keep the credential that came of a claim, and remember that it is to be acknowledged.

        The caller has had `accept_credential` check it, with its witness. Raises ContentError
        CLAIM_NOT_FOUND, SCHEMA_CHANGED.
        """
        with self._shelf.writing() as records:
            claim = self._one(records, claim_id)
            held = self._add(records, claim, credential, standing)
            records.put(claim.finished(held.id))
            return held

    @staticmethod
    def _one(records: Records, claim_id: str) -> PendingClaim:
        missing = VaultReason.CLAIM_NOT_FOUND
        return records.one(claim_id, Kind.COMPOSITE_CLAIM, pending_claim_of, missing)

    def _begin(self, records: Records, claim: PendingClaim) -> PendingClaim:
        """Store a claim, or go on with the one that is under way for the same offer: its octets count."""
        for each in _claims(records):
            if (each.link.server, each.link.id) == (claim.link.server, claim.link.id):
                claim = replace(each, link=claim.link)
        records.put(claim)
        return claim

    def _claim(self, offered: Offered, pending: PendingCredential, answer: bytes) -> PendingClaim:
        return PendingClaim(
            self._shelf.new_id(), offered.link, self._shelf.new_request_id(), self._shelf.now(),
            pending.terms, offered.schema, offered.issuer_key, pending.blind, answer,
            revokes=offered.revokes,
        )  # fmt: skip

    def _secret(self, records: Records) -> HolderSecret:
        for each in records.all(Kind.HOLDER_SECRET, secret_of):
            return each.secret
        made = KeptSecret(self._shelf.new_id(), HolderSecret.generate())
        records.put(made)
        return made.secret

    def _add(
        self,
        records: Records,
        claim: PendingClaim,
        credential: CompositeCredential,
        standing: Standing | None,
    ) -> HeldComposite:
        octets = credential.to_bytes(claim.schema)
        for each in held_in(records):
            if each.schema.name == claim.schema.name and each.schema != claim.schema:
                detail = f"the vault knows another schema as {claim.schema.name}"
                raise ContentError(VaultReason.SCHEMA_CHANGED, detail)
            if hmac.compare_digest(each.credential.to_bytes(each.schema), octets):
                return each
        held = HeldComposite(
            self._shelf.new_id(), credential, claim.schema, claim.issuer_key, self._shelf.now(), standing
        )
        records.put(held)
        return held

    # Witnesses

    def keep_partial(self, credential_id: str, partial: MembershipWitness | None) -> None:
        """Store how far catching up has come, beside the old witness; None drops what is there.

        Raises ContentError CREDENTIAL_NOT_FOUND.
        """
        self._stand(credential_id, lambda standing: replace(standing, partial=partial))

    def keep_witness(self, credential_id: str, witness: MembershipWitness, epoch: Epoch) -> None:
        """Put a witness that was verified for an epoch in the place of an older one, and of what was partial.

        One for an older epoch than the vault has, as of a slower process, changes nothing. Raises
        ContentError CREDENTIAL_NOT_FOUND.
        """

        def newer(standing: Standing) -> Standing:
            if epoch.number < standing.epoch.number:
                return standing
            return replace(standing, epoch=epoch, witness=witness, partial=None)

        self._stand(credential_id, newer)

    def mark_revoked(self, credential_id: str) -> None:
        """Write down that the department has revoked a credential; ContentError CREDENTIAL_NOT_FOUND."""
        now = self._shelf.now()
        self._stand(
            credential_id,
            lambda standing: replace(standing, partial=None, revoked=standing.revoked or now),
        )

    def _stand(self, credential_id: str, change: Callable[[Standing], Standing]) -> None:
        with self._shelf.writing() as records:
            held = records.one(
                credential_id,
                Kind.COMPOSITE_CREDENTIAL,
                held_composite_of,
                VaultReason.CREDENTIAL_NOT_FOUND,
            )
            if held.standing is not None:
                records.put(replace(held, standing=change(held.standing)))

    # Regulators

    def regulators(self) -> list[TrustedRegulator]:
        """Return the regulators that the holder trusts with an identity."""
        with self._shelf.reading() as records:
            return _trusted(records)

    def trust(self, regulator: Regulator) -> TrustedRegulator:
        """Let identities be escrowed to a regulator's key; one that is trusted already stays as it is.

        Of one name one key is trusted, or one that was slipped in would stay beside the true one: another is
        refused with ContentError REGULATOR_KEY_CHANGED until the old one is distrusted.
        """
        with self._shelf.writing() as records:
            for each in _trusted(records):
                if each.regulator.key == regulator.key:
                    return each
                if each.regulator.name == regulator.name:
                    detail = f"the vault trusts another key as {regulator.name}"
                    raise ContentError(VaultReason.REGULATOR_KEY_CHANGED, detail)
            made = TrustedRegulator(self._shelf.new_id(), regulator, self._shelf.now())
            records.put(made)
            return made

    def distrust(self, digest: bytes) -> None:
        """Trust a regulator's key no more; ContentError REGULATOR_NOT_FOUND.

        What was escrowed to it stays escrowed.
        """
        with self._shelf.writing() as records:
            for each in _trusted(records):
                if each.regulator.key.digest == digest:
                    return records.delete(each.id)
        raise ContentError(VaultReason.REGULATOR_NOT_FOUND, "the vault trusts no such regulator")


def held_in(records: Records) -> list[HeldComposite]:
    """Return the credentials in the order in which they came."""
    found = records.all(Kind.COMPOSITE_CREDENTIAL, held_composite_of)
    return sorted(found, key=lambda each: (each.received, each.id))


def _claims(records: Records) -> list[PendingClaim]:
    found = records.all(Kind.COMPOSITE_CLAIM, pending_claim_of)
    return sorted(found, key=lambda each: (each.begun, each.id))


def _trusted(records: Records) -> list[TrustedRegulator]:
    found = records.all(Kind.REGULATOR, trusted_regulator_of)
    return sorted(found, key=lambda each: (each.since, each.id))
