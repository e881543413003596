"""Codes and accounts: two people to whom codes are given, who use them with one key after another."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.residents import accounts, number, registering, subject
from tests.zkservice.sessions import statement
from tests.zkservice.support import new_id
from zkproto.v1 import account_pb2 as pb
from zkproto.v1.session_pb2_grpc import SessionServiceStub
from zkservice.storage.accounts import MOST_WRONG


@dataclass
class Person:
    """Whose account there is, once there is one, and the keys that it has had."""

    who: pb.Subject
    account: str = ""
    keys: list[Ed25519PrivateKey] = field(default_factory=list)


@dataclass
class Code:
    """What a code has to be."""

    of: int
    text: str
    ends: dt.datetime
    state: str = "open"
    wrong: int = 0
    used: Any = None
    """The call that it was used with, and its answer."""


class Accounts(Machine):
    """Each rule is one call, or one and the same again. Only registrations stand on the log."""

    given: Bundle[int] = Bundle("given")

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.stub, self.sessions = accounts(self.town), SessionServiceStub(self.town.channel)
        self.people = [Person(subject(number())) for _ in range(2)]
        self.codes: list[Code] = []

    @rule(target=given, of=st.integers(0, 1))
    def give(self, of: int) -> int:
        """A newer code voids the one before, unless that one was used."""
        asked = pb.CreateRegistrationRequest(subject=self.people[of].who)
        bearer = self.town.bearer(self.town.department_token)
        answer = self.granted(lambda: self.stub.CreateRegistration(asked, metadata=bearer))
        for each in self.codes:
            if each.of == of and each.state == "open":
                each.state = "void"
        self.codes.append(Code(of, answer.code, answer.expire_time.ToDatetime(dt.UTC)))
        return len(self.codes) - 1

    def _registered(self, message: pb.RegisterAccountRequest) -> tuple[str, Any]:
        return self.told(lambda: self.stub.RegisterAccount(message))

    def _refusal(self, code: Code) -> str:
        """Return why a code does not count for whom it was given to, or nothing if it does."""
        if code.state == "void":
            return "REGISTRATION_INVALID"
        if code.state == "used":
            return "REGISTRATION_USED"
        return "REGISTRATION_EXPIRED" if self.now >= code.ends else ""

    @rule(which=given)
    def register(self, which: int) -> None:
        code, key = self.codes[which], Ed25519PrivateKey.generate()
        person = self.people[code.of]
        message = registering(self.town, code.text, person.who, key)
        expected = self._refusal(code)
        reason, answer = self._registered(message)
        assert reason == expected
        if reason:
            return
        assert person.account in ("", answer.account), "one account for each subject"
        person.account = answer.account
        person.keys.append(key)
        code.state, code.used = "used", (message, answer)
        self.entries += 1

    @rule(which=given, how=st.sampled_from(("again", "other request_id", "other key")))
    def register_again(self, which: int, how: str) -> None:
        """The same call has the same answer for ever; a code that was used is good for no other one."""
        code = self.codes[which]
        if code.used is None:
            return
        message, answer = pb.RegisterAccountRequest(), code.used[1]
        message.CopyFrom(code.used[0])
        if how == "other request_id":
            message.request_id = new_id()
        elif how == "other key":
            message = registering(self.town, code.text, self.people[code.of].who)
            message.request_id = code.used[0].request_id
        expected = {"again": "", "other request_id": "REGISTRATION_USED", "other key": "REQUEST_ID_REUSED"}
        reason, found = self._registered(message)
        assert reason == expected[how]
        assert found in (None, answer)

    @rule(which=given, times=st.integers(1, 3))
    def try_out(self, which: int, times: int) -> None:
        """Whoever has found a code and names others is told so, and not for long."""
        code = self.codes[which]
        for _ in range(times):
            expected = "REGISTRATION_INVALID" if code.state == "void" else "SUBJECT_MISMATCH"
            assert self._registered(registering(self.town, code.text, subject(number())))[0] == expected
            if code.state == "open":
                code.wrong += 1
                code.state = "void" if code.wrong >= MOST_WRONG else "open"

    @rule(which=given)
    def another_departments(self, which: int) -> None:
        code = self.codes[which]
        who = self.people[code.of].who
        message = registering(self.town, code.text, who, department="departments/tax")
        assert self._registered(message)[0] == "REGISTRATION_INVALID"

    @rule(of=st.integers(0, 1), how=st.sampled_from(("present", "former", "another's")))
    def sign_in(self, of: int, how: str) -> None:
        """The newest key opens sessions; the one before is told that it was replaced."""
        person = self.people[of]
        if not person.account or (how == "former" and len(person.keys) < 2):
            return
        keys = {"present": -1, "former": -2}
        key = person.keys[keys[how]] if how in keys else Ed25519PrivateKey.generate()
        asked = statement(self.town, person.account, key)
        reason, _ = self.told(lambda: self.sessions.OpenSession(asked))
        expected = {"present": "", "former": "ACCOUNT_REPLACED", "another's": "REQUEST_SIGNATURE_INVALID"}
        assert reason == expected[how]

    @rule(days=st.sampled_from((0.01, 1, 8)))
    def wait(self, days: float) -> None:
        self.ahead(dt.timedelta(days=days))
