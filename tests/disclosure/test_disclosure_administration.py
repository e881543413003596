"""Administrative actions: the digest that is approved, and records that tell outsiders nothing."""

import datetime as dt
import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import MalformedError, canonical
from disclosure.administration import (
    ADMINISTRATION_RECORD,
    ActionBody,
    ActionOpening,
    Step,
    action_digest,
    new_secret,
    secret_hash,
)
from tlog.entry import RecordEntry, parse_entry

NOW = dt.datetime(2026, 5, 1, 12, 30, 0, 123_000, tzinfo=dt.UTC)
BODY = ActionBody(Step.APPROVED, "actions/x", bytes(range(32)), "administrators/bob", "", NOW)
CALLED = ("actions/x", "administrators/ann", "zkproto.v1.CatalogService/CreateVerifier", b"\x0a\x01x")


def test_the_digest_is_what_the_document_says() -> None:
    label = "zk-disclosure/administrative-action/v1"
    encoded = b"\x85" + b"".join(canonical.following(each) for each in (label, *CALLED))
    assert action_digest(*CALLED) == hashlib.sha256(label.encode() + b"\0" + encoded).digest()
    assert action_digest(*CALLED).hex() == (
        "edf6082a487fe737e1be8864f8df4fd1c834308f0024a2bc3d9d9f6df253e674"
    )


@pytest.mark.parametrize("place", range(4))
def test_the_digest_covers_everything(place: int) -> None:
    changed = list(CALLED)
    changed[place] = changed[place] + (b"x" if place == 3 else "x")  # type: ignore[operator]
    assert action_digest(*changed) != action_digest(*CALLED)  # type: ignore[arg-type]


def test_nothing_moves_from_one_part_to_the_next() -> None:
    assert action_digest("ab", "c", "d", b"e") != action_digest("a", "bc", "d", b"e")
    assert action_digest("a", "b", "cd", b"e") != action_digest("a", "b", "c", b"de")


def test_a_record_commits_and_tells_nothing() -> None:
    openings = [ActionOpening.of(BODY) for _ in range(50)]
    entries = [parse_entry(each.entry()) for each in openings]
    payloads = {each.payload for each in entries if isinstance(each, RecordEntry)}
    assert {each.kind for each in entries if isinstance(each, RecordEntry)} == {ADMINISTRATION_RECORD}
    assert len(payloads) == len({each.salt for each in openings}) == 50
    other = replace(BODY, step=Step.FAILED, person="departments/" + "d" * 60, reason="R" * 60)
    assert {len(each) for each in payloads} == {len(parse_entry(ActionOpening.of(other).entry()).payload)}  # type: ignore[union-attr]


def test_another_body_or_salt_is_another_record() -> None:
    opening = ActionOpening(bytes(32), BODY)
    for body in (
        replace(BODY, step=Step.REJECTED),
        replace(BODY, action="actions/y"),
        replace(BODY, digest=bytes(32)),
        replace(BODY, person="administrators/ann"),
        replace(BODY, reason="x"),
        replace(BODY, time=NOW + dt.timedelta(milliseconds=1)),
    ):
        assert replace(opening, body=body).entry() != opening.entry()
    assert replace(opening, salt=bytes(31) + b"\1").entry() != opening.entry()


@given(
    step=st.sampled_from(Step),
    texts=st.tuples(*[st.text(min_size=1, max_size=40, alphabet=st.characters(codec="utf-8"))] * 3),
    digest=st.binary(min_size=32, max_size=32),
    milliseconds=st.integers(0, (1 << 45) - 1),
)
def test_what_is_kept_is_read_again(
    step: Step, texts: tuple[str, str, str], digest: bytes, milliseconds: int
) -> None:
    time = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    opening = ActionOpening.of(ActionBody(step, texts[0], digest, texts[1], texts[2], time))
    assert ActionOpening.from_bytes(opening.to_bytes()) == opening


def _encoded(*items: canonical.Item) -> bytes:
    return canonical.encode("zk-disclosure/administration-body/v1", *items)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        _encoded(),
        _encoded("approved", "a", bytes(32), "p", ""),
        _encoded("decided", "a", bytes(32), "p", "", 0),
        _encoded("approved", "", bytes(32), "p", "", 0),
        _encoded("approved", "a", bytes(31), "p", "", 0),
        _encoded("approved", "a", bytes(32), "", "", 0),
        _encoded("approved", "a", bytes(32), "p", "", -1),
        _encoded("approved", "a", bytes(32), "p", "", True),
        _encoded("approved", "a", bytes(32), "p", "", 1 << 60),
        _encoded("approved", "a", bytes(32), "p", "", 0, 0),
        canonical.encode("zk-disclosure/event-body/v1", "approved", "a", bytes(32), "p", "", 0),
    ],
)
def test_what_is_no_step_is_refused(body: bytes) -> None:
    for salt in (bytes(32), bytes(31)):
        with pytest.raises(MalformedError):
            ActionOpening.from_bytes(canonical.encode("zk-disclosure/administration-opening/v1", salt, body))


def test_a_salt_of_another_length_is_refused() -> None:
    octets = canonical.encode("zk-disclosure/administration-opening/v1", bytes(33), BODY.to_bytes())
    with pytest.raises(MalformedError):
        ActionOpening.from_bytes(octets)
    with pytest.raises(MalformedError):
        replace(BODY, time=NOW.replace(microsecond=1))


def test_secrets_are_long_and_hashed_under_a_label() -> None:
    secret = new_secret()
    assert len(secret) == 43
    assert new_secret() != secret
    assert (
        secret_hash(secret) == hashlib.sha256(b"zk-disclosure/access-token/v1\0" + secret.encode()).digest()
    )
