"""Vectors of what requests ask beyond registered policies: each request of a form measured by each policy.

Written by `python -m scripts.web_vectors`. Requests and policies are those of Python's tests, and more of
both, so that nearly every pair asks too much in some way.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from disclosure import LocalizedText, PolicyName, Query, Request, VerifierName
from disclosure.allowance import check_allowed, excess
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    NotEqual,
    OneOf,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    at_least,
    at_most,
)
from disclosure.errors import RefusedError
from disclosure.policy import AllowedItem, RegisteredPolicy
from scripts.web_vectors import Json, text_of
from tests.disclosure import test_disclosure_allowance as asking
from tests.disclosure import world as plain_world
from tests.disclosure.composite import world

AnyRequest = Request | CompositeRequest
_OTHER_PURPOSE: Final = LocalizedText("别的", "Something else")


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    forms = {"plain": _form(_plain(), _plain_policies()), "composite": _form(_composite(), _policies())}
    return {"allowance.json": text_of(forms)}


def _form(asked: Mapping[str, AnyRequest], policies: Mapping[str, RegisteredPolicy]) -> Json:
    return {
        "requests": {name: each.canonical.hex() for name, each in asked.items()},
        "policies": {name: each.canonical.hex() for name, each in policies.items()},
        "cases": [
            {"request": request, "policy": policy, **_case(asked[request], policies[policy])}
            for request in asked
            for policy in policies
        ],
    }


def _case(request: AnyRequest, policy: RegisteredPolicy) -> Json:
    return {
        "refused": _refused(request, policy),
        "excess": [f"{each.kind} {each.field}: {each.detail}" for each in excess(request, policy)],
    }


def _refused(request: AnyRequest, policy: RegisteredPolicy) -> str | None:
    """Return reason, place and detail of what is refused, None if nothing is."""
    try:
        check_allowed(request, policy)
    except RefusedError as error:
        return str(error)
    return None


def _plain() -> dict[str, AnyRequest]:
    first, second = plain_world.REQUEST.queries
    stranger = Query("stranger", replace(plain_world.PERMIT.name, item="marriage"), ("spouse", "since"))
    newer = replace(first, schema=replace(first.schema, version=7))
    elsewhere = replace(first, schema=replace(first.schema, department="hrss"))
    asked = plain_world.request
    return {
        "what is allowed": plain_world.REQUEST,
        "one attribute more": asked(queries=(replace(first, shown=("district", "name")), second)),
        "another purpose and a stranger": asked(
            purpose=_OTHER_PURPOSE, queries=(replace(first, shown=("number",)), stranger)
        ),
        "another purpose in one language": asked(
            purpose=replace(plain_world.PURPOSE, en=plain_world.PURPOSE.en + " ")
        ),
        "another purpose in the other": asked(
            purpose=replace(plain_world.PURPOSE, zh=plain_world.PURPOSE.zh + "。")
        ),
        "a newer version": asked(queries=(newer, second)),
        "the item of another department": asked(queries=(elsewhere, second)),
        "everything": asked(queries=(replace(first, shown=tuple(plain_world.VALUES)),)),
        "nothing but the last day": asked(queries=(replace(first, shown=()),)),
        "no policy": asked(policy=None),
        "another version of the policy": asked(policy=replace(plain_world.POLICY, version=2)),
        "another policy": asked(policy=replace(plain_world.POLICY, policy="other")),
    }


def _plain_policies() -> dict[str, RegisteredPolicy]:
    policy = asking.PLAIN
    insurance, permit = policy.items
    return {
        "the policy": policy,
        "the composite form's": asking.COMPOSITE,
        "another purpose": replace(policy, purpose_text=_OTHER_PURPOSE),
        "no permit": replace(policy, items=(insurance,)),
        "no insurance": replace(policy, items=(permit,)),
        "proven and not shown": replace(
            policy, items=(insurance, replace(permit, shown=(), proven=("district", "name")))
        ),
        "the permit of another department": replace(
            policy, items=(replace(permit, department="hrss"), insurance)
        ),
    }


def _policies() -> dict[str, RegisteredPolicy]:
    policy, items = asking.COMPOSITE, asking.ITEMS
    wider = AllowedItem("public-security", "visa", ("name",), ("district", "months", "number"))
    return {
        "the policy": policy,
        **{name: less for name, (less, _) in asking.LESS.items()},
        "a visa too": replace(policy, items=(*items, wider)),
        "a name that is proven": replace(
            policy,
            items=(*items[:2], replace(items[2], shown=(), proven=("district", "months", "name", "number"))),
        ),
        "nothing at all": replace(
            policy, items=(AllowedItem("x", "y"),), scopes=(), escrows=(), lists=(), foreign=False
        ),
        "no scopes": replace(policy, scopes=()),
        "no escrows": replace(policy, escrows=()),
        "more scopes": replace(
            policy,
            scopes=tuple(
                sorted((*policy.scopes, replace(asking.SHARED, of=None)), key=lambda each: each.order)
            ),
        ),
        "another version": replace(policy, name=replace(policy.name, version=2)),
        "of another verifier": replace(policy, name=PolicyName("bank-1", "any", 1)),
    }


def _settled(branch: Branch) -> Branch:
    """Return a branch that accepts issuers without their tables, which each process makes anew."""
    queries = (
        replace(each, issuers=tuple(replace(issuer, digits=None) for issuer in each.issuers))
        for each in branch.queries
    )
    return replace(branch, queries=tuple(queries))


def _composite() -> dict[str, AnyRequest]:
    branch, op = _settled(asking.BRANCH), asking.op
    visa = replace(world.PERMIT.name, item="visa")
    several = replace(branch.queries[0], schemas=(world.PERMIT.name, visa))
    newer = replace(branch.queries[0], schemas=(replace(world.PERMIT.name, version=7),))
    queries = (several, *branch.queries[1:])
    both = replace(several, schemas=(world.PERMIT.name, replace(world.PERMIT.name, version=7)))
    every = Branch(
        "every",
        queries,
        (
            at_least(op("permit.months"), 12),
            at_most(op("permit.gap"), 3),
            OneOf(op("permit.remark"), ("x", "y")),
            NotEqual(op("insurance.remark"), "z"),
            Equal((op("permit.number"), op("insurance.number"), op("household.child_secret"))),
            Sum((Term(op("permit.months"), 2), Term(op("insurance.base"), -1)), minimum=3),
            at_least(op("permit.name"), 1),
        ),
        (
            *branch.pseudonyms,
            PseudonymQuery("home", VerifierScope("enrol-2026"), op("household.child_secret")),
            PseudonymQuery("other", VerifierScope("enrolment-2026"), op("permit.number")),
            replace(branch.pseudonyms[1], id="who", subject=None),
        ),
        (
            EscrowQuery("who", op("permit.number"), asking.DIGEST),
            EscrowQuery("name", op("permit.name"), asking.DIGEST),
            EscrowQuery("them", op("household.child_secret"), asking.OTHER_DIGEST),
        ),
        asking.DIGEST,
        (CommitmentQuery("mine", op("insurance.months")), CommitmentQuery("more", op("permit.gap"))),
        branch.foreign,
    )
    return {
        "what is allowed": world.request(branch),
        "two branches": world.request(branch, Branch("other", (replace(several, shown=("name",)),))),
        "several schemas": world.request(replace(branch, queries=queries)),
        "a newer version": world.request(Branch("b", (newer,))),
        "two versions": world.request(replace(branch, queries=(both, *branch.queries[1:]))),
        "everything": world.request(every),
        "what nobody accepts": world.request(
            replace(branch, escrows=(EscrowQuery("w", op("x.y"), asking.DIGEST),))
        ),
        "another purpose": world.request(branch, every, purpose=_OTHER_PURPOSE),
        "no policy": world.request(branch, policy=None),
        "of another verifier": world.request(branch, verifier=VerifierName("bank-1")),
    }
