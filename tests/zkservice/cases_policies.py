"""Refusals of the policy service, of requests that name a policy they may not, and of pairing codes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from disclosure import LocalizedText, PolicyName, VerifierName
from disclosure.policy import RegisteredPolicy
from tests.zkservice.allowing import allowed, any_policy, creating
from tests.zkservice.refusing import Case, Refusable, Town, add
from tests.zkservice.support import PERMIT, TEXT, City, new_id, refusal
from zkproto.v1 import policy_pb2 as pb
from zkproto.v1 import presentation_pb2

CASES: list[Case] = []
BAD, FAILED, INVALID = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "POLICY_INVALID"
SCHOOL = VerifierName("school")
PLAIN = allowed(PolicyName("school", "plain", 1), [PERMIT], TEXT)


def attribute(item: str) -> pb.AllowedAttribute:
    return pb.AllowedAttribute(item=item, attribute="number")


NUMBER = attribute(str(PERMIT.name).partition("@")[0])


async def seeds(town: City, number: int) -> dict[str, Message]:
    """What the service answers with OK."""
    name = str(any_policy(SCHOOL))
    mine = replace(PLAIN, name=PolicyName("school", "seed", number + 1))
    await town.add_policy(mine)
    return {
        "CreatePolicy": creating(replace(mine, name=replace(mine.name, policy="grown"))),
        "GetPolicy": pb.GetPolicyRequest(name=name),
        "ListPolicies": pb.ListPoliciesRequest(parent="verifiers/-", page_size=3),
        "DeprecatePolicy": pb.DeprecatePolicyRequest(name=str(mine.name)),
    }


def registering(
    code: str, reason: str, *fields: str, name: str, alter: Callable[[Any], object], admin: bool = True
) -> None:
    """Write down a policy that is not registered."""

    async def scenario(town: Town) -> Refusable:
        message = creating(replace(PLAIN, name=PolicyName("school", "refused", 1)))
        alter(message)
        token = town.city.admin if admin else town.city.department_token
        return lambda: town.city.policies.CreatePolicy(message, metadata=town.city.bearer(token))

    add(CASES, code, reason, *fields, name=f"CreatePolicy: {name}")(scenario)


def put(path: str, value: Any) -> Callable[[Any], object]:
    def alter(message: Any) -> None:
        *way, last = path.split(".")
        for each in way:
            message = getattr(message, each)
        setattr(message, last, value)

    return alter


registering("PERMISSION_DENIED", "TOKEN_INVALID", name="a department's", alter=lambda _: None, admin=False)
registering(BAD, "NAME_INVALID", "parent", name="of a department", alter=put("parent", "departments/police"))
registering("NOT_FOUND", "NOT_FOUND", "parent", name="of nobody", alter=put("parent", "verifiers/nobody"))
registering(BAD, "NAME_INVALID", "policy_id", name="no version", alter=put("policy_id", "refused"))
registering(BAD, "FIELD_MISSING", "policy", name="none", alter=lambda each: each.ClearField("policy"))
registering(BAD, "NAME_INVALID", "policy.purpose", name="no purpose", alter=put("policy.purpose", ""))
registering(BAD, INVALID, "policy.items", name="no items", alter=lambda each: each.policy.ClearField("items"))
registering(
    BAD, INVALID, "policy.items", name="an item twice",
    alter=lambda each: each.policy.items.append(each.policy.items[0]),
)  # fmt: skip
registering(
    BAD, "NAME_INVALID", "policy.items[0].item", name="an item with a version",
    alter=lambda each: put("item", str(PERMIT.name))(each.policy.items[0]),
)  # fmt: skip
registering(
    BAD, "NAME_INVALID", "policy.items[0].shown", name="an attribute that is none",
    alter=lambda each: each.policy.items[0].shown.append("Name"),
)  # fmt: skip
registering(
    BAD, INVALID, "policy.scopes[0].members", name="a scope of one member",
    alter=lambda each: each.policy.scopes.add(label="x", members=["verifiers/school"]),
)  # fmt: skip
registering(
    BAD, INVALID, "policy.escrows[0].regulator", name="a short digest",
    alter=lambda each: each.policy.escrows.add(regulator=bytes(31), of=NUMBER),
)  # fmt: skip
registering(
    BAD, INVALID, "policy.escrows[0].of", name="an escrow of nothing",
    alter=lambda each: each.policy.escrows.add(regulator=bytes(32)),
)  # fmt: skip
registering(
    BAD, "NAME_INVALID", "policy.scopes[0].of.item", name="a pseudonym of an item with a version",
    alter=lambda each: each.policy.scopes.add(label="x", of=attribute(str(PERMIT.name))),
)  # fmt: skip
registering(
    BAD, INVALID, "policy.lists", name="a short digest of a list",
    alter=lambda each: each.policy.lists.append(bytes(31)),
)  # fmt: skip
registering(
    FAILED, "PURPOSE_UNKNOWN", "policy.purpose", name="an unknown purpose",
    alter=put("policy.purpose", "purposes/nobodys"),
)  # fmt: skip
for words in ("purpose_text", "legal_basis"):
    registering(
        FAILED, "PURPOSE_MISMATCH", f"policy.{words}", name=f"another {words}",
        alter=put(f"policy.{words}.en", "Something else"),
    )  # fmt: skip
registering(
    BAD, INVALID, "policy.retention_days", name="kept for ever", alter=put("policy.retention_days", 40_000)
)
registering(BAD, INVALID, "policy.standing.times", name="no times", alter=put("policy.standing.times", 0))


@add(CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "policy_id", name="CreatePolicy: another under its name")
async def _changed(town: Town) -> Refusable:
    await town.city.add_policy(PLAIN)
    await town.city.add_policy(PLAIN)
    message = creating(replace(PLAIN, retention_days=31))
    return lambda: town.city.policies.CreatePolicy(message, metadata=town.city.bearer(town.city.admin))


@add(CASES, "NOT_FOUND", "NOT_FOUND", "name", name="GetPolicy of another version")
async def _unknown(town: Town) -> Refusable:
    asked = pb.GetPolicyRequest(name=str(any_policy(SCHOOL, 99)))
    return lambda: town.city.policies.GetPolicy(asked)


@add(CASES, "NOT_FOUND", "NOT_FOUND", "name", name="DeprecatePolicy of another version")
async def _nothing_to_end(town: Town) -> Refusable:
    asked = pb.DeprecatePolicyRequest(name=str(any_policy(SCHOOL, 99)))
    return lambda: town.city.policies.DeprecatePolicy(asked, metadata=town.city.bearer(town.city.admin))


@add(CASES, "PERMISSION_DENIED", "TOKEN_INVALID", name="DeprecatePolicy as a department")
async def _not_yours(town: Town) -> Refusable:
    asked = pb.DeprecatePolicyRequest(name=str(any_policy(SCHOOL)))
    token = town.city.department_token
    return lambda: town.city.policies.DeprecatePolicy(asked, metadata=town.city.bearer(token))


@add(CASES, BAD, "NAME_INVALID", "parent", name="ListPolicies of a department")
async def _listing(town: Town) -> Refusable:
    return lambda: town.city.policies.ListPolicies(pb.ListPoliciesRequest(parent="departments/police"))


def naming(code: str, reason: str, *fields: str, name: str, policy: PolicyName | None) -> None:
    """Write down a request that is not opened for the policy that it names."""

    async def scenario(town: Town) -> Refusable:
        message = town.city.create_exchange(replace(town.city.request(), policy=policy))
        return lambda: town.city.presentation.CreateExchange(message)

    add(CASES, code, reason, *fields, name=f"create: {name}")(scenario)


PLACE = "signed_request.policy"
naming(FAILED, "POLICY_UNKNOWN", PLACE, name="no policy", policy=None)
naming(FAILED, "POLICY_UNKNOWN", PLACE, name="unregistered policy", policy=any_policy(SCHOOL, 99))


async def ended_policy(town: City, name: str, text: LocalizedText = TEXT) -> RegisteredPolicy:
    """Register a policy of the school's and end it."""
    policy = allowed(PolicyName("school", name, 1), [PERMIT], text)
    await town.add_policy(policy)
    asked = pb.DeprecatePolicyRequest(name=str(policy.name))
    ended = await town.policies.DeprecatePolicy(asked, metadata=town.bearer(town.admin))
    assert ended.state == pb.Policy.STATE_DEPRECATED
    return policy


@add(CASES, FAILED, "POLICY_DEPRECATED", PLACE, name="create: a policy that was ended")
async def _ended(town: Town) -> Refusable:
    policy = await ended_policy(town.city, "ended")
    message = town.city.create_exchange(replace(town.city.request(), policy=policy.name))
    return lambda: town.city.presentation.CreateExchange(message)


async def paired(town: City) -> presentation_pb2.CreateExchangeResponse:
    """Ask for an answer that takes a pairing code."""
    message = town.create_exchange(town.request())
    message.pairing = True
    opened: presentation_pb2.CreateExchangeResponse = await town.presentation.CreateExchange(message)
    return opened


def wrong_code(code: str, number: int = 1) -> str:
    """Return another code than this one."""
    return f"{(int(code) + number) % 1_000_000:06}"


def fetching(
    exchange: presentation_pb2.CreateExchangeResponse, code: str = ""
) -> presentation_pb2.FetchRequestRequest:
    return presentation_pb2.FetchRequestRequest(
        exchange=exchange.exchange, ticket=exchange.ticket, pairing_code=code
    )


@add(CASES, FAILED, "PAIRING_REQUIRED", "pairing_code", name="fetch without the pairing code")
async def _no_code(town: Town) -> Refusable:
    asked = fetching(await paired(town.city))
    return lambda: town.city.presentation.FetchRequest(asked)


@add(CASES, FAILED, "PAIRING_FAILED", name="fetch after five wrong codes")
async def _closed(town: Town) -> Refusable:
    exchange = await closed(town.city)
    return lambda: town.city.presentation.FetchRequest(fetching(exchange))


@add(CASES, FAILED, "PAIRING_FAILED", name="submit after five wrong codes")
async def _submitted(town: Town) -> Refusable:
    request = town.city.request()
    message = town.city.create_exchange(request)
    message.pairing = True
    exchange = await town.city.presentation.CreateExchange(message)
    await close(town.city, exchange)
    submission = town.city.submission(exchange, *town.city.present(request, town.issued))
    submission.request_id = new_id()
    return lambda: town.city.presentation.SubmitPresentation(submission)


async def closed(town: City) -> presentation_pb2.CreateExchangeResponse:
    """Return an exchange that five wrong codes have closed."""
    exchange = await paired(town)
    await close(town, exchange)
    return exchange


async def close(town: City, exchange: presentation_pb2.CreateExchangeResponse) -> None:
    """Close an exchange with five wrong codes."""
    for number in range(1, 6):
        asked = fetching(exchange, wrong_code(exchange.pairing_code, number))
        assert (await refusal(town.presentation.FetchRequest(asked))).reason == "PAIRING_WRONG"
