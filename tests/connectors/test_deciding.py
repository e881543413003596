"""Who decides applications: the department's own database, and for appointments the company itself."""

import datetime as dt
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from disclosure import MalformedError, Reason, Schema, Value
from wire.client import ServiceError
from zk import catalogue
from zk.clients.accounts import Application
from zk.clients.records import Subject
from zk.connectors.deciders import load_decider
from zk.connectors.deciding import AppointmentDecider, Approve, Decider, Failed, Leave, Refuse, decide_all
from zk.exits import CommandError
from zk.service import Required

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COMPANY, OTHER = "91370100MA3C00001X", "91370100MA3C00002X"
COMMIT = bytes(range(32))
LICENCES = """
schema: business_licence@2
database: LICENCES_DATABASE
query: SELECT uscc, rep, district FROM licence
record: uscc
subject: {kind: company, column: uscc}
person: uscc
attributes:
  uscc: uscc
  status: {column: district, codes: {历下区: active}}
  established: {column: rep, date: "%Y%m%d"}
  licence_months: {column: months, scale: 0}
  capital: {column: months, scale: 2}
  legal_rep: {column: rep, hash: {salt: salt}}
  district: {column: district, codes: {历下区: "370102"}}
  industry: {column: district, codes: {历下区: G}}
"""


def schema_of(item: str) -> Schema:
    found = catalogue.builtin().find(item)
    assert found is not None
    return found


def application(
    item: str,
    values: Mapping[str, Value] | None = None,
    *,
    by: str = COMPANY,
    kind: str = "company",
    company: str = "",
    for_another: bool = False,
) -> Application:
    schema = schema_of(item).name
    behalf = Subject("company", company) if company else None
    return Application(
        "applications/1", schema, Subject(kind, by), behalf, "why", values or {}, for_another, NOW
    )


def appointment(**changes: Any) -> dict[str, Any]:
    values = {
        "id_commit": COMMIT,
        "uscc": COMPANY,
        "scope_kind": "item",
        "scope": "business_licence",
        "until": dt.date(2026, 12, 31),
    }
    return {name: each for name, each in (values | changes).items() if each is not None}


@pytest.fixture
def appointments() -> Decider:
    return AppointmentDecider("agent_appointment", schema_of("id_card@2"), lambda: NOW)


def test_the_companys_own_appointment_is_approved_for_whoever_shows_the_commitment(
    appointments: Decider,
) -> None:
    decision = appointments(application("agent_appointment", appointment(), for_another=True))
    assert isinstance(decision, Approve)
    assert decision.values == appointment()
    assert isinstance(decision.identified, Required)
    assert decision.identified.values == {"id_commit": COMMIT}


@pytest.mark.parametrize(
    "made",
    [
        application("agent_appointment", appointment(uscc=OTHER), for_another=True),
        application("agent_appointment", appointment(uscc=None), for_another=True),
        application("agent_appointment", appointment(), by=COMPANY, kind="person", for_another=True),
        application("agent_appointment", appointment(), by=OTHER, for_another=True),
        application("agent_appointment", appointment(), for_another=False),
        application("agent_appointment", appointment(id_commit=None), for_another=True),
        application("agent_appointment", appointment(until=dt.date(2026, 2, 28)), for_another=True),
        application("agent_appointment", appointment(until=None), for_another=True),
    ],
    ids=["another's", "nobody's", "a person", "by another", "itself", "no commitment", "over", "endless"],
)
def test_every_other_appointment_is_refused_with_a_reason(appointments: Decider, made: Application) -> None:
    decision = appointments(made)
    assert isinstance(decision, Refuse)
    assert decision.reason.zh
    assert decision.reason.en


def test_what_is_no_appointment_is_left(appointments: Decider) -> None:
    assert appointments(application("business_licence")) == Leave()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A department's folder: its database with one licence, and its files."""
    path = tmp_path / "licences.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE licence (uscc, district, rep, salt, months)")
        row = (COMPANY, "历下区", "20200101", "0123456789abcdef", 70)
        connection.execute("INSERT INTO licence VALUES (?, ?, ?, ?, ?)", row)
    monkeypatch.setenv("LICENCES_DATABASE", f"sqlite:///{path}")
    query = "SELECT uscc, district, rep, salt, months FROM licence"
    (tmp_path / "licences.yaml").write_text(
        LICENCES.replace("SELECT uscc, rep, district FROM licence", query), "utf-8"
    )
    return tmp_path


def decider(folder: Path, text: str) -> Decider:
    (folder / "decider.yaml").write_text(text, "utf-8")
    return load_decider(folder / "decider.yaml", schema_of)


def test_the_departments_database_decides(folder: Path) -> None:
    decide = decider(folder, "records: [{connector: licences.yaml}]\n")
    approved = decide(application("business_licence"))
    assert isinstance(approved, Approve)
    assert (approved.values["uscc"], approved.identified) == (COMPANY, COMPANY.encode())
    assert isinstance(decide(application("business_licence", by=OTHER)), Refuse)
    assert isinstance(decide(application("business_licence", kind="person")), Refuse)
    assert decide(application("food_permit")) == Leave()
    behalf = application("business_licence", by="1", kind="person", company=COMPANY)
    assert decide(behalf) == Leave(), "no appointment is asked for: a person decides"


def test_the_version_that_is_signed_is_the_departments_choice(folder: Path) -> None:
    decide = decider(folder, "records: [{connector: licences.yaml}]\n")
    made = application("business_licence")
    other = replace(made, schema=replace(made.schema, version=made.schema.version + 1))
    assert isinstance(decide(made), Approve)
    assert isinstance(decide(other), Refuse)


class Queue:
    """A desk with applications that it refuses for one reason or another, and one that it takes."""

    def __init__(self, faults: dict[str, Exception]) -> None:
        self.faults, self.approved = faults, list[str]()

    def applications(self) -> list[Application]:
        return [replace(application("business_licence"), name=name) for name in (*self.faults, "good")]

    def approve(self, name: str, *_: object) -> None:
        if name in self.faults:
            raise self.faults[name]
        self.approved.append(name)


def test_an_application_that_cannot_be_decided_stops_no_other(folder: Path) -> None:
    decide = decider(folder, "records: [{connector: licences.yaml}]\n")
    queue: Any = Queue(
        {
            "malformed": MalformedError(Reason.VALUE_INVALID, "not of the schema", field="values"),
            "decided": ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "APPLICATION_DECIDED", "before"),
        }
    )
    done = list(decide_all(queue, decide, lambda _: schema_of("business_licence")))
    assert [each.decision for each in done[:2]] == [Failed("VALUE_INVALID"), Failed("APPLICATION_DECIDED")]
    assert queue.approved == ["good"]
    queue.faults["decided"] = ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "gone")
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        list(decide_all(queue, decide, lambda _: schema_of("business_licence")))


def test_an_agent_has_to_show_the_appointment_for_that_item(folder: Path) -> None:
    text = "records: [{connector: licences.yaml, agents: agent_appointment@1}]\n"
    decide = decider(folder, text)
    decision = decide(application("business_licence", by="1", kind="person", company=COMPANY))
    assert isinstance(decision, Approve)
    assert isinstance(decision.identified, Required)
    assert decision.identified.schema.name.item == "agent_appointment"
    assert decision.identified.values == {
        "uscc": COMPANY,
        "scope_kind": "item",
        "scope": "business_licence",
    }
    own = decide(application("business_licence"))
    assert isinstance(own, Approve)
    assert own.identified == COMPANY.encode()
    assert isinstance(decide(application("business_licence", by="1", kind="person", company=OTHER)), Refuse)


@pytest.mark.parametrize("text", ["records: [{file: x}]", "appointments: {item: x}", "everything: true"])
def test_a_file_that_is_none_is_refused(folder: Path, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        decider(folder, text)
    assert caught.value.reason == "CONNECTOR_INVALID"
