"""Frames: what is encoded comes back, and what a worker sends is an outcome or is none."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bbs
from disclosure import IssuerKey, KeyState, MalformedError, Reason, RefusedError
from disclosure.credential import issuer_key_name
from tests.disclosure.composite.officers import new_officers, shared_by
from zkservice import frames
from zkservice.errors import ServiceError, ServiceReason
from zkservice.frames import FrameError
from zkservice.judging import Judgement, Matter
from zkservice.signing import Draft, draft_of
from zkservice.tasks import (
    Done,
    EpochSupply,
    Fault,
    Missing,
    Names,
    Outcome,
    SessionSupply,
    Supplies,
    TableSupply,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.builds(Names, *[st.frozensets(TEXTS, max_size=4)] * 7)
REFUSALS = st.one_of(
    st.builds(ServiceError, st.sampled_from(ServiceReason), TEXTS, field=TEXTS),
    st.builds(MalformedError, st.sampled_from(Reason), TEXTS, field=TEXTS),
    st.builds(RefusedError, st.sampled_from(Reason), TEXTS, field=TEXTS),
)
OUTCOMES: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Done, st.binary(max_size=300)),
    st.builds(Missing, NAMES),
    st.builds(Fault, TEXTS, st.lists(TEXTS, max_size=6).map(tuple)),
    REFUSALS,
)
PUBLIC_KEY = bbs.SecretKey.generate(suite=bbs.SHA_256).public_key()
KEY_NAME = issuer_key_name("police", str(bbs.SHA_256), PUBLIC_KEY)
KEYS = st.builds(
    IssuerKey, st.just(KEY_NAME), st.just(str(bbs.SHA_256)), st.just(PUBLIC_KEY), st.sampled_from(KeyState)
)
ITEMS = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.binary(max_size=40), TEXTS
)
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(9999, 1, 1), timezones=st.just(dt.UTC)).map(
    lambda each: each.replace(microsecond=each.microsecond // 1000 * 1000)
)
JUDGEMENTS = st.builds(
    Judgement, st.binary(max_size=200), MOMENTS, st.booleans(), matter=st.sampled_from(Matter)
)
DRAFTS = st.builds(Draft, TEXTS, TEXTS, st.dictionaries(TEXTS, ITEMS, max_size=5), st.dates())
SUPPLIES = st.builds(
    Supplies,
    st.dictionaries(TEXTS, st.none() | st.binary(min_size=32, max_size=32), max_size=3),
    st.dictionaries(TEXTS, st.none() | st.binary(max_size=99), max_size=3),
    st.dictionaries(st.just(str(KEY_NAME)), st.none() | KEYS),
    st.dictionaries(TEXTS, st.binary(min_size=32, max_size=32), max_size=3),
    st.dictionaries(
        TEXTS,
        st.none()
        | st.builds(
            TableSupply, TEXTS, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), st.binary(max_size=99)
        ),
        max_size=3,
    ),
    st.dictionaries(
        TEXTS,
        st.none() | st.sampled_from([shared_by(new_officers()) for _ in range(2)]),
        max_size=3,
    ),
    st.dictionaries(
        TEXTS, st.none() | st.builds(EpochSupply, TEXTS, TEXTS, st.binary(max_size=99)), max_size=3
    ),
    st.dictionaries(
        TEXTS,
        st.none() | st.builds(SessionSupply, st.binary(max_size=99), st.binary(max_size=99), MOMENTS),
        max_size=3,
    ),
)


def comparable(outcome: Outcome) -> Any:
    """Return what tells outcomes apart: errors are equal to themselves only."""
    if isinstance(outcome, Exception):
        return type(outcome), outcome.reason, outcome.detail, outcome.field
    return outcome


@given(st.lists(OUTCOMES, max_size=5))
def test_outcomes_come_back(outcomes: list[Outcome]) -> None:
    octets = frames.outcomes_to(outcomes)
    told = frames.outcomes_of(octets, len(outcomes))
    assert list(map(comparable, told)) == list(map(comparable, outcomes))
    for count in (len(outcomes) - 1, len(outcomes) + 1):
        with pytest.raises(FrameError):
            frames.outcomes_of(octets, count)


@given(st.lists(JUDGEMENTS, max_size=3), SUPPLIES)
def test_judgements_come_back(jobs: list[Judgement], supplies: Supplies) -> None:
    assert frames.batch_of(frames.batch_to(jobs, supplies), Judgement.of) == (jobs, supplies)


@given(st.lists(DRAFTS, max_size=3), SUPPLIES)
def test_drafts_come_back(jobs: list[Draft], supplies: Supplies) -> None:
    assert frames.batch_of(frames.batch_to(jobs, supplies), draft_of) == (jobs, supplies)


@settings(max_examples=500)
@given(st.lists(OUTCOMES, min_size=1, max_size=3), st.data())
def test_whatever_is_changed_is_an_outcome_or_a_frame_error(outcomes: list[Outcome], data: Any) -> None:
    octets = bytearray(frames.outcomes_to(outcomes))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(octets) - 1)) if octets else 0
        match data.draw(st.integers(0, 3)):
            case 0 if octets:
                octets[place] = data.draw(st.integers(0, 255))
            case 1:
                del octets[place : place + data.draw(st.integers(1, 9))]
            case 2:
                octets[place:place] = data.draw(st.binary(min_size=1, max_size=9))
            case _:
                octets = octets[:place]
    decodes_or_is_refused(bytes(octets), len(outcomes))


@settings(max_examples=500)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_octets_are_an_outcome_or_a_frame_error(octets: bytes, count: int) -> None:
    decodes_or_is_refused(octets, count)


def test_each_octet_of_an_answer_changed_in_each_way() -> None:
    outcomes: list[Outcome] = [
        Done(b"x"),
        Missing(Names(*map(frozenset, "abcdefgh"))),
        Fault("E", ("m:1",)),
        RefusedError(Reason.PROOF_INVALID, "d", field="f"),
    ]
    octets = frames.outcomes_to(outcomes)
    told = [
        decodes_or_is_refused(octets[:place] + bytes([instead]) + octets[place + 1 :], len(outcomes))
        for place in range(len(octets))
        for instead in range(256)
        if instead != octets[place]
    ]
    assert 0 < sum(told) < len(told)


def decodes_or_is_refused(octets: bytes, count: int) -> bool:
    """Decode; whatever decodes is an outcome like any other, and whatever does not is a FrameError."""
    try:
        outcomes = frames.outcomes_of(octets, count)
    except FrameError:
        return False
    assert len(outcomes) == count
    assert all(isinstance(each, Outcome) for each in outcomes)
    again = frames.outcomes_of(frames.outcomes_to(outcomes), count)
    assert list(map(comparable, again)) == list(map(comparable, outcomes))
    return True


def test_a_length_says_at_most_what_a_frame_may_have() -> None:
    assert frames.frame(b"abc") == b"\0\0\0\3abc"
    assert frames.frame_octets(frames.MAX_FRAME.to_bytes(4)) == frames.MAX_FRAME
    with pytest.raises(FrameError):
        frames.frame_octets((frames.MAX_FRAME + 1).to_bytes(4))


def test_nothing_that_is_secret_is_written_out() -> None:
    secret, personal = b"\x07secret of the key", "王小明"
    told = [
        Supplies(secrets={"k": secret}),
        Draft("s", "k", {"name": personal}, dt.date(2026, 1, 1)),
        Judgement(personal.encode(), dt.datetime.now(dt.UTC)),
        Done(personal.encode()),
        Fault.of(ValueError(personal)),
    ]
    for each in told:
        assert personal not in repr(each)
        assert repr(personal.encode())[2:-1] not in repr(each)
        assert "secret of" not in repr(each)
