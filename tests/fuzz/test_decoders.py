"""Every decoder, given what is almost right: it takes it or refuses it, with a reason, twice the same.

`make fuzz` runs the same under atheris, guided by coverage, for as long as it is given.
"""

import base64
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import context, corpus
from tests.fuzz.finding import Decoder, decoders
from tests.fuzz.judging import outcome

ALL: Final = decoders()
each_decoder = pytest.mark.parametrize("decoder", ALL, ids=lambda each: each.name)
_INTERESTING: Final = (
    b"\0",
    b"\xff",
    b"\x80",
    b"\n",
    b'"',
    b"9" * 30,
    b"\xff" * 9,
    b"[" * 80,
    b"\xf4\x90\x80\x80",
)


@st.composite
def damaged(draw: Callable[..., object], octets: bytes) -> bytes:
    """Draw octets near the given ones: changed, cut, doubled, with a piece put in, or quite others."""
    place: Callable[[], int] = lambda: int(str(draw(st.integers(0, len(octets)))))  # noqa: E731
    at, to = sorted((place(), place()))
    piece = draw(st.one_of(st.binary(max_size=12), st.sampled_from(_INTERESTING)))
    assert isinstance(piece, bytes)
    made = {
        "changed": octets[:at] + piece + octets[at + len(piece) :],
        "cut": octets[:at],
        "without": octets[:at] + octets[to:],
        "doubled": octets[:to] + octets[at:to] + octets[to:],
        "put in": octets[:at] + piece + octets[at:],
        "longer": octets + piece,
        "other": piece,
    }
    return made[str(draw(st.sampled_from(sorted(made))))]


def test_decoders_are_found_and_each_context_can_be_written_down() -> None:
    """A change of names that hides decoders shows here, and so does a context of a new type."""
    assert len(ALL) > 120
    unknown = [
        (each.name, name) for each in ALL for name, kind in each.context.items() if not context.known(kind)
    ]
    assert not unknown


def test_the_corpus_has_real_inputs_of_nearly_all_and_no_secret() -> None:
    kept = {path.name.removesuffix(".jsonl") for path in corpus.FOLDER.glob("*.jsonl")}
    assert kept <= {each.name for each in ALL}
    assert not kept & set(corpus.SECRET)
    assert len(kept) > 0.75 * len(ALL)


@each_decoder
def test_what_is_kept_is_taken(decoder: Decoder) -> None:
    """The corpus is of inputs that were taken once: a format that changes shows here."""
    if not (corpus.FOLDER / f"{decoder.name}.jsonl").exists():
        assert outcome(decoder, b"\xff\0", corpus.seeds(decoder)[0]) is not NotImplemented
        return
    for seed in corpus.seeds(decoder):
        decoder.decode(seed.octets, seed.context)


@each_decoder
@settings(max_examples=40, deadline=None, suppress_health_check=[*HealthCheck])
@given(data=st.data())
def test_what_is_damaged_is_refused_with_a_reason_or_taken(decoder: Decoder, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(corpus.seeds(decoder)), label="seed")
    octets = data.draw(damaged(seed.octets), label="octets")
    first, again = outcome(decoder, octets, seed), outcome(decoder, octets, seed)
    assert type(first) is type(again)


FOUND: Final = {
    "zkservice.offering.Offered.from_bytes": "g4N4I3prLWRpc2Nsb3N1cmUvb2ZmZXJlZC1jcmVkZW50aWFsL3Yxh"
    "YJoZGlzdHJpY3RmMzcwMTAygmZtb250aHMYUoJmbnVtYmVycjM3MDEwMjE5OTAwMTAxMTIzNIJlc2luY2UZRmH2",
}
"""What atheris found a decoder to answer with an error of no kind, once."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_refused(name: str) -> None:
    decoder = next(each for each in ALL if each.name == name)
    refused = outcome(decoder, base64.b64decode(FOUND[name]), corpus.seeds(decoder)[0])
    assert isinstance(refused, tuple)
    assert issubclass(refused[0], Exception)
