"""A dishonest holder's library: it proves whatever it is told, as well as that can be done.

Credentials answer with what was signed; where a gadget would find that something is not so, it goes on with
values of which it would be so. What the verifier then sees is false in that place and true everywhere else.
"""

from typing import Any

import pytest

from bbs.engine import Base, Values, Witness
from bbs.gadgets.ranges import Digits
from bbs.gadgets.small_set import Different, NoneOf, OneOf
from bbs.gadgets.tables import Table
from bbs.groups.bls12_381 import r


def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bbs.engine.prover.Values.set", _set_first)
    monkeypatch.setattr("bbs.engine.prover.Values.take", _take)
    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    monkeypatch.setattr("disclosure.composite.present.missing_in", lambda *_: ())
    digits, one_of, none_of, signature = Digits.assign, OneOf.assign, NoneOf.assign, Table.signature
    different = Different.assign

    def any_number(self: Digits, values: Values, number: int) -> dict[Witness, int]:
        return digits(self, values, number % 256 ** len(self.digits))

    def another_of(self: OneOf, values: Values, m: int) -> None:
        one_of(self, values, m if m in self.values else self.values[0])

    def another_than(self: NoneOf, values: Values, m: int) -> None:
        none_of(self, values, m if m not in self.values else m + 1)

    def another_difference(self: Different, values: Values, m: int, other: int) -> None:
        different(self, values, m, other if m != other else other + 1)

    def another_signature(self: Table, scalar: int) -> Base:
        return signature(self, scalar if scalar in self else self.scalars[0])

    monkeypatch.setattr(Digits, "assign", any_number)
    monkeypatch.setattr(OneOf, "assign", another_of)
    monkeypatch.setattr(NoneOf, "assign", another_than)
    monkeypatch.setattr(Different, "assign", another_difference)
    monkeypatch.setattr(Table, "signature", another_signature)


def _set_first(values: Values, witness: Witness, value: int) -> None:
    """The credentials come first: a witness is what was signed, whatever a gadget would have it."""
    values._witnesses.setdefault(witness, value % r)


def _take(values: Values) -> Any:
    free = {name: values._witnesses[name] for name in values.statement.free}
    return values.statement.complete(free, 1), values._points
