"""The file that says how a department decides applications by itself, and what comes of it.

    appointments: {item: agent_appointment, identity: id_card}
    records:
      - connector: licences.yaml
        agents: market-regulation/agent_appointment

`appointments` decides who may act for a company. Each of `records` decides by the department's own database:
whoever it has a record of gets that; `agents` names the appointment that an agent shows for a company's.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disclosure import LocalizedText, Schema, SchemaName
from prover.vault import utc_now
from verifier import strict_yaml
from zk.clients.accounts import Application
from zk.clients.records import Record
from zk.connectors import SqlConnector, load_plan
from zk.connectors.deciding import AppointmentDecider, Approve, Decider, Decision, ForAgents, Leave, Refuse
from zk.exits import CommandError, Exit

_NO_RECORD: Final = LocalizedText("本部门没有您的这项数据", "The department has no such record of yours")
_OTHER_VERSION: Final = LocalizedText(
    "请申请该数据项的现行版本", "Apply for the version of this item that the department gives now"
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Appointments(_Part):
    """Which item appointments are, and the schema by which an agent shows who it is."""

    item: str = Field(min_length=1, max_length=200)
    identity: str = Field(min_length=1, max_length=200)


class Register(_Part):
    """A connector's file, beside this one; and the schema of appointments, where agents may apply."""

    connector: str = Field(min_length=1, max_length=200)
    agents: str = Field(default="", max_length=200)


class DeciderPlan(_Part):
    """The file."""

    appointments: Appointments | None = None
    records: tuple[Register, ...] = ()


@dataclass(frozen=True)
class RecordsDecider:
    """Approves by the one record that the department has of whom the application is for.

    Where there are several it is left to a person. What is signed is what the department's own plan says: an
    application for another version of the item, whose validity may be another, is refused.
    """

    schema: SchemaName
    records: Mapping[tuple[str, str], Sequence[Record]] = field(repr=False)

    def __call__(self, application: Application) -> Decision:
        """Approve, refuse, or leave what is another item's."""
        if application.schema.item != self.schema.item:
            return Leave()
        if application.schema != self.schema:
            return Refuse(_OTHER_VERSION)
        who = application.company or application.applicant
        found = self.records.get((who.kind, who.number), ())
        if not found:
            return Refuse(_NO_RECORD)
        (record, *others) = found
        if others or record.values is None:
            return Leave()
        return Approve(record.values, record.identified)


def load_decider(path: Path, schema_of: Callable[[str], Schema]) -> Decider:
    """Read the file, and the department's records as they are now; CommandError USAGE.

    `schema_of` finds a registered schema by an item's name.
    """
    try:
        plan = DeciderPlan.model_validate(strict_yaml.load(path))
    except ValidationError as error:
        first = error.errors()[0]
        place, problem = ".".join(map(str, first["loc"])), re.sub("^Value error, ", "", first["msg"])
        raise CommandError(
            Exit.USAGE, "CONNECTOR_INVALID", "error.connector_invalid", path=path, place=place,
            problem=problem,
        ) from None  # fmt: skip
    deciders = [_by_records(path.parent / each.connector, each.agents, schema_of) for each in plan.records]
    if plan.appointments is not None:
        identity = schema_of(plan.appointments.identity)
        deciders.insert(0, AppointmentDecider(plan.appointments.item, identity, utc_now))
    return _first_of(deciders)


def _by_records(path: Path, agents: str, schema_of: Callable[[str], Schema]) -> Decider:
    plan = load_plan(path)
    schema, found = schema_of(plan.schema_), defaultdict[tuple[str, str], list[Record]](list)
    with SqlConnector(plan, schema_of).open(schema, None) as rows:
        for record in rows.read(0):
            if record.subject is not None:
                found[record.subject.kind, record.subject.number].append(record)
    decider: Decider = RecordsDecider(schema.name, found)
    return ForAgents(decider, schema_of(agents)) if agents else _only_own(decider)


def _only_own(decider: Decider) -> Decider:
    """Leave to a person what somebody applies for on a company's behalf, where no appointment is asked."""
    return lambda application: Leave() if application.company is not None else decider(application)


def _first_of(deciders: Sequence[Decider]) -> Decider:
    def decide(application: Application) -> Decision:
        for each in deciders:
            decision = each(application)
            if not isinstance(decision, Leave):
                return decision
        return Leave()

    return decide
