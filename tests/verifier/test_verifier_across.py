"""What may come once in all cities: one pseudonym of an answer, since no claim is ever given back."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ordering.transactions import Claim
from tests.verifier.composite_city import POLICY, policy_of
from tests.verifier.test_verifier_unique import request, verified
from verifier import PolicyError, RegisterError
from verifier.across import claim_all

CHILD = "      - {id: child, of: household.child_secret, scope: {file: joint.yaml}}\n"
PARENT = "      - {id: parent, scope: {file: joint.yaml}}\n"


def across(names: Sequence[str]) -> str:
    """Return the policy with a second pseudonym in the joint scope of each branch, and these claimed."""
    text = POLICY.replace(CHILD, CHILD + PARENT)
    return text.replace("unique: [child]", f"unique: [child, parent]\nacross: [{', '.join(names)}]")


@pytest.mark.parametrize("name", ["child", "parent"])
def test_a_policy_claims_one_pseudonym(name: str, tmp_path: Path) -> None:
    found = policy_of(across([name]), tmp_path)
    assert (found.unique, found.across) == (("child", "parent"), (name,))


def test_a_policy_that_would_claim_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="taken back") as caught:
        policy_of(across(["child", "parent"]), tmp_path)
    assert caught.value.field == "across[1]"


def test_nothing_is_claimed_for_an_answer_of_which_two_are_named() -> None:
    made = list[Claim]()

    class Noting:
        def is_first(self, claim: Claim) -> bool:
            made.append(claim)
            return True

    with pytest.raises(RegisterError, match="one pseudonym") as caught:
        claim_all(Noting(), request(), verified(), ("child", "me"))
    assert (caught.value.field, made) == ("across", [])
    claim_all(Noting(), request(), verified(), ("child",))
    assert len(made) == 1
