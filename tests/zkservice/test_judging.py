"""Judge: what it asks for and when, what it keeps and for how long, and that verdicts do not depend on it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from disclosure import (
    ExpiryRule,
    IssuerKey,
    KeyState,
    Query,
    Request,
    SchemaName,
    VerifierName,
    issue,
    sign_request,
)
from disclosure.credential import issuer_key_name
from tests.zkservice.support import PERMIT, TEXT, VALUES, Issued, present
from wire.convert import presentation_to, signed_request_to
from zkproto.v1 import presentation_pb2 as pb
from zkservice.judging import Judge, Judgement
from zkservice.knowledge import KEY_SECONDS
from zkservice.tasks import Done, Missing, Names, Outcome, Supplies

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SECRET = bbs.SecretKey.generate(suite=bbs.SHA_256)
KEY = IssuerKey(
    issuer_key_name("police", str(bbs.SHA_256), SECRET.public_key()), str(bbs.SHA_256), SECRET.public_key()
)
HOLDER = Issued(issue(PERMIT, KEY, SECRET, VALUES, NOW.date()), PERMIT, KEY)
SCHOOL = Ed25519PrivateKey.generate()
NAME = "verifiers/school"


@dataclass
class Catalogue:
    """What is registered, and what was asked for."""

    verifiers: dict[str, bytes] = field(
        default_factory=lambda: {NAME: SCHOOL.public_key().public_bytes_raw()}
    )
    schemas: dict[str, bytes] = field(default_factory=lambda: {str(PERMIT.name): PERMIT.canonical})
    issuer_keys: dict[str, IssuerKey] = field(default_factory=lambda: {str(KEY.name): KEY})
    asked: list[Names] = field(default_factory=list)

    def __call__(self, names: Names) -> Supplies:
        self.asked.append(names)
        return Supplies(
            {name: self.verifiers.get(name) for name in names.verifiers},
            {name: self.schemas.get(name) for name in names.schemas},
            {name: self.issuer_keys.get(name) for name in names.issuer_keys},
        )


@dataclass
class Stopwatch:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def request(verifier: str = "school", schema: SchemaName = PERMIT.name) -> Request:
    query = Query("permit", schema, ("district",), ExpiryRule.SHOWN)
    return Request(VerifierName(verifier), TEXT, (query,), NOW, NOW + dt.timedelta(hours=1))


def member(
    asked: Request | None = None, key: Ed25519PrivateKey = SCHOOL, **changes: Any
) -> pb.VerifyPresentationRequest:
    asked = asked or request()
    answered = replace(asked, verifier=VerifierName("school"), queries=request().queries)
    presentation = replace(present(answered, HOLDER, NOW)[0], request_digest=asked.digest, **changes)
    return pb.VerifyPresentationRequest(
        signed_request=signed_request_to(sign_request(asked, key)),
        presentation=presentation_to(presentation, lambda _: PERMIT),
    )


def job(message: pb.VerifyPresentationRequest | bytes, *, opened: bool = False) -> Judgement:
    octets = message if isinstance(message, bytes) else message.SerializeToString()
    return Judgement(octets, NOW, opened)


def judged(judge: Judge, catalogue: Catalogue, *jobs: Judgement) -> list[Outcome]:
    """Have jobs judged as the desk does: with all that each missed so far, until nothing is missing."""
    outcomes, needed = judge.work(jobs, Supplies()), [Names() for _ in jobs]
    for _ in range(5):
        missing = [place for place, each in enumerate(outcomes) if isinstance(each, Missing)]
        if not missing:
            return outcomes
        for place in missing:
            needed[place] |= outcomes[place].names  # type: ignore[union-attr]
        again = judge.work(
            [jobs[place] for place in missing], catalogue(Names.union(needed[place] for place in missing))
        )
        for place, outcome in zip(missing, again, strict=True):
            outcomes[place] = outcome
    raise AssertionError("no end")


def reason(outcome: Outcome) -> tuple[str, str]:
    assert not isinstance(outcome, Done)
    return outcome.reason, outcome.field  # type: ignore[union-attr]


def alone(judge: Judge, catalogue: Catalogue, *args: Any, **options: Any) -> Outcome:
    (outcome,) = judged(judge, catalogue, job(*args, **options))
    return outcome


def test_a_cold_judge_asks_for_the_verifier_then_for_schemas_then_for_keys() -> None:
    judge, catalogue = Judge(), Catalogue()
    assert isinstance(alone(judge, catalogue, member()), Done)
    verifier = Names(verifiers=frozenset({NAME}))
    schema = verifier | Names(schemas=frozenset({str(PERMIT.name)}))
    key = schema | Names(issuer_keys=frozenset({str(KEY.name)}))
    assert catalogue.asked == [verifier, schema, key]
    assert isinstance(alone(judge, catalogue, member()), Done)
    assert len(catalogue.asked) == 3, "what is kept is asked for again"


def test_without_a_verifiers_signature_no_schema_is_looked_up() -> None:
    catalogue = Catalogue()
    forged = member(key=Ed25519PrivateKey.generate())
    assert reason(alone(Judge(), catalogue, forged))[0] == "REQUEST_SIGNATURE_INVALID"
    assert catalogue.asked == [Names(verifiers=frozenset({NAME}))]


def test_what_is_malformed_is_refused_before_anything_is_looked_up() -> None:
    catalogue, message = Catalogue(), member()
    message.signed_request.payload = b"none"
    assert reason(alone(Judge(), catalogue, message)) == ("MALFORMED", "signed_request")
    assert reason(alone(Judge(), catalogue, b"\xff")) == ("MESSAGE_MALFORMED", "")
    assert reason(alone(Judge(), catalogue, b"")) == ("FIELD_MISSING", "signed_request")
    assert catalogue.asked == []


def test_a_presentation_for_another_request_has_no_issuer_key_looked_up() -> None:
    catalogue, message = Catalogue(), member()
    message.presentation.CopyFrom(member().presentation)
    outcome = alone(Judge(), catalogue, message)
    assert reason(outcome) == ("REQUEST_MISMATCH", "presentation.request_digest")
    assert not any(each.issuer_keys for each in catalogue.asked)


@pytest.mark.parametrize(
    ("forget", "expected"),
    [
        (lambda each: each.verifiers.clear(), ("VERIFIER_UNKNOWN", "signed_request")),
        (lambda each: each.schemas.clear(), ("SCHEMA_UNKNOWN", "signed_request.queries[0].schema")),
        (
            lambda each: each.issuer_keys.clear(),
            ("ISSUER_KEY_UNKNOWN", "presentation.credentials[0].issuer_key"),
        ),
    ],
    ids=["verifier", "schema", "issuer key"],
)
def test_what_is_not_registered_is_refused_and_not_remembered(
    forget: Callable[[Catalogue], None], expected: tuple[str, str]
) -> None:
    judge, without = Judge(), Catalogue()
    forget(without)
    for _ in range(2):
        assert reason(alone(judge, without, member())) == expected
    assert isinstance(alone(judge, Catalogue(), member()), Done), "registered meanwhile"


def test_a_request_that_was_opened_before_has_no_verifier_looked_up() -> None:
    catalogue = Catalogue(verifiers={})
    assert isinstance(alone(Judge(), catalogue, member(), opened=True), Done)
    assert not any(each.verifiers for each in catalogue.asked)


def test_an_opened_request_has_everything_else_checked() -> None:
    message = member()
    message.presentation.credentials[0].proof = bytes(len(message.presentation.credentials[0].proof))
    outcome = alone(Judge(), Catalogue(), message, opened=True)
    assert reason(outcome) == ("PROOF_INVALID", "presentation.credentials[0].proof")


def test_a_key_that_was_retired_stops_within_its_seconds() -> None:
    clock, catalogue, message = Stopwatch(), Catalogue(), member()
    judge = Judge(clock)
    assert isinstance(alone(judge, catalogue, message), Done)
    catalogue.issuer_keys[str(KEY.name)] = replace(KEY, state=KeyState.RETIRED)
    clock.seconds += KEY_SECONDS * 0.9
    assert isinstance(alone(judge, catalogue, message), Done)
    clock.seconds += KEY_SECONDS * 0.2
    assert reason(alone(judge, catalogue, message))[0] == "ISSUER_KEY_RETIRED"
    del catalogue.issuer_keys[str(KEY.name)]
    clock.seconds += KEY_SECONDS
    assert reason(alone(judge, catalogue, message))[0] == "ISSUER_KEY_UNKNOWN"


def test_using_a_key_does_not_make_it_count_for_longer() -> None:
    clock, catalogue, message = Stopwatch(), Catalogue(), member()
    judge = Judge(clock)
    alone(judge, catalogue, message)
    for _ in range(9):
        clock.seconds += KEY_SECONDS / 10
        alone(judge, catalogue, message)
    read = len(catalogue.asked)
    clock.seconds += KEY_SECONDS / 10 + 0.001
    alone(judge, catalogue, message)
    assert catalogue.asked[read:] == [Names(issuer_keys=frozenset({str(KEY.name)}))]


def test_a_judge_that_keeps_nothing_comes_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.knowledge._KEPT_SCHEMAS", 0)
    monkeypatch.setattr("zkservice.knowledge._KEPT_KEYS", 0)
    forgetful, catalogue = Judge(), Catalogue()
    jobs = [job(member()), job(member(key=Ed25519PrivateKey.generate())), job(member())]
    for _ in range(2):
        one, bad, two = judged(forgetful, catalogue, *jobs)
        assert isinstance(one, Done)
        assert isinstance(two, Done)
        assert reason(bad)[0] == "REQUEST_SIGNATURE_INVALID"
    assert len(forgetful._knowledge._schemas._things) == 0
    assert len(forgetful._knowledge._issuer_keys._things) == 0


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.knowledge._KEPT_KEYS", 2048)
    monkeypatch.setattr("zkservice.knowledge._KEPT_SCHEMAS", 2 * len(PERMIT.canonical) + 20)
    judge = Judge()
    for number in range(20):
        schema = replace(PERMIT, name=SchemaName("police", "permit", number + 1))
        judge.work(
            [],
            Supplies(
                {f"verifiers/v{number}": bytes(32)},
                {str(schema.name): schema.canonical},
                {f"{KEY.name}{number}": KEY},
            ),
        )
    assert len(judge._knowledge._verifiers._things) == 4
    assert len(judge._knowledge._issuer_keys._things) == 4
    assert len(judge._knowledge._schemas._things) <= 2


def test_jobs_of_one_batch_miss_different_things_and_each_gets_its_own() -> None:
    judge, catalogue = Judge(), Catalogue()
    unknown = request("stranger")
    stale = job(member())
    outcomes = judged(
        judge,
        catalogue,
        job(member()),
        job(member(unknown, key=Ed25519PrivateKey.generate())),
        job(b""),
        replace(stale, moment=NOW + dt.timedelta(hours=2)),
    )
    assert isinstance(outcomes[0], Done)
    assert [reason(each)[0] for each in outcomes[1:]] == [
        "VERIFIER_UNKNOWN",
        "FIELD_MISSING",
        "REQUEST_EXPIRED",
    ]
