"""What is stored of actions, against a model: in whatever order it is tried, nobody acts alone or twice."""

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import Connection, event, func, select
from sqlalchemy.engine import Engine

from disclosure import LocalizedText
from disclosure.administration import ActionOpening, Step, secret_hash
from zkservice.errors import ServiceError
from zkservice.fields import fresh_id
from zkservice.storage import actions, administrators, registered, schema_version, tables
from zkservice.storage.actions import ActionState, NotApprovedError, Proposer
from zkservice.storage.administrators import ROOT
from zkservice.storage.copying import settle_sqlite
from zkservice.storage.database import open_engine

TEXT = LocalizedText("甲", "A")
PEOPLE = (ROOT, "administrators/ann", "administrators/bob", "administrators/cat")
DEPARTMENT = "departments/police"
"""Its token was given to Ann."""
START = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@dataclass
class Model:
    """What an action has to be."""

    proposer: str
    expires: dt.datetime
    digest: bytes
    mark: str
    state: str = "proposed"
    decider: str = ""
    steps: list[Step] = field(default_factory=lambda: [Step.PROPOSED])


def sealed(_: str, __: Step, opening: ActionOpening) -> bytes:
    return opening.to_bytes()


def opened(path: Path) -> Engine:
    """Open a database that need not outlive the machine."""
    engine = open_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    return engine


@cache
def furnished() -> bytes:
    """Return a database with three administrators, and a department whose token Ann was given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.sqlite3"
        engine = opened(path)
        schema_version.upgrade(engine)
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            for name in PEOPLE[1:]:
                administrators.add(connection, name, TEXT, secret_hash(name), START)
            registered.add_department(connection, DEPARTMENT, TEXT, "token", START, given=PEOPLE[1])
        engine.dispose()
        settle_sqlite(path)
        return path.read_bytes()


class Actions(RuleBasedStateMachine):
    """Each rule is one transaction, as the service makes them."""

    made: Bundle[str] = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / "x.sqlite3"
        path.write_bytes(furnished())
        self._engine = opened(path)
        self.now, self.model = START, dict[str, Model]()
        self.active = set(PEOPLE)
        self.marks = {each: f"{each} 0" for each in (*PEOPLE, DEPARTMENT)}

    def write(self, act: Callable[[Connection], Any]) -> Any:
        with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
            return act(connection)

    def teardown(self) -> None:
        self._engine.dispose()
        self._folder.cleanup()

    @rule(target=made, proposer=st.sampled_from((*PEOPLE, DEPARTMENT)))
    def propose(self, proposer: str) -> str:
        by = Proposer(proposer, self.marks[proposer])
        found = self.write(
            lambda each: actions.propose(each, fresh_id(), by, fresh_id(), ("m", b"r"), sealed, self.now)
        )
        self.model[found.id] = Model(proposer, self.now + actions.LIFETIME, found.digest, by.mark)
        return str(found.id)

    @rule(person=st.sampled_from((*PEOPLE, DEPARTMENT)))
    def replace_secret(self, person: str) -> None:
        name, number = self.marks[person].split(" ")
        self.marks[person] = f"{name} {int(number) + 1}"

    def _mark(self, _: Connection, person: str) -> str | None:
        return self.marks[person]

    @rule(action=made, person=st.sampled_from(PEOPLE), right=st.booleans())
    def approve(self, action: str, person: str, right: bool) -> None:
        model = self.model[action]
        digest = model.digest if right else bytes(32)
        expected = self._approval(model, person, right)
        told = self._told(
            lambda each: actions.approve(each, action, person, digest, sealed, self.now, self._mark)
        )
        assert told == expected
        if expected == "" and model.state == "proposed":
            model.state, model.decider = "approved", person
            model.steps.append(Step.APPROVED)

    def _approval(self, model: Model, person: str, right: bool) -> str:
        persons = {model.proposer, *([PEOPLE[1]] if model.proposer == DEPARTMENT else [])}
        for reason, refused in (
            ("ACTION_MISMATCH", not right),
            ("TOKEN_INVALID", person not in self.active),
            ("", model.state in {"approved", "done", "failed"} and model.decider == person),
            ("ACTION_DECIDED", model.state != "proposed"),
            ("ACTION_EXPIRED", self.now >= model.expires),
            ("SECOND_PERSON_REQUIRED", model.proposer not in {*self.active, DEPARTMENT}),
            ("SAME_PERSON", person in persons),
            ("SECOND_PERSON_REQUIRED", self.marks[model.proposer] != model.mark),
        ):
            if refused:
                return reason
        return ""

    @rule(action=made, person=st.sampled_from((*PEOPLE, DEPARTMENT)))
    def reject(self, action: str, person: str) -> None:
        model = self.model[action]
        expected = ""
        if not (model.state == "rejected" and model.decider == person):
            if model.state != "proposed":
                expected = "ACTION_DECIDED"
            elif self.now >= model.expires:
                expected = "ACTION_EXPIRED"
        assert self._told(lambda each: actions.reject(each, action, person, sealed, self.now)) == expected
        if expected == "" and model.state == "proposed":
            model.state, model.decider = "rejected", person
            model.steps.append(Step.REJECTED)

    @rule(action=made, reason=st.sampled_from(("", "NOT_FOUND")))
    def finish(self, action: str, reason: str) -> None:
        model = self.model[action]
        try:
            self.write(lambda each: actions.finish(each, action, sealed, self.now, reason))
        except NotApprovedError:
            assert model.state != "approved"
            return
        assert model.state == "approved", "nothing is done that is not approved, and nothing twice"
        model.state = "failed" if reason else "done"
        model.steps.append(Step.FAILED if reason else Step.DONE)

    @rule(person=st.sampled_from(PEOPLE[2:]))
    def remove(self, person: str) -> None:
        self.write(lambda each: administrators.remove(each, person))
        self.active.discard(person)

    @rule(days=st.integers(1, 4))
    def wait(self, days: int) -> None:
        self.now += dt.timedelta(days=days)

    def _told(self, act: Callable[[Connection], Any]) -> str:
        try:
            self.write(act)
        except ServiceError as error:
            return error.reason
        return ""

    @invariant()
    def stored_as_modelled(self) -> None:
        if not self.model:
            return

        def check(connection: Connection) -> None:
            kept = actions.records(connection, list(self.model))
            for action, model in self.model.items():
                found = actions.get(connection, action)
                assert (found.state, found.decider) == (ActionState(model.state), model.decider)
                assert [each.step for each in kept[action]] == model.steps
                assert found.is_expired(self.now) == (model.state == "proposed" and self.now >= model.expires)
                bodies = [ActionOpening.from_bytes(each.sealed_opening).body for each in kept[action]]
                assert {each.digest for each in bodies} == {model.digest}
                if model.state in {"approved", "done", "failed"}:
                    assert bodies[0].person != bodies[1].person
            waiting = {each.id for each in actions.listed(connection, 0, 1000, self.now)}
            assert waiting == {
                action
                for action, model in self.model.items()
                if model.state == "proposed" and self.now < model.expires
            }
            count = connection.execute(select(func.count()).select_from(tables.outbox_content)).scalar()
            assert count == sum(len(each.steps) for each in self.model.values()), "a record for each step"

        self.write(check)


TestActions = Actions.TestCase
TestActions.settings = settings(
    max_examples=10, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
