"""Policies over a real server: registered, read, and whoever asks more is refused, and counted."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

import tlog
from disclosure import LocalizedText, PolicyName, Request, VerifierName, sign_request
from disclosure.composite import CompositeRequest, Operand, at_least
from disclosure.policy import AllowedScope, RegisteredPolicy
from tests.disclosure.composite.world import PURPOSE, SCHEMAS
from tests.zkservice.allowing import allowed, any_policy, creating, purpose_name, scopes_of
from tests.zkservice.cases_policies import ended_policy
from tests.zkservice.composite_city import OTHER_SCHOOL, SCHOOL, CompositeCity, composite_city
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, TEXT, City, new_id, refusal
from wire.convert import signed_request_to
from wire.policy import policy_of
from zkproto.v1 import policy_pb2, presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME = VerifierName(SCHOOL)
ELSE = LocalizedText("别的", "Something else")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 2], ids=["threads", "processes"])
async def town(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


def counted(city: City, what: str) -> dict[str, int]:
    """Return how often something was counted, by department."""
    found: dict[str, int] = {}
    for _, kind, verifier, _, department, n in dump(city.ready.data)["statistic"]:
        if (kind, verifier) == (what, str(NAME)):
            found[department] = found.get(department, 0) + n
    return found


def places(error: Any) -> list[str]:
    return [each.field for each in error.violations]


async def test_a_policy_is_registered_on_the_ledger_and_read_by_everybody(town: CompositeCity) -> None:
    policy = allowed(PolicyName(SCHOOL, "read", 1), [PERMIT], TEXT)
    made = await town.city.add_policy(policy)
    read = await town.city.policies.GetPolicy(policy_pb2.GetPolicyRequest(name=str(policy.name)))
    assert policy_of(read) == policy_of(made) == policy
    assert read.state == policy_pb2.Policy.STATE_ACTIVE
    log = tlog.Verifier.from_string(town.city.ready.verifier_key)
    tlog.ProofFile.parse(read.proof).verify(policy.entry(), log)
    with pytest.raises(tlog.VerificationError):
        tlog.ProofFile.parse(read.proof).verify(replace(policy, retention_days=31).entry(), log)
    again = await town.city.add_policy(policy)
    assert again.create_time == read.create_time
    assert tlog.ProofFile.parse(again.proof).index == tlog.ProofFile.parse(read.proof).index


async def test_the_demand_of_a_policy_stands_on_the_ledger_with_it(town: CompositeCity) -> None:
    """Neither by a service, nor by a reader of before that does not know the field."""
    plain = allowed(PolicyName(SCHOOL, "ordered", 1), [PERMIT], TEXT)
    policy = replace(plain, receipt=tlog.ReceiptState.ORDERED)
    await town.city.add_policy(policy)
    read = await town.city.policies.GetPolicy(policy_pb2.GetPolicyRequest(name=str(policy.name)))
    assert (read.receipt, policy_of(read)) == (policy_pb2.Policy.RECEIPT_ORDERED, policy)
    log = tlog.Verifier.from_string(town.city.ready.verifier_key)
    tlog.ProofFile.parse(read.proof).verify(policy_of(read).entry(), log)
    for receipt in (None, tlog.ReceiptState.PENDING, tlog.ReceiptState.ANCHORED):
        other = replace(policy, receipt=receipt)
        with pytest.raises(tlog.VerificationError):
            tlog.ProofFile.parse(read.proof).verify(other.entry(), log)
        error = await refusal(town.city.add_policy(other))
        assert (error.code.name, error.reason) == ("ALREADY_EXISTS", "ALREADY_EXISTS")
    message = creating(replace(policy, name=PolicyName(SCHOOL, "none", 1)))
    message.policy.receipt = 4  # type: ignore[assignment]
    bearer = town.city.bearer(town.city.admin)
    error = await refusal(town.city.policies.CreatePolicy(message, metadata=bearer))
    assert (error.reason, places(error)) == ("POLICY_INVALID", ["policy.receipt"])


async def test_policies_are_listed_by_verifier_and_by_pages(town: CompositeCity) -> None:
    for version in (1, 2, 3):
        await town.city.add_policy(allowed(PolicyName(SCHOOL, "listed", version), [PERMIT], TEXT))
    found, token = list[str](), ""
    while True:
        asked = policy_pb2.ListPoliciesRequest(parent=str(NAME), page_size=2, page_token=token)
        page = await town.city.policies.ListPolicies(asked)
        assert len(page.policies) <= 2
        found += [each.name for each in page.policies]
        if not (token := page.next_page_token):
            break
    assert found == sorted(found)
    assert {f"{NAME}/policies/listed@{version}" for version in (1, 2, 3)} <= set(found)
    assert all(each.startswith(f"{NAME}/") for each in found)
    everybody = await town.city.policies.ListPolicies(policy_pb2.ListPoliciesRequest(parent="verifiers/-"))
    assert {each.name.split("/")[1] for each in everybody.policies} >= {SCHOOL, OTHER_SCHOOL}


async def test_a_plain_request_is_refused_with_each_thing_that_it_asks_too_much(town: CompositeCity) -> None:
    less = replace(PERMIT, attributes=PERMIT.attributes[:3])
    policy = allowed(PolicyName(SCHOOL, "less", 1), [less], TEXT)
    await town.city.add_policy(policy)
    before, asked = counted(town.city, "over-asked"), counted(town.city, "asked")
    request = replace(town.city.request(shown=("since", "district", "fee")), policy=policy.name)
    message = town.city.create_exchange(replace(request, purpose=ELSE))
    error = await refusal(town.city.presentation.CreateExchange(message))
    assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "OVER_ASKING")
    at = "signed_request"
    assert places(error) == [f"{at}.purpose", f"{at}.queries[0].shown[0]", f"{at}.queries[0].shown[2]"]
    assert "departments/police/schemas/residence_permit: since" in error.violations[1].description
    after = counted(town.city, "over-asked")
    assert after[""] == before.get("", 0) + 1
    assert after["departments/police"] == before.get("departments/police", 0) + 1
    assert counted(town.city, "asked") == asked
    await town.city.ask(replace(town.city.request(shown=("district",)), policy=policy.name))


Change = Callable[[RegisteredPolicy], RegisteredPolicy]


def without(item: str, *attributes: str) -> Change:
    def change(policy: RegisteredPolicy) -> RegisteredPolicy:
        items = tuple(
            replace(
                each,
                shown=tuple(name for name in each.shown if name not in attributes),
                proven=tuple(name for name in each.proven if name not in attributes),
            )
            if each.item == item
            else each
            for each in policy.items
        )
        return replace(policy, items=items)

    return change


MAIN = "signed_request.branches[0]"
LESS: dict[str, tuple[Change, list[str]]] = {
    "purpose": (
        lambda each: replace(each, purpose=purpose_name(ELSE), purpose_text=ELSE),
        ["signed_request.purpose"],
    ),
    "item": (
        lambda each: replace(each, items=tuple(it for it in each.items if it.item != "household")),
        [f"{MAIN}.queries[2].schemas[0]"],
    ),
    "shown": (without("residence_permit", "remark"), [f"{MAIN}.queries[0].shown[1]"] * 2),
    "proven": (without("social_insurance", "base"), [f"{MAIN}.predicates[4]"]),
    "own scope": (
        lambda each: replace(each, scopes=tuple(it for it in each.scopes if it.label != "enrol-2026")),
        [f"{MAIN}.pseudonyms[0].scope"],
    ),
    "joint scope": (
        lambda each: replace(each, scopes=(AllowedScope("enrol-2026"), AllowedScope("enrolment-2026"))),
        [f"{MAIN}.pseudonyms[1].scope"],
    ),
    "a pseudonym of the holder": (
        lambda each: replace(each, scopes=tuple(it for it in each.scopes if it.of is not None)),
        [f"{MAIN}.pseudonyms[0]"],
    ),
    "a pseudonym of the child": (
        lambda each: replace(each, scopes=tuple(it for it in each.scopes if it.of is None)),
        [f"{MAIN}.pseudonyms[1].subject"],
    ),
    "escrow": (
        lambda each: replace(each, escrows=tuple(replace(it, regulator=bytes(32)) for it in each.escrows)),
        [f"{MAIN}.escrows[0].regulator"],
    ),
    "what is escrowed": (
        lambda each: replace(
            each, escrows=tuple(it for it in each.escrows if it.of.item != "residence_permit")
        ),
        [f"{MAIN}.escrows[0].operand"],
    ),
    "another list": (lambda each: replace(each, lists=(bytes(32),)), [f"{MAIN}.predicates[2].code_list"]),
}


def full(town: CompositeCity, name: str) -> RegisteredPolicy:
    """All that the city's request asks."""
    scopes = scopes_of(("enrol-2026",), ("enrolment-2026", (SCHOOL, OTHER_SCHOOL)))
    digest = town.regulator_key.digest
    return allowed(
        PolicyName(SCHOOL, name, 1),
        SCHEMAS,
        PURPOSE,
        scopes=scopes,
        regulators=[digest],
        lists=[town.districts.table.digest],
    )


@pytest.mark.parametrize(("change", "expected"), LESS.values(), ids=LESS.keys())
async def test_a_composite_request_is_refused_for_every_kind_of_excess(
    town: CompositeCity, change: Change, expected: list[str]
) -> None:
    policy = change(full(town, f"less-{new_id()}"))
    await town.city.add_policy(policy)
    before = counted(town.city, "over-asked").get("", 0)
    error = await refusal(town.city.presentation.CreateExchange(asking(town, policy)))
    assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "OVER_ASKING")
    assert set(places(error)) == set(expected)
    assert counted(town.city, "over-asked")[""] == before + 1


def asking(town: CompositeCity, policy: RegisteredPolicy) -> presentation_pb2.CreateExchangeRequest:
    return town.asking(town.request(policy=policy.name))


async def test_a_request_that_asks_no_more_is_opened(town: CompositeCity) -> None:
    policy = full(town, "full")
    await town.city.add_policy(policy)
    await town.ask(town.request(policy=policy.name))
    months, since = Operand("permit", "months"), Operand("permit", "since")
    wider = town.small(predicates=(at_least(months, 12), at_least(since, 1)))
    await town.ask(town.request(wider, policy=policy.name))


async def test_more_things_than_a_status_holds_are_told_as_far_as_it_holds_them(town: CompositeCity) -> None:
    policy = allowed(PolicyName(SCHOOL, "little", 1), [PERMIT], PURPOSE)
    await town.city.add_policy(policy)
    branches = (town.main(), *(replace(town.main(), id=f"b{number}") for number in range(5)))
    message = town.asking(town.request(*branches, policy=policy.name))
    error = await refusal(town.city.presentation.CreateExchange(message))
    assert error.reason == "OVER_ASKING"
    assert len(error.violations) == 12
    assert error.violations[-1].description.startswith("and ")


async def test_nobody_asks_by_the_policy_of_another(town: CompositeCity) -> None:
    """The name stands under the signature; a request with another verifier's is none."""
    for request in (town.city.request(), town.request()):
        name = b"verifiers/school/policies/any@"
        other = b"verifiers/chools/policies/any@"
        octets = request.canonical
        assert octets.count(name) == 1
        signed = sign_request(Forged(octets.replace(name, other)), town.city.verifier_keys[SCHOOL])
        message = presentation_pb2.CreateExchangeRequest(
            signed_request=signed_request_to(signed), request_id=new_id()
        )
        error = await refusal(town.city.presentation.CreateExchange(message))
        assert (error.reason, places(error)) == ("REQUEST_INVALID", ["signed_request.policy"])


class Forged:
    """Octets that no request has."""

    def __init__(self, canonical: bytes) -> None:
        self.canonical = canonical


async def test_a_policy_that_was_ended_opens_nothing_more_and_ends_nothing(town: CompositeCity) -> None:
    name = f"ended-{new_id()}"
    policy = allowed(PolicyName(SCHOOL, name, 1), [PERMIT], TEXT)
    await town.city.add_policy(policy)
    message = town.city.create_exchange(replace(town.city.request(), policy=policy.name))
    opened = await town.city.presentation.CreateExchange(message)
    await ended_policy(town.city, name)
    await ended_policy(town.city, name)
    fetch = presentation_pb2.FetchRequestRequest(exchange=opened.exchange, ticket=opened.ticket)
    assert (await town.city.presentation.FetchRequest(fetch)).signed_request == message.signed_request
    assert await town.city.presentation.CreateExchange(message) == opened, "the same call gets its answer"
    other = town.city.create_exchange(replace(town.city.request(), policy=policy.name))
    error = await refusal(town.city.presentation.CreateExchange(other))
    assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "POLICY_DEPRECATED")


async def test_the_composite_form_too_asks_by_no_ended_or_unknown_policy(town: CompositeCity) -> None:
    ended = await ended_policy(town.city, f"ended-{new_id()}", PURPOSE)
    composite = replace(full(town, "gone"), name=PolicyName(SCHOOL, f"gone-{new_id()}", 1))
    await town.city.add_policy(composite)
    asked = policy_pb2.DeprecatePolicyRequest(name=str(composite.name))
    await town.city.policies.DeprecatePolicy(asked, metadata=town.city.bearer(town.city.admin))
    before = dump(town.city.ready.data)
    for policy, reason in (
        (composite.name, "POLICY_DEPRECATED"),
        (any_policy(NAME, 99), "POLICY_UNKNOWN"),
        (None, "POLICY_UNKNOWN"),
        (ended.name, "OVER_ASKING"),
    ):
        error = await refusal(town.city.presentation.CreateExchange(town.asking(town.request(policy=policy))))
        assert error.reason == reason
        if reason != "OVER_ASKING":
            assert places(error) == ["signed_request.policy"]
            assert dump(town.city.ready.data) == before


async def test_who_verifies_without_state_needs_no_policy(town: CompositeCity) -> None:
    """A judge checks signature and proof; whom a request may be sent to is decided when it is opened."""
    for policy in (None, any_policy(NAME, 99)):
        answer = await town.verified(town.good("small", policy=policy))
        assert answer.branch == "small"


async def test_an_over_asking_request_by_a_stranger_is_not_counted(town: CompositeCity) -> None:
    """Only whoever has the verifier's key can have its over-asking counted."""
    before = counted(town.city, "over-asked")
    request: Request | CompositeRequest
    for request in (replace(town.city.request(), purpose=ELSE), town.request(purpose=ELSE)):
        signed = sign_request(request, town.city.verifier_keys[OTHER_SCHOOL])
        message = presentation_pb2.CreateExchangeRequest(
            signed_request=signed_request_to(signed), request_id=new_id()
        )
        error = await refusal(town.city.presentation.CreateExchange(message))
        assert error.reason == "REQUEST_SIGNATURE_INVALID"
    assert counted(town.city, "over-asked") == before


async def test_a_request_counts_under_its_policy(town: CompositeCity) -> None:
    policy = allowed(PolicyName(SCHOOL, f"counted-{new_id()}", 1), [PERMIT], TEXT)
    await town.city.policies.CreatePolicy(creating(policy), metadata=town.city.bearer(town.city.admin))
    await town.city.ask(replace(town.city.request(), policy=policy.name))
    rows = [row for row in dump(town.city.ready.data)["statistic"] if row[3] == str(policy.name)]
    assert {(row[1], row[4], row[5]) for row in rows} == {
        ("asked", "", 1),
        ("asked", "departments/police", 1),
    }
