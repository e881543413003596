"""A dishonest prover."""

import pytest

from bbs.engine import Sent, Values, Witness
from bbs.engine.prover import Combination
from bbs.groups.bls12_381 import r


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prover that proves what is false as well as it can.

    It checks no equation, lets later values take the place of earlier ones, and derives what a constraint
    defines, whatever it was told of it.
    """

    def put(values: Values, witness: Witness, value: int) -> None:
        values._witnesses[witness] = value % r

    def take(values: Values) -> tuple[dict[Witness, int], dict[Sent, Combination]]:
        statement = values.statement
        free = {name: values._witnesses[name] for name in statement.free}
        return statement.complete(free, 1), values._points

    monkeypatch.setattr("bbs.engine.prover._Expansion.check", lambda *_: None)
    monkeypatch.setattr(Values, "set", put)
    monkeypatch.setattr(Values, "take", take)
