"""A real server on which two persons agree on keys and verifiers, furnished as other tests' cities are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from disclosure import VerifierName
from tests.zkservice import administering
from tests.zkservice.administering import CREATE_VERIFIER, Person, State, creating_verifier
from tests.zkservice.allowing import allowed, any_policy
from tests.zkservice.support import ASKED, PERMIT, TEXT, City
from zkproto.v1 import administration_pb2


@dataclass
class Governed(City):
    """A city in which two persons agree on keys. Ann was given the token of the police."""

    people: Mapping[str, Person] = field(default_factory=dict, repr=False)

    async def agreed(self, proposer: str, method: str, request: Message) -> administration_pb2.Action:
        """Have something done that somebody proposes and Bob approves."""
        action = await self.people["bob"].approve(await self.people[proposer].propose(method, request))
        assert action.state == State.STATE_DONE, action
        return action

    async def add_verifier(self, name: str) -> None:
        """Register a verifier that may ask for what the police issue."""
        self.verifier_keys[name] = Ed25519PrivateKey.generate()
        message = creating_verifier(name)
        message.verifier.public_key = self.verifier_keys[name].public_key().public_bytes_raw()
        await self.agreed("ann", CREATE_VERIFIER, message)
        await self.add_policy(allowed(any_policy(VerifierName(name)), ASKED, TEXT))


@asynccontextmanager
async def governed(folder: Path, **settings: Any) -> AsyncIterator[City]:
    """Start a server that demands two persons, with three administrators and two departments."""
    async with administering.opened(folder, **settings) as office:
        town, ann, bob, police = office.town, office.ann, office.bob, office.police
        cat = await administering.another(ann, bob, "cat")
        tax = await administering.department(ann, bob, "tax")
        people = {each.name.partition("/")[2]: each for each in (ann, bob, cat, police, tax)}
        made = Governed(town.ready, town.clock, town.channel, town.admin, police.token, people=people)
        await made.add_schema(PERMIT)
        await made.add_verifier("school")
        yield made
