"""A standing consent of the composite form: proven anew each time, by the newest epoch, weeks later."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from disclosure import ConsentLink, VerifierName, civil_date
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from disclosure.standing import StandingTerms, template_of
from prover import Vault
from prover.client.consents import ConsentClient, StandingConsent
from prover.composite.telling import CompositeConsent
from prover.recovery import keys_of, words_of
from tests.disclosure.composite.world import PERMIT
from tests.prover.composite_town import CompositeTown
from tests.prover.making import PASSPHRASE, refused
from tests.prover.proxy import Proxy, proxied
from tests.prover.town import running
from tests.zkservice.composite_city import furnished
from tests.zkservice.revoking import new_handles
from verifier.client import CompositeAnswered, CompositeExchange, VerifierClient
from verifier.client.consents import AskedConsent, VerifierConsents
from wire.client import ServiceError
from zkproto.v1 import consent_pb2

SCHOOL = VerifierName("school")


@pytest.fixture(scope="module")
def the_composite_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompositeTown]:
    """A server of its own: epochs of days to come would make those of other tests look new."""
    with running(tmp_path_factory.mktemp("consents")) as started:
        yield CompositeTown(started, started.run(furnished(started.city)))


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def school(composite: CompositeTown) -> Iterator[VerifierConsents]:
    key = composite.town.city.verifier_keys["school"]
    with VerifierConsents(composite.town.endpoint, SCHOOL, key, time.sleep) as made:
        yield made


def asked(composite: CompositeTown, school: VerifierConsents) -> tuple[CompositeRequest, AskedConsent]:
    request = composite.city.request(composite.small())
    created = composite.town.city.clock().replace(microsecond=0)
    until, ends = civil_date(created) + dt.timedelta(days=30), created + dt.timedelta(days=1)
    return request, school.ask(StandingTerms(template_of(request), 2, 0, until, created, ends))


def later(composite: CompositeTown) -> CompositeRequest:
    """Ask the same on the next day: another end, a later day of validity, and a newer epoch."""
    composite.town.city.clock.ahead += dt.timedelta(days=1)
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
    return composite.city.request(composite.small())


def test_each_answer_is_proven_anew(composite: CompositeTown, vault: Vault, school: VerifierConsents) -> None:
    holder = ConsentClient(composite.town.endpoint, clock=composite.town.city.clock)
    first, consent = asked(composite, school)
    told: list[StandingConsent] = []

    def agrees(each: StandingConsent) -> bool:
        told.append(each)
        return True

    holder.answer(consent.link, vault, composite.log, agrees)
    assert isinstance(told[0].each, CompositeConsent)
    key = composite.town.city.verifier_keys["school"]
    proofs = set[bytes]()
    for day in range(2):
        request = later(composite) if day else first
        assert template_of(request) == template_of(first)
        exchange = school.use(consent.consent, consent.result_token, request)
        assert isinstance(exchange, CompositeExchange)
        (attended,) = holder.attend(vault, composite.log)
        assert attended.usage is not None, attended.reason
        clock = composite.town.city.clock
        with VerifierClient(composite.town.endpoint, SCHOOL, key, composite.log, clock=clock) as client:
            answered = client.wait(exchange, dt.timedelta(seconds=20))
        assert isinstance(answered, CompositeAnswered)
        proofs.add(answered.record.presentation.proof)
    assert len(proofs) == 2
    assert request != first
    third = later(composite)
    refused(ServiceError, "CONSENT_EXHAUSTED", school.use, consent.consent, consent.result_token, third)
    assert [each.note.kind for each in vault.events()] == [EventKind.CONSENT_GRANTED]


def test_one_branch_more_is_another_question(
    composite: CompositeTown, vault: Vault, school: VerifierConsents
) -> None:
    holder = ConsentClient(composite.town.endpoint, clock=composite.town.city.clock)
    _, consent = asked(composite, school)
    holder.answer(consent.link, vault, composite.log, lambda _: True)
    more = composite.city.request(composite.small(), composite.small(id="other"))
    refused(ServiceError, "CONSENT_MISMATCH", school.use, consent.consent, consent.result_token, more)


@pytest.fixture
def proxy(composite: CompositeTown, tmp_path: Path) -> Iterator[Proxy]:
    (tmp_path / "proxy").mkdir()
    with proxied(composite, tmp_path / "proxy") as made:
        yield made


def twice_asked(
    composite: CompositeTown, vault: Vault, school: VerifierConsents, proxy: Proxy
) -> ConsentClient:
    """Grant two consents over the proxy; under each a request waits."""
    holder = ConsentClient(proxy.endpoint, clock=composite.town.city.clock)
    for _ in range(2):
        request, consent = asked(composite, school)
        link = ConsentLink(proxy.endpoint.server, consent.link.id, consent.link.secret)
        holder.answer(link, vault, composite.log, lambda _: True)
        school.use(consent.consent, consent.result_token, request)
    return holder


def test_a_request_that_cannot_be_had_holds_up_no_other(
    composite: CompositeTown, vault: Vault, school: VerifierConsents, proxy: Proxy
) -> None:
    holder = twice_asked(composite, vault, school, proxy)
    first = list[bytes]()

    def broken(asked: bytes, answered: bytes) -> bytes:
        first.extend([] if first else [asked])
        if asked == first[0]:
            raise ValueError("the service is at fault with this one")
        return answered

    proxy.alter["FetchRequest"] = broken
    one, other = holder.attend(vault, composite.log)
    assert (one.usage, one.reason) == (None, "UNKNOWN")
    assert other.usage is not None, other.reason
    proxy.alter.clear()
    (again,) = holder.attend(vault, composite.log)
    assert (again.exchange, again.usage is not None) == (one.exchange, True)


def test_a_list_that_cannot_be_read_holds_up_no_other_consent(
    composite: CompositeTown, vault: Vault, school: VerifierConsents, proxy: Proxy
) -> None:
    holder = twice_asked(composite, vault, school, proxy)
    first = list[bytes]()

    def spoilt(asked: bytes, answered: bytes) -> bytes:
        first.extend([] if first else [asked])
        message = consent_pb2.ListConsentExchangesResponse.FromString(answered)
        if asked == first[0]:
            message.exchanges.add(exchange="exchanges/no name", ticket="no ticket")
        return message.SerializeToString()

    proxy.alter["ListConsentExchanges"] = spoilt
    told = holder.attend(vault, composite.log)
    assert [each.reason for each in told if each.usage is None] == ["LINK_INVALID"]
    assert len([each for each in told if each.usage is not None]) == 2


def test_a_service_that_is_gone_is_told(
    composite: CompositeTown, vault: Vault, school: VerifierConsents, proxy: Proxy
) -> None:
    holder = twice_asked(composite, vault, school, proxy)
    proxy.refuse["FetchRequest"] = grpc.StatusCode.UNAVAILABLE
    refused(ServiceError, "UNAVAILABLE", holder.attend, vault, composite.log)


def test_a_consent_that_cannot_be_read_holds_up_no_other_on_a_new_phone(
    composite: CompositeTown, vault: Vault, school: VerifierConsents, proxy: Proxy, tmp_path: Path
) -> None:
    holder, clock = twice_asked(composite, vault, school, proxy), composite.town.city.clock
    first, keys = list[bytes](), keys_of(" ".join(words_of(vault.keys)))

    def broken(asked: bytes, answered: bytes) -> bytes:
        first.extend([] if first else [asked])
        if asked == first[0]:
            raise ValueError("the service is at fault with this one")
        return answered

    proxy.alter["FetchConsent"] = broken
    with Vault.create(tmp_path / "new", PASSPHRASE, keys=keys, clock=clock) as phone:
        proxy.client(composite).rebuild(phone, composite.log)
        refused(ServiceError, "UNKNOWN", holder.recovered, phone, composite.log)
        assert len(phone.consents.all()) == 1
        proxy.alter.clear()
        assert len(holder.recovered(phone, composite.log)) == 2
        assert len(phone.consents.all()) == 2
