"""Records of registered policies that are as large as may be."""

from dataclasses import replace
from string import ascii_lowercase

from disclosure.policy import AllowedItem, RegisteredPolicy
from tests.disclosure.test_disclosure_allowance import COMPOSITE


def test_the_policy_of_most_parts_is_read_as_it_is_written() -> None:
    """What can be registered can be read: one that cannot would end every list that it is in."""
    names = [first + second for first in ascii_lowercase for second in ascii_lowercase][:256]
    shown, proven = tuple(names[:128]), tuple(names[128:])
    widest = replace(COMPOSITE, items=tuple(AllowedItem("hrss", each, shown, proven) for each in names[:64]))
    assert len(widest.entry()) > 48_000
    assert RegisteredPolicy.from_bytes(widest.canonical) == widest
