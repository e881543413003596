"""What stands behind the resource centre's page: reads the service with a regulator's token.

What is public is read without the token; it goes along only where the service demands it. What is told of a
message is written down here field by field, so that nothing reaches a page that nobody has thought of.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

import grpc

from web_edge.centre import BooksError
from wire.client import Endpoint
from wire.convert import date_to
from wire.failures import service_error_aio
from zk.centre_counts import (
    asked_days,
    asked_dimension,
    asked_month,
    day_of,
    decided_row,
    push_row,
    revocations_row,
    sum_row,
    waiting_row,
)
from zk.centre_rows import department_row, item_row, policy_row, purpose_row, verifier_row
from zkproto.v1 import catalog_pb2, centre_pb2, policy_pb2, revocation_pb2, statistics_pb2
from zkproto.v1.catalog_pb2_grpc import CatalogServiceStub
from zkproto.v1.policy_pb2_grpc import PolicyServiceStub
from zkproto.v1.revocation_pb2_grpc import RevocationServiceStub
from zkproto.v1.statistics_pb2_grpc import StatisticsServiceStub

PAGE: Final = 50
"""So many rows come at once."""
SUMS: Final = 500
"""So many sums come at once: each is a line of few octets."""
FOLLOWED: Final = 10
"""So many departments' lists of revocations come at once, each of them by calls of its own."""
LISTS: Final = 4
"""So many of a department's lists are told, its newest."""
CALL_SECONDS: Final = 10.0
_ALL_DEPARTMENTS: Final = "departments/-"
_ALL_VERIFIERS: Final = "verifiers/-"
_HTTP: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 503,
}
"""What a failure of the service's is to the page; all others, also that of the token, are the edge's: 502."""

_Asked: TypeAlias = Mapping[str, str]
_Reader: TypeAlias = Callable[[_Asked], Awaitable[Mapping[str, Any]]]


class ServiceBooks:
    """The books of a service (web_edge.centre.Books), in the loop that its channel belongs to."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._token = token
        self._catalog = CatalogServiceStub(channel)
        self._policies = PolicyServiceStub(channel)
        self._revocation = RevocationServiceStub(channel)
        self._statistics = StatisticsServiceStub(channel)
        self._readers: dict[str, tuple[_Reader, Collection[str]]] = {
            "departments": (self._departments, ("page",)),
            "items": (self._items, ("page", "parent", "query")),
            "purposes": (self._purposes, ("page",)),
            "verifiers": (self._verifiers, ("page",)),
            "policies": (self._listed_policies, ("page", "parent")),
            "revocations": (self._revocations, ("page",)),
            "statistics": (self._sums, ("page", "first", "last", "by")),
            "published": (self._published, ("month",)),
            "queue": (self._queue, ("first", "last")),
            "pushes": (self._pushes, ("page",)),
        }

    @property
    def listings(self) -> Mapping[str, Collection[str]]:
        """What there is to read, each with the names of what may be asked of it."""
        return {name: asked for name, (_, asked) in self._readers.items()}

    async def read(self, listing: str, asked: _Asked) -> Mapping[str, Any]:
        """Return one page of a listing; BooksError."""
        reader, _ = self._readers[listing]
        return await reader(asked)

    async def _departments(self, asked: _Asked) -> Mapping[str, Any]:
        request = catalog_pb2.ListDepartmentsRequest(page_size=PAGE, page_token=asked.get("page", ""))
        answer = await _call(self._catalog.ListDepartments, request)
        return _page(map(department_row, answer.departments), answer)

    async def _items(self, asked: _Asked) -> Mapping[str, Any]:
        given: dict[str, Any] = {
            "parent": asked.get("parent", _ALL_DEPARTMENTS),
            "page_size": PAGE,
            "page_token": asked.get("page", ""),
        }
        if query := asked.get("query", "").strip():
            searched = centre_pb2.SearchItemsRequest(query=query, **given)
            found = await _call(self._catalog.SearchItems, searched)
            return _page(map(item_row, found.items), found)
        answer = await _call(self._catalog.ListItems, centre_pb2.ListItemsRequest(**given))
        return _page(map(item_row, answer.items), answer)

    async def _purposes(self, asked: _Asked) -> Mapping[str, Any]:
        request = centre_pb2.ListPurposesRequest(page_size=PAGE, page_token=asked.get("page", ""))
        answer = await _call(self._catalog.ListPurposes, request)
        return _page(map(purpose_row, answer.purposes), answer)

    async def _verifiers(self, asked: _Asked) -> Mapping[str, Any]:
        request = catalog_pb2.ListVerifiersRequest(page_size=PAGE, page_token=asked.get("page", ""))
        answer = await _call(self._catalog.ListVerifiers, request)
        return _page(map(verifier_row, answer.verifiers), answer)

    async def _listed_policies(self, asked: _Asked) -> Mapping[str, Any]:
        request = policy_pb2.ListPoliciesRequest(
            parent=asked.get("parent", _ALL_VERIFIERS), page_size=PAGE, page_token=asked.get("page", "")
        )
        answer = await _call(self._policies.ListPolicies, request)
        return _page(map(policy_row, answer.policies), answer)

    async def _revocations(self, asked: _Asked) -> Mapping[str, Any]:
        request = catalog_pb2.ListDepartmentsRequest(page_size=FOLLOWED, page_token=asked.get("page", ""))
        answer = await _call(self._catalog.ListDepartments, request)
        rows = await asyncio.gather(*map(self._lists, answer.departments))
        return _page(rows, answer)

    async def _lists(self, department: catalog_pb2.Department) -> Mapping[str, Any]:
        request = revocation_pb2.ListAccumulatorsRequest(parent=department.name, page_size=LISTS)
        found = (await _call(self._revocation.ListAccumulators, request)).accumulators
        asked = (revocation_pb2.GetEpochRequest(accumulator=each.name) for each in found)
        epochs = [await _call(self._revocation.GetEpoch, each) for each in asked]
        return revocations_row(department, zip(found, epochs, strict=True))

    async def _sums(self, asked: _Asked) -> Mapping[str, Any]:
        with _valid():
            (first, last), (by, dimension) = asked_days(asked), asked_dimension(asked)
        request = statistics_pb2.ListStatisticsRequest(
            first=date_to(first),
            last=date_to(last),
            group_by=[dimension],
            page_size=SUMS,
            page_token=asked.get("page", ""),
        )
        answer = await _call(self._statistics.ListStatistics, request, self._token)
        return _page((sum_row(each, by) for each in answer.statistics), answer)

    async def _published(self, asked: _Asked) -> Mapping[str, Any]:
        with _valid():
            year, month = asked_month(asked)
        request = statistics_pb2.GetPublishedStatisticsRequest(year=year, month=month)
        answer = await _call(self._statistics.GetPublishedStatistics, request)
        rows = [sum_row(each, "verifier") for each in answer.statistics]
        return {"rows": rows, "next": "", "least": answer.least}

    async def _queue(self, asked: _Asked) -> Mapping[str, Any]:
        with _valid():
            first, last = asked_days(asked)
        request = statistics_pb2.CountApplicationsRequest(first=date_to(first), last=date_to(last))
        answer = await _call(self._statistics.CountApplications, request, self._token)
        return {
            "rows": [waiting_row(each) for each in answer.waiting],
            "decided": [decided_row(each) for each in answer.decided],
            "until": day_of(answer.until),
            "least": answer.least,
            "next": "",
        }

    async def _pushes(self, asked: _Asked) -> Mapping[str, Any]:
        request = statistics_pb2.ListPushesRequest(page_size=PAGE, page_token=asked.get("page", ""))
        answer = await _call(self._statistics.ListPushes, request, self._token)
        return {**_page(map(push_row, answer.pushes), answer), "least": answer.least}


@asynccontextmanager
async def opened_books(endpoint: Endpoint, token: str) -> AsyncIterator[ServiceBooks]:
    """Open a service's books for the loop that runs; `token` is a regulator's."""
    async with endpoint.channel_aio() as channel:
        yield ServiceBooks(channel, token)


@contextmanager
def _valid() -> Iterator[None]:
    """Refuse what a reading cannot be asked by; BooksError."""
    try:
        yield
    except ValueError:
        raise BooksError(400, "QUERY_INVALID") from None


def _page(rows: Any, answer: Any) -> Mapping[str, Any]:
    return {"rows": list(rows), "next": answer.next_page_token}


async def _call(method: Any, request: Any, token: str = "") -> Any:
    """Call a method; BooksError with the service's reason and nothing else of what it says."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    called = method(request, metadata=metadata, timeout=CALL_SECONDS)
    try:
        return await called
    except grpc.aio.AioRpcError as error:
        refused = await service_error_aio(called)
        raise BooksError(_HTTP.get(error.code(), 502), refused.reason) from None
