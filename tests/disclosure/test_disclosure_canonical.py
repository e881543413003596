"""Only what encoding gives is decoded; nothing that strangers send does anything else than be refused."""

from collections.abc import Sequence

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import MalformedError, canonical
from disclosure.canonical import Item

LABEL = "zk-disclosure/test/v1"
HEAD = cbor2.dumps(LABEL)

scalars = (
    st.integers(-(1 << 63), (1 << 64) - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20)
    | st.booleans()
    | st.none()
)
items = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5), max_leaves=12)


def nesting(item: object) -> int:
    return 1 + max(map(nesting, item), default=0) if isinstance(item, list) else 0


def same(first: object, second: object) -> bool:
    """Equality that does not take True for 1."""
    if isinstance(first, Sequence) and not isinstance(first, str | bytes):
        return isinstance(second, list) and len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


def refused(octets: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        canonical.decode(LABEL, octets)
    assert caught.value.reason == "MALFORMED"


@given(st.lists(items, max_size=5).filter(lambda each: nesting(each) < 8))
def test_what_is_encoded_is_decoded(given_items: list[Item]) -> None:
    assert same(given_items, canonical.decode(LABEL, canonical.encode(LABEL, *given_items)))


@given(st.lists(items, max_size=4), st.data())
def test_a_mutated_encoding_is_refused_or_is_the_encoding_of_something_else(
    given_items: list[Item], data: st.DataObject
) -> None:
    octets = bytearray(canonical.encode(LABEL, *given_items))
    place = data.draw(st.integers(0, len(octets) - 1))
    match data.draw(st.sampled_from(["flip", "drop", "insert", "cut"])):
        case "flip":
            octets[place] ^= data.draw(st.integers(1, 255))
        case "drop":
            del octets[place]
        case "insert":
            octets.insert(place, data.draw(st.integers(0, 255)))
        case "cut":
            del octets[place:]
    try:
        decoded = canonical.decode(LABEL, bytes(octets))
    except MalformedError:
        return
    assert canonical.encode(LABEL, *decoded) == bytes(octets)


@given(st.binary(max_size=200))
def test_random_octets_are_refused(octets: bytes) -> None:
    refused(octets)


@given(st.binary(max_size=60))
def test_random_octets_after_the_label_are_refused_or_canonical(octets: bytes) -> None:
    whole = b"\x82" + HEAD + octets
    try:
        decoded = canonical.decode(LABEL, whole)
    except MalformedError:
        return
    assert canonical.encode(LABEL, *decoded) == whole


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"\x18\x01", id="an integer longer than needed"),
        pytest.param(b"\x19\x00\xff", id="an integer in two octets that fits one"),
        pytest.param(b"\x1b" + bytes(8), id="zero in eight octets"),
        pytest.param(b"\x58\x01a", id="a length longer than needed"),
        pytest.param(b"\x78\x01a", id="a text length longer than needed"),
        pytest.param(b"\x98\x01\x00", id="an array length longer than needed"),
        pytest.param(b"\x9f\x00\xff", id="an array of indefinite length"),
        pytest.param(b"\x5f\x41a\xff", id="octets of indefinite length"),
        pytest.param(b"\x7f\x61a\xff", id="a text of indefinite length"),
        pytest.param(b"\xff", id="a break alone"),
        pytest.param(b"\xa0", id="an empty map"),
        pytest.param(b"\xa1\x61a\x00", id="a map"),
        pytest.param(b"\xbf\xff", id="a map of indefinite length"),
        pytest.param(b"\xf9\x3c\x00", id="a half float"),
        pytest.param(b"\xfa\x3f\x80\x00\x00", id="a float"),
        pytest.param(b"\xfb" + bytes(8), id="a double"),
        pytest.param(b"\xf7", id="undefined"),
        pytest.param(b"\xe0", id="a simple value"),
        pytest.param(b"\xf8\x20", id="a simple value of two octets"),
        pytest.param(b"\xf8\x14", id="false in two octets"),
        pytest.param(b"\xc0\x74" + b"2026-01-01T00:00:00Z", id="a date tag"),
        pytest.param(b"\xc1\x00", id="a time tag"),
        pytest.param(b"\xc2\x41\x01", id="a positive big integer"),
        pytest.param(b"\xc3\x41\x01", id="a negative big integer"),
        pytest.param(b"\xc4\x82\x00\x01", id="a decimal"),
        pytest.param(b"\xd8\x1e\x82\x01\x00", id="a rational number with nothing below the line"),
        pytest.param(b"\xd8\x23\x63(a+", id="a regular expression"),
        pytest.param(b"\xd9\x01\x02\x80", id="a set"),
        pytest.param(b"\xd8\x1c\x80", id="a shared item"),
        pytest.param(b"\xd8\x1d\x00", id="a reference to a shared item"),
        pytest.param(b"\xd9\xd9\xf7\x00", id="self-described CBOR"),
        pytest.param(b"\x61\xff", id="a text that is not UTF-8"),
        pytest.param(b"\x63\xed\xa0\x80", id="a surrogate in a text"),
        pytest.param(b"\x62\xc1\x81", id="a letter in two octets"),
        pytest.param(b"\x3b" + b"\xff" * 8, id="an integer below 64 bits"),
        pytest.param(b"\x3b\x80" + bytes(7), id="an integer just below 64 bits"),
        pytest.param(b"\x1c", id="a reserved length"),
        pytest.param(b"\x5b\x7f" + b"\xff" * 7, id="octets of a huge length"),
        pytest.param(b"\x7b" + b"\xff" * 8, id="a text of a huge length"),
        pytest.param(b"\x9b" + b"\xff" * 8, id="an array of a huge length"),
        pytest.param(b"\x9a\xff\xff\xff\xff" + bytes(100), id="an array longer than the octets"),
        pytest.param(b"\x42a", id="octets that end too early"),
        pytest.param(b"\x19\x01", id="an integer that ends too early"),
        pytest.param(b"", id="an item missing"),
        pytest.param(b"\x00\x00", id="an item too many"),
        pytest.param(b"\x81" * 8 + b"\x00", id="nesting one too deep"),
        pytest.param(b"\x81" * 60000 + b"\x00", id="nesting without end"),
    ],
)
def test_what_no_encoding_gives_is_refused(tail: bytes) -> None:
    refused(b"\x82" + HEAD + tail)


def test_the_deepest_nesting_is_decoded() -> None:
    tail = b"\x81" * 7 + b"\x00"
    assert canonical.decode(LABEL, b"\x82" + HEAD + tail) == [[[[[[[[0]]]]]]]]


def test_a_list_that_holds_itself_is_refused() -> None:
    """Tags 28 and 29 build one in a library that resolves them; walking it would never end."""
    refused(b"\xd8\x1c\x82" + HEAD + b"\xd8\x1d\x00")
    refused(b"\xd8\x1c\x82" + HEAD + b"\x81\xd8\x1d\x00")


@pytest.mark.parametrize(
    "octets", [b"", b"\x80", HEAD, b"\x81\x01", b"\x81\xf6", b"\x81\x41a", b"\x81\x81" + HEAD]
)
def test_what_is_not_labelled_is_refused(octets: bytes) -> None:
    refused(octets)


def test_another_label_is_refused() -> None:
    refused(canonical.encode("zk-disclosure/test/v2", 1))
    refused(canonical.encode(LABEL.upper(), 1))


def test_the_largest_size_is_decoded_and_one_more_is_refused() -> None:
    room = canonical.MAX_OCTETS - len(canonical.encode(LABEL, bytes(60000))) + 60000
    largest = canonical.encode(LABEL, bytes(room))
    assert len(largest) == canonical.MAX_OCTETS
    assert canonical.decode(LABEL, largest) == [bytes(room)]
    refused(canonical.encode(LABEL, bytes(room + 1)))


@pytest.mark.parametrize(
    "number", [-(1 << 63), -1, 0, 23, 24, 255, 256, (1 << 32) - 1, 1 << 32, (1 << 64) - 1]
)
def test_integers_at_the_bounds_of_their_encodings(number: int) -> None:
    assert canonical.decode(LABEL, canonical.encode(LABEL, number)) == [number]


def test_true_is_not_one() -> None:
    assert canonical.encode(LABEL, True) != canonical.encode(LABEL, 1)
    assert canonical.decode(LABEL, canonical.encode(LABEL, True))[0] is True
    assert type(canonical.decode(LABEL, canonical.encode(LABEL, 1))[0]) is int


@given(st.text(max_size=20), st.text(max_size=20), st.binary(max_size=40), st.binary(max_size=40))
def test_digests_of_two_labels_differ(label: str, other: str, octets: bytes, others: bytes) -> None:
    if "\x00" not in label + other and (label, octets) != (other, others):
        assert canonical.digest(label, octets) != canonical.digest(other, others)


def test_what_is_begun_and_followed_is_what_is_encoded_at_once() -> None:
    items: list[Item] = ["text", b"x" * 300, 7, -1, None, True]
    for left in range(1, len(items) + 1):
        begun, rest = items[: len(items) - left], items[len(items) - left :]
        octets = canonical.beginning(len(items) + 1, "label", *begun) + b"".join(
            map(canonical.following, rest)
        )
        assert octets == canonical.encode("label", *items)
    for length in (1, 24):
        with pytest.raises(ValueError, match="an array that is begun"):
            canonical.beginning(length, "label", "item")


@pytest.mark.parametrize("count", [0, 1, 23, 24, 255, 256, 65_535, 65_536])
def test_an_array_of_what_was_encoded_is_the_array_of_the_items(count: int) -> None:
    numbers = list(range(count))
    assert canonical.array(list(map(canonical.following, numbers))) == canonical.following(numbers)


# how many items


def test_as_many_items_as_may_be_are_decoded_and_one_more_is_refused() -> None:
    most = canonical.MAX_ITEMS
    whole = canonical.encode(LABEL, *([0] * (most - 1)))
    assert len(canonical.decode(LABEL, whole)) == most - 1
    refused(canonical.encode(LABEL, *([0] * most)))
    nested = [[0] * 100 for _ in range(100)]
    octets = canonical.encode(LABEL, nested)
    assert canonical.decode(LABEL, octets, most_items=10_000 + 100 + 2) == [nested]
    with pytest.raises(MalformedError):
        canonical.decode(LABEL, octets, most_items=10_000 + 100 + 1)


@pytest.mark.parametrize("each", [b"\x00", b"\x80", b"\x40", b"\xf6"], ids=["0", "[]", "b", "none"])
def test_what_has_too_many_items_is_refused_before_they_are_read(
    each: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = 0
    reader = canonical._Reader._item

    def counted(self: canonical._Reader, depth: int) -> Item:
        nonlocal read
        read += 1
        return reader(self, depth)

    monkeypatch.setattr(canonical._Reader, "_item", counted)
    for count in (60_000, canonical.MAX_ITEMS):
        refused(b"\x82" + HEAD + b"\x99" + count.to_bytes(2) + each * count)
    assert read < 10
    refused(b"\x9b" + (1 << 63).to_bytes(8) + HEAD + each * 60_000)
    refused(b"\x82" + HEAD + b"\x9a" + (1 << 31).to_bytes(4))
    assert read < 20
