"""A bank that asks for standing consents, and a holder, over a real server."""

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from disclosure import PolicyName, Request, VerifierName, civil_date
from disclosure.event import EventKind
from disclosure.policy import StandingLimits
from disclosure.standing import StandingTerms, template_of
from prover import Vault
from prover.client.consents import Attended, ConsentClient
from prover.events import EventState
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town
from tests.zkservice.allowing import allowed
from tests.zkservice.stored import change
from tests.zkservice.support import ASKED, TEXT, new_id
from verifier.client import OpenExchange, VerifierClient
from verifier.client.consents import AskedConsent, VerifierConsents

DAY = dt.timedelta(days=1)
TIMEOUT = dt.timedelta(seconds=5)


class Parties:
    """A bank that asks monthly, and a holder; the clocks of both and of the service are one."""

    def __init__(self, town: Town, vault: Vault) -> None:
        self.town, self.vault = town, vault
        self.holder = ConsentClient(town.endpoint, clock=town.city.clock)
        self.key = town.city.verifier_keys["bank"]
        self.bank = VerifierConsents(town.endpoint, VerifierName("bank"), self.key, time.sleep)

    def request(self, **wanted: Any) -> Request:
        return self.town.city.request("bank", **wanted)

    def terms(self, times: int = 10, interval: int = 30, days: int = 330) -> StandingTerms:
        now = self.town.city.clock().replace(microsecond=0)
        until = civil_date(now) + days * DAY
        return StandingTerms(template_of(self.request()), times, interval, until, now, now + 7 * DAY)

    def limited(self, limits: StandingLimits | None) -> StandingTerms:
        """Ten times, 30 days apart, for 331 days: by a policy of its own, which has these limits."""
        policy = PolicyName("bank", f"limited-{new_id()}", 1)
        self.town.run(self.town.city.add_policy(replace(allowed(policy, ASKED, TEXT), standing=limits)))
        return replace(self.terms(), template=template_of(replace(self.request(), policy=policy)))

    def granted(self, **wanted: int) -> AskedConsent:
        asked = self.bank.ask(self.terms(**wanted))
        event = self.holder.answer(asked.link, self.vault, self.town.log, lambda _: True)
        assert event.state is EventState.RECORDED
        return asked

    def use(self, consent: AskedConsent, request: Request | None = None) -> OpenExchange:
        made = self.bank.use(consent.consent, consent.result_token, request or self.request())
        assert isinstance(made, OpenExchange)
        return made

    def attend(self) -> list[Attended]:
        return self.holder.attend(self.vault, self.town.log)

    def later(self, by: dt.timedelta) -> None:
        self.town.city.clock.ahead += by

    def wait(self, exchange: OpenExchange) -> Any:
        with VerifierClient(
            self.town.endpoint, VerifierName("bank"), self.key, self.town.log, clock=self.town.city.clock
        ) as client:
            return client.wait(exchange, TIMEOUT)

    def lift(self, consent: AskedConsent, **values: Any) -> None:
        """Have the service lie: it forgets what it has counted, or what was withdrawn."""
        for name, value in values.items():
            statement = f"update consent set {name} = ? where id = ?"
            change(self.town.city.ready.data, statement, value, consent.link.id)

    def kinds(self) -> list[EventKind]:
        return [each.note.kind for each in self.vault.events()]


@contextmanager
def at(town: Town, file: Path) -> Iterator[Parties]:
    """Make a vault with a credential in a file, and the parties that it meets."""
    with Vault.create(file, PASSPHRASE, clock=town.city.clock) as vault:
        town.client().claim(town.offer(), vault, town.log)
        made = Parties(town, vault)
        with made.bank:
            yield made
