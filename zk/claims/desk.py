"""For whom a city claims, and what: decided here, without HTTP.

In this order, so that strangers cost little: who is not on the list is not looked up, who has not signed uses
up nobody's rate, and the node is asked last. What is claimed follows from what the verifier signed: for
itself, in a scope that all its members have signed, with a reference that is bound to its name. Only what
would be written counts as the day's: of a tag that has a row the row is shown, to whomever it belongs.

State rules: nothing is kept but how much was claimed for whom (zk.claims.rates). What came of a claim stands
on the chain, so the same request is answered the same, by this process or the next one.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container
from typing import Final

import grpc

from disclosure import DisclosureError, Reason, RefusedError, VerifierName
from disclosure.composite import SignedJointScope
from ordering.claiming import Claimant
from ordering.client import Client
from ordering.errors import RefusedError as OrderRefusedError
from ordering.errors import StateError
from ordering.light import fetching
from ordering.light.verifying import OrderError, OrderReason, Trusted
from ordering.submitting import Submitter
from tlog import TlogError
from verifier.claim_request import AGE_SECONDS, ClaimRequest, SignedClaimRequest
from wire.client import ServiceError
from zk.claims.rates import Budget, Rates
from zk.claims.reasons import ClaimReason, ClaimRefusedError

_SECONDS: Final = 40.0
"""So long a block is waited for."""
_KNOWN_SCOPES: Final = 256
KEY_SECONDS: Final = 3.0
"""So long a key is asked for: of two threads that judge, neither waits longer for one."""
_LATE: Final = grpc.StatusCode.DEADLINE_EXCEEDED
_MISSING_SECONDS: Final = 10.0
_KNOWN_MISSING: Final = 4096

FindKey = Callable[[VerifierName], bytes]
"""Gives the key that a verifier is registered by; RefusedError for one that is not."""


class ClaimsDesk:
    """Claims for the verifiers that are listed. Its methods block, and may be called by several threads."""

    def __init__(
        self,
        submitter: Submitter,
        listed: Container[VerifierName],
        find_key: FindKey,
        rates: Rates,
        budget: Budget,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._submitter, self._listed, self._now = submitter, listed, now
        self._rates, self._budget = rates, budget
        self._keys, self._scopes = _Keys(find_key), OrderedDict[bytes, None]()
        self._lock = threading.Lock()

    def judged(self, octets: bytes) -> ClaimRequest:
        """Return what a listed verifier asks for here and now, by its signature; ClaimRefusedError."""
        try:
            signed = SignedClaimRequest.parse(octets)
        except DisclosureError as error:
            raise ClaimRefusedError(ClaimReason.CLAIM_MALFORMED, error.detail) from None
        request = signed.request
        name = request.grounds.verifier
        if name not in self._listed:  # before anything is looked up
            raise ClaimRefusedError(ClaimReason.CLAIM_NOT_LISTED)
        try:
            key = self._keys.of(name)
        except RefusedError:
            raise ClaimRefusedError(ClaimReason.CLAIM_NOT_LISTED, f"{name} is not registered") from None
        try:
            signed.check(key)
        except RefusedError:
            raise ClaimRefusedError(ClaimReason.CLAIM_SIGNATURE_INVALID) from None
        if (request.chain, request.operator) != (self._submitter.chain, self._submitter.name):
            raise ClaimRefusedError(ClaimReason.CLAIM_ELSEWHERE, verifier=str(name))
        self._check_now(request)
        return request

    def ordered(self, request: ClaimRequest) -> bytes:
        """Have what was judged claimed, and return what shows who came first; ClaimRefusedError."""
        verifier = request.grounds.verifier
        with self._rates.one(verifier):
            try:
                self._check_scope(request.grounds.scope, verifier)
                return self._shown(request)
            except OrderError as error:
                too_old = error.reason is OrderReason.ORDER_TRUST_EXPIRED
                reason = ClaimReason.CLAIM_HEADER_UNKNOWN if too_old else ClaimReason.CLAIM_NOT_NOW
                detail = str(error)
            except (StateError, OrderRefusedError) as error:
                reason, detail = ClaimReason.CLAIM_NOT_NOW, str(error)
        raise ClaimRefusedError(reason, detail, str(verifier))

    def _check_now(self, request: ClaimRequest) -> None:
        """Check what time may change of a request whose signature holds; ClaimRefusedError."""
        name = request.grounds.verifier
        if name not in self._listed:
            raise ClaimRefusedError(ClaimReason.CLAIM_NOT_LISTED, verifier=str(name))
        if abs(self._now() - request.created) > AGE_SECONDS:
            raise ClaimRefusedError(ClaimReason.CLAIM_STALE, verifier=str(name))

    def _check_scope(self, scope: SignedJointScope, verifier: VerifierName) -> None:
        """Check that a verifier is one of a scope's members, who have all signed it; ClaimRefusedError."""
        digest = hashlib.sha256(scope.scope.canonical + b"".join(scope.signatures)).digest()
        with self._lock:
            known = digest in self._scopes
        try:
            scope.octets(verifier)
            if not known:
                scope.check(self._keys.of)
        except RefusedError as error:
            raise ClaimRefusedError(ClaimReason.CLAIM_SCOPE_INVALID, error.detail, str(verifier)) from None
        with self._lock:
            self._scopes[digest] = None
            self._scopes.move_to_end(digest)
            if len(self._scopes) > _KNOWN_SCOPES:
                self._scopes.popitem(last=False)

    def _shown(self, request: ClaimRequest) -> bytes:
        claim, submitter = request.grounds.claim, self._submitter
        with submitter.client() as client:
            begin = self._begin(client, request)
            key = submitter.key(client)
            claimant = Claimant(client, submitter.name, key, begin, self._now, _SECONDS)
            if claimant.first(claim) is None:
                self._check_now(request)  # it may have waited for busy threads and a slow node
                self._budget.take(request.grounds.verifier, claim)
                claimant.claim(claim)
            return claimant.shown(claim, begin).to_bytes()

    @staticmethod
    def _begin(client: Client, request: ClaimRequest) -> Trusted:
        """Return the verifier's header, which the node has too; ClaimRefusedError, StateError, OrderError."""
        if request.height > client.height:
            raise StateError("the node has not come to the verifier's header")
        found = fetching.trusted(client, request.height)
        if found.hash != request.header:
            detail = f"the verifier trusts another header of block {request.height}"
            raise ClaimRefusedError(ClaimReason.CLAIM_HEADER_UNKNOWN, detail, str(request.grounds.verifier))
        return found


class _Keys:
    """Keys of registered verifiers, which never change: each is asked for once.

    Who is not registered is remembered for some seconds. No lock is held while one is asked for, and whoever
    asks waits for some seconds at most: the service that is asked may be slow. Where it has not told, nobody
    asks for as long again, or strangers who name one key after the other would keep all who judge waiting.
    """

    def __init__(self, find: FindKey, clock: Callable[[], float] = time.monotonic) -> None:
        self._find, self._clock, self._lock = find, clock, threading.Lock()
        self._found, self._missing = dict[VerifierName, bytes](), OrderedDict[VerifierName, float]()
        self._asks_again = 0.0

    def of(self, name: VerifierName) -> bytes:
        """Return a key; RefusedError for who is not registered, ClaimRefusedError while nobody can tell."""
        if (found := self._found.get(name)) is not None:
            return found
        with self._lock:
            if self._clock() < self._missing.get(name, 0.0):
                raise _not_registered(name)
            if self._clock() < self._asks_again:
                raise ClaimRefusedError(ClaimReason.CLAIM_NOT_NOW, f"{name}: nobody tells its key now")
        try:
            found = self._found[name] = self._find(name)
        except RefusedError:
            self._misses(name)
            raise
        except (ServiceError, TlogError, DisclosureError) as error:
            if isinstance(error, ServiceError) and (error.is_of_all or error.code is _LATE):
                with self._lock:
                    self._asks_again = self._clock() + KEY_SECONDS
            detail = f"{name}: {error.reason}"
            raise ClaimRefusedError(ClaimReason.CLAIM_NOT_NOW, detail) from None
        return found

    def _misses(self, name: VerifierName) -> None:
        with self._lock:
            self._missing[name] = self._clock() + _MISSING_SECONDS
            self._missing.move_to_end(name)
            if len(self._missing) > _KNOWN_MISSING:
                self._missing.popitem(last=False)


def _not_registered(name: VerifierName) -> RefusedError:
    return RefusedError(Reason.REQUEST_SIGNATURE_INVALID, f"{name} is not registered", field="verifier")
