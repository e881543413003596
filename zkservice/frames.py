"""What the server and its workers say to each other: frames of CBOR over a pipe.

A worker reads what strangers wrote. The server therefore takes an answer apart as strictly as a message from
outside, with the same reader, and nothing in a frame can name code or a type, as pickled octets could.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import cbor2

from disclosure import (
    DisclosureError,
    IssuerKey,
    IssuerKeyName,
    KeyState,
    MalformedError,
    Reason,
    RefusedError,
    Violation,
    canonical,
)
from disclosure.composite import RegulatorKey
from zkservice.errors import ServiceError, ServiceReason
from zkservice.moments import from_ms, to_ms
from zkservice.tasks import (
    Done,
    EpochSupply,
    Fault,
    Job,
    Missing,
    Names,
    Outcome,
    Refusal,
    SessionSupply,
    Supplies,
    TableSupply,
)

LENGTH_OCTETS: Final = 4
MAX_FRAME: Final = 1 << 28
_OUTCOMES: Final = "zk-disclosure/outcomes/v1"
_KINDS: Final = {"malformed": MalformedError, "refused": RefusedError}
_KINDS_OF_NAMES: Final = len(Names().kinds())
_Job = TypeVar("_Job")
_Thing = TypeVar("_Thing")


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
    told = [
        dict(supplies.verifiers),
        dict(supplies.schemas),
        _each(supplies.issuer_keys, lambda _, key: [key.suite, key.public_key, key.state.value]),
        dict(supplies.secrets),
        _each(supplies.tables, lambda _, it: [it.owner, it.code_system, list(it.codes), it.octets]),
        _each(supplies.regulators, lambda _, key: key.items()),
        _each(supplies.epochs, lambda _, it: [it.owner, it.suite, it.octets]),
        _each(supplies.sessions, lambda _, it: [it.payload, it.presentation, to_ms(it.accepted)]),
        dict(supplies.lengths),
        dict(supplies.policies),
    ]
    return cbor2.dumps([[each.items() for each in jobs], *told])


def batch_of(octets: bytes, job: Callable[..., _Job]) -> tuple[list[_Job], Supplies]:
    """Decode jobs with what they need; the server wrote them."""
    jobs, verifiers, schemas, keys, secrets, tables, regulators, epochs, *rest = cbor2.loads(octets)
    sessions, lengths, policies = rest
    supplies = Supplies(
        verifiers,
        schemas,
        _each(keys, lambda name, it: _key_of(name, *it)),
        secrets,
        _each(tables, lambda _, it: TableSupply(it[0], it[1], tuple(it[2]), it[3])),
        _each(regulators, lambda _, it: RegulatorKey.from_items(it)),
        _each(epochs, lambda _, it: EpochSupply(*it)),
        _each(sessions, lambda _, it: SessionSupply(it[0], it[1], from_ms(it[2]))),
        lengths,
        policies,
    )
    return [job(*each) for each in jobs], supplies


def _each(supplied: Mapping[str, _Thing | None], convert: Callable[[str, _Thing], Any]) -> dict[str, Any]:
    """Convert what there is under each name; what is not registered stays None."""
    return {name: None if it is None else convert(name, it) for name, it in supplied.items()}


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
            return ["missing", *map(sorted, names.kinds())]
        case Fault(kind, places):
            return ["fault", kind, list(places)]
        case ServiceError():
            kind = "service"
        case MalformedError():
            kind = "malformed"
        case _:
            kind = "refused"
    violations = [list(each) for each in outcome.violations] if isinstance(outcome, DisclosureError) else []
    return [kind, outcome.reason, outcome.detail, outcome.field, violations]


def outcomes_of(octets: bytes, count: int) -> list[Outcome]:
    """Decode so many outcomes; FrameError."""
    try:
        told = canonical.decode(_OUTCOMES, octets, most=MAX_FRAME, most_items=MAX_FRAME)
        if len(told) != count:
            raise FrameError
        return list(map(_outcome_of, told))
    except (MalformedError, ValueError):  # the latter for a reason that there is not
        raise FrameError from None


def _outcome_of(told: Any) -> Outcome:
    match told:
        case ["done", bytes(octets)]:
            return Done(octets)
        case ["missing", *kinds] if len(kinds) == _KINDS_OF_NAMES:
            return Missing(Names(*(frozenset(_texts(each)) for each in kinds)))
        case ["fault", str(kind), list(places)]:
            return Fault(kind, _texts(places))
        case [str(kind), str(reason), str(detail), str(field), list(violations)]:
            return _refusal_of(kind, reason, detail, field, violations)
    raise FrameError


def _texts(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
        raise FrameError
    return tuple(told)


def _refusal_of(kind: str, reason: str, detail: str, field: str, violations: list[Any]) -> Refusal:
    if kind == "service" and not violations:
        return ServiceError(ServiceReason(reason), detail, field=field)
    if kind not in _KINDS:
        raise FrameError
    return _KINDS[kind](Reason(reason), detail, field=field, violations=map(_violation_of, violations))


def _violation_of(told: Any) -> Violation:
    match told:
        case [str(place), str(detail)]:
            return Violation(place, detail)
    raise FrameError
