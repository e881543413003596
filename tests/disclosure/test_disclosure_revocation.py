"""Accumulators by name, and the records that stand on the ledger of them and of their epochs."""

from collections.abc import Callable

import pytest

import bbs
from bbs.accumulator import AccumulatorSecret, Epoch
from disclosure import Accumulator, AccumulatorName, MalformedError, canonical, epoch_entry
from tlog.entry import RecordEntry, parse_entry

SUITES = [str(bbs.SHA_256), str(bbs.SHAKE_256)]
KEY = AccumulatorSecret.generate(suite=SUITES[0]).key
ACCUMULATOR = Accumulator.of("police", KEY)


def refused(reason: str, act: Callable[[], object]) -> None:
    with pytest.raises(MalformedError) as caught:
        act()
    assert caught.value.reason == reason


def payload(entry: bytes) -> tuple[str, bytes]:
    parsed = parse_entry(entry)
    assert isinstance(parsed, RecordEntry)
    return parsed.kind, parsed.payload


@pytest.mark.parametrize("suite", SUITES)
def test_a_record_gives_the_accumulator_again(suite: str) -> None:
    made = Accumulator.of("police", AccumulatorSecret.generate(suite=suite).key)
    kind, octets = payload(made.entry())
    assert kind == "accumulator"
    assert Accumulator.from_record(octets) == made
    assert made.suite == suite
    assert AccumulatorName.parse(str(made.name)) == made.name


def test_a_name_is_of_one_department_one_suite_and_one_key() -> None:
    other = Accumulator.of("police", AccumulatorSecret.generate(suite=SUITES[0]).key)
    elsewhere = Accumulator.of("tax", KEY)
    assert len({each.name.accumulator for each in (ACCUMULATOR, other, elsewhere)}) == 3
    refused("NAME_INVALID", lambda: Accumulator(other.name, KEY))
    borrowed = AccumulatorName("tax", ACCUMULATOR.name.accumulator)
    refused("NAME_INVALID", lambda: Accumulator(borrowed, KEY))
    refused("NAME_INVALID", lambda: Accumulator.from_octets(ACCUMULATOR.name, SUITES[1], KEY.octets))


@pytest.mark.parametrize(
    ("suite", "octets"),
    [
        ("BBS_OF_MY_OWN", KEY.octets),
        (SUITES[0], KEY.octets[:-1]),
        (SUITES[0], KEY.octets + b"\0"),
        (SUITES[0], bytes(96)),
        (SUITES[0], b"\xc0" + bytes(95)),
        (SUITES[0], KEY.octets[:-1] + bytes([KEY.octets[-1] ^ 1])),
    ],
    ids=["suite", "short", "long", "zeros", "identity", "changed"],
)
def test_what_is_no_key_is_refused(suite: str, octets: bytes) -> None:
    refused("MALFORMED", lambda: Accumulator.from_octets(ACCUMULATOR.name, suite, octets))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "departments/police",
        "departments/police/accumulators/-",
        f"departments/police/accumulators/{'0' * 31}",
        f"departments/police/accumulators/{'A' * 32}",
        f"departments/Police/accumulators/{'0' * 32}",
        f"departments/police/issuerKeys/{'0' * 32}",
        f"departments/police/accumulators/{'0' * 32}/x",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    refused("NAME_INVALID", lambda: AccumulatorName.parse(name))


def test_a_name_that_exists_is_valid() -> None:
    refused("NAME_INVALID", lambda: AccumulatorName("police", "0"))
    refused("NAME_INVALID", lambda: AccumulatorName("Police", "0" * 32))


def test_other_records_are_no_accumulator() -> None:
    label = "zk-disclosure/accumulator/v1"
    for octets in (b"", canonical.encode(label), canonical.encode(label, str(ACCUMULATOR.name), 1, b"")):
        refused("MALFORMED", lambda octets=octets: Accumulator.from_record(octets))  # type: ignore[misc]


def test_an_epochs_record_is_its_octets() -> None:
    first = Epoch(0, KEY.start, 1_700_000_000)
    assert payload(epoch_entry(first)) == ("revocation-epoch", first.octets)
    assert epoch_entry(first.followed_by(KEY.start, first.time + 1)) != epoch_entry(first)
    assert Epoch.from_octets(payload(epoch_entry(first))[1], key=KEY) == first
