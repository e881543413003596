"""The client at a real server in the composite form: from a policy to a record, and what must fail."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import DisclosureError, RefusedError, VerifierName, sign_request
from disclosure.composite import CompositePresentation, CompositeRequest, JointScope, Regulator
from disclosure.names import RegulatorName
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT, PERMIT_2, PURPOSE
from tests.disclosure.world import asked_by
from tests.verifier.test_verifier_client import LONG, client_of
from tests.zkservice.allowing import Named, asking
from tests.zkservice.composite_city import BOB, CompositeCity, composite_city
from tests.zkservice.support import TEXT, present
from verifier import (
    AlreadySeenError,
    AnswerError,
    CompositePolicy,
    CompositeRecord,
    JointScopeFile,
    PolicyError,
    PseudonymRegister,
    check_composite_policy,
    load_policy,
    load_record,
    recheck_composite,
)
from verifier.client import CompositeAnswered, CompositeExchange, RemoteVerdict, VerifierClient
from wire.client import ServiceError
from zkproto.v1 import presentation_pb2, publication_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCHOOL = VerifierName("school")
POLICY = f"""\
form: composite
id: enrolment-2026
purpose: {{zh: 入学资格审核, en: Checking who may enrol}}
lifetime: 600
branches:
  - id: main
    queries:
      - id: permit
        schemas: [{PERMIT.name}, {PERMIT_2.name}]
        shown: [name, remark]
        expiry: today
        revocation: {{max_epoch_age: 2 days}}
      - id: insurance
        schemas: [{INSURANCE.name}]
        shown: []
        expiry: shown
        revocation: waived
      - id: household
        schemas: [{HOUSEHOLD.name}]
        shown: []
        expiry: today
        revocation: {{max_epoch_age: 2 days}}
    predicates:
      - {{of: permit.months, at_least: 12}}
      - {{of: permit.since, at_most: 6 months ago}}
      - {{of: permit.district, in_list: {{owner: verifiers/school, code_system: GB/T 2260}}}}
      - {{of: insurance.base, at_least: 8000.00}}
      - {{equal: [permit.number, insurance.number]}}
      - {{sum: [{{of: permit.months, cap: 60}}, {{of: insurance.months}}], at_least: 100}}
    pseudonyms:
      - {{id: me, scope: enrolment-2026}}
      - {{id: child, of: household.child_secret, scope: {{file: joint.yaml}}}}
    escrows:
      - {{id: who, of: permit.number, regulator: regulators/prosecutor}}
    digits: verifiers/school
unique: [child]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town")) as opened:
        policy = policy_at(opened, tmp_path_factory.mktemp("policy"))
        named = Regulator(RegulatorName("prosecutor"), TEXT, opened.regulator_key)
        await opened.city.add_policy(asking(policy, SCHOOL, Named(named, opened.districts)))
        yield opened


@pytest.fixture
def client(town: CompositeCity) -> Iterator[VerifierClient]:
    with client_of(town.city) as opened:
        yield opened


def policy_at(town: CompositeCity, folder: Path, text: str = POLICY) -> CompositePolicy:
    names = (VerifierName("bank"), SCHOOL)
    scope = JointScopeFile(JointScope("enrolment-2026", PURPOSE, names, town.regulator_key.suite), {})
    for name in names:
        scope = scope.signed_by(name, town.city.verifier_keys[name.verifier])
    (folder / "joint.yaml").write_bytes(scope.to_bytes())
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    policy = load_policy(folder / "policy.yaml")
    assert isinstance(policy, CompositePolicy)
    return policy


async def checked(town: CompositeCity, client: VerifierClient, policy: CompositePolicy) -> CompositeRequest:
    return await asyncio.to_thread(check_composite_policy, policy, SCHOOL, client.reader, town.now)


async def asked(
    town: CompositeCity, client: VerifierClient, folder: Path
) -> tuple[CompositeRequest, CompositeExchange]:
    request = await checked(town, client, policy_at(town, folder))
    return request, await asyncio.to_thread(client.ask, request)


async def submit(
    town: CompositeCity, exchange: CompositeExchange, presentation: CompositePresentation, note: bytes
) -> None:
    """Answer as the holder does who followed the link."""
    opened = presentation_pb2.CreateExchangeResponse(
        exchange=exchange.link.exchange, ticket=exchange.link.ticket
    )
    await town.city.presentation.SubmitPresentation(town.submission(opened, presentation, note))


async def answered(
    town: CompositeCity, client: VerifierClient, folder: Path, **more: Any
) -> CompositeAnswered:
    request, exchange = await asked(town, client, folder)
    presented, note = town.presented(request, **more)
    await submit(town, exchange, presented.presentation, note)
    return await asyncio.to_thread(client.wait, exchange, LONG)


async def test_from_policy_to_record(town: CompositeCity, client: VerifierClient, tmp_path: Path) -> None:
    request, exchange = await asked(town, client, tmp_path)
    assert exchange.link.server == town.city.ready.address
    waiting = asyncio.create_task(asyncio.to_thread(client.wait, exchange, LONG))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    presented, note = town.presented(request)
    await submit(town, exchange, presented.presentation, note)
    got = await waiting
    assert got.verified.digest == presented.presentation.digest
    assert got.verified.answer.credentials[0].shown.values["name"] == "王小明"
    assert set(got.verified.pseudonyms) == {"me", "child"}

    got.record.save(tmp_path / "record.json")
    kept = load_record(tmp_path / "record.json")
    assert isinstance(kept, CompositeRecord)
    log = tlog.Verifier.from_string(town.city.ready.verifier_key)
    again = recheck_composite(kept, log_verifier=log)
    assert again.verified.digest == got.verified.digest
    assert again.verify_time == got.verify_time
    assert again.checkpoint.origin == log.name

    said = await asyncio.to_thread(client.verify_remote, exchange.signed_request, presented.presentation)
    assert (said.branch, said.escrows) == ("main", ("who",))
    assert said.pseudonyms == got.verified.pseudonyms
    assert [each.query for each in said.credentials] == ["permit", "insurance", "household"]


async def test_a_child_enrols_once(town: CompositeCity, client: VerifierClient, tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    unique = policy_at(town, tmp_path).unique
    first = await answered(town, client, tmp_path)
    first.keep(tmp_path / "first.json", unique=unique, register=register)
    second = await answered(town, client, tmp_path, secret=BOB)
    assert second.verified.pseudonyms["me"] != first.verified.pseudonyms["me"]
    with pytest.raises(AlreadySeenError) as caught:
        second.keep(tmp_path / "second.json", unique=unique, register=register)
    assert caught.value.first == first.verify_time.replace(microsecond=0)
    assert not (tmp_path / "second.json").exists()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (str(INSURANCE.name), "departments/hrss/schemas/social_insurance@7", "queries[1].schemas[0]"),
        ("permit.months, at_least", "permit.height, at_least", "predicates[0].of"),
        ("at_least: 12", "at_least: 700", "predicates[0].at_least"),
        ("owner: verifiers/school", "owner: verifiers/bank", "predicates[2].in_list"),
        ("owner: verifiers/school", "owner: verifiers/nobody", "predicates[2].in_list"),
        ("digits: verifiers/school", "digits: verifiers/bank", "digits"),
        ("digits: verifiers/school", "digits: departments/hrss", "digits"),
        ("regulators/prosecutor", "regulators/nobody", "escrows[0].regulator"),
        ("regulators/prosecutor", "ab" * 32, "escrows[0].regulator"),
    ],
)
async def test_what_the_service_does_not_have_is_told_by_the_policys_place(
    town: CompositeCity, client: VerifierClient, tmp_path: Path, old: str, new: str, field: str
) -> None:
    policy = policy_at(town, tmp_path, POLICY.replace(old, new, 1))
    with pytest.raises(PolicyError) as caught:
        await checked(town, client, policy)
    assert caught.value.field == f"branches[0].{field}"


async def test_what_the_policy_accepts_is_what_is_published(
    town: CompositeCity, client: VerifierClient, tmp_path: Path
) -> None:
    (branch,) = (await checked(town, client, policy_at(town, tmp_path))).branches
    assert {each.key for each in branch.queries[0].issuers} == {town.police.key.name, town.police_2.key.name}
    assert {each.accumulator for each in branch.queries[0].issuers} == {town.police.accumulator.key.octets}
    assert branch.digits == town.digits.table.digest
    assert branch.escrows[0].regulator == town.regulator_key.digest
    young = POLICY.replace("max_epoch_age: 2 days", "max_epoch_age: 1 minute")
    later = town.now + dt.timedelta(hours=1)
    policy = policy_at(town, tmp_path, young)
    with pytest.raises(PolicyError) as caught:
        await asyncio.to_thread(policy.request, SCHOOL, later, client.reader)
    assert caught.value.field == "branches[0].queries[0].revocation.max_epoch_age"


async def test_both_forms_are_verified_in_one_batch(
    town: CompositeCity, client: VerifierClient, tmp_path: Path
) -> None:
    request = await checked(town, client, policy_at(town, tmp_path))
    good = (town.sign(request), town.presented(request)[0].presentation)
    false = replace(good[1], proof=bytes([good[1].proof[0]]) + bytes(len(good[1].proof) - 1))
    issued = await town.city.claim(await town.city.issue())
    plain = town.city.request()
    answer, _ = present(plain, issued, town.now)
    signed = sign_request(plain, town.city.verifier_keys["school"])
    verdicts = await asyncio.to_thread(
        client.verify_remote_batch, [good, (signed, answer), (good[0], false), (signed, good[1])]
    )
    assert isinstance(verdicts[0], RemoteVerdict)
    assert verdicts[0].branch == "main"
    assert isinstance(verdicts[1], RemoteVerdict)
    assert verdicts[1].branch == ""
    assert isinstance(verdicts[2], ServiceError)
    assert isinstance(verdicts[3], RefusedError)
    assert verdicts[3].reason == "REQUEST_MISMATCH"


# ---- a service that is not honest


class _Told:
    """A stream that says what a test wants it to say."""

    def __init__(self, *states: presentation_pb2.WatchExchangeResponse) -> None:
        self._states = iter(states)

    def __iter__(self) -> Iterator[presentation_pb2.WatchExchangeResponse]:
        return self._states

    def cancel(self) -> None:
        """Nothing is open."""


State = presentation_pb2.WatchExchangeResponse


def as_plain(state: State) -> None:
    state.presentation.request_digest = bytes(32)


def another_pseudonym(state: State) -> None:
    proof = bytearray(state.composite_presentation.proof)
    proof[-1] ^= 1
    state.composite_presentation.proof = bytes(proof)


def no_answer(state: State) -> None:
    state.ClearField("composite_presentation")


def another_name(state: State) -> None:
    state.composite_presentation.credentials[0].values[0].value.text = "王大明"


def older_epoch(state: State) -> None:
    state.composite_presentation.credentials[0].epoch -= 1


def no_receipt(state: State) -> None:
    state.receipt = b""


TAMPERED: list[Callable[[State], None]] = [
    as_plain, another_pseudonym, no_answer, another_name, older_epoch, no_receipt,
]  # fmt: skip


@pytest.mark.parametrize("change", TAMPERED, ids=lambda each: each.__name__)
async def test_a_service_that_changes_the_answer_is_found_out(
    town: CompositeCity, client: VerifierClient, tmp_path: Path, change: Callable[[State], None]
) -> None:
    request, exchange = await asked(town, client, tmp_path)
    presented, note = town.presented(request)
    await submit(town, exchange, presented.presentation, note)
    watching = presentation_pb2.WatchExchangeRequest(
        exchange=exchange.exchange, result_token=exchange.result_token
    )
    states = [each async for each in town.city.presentation.WatchExchange(watching)]
    state = states[-1]
    change(state)
    client._presentations = type("Stub", (), {"WatchExchange": lambda *_, **__: _Told(state)})()
    with pytest.raises((AnswerError, DisclosureError, tlog.TlogError)):
        await asyncio.to_thread(client.wait, exchange, LONG)


async def test_a_list_of_somebody_else_is_not_taken_for_the_one_that_was_asked_for(
    town: CompositeCity, client: VerifierClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = client.reader._publication

    class Lying:
        GetTable, GetRegulator = honest.GetTable, honest.GetRegulator

        def ListTables(self, request: publication_pb2.ListTablesRequest, **options: Any) -> Any:
            request.parent = str(SCHOOL)
            return honest.ListTables(request, **options)

    monkeypatch.setattr(client.reader, "_publication", Lying())
    policy = policy_at(town, tmp_path, POLICY.replace("owner: verifiers/school", "owner: verifiers/bank"))
    with pytest.raises(PolicyError) as caught:
        await checked(town, client, policy)
    assert (caught.value.field, caught.value.because) == ("branches[0].predicates[2].in_list", "MALFORMED")


async def test_a_member_who_is_not_registered_signs_no_scope(
    town: CompositeCity, client: VerifierClient, tmp_path: Path
) -> None:
    policy_at(town, tmp_path)
    key = Ed25519PrivateKey.generate()
    members = (VerifierName("nobody"), SCHOOL)
    scope = JointScopeFile(JointScope("enrolment-2026", PURPOSE, members, town.regulator_key.suite), {})
    scope = scope.signed_by(SCHOOL, town.city.verifier_keys["school"]).signed_by(VerifierName("nobody"), key)
    (tmp_path / "joint.yaml").write_bytes(scope.to_bytes())
    again = load_policy(tmp_path / "policy.yaml")
    assert isinstance(again, CompositePolicy)
    with pytest.raises(PolicyError) as caught:
        await checked(town, client, again)
    assert caught.value.because == "REQUEST_SIGNATURE_INVALID"


async def test_a_request_of_another_verifier_is_not_asked(
    town: CompositeCity, client: VerifierClient, tmp_path: Path
) -> None:
    request = await checked(town, client, policy_at(town, tmp_path))
    with pytest.raises(RefusedError) as caught:
        client.ask(asked_by(request, VerifierName("bank")))
    assert caught.value.reason == "REQUEST_MISMATCH"


async def test_another_log_key_than_the_one_from_elsewhere(town: CompositeCity, tmp_path: Path) -> None:
    """What is not on the pinned log is not read, so nothing is asked by it."""
    pinned = tlog.Signer.generate(tlog.Verifier.from_string(town.city.ready.verifier_key).name).verifier
    with client_of(town.city) as client:
        client.reader._log = pinned
        with pytest.raises(tlog.TlogError):
            await checked(town, client, policy_at(town, tmp_path))
