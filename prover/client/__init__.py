"""The holder's way to the service: claim, fetch, submit, follow, and go on after a crash.

Nothing that is sent says who the holder is. What the service answers is not believed: credentials are checked
under their issuer's key, requests under their verifier's, witnesses and tables by what stands on the ledger,
receipts under the log's key that the caller brings.

State rules: a client keeps nothing but what is public; the vault does. What goes out is in the vault before
it goes.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Final

import tlog
from bbs.accumulator import CatchingUp, MembershipWitness
from disclosure import Accumulator, DepartmentName, ExchangeLink, OfferLink, RefusedError, VerifierName
from disclosure.composite import CompositeDirectory, CompositeRequest
from disclosure.event import EventKind
from prover.asker import Asker, TrackRecord, track_record
from prover.client import anchoring, answers, claims, events, reading, resuming, witnesses
from prover.client.anchoring import Anchorings
from prover.client.answers import Brought, Pair
from prover.client.calls import Way, raised
from prover.client.claims import Agree, Send
from prover.client.reading import Progress, Rebuilt
from prover.client.resuming import Resumed
from prover.client.witnesses import EpochWatch, Report
from prover.composite.handing import AskedOpening, SealedNumber
from prover.composite.joint import HandoverConsent, handover_consent_of
from prover.composite.offers import is_base
from prover.composite.planning import CompositePlan
from prover.composite.presenting import Prepared, present_plan
from prover.composite.records import Held, HeldComposite
from prover.composite.telling import CompositeConsent, composite_consent_of
from prover.errors import ContentError, PresentingError, VaultReason
from prover.events import Event
from prover.present import Consent, Plan, consent_of, plan, present
from prover.records import FetchedRequest
from prover.revocation import CaughtUp
from prover.usages import Usage
from prover.vault import Vault, utc_now
from wire.client import Endpoint

MAX_EPOCH_AGE: Final = dt.timedelta(hours=48)

__all__ = ["Anchorings", "Brought", "EpochWatch", "HolderClient", "Report", "Resumed"]


def _nothing(_: HeldComposite, __: int) -> None:
    """Report to nobody."""


def track_record_in(vault: Vault, verifier: VerifierName) -> TrackRecord:
    """Return what this device knows of a verifier."""
    kinds = Counter(each.note.kind for each in vault.events() if each.note.party == str(verifier))
    return track_record(verifier, vault.usages(), kinds[EventKind.DECLINED], kinds[EventKind.OVER_ASKED])


class HolderClient:
    """A holder at one service. `clock` gives times with a zone.

    The newest epoch of an accumulator is the service's word, so nothing is proven by one that is older than
    `max_epoch_age`: services make one a day.

    Every method raises wire.client.ServiceError if the service refuses or is not reached; ClientError
    LINK_ELSEWHERE for a link that names another service, whose secrets are not for this one, and
    ANSWER_INVALID for an answer that no honest service gives. `log_verifier` has the log's key.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        max_epoch_age: dt.timedelta = MAX_EPOCH_AGE,
    ) -> None:
        self._way, self._max_epoch_age = Way(endpoint, clock), max_epoch_age

    def _planner(self, vault: Vault, log_verifier: tlog.Verifier) -> answers.Planner:
        return answers.Planner(self._way, vault, log_verifier, self._max_epoch_age)

    def claim(
        self,
        link: OfferLink,
        vault: Vault,
        log_verifier: tlog.Verifier,
        agree: Agree = is_base,
        send: Send | None = None,
    ) -> Held:
        """Claim an offered credential of either form, check it, store it, let the service forget it.

        `agree` shows a ClaimConsent, of the composite form, and returns the person's answer; without it
        only base credentials are claimed. Broken off at any point it can be called again with the same
        link, or be left to `resume`: what was agreed to and stored is sent again and not asked again. Where
        the service refuses for good, the claim is given up. That the last step fails is no error: the
        credential is stored, and `resume` tells the service. With `send` the claim itself goes another way
        than to the service; whatever that raises leaves the claim to `resume`.

        Raises RefusedError SIGNATURE_INVALID, EPOCH_UNKNOWN, EXPIRY_INVALID, FORM_NOT_SUPPORTED and what
        `Vault.add` raises; PresentingError NOTHING_FITS (planning.NothingFitsError has what is missing),
        DECLINED; ClientError OFFER_REQUEST_INVALID; tlog.TlogError.
        """
        self._way.check_server(link.server)
        with raised():
            return vault.credential(claims.claimed(self._planner(vault, log_verifier), link, agree, send))

    def fetch(
        self, link: ExchangeLink, log_verifier: tlog.Verifier, *, pair: Pair | None = None
    ) -> FetchedRequest:
        """Fetch the request, of either form, that a link leads to.

        Returned is only one that its verifier's registered key signed, its joint scopes all their members,
        that has not ended, and that asks no more than the policy that it names, whose record stands on the
        ledger: whoever runs the service cannot let more through. `pair` asks the person for the code that
        the verifier's page shows, where the exchange takes one. Raises RefusedError
        REQUEST_SIGNATURE_INVALID, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, POLICY_UNKNOWN, OVER_ASKING (each
        excess is one of its violations); tlog.TlogError.
        """
        self._way.check_server(link.server)
        return answers.allowed(answers.fetch(self._way, link, log_verifier, pair))

    def directory(self, request: CompositeRequest, log_verifier: tlog.Verifier) -> CompositeDirectory:
        """Read all that a request is read with, and check that it can be proven.

        Raises what `check_composite_request` does, with the place in the request; RefusedError
        SIGNATURE_INVALID (a table); tlog.TlogError (something that was read, or a key, that is not on the
        ledger).
        """
        return answers.directory(self._way, request, log_verifier)

    def plan(
        self,
        request: CompositeRequest,
        vault: Vault,
        log_verifier: tlog.Verifier,
        *,
        branch: str | None = None,
    ) -> CompositePlan:
        """Say how the vault would answer with what it has; see `plan_composite`.

        What is read for it is the same whatever the vault holds, so the service learns nothing by it. Raises
        what `directory` does.
        """
        return self._planner(vault, log_verifier).planned(request, branch)

    def ready(
        self, plan: CompositePlan, vault: Vault, log_verifier: tlog.Verifier, report: Report = _nothing
    ) -> CompositePlan:
        """Return the same plan as of now, once the person has agreed: read anew, its credentials caught up.

        `report` is that of `catch_up_all`. Raises what `directory` and `catch_up` do, REVOKED excepted, which
        is written down; PresentingError NOTHING_FITS, CHOICE_INVALID if what was agreed to cannot be
        answered any more.
        """
        return self._planner(vault, log_verifier).ready(plan, report)

    def handover_key(self, link: ExchangeLink, vault: Vault, log_verifier: tlog.Verifier) -> AskedOpening:
        """Return what the holder of a number that the link's request counts hands it over to.

        The same again for the same request. Raises what `fetch` and `directory` do; RefusedError
        COMMITMENT_INVALID for a request that counts no number of another holder's.
        """
        fetched, request = answers.opened(self.fetch(link, log_verifier))
        self.directory(request, log_verifier)
        return AskedOpening(link, vault.composite.handovers.key_for(fetched.signed_request, request).public)

    def hand_over(
        self,
        usage: str,
        asked: AskedOpening,
        vault: Vault,
        log_verifier: tlog.Verifier,
        agrees: Callable[[HandoverConsent], bool],
    ) -> SealedNumber:
        """Hand the numbers of a use over to the vault that `asked` is of, for the request that it names.

        The request is opened here, under its verifier's key. `agrees` shows the consent, which has the
        numbers, and returns the person's answer. Raises what `fetch` and `directory` do; ContentError
        USAGE_NOT_FOUND, ID_AMBIGUOUS, NUMBER_NOT_FOUND; PresentingError DECLINED (nothing was sealed).
        """
        used = vault.usage(usage)
        fetched, request = answers.opened(self.fetch(asked.link, log_verifier))
        found = self.directory(request, log_verifier)
        numbers = vault.composite.handovers.counted(used.id, request)
        consent = handover_consent_of(used, numbers, request, fetched.verifier_display_name, found)
        self._agreed(agrees(consent))
        return vault.composite.handovers.hand_over(used.id, request, asked.key)

    def submit(
        self,
        link: ExchangeLink,
        prepared: Prepared,
        vault: Vault,
        usage: Usage,
        log_verifier: tlog.Verifier,
    ) -> Usage:
        """Send a presentation that `Vault.begin_usage` has stored; return the use with its receipt.

        A refusal for good is written down as such, and raised. Whatever else goes wrong leaves the use as it
        is, to be sent again by `resume`: not reached, or a receipt that does not hold (tlog.TlogError;
        RefusedError RECEIPT_MISMATCH). Raises ContentError USAGE_MISMATCH if `usage` is not of this link and
        presentation.
        """
        if (usage.link, usage.request_id) != (link, prepared.request_id):
            raise ContentError(VaultReason.USAGE_MISMATCH, "the use was stored for something else")
        with raised():
            return answers.submit(self._way, usage, vault, log_verifier)

    def answer(
        self,
        link: ExchangeLink,
        vault: Vault,
        log_verifier: tlog.Verifier,
        agrees: Callable[[Consent | CompositeConsent], bool],
        *,
        choose: Callable[[Plan], Plan] = lambda planned: planned,
        choose_composite: Callable[[CompositePlan], CompositePlan] = lambda planned: planned,
        pair: Pair | None = None,
        report: Report = _nothing,
        brought: Brought | None = None,
    ) -> Usage:
        """Walk the whole way: fetch, look for what fits, ask the person, prove, store, send.

        `agrees` shows a consent of the request's form and returns the person's answer; `choose` and
        `choose_composite` may choose among credentials, and among branches; unless a branch is chosen, only
        the first is answered. That the person said no, or that the request asks more than its policy allows,
        is written down, and said to the service, or by `resume` if that cannot be reached. A request that
        was `brought` is not fetched, and its answer goes back the way that it came. Raises
        PresentingError DECLINED (nothing was shown), NOTHING_FITS, BRANCH_UNDECIDED and what the steps raise.
        """
        self._way.check_server(link.server)
        with self._way.kept_open() as way:
            return self._over(way)._answered(
                link, vault, log_verifier, agrees, choose, choose_composite, pair, report, brought
            )

    def _over(self, way: Way) -> "HolderClient":
        """Return the same client by another way."""
        made = copy(self)
        made._way = way
        return made

    def _answered(
        self,
        link: ExchangeLink,
        vault: Vault,
        log_verifier: tlog.Verifier,
        agrees: Callable[[Consent | CompositeConsent], bool],
        choose: Callable[[Plan], Plan],
        choose_composite: Callable[[CompositePlan], CompositePlan],
        pair: Pair | None,
        report: Report,
        brought: Brought | None,
    ) -> Usage:
        if brought is None:
            fetched = answers.fetch(self._way, link, log_verifier, pair)
        else:
            fetched = answers.fetch_brought(self._way, link, log_verifier, brought)
        no = partial(events.declined, self._way.apart, vault, fetched, log=log_verifier)
        try:
            answers.allowed(fetched)
        except RefusedError:
            no(kind=EventKind.OVER_ASKED)
            raise
        asker = Asker(fetched.policy, track_record_in(vault, fetched.request.verifier))
        if isinstance(fetched.request, CompositeRequest):
            found = choose_composite(self.plan(fetched.request, vault, log_verifier))
            consent = composite_consent_of(found, fetched.verifier_display_name, asker)
            if not (found.named or found.is_first):
                detail = "the first way cannot be answered; a later one has to be chosen by its name"
                raise PresentingError(VaultReason.BRANCH_UNDECIDED, detail)
            self._agreed(agrees(consent), no)
            found = self.ready(found, vault, log_verifier, report)
            prepared: Prepared = present_plan(found, vault.keys, self._way.clock())
        else:
            planned = choose(plan(fetched.request, vault.credentials(), self._way.clock()))
            self._agreed(agrees(consent_of(planned, fetched.verifier_display_name, asker)), no)
            prepared = present(planned, vault.keys, self._way.clock())
        usage = vault.begin_usage(fetched, prepared)
        if brought is not None:
            return answers.send_back(brought, usage, vault, log_verifier)
        return self.submit(link, prepared, vault, usage, log_verifier)

    def decline(
        self, link: ExchangeLink, vault: Vault, log_verifier: tlog.Verifier, *, pair: Pair | None = None
    ) -> Event:
        """Say no to a request that was not looked at further; return the event as it stands then.

        Raises what `fetch` does, OVER_ASKING excepted.
        """
        self._way.check_server(link.server)
        fetched = answers.fetch(self._way, link, log_verifier, pair)
        return events.declined(self._way, vault, fetched, EventKind.DECLINED, log_verifier)

    @staticmethod
    def _agreed(agreed: bool, no: Callable[..., object] = lambda **_: None) -> None:
        """Go on if the person agreed; else have the no written down, and said to who asked, by `no`."""
        if not agreed:
            no(kind=EventKind.DECLINED)
            raise PresentingError(VaultReason.DECLINED, "the person said no; nothing was shown")

    def resume(self, vault: Vault, log_verifier: tlog.Verifier) -> Resumed:
        """Go on with all claims, uses and events at this service that were broken off.

        A claim that is refused for good is given up, a use is written down as refused; neither is raised.
        What does not hold is left as it is, and the first such error is raised after everything else was gone
        on with. If the service is not reached, ServiceError is raised at once and what is left can be resumed
        later. Uses that are sent one right after the other can be linked by their time.
        """
        return resuming.resume(self._way, vault, log_verifier)

    def anchor(self, vault: Vault, log: tlog.LogKeys, policy: tlog.Policy) -> Anchorings:
        """Bring the vault's receipts from pending to anchored, as far as witnesses have cosigned by now.

        What the service learns stands in prover.client.anchoring. What does not hold is left as it is, and
        the first such error is raised after everything else was gone on with; broken off at any point, the
        next call goes on. Raises tlog.TlogError: INCLUSION_INVALID if the log has shown its witnesses
        another ledger than the one that a receipt stands on, which the receipt then convicts it of.
        """
        return anchoring.anchor(self._way, vault, log, policy)

    def rebuild(
        self, vault: Vault, log_verifier: tlog.Verifier, progress: Progress = lambda read, size: None
    ) -> Rebuilt:
        """Read the ledger on from where the vault was to its newest end, and find what is the vault's own.

        All of it is read, so the service does not learn what is looked for. `progress` is told how many
        entries were read and of how many; broken off at any point, the next call goes on. What the old vault
        never sent is not on the ledger. Raises ContentError RECOVERY_BROKEN_OFF; tlog.TlogError if what came
        is not what the log has signed, and what was not verified is dropped then.
        """
        return reading.rebuild(self._way, vault, log_verifier, progress)

    def catch_up(
        self,
        department: DepartmentName,
        witness: MembershipWitness,
        log_verifier: tlog.Verifier,
        report: Callable[[CatchingUp], object] = lambda _: None,
    ) -> CaughtUp:
        """Bring a witness, the stored one or a partial one, to its accumulator's newest epoch.

        Nothing that is sent depends on the handle. `report` gets the state after each page: whoever stores
        its `partial`, beside the old witness, can be broken off and go on from it. Whatever is raised, the
        old witness is what it was. Raises bbs.VerificationError REVOKED, once pages that lead to an epoch on
        the ledger have said so, and PAGE_INVALID if they do not: partial ones are then of no list, and are
        dropped; bbs.InputError EPOCH_MISMATCH if the service shows an older list than it did;
        tlog.TlogError if the epoch is not on the ledger.
        """
        return witnesses.caught_up(self._way, department, witness, log_verifier, report)

    def catch_up_all(
        self, vault: Vault, log_verifier: tlog.Verifier, report: Report = _nothing
    ) -> list[HeldComposite]:
        """Bring the witnesses of all held credentials to the newest epochs; return them as they are then.

        `report` gets a credential and how many of its revocations are still to come, after each page; what it
        raises breaks off, and the next call goes on from what was stored. That a credential is revoked is
        written down in it and not raised. Raises as `catch_up` does.
        """
        return witnesses.catch_up_all(self._way, vault, log_verifier, report)

    def catch_up_held(
        self, vault: Vault, held: HeldComposite, log_verifier: tlog.Verifier, report: Report = _nothing
    ) -> None:
        """Do for one credential what `catch_up_all` does for all."""
        witnesses.catch_up_held(self._way, vault, held, log_verifier, report)

    def watch(self, accumulator: Accumulator, log_verifier: tlog.Verifier) -> EpochWatch:
        """Watch an accumulator's epochs; the caller closes the watch. See prover.following."""
        return EpochWatch(self._way, accumulator, log_verifier)
