"""Vaults of the composite form without a service: what departments of the library's city sign."""

import datetime as dt
from typing import Any

from disclosure import Accumulator, OfferLink, Schema, Value
from disclosure.composite import (
    IssuanceTerms,
    IssuedCredential,
    Regulator,
    accept_credential,
    check_commitment,
    issue_composite,
)
from disclosure.names import RegulatorName
from prover import HeldComposite, PendingClaim, Standing, Vault
from prover.composite.records import Offered
from prover.composite.vault import Contents
from tests.disclosure.composite.world import (
    ALICE,
    REGULATOR_KEY,
    TODAY,
    VALUES,
    Department,
    department_of,
    issued,
)
from tests.disclosure.world import text
from tests.prover.making import SERVER

REGULATOR = Regulator(RegulatorName("prosecutor"), text("prosecutor"), REGULATOR_KEY)


def offered(schema: Schema, number: int = 1, by: Department | None = None) -> Offered:
    link = OfferLink(SERVER, f"offer-{number}", f"claim-code-{number}")
    return Offered(link, schema, (by or department_of(schema)).key, True)


def begun(vault: Vault, schema: Schema, number: int = 1) -> PendingClaim:
    terms = IssuanceTerms(schema.name, department_of(schema).key.name, base=True)
    return vault.composite.begin_base_claim(offered(schema, number), terms)


def answered(claim: PendingClaim, **changes: Value) -> IssuedCredential:
    """Sign what a claim commits to, as its department does."""
    by = department_of(claim.schema)
    commitment = check_commitment(claim.terms, claim.answer, claim.schema, by.key)
    values = {**VALUES[claim.schema.name], **changes}
    return issue_composite(commitment, claim.schema, by.key, by.secret, values, TODAY)


def standing(by: Department, handle: int, epoch: int = 2) -> Standing:
    at = by.epochs[epoch]
    accumulator = Accumulator.of(by.key.name.department, by.accumulator.key)
    return Standing(accumulator, at, by.accumulator.witness(handle, at.position, ()))


def finished(vault: Vault, claim: PendingClaim, answer: IssuedCredential, epoch: int = 2) -> HeldComposite:
    """Check and store what came, as the client does."""
    by, secret = department_of(claim.schema), vault.composite.contents().secret
    assert secret is not None
    stands = standing(by, answer.handle, epoch)
    credential = accept_credential(
        claim.pending, answer, secret, claim.schema, claim.issuer_key, by.published, stands.witness
    )
    return vault.composite.finish_claim(claim.id, credential, stands)


def received(vault: Vault, schema: Schema, number: int = 1, epoch: int = 2) -> HeldComposite:
    claim = begun(vault, schema, number)
    held = finished(vault, claim, answered(claim), epoch)
    vault.end_claim(claim.id)
    return held


def kept(
    schema: Schema,
    at: int = 0,
    /,
    *,
    by: Department | None = None,
    expiry: dt.date = TODAY + dt.timedelta(days=30),
    epoch: int | None = 2,
    secret: Any = ALICE,
    **changes: Value | None,
) -> HeldComposite:
    """A credential as a vault has it, without a vault; a higher one came later."""
    by = by or department_of(schema)
    credential = issued(schema, by, secret, expiry, tuple(sorted(changes.items())))
    received_at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=at)
    stands = None if epoch is None else standing(by, credential.handle, epoch)
    return HeldComposite(f"{at:032x}", credential, schema, by.key, received_at, stands)


def contents(*held: HeldComposite, trusted: tuple[Regulator, ...] = (REGULATOR,)) -> Contents:
    return Contents(ALICE, tuple(sorted(held, key=lambda each: each.received)), trusted)
