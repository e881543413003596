"""What a verifier may ask: registered from the very file that it asks by, listed, ended."""

from typing import Annotated, Any, Final

import typer

from disclosure import PolicyName
from disclosure.policy import RegisteredPolicy
from verifier import registered_policy
from verifier.client import VerifierClient
from zk.clients.policies import Listed, Policies
from zk.commands.verifier.common import GROUP, As, PolicyFile, key_of, loaded_policy, name_of
from zk.commands.verifier.demanding import receipt_line
from zk.group import Group
from zk.run import Answer, Run
from zk.tokens import AdminTokenFile, admin_token

POLICIES: Final = Group(
    f"{GROUP.name}.policies",
    typer.Typer(name="policy", help=f"help.{GROUP.name}.policies", no_args_is_help=True),
)


@POLICIES.command("register", remote=True)
def register(
    run: Run, policy: PolicyFile, verifier: As = None, admin_token_file: AdminTokenFile = None
) -> Answer:
    """Register what a policy's file asks, no more and no less; the same again changes nothing."""
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    log, token = run.log_verifier(), admin_token(admin_token_file)
    with VerifierClient(run.endpoint, name, key_of(run, name), log) as client:
        made = registered_policy(loaded, name, client.reader)
    with Policies(run.endpoint, log) as register_of:
        register_of.create(made, token)
    return Answer(_data(made), [run.text("verifier.policy_registered", policy=made.name), *_lines(run, made)])


@POLICIES.command("list", remote=True)
def listed(run: Run, verifier: As = None) -> Answer:
    """List the policies of a verifier."""
    name = name_of(run, verifier)
    with Policies(run.endpoint, run.log_verifier()) as register_of:
        found = list(register_of.of(name))
    lines = [run.text(_state(each), policy=each.policy.name) for each in found]
    data = [{**_data(each.policy), "deprecated": each.deprecated} for each in found]
    return Answer({"policies": data}, lines or [run.text("verifier.policy_none", verifier=name)])


@POLICIES.command("deprecate", remote=True)
def deprecate(
    run: Run,
    policy: Annotated[str, typer.Argument(help="help.verifier.policy_name")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """End a policy: from then on no request that names it is opened."""
    name, token = PolicyName.parse(policy), admin_token(admin_token_file)
    with Policies(run.endpoint, run.log_verifier()) as register_of:
        ended = register_of.deprecate(name, token)
    data = {**_data(ended.policy), "deprecated": ended.deprecated}
    return Answer(data, [run.text(_state(ended), policy=name)])


def _state(listed: Listed) -> str:
    return "verifier.policy_ended" if listed.deprecated else "verifier.policy_in_use"


def _data(policy: RegisteredPolicy) -> dict[str, Any]:
    return {
        "policy": str(policy.name),
        "purpose": policy.purpose,
        "retention_days": policy.retention_days,
        "items": {
            str(each): {"shown": list(each.shown), "proven": list(each.proven)} for each in policy.items
        },
        "scopes": [
            {"label": each.label, "of": None if each.of is None else str(each.of)} for each in policy.scopes
        ],
        "escrows": [{"regulator": each.regulator.hex(), "of": str(each.of)} for each in policy.escrows],
        "lists": [each.hex() for each in policy.lists],
        **({} if policy.receipt is None else {"receipt": policy.receipt.value}),
    }


def _lines(run: Run, policy: RegisteredPolicy) -> list[str]:
    """Tell item by item what may be asked now, and in which state receipts are demanded."""
    none = run.text("verifier.policy_nothing")
    items = [
        run.text(
            "verifier.policy_item", item=each, shown=", ".join(each.shown) or none,
            proven=", ".join(each.proven) or none,
        )
        for each in policy.items
    ]  # fmt: skip
    return [*items, *receipt_line(run, policy)]
