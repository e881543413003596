"""A service that claims for verifiers: whom it refuses, and that it is not believed. A real engine."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consortium.serving import application, listening
from disclosure import MalformedError, Reason, RefusedError, VerifierName
from disclosure.composite import JointScope, SignedJointScope
from ordering import state
from ordering.claiming import Claimant
from ordering.light import fetching
from ordering.light.claimed import ShownClaim
from ordering.light.verifying import MAX_OCTETS, TRUSTING_SECONDS, OrderError, OrderReason, Trusted
from ordering.submitting import Submitter
from tests.disclosure.composite.world import BANK, PURPOSE, SCHOOL, SCHOOL_2, SUITE, VERIFIER_KEYS, find_key
from tests.ordering.cities import CHAIN
from tests.ordering.engines import Member, consortium, needs_engine
from tests.verifier.test_verifier_unique import request, verified
from verifier.across import Grounds, claim_all, grounds_of
from verifier.claim_request import AGE_SECONDS, ClaimRequest, SignedClaimRequest
from verifier.claim_request import MAX_OCTETS as MOST_ASKED
from zk.claims.asking import ClaimsService, RemoteClaims
from zk.claims.desk import ClaimsDesk
from zk.claims.rates import Budget, Rates
from zk.claims.reasons import PATH, STATUS, ClaimReason, ClaimRefusedError
from zk.claims.serving import claims_app
from zk.exits import CommandError, Exit

pytestmark = needs_engine
STRANGER = VerifierName("school-99")
LISTED = (SCHOOL, SCHOOL_2, STRANGER)
CHILD = ("child",)


@dataclass(frozen=True)
class City:
    """The one city: its node, the header that everybody trusts, its service."""

    member: Member
    begin: Trusted
    desk: ClaimsDesk
    url: str

    @property
    def name(self) -> str:
        return self.member.city.name

    def remote(self, *grounds: Grounds, url: str = "", key: Any = VERIFIER_KEYS[SCHOOL]) -> RemoteClaims:
        service = ClaimsService(url or self.url, self.name)
        return RemoteClaims(service, key, grounds, self.begin)

    def asked(self, grounds: Grounds, /, **changes: Any) -> ClaimRequest:
        made = ClaimRequest(CHAIN, self.name, grounds, int(time.time()), self.begin.height, self.begin.hash)
        return replace(made, **changes)

    def row(self, grounds: Grounds) -> bytes | None:
        claim = grounds.claim
        with self.member.client() as client:
            return client.read(state.claim_key(claim.scope, claim.tag)).value


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), queue.Queue[int]()

    async def until_told() -> None:
        async with listening(app, "127.0.0.1", 0) as port:
            ready.put(port)
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(until_told()))
    thread.start()
    try:
        yield f"http://127.0.0.1:{ready.get(timeout=20)}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def registered(name: VerifierName) -> bytes:
    if name not in VERIFIER_KEYS:
        raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, "not published")
    return find_key(name)


def desk_of(
    member: Member, listed: Container[VerifierName] = LISTED, budget: Budget | None = None, **more: Any
) -> ClaimsDesk:
    url = f"http://127.0.0.1:{member.ports.rpc}"
    submitter = Submitter([url], CHAIN, member.city.name, lambda: [member.city.key])
    budget = budget or Budget(10_000, member.running.node.folder / "claims.day")
    return ClaimsDesk(submitter, listed, registered, Rates(10_000), budget, **more)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with consortium(tmp_path_factory.mktemp("cl"), 1) as cities:
        (member,) = cities.members
        with member.client() as client:
            begin = fetching.trusted(client, 1)
        desk = desk_of(member)
        with serving(claims_app(desk)) as url:
            yield City(member, begin, desk, url)


def child(number: int) -> Grounds:
    """What a claim follows from that no other test makes."""
    return replace(grounds_of(request(), verified(), CHILD)["child"], tag=bytes([number]) * 32)


def refusal(work: Callable[[], object]) -> ClaimReason:
    with pytest.raises(ClaimRefusedError) as caught:
        work()
    return caught.value.reason


def handled(desk: ClaimsDesk, octets: bytes) -> bytes:
    return desk.ordered(desk.judged(octets))


def test_a_claim_is_made_for_a_verifier_that_has_no_key_of_the_citys(city: City) -> None:
    own = grounds_of(request(), verified(), CHILD)["child"]
    remote = city.remote(own)
    claim_all(remote, request(), verified(), CHILD)
    assert remote.trusted.height > city.begin.height  # it goes on from what it was shown
    found = state.Claimed.parse(city.row(own) or b"")
    assert (found.operator, found.reference) == (city.name, own.claim.reference)
    claim_all(city.remote(own), request(), verified(), CHILD)  # after a crash: found to be its own
    other = grounds_of(request(), verified(1), CHILD)["child"]
    assert other.tag == own.tag
    assert not city.remote(other).is_first(other.claim)
    # The other school of the scope, by its own key, with the same answer: its reference is bound to its name.
    theirs = replace(own, verifier=SCHOOL_2)
    assert theirs.claim.reference != own.claim.reference
    assert not city.remote(theirs, key=VERIFIER_KEYS[SCHOOL_2]).is_first(theirs.claim)


def test_the_same_request_is_answered_the_same_and_claims_once(city: City) -> None:
    own = child(1)
    octets = city.asked(own).signed(VERIFIER_KEYS[SCHOOL]).to_bytes()
    found = list[state.Claimed]()

    def ask() -> None:
        answer = httpx.post(city.url + PATH, content=octets, timeout=90)
        assert answer.status_code == 200, answer.text
        found.append(ShownClaim.parse(answer.content).check(own.claim, city.begin, int(time.time()))[1])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    ask()
    assert found == [found[0]] * 4
    desk = desk_of(city.member)  # another process of the same service
    again = ShownClaim.parse(handled(desk, octets)).check(own.claim, city.begin, int(time.time()))[1]
    assert again == found[0]


def test_what_stands_already_uses_up_nobodys_day(city: City, tmp_path: Path) -> None:
    """Neither who was claimed elsewhere, however often that one comes, nor a request that is sent again."""
    key, file = VERIFIER_KEYS[SCHOOL_2], tmp_path / "day"

    def asked(grounds: Grounds, budget: Budget) -> state.Claimed:
        desk = desk_of(city.member, budget=budget)
        octets = handled(desk, city.asked(grounds).signed(key).to_bytes())
        return ShownClaim.parse(octets).check(grounds.claim, city.begin, int(time.time()))[1]

    taken = child(11)
    city.remote(taken).is_first(taken.claim)  # the other school's
    for number in range(3):
        again = replace(taken, verifier=SCHOOL_2, presentation=bytes([number]) * 32)
        assert asked(again, Budget(1, file)).reference == taken.claim.reference
    assert not file.exists()
    own, other = (replace(child(each), verifier=SCHOOL_2) for each in (12, 13))
    made = asked(own, Budget(1, file))
    assert made.reference == own.claim.reference
    assert refusal(lambda: asked(other, Budget(1, file))) is ClaimReason.CLAIM_TOO_MANY
    assert asked(own, Budget(1, file)) == made  # by another process, whose day is used up
    assert city.row(other) is None


def test_who_has_left_the_list_or_waited_too_long_by_then_claims_nothing(city: City) -> None:
    own, listed, now = child(14), {SCHOOL}, [time.time()]
    desk = desk_of(city.member, listed, now=lambda: now[0])
    judged = desk.judged(city.asked(own).signed(VERIFIER_KEYS[SCHOOL]).to_bytes())
    listed.clear()
    assert refusal(lambda: desk.ordered(judged)) is ClaimReason.CLAIM_NOT_LISTED
    listed.add(SCHOOL)
    now[0] += AGE_SECONDS + 5
    assert refusal(lambda: desk.ordered(judged)) is ClaimReason.CLAIM_STALE
    assert city.row(own) is None
    now[0] = time.time()
    desk.ordered(judged)
    assert city.row(own) is not None


def test_whose_claims_are_not_made(city: City) -> None:
    own, key = child(2), VERIFIER_KEYS[SCHOOL]

    def asked(by: Any = key, **changes: Any) -> ClaimReason:
        return refusal(lambda: handled(city.desk, city.asked(own, **changes).signed(by).to_bytes()))

    assert asked(by=VERIFIER_KEYS[SCHOOL_2]) is ClaimReason.CLAIM_SIGNATURE_INVALID
    assert asked(grounds=replace(own, verifier=SCHOOL_2)) is ClaimReason.CLAIM_SIGNATURE_INVALID
    assert asked(by=VERIFIER_KEYS[BANK], grounds=replace(own, verifier=BANK)) is ClaimReason.CLAIM_NOT_LISTED
    assert asked(grounds=replace(own, verifier=STRANGER)) is ClaimReason.CLAIM_NOT_LISTED
    assert asked(chain="west") is ClaimReason.CLAIM_ELSEWHERE
    assert asked(operator="city-9") is ClaimReason.CLAIM_ELSEWHERE
    for apart in (-AGE_SECONDS - 5, AGE_SECONDS + 5):
        assert asked(created=int(time.time()) + apart) is ClaimReason.CLAIM_STALE
    assert asked(header=bytes(32)) is ClaimReason.CLAIM_HEADER_UNKNOWN
    assert asked(height=1 << 40) is ClaimReason.CLAIM_NOT_NOW
    assert city.row(own) is None


def test_a_scope_that_the_verifier_is_not_in_or_that_not_all_have_signed(city: City) -> None:
    own = child(3)
    scope, signatures = own.scope.scope, own.scope.signatures
    elsewhere = JointScope("enrolment-2026", PURPOSE, (BANK, SCHOOL_2), str(SUITE))
    by_both = SignedJointScope(
        elsewhere, tuple(elsewhere.sign(VERIFIER_KEYS[each]) for each in (BANK, SCHOOL_2))
    )
    drawn_in = JointScope("enrolment-2026", PURPOSE, (SCHOOL, STRANGER), str(SUITE))
    for wrong in (
        by_both,
        SignedJointScope(scope, tuple(reversed(signatures))),
        SignedJointScope(scope, (signatures[0], bytes(64))),
        SignedJointScope(replace(scope, label="enrolment-2027"), signatures),
        SignedJointScope(drawn_in, (drawn_in.sign(VERIFIER_KEYS[SCHOOL]), bytes(64))),
    ):
        changed = replace(own, scope=wrong)
        octets = city.asked(changed).signed(VERIFIER_KEYS[SCHOOL]).to_bytes()
        assert refusal(partial(handled, city.desk, octets)) is ClaimReason.CLAIM_SCOPE_INVALID
    assert city.row(own) is None


def test_no_octet_of_a_request_can_be_changed(city: City) -> None:
    octets = city.asked(child(4)).signed(VERIFIER_KEYS[SCHOOL]).to_bytes()
    reasons = {ClaimReason.CLAIM_MALFORMED, ClaimReason.CLAIM_SIGNATURE_INVALID, ClaimReason.CLAIM_NOT_LISTED}
    for at in range(len(octets)):
        changed = bytearray(octets)
        changed[at] ^= 1
        assert refusal(partial(city.desk.judged, bytes(changed))) in reasons, at
    for cut in (0, 1, len(octets) - 1):
        assert refusal(partial(city.desk.judged, octets[:cut])) is ClaimReason.CLAIM_MALFORMED
    assert refusal(lambda: city.desk.judged(octets + b"\x00")) is ClaimReason.CLAIM_MALFORMED
    assert city.desk.judged(octets) == SignedClaimRequest.parse(octets).request
    for wrong in ({"created": 0}, {"height": 0}, {"height": True}, {"header": bytes(31)}):
        with pytest.raises(MalformedError):
            city.asked(child(4), **wrong)


def test_a_header_that_is_too_old_is_said_and_nothing_is_claimed(city: City) -> None:
    own, later = child(5), time.time() + TRUSTING_SECONDS
    desk = desk_of(city.member, now=lambda: later)
    octets = city.asked(own, created=int(later)).signed(VERIFIER_KEYS[SCHOOL]).to_bytes()
    assert refusal(lambda: handled(desk, octets)) is ClaimReason.CLAIM_HEADER_UNKNOWN
    assert city.row(own) is None


def test_what_is_too_long_or_no_request_is_refused_over_http(city: City) -> None:
    for body, status in ((b"x" * (MOST_ASKED + 1), 413), (b"{}", 400), (b"", 400)):
        answer = httpx.post(city.url + PATH, content=body)
        assert (answer.status_code, answer.text) == (status, "CLAIM_MALFORMED\n")
    assert httpx.get(city.url + PATH).status_code == 405
    assert httpx.post(f"{city.url}/v1/other", content=b"").status_code == 404


# a service that lies


def lying(answer: bytes, status: int = 200) -> ASGIApp:
    async def claim(_: Request) -> Response:
        return Response(answer, status)

    return application([Route(PATH, claim, methods=["POST"])])


def shown(city: City, grounds: Grounds, begin: Trusted) -> ShownClaim:
    with city.member.client() as client:
        claimant = Claimant(client, city.name, city.member.city.key, begin)
        claimant.claim(grounds.claim)
        return claimant.shown(grounds.claim, begin)


def test_a_service_that_lies_is_not_believed(city: City) -> None:
    own, other = child(6), child(7)
    honest, theirs = shown(city, own, city.begin), shown(city, other, city.begin)
    forged = state.Claimed(city.name, own.claim.reference, 1).to_bytes()
    later = honest.check(own.claim, city.begin, int(time.time()))[0]
    lies = {
        theirs.to_bytes(): OrderReason.ORDER_ROW_INVALID,  # the row of another tag
        replace(honest, row=theirs.row).to_bytes(): OrderReason.ORDER_ROW_INVALID,
        replace(honest, row=forged).to_bytes(): OrderReason.ORDER_ROW_INVALID,
        replace(honest, row=b"").to_bytes(): OrderReason.ORDER_ROW_INVALID,
        replace(honest, steps=()).to_bytes(): OrderReason.ORDER_MALFORMED,
        b"": OrderReason.ORDER_MALFORMED,
        honest.to_bytes()[:-1]: OrderReason.ORDER_MALFORMED,
        honest.to_bytes() + b"x": OrderReason.ORDER_MALFORMED,
    }
    for lie, reason in lies.items():
        with serving(lying(lie)) as url, pytest.raises(OrderError) as caught:
            city.remote(own, url=url).is_first(own.claim)
        assert caught.value.reason is reason
    # An old header, from before what the verifier has come to trust.
    with serving(lying(honest.to_bytes())) as url:
        remote = city.remote(own, url=url)
        with city.member.client() as client:
            remote.trusted = fetching.trusted(client, later.height + 1)
        with pytest.raises(OrderError) as caught:
            remote.is_first(own.claim)
    assert caught.value.reason is OrderReason.ORDER_TRUST_MISSING
    # A claim that the city has made with another reference is shown as it is: not the verifier's own.
    another = replace(own, presentation=bytes(32))
    assert not city.remote(another).is_first(another.claim)


def test_no_octet_of_an_answer_can_be_changed(city: City) -> None:
    own = child(8)
    honest, now = shown(city, own, city.begin), int(time.time())
    expected, octets = honest.check(own.claim, city.begin, now)[1], honest.to_bytes()
    for at in range(len(octets)):
        changed = bytearray(octets)
        changed[at] ^= 1
        try:
            found = ShownClaim.parse(bytes(changed)).check(own.claim, city.begin, now)[1]
        except OrderError:
            continue
        assert found == expected, at


@pytest.mark.parametrize(
    ("answer", "status", "code", "reason"),
    [
        (b"CLAIM_NOT_LISTED\n", 403, Exit.REFUSED, "CLAIM_NOT_LISTED"),
        (b"CLAIM_NOT_NOW\n", 503, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE"),
        (b"CLAIM_TOO_MANY\n", 429, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE"),
        (b"<html>\x1b[31m", 502, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE"),
        (b"CLAIM_INVENTED\n", 403, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE"),
        (b"x" * (MAX_OCTETS + 1), 200, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE"),
    ],
)
def test_what_a_service_says_instead_of_an_answer(
    answer: bytes, status: int, code: Exit, reason: str, city: City
) -> None:
    own = child(9)
    with serving(lying(answer, status)) as url, pytest.raises(CommandError) as caught:
        city.remote(own, url=url).is_first(own.claim)
    assert (caught.value.exit_code, caught.value.reason) == (code, reason)


def test_every_reason_has_a_status_and_a_service_that_is_not_there_is_away(city: City) -> None:
    assert set(STATUS) == set(ClaimReason)
    own = child(10)
    with pytest.raises(CommandError) as caught:
        city.remote(own, url="http://127.0.0.1:1").is_first(own.claim)
    assert caught.value.exit_code is Exit.UNREACHABLE
