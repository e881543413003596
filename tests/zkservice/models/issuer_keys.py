"""Issuer keys where two persons are demanded: made, taken on and retired; issued and shown under meanwhile.

The department and the administrators propose, an administrator approves who has not proposed, and each step
and each change of a key stands on the log.
"""

import datetime as dt
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, multiple, rule

import tlog
from disclosure import IssuerKeyName, KeyState
from disclosure.registry import issuer_key_entry, issuer_key_state_entry
from tests.zkservice.administering import CREATE_KEY, PACKAGE, State, creating_key
from tests.zkservice.centre import POLICE
from tests.zkservice.governing import Governed, governed
from tests.zkservice.models.machine import Machine, Running, seldom
from tests.zkservice.support import Issued, new_id
from wire.convert import issuer_key_of
from zkproto.v1 import administration_pb2, catalog_pb2, issuance_pb2, publication_pb2
from zkservice.storage.actions import LIFETIME

KEY = catalog_pb2.IssuerKey
ACTIVE, VERIFY_ONLY, RETIRED = KEY.STATE_ACTIVE, KEY.STATE_VERIFY_ONLY, KEY.STATE_RETIRED
STATES: Final = {ACTIVE: KeyState.ACTIVE, VERIFY_ONLY: KeyState.VERIFY_ONLY, RETIRED: KeyState.RETIRED}
CHANGE_KEY: Final = f"{PACKAGE}.CatalogService/UpdateIssuerKeyState"
PROPOSERS: Final = ("ann", "bob", "police")
APPROVERS: Final = ("ann", "bob", "cat", "bob", "cat", "police")
_newest: Final = st.sampled_from((0, 0, 0, 1, 1, 2))
"""Which key is meant, from the newest one on."""
_states: Final = st.sampled_from((ACTIVE, VERIFY_ONLY, RETIRED))


def changing(name: str, expected: Any, wanted: Any) -> catalog_pb2.UpdateIssuerKeyStateRequest:
    return catalog_pb2.UpdateIssuerKeyStateRequest(name=name, expected_state=expected, state=wanted)


@dataclass
class Key:
    """What an issuer key has to be."""

    name: str
    state: Any = ACTIVE


@dataclass
class Proposed:
    """What an action has to be."""

    by: str
    method: str
    request: Any
    request_id: str
    made: administration_pb2.Action
    state: Any = State.STATE_PROPOSED
    decider: str = ""
    reason: str = ""
    steps: int = 1

    def shown(self, now: dt.datetime) -> Any:
        late = now >= self.made.expire_time.ToDatetime(dt.UTC)
        return State.STATE_EXPIRED if self.state == State.STATE_PROPOSED and late else self.state

    def decidable(self, now: dt.datetime) -> str:
        """Return why nobody decides on it any more, "" if somebody may."""
        over = "ACTION_EXPIRED" if self.shown(now) == State.STATE_EXPIRED else ""
        return over if self.state == State.STATE_PROPOSED else "ACTION_DECIDED"


@dataclass
class Offered:
    """A credential under a key: the call that issued it, and what its holder has once it is claimed."""

    key: Key
    message: issuance_pb2.IssueCredentialRequest
    made: issuance_pb2.IssueCredentialResponse
    issued: Issued | None = None


class IssuerKeys(Machine):
    """Each rule is one call, or one and the same again. The police have one key when a run begins."""

    made: Bundle[int] = Bundle("made")
    offered: Bundle[int] = Bundle("offered")
    longest = dt.timedelta(days=20)

    @classmethod
    def home(cls, **settings: Any) -> Running:
        """Start a server that demands two persons, whose judges ask for a key's state each time."""
        return Running(governed, {"zkservice.knowledge.KEY_SECONDS": 0.0}, **settings)

    def __init__(self, server: Running) -> None:
        super().__init__(server)
        assert isinstance(server.town, Governed)
        self.governed, self.people = server.town, server.town.people
        self.town.clock.ahead += LIFETIME  # what another run has left to be decided on is over
        before = self._listed()
        for each in before:
            if each.state != RETIRED:
                self.do(self.governed.agreed("ann", CHANGE_KEY, changing(each.name, each.state, RETIRED)))
        self.others = {each.name for each in before}
        self.keys = list[Key]()
        self.do(self.governed.agreed("ann", CREATE_KEY, creating_key("police")))
        self.keys.append(Key(*self._new()))
        self.makers: dict[str, Key] = {}
        """Which key a call has made, by its request_id."""
        self.model: list[Proposed] = []
        self.offers: list[Offered] = []
        self.entries = server.entries()

    def _key(self, which: int) -> Key:
        return self.keys[-1 - which % len(self.keys)]

    def _listed(self) -> list[catalog_pb2.IssuerKey]:
        asked, found = catalog_pb2.ListIssuerKeysRequest(parent=POLICE, page_size=500), []
        while True:
            page = self.granted(lambda: self.town.catalog.ListIssuerKeys(asked))
            found += page.issuer_keys
            if not page.next_page_token:
                return found
            asked.page_token = page.next_page_token

    def _new(self) -> set[str]:
        """Return the names of keys that this run does not know."""
        return {each.name for each in self._listed()} - self.others - {each.name for each in self.keys}

    # proposing

    def _propose(self, by: str, method: str, request: Message) -> int:
        request_id = new_id()
        made = self.granted(lambda: self.people[by].propose(method, request, request_id))
        self.entries += 1
        self.model.append(Proposed(by, method, request, request_id, made))
        return len(self.model) - 1

    @rule(target=made, by=st.sampled_from(PROPOSERS))
    def propose_key(self, by: str) -> int:
        return self._propose(by, CREATE_KEY, creating_key("police"))

    @rule(target=made, by=st.sampled_from(PROPOSERS), which=_newest, wanted=_states, right=st.booleans())
    def propose_change(self, by: str, which: int, wanted: Any, right: bool) -> int:
        """Whether the key can be taken on like this shows when it is carried out."""
        key = self._key(which)
        expected = key.state if right else max(each for each in STATES if each != key.state)
        return self._propose(by, CHANGE_KEY, changing(key.name, expected, wanted))

    @rule(target=made, action=made, by=st.sampled_from(PROPOSERS))
    def propose_what_was_proposed(self, action: int, by: str) -> int:
        """Another action for the very same call: what is done twice is done once."""
        return self._propose(by, self.model[action].method, self.model[action].request)

    @rule(action=made, same=st.booleans())
    def propose_again(self, action: int, same: bool) -> None:
        model = self.model[action]
        request = model.request if same else creating_key("police")
        method = model.method if same else CREATE_KEY
        reason, made = self.told(lambda: self.people[model.by].propose(method, request, model.request_id))
        assert reason == ("" if same else "REQUEST_ID_REUSED")
        assert made is None or made.name == model.made.name

    @rule(which=_newest, create=st.booleans())
    def propose_for_another_department(self, which: int, create: bool) -> None:
        method, request = self._wanted(which, create)
        assert self.told(lambda: self.people["tax"].propose(method, request))[0] == "TOKEN_INVALID"

    @rule(by=st.sampled_from((*PROPOSERS, "tax")), which=_newest, create=st.booleans())
    def do_it_alone(self, by: str, which: int, create: bool) -> None:
        method, request = self._wanted(which, create)
        act = getattr(self.people[by].catalog, method.rpartition("/")[2])
        reason, _ = self.told(lambda: act(request, metadata=self.people[by].said))
        assert reason == ("TOKEN_INVALID" if by == "tax" else "SECOND_PERSON_REQUIRED")

    def _wanted(self, which: int, create: bool) -> tuple[str, Message]:
        key = self._key(which)
        if create:
            return CREATE_KEY, creating_key("police")
        return CHANGE_KEY, changing(key.name, key.state, RETIRED)

    # deciding

    @rule(action=made, person=st.sampled_from(APPROVERS), wrong=seldom)
    def approve(self, action: int, person: str, wrong: bool) -> None:
        model, digest = self.model[action], bytes(32) if wrong else None
        reason, done = self.told(lambda: self.people[person].approve(model.made, digest))
        assert reason == self._approval(model, person, wrong)
        if reason:
            return
        if model.state == State.STATE_PROPOSED:
            self._carried_out(model, person, done)
        assert (done.state, done.reason, done.decider) == (model.state, model.reason, model.decider)

    def _approval(self, model: Proposed, person: str, wrong: bool) -> str:
        given = {model.by, "ann"} if model.by == "police" else {model.by}
        carried_out = model.state in {State.STATE_DONE, State.STATE_FAILED}
        for reason, refused in (
            ("TOKEN_INVALID", person == "police"),
            ("ACTION_MISMATCH", wrong),
            ("", carried_out and model.decider == self.people[person].name),
            (undecidable := model.decidable(self.now), undecidable != ""),
            ("SAME_PERSON", person in given),
        ):
            if refused:
                return reason
        return ""

    def _carried_out(self, model: Proposed, person: str, done: administration_pb2.Action) -> None:
        """Note what an approval has done: its own step and the outcome's stand on the log in any case."""
        model.decider, model.steps = self.people[person].name, 3
        self.entries += 2
        if model.method == CREATE_KEY:
            self._made(model.request.request_id, done.response)
        else:
            model.reason = self._change(model.request)
        model.state = State.STATE_FAILED if model.reason else State.STATE_DONE

    def _made(self, request_id: str, response: bytes) -> None:
        """Note that a call was carried out, which makes one key however often it was agreed on.

        Its answer is not kept yet where the server that carries out what was left has come first.
        """
        if request_id not in self.makers:
            (name,) = self._new()
            self.makers[request_id] = Key(name)
            self.keys.append(self.makers[request_id])
            self.entries += 1
        assert not self._new()
        assert not response or KEY.FromString(response).name == self.makers[request_id].name

    def _change(self, request: catalog_pb2.UpdateIssuerKeyStateRequest) -> str:
        """Take a key on as a call wants it; return why not, "" if it is so now."""
        (key,) = (each for each in self.keys if each.name == request.name)
        if key.state == request.state != ACTIVE:
            return ""
        if key.state != request.expected_state:
            return "ETAG_MISMATCH"
        if request.state <= key.state:
            return "KEY_STATE_INVALID"
        key.state = request.state
        self.entries += 1
        return ""

    @rule(action=made, person=st.sampled_from((*PROPOSERS, "cat", "tax")))
    def reject(self, action: int, person: str) -> None:
        model, name = self.model[action], self.people[person].name
        reason, _ = self.told(lambda: self.people[person].reject(model.made))
        again = model.state == State.STATE_REJECTED and model.decider == name
        if not self._sees(model, person):
            assert reason == "NOT_FOUND"
        else:
            assert reason == ("" if again else model.decidable(self.now))
        if reason == "" and not again:
            model.state, model.decider, model.steps = State.STATE_REJECTED, name, 2
            self.entries += 1

    def _sees(self, model: Proposed, person: str) -> bool:
        return person not in {"police", "tax"} or model.by == person

    @rule(action=made, person=st.sampled_from((*PROPOSERS, "tax")))
    def look_at_an_action(self, action: int, person: str) -> None:
        model = self.model[action]
        reason, found = self.told(lambda: self.people[person].get(model.made))
        assert reason == ("" if self._sees(model, person) else "NOT_FOUND")
        if found is not None:
            assert (found.state, found.reason) == (model.shown(self.now), model.reason)
            assert (found.decider, len(found.records)) == (model.decider, model.steps)

    # what two persons agree on, so that a run gets on

    @rule(target=made)
    def rotate(self) -> int:
        action: Any = self.propose_key("police")
        self.approve(action, "bob", wrong=False)
        return int(action)

    @rule(target=made, which=_newest, wanted=st.sampled_from((VERIFY_ONLY, VERIFY_ONLY, RETIRED)))
    def take_on(self, which: int, wanted: Any) -> int:
        action: Any = self.propose_change("police", which, wanted, right=True)
        self.approve(action, "bob", wrong=False)
        return int(action)

    # under the keys

    def _issue(self, message: issuance_pb2.IssueCredentialRequest) -> tuple[str, Any]:
        bearer = self.town.bearer(self.town.department_token)
        return self.told(lambda: self.town.issuance.IssueCredential(message, metadata=bearer))

    @rule(target=offered)
    def issue(self) -> Any:
        """Credentials are signed with the newest key that is active."""
        message = self.town.issuing()
        reason, made = self._issue(message)
        active = [each for each in self.keys if each.state == ACTIVE]
        assert reason == ("" if active else "ISSUER_KEY_MISSING")
        if reason:
            return multiple()
        self.offers.append(Offered(active[-1], message, made))
        return len(self.offers) - 1

    @rule(which=offered)
    def issue_again(self, which: int) -> None:
        """The same call has the same answer, whether or not any key still signs."""
        model = self.offers[which]
        assert self._issue(model.message) == ("", model.made)

    @rule(which=offered)
    def claim(self, which: int) -> None:
        """What was signed is handed out, and its holder reads how its key stands."""
        model = self.offers[which]
        if model.issued is None:
            model.issued = self.do(self.town.claim(model.made))
            assert str(model.issued.credential.issuer_key) == model.key.name
            assert model.issued.key.state is STATES[model.key.state]

    @rule(which=offered)
    def show(self, which: int) -> None:
        """What a key has signed is accepted until it is retired, also from a vault that does not look."""
        self.claim(which)
        model = self.offers[which]
        assert model.issued is not None
        trusting = replace(model.issued, key=replace(model.issued.key, state=KeyState.ACTIVE))
        reason, _ = self.told(partial(self.town.answered, trusting))
        assert reason == ("ISSUER_KEY_RETIRED" if model.key.state == RETIRED else "")
        self.entries += reason == ""

    @rule()
    def look(self) -> None:
        """Everybody reads each key and its state, and that both stand on the log."""
        listed = {each.name: each.state for each in self._listed()}
        assert {each.name: listed.get(each.name) for each in self.keys} == {
            each.name: each.state for each in self.keys
        }
        asked = publication_pb2.ReadStatesRequest(issuer_keys=[each.name for each in self.keys])
        told = self.granted(lambda: self.town.publication.ReadStates(asked)).issuer_keys
        assert [(each.name, each.state) for each in told] == [(each.name, each.state) for each in self.keys]
        for each in told:
            self._check_proofs(each)
        newest = catalog_pb2.GetIssuerKeyRequest(name=told[-1].name)
        one = self.granted(lambda: self.town.catalog.GetIssuerKey(newest))
        assert (one.name, one.state) == (told[-1].name, told[-1].state)
        self._check_proofs(one)

    def _check_proofs(self, told: catalog_pb2.IssuerKey) -> None:
        log = tlog.Verifier.from_string(self.town.ready.verifier_key)
        tlog.ProofFile.parse(told.proof).verify(issuer_key_entry(issuer_key_of(told)), log)
        assert bool(told.state_proof) == (told.state != ACTIVE)
        if told.state_proof:
            entry = issuer_key_state_entry(IssuerKeyName.parse(told.name), STATES[told.state])
            tlog.ProofFile.parse(told.state_proof).verify(entry, log)

    @rule(days=st.sampled_from((1, 5, 8)))
    def wait(self, days: int) -> None:
        self.ahead(dt.timedelta(days=days))
