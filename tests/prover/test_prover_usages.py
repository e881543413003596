from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import VerifierName
from prover import ContentError, UsageState, Vault
from tests.prover.conftest import Reopen
from tests.prover.making import (
    PASSPHRASE,
    PURPOSE,
    SCHOOL,
    VERIFIER,
    begin,
    fetched,
    filled,
    prepared,
    receipt_of,
    refused,
    request,
)


def test_a_use_is_stored_before_it_is_sent(vault: Vault, reopen: Reopen) -> None:
    made = prepared(filled(vault))
    usage = vault.begin_usage(fetched(made.request), made)
    (found,) = reopen().usages()
    assert found == usage
    assert found.state is UsageState.SENT
    assert found.presentation.canonical == made.presentation.canonical
    assert (found.holder_note, found.request_id) == (made.holder_note, made.request_id)
    assert (found.verifier, found.verifier_display_name, found.purpose) == (VERIFIER, SCHOOL, PURPOSE)
    assert found.shown == {"home": ("district",), "work": ("base", "remark")}
    assert found.answer.credentials[1].shown.values == {"base": 856_400, "remark": None}
    assert found.request_payload == made.request.canonical
    assert found.own_tag
    assert vault.recognises(found.answer.usage_tag)


def test_a_use_outlives_its_credential(vault: Vault, reopen: Reopen) -> None:
    usage = begin(filled(vault))
    for held in vault.credentials():
        vault.remove(held.id)
    assert reopen().usages() == [usage]


def test_a_use_ends_with_a_receipt_that_stays(vault: Vault, reopen: Reopen) -> None:
    usage = begin(filled(vault))
    receipt = receipt_of(usage)
    assert reopen().finish_usage(usage.id, reason="REPLAYED").reason == "REPLAYED"
    answered = reopen().finish_usage(usage.id, receipt=receipt)
    assert answered == replace(usage, state=UsageState.ANSWERED, receipt=receipt)
    assert reopen().finish_usage(usage.id, reason="REPLAYED") == answered
    assert reopen().finish_usage(usage.id, receipt=b"another") == answered
    assert reopen().usage(usage.id[:10]) == answered


def test_a_use_ends_in_one_way(vault: Vault) -> None:
    usage = begin(filled(vault))
    with pytest.raises(ValueError, match="receipt or with a reason"):
        vault.finish_usage(usage.id)
    with pytest.raises(ValueError, match="receipt or with a reason"):
        vault.finish_usage(usage.id, receipt=b"receipt", reason="REASON")
    refused(ContentError, "USAGE_NOT_FOUND", vault.finish_usage, "ffff" * 8, reason="REASON")
    for held in vault.credentials():
        refused(ContentError, "USAGE_NOT_FOUND", vault.finish_usage, held.id, reason="REASON")
    refused(ContentError, "USAGE_NOT_FOUND", vault.usage, "")
    assert vault.usages() == [usage]


def test_a_use_of_another_request_or_vault_is_not_stored(vault: Vault, tmp_path: Path) -> None:
    made = prepared(filled(vault))
    refused(ContentError, "USAGE_MISMATCH", vault.begin_usage, fetched(request(nonce=b"n" * 32)), made)
    with Vault.create(tmp_path / "other.vault", PASSPHRASE) as other:
        refused(ContentError, "USAGE_MISMATCH", other.begin_usage, fetched(made.request), made)
        assert not other.recognises(made.presentation.usage_tag)
        assert other.open_note(made.holder_note) is None
    assert vault.usages() == []


def test_uses_are_counted_by_verifier(vault: Vault) -> None:
    filled(vault)
    assert vault.verifier_counts() == {}
    for number in (1, 2):
        usage = begin(vault, number)
        vault.finish_usage(usage.id, receipt=receipt_of(usage))
    begin(vault, 3)
    vault.finish_usage(begin(vault, 4).id, reason="REQUEST_EXPIRED")
    assert vault.verifier_counts() == {VERIFIER: 2}
    assert VerifierName("bank") not in vault.verifier_counts()
    assert [each.state.value for each in vault.usages()] == ["answered", "answered", "sent", "refused"]
