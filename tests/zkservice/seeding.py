"""What each service answers with OK, for those who then change it: one function a service, listed below."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from tests.zkservice import (
    cases_administration,
    cases_applications,
    cases_centre,
    cases_errands,
    cases_parties,
    cases_policies,
    consenting,
    counting,
    delivering,
    pushes,
)
from tests.zkservice.sessions import statement
from tests.zkservice.support import City, new_id
from zkproto.v1 import consent_pb2, operation_pb2, record_pb2, session_pb2, statistics_pb2, token_pb2


@dataclass(frozen=True)
class Seed:
    """A message, with the token that its call takes where that is not the administrator's."""

    message: Message
    token: str | None = None
    before: Callable[[], Message] | None = None
    """What is sent before it, where it is not the first of a stream."""


Seeder = Callable[[City, int], Awaitable[dict[str, Seed]]]
"""Given a city and a number that no other call is given, returns a seed for each method."""


async def _session(town: City, _: int) -> dict[str, Seed]:
    return {
        "OpenSession": Seed(statement(town, "verifiers/bank", town.verifier_keys["bank"])),
        "GetChallenge": Seed(session_pb2.GetChallengeRequest()),
    }


async def _accounts(town: City, number: int) -> dict[str, Seed]:
    found = await cases_applications.seeds(town, number)
    return {method: Seed(message, token or None) for method, (message, token) in found.items()}


async def _centre(town: City, number: int) -> dict[str, Seed]:
    found = await cases_centre.seeds(town, number) | await cases_parties.seeds(town, number)
    return {method: Seed(each) for method, each in found.items()}


async def _policies(town: City, number: int) -> dict[str, Seed]:
    return {method: Seed(each) for method, each in (await cases_policies.seeds(town, number)).items()}


async def _statistics(town: City, number: int) -> dict[str, Seed]:
    token = await counting.access(town, f"figures-{number}")
    asked = counting.asking(town, "day", "purpose")
    return {
        "CreateRegulatorAccess": Seed(
            statistics_pb2.CreateRegulatorAccessRequest(regulator=f"regulators/figures-{number}")
        ),
        "ListStatistics": Seed(asked, token),
        "GetPublishedStatistics": Seed(statistics_pb2.GetPublishedStatisticsRequest(year=2026, month=1)),
        "CountApplications": Seed(counting.decisions(town, days=9, department="departments/police"), token),
        "ListPushes": Seed(statistics_pb2.ListPushesRequest(page_size=2), token),
    }


async def _administration(town: City, number: int) -> dict[str, Seed]:
    found = await cases_administration.seeds(town, number)
    return {method: Seed(message, token) for method, (message, token) in found.items()}


async def _consents(town: City, _: int) -> dict[str, Seed]:
    granted, watched = await consenting.granted(town), await consenting.asked(town)
    refusable, grantable = await consenting.asked(town), await consenting.asked(town)
    await town.presentation.CreateExchange(granted.using())
    token = await granted.token()
    listed = consent_pb2.ListConsentExchangesRequest(consent=granted.answer.consent)
    watching = consent_pb2.WatchConsentRequest(
        consent=watched.answer.consent, result_token=watched.answer.result_token
    )
    return {
        "DeclineExchange": Seed(await consenting.declining(town)),
        "CreateConsent": Seed(consenting.creating(town, consenting.terms(town))),
        "FetchConsent": Seed(consent_pb2.FetchConsentRequest(**watched.ticketed)),
        "GrantConsent": Seed(grantable.granting()),
        "DeclineConsent": Seed(refusable.declining()),
        "WatchConsent": Seed(watching),
        "ListConsentExchanges": Seed(listed, token),
        "WithdrawConsent": Seed(granted.withdrawing(), token),
    }


async def _errands(town: City, number: int) -> dict[str, Seed]:
    return {method: Seed(*each) for method, each in (await cases_errands.seeds(town, number)).items()}


async def _records(town: City, number: int) -> dict[str, Seed]:
    pusher, token = pushes.Pusher(town, town.department_token), town.department_token
    (group,) = pushes.groups([pushes.record(f"pushed {number}")])
    going, ended = new_id(), new_id()
    for push in (going, ended):
        await pusher.push([pushes.record(f"known {number}")], push)
    of_schema: dict[str, Any] = {"schema": str(pusher.schema.name)}
    named: dict[str, Any] = {**of_schema, "record_id": b"known %d" % number}
    gone = [b"pushed %d" % number, b"nobody"]
    return {
        "PushRecords:first": Seed(pusher.start(renew_days=30, codes=True), token),
        "PushRecords:next": Seed(group, token, pusher.start),
        "GetPush": Seed(record_pb2.GetPushRequest(push=going), token),
        "FinishPush": Seed(record_pb2.FinishPushRequest(push=ended), token),
        "WithdrawRecords": Seed(record_pb2.WithdrawRecordsRequest(**of_schema, record_ids=gone), token),
        "GetRecord": Seed(record_pb2.GetRecordRequest(**named), token),
        "CountRecords": Seed(record_pb2.CountRecordsRequest(**of_schema, renew_days=30), token),
    }


async def _deliveries(town: City, _: int) -> dict[str, Seed]:
    return {method: Seed(*each) for method, each in (await delivering.seeds(town)).items()}


async def _tokens(town: City, number: int) -> dict[str, Seed]:
    await town.add_department(f"renewed-{number}")
    return {
        "CreateToken": Seed(token_pb2.CreateTokenRequest()),
        "ListTokenKeys": Seed(token_pb2.ListTokenKeysRequest()),
        "RotateTokenKeys": Seed(token_pb2.RotateTokenKeysRequest()),
        "ReplaceSecret": Seed(token_pb2.ReplaceSecretRequest(name=f"departments/renewed-{number}")),
    }


async def _operation(town: City, _: int) -> dict[str, Seed]:
    token = (town.ready.data / "operator.token").read_text().strip()
    return {"GetStatus": Seed(operation_pb2.GetStatusRequest(), token)}


SEEDERS: Final[tuple[Seeder, ...]] = (
    _administration,
    _centre,
    _records,
    _errands,
    _session,
    _policies,
    _statistics,
    _consents,
    _accounts,
    _deliveries,
    _tokens,
    _operation,
)


async def seeds(town: City, number: int) -> dict[str, Seed]:
    """Return the seeds of all these services."""
    found: dict[str, Seed] = {}
    for seeder in SEEDERS:
        found |= await seeder(town, number)
    return found
