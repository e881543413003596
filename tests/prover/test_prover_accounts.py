"""A vault's account at a real server: what breaks off is gone on with, and nothing of it shows itself."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wire.client
from disclosure import AccountLink
from disclosure.event import EventKind
from prover import Vault
from prover.client.account import AccountClient, ArrivalKind
from prover.client.applications import AgentCode, ApplicationClient, State
from prover.errors import ContentError
from prover.events import EventState
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town, running
from tests.zkservice.cases_applications import refusing
from tests.zkservice.residents import PERSON, applications, new_code, number, subject
from tests.zkservice.support import PERMIT, VALUES
from wire.client import ServiceError


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(tmp_path_factory.mktemp("accounts")) as opened:
        yield opened


@pytest.fixture
def vault(tmp_path: Path, town: Town) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=town.city.clock) as made:
        yield made


def identified(town: Town, value: str) -> AccountLink:
    code = town.run(new_code(town.city, subject(value, PERSON)))
    return AccountLink(town.server, "police", code)


def client(town: Town) -> AccountClient:
    return AccountClient(town.endpoint, clock=town.city.clock)


def applying(town: Town) -> ApplicationClient:
    return ApplicationClient(town.endpoint, clock=town.city.clock)


def settled(town: Town, vault: Vault) -> str:
    value = number()
    client(town).register(identified(town, value), "person", value, vault, town.log)
    return value


def deliver(town: Town, value: str) -> None:
    message = town.city.issuing(VALUES)
    message.deliver_to.CopyFrom(subject(value, PERSON))
    bearer = town.city.bearer(town.city.department_token)

    async def issue(asked: Any) -> Any:
        return await town.city.issuance.IssueCredential(asked, metadata=bearer)

    town.call(issue, message)


def lost(patch: pytest.MonkeyPatch, where: str) -> None:
    """Let the next call reach the service and its answer be lost."""
    true, calls = wire.client.call, itertools.count()

    def call(method: Any, request: Any, **options: Any) -> Any:
        answer = true(method, request, **options)
        if type(request).__name__.startswith(("RegisterAccount", "bytes")) and next(calls) == 0:
            raise KeyboardInterrupt
        return answer

    patch.setattr(f"{where}.call", call)


def test_a_registration_whose_answer_is_lost_goes_on_with_the_same_key(
    town: Town, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = number()
    link = identified(town, value)
    with monkeypatch.context() as patch:
        lost(patch, "prover.client.account")
        with pytest.raises(KeyboardInterrupt):
            client(town).register(link, "person", value, vault, town.log)
    assert not vault.accounts.all()
    account = client(town).register(link, "person", value, vault, town.log)
    assert client(town).register(link, "person", value, vault, town.log) == account
    assert [each.name for each in vault.accounts.all()] == [account.name]
    (event,) = vault.events()
    assert (event.note.kind, event.state) == (EventKind.ACCOUNT_REGISTERED, EventState.RECORDED)


def test_a_registration_that_is_refused_leaves_nothing(town: Town, vault: Vault) -> None:
    link = identified(town, number())
    with pytest.raises(ServiceError) as caught:
        client(town).register(link, "person", "NOBODY-9", vault, town.log)
    assert caught.value.reason == "SUBJECT_MISMATCH"
    assert not vault.accounts.all()
    with pytest.raises(ContentError):
        vault.accounts.at(town.server)


def test_all_that_waits_is_claimed(town: Town, vault: Vault) -> None:
    value = settled(town, vault)
    for _ in range(3):
        deliver(town, value)
    done = client(town).claim_all(vault, town.log)
    assert [each.error for each in done] == [None] * 3
    assert not client(town).offers(vault, town.log)


def test_who_watches_is_told_once(town: Town, vault: Vault) -> None:
    value = settled(town, vault)
    deliver(town, value)
    stream = client(town).watch(vault, town.log)
    (arrived,) = next(stream)
    assert arrived.kind is ArrivalKind.OFFER
    deliver(town, value)
    assert len(next(stream)) == 1
    stream.close()
    again = client(town).watch(vault, town.log)
    assert len(next(again)) == 1, "what nobody has gone on from is told again"
    deliver(town, value)
    next(again)
    again.close()


def test_an_application_that_broke_off_is_sent_by_resume(
    town: Town, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(town, vault)
    with monkeypatch.context() as patch:

        def broken(*_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

        patch.setattr("prover.client.events.call", broken)
        with pytest.raises(KeyboardInterrupt):
            applying(town).apply(PERMIT, "because", vault, town.log, values={"district": "370102"})
    assert not applying(town).applications(vault, town.log)
    resumed = town.client().resume(vault, town.log)
    assert [each.state for each in resumed.events] == [EventState.RECORDED]
    (own,) = applying(town).applications(vault, town.log)
    assert own.state is State.OPEN
    bearer = town.city.bearer(town.city.department_token)

    async def decide(message: Any) -> Any:
        return await applications(town.city).DecideApplication(message, metadata=bearer)

    town.call(decide, refusing(own.name))
    (own,) = applying(town).applications(vault, town.log)
    assert (own.state, own.reason is not None) == (State.REFUSED, True)


def test_the_same_application_twice_is_two(town: Town, vault: Vault) -> None:
    settled(town, vault)
    for _ in range(2):
        applying(town).apply(PERMIT, "because", vault, town.log)
    assert len(applying(town).applications(vault, town.log)) == 2


def test_an_account_shows_neither_key_nor_number_nor_code(town: Town, vault: Vault, tmp_path: Path) -> None:
    value = settled(town, vault)
    account = vault.accounts.at(town.server)
    shown = repr(account) + str(vault.events())
    octets = b"".join(each.read_bytes() for each in tmp_path.glob("vault*"))
    for secret in (value, account.seed.hex(), account.link.code):
        assert secret not in shown
        assert secret.encode() not in octets


@pytest.mark.parametrize(
    "text", ["", "accounts/x", "accounts/x#", "verifiers/x#" + "0" * 64, "accounts/x#zz"]
)
def test_what_is_no_agents_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"code|hex"):
        AgentCode.parse(text)
