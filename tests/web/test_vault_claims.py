"""What ends a claim in the browser's vault is what ends one in Python's."""

import re
from pathlib import Path

from disclosure import Reason
from prover.client.claims import _OFFER_ENDS, _ends

ENDS = Path(__file__).parents[2] / "web/pages/src/vault/claiming/ends.ts"


def test_the_same_refusals_end_a_claim() -> None:
    listed = set(re.findall(r'"([A-Z0-9_]+)"', ENDS.read_text()))
    assert listed == {str(each.value) for each in Reason} | set(_OFFER_ENDS)
    assert all(map(_ends, listed))
