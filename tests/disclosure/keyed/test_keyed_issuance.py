"""A MAC is accepted by the holder it was made for, and issued on a commitment for its terms only."""

import datetime as dt
from dataclasses import replace

import pytest

from bbs.keyed import P256, SM2
from bbs.keyed.group import POINT_OCTETS
from disclosure import DisclosureError, MalformedError, RefusedError
from disclosure.composite.issuance import IssuanceTerms
from disclosure.keyed import (
    KeyedSecret,
    accept_keyed,
    ask_for_keyed,
    check_keyed_commitment,
    issue_keyed,
)
from tests.disclosure.keyed.world import (
    INSURANCE,
    TODAY,
    VALUES,
    Holder,
    Office,
    office,
)

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module", params=[P256, SM2], ids=lambda curve: str(curve.name))
def mine(request: pytest.FixtureRequest) -> Office:
    return office(request.param)


def test_accepting_needs_the_own_secret_and_blind(mine: Office) -> None:

    keys, holder = mine.keys, Holder.of(mine)
    terms = IssuanceTerms(INSURANCE.name, keys.name, base=True)
    commitment, pending = ask_for_keyed(terms, holder.secret, INSURANCE, keys)
    checked_ = check_keyed_commitment(terms, commitment, INSURANCE, keys)
    issued = issue_keyed(checked_, INSURANCE, keys, mine.key, VALUES, TODAY)
    assert accept_keyed(pending, issued, holder.secret, INSURANCE, keys)
    tagging = issue_keyed(checked_, INSURANCE, keys, office(keys.curve, 2).key, VALUES, TODAY)
    mac = bytearray(issued.mac)
    mac[-1] ^= 1
    for lie in (
        tagging,
        replace(issued, handle=issued.handle ^ 1),
        replace(issued, expiry=issued.expiry + DAY),
        replace(issued, values={**VALUES, "months": 21}),
        replace(issued, mac=bytes(mac)),
        replace(issued, mac=bytes(POINT_OCTETS) + issued.mac[POINT_OCTETS:]),
    ):
        with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
            accept_keyed(pending, lie, holder.secret, INSURANCE, keys)
    for other in (replace(pending, blind=pending.blind ^ 1), pending):
        secret = holder.secret if other is not pending else KeyedSecret.generate(keys.curve)
        with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
            accept_keyed(other, issued, secret, INSURANCE, keys)
    # The commitment is good for its terms only, octet by octet.
    again = IssuanceTerms(INSURANCE.name, keys.name, base=True)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        check_keyed_commitment(again, commitment, INSURANCE, keys)
    for place in range(0, len(commitment), 5):
        bad = bytearray(commitment)
        bad[place] ^= 1
        with pytest.raises(DisclosureError, match=r"COMMITMENT_INVALID|MALFORMED"):
            check_keyed_commitment(terms, bytes(bad), INSURANCE, keys)
    for at in range(2):
        bad = bytearray(commitment)
        bad[at * POINT_OCTETS : (at + 1) * POINT_OCTETS] = bytes(POINT_OCTETS)
        with pytest.raises(MalformedError, match="MALFORMED"):
            check_keyed_commitment(terms, bytes(bad), INSURANCE, keys)
    # One holder has one pseudonym at a department; another holder another.
    second, _ = ask_for_keyed(again, holder.secret, INSURANCE, keys)
    assert check_keyed_commitment(again, second, INSURANCE, keys).pseudonym == checked_.pseudonym
    third, _ = ask_for_keyed(again, KeyedSecret.generate(keys.curve), INSURANCE, keys)
    assert check_keyed_commitment(again, third, INSURANCE, keys).pseudonym != checked_.pseudonym


def test_nothing_secret_shows_itself(mine: Office) -> None:
    holder = Holder.of(mine)
    holding = holder.get()
    for each in (holder.secret, holding, mine.key, holding.credential):
        assert str(holder.secret.scalar) not in repr(each)
        assert "months" not in repr(each)
        assert mine.key.to_octets_secret().hex() not in repr(each)
