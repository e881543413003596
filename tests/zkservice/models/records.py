"""A department's records: pushed as new, known, changed; claimed, withdrawn, missing in a complete push."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.support import new_id
from zkproto.v1 import issuance_pb2
from zkproto.v1 import record_pb2 as pb

YEAR: Final = 366
"""Days, in which every credential ends."""
NUMBERS: Final = (0, 1, 2)
some_records = st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans()), min_size=1, max_size=5)


@dataclass
class Known:
    """What a record has to be: the one value that changes, its newest offer, and whether a vault has that."""

    student: bool
    offer: pb.RecordState
    is_claimed: bool = False
    renews: bool = False
    """Whether a vault has the credential that the newest offer renews."""


class Records(Machine):
    """Each rule is one call, or a push with what it takes. The records are this run's own."""

    longest = dt.timedelta(days=20)  # no offer ends meanwhile: that is the model of offers

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.pusher = Pusher(self.town, self.town.department_token)
        self.prefix = new_id()
        self.model: dict[int, Known] = {}
        self.void: list[pb.RecordState] = []
        """Offers that nobody had claimed when their record changed or went."""
        self.pushes: list[tuple[str, list[tuple[int, bool]], Any]] = []

    def _name(self, number: int) -> str:
        return f"{self.prefix}-{number}"

    def _state(self, number: int) -> tuple[str, Any]:
        asked = pb.GetRecordRequest(
            schema=str(self.pusher.schema.name), record_id=self._name(number).encode()
        )
        return self.told(lambda: self.pusher.stub.GetRecord(asked, metadata=self.pusher.bearer))

    def _push(self, records: Sequence[tuple[int, bool]], push: str) -> Any:
        sent = [record(self._name(number), changes={"student": student}) for number, student in records]
        return self.do(self.pusher.push(sent, push, size=2))

    def _goes(self, number: int) -> None:
        known = self.model.pop(number, None)
        if known is not None and not known.is_claimed:
            self.void.append(known.offer)

    @rule(records=some_records)
    def push(self, records: list[tuple[int, bool]]) -> None:
        came = dict.fromkeys(("issued", "unchanged", "replaced", "not_revocable"), 0)
        students = {number: known.student for number, known in self.model.items()}
        claimed = {number for number, known in self.model.items() if known.is_claimed or known.renews}
        for number, student in records:
            if number not in students:
                came["issued"] += 1
            elif students[number] == student:
                came["unchanged"] += 1
            else:
                came["replaced"] += 1
                came["not_revocable"] += number in claimed
                claimed.discard(number)
            students[number] = student
        name = new_id()
        made = self._push(records, name)
        assert made.done == len(records)
        assert {each: getattr(made, each) for each in came} == came
        self.pushes.append((name, records, made))
        for number, student in students.items():
            reason, state = self._state(number)
            assert reason == ""
            if number in self.model and self.model[number].offer.offer == state.offer:
                assert self.model[number].student == student
            else:
                self._goes(number)
                self.model[number] = Known(student, state)

    @rule()
    def push_again(self) -> None:
        """The same push does nothing twice, whatever came after it."""
        for name, records, made in self.pushes[-2:]:
            again = self._push(records, name)
            assert (again.done, again.issued, again.replaced) == (made.done, made.issued, made.replaced)

    @rule(number=st.sampled_from(NUMBERS))
    def renew(self, number: int) -> None:
        """What a vault has gets a fresh offer when it ends soon; what waits for its vault does not."""
        if (known := self.model.get(number)) is None:
            return
        sent = [record(self._name(number), changes={"student": known.student})]
        made = self.do(self.pusher.push(sent, renew_days=YEAR))
        came = {"renewed": int(known.is_claimed), "unchanged": int(not known.is_claimed), "replaced": 0}
        assert {each: getattr(made, each) for each in came} == came
        _, state = self._state(number)
        assert (state.offer != known.offer.offer) is known.is_claimed
        if known.is_claimed:
            self.model[number] = Known(known.student, state, renews=True)

    @rule(number=st.sampled_from(NUMBERS))
    def look(self, number: int) -> None:
        reason, state = self._state(number)
        known = self.model.get(number)
        assert reason == ("" if known else "NOT_FOUND")
        if known:
            claimed, offered = pb.RecordState.STATE_CLAIMED, pb.RecordState.STATE_OFFERED
            assert (state.offer, state.state) == (
                known.offer.offer,
                claimed if known.is_claimed else offered,
            )

    def _claim(self, offer: pb.RecordState) -> tuple[str, Any]:
        asked = issuance_pb2.ClaimCredentialRequest(
            offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
        )
        return self.told(lambda: self.town.issuance.ClaimCredential(asked))

    @rule(number=st.sampled_from(NUMBERS))
    def claim(self, number: int) -> None:
        if (known := self.model.get(number)) is not None:
            reason, _ = self._claim(known.offer)
            assert reason == ("OFFER_TAKEN" if known.is_claimed else "")
            known.is_claimed = True
            known.renews = False

    @rule()
    def claim_what_is_void(self) -> None:
        for offer in self.void[-3:]:
            assert self._claim(offer)[0] == "OFFER_EXPIRED"

    @rule(numbers=st.sets(st.sampled_from(NUMBERS), min_size=1))
    def withdraw(self, numbers: set[int]) -> None:
        known = [number for number in numbers if number in self.model]
        answer = self.do(self.pusher.withdraw(*map(self._name, sorted(numbers))))
        assert answer.withdrawn == len(known)
        for number in numbers:
            self._goes(number)

    @rule(records=some_records)
    def push_all_there_is(self, records: list[tuple[int, bool]]) -> None:
        """What a complete push did not have is withdrawn; a finished one takes no more."""
        self.push(records)
        name = self.pushes[-1][0]
        finished = self.do(self.pusher.finish(name, complete=True))
        assert finished.finished
        for number in set(self.model) - {number for number, _ in records}:
            self._goes(number)
        assert self.do(self.pusher.finish(name, complete=True)) == finished
        self.pushes.pop()

    @rule(days=st.sampled_from((1, 5)))
    def wait(self, days: int) -> None:
        self.ahead(dt.timedelta(days=days))
