"""A counter behind a page: asks by the policies of a verifier's home, verifies here, keeps the record.

It is what `zk verifier ask` does, for a page instead of a terminal. The key stays in this process. What is
told of an answer is read from its record after that was kept and verified once more.
"""

import asyncio
import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import segno

from disclosure import VerifierName
from verifier import CompositePolicy, Policy
from verifier.aio import AsyncVerifierClient
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange, PendingError
from verifier.client.exchange import pending_of
from verifier.errors import NOT_ORDERED
from web_edge.counter import DeskError, Outcome, Purpose, Question
from zk.commands.ordered import with_order
from zk.commands.verifier.asking import checked_request, keep
from zk.commands.verifier.demanding import NOTHING, Demands, by_policy, demands_of
from zk.commands.verifier.records import answered as told_answer
from zk.commands.verifier.records import order_told
from zk.failure import explain
from zk.home import private_folder
from zk.messages import Language
from zk.ordered import ORDER_SECONDS
from zk.run import Answer, Run

_AnyPolicy = Policy | CompositePolicy
_AnyExchange = OpenExchange | CompositeExchange
_GRACE: Final = dt.timedelta(seconds=5)
_ENDED: Final[Mapping[str, str]] = {
    "EXPIRED": "expired",
    "TIMED_OUT": "expired",
    "HOLDER_DECLINED": "declined",
}
"""How a question ended, by the reason; everything else is an answer that is not accepted, or one that is
kept and waits: whether it is accepted nobody knows yet."""


class HomeDesk:
    """The desk of one verifier of a home (web_edge.counter.Desk), in the loop that its client belongs to.

    `zh` and `en` are runs of that home, which tell in their language.
    """

    def __init__(
        self,
        zh: Run,
        en: Run,
        client: AsyncVerifierClient,
        name: VerifierName,
        policies: Sequence[_AnyPolicy],
    ) -> None:
        self._zh, self._en, self._client, self._name = zh, en, client, name
        self._policies = {each.id: each for each in policies}

    @property
    def verifier(self) -> str:
        """The verifier's name."""
        return str(self._name)

    @property
    def purposes(self) -> Sequence[Purpose]:
        """One for each policy."""
        return [Purpose(each.id, each.purpose.zh, each.purpose.en) for each in self._policies.values()]

    async def ask(
        self, purpose: str, pairing: bool
    ) -> tuple[Question, Callable[[], "asyncio.Task[Outcome]"]]:
        """Ask by a policy, with a pairing code or without; DeskError."""
        policy = self._policies[purpose]
        client = self._client.client
        try:
            demands = await self._client.run(lambda: self._demands(policy))
            request = await self._client.run(lambda: checked_request(client, policy, self._name, {}))
            opened: _AnyExchange = await self._client.ask(request, pairing=pairing)
        except Exception as error:
            raise DeskError(*self._explained(error)) from None
        code = segno.make(str(opened.link), error="l", micro=False)
        question = Question(
            link=str(opened.link),
            modules=[[bool(each) for each in row] for row in code.matrix],
            expires=opened.expires.isoformat(timespec="seconds"),
            pairing_code=opened.pairing_code,
        )
        return question, lambda: asyncio.create_task(self._ended(policy, opened, demands))

    def _demands(self, policy: _AnyPolicy) -> Demands:
        return demands_of(self._en, by_policy(self._client.client, policy, self._name))

    async def _ended(self, policy: _AnyPolicy, opened: _AnyExchange, demands: Demands = NOTHING) -> Outcome:
        try:
            return await self._decided(policy, opened, demands)
        except Exception as error:
            reason, zh, en = self._explained(error)
            return Outcome(_ENDED.get(reason, "refused"), [zh, reason], [en, reason])

    async def _decided(self, policy: _AnyPolicy, opened: _AnyExchange, demands: Demands) -> Outcome:
        patience = policy.lifetime + _GRACE
        if demands.quorum is not None:
            patience += dt.timedelta(seconds=ORDER_SECONDS)  # the quorum's own time
        try:
            answered: Answered | CompositeAnswered = await self._client.wait(
                opened, patience, (), demands.quorum, demands.states
            )
        except PendingError as error:
            held = error
            return await self._client.run(lambda: self._held(policy, held))
        return await self._client.run(lambda: self._kept(policy, answered, demands))

    def _held(self, policy: _AnyPolicy, error: PendingError) -> Outcome:
        """Keep what holds and is not accepted yet, so that it can be later."""
        path = self._path(policy)
        try:
            keep(self._en, error.answered, policy, path)
        except Exception as other:
            if not pending_of(path).exists():
                raise
            return self._undecided(other)
        return self._undecided(error)

    def _kept(self, policy: _AnyPolicy, answered: Answered | CompositeAnswered, demands: Demands) -> Outcome:
        path, waits = self._path(policy), demands.order is not None
        try:
            keep(self._en, answered, policy, path)
            if waits:
                with_order(self._en, Answer({}), answered.record, path, ORDER_SECONDS)
        except Exception as error:
            if not (pending_of(path).exists() or path.exists()):
                raise
            return self._undecided(error)
        zh, en = (self._lines(run, answered, path, ordered=waits) for run in (self._zh, self._en))
        return Outcome("answered", zh, en, path.read_bytes())

    def _path(self, policy: _AnyPolicy) -> Path:
        path = self._en.home.records / f"{policy.id}-{secrets.token_hex(4)}.json"
        private_folder(path.parent)
        return path

    def _undecided(self, error: Exception) -> Outcome:
        reason, *said = self._explained(error)
        if reason == NOT_ORDERED:  # what the command says of it names the record on this machine
            said = [run.text("consortium.not_ordered") for run in (self._zh, self._en)]
        zh, en = ([each, reason] for each in said)
        return Outcome("undecided", zh, en)

    def _lines(
        self, run: Run, answered: Answered | CompositeAnswered, path: Path, *, ordered: bool
    ) -> list[str]:
        # The last line says where on this machine the record is, which is nothing for a page.
        lines = [str(each) for each in told_answer(run, answered.record, path).lines[:-1]]
        return lines + order_told(run, path, answered.record, run.log_verifier())[1] if ordered else lines

    def _explained(self, error: BaseException) -> tuple[str, str, str]:
        zh, en = (explain(error, language) for language in _LANGUAGES)
        return en.reason, zh.sentence(), en.sentence()


_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
