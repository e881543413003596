"""Blind issuance: what the issuer accepts, what the holder accepts, and what each learns."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs.accumulator import MembershipWitness
from bbs.blind import core_blind_sign
from bbs.engine import Builder, PairingSuite, Values, prove
from bbs.gadgets.bases import generator_bases
from bbs.groups.bls12_381 import r
from disclosure import KeyState, MalformedError, RefusedError, Schema, canonical
from disclosure.composite import (
    CompositeCredential,
    HolderSecret,
    IdentifiedCommitment,
    IssuanceTerms,
    IssuedCredential,
    PendingCredential,
    PresentedCommitment,
    PublishedAccumulator,
    VerifiedCommitment,
    accept_credential,
    ask_for_credential,
    check_commitment,
    check_composite_credential,
    issue_composite,
    scalars,
)
from disclosure.composite.issuance import _compile
from tests.disclosure.composite.world import (
    ALICE,
    BOB,
    HOUSEHOLD,
    HRSS,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    SUITE,
    TODAY,
    VALUES,
)
from tests.disclosure.world import PERMIT as PLAIN_PERMIT

TERMS = IssuanceTerms(PERMIT.name, POLICE.key.name, base=True, nonce=bytes(32))
PRESENTED = replace(TERMS, base=False)


def asked(terms: IssuanceTerms = TERMS, secret: HolderSecret = ALICE) -> tuple[bytes, PendingCredential]:
    return ask_for_credential(terms, secret, PERMIT, POLICE.key)


def issued(commitment: bytes, terms: IssuanceTerms = TERMS) -> IssuedCredential:
    verified = check_commitment(terms, commitment, PERMIT, POLICE.key)
    return issue_composite(verified, PERMIT, POLICE.key, POLICE.secret, VALUES[PERMIT.name], TODAY)


def accepted(
    pending: PendingCredential,
    answer: IssuedCredential,
    secret: HolderSecret = ALICE,
    schema: Schema = PERMIT,
) -> CompositeCredential:
    witness = POLICE.accumulator.witness(answer.handle, POLICE.epochs[2].position, ())
    return accept_credential(pending, answer, secret, schema, POLICE.key, POLICE.published, witness)


def credential() -> CompositeCredential:
    commitment, pending = asked()
    return accepted(pending, issued(commitment))


def test_what_is_issued_is_accepted_and_stored_and_read_again() -> None:
    kept = credential()
    assert kept.expiry == TODAY + dt.timedelta(days=PERMIT.validity_days)
    assert CompositeCredential.from_bytes(kept.to_bytes(PERMIT), PERMIT) == kept
    assert check_composite_credential(kept, ALICE, PERMIT, POLICE.key) is kept


def test_every_octet_of_a_commitment_counts() -> None:
    commitment, _ = asked()
    for at in range(len(commitment)):
        changed = bytearray(commitment)
        changed[at] ^= 1
        with pytest.raises((MalformedError, RefusedError), match=r"MALFORMED|COMMITMENT_INVALID"):
            check_commitment(TERMS, bytes(changed), PERMIT, POLICE.key)
    for other in (b"", commitment[:-1], commitment + b"\x00", bytes(len(commitment))):
        with pytest.raises(MalformedError, match="MALFORMED"):
            check_commitment(TERMS, other, PERMIT, POLICE.key)


@pytest.mark.parametrize(
    "terms",
    [
        replace(TERMS, nonce=bytes(31) + b"\x01"),
        replace(TERMS, issuer_key=POLICE_2.key.name),
        replace(TERMS, schema=PERMIT_2.name),
    ],
    ids=["nonce", "key", "schema"],
)
def test_a_commitment_is_good_for_its_terms_only(terms: IssuanceTerms) -> None:
    commitment, _ = asked()
    key = POLICE_2.key if terms.issuer_key == POLICE_2.key.name else POLICE.key
    schema = PERMIT_2 if terms.schema == PERMIT_2.name else PERMIT
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        check_commitment(terms, commitment, schema, key)


def test_a_commitment_is_for_a_schema_and_not_for_its_name() -> None:
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        check_commitment(TERMS, asked()[0], replace(PERMIT, validity_days=91), POLICE.key)


def test_a_commitment_that_says_of_nobody_whose_it_is_is_neither_made_nor_accepted() -> None:
    """Else who asks for terms without the pseudonym would need neither a face nor a credential."""
    for refused in (
        lambda: asked(PRESENTED),
        lambda: check_commitment(PRESENTED, asked()[0], PERMIT, POLICE.key),
    ):
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID") as raised:
            refused()
        assert raised.value.field == "base"


def test_a_commitment_says_by_its_type_how_it_came_about() -> None:
    verified = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    assert isinstance(verified, IdentifiedCommitment)
    for make in (
        lambda: IdentifiedCommitment(PRESENTED, verified.C, verified.pseudonym),
        lambda: IdentifiedCommitment(TERMS, verified.C, b""),
        lambda: PresentedCommitment(TERMS, verified.C, bytes(32)),
        lambda: PresentedCommitment(PRESENTED, verified.C, b""),
    ):
        with pytest.raises(MalformedError, match="MALFORMED"):
            make()


def test_a_verified_commitment_does_not_show_whose_it_is() -> None:
    verified = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    assert repr(verified.pseudonym) not in repr(verified)
    assert "pseudonym" not in repr(verified)


def test_a_base_credential_tells_two_vaults_of_one_person_apart_and_one_vault_of_two_persons() -> None:
    """The department keeps N for each person that it identified."""
    first, again, other = (
        check_commitment(terms, asked(terms, secret)[0], PERMIT, POLICE.key)
        for terms, secret in ((TERMS, ALICE), (replace(TERMS, nonce=bytes([1] * 32)), ALICE), (TERMS, BOB))
    )
    assert first.pseudonym == again.pseudonym != other.pseudonym
    assert first.C != again.C


def smuggled(extra: int) -> bytes:
    """A commitment to an attribute besides the secret, proven as well as it can be."""
    suite = PairingSuite(SUITE)
    bases = generator_bases(suite, scalars.generators(PERMIT, SUITE))
    builder = Builder(suite)
    scope = builder.scope("commitment")
    C, s, k, m = scope.sent("C"), scope.witness("s"), scope.witness("k"), scope.witness("m")
    scope.equation("C", {C: 1}, [(k, bases[2]), (s, bases[-1]), (m, bases[2 + scalars.FIRST_ATTRIBUTE])])
    statement = builder.build()
    values = Values(statement)
    for witness, value in ((s, 5), (k, 6), (m, extra)):
        values.set(witness, value)
    values.send(C, {bases[2]: 6, bases[-1]: 5, bases[2 + scalars.FIRST_ATTRIBUTE]: extra})
    return prove(statement, _compile(TERMS, PERMIT, POLICE.key).context, values)


def test_a_holder_smuggles_no_attribute_into_its_commitment() -> None:
    proof = smuggled(extra=77)
    size = len(asked()[0])
    shorter = proof[: size - 32] + proof[-32:]
    for octets in (proof, proof[:size], shorter):
        with pytest.raises((MalformedError, RefusedError), match=r"MALFORMED|COMMITMENT_INVALID"):
            check_commitment(TERMS, octets, PERMIT, POLICE.key)


def test_handles_and_signatures_are_fresh_and_e_differs() -> None:
    """With one e on two B, anybody could forge."""
    verified = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    again = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    values = VALUES[PERMIT.name]
    drawn = [
        issue_composite(each, PERMIT, POLICE.key, POLICE.secret, values, TODAY)
        for each in (verified, verified, again)
    ]
    assert len({each.handle for each in drawn}) == 3
    assert len({each.signature[48:] for each in drawn}) == 3
    # Two commitments alone make two e, whatever else is signed.
    generators, known = scalars.generators(PERMIT, SUITE), (0, 1, 2)
    signed = {
        core_blind_sign(
            POLICE.secret, POLICE.key.public_key, SUITE.group.g1_from_octets(each.C), generators, b"",
            known, b"x",
        )[48:]
        for each in (verified, again)
    }  # fmt: skip
    assert len(signed) == 2


def changed(kind: str, answer: IssuedCredential) -> IssuedCredential:
    match kind:
        case "value":
            return replace(answer, values={**answer.values, "district": "370103"})
        case "value left out":
            return replace(answer, values={**answer.values, "remark": "x"})
        case "expiry":
            return replace(answer, expiry=answer.expiry + dt.timedelta(days=1))
        case "handle":
            return replace(answer, handle=answer.handle % (r - 1) + 1)
        case "e":
            return replace(answer, signature=answer.signature[:-1] + bytes([answer.signature[-1] ^ 1]))
    return replace(answer, signature=bytes(80))


@pytest.mark.parametrize("kind", ["value", "value left out", "expiry", "handle", "e", "no signature"])
def test_a_holder_accepts_nothing_that_was_not_signed(kind: str) -> None:
    commitment, pending = asked()
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        accepted(pending, changed(kind, issued(commitment)))


def test_a_credential_is_its_holders_alone() -> None:
    commitment, pending = asked()
    answer = issued(commitment)
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        accepted(pending, answer, BOB)
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        accepted(asked()[1], answer)


def test_a_witness_is_checked_before_anything_is_stored() -> None:
    commitment, pending = asked()
    answer = issued(commitment)
    at, secret = POLICE.epochs[2].position, POLICE.accumulator
    true = secret.witness(answer.handle, at, ())

    def accept(witness: MembershipWitness | None, published: PublishedAccumulator | None) -> None:
        accept_credential(pending, answer, ALICE, PERMIT, POLICE.key, published, witness)

    accept(true, POLICE.published)
    accept(None, None)
    unlogged = at.after(secret.revoke([77], at, ()))
    for witness, published, reason in (
        (None, POLICE.published, "SIGNATURE_INVALID"),
        (true, None, "SIGNATURE_INVALID"),
        (secret.witness(answer.handle % (r - 1) + 1, at, ()), POLICE.published, "SIGNATURE_INVALID"),
        (replace(true, C=secret.witness(5, at, ()).C), POLICE.published, "SIGNATURE_INVALID"),
        (replace(true, at=POLICE.epochs[1].position), POLICE.published, "SIGNATURE_INVALID"),
        (HRSS.accumulator.witness(5, HRSS.epochs[2].position, ()), POLICE.published, "EPOCH_UNKNOWN"),
        (
            HRSS.accumulator.witness(answer.handle, HRSS.epochs[2].position, ()),
            HRSS.published,
            "SIGNATURE_INVALID",
        ),
        (secret.witness(answer.handle, unlogged, ()), POLICE.published, "EPOCH_UNKNOWN"),
    ):
        with pytest.raises(RefusedError, match=r"witness|accumulator") as raised:
            accept(witness, published)
        assert (raised.value.reason, raised.value.field) == (reason, "witness")


def test_values_that_do_not_fit_are_neither_issued_nor_accepted() -> None:
    verified = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    for values, reason in (
        ({}, "ATTRIBUTE_MISSING"),
        ({**VALUES[PERMIT.name], "months": 601}, "VALUE_INVALID"),
        ({**VALUES[PERMIT.name], "unknown": 1}, "ATTRIBUTE_UNKNOWN"),
    ):
        with pytest.raises(MalformedError, match=reason):
            issue_composite(verified, PERMIT, POLICE.key, POLICE.secret, values, TODAY)
    commitment, pending = asked()
    answer = issued(commitment)
    beyond = replace(answer, values={**answer.values, "months": 601})
    with pytest.raises(MalformedError, match="VALUE_INVALID"):
        accepted(pending, beyond)


def test_an_issuer_signs_with_an_active_key_of_its_own_for_its_terms_only() -> None:
    verified = check_commitment(TERMS, asked()[0], PERMIT, POLICE.key)
    values = VALUES[PERMIT.name]

    def sign(commitment: VerifiedCommitment = verified, **other: Any) -> None:
        fields: dict[str, Any] = {"schema": PERMIT, "key": POLICE.key, "secret_key": POLICE.secret} | other
        issue_composite(commitment, values=values, today=TODAY, **fields)

    with pytest.raises(RefusedError, match="ISSUER_KEY_RETIRED"):
        sign(key=replace(POLICE.key, state=KeyState.VERIFY_ONLY))
    with pytest.raises(RefusedError, match="ISSUER_KEY_UNKNOWN"):
        sign(secret_key=POLICE_2.secret)
    with pytest.raises(RefusedError, match="ISSUER_KEY_UNKNOWN"):
        sign(key=POLICE_2.key)
    with pytest.raises(RefusedError, match="SCHEMA_UNKNOWN"):
        sign(schema=PERMIT_2)
    with pytest.raises(RefusedError, match="FORM_NOT_SUPPORTED"):
        sign(schema=PLAIN_PERMIT)
    with pytest.raises(MalformedError, match="MALFORMED"):
        IssuanceTerms(PERMIT.name, HRSS.key.name, base=False)


def test_terms_and_issued_credentials_have_one_encoding() -> None:
    assert IssuanceTerms.from_bytes(PRESENTED.canonical) == PRESENTED
    answer = issued(asked()[0])
    octets = answer.to_bytes(PERMIT)
    again = IssuedCredential.from_bytes(octets, PERMIT)
    assert again.to_bytes(PERMIT) == octets
    for wrong in (octets + b"\x00", octets[:-1], TERMS.canonical, credential().to_bytes(PERMIT)):
        with pytest.raises(MalformedError, match="MALFORMED"):
            IssuedCredential.from_bytes(wrong, PERMIT)
    with pytest.raises(MalformedError, match="MALFORMED"):
        IssuedCredential.from_bytes(octets, PERMIT_2)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_changed_octets_of_a_stored_credential_are_refused_or_another(data: st.DataObject) -> None:
    octets = bytearray(STORED)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = CompositeCredential.from_bytes(bytes(octets), PERMIT)
    except MalformedError:
        return
    assert other.to_bytes(PERMIT) == bytes(octets)
    with pytest.raises(RefusedError):
        check_composite_credential(other, ALICE, PERMIT, POLICE.key)


STORED = credential().to_bytes(PERMIT)


@pytest.mark.parametrize("scalar", [0, r, r + 1, -1, 1 << 256, True])
def test_scalars_outside_their_range_are_refused_without_being_shown(scalar: int) -> None:
    kept = credential()
    for make in (
        lambda: HolderSecret(scalar),
        lambda: PendingCredential(TERMS, scalar),
        lambda: replace(kept, handle=scalar),
        lambda: replace(kept, blind=scalar),
    ):
        with pytest.raises(MalformedError, match="MALFORMED") as raised:
            make()
        assert abs(scalar) < 2 or str(scalar) not in str(raised.value)


def test_a_handle_longer_than_32_octets_is_no_second_encoding() -> None:
    kept = credential()
    label = "zk-disclosure/composite-credential/v1"
    fields = canonical.decode(label, kept.to_bytes(PERMIT))
    fields[4] = b"\x00" + fields[4]  # type: ignore[operator]
    with pytest.raises(MalformedError, match="MALFORMED"):
        CompositeCredential.from_bytes(canonical.encode(label, *fields), PERMIT)


def test_secrets_do_not_show_themselves() -> None:
    kept, (commitment, pending) = credential(), asked()
    shown = f"{kept!r} {pending!r} {ALICE!r} {issued(commitment)!r} {kept}"
    for secret in (kept.handle, kept.blind, ALICE.scalar, pending.blind, "王小明"):
        assert str(secret) not in shown


def test_the_issuer_sees_nothing_of_the_holders_secret() -> None:
    """Two commitments of one holder have N in common and nothing else; the secret is in neither."""
    one, other = asked()[0], asked()[0]
    pseudonym = check_commitment(TERMS, one, PERMIT, POLICE.key).pseudonym
    groups = [{octets[at : at + 32] for at in range(0, len(octets), 16)} for octets in (one, other)]
    assert all(each in pseudonym for each in groups[0] & groups[1])
    assert all(ALICE.to_octets_secret() not in octets for octets in (one, other))


def test_a_secret_of_a_household_is_signed_like_the_rest() -> None:
    terms = IssuanceTerms(HOUSEHOLD.name, POLICE.key.name, base=True)
    commitment, pending = ask_for_credential(terms, ALICE, HOUSEHOLD, POLICE.key)
    verified = check_commitment(terms, commitment, HOUSEHOLD, POLICE.key)
    values = VALUES[HOUSEHOLD.name]
    answer = issue_composite(verified, HOUSEHOLD, POLICE.key, POLICE.secret, values, TODAY)
    kept = accepted(pending, answer, schema=HOUSEHOLD)
    assert CompositeCredential.from_bytes(kept.to_bytes(HOUSEHOLD), HOUSEHOLD) == kept
