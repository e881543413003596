"""The signing worker and the composite form: what it signs, what it misses, what it never shows."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bbs.groups.bls12_381 import r
from disclosure import KeyState, RefusedError
from disclosure.attributes import to_item
from disclosure.composite import (
    HolderSecret,
    IssuanceTerms,
    IssuedCredential,
    PendingCredential,
    accept_credential,
    ask_for_credential,
    check_commitment,
)
from tests.zkservice.holding import BASE
from tests.zkservice.support import VALUES
from tests.zkservice.test_signing import TODAY, Pair, draft, pair, told
from zkservice import frames
from zkservice.signing import AnyDraft, CompositeDraft, Signer, draft_of
from zkservice.tasks import Done, Fault, Missing, Names, Supplies
from zkservice.worker import done

HOLDER = HolderSecret.generate()


def supplies(key: Pair) -> Supplies:
    return replace(told(key), schemas={str(BASE.name): BASE.canonical})


def committed(key: Pair, **values: Any) -> tuple[CompositeDraft, PendingCredential]:
    """Commit as a vault does, and return what the server has signed then."""
    terms = IssuanceTerms(BASE.name, key.key.name, base=True)
    commitment, pending = ask_for_credential(terms, HOLDER, BASE, key.key)
    checked = check_commitment(terms, commitment, BASE, key.key)
    items: Mapping[str, Any] = {name: to_item(value) for name, value in VALUES.items()} | values
    return CompositeDraft(terms.canonical, checked.C, checked.pseudonym, items, TODAY), pending


def test_a_cold_signer_asks_for_what_it_needs_and_signs_what_its_holder_accepts() -> None:
    signer, key = Signer(), pair()
    job, pending = committed(key)
    assert signer.work([job], Supplies()) == [Missing(Names(schemas=frozenset({job.schema})))]
    for supply in (supplies(key), Supplies()):
        (outcome,) = signer.work([job], supply)
        assert isinstance(outcome, Done)
        issued = IssuedCredential.from_bytes(outcome.octets, BASE)
        assert issued.values == VALUES
        assert issued.expiry == TODAY + dt.timedelta(days=BASE.validity_days)
        assert accept_credential(pending, issued, HOLDER, BASE, key.key, None, None).handle == issued.handle


def test_each_signature_has_a_handle_of_its_own() -> None:
    signer, key = Signer(), pair()
    job, _ = committed(key)
    outcomes = signer.work([job] * 8, supplies(key))
    handles = {
        IssuedCredential.from_bytes(each.octets, BASE).handle for each in outcomes if isinstance(each, Done)
    }
    assert len(handles) == 8
    assert all(1 << 200 < each < r for each in handles), "not drawn uniformly"


def test_a_key_that_only_verifies_signs_nothing() -> None:
    key = pair()
    supply = supplies(key)
    retired = {key.name: replace(key.key, state=KeyState.VERIFY_ONLY)}
    (outcome,) = Signer().work([committed(key)[0]], replace(supply, issuer_keys=retired))
    assert isinstance(outcome, RefusedError)
    assert outcome.reason == "ISSUER_KEY_RETIRED"


def test_drafts_of_both_forms_are_signed_together_and_one_that_cannot_be_hurts_no_other() -> None:
    key = pair()
    supply = replace(told(key), schemas=told(key).schemas | {str(BASE.name): BASE.canonical})  # type: ignore[operator]
    wrong = [committed(key, district="999999")[0], replace(committed(key)[0], commitment=b"\xff" * 48)]
    jobs: list[AnyDraft] = [draft(key), committed(key)[0], *wrong]
    one, two, refused, fault = done(Signer(), jobs, supply)
    assert isinstance(one, Done)
    assert isinstance(two, Done)
    assert isinstance(fault, Fault)
    assert not isinstance(refused, Done | Missing | Fault)
    assert "999999" not in repr(refused)


def test_a_draft_comes_back_from_a_frame_as_it_went() -> None:
    key = pair()
    jobs: list[AnyDraft] = [committed(key)[0], draft(key)]
    back, _ = frames.batch_of(frames.batch_to(jobs, supplies(key)), draft_of)
    assert back == jobs


@pytest.mark.parametrize("part", ["values", "commitment", "origin"])
def test_a_draft_shows_nothing_of_its_person(part: str) -> None:
    job, _ = committed(pair())
    assert part not in repr(job)
    assert "王小明" not in repr(job)
    assert job.commitment.hex() not in repr(job)
