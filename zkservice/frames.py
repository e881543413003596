"""What the server and its workers say to each other: frames of CBOR over a pipe.

A worker reads what strangers wrote. The server therefore takes an answer apart as strictly as a message from
outside, with the same reader, and nothing in a frame can name code or a type, as pickled octets could.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import cbor2

from disclosure import (
    IssuerKey,
    IssuerKeyName,
    KeyState,
    MalformedError,
    Reason,
    RefusedError,
    canonical,
)
from zkservice.errors import ServiceError, ServiceReason
from zkservice.tasks import Done, Fault, Job, Missing, Names, Outcome, Refusal, Supplies

LENGTH_OCTETS: Final = 4
MAX_FRAME: Final = 1 << 28
_OUTCOMES: Final = "zk-disclosure/outcomes/v1"
_KINDS: Final = {"malformed": MalformedError, "refused": RefusedError}
_Job = TypeVar("_Job")


class FrameError(Exception):
    """The octets are no frame."""


def frame(octets: bytes) -> bytes:
    """Put the length before a frame's octets."""
    return len(octets).to_bytes(LENGTH_OCTETS) + octets


def frame_octets(head: bytes) -> int:
    """Return the length that stands before a frame; FrameError if it is more than a frame may have."""
    octets = int.from_bytes(head)
    if octets > MAX_FRAME:
        raise FrameError
    return octets


def batch_to(jobs: Sequence[Job], supplies: Supplies) -> bytes:
    """Encode jobs with what they need."""
    keys = {name: key and _key_to(key) for name, key in supplies.issuer_keys.items()}
    told = [dict(supplies.verifiers), dict(supplies.schemas), keys, dict(supplies.secrets)]
    return cbor2.dumps([[each.items() for each in jobs], *told])


def batch_of(octets: bytes, job: Callable[..., _Job]) -> tuple[list[_Job], Supplies]:
    """Decode jobs with what they need; the server wrote them."""
    jobs, verifiers, schemas, keys, secrets = cbor2.loads(octets)
    found = {name: key and _key_of(name, *key) for name, key in keys.items()}
    return [job(*each) for each in jobs], Supplies(verifiers, schemas, found, secrets)


def _key_to(key: IssuerKey) -> list[Any]:
    return [key.suite, key.public_key, key.state.value]


def _key_of(name: str, suite: str, public_key: bytes, state: str) -> IssuerKey:
    return IssuerKey(IssuerKeyName.parse(name), suite, public_key, KeyState(state))


def outcomes_to(outcomes: Sequence[Outcome]) -> bytes:
    """Encode what came of each job."""
    return canonical.encode(_OUTCOMES, *map(_outcome_to, outcomes))


def _outcome_to(outcome: Outcome) -> list[Any]:
    match outcome:
        case Done(octets):
            return ["done", octets]
        case Missing(names):
            return ["missing", sorted(names.verifiers), sorted(names.schemas), sorted(names.issuer_keys)]
        case Fault(kind, places):
            return ["fault", kind, list(places)]
        case ServiceError():
            kind = "service"
        case MalformedError():
            kind = "malformed"
        case _:
            kind = "refused"
    return [kind, outcome.reason, outcome.detail, outcome.field]


def outcomes_of(octets: bytes, count: int) -> list[Outcome]:
    """Decode so many outcomes; FrameError."""
    try:
        told = canonical.decode(_OUTCOMES, octets, most=MAX_FRAME)
        if len(told) != count:
            raise FrameError
        return list(map(_outcome_of, told))
    except (MalformedError, ValueError):  # the latter for a reason that there is not
        raise FrameError from None


def _outcome_of(told: Any) -> Outcome:
    match told:
        case ["done", bytes(octets)]:
            return Done(octets)
        case ["missing", list(verifiers), list(schemas), list(keys)]:
            return Missing(Names(*(frozenset(_texts(each)) for each in (verifiers, schemas, keys))))
        case ["fault", str(kind), list(places)]:
            return Fault(kind, _texts(places))
        case [str(kind), str(reason), str(detail), str(field)]:
            return _refusal_of(kind, reason, detail, field)
    raise FrameError


def _texts(told: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in told):
        raise FrameError
    return tuple(told)


def _refusal_of(kind: str, reason: str, detail: str, field: str) -> Refusal:
    if kind == "service":
        return ServiceError(ServiceReason(reason), detail, field=field)
    if kind not in _KINDS:
        raise FrameError
    return _KINDS[kind](Reason(reason), detail, field=field)
