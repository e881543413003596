"""A department says whose an account will be: it has identified the person or company, and gives a code."""

from typing import Annotated

import typer

from prover.consent import show_moment
from zk.clients.accounts import DepartmentDesk
from zk.clients.records import Subject
from zk.commands.issuer.common import GROUP, OfDepartment, chosen_department
from zk.qr import qr_lines
from zk.run import Answer, Run
from zk.subjects import subject_given


@GROUP.command("identify", remote=True)
def identify(
    run: Run,
    person: Annotated[str | None, typer.Option("--person", help="help.issuer.identified_person")] = None,
    company: Annotated[str | None, typer.Option("--company", help="help.issuer.identified_company")] = None,
    department: OfDepartment = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Give somebody whom the department has identified the one-time code for an account."""
    name = chosen_department(run, department)
    kind, number = subject_given(person, company)
    with DepartmentDesk(run.endpoint, str(name), run.home.token(name.department)) as desk:
        code = desk.code(Subject(kind, number))
    expires = show_moment(code.expires, run.lang)
    lines = [
        run.text("account.code", expires=expires),
        *(qr_lines(str(code.link)) if qr else ()),
        str(code.link),
        run.text("account.code_secret"),
    ]
    data = {"link": str(code.link), "expires": code.expires.isoformat(timespec="seconds")}
    return Answer(data, lines)
