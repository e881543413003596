"""Offers: made, looked at, claimed once, acknowledged, over; and all again. Nothing stands on the log."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.support import PERMIT, VALUES, new_id
from zkproto.v1 import issuance_pb2 as pb

LIFE = dt.timedelta(days=30)


@dataclass
class Offer:
    """What an offer has to be."""

    message: pb.IssueCredentialRequest
    made: Any
    ends: dt.datetime
    claims: tuple[str, str]
    """The request_ids of two vaults."""
    state: str = "offered"
    claimed_by: str = ""
    credential: Any = None

    def is_over(self, now: dt.datetime) -> bool:
        return self.state != "done" and now >= self.ends


class Offers(Machine):
    """Each rule is one call. Offers are told by their place in the order of making."""

    made: Bundle[int] = Bundle("made")
    longest = dt.timedelta(days=900)

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.model: list[Offer] = []

    def _issue(self, message: pb.IssueCredentialRequest) -> tuple[str, Any]:
        bearer = self.town.bearer(self.town.department_token)
        return self.told(lambda: self.town.issuance.IssueCredential(message, metadata=bearer))

    @rule(target=made)
    def issue(self) -> int:
        message, before = self.town.issuing(), self.now
        reason, made = self._issue(message)
        assert reason == ""
        ends = made.expire_time.ToDatetime(dt.UTC)
        assert before + LIFE - dt.timedelta(seconds=1) <= ends <= self.now + LIFE
        self.model.append(Offer(message, made, ends, (new_id(), new_id())))
        return len(self.model) - 1

    @rule(which=made, same=st.booleans())
    def issue_again(self, which: int, same: bool) -> None:
        model = self.model[which]
        message = model.message
        if not same:
            message = self.town.issuing(VALUES | {"student": True}, model.message.request_id)
        reason, made = self._issue(message)
        assert reason == ("" if same else "REQUEST_ID_REUSED")
        assert made in (None, model.made)

    def _named(self, model: Offer, code: bool) -> dict[str, str]:
        other = next((each.made.claim_code for each in self.model if each is not model), "x" * 43)
        return {"offer": model.made.offer, "claim_code": model.made.claim_code if code else other}

    @rule(which=made, code=st.booleans())
    def look(self, which: int, code: bool) -> None:
        model = self.model[which]
        asked = pb.GetOfferRequest(**self._named(model, code))
        reason, answer = self.told(lambda: self.town.issuance.GetOffer(asked))
        over = "OFFER_EXPIRED" if model.is_over(self.now) else ""
        assert reason == (over if code else "NOT_FOUND")
        assert answer is None or answer.schema == str(PERMIT.name)

    @rule(which=made, vault=st.integers(0, 1), code=st.booleans())
    def claim(self, which: int, vault: int, code: bool) -> None:
        model = self.model[which]
        request_id = model.claims[vault]
        asked = pb.ClaimCredentialRequest(**self._named(model, code), request_id=request_id)
        reason, answer = self.told(lambda: self.town.issuance.ClaimCredential(asked))
        assert reason == self._claimed(model, request_id, code)
        if reason:
            return
        assert model.credential in (None, answer), "the same claim, the same credential"
        model.state, model.claimed_by, model.credential = "claimed", request_id, answer

    def _claimed(self, model: Offer, request_id: str, code: bool) -> str:
        for reason, refused in (
            ("NOT_FOUND", not code),
            ("OFFER_EXPIRED", model.is_over(self.now)),
            ("OFFER_TAKEN", model.state == "done"),
            ("OFFER_TAKEN", model.state == "claimed" and model.claimed_by != request_id),
        ):
            if refused:
                return reason
        return ""

    @rule(which=made, vault=st.integers(0, 1), code=st.booleans())
    def acknowledge(self, which: int, vault: int, code: bool) -> None:
        """A vault that has stored it may say so however late, and again."""
        model = self.model[which]
        request_id = model.claims[vault]
        asked = pb.AcknowledgeCredentialRequest(**self._named(model, code), request_id=request_id)
        reason, _ = self.told(lambda: self.town.issuance.AcknowledgeCredential(asked))
        mine = model.claimed_by == request_id
        assert reason == ("NOT_FOUND" if not code else "" if mine else "OFFER_TAKEN")
        if reason == "":
            model.state = "done"

    @rule(days=st.sampled_from((1, 14, 31)))
    def wait(self, days: int) -> None:
        self.ahead(dt.timedelta(days=days))
