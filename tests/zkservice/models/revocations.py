"""A list of revocations: handles revoked all or none, once each, an epoch for each call that did so."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.support import new_id

PLACES = range(6)
some_places = st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True)


@dataclass
class Done:
    """A call that was answered."""

    message: Any
    epoch: Any


class Revocations(Machine):
    """Each rule is one call. Handles are told by their place among those of this run; time stands still."""

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.office = self.do(Office.open(self.town, "police", self.town.department_token))
        self.other = self.do(self._another())
        self.handles = new_handles(len(PLACES))
        self.revoked: list[int] = []
        """Places, in the order of revocation."""
        self.counts = [0]
        """How many were revoked as of each epoch."""
        self.done: list[Done] = []
        self.entries = server.entries()

    async def _another(self) -> Office:
        name = f"other-{new_id()}"
        token = await self.town.add_department(name)
        return Office(self.town, token, self.office.accumulator)

    @rule(places=some_places)
    def revoke(self, places: list[int]) -> None:
        message = self.office.asking([self.handles[each] for each in places])
        reason, epoch = self.told(lambda: self.office.send(message))
        assert reason == ("ALREADY_REVOKED" if set(places) & set(self.revoked) else "")
        if reason:
            return
        self.revoked += places
        self.counts.append(len(self.revoked))
        self.entries += 1
        assert epoch.number == len(self.counts) - 1
        self.done.append(Done(message, epoch))

    @rule()
    def revoke_again(self) -> None:
        """The same call is answered with the same epoch, whatever was revoked since."""
        for each in self.done[:2]:
            reason, epoch = self.told(lambda each=each: self.office.send(each.message))  # type: ignore[misc]
            assert (reason, epoch.octets) == ("", each.epoch.octets)

    @rule(places=some_places)
    def revoke_others_under_the_same_request_id(self, places: list[int]) -> None:
        if self.done:
            message = self.office.asking([self.handles[each] for each in places])
            message.request_id = self.done[-1].message.request_id
            reason, _ = self.told(lambda: self.office.send(message))
            same = message.handles == self.done[-1].message.handles
            assert reason == ("" if same else "REQUEST_ID_REUSED")

    @rule(place=st.sampled_from(PLACES))
    def revoke_as_another(self, place: int) -> None:
        message = self.other.asking([self.handles[place]])
        assert self.told(lambda: self.other.send(message))[0] == "TOKEN_INVALID"

    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.counts) - 1))
        assert self.do(self.office.epoch(number)).position.count == self.counts[number]
        newest = self.do(self.office.epoch())
        assert (newest.number, newest.position.count) == (len(self.counts) - 1, len(self.revoked))
        if not self.revoked:
            return
        listed = self.do(self.office.page())
        assert list(listed.handles) == [self.handles[each] for each in self.revoked]
