"""Issuer keys that are taken on: what they signed verifies until they are retired; everybody can see it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import tlog
from disclosure import DepartmentName, IssuerKeyName, KeyState
from disclosure.registry import issuer_key_state_entry, issuer_key_state_of_record
from tests.disclosure.composite.world import PERMIT, accepted
from tests.zkservice.centre import POLICE, change_key
from tests.zkservice.composite_city import CompositeCity, composite_city, where
from tests.zkservice.holding import BASE, Holder, get_offer, identified, offer
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.stored import change, dump
from tests.zkservice.support import City, city, new_id, refusal, reopened
from tests.zkservice.test_publication import read
from tlog.entry import RecordEntry, parse_entry
from wire.convert import issuer_key_of
from wire.published import Reader
from zkproto.v1 import catalog_pb2, ledger_pb2
from zkservice.desk import Desk
from zkservice.knowledge import KEY_SECONDS
from zkservice.signing import BulkDraft, Draft

KEY = catalog_pb2.IssuerKey
ACTIVE, VERIFY_ONLY, RETIRED = KEY.STATE_ACTIVE, KEY.STATE_VERIFY_ONLY, KEY.STATE_RETIRED


async def submit(town: City, issued: Any) -> Any:
    """Ask, show and have it verified."""
    return (await town.answered(issued))[2]


@pytest.mark.parametrize("processes", [0, 1])
async def test_in_the_plain_form_an_earlier_key_verifies_until_it_is_retired(
    tmp_path: Path, processes: int
) -> None:
    async with city(tmp_path, processes=processes) as town:
        old = await town.claim(await town.issue())
        name = str(old.key.name)
        new = await town.add_key("police")
        await change_key(town, name, ACTIVE, VERIFY_ONLY)
        await asyncio.sleep(KEY_SECONDS)
        assert (await submit(town, old)).receipt
        fresh = await town.claim(await town.issue())
        assert str(fresh.key.name) == new.name
        await change_key(town, name, VERIFY_ONLY, RETIRED)
        await asyncio.sleep(KEY_SECONDS)
        error = await refusal(town.answered(old))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "ISSUER_KEY_RETIRED")
        assert (await submit(town, fresh)).receipt


async def test_what_a_key_signed_while_it_was_taken_on_is_offered_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key may change between the signature and the transaction that keeps it: it is signed again."""
    signing, overtaken = Desk.one, list[str]()

    async def slow(desk: Any, job: Any) -> Any:
        done = await signing(desk, job)
        if isinstance(job, Draft) and not overtaken:
            overtaken.append(job.issuer_key)
            await town.add_key("police")
            await change_key(town, job.issuer_key, ACTIVE, RETIRED)
        return done

    async with city(tmp_path) as town:
        (before,) = (await town.catalog.ListIssuerKeys(_of_police())).issuer_keys
        monkeypatch.setattr(Desk, "one", slow)
        issued = await town.claim(await town.issue())
        assert overtaken == [before.name]
        assert str(issued.key.name) != before.name
        assert (await submit(town, issued)).receipt


async def test_a_push_goes_on_under_the_key_that_signs_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that was signed under a key which was taken on meanwhile is not kept."""
    signing, overtaken = Desk.many, list[str]()

    async def slow(desk: Any, jobs: Any) -> Any:
        done = await signing(desk, jobs)
        if isinstance(jobs[0], BulkDraft) and not overtaken:
            overtaken.append(jobs[0].issuer_key)
            await town.add_key("police")
            await change_key(town, jobs[0].issuer_key, ACTIVE, RETIRED)
        return done

    async with city(tmp_path) as town:
        police, name = Pusher(town, town.department_token), new_id()
        monkeypatch.setattr(Desk, "many", slow)
        error = await refusal(police.push([record(1), record(2)], name))
        assert (error.code.name, error.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        assert (await police.push([record(1), record(2)], name)).issued == 2
        offered: Any = await police.state(1)
        issued = await town.claim(offered)
        assert [str(issued.key.name)] != overtaken
        assert (await submit(town, issued)).receipt


def asking(town: CompositeCity) -> Any:
    """A request that accepts both keys of one department, as a verifier's policy makes them."""
    issuers = (accepted(town.police), accepted(town.police_2))
    return town.request(town.small(queries=(town.query("permit", PERMIT, issuers=issuers),)))


@pytest.mark.parametrize("processes", [0, 1])
async def test_in_the_composite_form_an_earlier_key_verifies_until_it_is_retired(
    tmp_path: Path, processes: int
) -> None:
    async with composite_city(tmp_path, processes=processes) as town:
        name, new = str(town.police.key.name), town.police_2
        await change_key(town.city, name, ACTIVE, VERIFY_ONLY)
        await asyncio.sleep(KEY_SECONDS)
        assert (await town.city.presentation.SubmitPresentation(await town.submitting(asking(town)))).receipt
        waiting = await town.submitting(asking(town))
        await change_key(town.city, name, VERIFY_ONLY, RETIRED)
        await asyncio.sleep(KEY_SECONDS)
        reason, _ = where(await refusal(town.city.presentation.SubmitPresentation(waiting)))
        assert reason == "ISSUER_KEY_RETIRED"
        request = town.request(town.small(queries=(town.query("permit", PERMIT, issuers=(accepted(new),)),)))
        holdings = {"permit": town.held(PERMIT, by=new)}
        answer, note = town.presented(request, holdings=holdings)
        sent = town.submission(await town.ask(request), answer.presentation, note)
        assert (await town.city.presentation.SubmitPresentation(sent)).receipt


async def test_a_base_credential_is_claimed_under_the_key_that_signs_now(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        await town.add_schema(BASE)
        made = await offer(town, identified())
        (before,) = (await town.catalog.ListIssuerKeys(_of_police())).issuer_keys
        new = await town.add_key("police")
        await change_key(town, before.name, ACTIVE, VERIFY_ONLY)
        holder = Holder(town)
        claiming = await holder.commit(made)
        assert str(claiming.key.name) == new.name
        holding = await holder.accept(claiming, await claiming.send(town))
        assert str(holding.credential.issuer_key) == new.name
        assert (await get_offer(town, await offer(town, identified(person=b"2")))).terms


def _of_police() -> catalog_pb2.ListIssuerKeysRequest:
    return catalog_pb2.ListIssuerKeysRequest(parent=POLICE)


async def test_each_step_is_one_record_that_everybody_reads_with_its_proof(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        key = issuer_key_of(await town.add_key("police"))
        log = tlog.Verifier.from_string(town.ready.verifier_key)
        for before, after, state in (
            (ACTIVE, VERIFY_ONLY, KeyState.VERIFY_ONLY),
            (VERIFY_ONLY, RETIRED, KeyState.RETIRED),
        ):
            changed = await change_key(town, str(key.name), before, after)
            entry = issuer_key_state_entry(key.name, state)
            tlog.ProofFile.parse(changed.state_proof).verify(entry, log)
            rows = dump(tmp_path)
            assert await change_key(town, str(key.name), before, after) == changed, "said again"
            assert dump(tmp_path) == rows
            assert await read(town, _state_of(key.name)) is state
        page = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=500))
        entries = [parse_entry(each.entry) for each in page.entries]
        told = [
            issuer_key_state_of_record(each.payload)
            for each in entries
            if isinstance(each, RecordEntry) and each.kind == "issuer-key-state"
        ]
        assert told == [(key.name, KeyState.VERIFY_ONLY), (key.name, KeyState.RETIRED)]


def _state_of(name: IssuerKeyName) -> Any:
    def act(reader: Reader) -> KeyState:
        alone, *_ = [reader.issuer_key(name)]
        listed = {each.name: each for each in reader.issuer_keys(DepartmentName(name.department))}
        assert listed[name] == alone
        return alone.state

    return act


async def test_a_key_may_be_retired_at_once(tmp_path: Path) -> None:
    """Whoever has lost it does not wait."""
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        await change_key(town, str(issued.key.name), ACTIVE, RETIRED)
        assert (await refusal(town.issue())).reason == "ISSUER_KEY_MISSING"
        await asyncio.sleep(KEY_SECONDS)
        assert (await refusal(town.answered(issued))).reason == "ISSUER_KEY_RETIRED"


async def test_of_many_who_take_a_key_on_all_are_answered_and_one_record_stands(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        key = await town.add_key("police")
        answers = await asyncio.gather(*(change_key(town, key.name, ACTIVE, RETIRED) for _ in range(8)))
        assert [each.state for each in answers] == [RETIRED] * 8
        entry = issuer_key_state_entry(IssuerKeyName.parse(key.name), KeyState.RETIRED)
        page = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=500))
        assert [each.entry for each in page.entries].count(entry) == 1


async def test_a_state_that_no_record_tells_of_is_not_believed(tmp_path: Path) -> None:
    """A service that told one reader alone that a key is retired would be found out."""
    async with city(tmp_path) as town:
        name = issuer_key_of(await town.add_key("police")).name
        change(tmp_path, "update issuer_key set state = 'retired' where name = ?", str(name))
        with pytest.raises(tlog.TlogError):
            await read(town, _state_of(name))
        await change_key(town, str(name), RETIRED, RETIRED)
    async with reopened(tmp_path) as town:  # it is recorded at the start, as what is older than such records
        assert await read(town, _state_of(name)) is KeyState.RETIRED


async def test_a_record_of_one_state_is_none_of_another(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        key = await town.add_key("police")
        await change_key(town, key.name, ACTIVE, VERIFY_ONLY)
        change(tmp_path, "update issuer_key set state = 'retired' where name = ?", key.name)
        with pytest.raises(tlog.TlogError):
            await read(town, _state_of(IssuerKeyName.parse(key.name)))


def test_the_record_of_a_state_is_decoded_strictly() -> None:
    name = IssuerKeyName("police", "0" * 32)
    payload = parse_entry(issuer_key_state_entry(name, KeyState.RETIRED))
    assert isinstance(payload, RecordEntry)
    assert issuer_key_state_of_record(payload.payload) == (name, KeyState.RETIRED)
    active = parse_entry(issuer_key_state_entry(name, KeyState.ACTIVE))
    assert isinstance(active, RecordEntry)
    for octets in (active.payload, payload.payload[:-1], payload.payload + b"\0", b""):
        with pytest.raises(Exception, match="MALFORMED"):
            issuer_key_state_of_record(octets)
