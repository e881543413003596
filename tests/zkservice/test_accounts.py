"""Accounts and inboxes over a real server: one for each subject, and what is delivered there."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.account import AccountKey, code_hash
from disclosure.event import EventBody, EventKind
from tests.zkservice.residents import (
    COMPANY,
    PERSON,
    Resident,
    accounts,
    identifying,
    new_code,
    number,
    registering,
    subject,
)
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, City, aio_error, city, new_id, refusal, reopened
from tlog import Verifier, verify_receipt
from tlog.entry import note_hash
from zkproto.v1 import account_pb2 as pb
from zkproto.v1 import issuance_pb2
from zkservice.storage.accounts import MOST_WRONG

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(tmp_path_factory.mktemp("accounts")) as opened:
            yield opened


async def deliver(town: City, to: pb.Subject, **changes: Any) -> Any:
    message = town.issuing(VALUES)
    message.deliver_to.CopyFrom(to)
    for name, value in changes.items():
        setattr(message, name, value)
    return await town.issuance.IssueCredential(message, metadata=town.bearer(town.department_token))


async def test_a_registration_is_answered_by_an_account_and_a_receipt_that_only_its_vault_tells(
    town: City,
) -> None:
    who, key = subject(number()), Ed25519PrivateKey.generate()
    message = registering(town, await new_code(town, who), who, key)
    answer = await accounts(town).RegisterAccount(message)
    assert answer.account.startswith("accounts/")
    assert await accounts(town).RegisterAccount(message) == answer, "the same call, the same answer"
    verified = verify_receipt(answer.receipt, Verifier.from_string(town.ready.verifier_key))
    assert verified.opening.note_hash == note_hash(message.holder_note)
    bound = AccountKey(code_hash(message.code), message.public_key, town.ready.verifier_key)
    EventBody.from_bytes(verified.opening.body).check(
        EventKind.ACCOUNT_REGISTERED, "departments/police", bound.digest
    )
    assert await Resident(town, who, answer.account, key).session()


async def test_a_code_is_typed_as_people_type(town: City) -> None:
    who = subject(number())
    code = await new_code(town, who)
    message = registering(town, code, who)
    message.code = f" {code.lower().replace('-', ' ')} "
    assert (await accounts(town).RegisterAccount(message)).account


async def test_a_new_phone_keeps_the_account_and_ends_the_sessions_of_the_old(town: City) -> None:
    old = await Resident.settle(town)
    await deliver(town, old.who)
    session, watching = await old.session(), accounts(town)
    stream = watching.WatchInbox(pb.WatchInboxRequest(), metadata=session)
    assert len((await stream.read()).arrivals) == 1
    key = Ed25519PrivateKey.generate()
    answer = await accounts(town).RegisterAccount(
        registering(town, await new_code(town, old.who), old.who, key)
    )
    assert answer.account == old.account
    told = [await refusal(drained(stream))]
    told.append(await refusal(accounts(town).ListOffers(pb.ListOffersRequest(), metadata=session)))
    told.append(await refusal(old.session()))
    for each in told:
        assert (each.reason, each.code.name) == ("ACCOUNT_REPLACED", "UNAUTHENTICATED")
        assert "departments/police" in each.detail
    assert len((await Resident(town, old.who, old.account, key).offers()).offers) == 1


async def drained(stream: Any) -> None:
    async with asyncio.timeout(10):
        while await stream.read():
            pass


async def arrivals(mine: Resident) -> list[tuple[int, str]]:
    """What has come to an account."""
    stream = accounts(mine.town).WatchInbox(pb.WatchInboxRequest(), metadata=await mine.session())
    found = (await stream.read()).arrivals
    stream.cancel()
    return [(each.kind, each.about) for each in found]


async def test_an_owner_is_told_of_a_code_before_it_is_used_and_of_whoever_used_it(town: City) -> None:
    """A department that identifies persons can give my code to somebody else, not without my seeing it."""
    tax = await town.add_department("tax-of-persons", PERSON)
    mine = await Resident.settle(town)
    assert await arrivals(mine) == []
    stream = accounts(town).WatchInbox(pb.WatchInboxRequest(), metadata=await mine.session())
    await stream.read()
    waiting = asyncio.ensure_future(stream.read())
    code = await new_code(town, mine.who, tax)
    (told,) = (await asyncio.wait_for(waiting, 3)).arrivals
    assert (told.kind, told.about) == (pb.Arrival.KIND_CODE, "departments/tax-of-persons")
    stream.cancel()
    key, department = Ed25519PrivateKey.generate(), "departments/tax-of-persons"
    await accounts(town).RegisterAccount(registering(town, code, mine.who, key, department=department))
    refused = await refusal(mine.session())
    assert refused.reason == "ACCOUNT_REPLACED"
    assert department in refused.detail
    taken = Resident(town, mine.who, mine.account, key)
    assert await arrivals(taken) == [(pb.Arrival.KIND_CODE, department), (pb.Arrival.KIND_KEY, department)]
    back = Ed25519PrivateKey.generate()
    await accounts(town).RegisterAccount(registering(town, await new_code(town, mine.who), mine.who, back))
    mine.key = back
    assert [each for each, _ in await arrivals(mine)] == [4, 5, 4, 5], "who has it again sees all of it"
    assert (await refusal(taken.session())).reason == "ACCOUNT_REPLACED"
    stranger = Resident(town, mine.who, mine.account, Ed25519PrivateKey.generate())
    assert (await refusal(stranger.session())).reason == "REQUEST_SIGNATURE_INVALID"


async def test_a_department_says_whose_an_account_is_as_far_as_the_administrator_lets_it(town: City) -> None:
    person, company = subject(number()), subject(number(), COMPANY)
    token = await town.add_department("market", COMPANY)
    assert await new_code(town, company, token)
    refused = await refusal(new_code(town, person, token))
    assert (refused.reason, refused.code.name) == ("NOT_IDENTIFYING", "PERMISSION_DENIED")
    await identifying(town, "market", PERSON)
    assert await new_code(town, person, token)
    assert (await refusal(new_code(town, company, token))).reason == "NOT_IDENTIFYING"
    await identifying(town, "market")
    for who in (person, company):
        assert (await refusal(new_code(town, who, token))).reason == "NOT_IDENTIFYING"


async def test_an_account_is_registered_again_by_the_same_call_whatever_its_department_may_since(
    town: City,
) -> None:
    token, who = await town.add_department("short", PERSON), subject(number())
    message = registering(town, await new_code(town, who, token), who, department="departments/short")
    answer = await accounts(town).RegisterAccount(message)
    await identifying(town, "short")
    assert await accounts(town).RegisterAccount(message) == answer


async def test_a_person_and_a_company_of_one_number_are_two(town: City) -> None:
    value = number()
    person, company = await Resident.settle(town, PERSON, value), await Resident.settle(town, COMPANY, value)
    assert person.account != company.account


async def test_an_offer_is_delivered_to_its_subject_and_to_nobody_else(town: City) -> None:
    mine, other = await Resident.settle(town), await Resident.settle(town)
    made = await deliver(town, mine.who)
    assert made.claim_code == "", "the department has no code of an offer that is delivered"
    (found,) = (await mine.offers()).offers
    assert (found.name, found.schema, found.department) == (
        made.offer,
        "departments/police/schemas/residence_permit@1",
        "departments/police",
    )
    assert found.expire_time == made.expire_time
    assert not (await other.offers()).offers
    answer = issuance_pb2.IssueCredentialResponse(offer=found.name, claim_code=found.claim_code)
    assert (await town.claim(answer)).credential.values["name"] == VALUES["name"]
    assert not (await mine.offers()).offers, "what is claimed waits no more"


async def test_the_same_delivery_twice_is_one_offer_and_another_subject_is_another_call(town: City) -> None:
    mine, other = await Resident.settle(town), await Resident.settle(town)
    request_id = new_id()
    made = await deliver(town, mine.who, request_id=request_id)
    assert await deliver(town, mine.who, request_id=request_id) == made
    assert len((await mine.offers()).offers) == 1
    for to in (other.who, None):
        message = town.issuing(VALUES, request_id)
        if to is not None:
            message.deliver_to.CopyFrom(to)
        call = town.issuance.IssueCredential(message, metadata=town.bearer(town.department_token))
        assert (await refusal(call)).reason == "REQUEST_ID_REUSED"
    assert not (await other.offers()).offers


async def test_offers_come_in_pages(town: City) -> None:
    mine, other = await Resident.settle(town), await Resident.settle(town)
    made = {(await deliver(town, mine.who)).offer for _ in range(5)}
    found, token = list[str](), ""
    while True:
        page = await mine.offers(page_size=2, page_token=token)
        assert len(page.offers) <= 2
        found += [each.name for each in page.offers]
        token = page.next_page_token
        if not token:
            break
        assert (await refusal(other.offers(page_token=token))).reason == "PAGE_TOKEN_INVALID"
    assert (len(found), set(found)) == (5, made)


async def test_an_offer_that_has_run_out_waits_for_nobody(town: City) -> None:
    mine = await Resident.settle(town)
    await deliver(town, mine.who)
    town.clock.ahead = dt.timedelta(days=31)
    try:
        assert not (await mine.offers()).offers
    finally:
        town.clock.ahead = dt.timedelta()


async def test_who_watches_is_told_at_once_and_goes_on_after_what_was_seen(town: City) -> None:
    mine = await Resident.settle(town)
    session = await mine.session()
    stream = accounts(town).WatchInbox(pb.WatchInboxRequest(), metadata=session)
    assert not (await stream.read()).arrivals
    waiting = asyncio.ensure_future(stream.read())
    made = await deliver(town, mine.who)
    (told,) = (await asyncio.wait_for(waiting, 3)).arrivals
    assert (told.kind, told.about) == (pb.Arrival.KIND_OFFER, made.offer)
    stream.cancel()
    for after, count in ((0, 1), (told.position, 0)):
        again = accounts(town).WatchInbox(pb.WatchInboxRequest(after=after), metadata=session)
        assert len((await again.read()).arrivals) == count
        again.cancel()


async def test_a_stream_ends_with_its_session(town: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zkservice.services.account._POLL", dt.timedelta(seconds=0.1))
    mine = await Resident.settle(town)
    stream = accounts(town).WatchInbox(pb.WatchInboxRequest(), metadata=await mine.session())
    await stream.read()
    town.clock.ahead = dt.timedelta(minutes=16)
    try:
        error = await refusal(asyncio.wait_for(stream.read(), 5))
    finally:
        town.clock.ahead = dt.timedelta()
    assert error.reason == "TOKEN_INVALID"


async def test_of_several_who_use_one_code_one_is_registered(town: City) -> None:
    who = subject(number())
    code = await new_code(town, who)
    calls = [accounts(town).RegisterAccount(registering(town, code, who)) for _ in range(8)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    told = [aio_error(each).reason for each in answers if isinstance(each, BaseException)]  # type: ignore[arg-type]
    assert told == ["REGISTRATION_USED"] * 7


async def test_whoever_has_found_a_code_cannot_try_out_whose_it_is(town: City) -> None:
    who, key = subject(number()), Ed25519PrivateKey.generate()
    for tries, reason in ((MOST_WRONG - 1, ""), (MOST_WRONG, "REGISTRATION_INVALID")):
        code = await new_code(town, who)
        for _ in range(tries):
            error = await refusal(accounts(town).RegisterAccount(registering(town, code, subject(number()))))
            assert error.reason == "SUBJECT_MISMATCH"
        right = accounts(town).RegisterAccount(registering(town, code, who, key))
        if reason:
            assert (await refusal(right)).reason == reason
        else:
            assert (await right).account


async def test_accounts_and_what_waits_outlive_a_restart(tmp_path: Path) -> None:
    async with city(tmp_path) as before:
        mine = await Resident.settle(before)
        made = await deliver(before, mine.who)
    async with reopened(tmp_path) as after:
        mine.town = after
        (found,) = (await mine.offers()).offers
        assert found.name == made.offer


async def test_neither_number_nor_code_stands_in_the_database_or_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with city(tmp_path, log_level="debug") as own:
        who = subject(number())
        code = await new_code(own, who)
        wrong = registering(own, code, subject(number()))
        await refusal(accounts(own).RegisterAccount(wrong))
        mine = Resident(own, who, "", Ed25519PrivateKey.generate())
        mine.account = (await accounts(own).RegisterAccount(registering(own, code, who, mine.key))).account
        await deliver(own, who)
        (offered,) = (await mine.offers()).offers
        said = "".join(capfd.readouterr())
        held = repr(dump(tmp_path))
        octets = b"".join(each.read_bytes() for each in tmp_path.glob("service.sqlite3*"))
    for secret in (who.number, code, code.replace("-", ""), offered.claim_code):
        assert secret not in said
        assert secret not in held
        assert secret.encode() not in octets
