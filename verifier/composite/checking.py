"""Whether a policy can be asked: compiled for a day, checked as vaults will, told by its file's places."""

import datetime as dt
import re
from typing import Final

from disclosure import DisclosureError, RefusedError, VerifierName
from disclosure.composite import CompositeRequest, check_joint_request
from verifier.composite.compiling import PolicyReader
from verifier.composite.foreign import Counterparts
from verifier.composite.policy import NO_ANSWERS, CompositePolicy
from verifier.errors import PolicyError

_PREDICATE: Final = re.compile(r"branches\[(\d+)\]\.predicates\[(\d+)\]\.?(.*)")
_MOVED: Final = (
    (re.compile(r"(queries\[\d+\])\.issuers\[\d+\]\.revocation"), r"\1.revocation"),
    (re.compile(r"(queries\[\d+\])\.issuers(\[\d+\].*)?"), r"\1.schemas"),
    (re.compile(r"(pseudonyms\[\d+\])\.subject"), r"\1.of"),
    (re.compile(r"(foreign\[\d+\])\.number(\..*)?"), r"\1.of"),
    (re.compile(r"(foreign\[\d+\])\.holder"), r"\1.holders"),
)
"""What stands under another name in the file than in the request; keys and tables follow from schemas."""


def check_composite_policy(
    policy: CompositePolicy,
    verifier: VerifierName,
    reader: PolicyReader,
    now: dt.datetime,
    counterparts: Counterparts = NO_ANSWERS,
) -> CompositeRequest:
    """Return a request of a policy, of which `check_joint_request` finds that it can be answered.

    For when a policy is registered, and before each asking. One that counts numbers of other holders is
    checked with their answers, so not before there are any. Raises PolicyError with the place in the policy
    (`because` is disclosure's reason): what `CompositePolicy.request` refuses, a schema without such an
    attribute, a bound outside the schema, a list of other codes, a proof too long to be sent; else what the
    reader raises.
    """
    request = policy.request(verifier, now, reader, counterparts=counterparts)
    try:
        directory = reader.directory(request)
    except RefusedError as error:  # a member of a joint scope who is not registered
        raise PolicyError(error.detail, field="branches", because=error.reason) from None
    try:
        check_joint_request(request, directory, [each.verified for each in counterparts.values()])
    except DisclosureError as error:
        place = place_in_policy(policy, error.field)
        raise PolicyError(error.detail, field=place, because=error.reason) from None
    return request


def place_in_policy(policy: CompositePolicy, field: str) -> str:
    """Return where in a policy's file stands what is at a field of its request."""
    if found := _PREDICATE.fullmatch(field):
        branch, predicate, inner = found.groups()
        return policy.branches[int(branch)].predicates[int(predicate)].place(inner)
    for pattern, replacement in _MOVED:
        field = pattern.sub(replacement, field)
    return field
