"""The check service as its own process: what it answers, what it refuses, and what it never tells."""

import asyncio
import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import RefusedError, VerifierName
from disclosure.composite.issuance import IssuanceTerms
from disclosure.composite.predicates import Range
from disclosure.keyed import KeyedSecret, KeyedVerdict, ask_for_keyed
from tests.disclosure.keyed.world import COUNTER, INSURANCE, SCHEMAS, VALUES, of, simple
from tests.zkservice.keyed.office import (
    Person,
    Running,
    check,
    fresh,
    now,
    refusal,
    running,
    together,
)
from tests.zkservice.wiring import LENGTH, Field, fields, join
from wire.client import ServiceError, service_error
from wire.convert import values_to
from zkproto.v1 import keyed_pb2 as pb
from zkservice.keyed.counters import admit, dismiss


@pytest.fixture(scope="module", params=["P-256", "SM2"])
def curve(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def office(curve: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("check") / "data", "--curve", curve) as started:
        yield started


@pytest.fixture(scope="module")
def person(office: Running) -> Person:
    return Person.of(office)


def raw(office: Running, method: str, octets: bytes, token: str | None) -> str:
    """Send octets as they are; return the reason of the refusal, or OK."""
    with office.endpoint().channel() as channel:
        call: Any = channel.unary_unary(f"/zkproto.v1.KeyedCheckService/{method}")
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        try:
            call(octets, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            return service_error(error).reason
    return "OK"


def test_a_counter_is_told_what_holds_and_whom_it_convinces(
    office: Running, person: Person, curve: str
) -> None:
    assert person.keys.curve.name == curve
    asked = fresh(person.keys)
    presented = person.answers(asked)
    verdict = check(office, asked, presented)
    assert verdict.designated_verifier
    assert b"designated-verifier" in verdict.canonical
    assert (verdict.verifier, verdict.request_digest) == (COUNTER, asked.digest)
    shown = simple(person.keys, created=asked.created, expires=asked.expires)
    assert check(office, shown, person.answers(shown)).shown[0].values == {"kind": "b", "level": 4}


def test_the_message_says_so_too(office: Running, person: Person) -> None:
    asked = simple(person.keys, created=now(), expires=now() + dt.timedelta(minutes=1))
    message = request_message(asked, person.answers(asked))
    with office.endpoint().channel() as channel:
        call: Any = channel.unary_unary("/zkproto.v1.KeyedCheckService/CheckKeyedPresentation")
        octets = call(
            message.SerializeToString(), metadata=(("authorization", f"Bearer {office.counter_token}"),)
        )
    answer = pb.CheckKeyedPresentationResponse.FromString(octets)
    assert answer.designated_verifier
    (shown,) = answer.shown
    assert [(each.attribute, each.value.WhichOneof("value")) for each in shown.values] == [
        ("level", "integer"), ("kind", "code"),
    ]  # fmt: skip
    assert shown.HasField("expiry")


def request_message(asked: Any, presented: Any) -> pb.CheckKeyedPresentationRequest:
    named = dict.fromkeys(each.schema for each in asked.queries)
    return pb.CheckKeyedPresentationRequest(
        request=asked.canonical,
        schemas=[SCHEMAS[each].canonical for each in named],
        presentation=presented.canonical,
    )


def mutations(octets: bytes) -> Iterator[bytes]:
    """Change every field of a message: gone, twice, empty, cut, longer, another octet in some places."""
    parts = fields(octets)
    for place, part in enumerate(parts):
        yield join(parts[:place] + parts[place + 1 :])
        yield join([*parts, part])
        if part.kind != LENGTH:
            continue
        payloads = [b"", part.payload[:-1], part.payload + b"\x00"]
        step = max(1, len(part.payload) // 12)
        for at in range(0, len(part.payload), step):
            changed = bytearray(part.payload)
            changed[at] ^= 1 << secrets.randbelow(8)
            payloads.append(bytes(changed))
        for payload in payloads:
            yield join([*parts[:place], Field(part.number, part.kind, payload), *parts[place + 1 :]])


def test_every_field_of_a_check_counts(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    octets = request_message(asked, person.answers(asked)).SerializeToString()
    reasons = {
        raw(office, "CheckKeyedPresentation", each, office.counter_token)
        for each in mutations(octets)
        if pb.CheckKeyedPresentationRequest.FromString(each).SerializeToString() != octets
    }
    assert "OK" not in reasons
    assert "INTERNAL" not in reasons
    assert raw(office, "CheckKeyedPresentation", octets, office.counter_token) == "OK"


def test_every_field_of_an_issuance_counts(office: Running, person: Person) -> None:
    """Values are the staff's to choose; terms and commitment are not, and are spent by each attempt."""
    secret = KeyedSecret.generate(person.keys.curve)

    def message(*, without: str = "") -> pb.IssueKeyedCredentialRequest:
        terms = office.service.begin(INSURANCE, office.staff_token)
        commitment, _ = ask_for_keyed(terms, secret, INSURANCE, person.keys)
        values = [(name, value) for name, value in VALUES.items() if name != without]
        return pb.IssueKeyedCredentialRequest(
            terms=terms.canonical, commitment=commitment, values=values_to(INSURANCE, values)
        )

    def issue(octets: bytes) -> str:
        return raw(office, "IssueKeyedCredential", octets, office.staff_token)

    bound = pb.IssueKeyedCredentialRequest(terms=message().terms, commitment=message().commitment)
    reasons = set()
    for number in range(len(list(mutations(bound.SerializeToString())))):
        asked = message()
        values = pb.IssueKeyedCredentialRequest(values=asked.values).SerializeToString()
        asked.ClearField("values")
        changed = next(islice(mutations(asked.SerializeToString()), number, None))
        if pb.IssueKeyedCredentialRequest.FromString(changed) != asked:
            reasons.add(issue(changed + values))
    reasons |= {issue(message(without=name).SerializeToString()) for name in ("months", "kind")}
    assert reasons <= {
        "MALFORMED", "COMMITMENT_INVALID", "ATTRIBUTE_MISSING", "NAME_INVALID", "FIELD_MISSING",
    }  # fmt: skip
    assert issue(message().SerializeToString()) == "OK"


def test_infinity_is_refused_where_a_point_is_sent(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    presented = person.answers(asked)
    for place in range(3):
        proof = presented.proof[: 33 * place] + bytes(33) + presented.proof[33 * place + 33 :]
        false = replace(presented, proof=proof)
        assert refusal(partial(check, office, asked, false)) == "PRESENTATION_INVALID"
    terms = office.service.begin(INSURANCE, office.staff_token)
    commitment, _ = ask_for_keyed(terms, KeyedSecret.generate(person.keys.curve), INSURANCE, person.keys)
    values = list(VALUES.items())

    def issue() -> Any:
        return office.service.issue(terms, bytes(33) + commitment[33:], values, INSURANCE, office.staff_token)

    assert refusal(issue) == "MALFORMED"


def test_one_request_is_answered_once_and_the_same_again_alike(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    presented, second = person.answers(asked), person.answers(asked)
    verdict = check(office, asked, presented)
    assert check(office, asked, presented).presentation_digest == verdict.presentation_digest
    assert refusal(lambda: check(office, asked, second)) == "EXCHANGE_ANSWERED"
    # What was refused has answered nothing.
    other = fresh(person.keys)
    false = replace(person.answers(other), proof=presented.proof)
    assert refusal(lambda: check(office, other, false)) == "PROOF_INVALID"
    assert check(office, other, person.answers(other))


def test_the_proof_of_another_request_is_refused(office: Running, person: Person) -> None:
    asked, other = fresh(person.keys), fresh(person.keys, nonce=bytes(32))
    presented = person.answers(asked)
    assert refusal(lambda: check(office, other, presented)) == "REQUEST_MISMATCH"
    moved = replace(presented, request_digest=other.digest)
    assert refusal(lambda: check(office, other, moved)) == "PROOF_INVALID"
    easier = replace(asked, predicates=(Range(of("months"), minimum=1, maximum=100), *asked.predicates[1:]))
    moved = replace(presented, request_digest=easier.digest)
    assert refusal(lambda: check(office, easier, moved)) == "PROOF_INVALID"
    ended = replace(asked, created=now() - dt.timedelta(hours=1), expires=now() - dt.timedelta(minutes=1))
    moved = replace(presented, request_digest=ended.digest)
    assert refusal(lambda: check(office, ended, moved)) == "REQUEST_EXPIRED"


def test_the_mac_of_another_service_is_refused(
    office: Running, person: Person, curve: str, tmp_path: Path
) -> None:
    with running(tmp_path / "other", "--curve", curve) as other:
        foreign = Person.of(other)
        asked = fresh(foreign.keys)
        presented = foreign.answers(asked)
        assert check(other, asked, presented)
        assert refusal(lambda: check(office, asked, presented)) == "ISSUER_KEY_UNKNOWN"
        own = fresh(person.keys)
        shown = tuple(replace(each, issuer_key=person.keys.name) for each in presented.shown)
        moved = replace(presented, request_digest=own.digest, shown=shown)
        assert refusal(lambda: check(office, own, moved)) == "PROOF_INVALID"
        with pytest.raises(RefusedError, match="ISSUER_KEY_UNKNOWN"):
            other.service.keys(office.digest)


def test_only_counters_ask_and_each_for_its_own_requests(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    presented = person.answers(asked)
    octets = request_message(asked, presented).SerializeToString()
    batch = pb.BatchCheckKeyedPresentationsRequest(requests=[request_message(asked, presented)])
    for method, message in (
        ("CheckKeyedPresentation", octets),
        ("BatchCheckKeyedPresentations", batch.SerializeToString()),
    ):
        assert raw(office, method, message, None) == "TOKEN_MISSING"
        for token in ("x" * 43, office.staff_token, "../keys/master.key", office.counter_token[:-1]):
            assert raw(office, method, message, token) == "TOKEN_INVALID"
    neighbour = VerifierName("counter-4")
    token = admit(office.folder, neighbour)
    assert refusal(lambda: check(office, asked, presented, token)) == "TOKEN_INVALID"
    theirs = fresh(person.keys, verifier=neighbour)
    assert check(office, theirs, person.answers(theirs), token)
    assert dismiss(office.folder, neighbour) == 1
    assert refusal(lambda: check(office, theirs, person.answers(theirs), token)) == "TOKEN_INVALID"
    assert check(office, asked, presented)


def test_only_staff_has_it_issue_and_terms_are_good_once(office: Running, person: Person) -> None:
    secret = KeyedSecret.generate(person.keys.curve)
    for token in (office.counter_token, "y" * 43):
        assert refusal(partial(office.service.begin, INSURANCE, token)) == "TOKEN_INVALID"
    terms = office.service.begin(INSURANCE, office.staff_token)
    commitment, _ = ask_for_keyed(terms, secret, INSURANCE, person.keys)
    values = list(VALUES.items())

    def issue(terms: IssuanceTerms, token: str) -> Any:
        return office.service.issue(terms, commitment, values, INSURANCE, token)

    assert refusal(lambda: issue(terms, office.counter_token)) == "TOKEN_INVALID"
    assert issue(terms, office.staff_token)
    assert refusal(lambda: issue(terms, office.staff_token)) == "COMMITMENT_INVALID"
    own = IssuanceTerms(INSURANCE.name, person.keys.name, base=True)
    assert refusal(lambda: issue(own, office.staff_token)) == "COMMITMENT_INVALID"
    elsewhere = replace(INSURANCE, name=replace(INSURANCE.name, department="police"))
    assert refusal(lambda: office.service.begin(elsewhere, office.staff_token)) == "SCHEMA_UNKNOWN"


def test_one_holder_has_one_pseudonym_at_the_department(office: Running, person: Person) -> None:
    first, second = (KeyedSecret.generate(person.keys.curve) for _ in range(2))
    names = [
        office.issue(secret, person.keys, INSURANCE, VALUES)[1].holder_pseudonym
        for secret in (first, first, second)
    ]
    assert names[0] == names[1] != names[2]


def test_each_of_a_batch_gets_what_it_gets_alone(office: Running, person: Person) -> None:
    asked = [fresh(person.keys) for _ in range(12)]
    answered = [person.answers(each) for each in asked]
    answered[3] = replace(answered[3], proof=answered[4].proof)
    answered[7] = replace(answered[7], proof=bytes(len(answered[7].proof)))
    answered[9] = answered[8]
    pairs = list(zip(asked, answered, strict=True))
    pairs.append((asked[0], person.answers(asked[0])))
    verdicts = office.service.check_many(pairs, SCHEMAS, office.counter_token)
    told = {at: each.reason for at, each in enumerate(verdicts) if isinstance(each, ServiceError)}
    assert told == {
        3: "PROOF_INVALID", 7: "PRESENTATION_INVALID", 9: "REQUEST_MISMATCH", 12: "EXCHANGE_ANSWERED",
    }  # fmt: skip
    assert {at: refusal(partial(check, office, *pairs[at])) for at in told} == told
    assert raw(office, "BatchCheckKeyedPresentations", b"", office.counter_token) == "FIELD_MISSING"
    many = pb.BatchCheckKeyedPresentationsRequest(requests=257 * [pb.CheckKeyedPresentationRequest()])
    octets = many.SerializeToString()
    assert raw(office, "BatchCheckKeyedPresentations", octets, office.counter_token) == "BATCH_TOO_LARGE"


async def test_two_presentations_at_the_same_time_have_one_winner(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    rivals = [person.answers(asked) for _ in range(8)]
    outcomes = await together(*(partial(check, office, asked, each) for each in rivals))
    assert sum(isinstance(each, KeyedVerdict) for each in outcomes) == 1
    assert {each.reason for each in outcomes if isinstance(each, ServiceError)} == {"EXCHANGE_ANSWERED"}


async def test_a_counter_that_goes_away_holds_nobody_up(office: Running, person: Person) -> None:
    asked = fresh(person.keys)
    octets = request_message(asked, person.answers(asked)).SerializeToString()
    credentials = grpc.ssl_channel_credentials((office.folder / "ca.pem").read_bytes())
    async with grpc.aio.secure_channel(office.address, credentials) as channel:
        call: Any = channel.unary_unary("/zkproto.v1.KeyedCheckService/CheckKeyedPresentation")
        gone = [
            call(octets, metadata=(("authorization", f"Bearer {office.counter_token}"),)) for _ in range(20)
        ]
        await asyncio.sleep(0.001)
        for each in gone:
            each.cancel()
    other = fresh(person.keys)
    assert await asyncio.to_thread(check, office, other, person.answers(other))
