"""A counter behind a page: asks by the policies of a verifier's home, verifies here, keeps the record.

It is what `zk verifier ask` does, for a page instead of a terminal. The key stays in this process. What is
told of an answer is read from its record after that was kept and verified once more.
"""

import asyncio
import datetime as dt
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import segno

import tlog
from disclosure import VerifierName
from verifier import CompositePolicy, Policy, files
from verifier.aio import AsyncVerifierClient
from verifier.anchoring import AnyRecord
from verifier.client import Answered, CompositeAnswered, CompositeExchange, OpenExchange, PendingError
from verifier.client.errand_desk import passes
from verifier.client.exchange import pending_of
from verifier.errors import NOT_ORDERED
from web_edge.counter import DeskError, Outcome, Purpose, Question
from wire.client import ServiceError
from zk.commands.ordered import with_order
from zk.commands.verifier.asking import checked_request, keep
from zk.commands.verifier.common import across_of
from zk.commands.verifier.demanding import NOTHING, Demands, by_policy, demands_of
from zk.commands.verifier.records import answered as told_answer
from zk.commands.verifier.records import order_told
from zk.failure import explain
from zk.home import private_folder
from zk.messages import Language
from zk.ordered import ORDER_SECONDS, check_claiming
from zk.run import Answer, Run

_AnyPolicy = Policy | CompositePolicy
_AnyExchange = OpenExchange | CompositeExchange
_GRACE: Final = dt.timedelta(seconds=5)
_LOOK_SECONDS: Final = 1.0
_ENDED: Final[Mapping[str, str]] = {
    "EXPIRED": "expired",
    "TIMED_OUT": "expired",
    "HOLDER_DECLINED": "declined",
}
"""How a question ended, by the reason; everything else is an answer that is not accepted, or one that is
kept and waits: whether it is accepted nobody knows yet."""


class HomeDesk:
    """The desk of one verifier of a home (web_edge.counter.Desk), in the loop that its client belongs to.

    `zh` and `en` are runs of that home, which tell in their language. With `believed` an answer is accepted
    once the witnesses of that policy have cosigned.
    """

    def __init__(
        self,
        zh: Run,
        en: Run,
        client: AsyncVerifierClient,
        name: VerifierName,
        policies: Sequence[_AnyPolicy],
        believed: tlog.Policy | None = None,
    ) -> None:
        self._zh, self._en, self._client, self._name = zh, en, client, name
        self._policies = {each.id: each for each in policies}
        self._believed = believed

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
        """Return what a policy demands, where one could also claim what it has once in all cities.

        CommandError, OrderError; what `by_policy` raises.
        """
        check_claiming(self._en, across_of(policy))
        demanded = by_policy(self._client.client, policy, self._name)
        return demands_of(self._en, demanded).beside(self._believed)

    async def _ended(self, policy: _AnyPolicy, opened: _AnyExchange, demands: Demands = NOTHING) -> Outcome:
        patience = policy.lifetime + _GRACE
        ends = time.monotonic() + patience.total_seconds() + ORDER_SECONDS  # the quorum has a time of its own
        try:
            answered, unmet = await self._answered(opened, patience, demands)
            kept = await self._client.run(lambda: self._kept(policy, answered))
        except Exception as error:
            reason, zh, en = self._explained(error)
            return Outcome(_ENDED.get(reason, "refused"), [zh, reason], [en, reason])
        if isinstance(kept, Outcome):
            return kept
        if unmet is not None:
            return self._undecided(unmet)
        try:
            return await self._accepted(answered, kept, demands, ends)
        except Exception as error:
            return self._undecided(error)

    async def _answered(
        self, opened: _AnyExchange, patience: dt.timedelta, demands: Demands
    ) -> tuple[Answered | CompositeAnswered, PendingError | None]:
        """Return an answer that holds, and why it does not count: more is demanded than is waited for."""
        try:
            return await self._client.wait(opened, patience, (), None, demands.states), None
        except PendingError as error:
            return error.answered, error

    def _kept(self, policy: _AnyPolicy, answered: Answered | CompositeAnswered) -> Path | Outcome:
        """Keep an answer that holds, before anything else is waited for; return where, or that it is not
        decided whether it counts."""
        path = self._en.home.records / f"{policy.id}-{secrets.token_hex(4)}.json"
        private_folder(path.parent)
        try:
            keep(self._en, answered, policy, path)
        except Exception as error:
            if not pending_of(path).exists():
                raise
            return self._undecided(error)
        return path

    async def _accepted(
        self, answered: Answered | CompositeAnswered, path: Path, demands: Demands, ends: float
    ) -> Outcome:
        """Tell an answer that was kept: once quorum and order are there, where these are demanded."""
        if demands.quorum is not None:
            record = await self._anchored(answered, demands.quorum, ends)
            answered = answered.with_record(record)
            files.replace(path, record.to_bytes())
        accepted = answered
        return await self._client.run(lambda: self._told(accepted, path, ordered=demands.order is not None))

    def _told(self, answered: Answered | CompositeAnswered, path: Path, *, ordered: bool) -> Outcome:
        if ordered:
            with_order(self._en, Answer({}), answered.record, path, ORDER_SECONDS)
        zh, en = (self._lines(run, answered, path, ordered=ordered) for run in (self._zh, self._en))
        return Outcome("answered", zh, en, path.read_bytes())

    async def _anchored(
        self, answered: Answered | CompositeAnswered, believed: tlog.Policy, ends: float
    ) -> AnyRecord:
        """Return the record once the quorum is there; PendingError if it is not in time."""
        while True:
            try:
                record: AnyRecord | None = await self._client.anchor(answered.record, believed)
            except ServiceError as error:
                if not passes(error):
                    raise
                record = None
            if record is not None:
                return record
            if time.monotonic() >= ends:
                raise PendingError(answered)
            await asyncio.sleep(_LOOK_SECONDS)

    def _undecided(self, error: Exception) -> Outcome:
        """Tell that an answer is kept and not accepted yet: a command of `zk verifier` decides it."""
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
