"""A department's issuer keys: made, rotated, retired."""

from typing import Annotated, Any, Final, Literal

import typer

from disclosure import IssuerKey, IssuerKeyName, KeyState
from zk.clients.centre import Centre
from zk.commands.issuer.common import GROUP, OfDepartment, chosen_department
from zk.exits import CommandError, Exit
from zk.run import Answer, Run
from zk.service import Service

_Action = Literal["new", "rotate", "verify-only", "retire"]
_ENDING: Final = {"verify-only": KeyState.VERIFY_ONLY, "retire": KeyState.RETIRED}


@GROUP.command("key", remote=True, proposable=True)
def key(
    run: Run,
    action: Annotated[_Action, typer.Argument(help="help.issuer.key_action")] = "new",
    issuer_key: Annotated[str | None, typer.Argument(help="help.issuer.key_name")] = None,
    department: OfDepartment = None,
) -> Answer:
    """Have a new issuer key made inside the service, with `rotate` in place of the earlier; or end one, for
    signing (`verify-only`) or altogether (`retire`).

    What an earlier key has signed verifies until the key is retired.
    """
    if (action in _ENDING) != (issuer_key is not None):
        raise CommandError(Exit.USAGE, "KEY_UNCLEAR", "error.key_unclear")
    if issuer_key is not None:
        return _end(run, IssuerKeyName.parse(issuer_key), _ENDING[action])
    name = chosen_department(run, department)
    token = run.home.token(name.department)
    with Service(run.endpoint) as service:
        earlier = list(service.issuer_keys(str(name))) if action == "rotate" else []
        made = service.create_issuer_key(name, token)
    ended = [each for each in earlier if each.state is KeyState.ACTIVE]
    with Centre(run.endpoint) as centre:
        for each in ended:
            centre.change_key(each, KeyState.VERIFY_ONLY, token, run.log_verifier())
    lines = [run.text("issuer.key", key=made.name, suite=made.suite)]
    lines += [run.text("issuer.key_verify_only", key=each.name) for each in ended]
    return Answer({**_data(made), "verify_only": [str(each.name) for each in ended]}, lines)


def _end(run: Run, name: IssuerKeyName, state: KeyState) -> Answer:
    token, log = run.home.token(name.department), run.log_verifier()
    with Centre(run.endpoint) as centre:
        retired = centre.change_key(centre.issuer_key(name), state, token, log)
    data = {**_data(retired), "state": retired.state.value}
    said = "issuer.key_retired" if state is KeyState.RETIRED else "issuer.key_verify_only"
    return Answer(data, [run.text(said, key=name)])


def _data(made: IssuerKey) -> dict[str, Any]:
    return {"issuer_key": str(made.name), "suite": made.suite, "public_key": made.public_key.hex()}
