"""Who decides applications: a function from an application to an approval, a refusal, or nothing yet.

A department's own database can decide by one query, a person by hand; appointments of agents need neither:
whoever applies for one must be the company that it is of, and that is known.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import grpc

from disclosure import DisclosureError, LocalizedText, Schema, Value, civil_date
from wire.client import ServiceError
from zk.clients.accounts import Application, DepartmentDesk
from zk.service import Required

_BROKEN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
}
"""What says nothing of one application, and would say the same of the next."""


@dataclass(frozen=True)
class Approve:
    """The values of the credential, and how the department knows whose it will be (as of Service.issue)."""

    values: Mapping[str, Value] = field(repr=False)
    identified: bytes | Required | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Refuse:
    """Why not, for the applicant to read."""

    reason: LocalizedText


@dataclass(frozen=True)
class Leave:
    """Somebody else decides."""


@dataclass(frozen=True)
class Failed:
    """It could not be decided, for the reason that the service, or the check of the values, gave."""

    reason: str


Decision = Approve | Refuse | Leave | Failed
Decider = Callable[[Application], Decision]


@dataclass(frozen=True)
class Decided:
    """An application and what was decided."""

    application: Application
    decision: Decision


def decide_all(
    desk: DepartmentDesk, decider: Decider, schema_of: Callable[[Application], Schema]
) -> Iterator[Decided]:
    """Have each open application decided, oldest first; give each as it is durable.

    One that cannot be decided, whatever its applicant wrote, stops no other. Broken off anywhere, what is
    open is decided the next time. Raises ServiceError if the service is not reached.
    """
    for application in list(desk.applications()):
        try:
            yield Decided(application, _decided(desk, application, decider, schema_of))
        except DisclosureError as error:
            yield Decided(application, Failed(str(error.reason)))
        except ServiceError as error:
            if error.code in _BROKEN:
                raise
            yield Decided(application, Failed(error.reason))


def _decided(
    desk: DepartmentDesk,
    application: Application,
    decider: Decider,
    schema_of: Callable[[Application], Schema],
) -> Decision:
    decision = decider(application)
    match decision:
        case Approve():
            desk.approve(application.name, schema_of(application), decision.values, decision.identified)
        case Refuse():
            desk.refuse(application.name, decision.reason)
    return decision


@dataclass(frozen=True)
class AppointmentDecider:
    """Decides appointments of agents: exactly the company itself appoints who acts for it.

    `item` is that of the appointments, and `identity` the schema of the credential by which the agent shows,
    when it claims, that the commitment to its number is its own. `clock` gives times with a zone.
    """

    item: str
    identity: Schema
    clock: Callable[[], dt.datetime]

    def __call__(self, application: Application) -> Decision:
        """Approve as it was applied for, or refuse; leave what is no appointment."""
        if application.schema.item != self.item:
            return Leave()
        values, applicant = application.values, application.applicant
        if applicant.kind != "company" or values.get("uscc") != applicant.number:
            return Refuse(LocalizedText("只有该企业本身可以委托经办人", "Only the company itself appoints"))
        until = values.get("until")
        if not isinstance(until, dt.date) or until < civil_date(self.clock()):
            return Refuse(LocalizedText("授权期限已过", "The last day is over"))
        commit = values.get("id_commit")
        if not application.for_another or commit is None:
            return Refuse(LocalizedText("未指明经办人", "No agent is named"))
        return Approve(values, Required(self.identity, {"id_commit": commit}))


@dataclass(frozen=True)
class ForAgents:
    """Decides as another does, and gives what is a company's only to whom it has appointed for that item.

    Of an application on a company's behalf the offer asks, in the place of whatever the other decider asks,
    for an appointment of that company for this item: nobody else can claim it.
    """

    decider: Decider
    appointment: Schema

    def __call__(self, application: Application) -> Decision:
        """Return the other's decision, with what an agent has to show."""
        decision = self.decider(application)
        if not isinstance(decision, Approve) or application.company is None:
            return decision
        if decision.values.get("uscc") != application.company.number:
            return Refuse(LocalizedText("数据不属于该企业", "The record is another company's"))
        shown: dict[str, Value] = {
            "uscc": application.company.number,
            "scope_kind": "item",
            "scope": application.schema.item,
        }
        return Approve(decision.values, Required(self.appointment, shown))
