"""What the tests of verifying share: one honest answer, its parts, ways to change it, and its refusal."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from disclosure import (
    Directory,
    DisclosureError,
    Presentation,
)
from tests.disclosure.world import (
    DIRECTORY,
    NOW,
    REQUEST,
    presentation,
)
from verifier import verify_presentation

ANSWER = presentation()
FIRST, SECOND = ANSWER.credentials
DAY = dt.timedelta(days=1)
PROOF_0, PROOF_1 = "credentials[0].proof", "credentials[1].proof"


def refused(
    answer: Presentation,
    reason: str,
    field: str = "",
    *,
    asked: Any = REQUEST,
    known: Directory = DIRECTORY,
    now: dt.datetime = NOW,
) -> DisclosureError:
    with pytest.raises(DisclosureError) as caught:
        verify_presentation(asked, answer, known, now)
    assert (caught.value.reason, field and caught.value.field) == (reason, field)
    return caught.value


def changed_shown(index: int, **changes: Any) -> Presentation:
    parts = list(ANSWER.credentials)
    parts[index] = replace(parts[index], shown=replace(parts[index].shown, **changes))
    return replace(ANSWER, credentials=tuple(parts))


def changed_value(index: int, name: str, value: Any) -> Presentation:
    return changed_shown(index, values={**ANSWER.credentials[index].shown.values, name: value})
