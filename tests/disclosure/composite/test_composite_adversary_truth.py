"""The liars of the adversary tests are refused for their lies and for nothing else.

Without the lie, under the key that it needs, or by a verifier that leaves out the one check that it breaks,
each of them is believed.
"""

from dataclasses import replace

import pytest

from tests.disclosure.composite.adversary import ASKED, LEAN, among_a_hundred, claimed, lean, repair
from tests.disclosure.composite.test_composite_adversary import (
    LIES,
    SIDES,
    asking_for,
    escrowed,
    in_scope,
    liars_signature,
    named,
    revoked,
    signed,
)
from tests.disclosure.composite.test_composite_collusion import kept
from tests.disclosure.composite.world import ALICE, BOB, DIRECTORY, POLICE, TODAY, accepted, directory


def test_the_liars_own_way_to_prove_is_believed_where_nothing_is_false() -> None:
    truths = [claimed(), claimed(tell=repair), claimed(lean(BOB), secret=BOB)]
    truths.append(claimed(tell=signed(SIDES["below"], 82 - 12, POLICE.digits.table.signature)))
    truths.append(claimed(tell=named(in_scope(), ALICE.scalar)))
    truths.append(claimed(tell=escrowed(lambda G, K0, Y, m, u: ({G: u}, {K0: m, Y: u}))))
    ends = ((12, 100), (300, 40))
    truths += [claimed(lean(permit={"months": low}, insurance={"months": high})) for low, high in ends]
    truths += [claimed(lean(permit={"expiry": TODAY})), claimed(lean(insurance={"months": 18}))]
    assert among_a_hundred(truths) == [None] * len(truths)


def test_minus_one_is_a_digit_of_the_liars_own_table() -> None:
    """The same lie under the key that it needs: so what refuses it is the key of the digits, nothing else."""
    table = replace(kept()[1], owner=POLICE.owner)
    issuer = replace(accepted(POLICE, 2), digits=table.table.digest)
    permit = replace(LEAN.queries[0], issuers=(issuer,))
    asked = replace(ASKED, branches=(replace(LEAN, queries=(permit, LEAN.queries[1])),))
    known = directory(digits={**DIRECTORY.digits, table.table.digest: table})
    below = SIDES["below"]
    believed = claimed(below.holdings(), signed(below, -1, liars_signature), asked=asked, known=known)
    assert among_a_hundred([believed]) == [None]


def test_before_the_department_revoked_it_the_permit_was_good() -> None:
    """Yesterday's witness shows what was so yesterday: it is the later value that refuses it."""
    believed = claimed(asked=asking_for(2), known=revoked(), epoch=2)
    assert among_a_hundred([believed]) == [None]


SIGNATURES = [name for name in LIES if "false signature" in name or "digits of" in name or "wraps" in name]
EQUATIONS = [name for name in LIES if "false equation" in name or name.startswith(("pseudonym", "escrow"))]


@pytest.mark.parametrize(
    ("names", "left_out"),
    [(SIGNATURES, "_signatures_hold"), (EQUATIONS, "_equations_hold")],
    ids=["signatures", "equations"],
)
def test_a_lie_is_false_in_the_one_place_that_it_says(
    names: list[str], left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verifier that checked no signatures, or no equations, would believe all lies of that kind."""
    assert len(names) > 10
    claims = [LIES[name].claim for name in names]
    assert None not in among_a_hundred(claims)
    monkeypatch.setattr(f"bbs.engine.verifier.{left_out}", lambda _: True)
    believed = among_a_hundred(claims)
    assert {name: str(error) for name, error in zip(names, believed, strict=True) if error} == {}
