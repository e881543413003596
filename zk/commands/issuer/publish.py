"""A department publishes what requests name by digest: its table of digits, lists of codes.

A table's key is forgotten as soon as the table is made: nobody, the department included, signs anything for
it afterwards. What was lost before it was published is made anew.
"""

from typing import Annotated, Any

import typer

import bbs
from bbs.gadgets.tables import new_digits
from disclosure import AttributeDefinition, AttributeType
from disclosure.composite import Published, PublishedDigits, publish_codes
from disclosure.written import ValueFormError
from wire.composite import table_name
from zk.commands.issuer.common import GROUP, Item, OfDepartment, chosen_department, registered_schema
from zk.exits import CommandError, Exit
from zk.run import Answer, Run
from zk.service import Service


@GROUP.command("digits", remote=True)
def digits(run: Run, department: OfDepartment = None) -> Answer:
    """Make a table of digits and publish it: ranges over the department's attributes are proven with it."""
    name = chosen_department(run, department)
    token, log = run.home.token(name.department), run.log_verifier()
    made = PublishedDigits(str(name), new_digits(bbs.SHA_256))
    with Service(run.endpoint) as service:
        service.create_table(made, token, log)
    table = table_name(made.table.digest)
    return Answer(_data(made), [run.text("issuer.digits", department=name, table=table)])


@GROUP.command("codes", remote=True)
def codes(
    run: Run,
    item: Item,
    attribute: Annotated[str, typer.Argument(help="help.issuer.attribute")],
    code: Annotated[list[str] | None, typer.Option("--code", help="help.issuer.code")] = None,
    department: OfDepartment = None,
) -> Answer:
    """Publish the codes of an attribute, or some of them, as a list that requests name."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, item, department)
        owner = chosen_department(run, schema.name.department)
        token, log = run.home.token(owner.department), run.log_verifier()
        definition = schema.attribute(attribute)
        listed = _listed(definition, code)
        made = publish_codes(str(owner), definition.code_system, listed, bbs.SHA_256)
        service.create_table(made, token, log)
    table, digest = table_name(made.table.digest), made.contents.hex()
    told = [
        run.text("issuer.codes", count=len(listed), system=made.code_system, table=table),
        run.text("issuer.codes_digest", digest=digest),
    ]
    data = {"code_system": made.code_system, "codes": list(made.codes), "digest": digest}
    return Answer({**_data(made), **data}, told)


def _listed(definition: AttributeDefinition, chosen: list[str] | None) -> tuple[str, ...]:
    """Return the chosen codes, each once and in the schema's order, or all."""
    if definition.type is not AttributeType.CODE:
        raise CommandError(Exit.USAGE, "ATTRIBUTE_WITHOUT_CODES", "error.no_codes", attribute=definition.id)
    known = tuple(each.code for each in definition.codes)
    if chosen is None:
        return known
    if not set(chosen) <= set(known):
        raise ValueFormError(definition, known[0])
    return tuple(each for each in known if each in chosen)


def _data(published: Published) -> dict[str, Any]:
    return {"table": table_name(published.table.digest), "owner": published.owner}
