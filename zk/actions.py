"""Administrative actions for people: proposed, shown field by field, checked against the ledger."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from disclosure import DisclosureError
from disclosure.administration import ADMINISTRATION_RECORD, Step
from tlog import RecordEntry, TlogError, Verifier, parse_entry
from tlog.archive import read_lines
from tlog.encoding import from_base64
from zk.clients.administration import Administration, ListedAction
from zk.exits import CommandError, Exit
from zk.export import export
from zk.messages import clean
from zk.proposing import ProposalError
from zk.run import Answer, Run
from zk.service import Service

_HEAD_LINES: Final = 2
_STEPS: Final = {
    "proposed": (Step.PROPOSED,),
    "expired": (Step.PROPOSED,),
    "approved": (Step.PROPOSED, Step.APPROVED),
    "done": (Step.PROPOSED, Step.APPROVED, Step.DONE),
    "failed": (Step.PROPOSED, Step.APPROVED, Step.FAILED),
    "rejected": (Step.PROPOSED, Step.REJECTED),
}
"""The steps that an action of a state has on the ledger."""


_SAID: Final = {
    "proposed": "admin.state.proposed",
    "expired": "admin.state.expired",
    "approved": "admin.state.approved",
    "done": "admin.state.done",
    "failed": "admin.state.failed",
    "rejected": "admin.state.rejected",
}


def propose(run: Run, proposal: ProposalError) -> Answer:
    """Propose what a command would have sent, with the token that it would have sent it with."""
    directly = replace(run, remote=replace(run.remote, propose=False))
    with Administration(directly.endpoint, proposal.token) as client:
        made = client.propose(proposal.method, proposal.request)
    values = {"id": made.id, "expires": f"{made.expires:%Y-%m-%d %H:%M:%S}"}
    said = [run.text("admin.proposed", **values), *lines(run, made)]
    if proposal.waiting is None:
        return Answer({"proposed": data(made)}, said)
    kept = run.text("admin.secret_waits", path=proposal.waiting)
    return Answer({"proposed": data(made), "secret_file": str(proposal.waiting)}, [*said, kept])


def named(written: str) -> str:
    """Return an action's resource name; its last part suffices."""
    return written if written.startswith("actions/") else f"actions/{written}"


def data(action: ListedAction) -> dict[str, Any]:
    """Return an action for scripts."""
    return {
        "action": action.name,
        "method": action.method,
        "request": action.request.hex(),
        "digest": action.digest.hex(),
        "proposer": action.proposer,
        "decider": action.decider,
        "state": action.state,
        "reason": action.reason,
        "detail": action.detail,
        "created": action.created.isoformat(),
        "expires": action.expires.isoformat(),
    }


def line(run: Run, action: ListedAction) -> str:
    """Return what a list says of an action."""
    values = {"id": action.id, "method": action.method.rpartition("/")[2], "proposer": action.proposer}
    return run.text(_SAID[action.state], **values, decider=action.decider, reason=action.reason)


def lines(run: Run, action: ListedAction) -> list[str]:
    """Return all of an action; CommandError NOT_VERIFIED if its request holds what would not be shown."""
    try:
        message = action.message()
    except DisclosureError:
        values = {"id": action.id}
        raise CommandError(
            Exit.NOT_VERIFIED, "ACTION_UNREADABLE", "error.action_unreadable", **values
        ) from None
    said = [f"  {each}" for each in fields(message)]
    whose = run.text(
        "admin.proposer", proposer=action.proposer, created=f"{action.created:%Y-%m-%d %H:%M:%S}"
    )
    digest = run.text("admin.digest", digest=action.digest.hex())
    told = [line(run, action), whose, action.method, *said, digest]
    return [*told, action.detail] if action.detail else told


def fields(message: Message, place: str = "") -> Iterator[str]:
    """Give every field that a message has, a line each, by its path; octets in hexadecimal digits."""
    for field, value in message.ListFields():
        for name, each in _each(f"{place}{field.name}", value, field):
            if field.message_type is None:
                yield f"{name} = {_written(field, each)}"
            else:
                inner = list(fields(each, f"{name}."))
                yield from inner or [f"{name} = {{}}"]


def _each(name: str, value: Any, field: FieldDescriptor) -> Iterable[tuple[str, Any]]:
    if not field.is_repeated:
        return [(name, value)]
    return [(f"{name}[{place}]", each) for place, each in enumerate(value)]


def _written(field: FieldDescriptor, value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return f"{known.name} ({value})" if known else str(value)
    return clean(repr(value) if isinstance(value, str) else str(value))


def verified(run: Run, client: Administration) -> dict[str, int]:
    """Check every action against the ledger, and the ledger against the actions; return what was counted.

    Raises CommandError NOT_VERIFIED, and what reading the ledger raises.
    """
    log = run.log_verifier()
    # The ledger first: what is proposed meanwhile is among the actions and not yet on it.
    recorded = _recorded(run, log)
    opened, count = set[bytes](), 0
    for each in client.actions(waiting=False):
        found = client.get(each.name)
        opened |= _checked(run, found, log)
        count += 1
    lost = len(recorded - opened)
    if lost:
        raise CommandError(Exit.NOT_VERIFIED, "ACTIONS_MISSING", "error.actions_missing", count=lost)
    return {"actions": count, "records": len(opened)}


def _checked(run: Run, action: ListedAction, log: Verifier) -> set[bytes]:
    """Return the entries of an action's steps, each proven, and each saying what the action says."""
    people = {Step.PROPOSED: action.proposer}
    steps = tuple(each.opening.body.step for each in action.records)
    sound = steps == _STEPS.get(action.state) and (
        action.state not in {"approved", "done", "failed"} or action.proposer != action.decider
    )
    entries = set()
    for each in action.records:
        body, entry = each.opening.body, each.opening.entry()
        said = body.action, body.digest, body.person, body.reason
        reason = action.reason if body.step is Step.FAILED else ""
        sound &= said == (action.name, action.digest, people.get(body.step, action.decider), reason)
        sound &= each.proof is not None
        if each.proof is not None:
            each.proof.verify(entry, run.log_key_of(each.proof.to_bytes(), log))
        entries.add(entry)
    if not sound:
        raise CommandError(Exit.NOT_VERIFIED, "ACTION_DIFFERS", "error.action_differs", id=action.id)
    return entries


def _recorded(run: Run, log: Verifier) -> set[bytes]:
    """Return all records of administration on the ledger, which is read and audited whole."""
    with tempfile.TemporaryDirectory() as folder, Service(run.endpoint) as service:
        path = Path(folder) / "ledger.txt"
        export(service.ledger, service.ledger.checkpoint(log), path, log)
        return set(_records_in(path))


def _records_in(path: Path) -> Iterator[bytes]:
    """Give the records of administration in a ledger file that was audited."""
    with path.open("rb") as file:
        for each in islice(read_lines(file), _HEAD_LINES, None):
            if each == b"\n":  # the checkpoint follows
                return
            entry = from_base64(each.decode().split(" ")[1], "an entry")
            try:
                parsed = parse_entry(entry)
            except TlogError:
                continue
            if isinstance(parsed, RecordEntry) and parsed.kind == ADMINISTRATION_RECORD:
                yield entry
