"""A department checks what holders prove of its credentials; all else is refused, alone and in a batch."""

import datetime as dt
import secrets
from dataclasses import replace
from typing import Any

import pytest

from bbs.keyed import P256, SM2, KeyedCredential, KeyedSuite, Mac, SecretKey, issue
from bbs.keyed.group import POINT_OCTETS
from disclosure import DisclosureError, LocalizedText, MalformedError, RefusedError, Value, VerifierName
from disclosure.composite.predicates import Equal, InList, NotEqual, OneOf, Predicate, Range, Sum, Term
from disclosure.composite.query import ExpiryShown, ValidOn
from disclosure.keyed import (
    KeyedClaim,
    KeyedHolding,
    KeyedPresentation,
    KeyedQuery,
    KeyedRequest,
    KeyedSecret,
    KeyedVerdict,
    present_keyed,
    verify_keyed_batch,
)
from disclosure.keyed.credential import domain_of, generators_of, message_scalars
from tests.disclosure.keyed.world import (
    COUNTER,
    HOME,
    INSURANCE,
    NOW,
    PENSION,
    PENSION_VALUES,
    PREDICATES,
    SCHEMAS,
    TODAY,
    VALUES,
    Case,
    Holder,
    Office,
    case,
    checked,
    of,
    office,
    refusal,
    request,
    simple,
)

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module", params=[P256, SM2], ids=lambda curve: str(curve.name))
def mine(request: pytest.FixtureRequest) -> Office:
    return office(request.param)


@pytest.fixture(scope="module")
def good(mine: Office) -> Case:
    return case(mine)


def test_all_that_can_be_asked_is_answered_and_the_verdict_says_whom_it_convinces(
    mine: Office, good: Case
) -> None:
    presented = good.present()
    octets = presented.canonical
    verdict = checked(mine, good.request, KeyedPresentation.from_bytes(octets, SCHEMAS))
    assert verdict.verifier == COUNTER
    assert verdict.designated_verifier is True
    assert b"designated-verifier" in verdict.canonical
    assert b"designated-verifier" in good.request.canonical
    assert KeyedVerdict.from_bytes(verdict.canonical, SCHEMAS) == verdict
    insurance, pension = verdict.shown
    assert (insurance.expiry, insurance.values, pension.values) == (None, {}, {})
    assert pension.expiry == TODAY + dt.timedelta(days=365)
    # Nothing that stays hidden stands in the octets.
    assert bytes(range(32)) not in octets
    assert good.present().proof != presented.proof


def test_what_is_shown_is_what_was_signed(mine: Office, good: Case) -> None:
    asked = simple(mine.keys)
    presented = good.present(asked)
    assert checked(mine, asked, presented).shown[0].values == {"kind": "b", "level": 4}
    lies: list[tuple[dict[str, Value | None], str]] = [
        ({"kind": "a", "level": 4}, "PROOF_INVALID"),
        ({"kind": "b", "level": 5}, "PROOF_INVALID"),
        ({"kind": "b", "level": None}, "PROOF_INVALID"),
        ({"kind": "b"}, "QUERY_MISMATCH"),
        ({"kind": "b", "level": 4, "months": 20}, "QUERY_MISMATCH"),
    ]
    for values, reason in lies:
        shown = (replace(presented.shown[0], values=values),)
        assert refusal(mine, asked, replace(presented, shown=shown)) == reason
    for day, reason in (
        (TODAY + 364 * DAY, "PROOF_INVALID"), (TODAY - DAY, "CREDENTIAL_EXPIRED"), (None, "QUERY_MISMATCH"),
    ):  # fmt: skip
        shown = (replace(presented.shown[0], expiry=day),)
        assert refusal(mine, asked, replace(presented, shown=shown)) == reason
    assert refusal(mine, asked, replace(presented, shown=2 * presented.shown)) == "QUERY_MISMATCH"


def test_an_absent_attribute_is_shown_as_absent(mine: Office) -> None:
    holder = Holder.of(mine)
    values = {name: value for name, value in VALUES.items() if name != "level"}
    asked = simple(mine.keys)
    presented = present_keyed(asked, {"insurance": holder.get(values=values)}, mine.keys, SCHEMAS, NOW)
    assert checked(mine, asked, presented).shown[0].values == {"kind": "b", "level": None}


def test_every_octet_of_a_proof_counts(mine: Office, good: Case) -> None:
    asked = simple(mine.keys)
    presented = good.present(asked)
    reasons = set()
    for place in range(0, len(presented.proof), 7):
        changed = bytearray(presented.proof)
        changed[place] ^= 1 << secrets.randbelow(8)
        reasons.add(refusal(mine, asked, replace(presented, proof=bytes(changed))))
    assert reasons <= {"PROOF_INVALID", "PRESENTATION_INVALID"}
    for proof in (presented.proof[:-1], presented.proof + b"\x00", bytes(len(presented.proof))):
        assert refusal(mine, asked, replace(presented, proof=proof)) == "PRESENTATION_INVALID"


def test_the_identity_is_refused_in_every_place_of_a_sent_point(mine: Office, good: Case) -> None:
    asked = simple(mine.keys)
    presented = good.present(asked)
    for place in range(3):  # A', B' and D come first
        start = place * POINT_OCTETS
        for identity in (bytes(POINT_OCTETS), b"\x00" * (POINT_OCTETS - 1) + b"\x01"):
            proof = presented.proof[:start] + identity + presented.proof[start + POINT_OCTETS :]
            assert refusal(mine, asked, replace(presented, proof=proof)) == "PRESENTATION_INVALID"


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": bytes(32)},
        {"verifier": VerifierName("counter-4")},
        {"expires": NOW + dt.timedelta(minutes=11)},
        {"purpose": LocalizedText("别的", "something else")},
        {"predicates": (Range(of("months"), minimum=13, maximum=100), *PREDICATES[1:])},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_presentation_answers_one_request(mine: Office, good: Case, changed: dict[str, Any]) -> None:
    presented, other = good.present(), replace(good.request, **changed)
    assert refusal(mine, other, presented) == "REQUEST_MISMATCH"
    # Whoever puts the other request's digest in has no proof for it.
    assert refusal(mine, other, replace(presented, request_digest=other.digest)) == "PROOF_INVALID"


def test_a_request_counts_while_it_lives(mine: Office, good: Case) -> None:
    presented = good.present()
    assert refusal(mine, good.request, presented, good.request.expires) == "REQUEST_EXPIRED"
    early = NOW - dt.timedelta(minutes=3)
    assert refusal(mine, good.request, presented, early) == "REQUEST_NOT_YET_VALID"


def test_a_mac_of_another_key_is_refused(mine: Office) -> None:
    """Also where its holder puts it behind the right key's name."""
    other = office(mine.keys.curve, 2)
    foreign = Holder.of(other).get()
    asked = simple(mine.keys)
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        # The prover cannot even: the domain has the key in it, so that messages and point do not fit.
        present_keyed(asked, {"insurance": foreign}, mine.keys, SCHEMAS, NOW)
    theirs = simple(other.keys)
    presented = present_keyed(theirs, {"insurance": foreign}, other.keys, SCHEMAS, NOW)
    assert checked(other, theirs, presented)
    assert refusal(mine, theirs, presented) == "ISSUER_KEY_UNKNOWN"
    shown = tuple(replace(each, issuer_key=mine.keys.name) for each in presented.shown)
    moved = KeyedPresentation(asked.digest, shown, presented.proof)
    assert refusal(mine, asked, moved) == "PROOF_INVALID"


def forged(mine: Office, key: Any) -> KeyedHolding:
    """What somebody with a key makes by himself, under the published one's domain: nobody was asked."""
    secret, keys = KeyedSecret.generate(mine.keys.curve), mine.keys
    generators = generators_of(INSURANCE, keys.curve)
    messages = message_scalars(INSURANCE, keys, secret.scalar, 7, TODAY + 365 * DAY, VALUES, 9)
    mac = issue(key, generators.combine(domain_of(INSURANCE, keys), messages))

    (A,) = KeyedSuite(keys.curve).group.g1s_from_octets((mac[:POINT_OCTETS],))
    e = int.from_bytes(mac[POINT_OCTETS : POINT_OCTETS + 32])
    B = generators.combine(domain_of(INSURANCE, keys), messages)
    credential = KeyedCredential(generators, Mac(A, e, B), messages, domain_of(INSURANCE, keys))
    return KeyedHolding(INSURANCE.name, TODAY + 365 * DAY, VALUES, credential)


def test_who_holds_the_key_could_have_made_it_up_and_nobody_else_can(mine: Office) -> None:
    """This is what "designated verifier" says, and why the key stays in one process."""
    asked = simple(mine.keys)
    for key, reason in ((mine.key, "OK"), (office(mine.keys.curve, 2).key, "PROOF_INVALID")):
        presented = present_keyed(asked, {"insurance": forged(mine, key)}, mine.keys, SCHEMAS, NOW)
        assert refusal(mine, asked, presented) == reason


@pytest.mark.parametrize(
    ("predicate", "values", "holds"),
    [
        (Range(of("months"), minimum=20), {}, True),
        (Range(of("months"), minimum=21), {}, False),
        (Range(of("months"), maximum=20), {}, True),
        (Range(of("months"), maximum=19), {}, False),
        (Range(of("months"), minimum=0, maximum=600), {"months": 600}, True),
        (Range(of("since"), minimum=19_783), {}, True),
        (Range(of("since"), minimum=19_784), {}, False),
        (Range(of("level"), minimum=0), {"level": None}, False),
        (OneOf(of("kind"), ("a", "c")), {}, False),
        (OneOf(of("months"), (20, 21)), {}, True),
        (NotEqual(of("kind"), "b"), {}, False),
        (NotEqual(of("level"), 5), {"level": None}, False),
        (NotEqual(of("level"), 5), {}, True),
    ],
    ids=str,
)
def test_predicates_hold_at_their_bounds_and_not_beyond(
    predicate: Predicate, values: dict[str, Any], holds: bool
) -> None:
    mine = office(P256)
    given = {name: value for name, value in {**VALUES, **values}.items() if value is not None}
    holding = Holder.of(mine).get(values=given)
    asked = simple(mine.keys, (predicate,))
    if holds:
        presented = present_keyed(asked, {"insurance": holding}, mine.keys, SCHEMAS, NOW)
        assert checked(mine, asked, presented)
    else:
        with pytest.raises(RefusedError, match="UNSATISFIED"):
            present_keyed(asked, {"insurance": holding}, mine.keys, SCHEMAS, NOW)


def test_equalities_and_one_holder_and_no_credential_twice() -> None:
    mine = office(P256)
    asked, first, second = request(mine.keys), Holder.of(mine), Holder.of(mine)
    insurance = first.get()
    both = {"insurance": insurance, "pension": first.get(PENSION, PENSION_VALUES)}
    assert checked(mine, asked, present_keyed(asked, both, mine.keys, SCHEMAS, NOW))
    without = {"person": PENSION_VALUES["person"]}
    lies = {
        "of another holder": both | {"pension": second.get(PENSION, PENSION_VALUES)},
        "of another person": both | {"pension": first.get(PENSION, {"person": bytes(32), "level": 4})},
        "another level": both | {"pension": first.get(PENSION, {**PENSION_VALUES, "level": 5})},
        "both absent": {
            "insurance": first.get(values={n: v for n, v in VALUES.items() if n != "level"}),
            "pension": first.get(PENSION, without),
        },
    }
    for name, holdings in lies.items():
        with pytest.raises(RefusedError, match="UNSATISFIED"):
            pytest.fail(f"{name}: {present_keyed(asked, holdings, mine.keys, SCHEMAS, NOW)}")
    twice = tuple(KeyedQuery.of(each, INSURANCE, ExpiryShown()) for each in ("one", "two"))
    asked = replace(asked, queries=twice, predicates=())
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        present_keyed(asked, {"one": insurance, "two": insurance}, mine.keys, SCHEMAS, NOW)
    renewed = {"one": insurance, "two": first.get()}
    assert checked(mine, asked, present_keyed(asked, renewed, mine.keys, SCHEMAS, NOW))


def test_the_last_day_of_validity_is_proven_to_the_day() -> None:
    mine = office(P256)
    holding = Holder.of(mine).get(today=TODAY - 300 * DAY)
    for day, reason in ((65, "OK"), (66, "UNSATISFIED"), (-1, "BOUND_INVALID")):
        query = KeyedQuery.of("insurance", INSURANCE, ValidOn(TODAY + day * DAY))
        asked = replace(request(mine.keys), queries=(query,), predicates=())
        try:
            presented = present_keyed(asked, {"insurance": holding}, mine.keys, SCHEMAS, NOW)
        except DisclosureError as error:
            found = error.reason
        else:
            found = refusal(mine, asked, presented)
        assert found == reason


@pytest.mark.parametrize(
    ("predicate", "reason"),
    [
        (Range(of("kind"), minimum=1), "PREDICATE_INVALID"),
        (Range(of("months"), minimum=-1), "BOUND_INVALID"),
        (Range(of("months"), maximum=601), "BOUND_INVALID"),
        (Range(of("missing"), maximum=1), "ATTRIBUTE_UNKNOWN"),
        (Range(of("months", "missing"), maximum=1), "PREDICATE_INVALID"),
        (OneOf(of("kind"), ("a", "d")), "BOUND_INVALID"),
        (Equal((of("months"), of("kind"))), "PREDICATE_INVALID"),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_proven_is_refused_with_its_place(predicate: Predicate, reason: str) -> None:
    mine = office(P256)
    good = case(mine)
    asked = replace(good.request, predicates=(predicate,))
    presented = replace(good.present(), request_digest=asked.digest)
    with pytest.raises(DisclosureError) as caught:
        checked(mine, asked, presented)
    assert caught.value.reason == reason
    assert caught.value.field.startswith("predicates[0]")


@pytest.mark.parametrize(
    "predicate", [InList(of("kind"), bytes(32)), Sum((Term(of("months")),), minimum=1)], ids=["list", "sum"]
)
def test_lists_and_sums_are_not_of_this_form(predicate: Predicate) -> None:
    with pytest.raises(MalformedError, match="REQUEST_INVALID"):
        simple(office(P256).keys, (predicate,))


def test_of_a_secret_only_equality_is_proven() -> None:
    mine = office(P256)
    holder, queries = (
        Holder.of(mine),
        tuple(KeyedQuery.of(each, HOME, ExpiryShown()) for each in ("one", "two")),
    )
    homes: dict[str, KeyedHolding] = {each: holder.get(HOME, {"home": bytes(32)}) for each in ("one", "two")}
    same = Equal((of("home", "one"), of("home", "two")))
    asked = replace(request(mine.keys), queries=queries, predicates=(same,))
    assert checked(mine, asked, present_keyed(asked, homes, mine.keys, SCHEMAS, NOW))
    for refused in (
        replace(asked, predicates=(NotEqual(of("home", "one"), bytes(32)),)),
        replace(asked, predicates=(), queries=(replace(queries[0], shown=("home",)), queries[1])),
    ):
        with pytest.raises(MalformedError, match=r"PREDICATE_INVALID|REQUEST_INVALID"):
            present_keyed(refused, homes, mine.keys, SCHEMAS, NOW)


def test_a_batch_is_summed_first_and_no_point_that_was_sent_is_multiplied(
    mine: Office, good: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [replace(good.request, nonce=bytes([each]) * 32) for each in range(16)]
    claims = [KeyedClaim(each, good.present(each), mine.keys, SCHEMAS, NOW) for each in asked]
    assert verify_keyed_batch(claims, mine.verifying)  # the table is checked once, before
    multiplied, multiply = list[bytes](), SecretKey.multiply

    def recorded(key: SecretKey, point: Any) -> Any:
        multiplied.append(mine.keys.suite.group.g1s_to_octets((point,)))
        return multiply(key, point)

    monkeypatch.setattr(SecretKey, "multiply", recorded)
    for some in (claims, claims[:1]):
        multiplied.clear()
        assert all(isinstance(each, KeyedVerdict) for each in verify_keyed_batch(some, mine.verifying))
        assert len(multiplied) == 2, "one sum of the credentials' key, one of the digits' key"
        assert not any(point in claim.presentation.proof for point in multiplied for claim in some)


def test_a_schema_counts_by_its_digest(mine: Office, good: Case) -> None:
    presented = good.present()
    wider = replace(INSURANCE, validity_days=366)
    schemas = SCHEMAS | {INSURANCE.name: wider}
    assert refusal(mine, good.request, presented, schemas=schemas) == "SCHEMA_UNKNOWN"
    # A request for the other schema of the same name: what is signed binds the digest.
    query = KeyedQuery.of("insurance", wider, ExpiryShown(), ("kind", "level"))
    asked = replace(simple(mine.keys), queries=(query,))
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        present_keyed(asked, good.holdings, mine.keys, schemas, NOW)


def test_octets_have_one_encoding_and_say_what_is_given_up(mine: Office, good: Case) -> None:
    octets = good.request.canonical
    assert KeyedRequest.from_bytes(octets) == good.request
    for said in (b"designated-verifier", b"revocation-waived", b"same-holder"):
        assert said in octets
        with pytest.raises(MalformedError):
            KeyedRequest.from_bytes(octets.replace(said, said[:-1] + b"x"))
    verdict = checked(mine, good.request, good.present()).canonical
    with pytest.raises(MalformedError):
        KeyedVerdict.from_bytes(verdict.replace(b"designated-verifier", b"transferable-verdi"), SCHEMAS)
    for whole, decode in (
        (octets, KeyedRequest.from_bytes),
        (verdict, lambda each: KeyedVerdict.from_bytes(each, SCHEMAS)),
        (good.present().canonical, lambda each: KeyedPresentation.from_bytes(each, SCHEMAS)),
    ):
        for bad in (whole[:-1], whole + b"\x00", b"", b"\x80"):
            with pytest.raises(MalformedError):
                decode(bad)
