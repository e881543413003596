"""What a service learns before a person has agreed, and what a vault keeps of what it was told and told."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import IssuerKeyName, RefusedError
from disclosure.composite import ExpiryShown, IssuanceTerms
from prover import (
    ClaimConsent,
    Lack,
    NothingFitsError,
    PresentingError,
    UsageState,
    Vault,
    composite_lines,
    told_of,
)
from prover.client import HolderClient
from prover.composite.records import HeldComposite
from prover.store import Store
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.prover.composite_town import NUMBER, CompositeTown, yes
from tests.prover.conftest import Reopen
from tests.prover.making import refused
from tests.prover.proxy import Proxy, proxied
from tests.prover.town import running
from tests.zkservice.composite_city import furnished
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import TEXT, new_id
from wire.client import ServiceError

READING = dt.timedelta(seconds=6)
"""Longer than what was read counts without being read again."""


@pytest.fixture
def proxy(composite: CompositeTown, tmp_path: Any) -> Iterator[Proxy]:
    with proxied(composite, tmp_path) as made:
        yield made


@pytest.fixture
def empty(vault: Vault, tmp_path: Path) -> Iterator[Vault]:
    """A vault of somebody else, who has nothing."""
    with Vault(Store.create(tmp_path / "empty.vault", b"header"), vault.keys) as made:
        yield made


def through(link: Any, proxy: Proxy) -> Any:
    return type(link)(proxy.endpoint.server, link.id, link.secret)


def overtaken(composite: CompositeTown, vault: Vault) -> HeldComposite:
    """Have a vault claim a permit, and be overtaken by an epoch."""
    held = composite.claimed(vault, person=new_id().encode())
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(2)))
    return held


@pytest.fixture
def untouched(tmp_path: Path) -> Iterator[CompositeTown]:
    """A town of its own: where a test has moved the clock ahead, the sweep may have made an epoch to come."""
    with running(tmp_path / "untouched") as started:
        yield CompositeTown(started, started.run(furnished(started.city)))


# before the person has agreed


def test_planning_asks_the_same_whatever_the_vault_holds(
    composite: CompositeTown, proxy: Proxy, vault: Vault, empty: Vault
) -> None:
    overtaken(composite, vault)
    asked, _ = composite.ask(composite.branch(), composite.small())
    seen = list[list[tuple[str, bytes]]]()
    for each in (vault, empty):
        proxy.asked.clear()
        proxy.client(composite).plan(asked, each, composite.log)
        seen.append(sorted(proxy.asked))
    assert seen[0] == seen[1]
    assert {"ReadStates"} <= {method for method, _ in seen[0]}


def test_what_is_behind_is_caught_up_with_once_the_person_has_agreed(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    overtaken(composite, vault)
    _, link = composite.ask(composite.small())
    methods = list[str]()

    def agrees(consent: Any) -> bool:
        methods.extend(method for method, _ in proxy.asked)
        assert [each.behind for each in consent.credentials] == [True]
        return True

    usage = proxy.client(composite).answer(through(link, proxy), vault, composite.log, agrees)
    assert usage.state is UsageState.ANSWERED
    assert "ListRevocations" not in methods
    assert "ListRevocations" in {method for method, _ in proxy.asked}


def test_who_says_no_has_asked_for_no_revocation(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    held = overtaken(composite, vault)
    _, link = composite.ask(composite.small())
    client, args = proxy.client(composite), (through(link, proxy), vault, composite.log, lambda _: False)
    refused(PresentingError, "DECLINED", client.answer, *args)
    assert "ListRevocations" not in {method for method, _ in proxy.asked}
    (found,) = vault.composite.credentials()
    assert found.octets() == held.octets()


def test_a_claim_is_planned_as_silently(composite: CompositeTown, proxy: Proxy, vault: Vault) -> None:
    overtaken(composite, vault)
    link = through(composite.offer(INSURANCE, required={"number": NUMBER}), proxy)
    methods = list[str]()

    def agrees(consent: ClaimConsent) -> bool:
        methods.extend(method for method, _ in proxy.asked)
        assert consent.shows is not None
        assert [each.behind for each in consent.shows.credentials] == [True]
        return True

    assert proxy.client(composite).claim(link, vault, composite.log, agrees).schema == INSURANCE
    assert "ListRevocations" not in methods


def test_an_epoch_that_comes_while_the_person_reads_is_caught_up_with(
    composite: CompositeTown, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    _, link = composite.ask(composite.small())

    def agrees(consent: Any) -> bool:
        composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
        composite.town.city.clock.ahead += READING
        return True

    usage = composite.client().answer(link, vault, composite.log, agrees)
    newest = composite.town.run(composite.office(PERMIT).epoch())
    assert [each.epoch.number for each in usage.answer.credentials] == [newest.number]  # type: ignore[union-attr]


def test_who_is_revoked_while_reading_sends_nothing(composite: CompositeTown, vault: Vault) -> None:
    held = composite.claimed(vault, person=new_id().encode())
    composite.claimed(vault, PERMIT, required={"number": NUMBER})  # another one would fit, and was not shown
    _, link = composite.ask(composite.small())

    def agrees(consent: Any) -> bool:
        shown = consent.credentials[0].credential
        composite.revoke(next(each for each in vault.composite.credentials() if each.id == shown))
        composite.town.city.clock.ahead += READING
        return True

    error = refused(
        NothingFitsError, "NOTHING_FITS", composite.client().answer, link, vault, composite.log, agrees
    )
    assert isinstance(error, NothingFitsError)
    assert [each.lack for each in error.missing] == [Lack.REVOKED]
    assert vault.usages() == []
    assert held.id in {each.id for each in vault.composite.credentials()}


def test_by_an_old_list_nothing_is_proven(untouched: CompositeTown, vault: Vault) -> None:
    composite = untouched
    composite.claimed(vault, person=new_id().encode())
    small, late = composite.small(), dt.timedelta(hours=49)
    lasting = replace(small, queries=(replace(small.queries[0], expiry=ExpiryShown()),))
    expires = composite.town.city.clock().replace(microsecond=0) + 2 * late
    asked, link = composite.ask(lasting, expires=expires)
    afterwards = HolderClient(composite.town.endpoint, clock=lambda: composite.town.city.clock() + late)
    assert [each.lack for each in afterwards.plan(asked, vault, composite.log).missing] == [Lack.OVERDUE]
    args = (link, vault, composite.log, lambda _: True)
    refused(NothingFitsError, "NOTHING_FITS", afterwards.answer, *args)
    assert vault.usages() == []
    assert composite.client().answer(*args).state is UsageState.ANSWERED


def test_a_signed_request_that_an_issuance_waits_for_is_not_fetched(
    composite: CompositeTown, vault: Vault
) -> None:
    held = composite.claimed(vault, person=new_id().encode())
    key: IssuerKeyName = held.issuer_key.name
    _, link = composite.ask(composite.small(), issuance=IssuanceTerms(PERMIT.name, key, False))
    error = refused(RefusedError, "REQUEST_INVALID", composite.client().fetch, link, composite.log)
    assert isinstance(error, RefusedError)
    assert error.field == "issuance"


# what is kept


CODES = [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED]


@pytest.mark.parametrize("code", CODES)
def test_a_status_that_says_nothing_of_the_offer_does_not_end_a_claim(
    composite: CompositeTown, proxy: Proxy, vault: Vault, code: grpc.StatusCode
) -> None:
    """Its blind is needed for what the service may have signed already."""
    link = through(composite.offer(person=new_id().encode()), proxy)
    proxy.refuse["ClaimCompositeCredential"] = code
    client = proxy.client(composite)
    refused(ServiceError, code.name, client.claim, link, vault, composite.log)
    (claim,) = vault.composite.claims()
    assert claim.blind is not None
    assert client.resume(vault, composite.log).credentials == ()
    proxy.refuse.clear()
    (held,) = client.resume(vault, composite.log).credentials
    assert (held.schema, vault.composite.claims()) == (PERMIT, [])


def test_what_a_department_was_shown_is_told_for_good(
    composite: CompositeTown, vault: Vault, reopen: Reopen
) -> None:
    composite.claimed(vault, person=new_id().encode())
    assert vault.composite.claim_uses() == [], "a base claim shows nothing"
    told = list[ClaimConsent]()

    def agrees(consent: ClaimConsent) -> bool:
        told.append(consent)
        return True

    link = composite.offer(INSURANCE, required={"number": NUMBER})
    composite.client().claim(link, vault, composite.log, agrees)
    for each in vault.composite.credentials():
        vault.remove(each.id)
    assert reopen().composite.claims() == []
    (use,) = reopen().composite.claim_uses()
    assert (str(use.verifier), use.verifier_display_name) == ("verifiers/hrss", TEXT)
    assert told[0].shows is not None
    lines = [each.text for each in composite_lines(told_of(use), "en")]
    assert lines == [each.text for each in composite_lines(told[0].shows, "en")]
    assert any(str(NUMBER) in each for each in lines)
    assert str(NUMBER) not in repr(use)
    assert reopen().usages() == [], "it is on no ledger"


def test_a_claim_that_is_gone_on_with_was_shown_once(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    composite.claimed(vault, person=new_id().encode())
    link = through(composite.offer(INSURANCE, required={"number": NUMBER}), proxy)
    proxy.refuse["ClaimCompositeCredential"] = grpc.StatusCode.UNAVAILABLE
    client = proxy.client(composite)
    refused(ServiceError, "UNAVAILABLE", client.claim, link, vault, composite.log, yes)
    proxy.refuse.clear()
    assert client.claim(link, vault, composite.log, yes).schema == INSURANCE
    assert len(vault.composite.claim_uses()) == 1
