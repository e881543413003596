"""The part of StatisticsService that tells how far applications and pushes are, in steps and of nobody.

A regulator's own sums are exact; these are not, since they tell items apart. They follow the rule of what is
published: no count below the least, all in steps of it, and no number is a sum of others. What is counted by
days is of days that are over: of one that goes on, two answers would tell of the minutes between them.
"""

import datetime as dt
import hashlib
from typing import Any, Final

from disclosure import DepartmentName, civil_date
from wire.convert import date_to
from zkproto.v1 import statistics_pb2 as pb
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import page_size
from zkservice.figures import LEAST_TOLD, asked_days, stepped
from zkservice.storage import progress
from zkservice.storage.progress import Decided, Push, Waiting

MAX_DAYS: Final = 30
"""Decisions are counted each time that they are asked for: so many days after the first."""
MAX_COUNTS: Final = 10_000
RUNNING: Final = dt.timedelta(minutes=2)
"""A push that had no group for so long stands still."""
_LISTING: Final = "pushes"
_DAY: Final = dt.timedelta(days=1)


class Progress:
    """Counts what waits, what was decided, what is pushed."""

    _context: Context

    async def CountApplications(self, request: pb.CountApplicationsRequest, context: Any) -> Any:
        """What waited at the end of yesterday, and what was decided on days that are over."""
        await self._context.access.overseer(context)
        first, last = asked_days(request, MAX_DAYS)
        today = civil_date(self._context.now())
        if last >= today:
            raise ServiceError(ServiceReason.FIELD_INVALID, "the last day is not over", field="last")
        department = ""
        if request.department:
            department = str(DepartmentName.parse(request.department, field="department"))
        waiting, decided = await self._context.database.read(
            lambda each: (
                progress.waiting(each, today, department),
                progress.decided(each, (first, last), department),
            )
        )
        until = today - _DAY
        answer = pb.CountApplicationsResponse(
            waiting=[_waiting(each, until) for each in waiting if stepped(each.n)],
            until=date_to(until),
            decided=[_decided(each) for each in decided if any(map(stepped, each.n.values()))],
            least=LEAST_TOLD,
        )
        if len(answer.waiting) + len(answer.decided) > MAX_COUNTS:
            detail = f"these are more than {MAX_COUNTS} counts: ask for fewer days, or for one department"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="last")
        return answer

    async def ListPushes(self, request: pb.ListPushesRequest, context: Any) -> Any:
        """A page of those pushes that have a count to tell: neither a page nor its token shows that there are
        others."""
        await self._context.access.overseer(context)
        after = self._context.pages.take(_LISTING, request.page_token)
        before, size = self._number(after) if after else None, page_size(request.page_size)
        found = await self._context.database.read(
            lambda each: progress.pushes(each, before, size + 1, LEAST_TOLD)
        )
        page, more = found[:size], len(found) > size
        return pb.ListPushesResponse(
            pushes=[self._push(each) for each in page],
            least=LEAST_TOLD,
            next_page_token=self._context.pages.give(_LISTING, self._place(page[-1])) if more else "",
        )

    def _id(self, number: int) -> str:
        return self._context.keys.token("push", str(number))[:22]

    def _place(self, push: Push) -> str:
        """Return where a page ends: the push's number under a mask of its own, since numbers tell of what is
        between them."""
        name = self._id(push.number)
        return f"{name}{push.number ^ self._mask(name)}"

    def _number(self, place: str) -> int:
        name, masked = place[:22], place[22:]
        if not masked.isdecimal():  # one of a former program, which gave the number
            raise ServiceError(
                ServiceReason.PAGE_TOKEN_INVALID, "the page token is too old", field="page_token"
            )
        return int(masked) ^ self._mask(name)

    def _mask(self, name: str) -> int:
        token = self._context.keys.token("push-page", name)
        return int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big")

    def _push(self, each: Push) -> pb.PushProgress:
        state = pb.PushProgress.STATE_STANDING
        if each.finished:
            state = pb.PushProgress.STATE_FINISHED
        elif self._context.now() - each.changed < RUNNING:
            state = pb.PushProgress.STATE_RUNNING
        counts: dict[str, Any] = {name: stepped(n) for name, n in each.n.items()}
        return pb.PushProgress(
            id=self._id(each.number),
            schema=each.schema,
            state=state,
            day=date_to(civil_date(each.began)),
            **counts,
        )


def _waiting(each: Waiting, until: dt.date) -> pb.WaitingApplications:
    days = (until - civil_date(each.oldest)).days
    return pb.WaitingApplications(item=each.item, count=stepped(each.n), oldest_days=days)


def _decided(each: Decided) -> pb.DecidedApplications:
    counts: dict[str, Any] = {state: stepped(n) for state, n in each.n.items()}
    return pb.DecidedApplications(day=date_to(each.day), department=each.department, **counts)
