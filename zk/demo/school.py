"""The school's part: who may enrol, without a date or a name; and each child once, whichever parent comes."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from disclosure.composite import verify_composite
from prover.composite.presenting import PreparedComposite
from prover.usages import Usage
from verifier import CompositePolicy, PseudonymRegister
from verifier.client import CompositeAnswered
from zk.demo.people import SCHOOL
from zk.demo.refusals import VERIFIER, refused
from zk.demo.result import Refusal
from zk.demo.stage import Holder, Stage

RECORD: Final = "school-record.json"
_REGISTER: Final = "school-pseudonyms.sqlite3"
_PATIENCE: Final = dt.timedelta(seconds=60)


@dataclass(frozen=True)
class Enrolled:
    """The first enrolment: the use in the parent's vault, what was sent, and what the school has of it."""

    usage: Usage
    sent: PreparedComposite = field(repr=False)
    answered: CompositeAnswered = field(repr=False)


def enrol(stage: Stage, policy: CompositePolicy) -> Enrolled:
    """The school asks, the first parent answers, the school verifies for itself, notes the child, keeps."""
    enrolled = _answered(stage, policy, stage.mother)
    record = enrolled.answered.record
    stage.watch.time(
        "demo.time.verify_proofs",
        lambda: verify_composite(
            record.request, record.presentation, record.directory, enrolled.answered.verify_time
        ),
    )
    _keep(stage, policy, enrolled.answered, RECORD)
    return enrolled


def enrol_again(stage: Stage, policy: CompositePolicy) -> Refusal:
    """The other parent comes with the same child, from another vault and by the other way to answer."""
    again = _answered(stage, policy, stage.father, "permit")
    return refused(
        "demo.refused.second_enrolment",
        (VERIFIER, "PSEUDONYM_SEEN"),
        lambda: _keep(stage, policy, again.answered, "school-second.json"),
    )


def _answered(stage: Stage, policy: CompositePolicy, holder: Holder, branch: str | None = None) -> Enrolled:
    opened = stage.ask(SCHOOL, policy)
    answering = stage.prepare(holder, opened.link, branch)
    usage = stage.send(answering)
    with stage.verifier(SCHOOL) as client:
        answered = stage.watch.time("demo.time.verify", lambda: client.wait(opened, _PATIENCE))
    return Enrolled(usage, answering.prepared, answered)


def _keep(stage: Stage, policy: CompositePolicy, answered: CompositeAnswered, name: str) -> None:
    register = PseudonymRegister(stage.output / _REGISTER)
    answered.keep(stage.output / name, unique=policy.unique, register=register)
