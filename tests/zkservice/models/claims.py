"""Offers of the composite form: claimed once by one vault, acknowledged, revoked; a person has one secret.

Time stands still, since lists of revocations get epochs by themselves when days go by. Epochs alone stand on
the log.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from tests.zkservice.holding import BASE, Claiming, Holder, code, get_offer, identified, offer
from tests.zkservice.models.machine import Machine, Running
from tests.zkservice.revoking import Office
from tests.zkservice.support import VALUES, new_id
from zkproto.v1 import issuance_pb2 as pb

_VAULTS = st.integers(0, 2)
_PERSONS = st.integers(0, 1)
_ATTEMPTS = 20


@dataclass
class Offered:
    """What an offer has to be."""

    made: pb.IssueCredentialResponse
    person: int
    state: str = "offered"
    vault: int = -1
    answer: Any = None
    credential: Any = None
    revoked: bool = False
    failed: int = 0
    claims: dict[int, Claiming] = field(default_factory=dict)
    """What each vault has answered the terms with."""


class Claims(Machine):
    """Each rule is one call. Offers are told by their place in the order of making, people and vaults too."""

    made: Bundle[int] = Bundle("made")

    @classmethod
    def home(cls, **settings: Any) -> Running:
        """Start a server of a department that issues the composite form."""
        running = Running(**settings)
        running.do(running.town.add_schema(BASE))
        return running

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        self.office = self.do(Office.open(self.town, "police", self.town.department_token))
        self.vaults = [Holder(self.town) for _ in range(3)]
        self.people = [new_id().encode() for _ in range(2)]
        self.secret: dict[int, int] = {}
        """Whose vault each person's is, since its first claim."""
        self.model: list[Offered] = []
        self.entries = server.entries()

    @rule(target=made, person=_PERSONS)
    def issue(self, person: int) -> int:
        made = self.do(offer(self.town, identified(person=self.people[person])))
        self.model.append(Offered(made, person))
        return len(self.model) - 1

    @rule(which=made)
    def look(self, which: int) -> None:
        model = self.model[which]
        reason, got = self.told(lambda: get_offer(self.town, model.made))
        assert reason == ("OFFER_TAKEN" if model.state == "done" else "")
        assert got is None or got.schema == str(BASE.name)

    def _claiming(self, model: Offered, vault: int) -> Claiming | None:
        """Return a vault's answer to an offer's terms, which is one; None if it can get no terms any more."""
        if vault not in model.claims and model.state != "done":
            model.claims[vault] = self.do(self.vaults[vault].commit(model.made))
        return model.claims.get(vault)

    def _refused(self, model: Offered, vault: int) -> str:
        if model.state == "done" or (model.state == "claimed" and model.vault != vault):
            return "OFFER_TAKEN"
        known = self.secret.get(model.person)
        others = {whose for person, whose in self.secret.items() if person != model.person}
        mismatch = known not in (None, vault) or vault in others
        return "HOLDER_MISMATCH" if model.state == "offered" and mismatch else ""

    @rule(which=made, vault=_VAULTS)
    def claim(self, which: int, vault: int) -> None:
        model = self.model[which]
        claiming = self._claiming(model, vault)
        if claiming is None or model.failed >= _ATTEMPTS:
            return
        reason, answer = self.told(lambda: claiming.send(self.town))
        assert reason == self._refused(model, vault)
        if reason:
            model.failed += reason == "HOLDER_MISMATCH"
            return
        assert model.answer in (None, answer), "the same claim, the same answer"
        assert answer.accumulator == self.office.name
        if model.state == "offered":
            # Nobody has revoked since, so the newest epoch is the answer's.
            held = self.do(self.vaults[vault].accept(claiming, answer))
            assert held.credential.values == VALUES
            handles = [each.answer.handle for each in self.model if each.answer is not None]
            assert answer.handle not in handles
            self.secret[model.person] = vault
            model.state, model.vault, model.answer = "claimed", vault, answer

    @rule(which=made, vault=_VAULTS)
    def claim_under_another_request_id(self, which: int, vault: int) -> None:
        model = self.model[which]
        claiming = self._claiming(model, vault)
        if claiming is None or model.state == "offered":
            return
        other = pb.ClaimCompositeCredentialRequest()
        other.CopyFrom(claiming.message)
        other.request_id = new_id()
        assert self.told(lambda: self.town.issuance.ClaimCompositeCredential(other))[0] == "OFFER_TAKEN"

    @rule(which=made, vault=_VAULTS)
    def acknowledge(self, which: int, vault: int) -> None:
        model = self.model[which]
        claiming = model.claims.get(vault)
        request_id = claiming.message.request_id if claiming is not None else new_id()
        asked = pb.AcknowledgeCredentialRequest(**code(model.made), request_id=request_id)
        reason, _ = self.told(lambda: self.town.issuance.AcknowledgeCredential(asked))
        assert reason == ("" if model.vault == vault else "OFFER_TAKEN")
        if not reason:
            model.state = "done"

    @rule(which=made)
    def tell(self, which: int) -> None:
        """The department reads which credential an offer has become."""
        model = self.model[which]
        asked = pb.GetIssuanceRequest(offer=model.made.offer)
        bearer = self.town.bearer(self.town.department_token)
        told = self.granted(lambda: self.town.issuance.GetIssuance(asked, metadata=bearer))
        assert told.claimed == (model.state != "offered")
        assert told.handle == (model.answer.handle if model.answer is not None else b"")

    @rule(which=made)
    def revoke(self, which: int) -> None:
        model = self.model[which]
        if model.answer is None:
            return
        handle = int.from_bytes(model.answer.handle)
        reason, _ = self.told(lambda: self.office.send(self.office.asking([handle])))
        assert reason == ("ALREADY_REVOKED" if model.revoked else "")
        if not reason:
            model.revoked = True
            self.entries += 1
        listed = set(self.do(self.office.page()).handles)
        assert listed == {int.from_bytes(each.answer.handle) for each in self.model if each.revoked}
