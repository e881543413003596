"""An opening goes to one vault, for one sum of one request, and its octets say nothing to anybody else."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from disclosure import DisclosureError, MalformedError, RefusedError
from disclosure.composite import (
    CommitmentOpening,
    CompositeRequest,
    HandoverKey,
    KeptOpening,
    Presented,
    hand_over,
)
from disclosure.composite.composer import Held
from disclosure.composite.handover import SEALED_OCTETS, _info
from tests.disclosure.composite.couple import (
    FIRST,
    HERS,
    HIS,
    answered,
    committed,
    hers,
    holdings,
    ours,
    outcome,
    second,
    spouse,
)
from tests.disclosure.composite.world import BANK, BOB, NOW

KEY = HandoverKey.from_octets(bytes(range(32)))


def kept() -> KeptOpening:
    return hers().presented.kept["income"]


def sealed(asked: CompositeRequest | None = None) -> bytes:
    return hand_over(kept(), asked or ours(), "ours", KEY.public, NOW)


def test_the_opening_arrives_whole_and_every_time_in_other_octets() -> None:
    first, again = sealed(), sealed()
    assert len(first) == SEALED_OCTETS
    assert first != again
    for each in (first, again):
        opening = KEY.receive(each, ours(), "ours", "spouse")
        assert (opening.m, opening.u, opening.number) == (kept().opening.m, kept().opening.u, HERS)
    presentation = answered(
        ours(), holdings(BOB, HIS), BOB, {"spouse": KEY.receive(first, ours(), "ours", "spouse")}
    ).presentation
    assert outcome(ours(), presentation) == "OK"


def two_branches() -> CompositeRequest:
    branch = ours().branches[0]
    return replace(ours(), branches=(branch, replace(branch, id="also")))


def two_numbers() -> CompositeRequest:
    """A request whose second number is another's, under the name of the first."""
    other = committed()
    return second(other.number)


ELSEWHERE: dict[str, Callable[[bytes], object]] = {
    "another vault": lambda octets: HandoverKey.generate().receive(octets, ours(), "ours", "spouse"),
    "another request": lambda octets: KEY.receive(
        octets, second(hers().number, nonce=bytes([1] * 32)), "ours", "spouse"
    ),
    "a higher bound": lambda octets: KEY.receive(octets, second(hers().number, 1), "ours", "spouse"),
    "another branch": lambda octets: KEY.receive(octets, two_branches(), "also", "spouse"),
    "another number": lambda octets: KEY.receive(octets, two_numbers(), "ours", "spouse"),
    "another name": lambda octets: KEY.receive(
        octets, second(hers().number, foreign=(spouse(hers().number, subjects=()),)), "ours", "spouse"
    ),
}


@pytest.mark.parametrize("receive", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_an_opening_is_for_one_vault_and_one_sum(receive: Callable[[bytes], object]) -> None:
    octets = sealed(two_branches()) if receive is ELSEWHERE["another branch"] else sealed()
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        receive(octets)


def test_every_octet_counts() -> None:
    octets = sealed()
    for place in range(len(octets)):
        wrong = octets[:place] + bytes([octets[place] ^ 1]) + octets[place + 1 :]
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
            KEY.receive(wrong, ours(), "ours", "spouse")
    for wrong in (octets[:-1], octets + b"\x00", b"", bytes(SEALED_OCTETS)):
        with pytest.raises(DisclosureError, match=r"MALFORMED|COMMITMENT_INVALID"):
            KEY.receive(wrong, ours(), "ours", "spouse")


def test_a_number_that_the_branch_does_not_count_has_no_opening() -> None:
    with pytest.raises(RefusedError, match="QUERY_MISMATCH"):
        KEY.receive(sealed(), ours(), "ours", "other")
    with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
        KEY.receive(sealed(), ours(), "theirs", "spouse")


def test_who_seals_another_opening_is_found_out() -> None:
    """Swapped on the way by somebody who seals well, or sent so by the first vault."""
    other = committed(base=HERS + 1).presented.kept["income"].opening
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    info = _info(ours(), "ours", ours().branches[0].foreign[0])
    key, true = X25519PublicKey.from_public_bytes(KEY.public), kept().opening
    swapped = {
        "another's": other.to_octets_secret(),
        "m alone": other.to_octets_secret()[:32] + true.to_octets_secret()[32:],
        "u alone": true.to_octets_secret()[:32] + other.to_octets_secret()[32:],
        "one more": (true.m + 1).to_bytes(32) + true.to_octets_secret()[32:],
        "no blind": true.to_octets_secret()[:32] + bytes(32),
        "no number": b"\xff" * 32 + true.to_octets_secret()[32:],
        "no scalar": true.to_octets_secret()[:32] + b"\xff" * 32,
    }
    for secret in swapped.values():
        with pytest.raises(DisclosureError, match=r"COMMITMENT_INVALID|MALFORMED"):
            KEY.receive(suite.encrypt(secret, key, info), ours(), "ours", "spouse")
    well = suite.encrypt(true.to_octets_secret(), key, info)
    assert KEY.receive(well, ours(), "ours", "spouse").u == true.u


# --- what the first vault refuses


def test_the_first_vault_hands_over_for_its_own_number_to_its_own_verifier_in_time() -> None:
    other = committed()
    for asked in (
        second(other.number),
        second(replace(hers().number, verifier=BANK), verifier=BANK),
        second(replace(hers().number, maximum=hers().number.maximum - 1)),
        second(replace(hers().number, unit="EUR")),
        FIRST,
    ):
        with pytest.raises(RefusedError, match="COMMITMENT_INVALID") as raised:
            hand_over(kept(), asked, asked.branches[0].id, KEY.public, NOW)
        assert raised.value.field == "foreign"
    for now, reason in (
        (ours().expires, "REQUEST_EXPIRED"),
        (NOW - dt.timedelta(hours=1), "REQUEST_NOT_YET_VALID"),
    ):
        with pytest.raises(RefusedError, match=reason):
            hand_over(kept(), ours(), "ours", KEY.public, now)
    with pytest.raises(MalformedError, match="PRESENTATION_INVALID"):
        hand_over(kept(), ours(), "theirs", KEY.public, NOW)


SMALL = (
    bytes(32),
    (1).to_bytes(32, "little"),
    ((1 << 255) - 20).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
)
"""Keys of small order (RFC 7748, section 6.1): with any of them the shared secret is 0 for everybody."""


@pytest.mark.parametrize("key", [*SMALL, b"", bytes(31), bytes(33)])
def test_a_key_that_is_none_gets_nothing(key: bytes) -> None:
    with pytest.raises(MalformedError, match="MALFORMED") as raised:
        hand_over(kept(), ours(), "ours", key, NOW)
    assert raised.value.field == "to"


# --- at rest


def test_what_is_kept_is_read_again_and_nothing_else() -> None:
    octets = kept().to_octets_secret()
    again = KeptOpening.from_octets(octets)
    assert again == kept()
    for wrong in (octets[:-1], octets + b"\x00", octets[:-1] + bytes([octets[-1] ^ 1]), b""):
        with pytest.raises(DisclosureError, match=r"MALFORMED|COMMITMENT_INVALID"):
            KeptOpening.from_octets(wrong)
    with pytest.raises(MalformedError, match="MALFORMED"):
        KeptOpening(kept().number, committed().presented.kept["income"].opening)
    with pytest.raises(MalformedError, match="MALFORMED"):
        CommitmentOpening.from_octets(kept().number, bytes(63))
    key = HandoverKey.generate()
    assert HandoverKey.from_octets(key.to_octets_secret()).public == key.public
    with pytest.raises(MalformedError, match="MALFORMED"):
        HandoverKey.from_octets(bytes(31))


def test_secrets_do_not_show_themselves() -> None:
    opening, key = kept().opening, HandoverKey(X25519PrivateKey.from_private_bytes(bytes(range(32))))
    shown = "".join(map(repr, (opening, kept(), key, hers().presented, Held(1, {}, {}, {"spouse": opening}))))
    assert isinstance(hers().presented, Presented)
    for secret in (str(opening.m), str(opening.u), str(HERS), str(bytes(range(32)))):
        assert secret not in shown
    for attempt in (
        lambda: CommitmentOpening(opening.suite, opening.K, opening.m + 1, opening.u),
        lambda: CommitmentOpening(opening.suite, opening.K, -opening.m, opening.u),
        lambda: KEY.receive(sealed()[:-1], ours(), "ours", "spouse"),
        lambda: answered(ours(), holdings(BOB, 1), BOB, {"spouse": opening}),
    ):
        with pytest.raises(DisclosureError) as raised:
            attempt()
        for secret in (str(opening.m), str(opening.m + 1), str(opening.u), str(HERS)):
            assert secret not in str(raised.value)


def test_who_carries_the_octets_learns_nothing_of_the_number() -> None:
    """Neither m nor u nor the number is in the sealed octets, in either order of octets."""
    octets, opening = sealed(), kept().opening
    for number in (opening.m, opening.u, HERS):
        for order in ("big", "little"):
            size = max(3, (number.bit_length() + 7) // 8)
            assert number.to_bytes(size, order) not in octets
