"""A department decides what people apply for: by hand, one by one, or by its own database."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import LocalizedText, Schema
from prover.consent import show_moment, show_value
from zk.clients.accounts import Application, DepartmentDesk
from zk.commands.issuer.common import GROUP, OfDepartment, chosen_department, registered_schema
from zk.commands.issuer.issue import identified_by, kept_values, written_values
from zk.connectors.deciders import load_decider
from zk.connectors.deciding import Approve, Decided, Failed, Leave, Refuse, decide_all
from zk.exits import Exit
from zk.group import Group
from zk.run import Answer, Run
from zk.service import Service
from zk.values import json_value

APPLICATIONS: Final = Group(
    f"{GROUP.name}.applications",
    typer.Typer(name="applications", help=f"help.{GROUP.name}.applications", no_args_is_help=True),
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="help.issuer.application")]
_WORDS: Final = {Approve: "approved", Refuse: "refused", Leave: "left", Failed: "failed"}
_SENTENCES: Final = {
    Approve: "applications.approved_by_itself",
    Refuse: "applications.refused_by_itself",
    Leave: "applications.left_by_itself",
    Failed: "applications.failed_by_itself",
}


def _desk(run: Run, department: str | None) -> DepartmentDesk:
    name = chosen_department(run, department)
    return DepartmentDesk(run.endpoint, str(name), run.home.token(name.department))


@APPLICATIONS.command("list", remote=True)
def listed(run: Run, department: OfDepartment = None) -> Answer:
    """List the open applications with what they say, oldest first."""
    with _desk(run, department) as desk, Service(run.endpoint) as service:
        found = [(each, service.schema(each.schema)) for each in desk.applications()]
    lines = [line for each, schema in found for line in _lines(run, each, schema)]
    data = {"applications": [_data(each) for each, _ in found]}
    return Answer(data, lines or [run.text("applications.none")])


@APPLICATIONS.command("approve", remote=True)
def approve(
    run: Run,
    application: Name,
    value: Annotated[
        list[str] | None, typer.Option("-v", "--value", metavar="NAME=VALUE", help="help.issuer.value")
    ] = None,
    values: Annotated[Path | None, typer.Option("--values", help="help.issuer.values")] = None,
    person: Annotated[str | None, typer.Option("--person", help="help.issuer.person")] = None,
    requires: Annotated[
        tuple[str, str] | None,
        typer.Option("--requires", metavar="ITEM NAME=VALUE", help="help.issuer.requires"),
    ] = None,
    department: OfDepartment = None,
) -> Answer:
    """Approve an application by an offer, which goes into the inbox of whom it is for."""
    written = written_values(value or [], values)
    with _desk(run, department) as desk, Service(run.endpoint) as service:
        found = desk.application(application)
        schema = service.schema(found.schema)
        whose = identified_by(run, service, schema, person, requires)
        kept = kept_values(schema, written, lambda each: run.home.subject_secret(schema.name, each))
        offer = desk.approve(application, schema, kept.values, whose)
    said = run.text("applications.approved", name=application, offer=offer)
    return Answer({"application": application, "offer": offer}, [said])


@APPLICATIONS.command("refuse", remote=True)
def refuse(
    run: Run,
    application: Name,
    zh: Annotated[str, typer.Option("--zh", help="help.issuer.reason_zh")],
    en: Annotated[str, typer.Option("--en", help="help.issuer.reason_en")],
    department: OfDepartment = None,
) -> Answer:
    """Refuse an application, with the reason that its applicant reads."""
    with _desk(run, department) as desk:
        desk.refuse(application, LocalizedText(zh, en))
    return Answer({"application": application}, [run.text("applications.refused", name=application)])


@APPLICATIONS.command("run", remote=True)
def run_decider(
    run: Run,
    connector: Annotated[Path, typer.Option("--connector", help="help.issuer.decider")],
    department: OfDepartment = None,
) -> Answer:
    """Decide all open applications by the department's own database; what it cannot tell is left."""
    with _desk(run, department) as desk, Service(run.endpoint) as service:
        decider = load_decider(connector, lambda item: registered_schema(run, service, item, None))
        done = list(decide_all(desk, decider, lambda each: service.schema(each.schema)))
    rows = [
        {
            "application": each.application.name,
            "decision": _WORDS[type(each.decision)],
            "reason": _failure(each),
        }
        for each in done
    ]
    lines = [
        run.text(_SENTENCES[type(each.decision)], name=each.application.name, reason=_failure(each))
        for each in done
    ]
    failed = any(isinstance(each.decision, Failed) for each in done)
    exit_code = Exit.REFUSED if failed else Exit.OK
    return Answer({"decided": rows}, lines or [run.text("applications.none")], exit_code=exit_code)


def _failure(decided: Decided) -> str:
    return decided.decision.reason if isinstance(decided.decision, Failed) else ""


def _lines(run: Run, each: Application, schema: Schema) -> list[str]:
    made, name = show_moment(each.created, run.lang), run.local(schema.display_name)
    applicant = f"{each.applicant.kind} {each.applicant.number}"
    lines = [run.text("applications.title", name=each.name, item=name, applicant=applicant, made=made)]
    if each.company is not None:
        lines.append(run.text("applications.for_company", company=each.company.number))
    if each.for_another:
        lines.append(run.text("applications.for_another"))
    lines.append(run.text("applications.grounds", grounds=each.grounds))
    for attribute in schema.attributes:
        if attribute.id in each.values:
            value = show_value(attribute, each.values[attribute.id], run.lang)
            lines.append(f"    {run.local(attribute.display_name)}: {value}")
    return lines


def _data(each: Application) -> dict[str, Any]:
    company = None if each.company is None else each.company.number
    return {
        "application": each.name,
        "schema": str(each.schema),
        "applicant": {"kind": each.applicant.kind, "number": each.applicant.number},
        "company": company,
        "for_another": each.for_another,
        "grounds": each.grounds,
        "values": {name: json_value(value) for name, value in each.values.items()},
        "created": each.created.isoformat(timespec="seconds"),
    }
