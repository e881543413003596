"""Witnesses followed in the background and caught up with, against a real server."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import pytest

from bbs.accumulator import MembershipWitness
from prover import Vault
from prover.client import HolderClient
from prover.composite.records import HeldComposite, Standing
from prover.following import Following, Pauses
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT
from tests.prover.composite_town import NUMBER, CompositeTown
from tests.prover.conftest import Reopen
from tests.prover.test_prover_client import Away
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import new_id
from wire.client import Endpoint, ServiceError
from wire.client import call as wire_call
from wire.failures import UnavailableError
from wire.revocation import MAX_HANDLES, MAX_PAIRS

SHORT = Pauses(dt.timedelta(milliseconds=20), dt.timedelta(milliseconds=100), dt.timedelta(milliseconds=50))
MANY = 10_000


@pytest.fixture
def stocked(composite: CompositeTown, vault: Vault) -> Vault:
    composite.claimed(vault, PERMIT, person=new_id().encode())
    composite.claimed(vault, INSURANCE, required={"number": NUMBER})
    return vault


def standing(vault: Vault, schema: object) -> Standing:
    (held,) = [each for each in vault.composite.credentials() if each.schema == schema]
    assert held.standing is not None
    return held.standing


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def following(composite: CompositeTown, vault: Vault, client: HolderClient | None = None) -> Following:
    return Following(client or composite.client(), vault, composite.log, pauses=SHORT)


def test_witnesses_keep_up_with_every_epoch_and_end_with_the_context(
    composite: CompositeTown, stocked: Vault, reopen: Reopen
) -> None:
    threads = threading.active_count()
    with following(composite, stocked):
        for _ in range(2):
            for schema in (PERMIT, INSURANCE):
                newest = composite.town.run(composite.office(schema).revoke(*new_handles(2)))
                eventually(lambda s=schema, n=newest: standing(stocked, s).epoch == n)  # type: ignore[misc]
                assert standing(reopen(), schema).witness.verified().at == newest.position
    assert threading.active_count() <= threads + 4
    assert not [each for each in threading.enumerate() if each.name.startswith(("following", "departments/"))]


def test_what_is_claimed_meanwhile_is_followed_too(composite: CompositeTown, vault: Vault) -> None:
    with following(composite, vault):
        composite.claimed(vault, PERMIT, person=new_id().encode())
        newest = composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
        eventually(lambda: standing(vault, PERMIT).epoch == newest)


def test_a_revocation_is_written_down_and_the_thread_ends(
    composite: CompositeTown, stocked: Vault, reopen: Reopen
) -> None:
    (permit,) = [each for each in stocked.composite.credentials() if each.schema == PERMIT]
    with following(composite, stocked):
        composite.revoke(permit)
        eventually(lambda: standing(stocked, PERMIT).revoked is not None)
        newest = composite.town.run(composite.office(INSURANCE).revoke(*new_handles(1)))
        eventually(lambda: standing(stocked, INSURANCE).epoch == newest)
    found = reopen().credential(permit.id)
    assert isinstance(found, HeldComposite)
    assert found.revoked is not None
    assert standing(reopen(), INSURANCE).revoked is None


@dataclass(frozen=True)
class Failing(Endpoint):
    """The service's name where nobody listens, a few times; then the service."""

    tries: list[int] = field(default_factory=list)

    def channel(self) -> grpc.Channel:
        self.tries.append(0)
        return super().channel() if len(self.tries) > 3 else Away(self.server, b"").channel()


def test_without_a_way_to_the_service_it_tries_again(composite: CompositeTown, stocked: Vault) -> None:
    endpoint = Failing(composite.town.server, composite.town.endpoint.root_certificate)
    failures = list[Exception]()
    client = HolderClient(endpoint, clock=composite.town.city.clock)
    newest = composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
    with Following(client, stocked, composite.log, failed=failures.append, pauses=SHORT):
        eventually(lambda: standing(stocked, PERMIT).epoch == newest)
    assert {type(each) for each in failures} == {UnavailableError}
    assert {each.reason for each in failures if isinstance(each, ServiceError)} == {"UNAVAILABLE"}


class EnoughError(Exception):
    """The person closes the program."""


def test_ten_thousand_missed_are_caught_up_in_parts(
    composite: CompositeTown, stocked: Vault, reopen: Reopen
) -> None:
    before = standing(stocked, INSURANCE)
    handles = new_handles(MANY)
    for at in range(0, MANY, MAX_HANDLES):
        newest = composite.town.run(composite.office(INSURANCE).revoke(*handles[at : at + MAX_HANDLES]))
    left = list[int]()

    def interrupted(held: HeldComposite, missing: int) -> None:
        if held.schema == INSURANCE:
            left.append(missing)
            raise EnoughError

    with pytest.raises(EnoughError):
        composite.client().catch_up_all(stocked, composite.log, interrupted)
    kept = standing(reopen(), INSURANCE)
    # The old witness is what it was: it can be shown until the new one is verified.
    assert (kept.epoch, kept.witness.at) == (before.epoch, before.witness.at)
    assert kept.witness.verified()
    assert kept.partial is not None
    assert kept.partial.at.count == newest.position.count - left[0]
    rest = list[int]()
    caught = composite.client().catch_up_all(reopen(), composite.log, lambda _, missing: rest.append(missing))
    assert rest[-1] == 0
    assert len(rest) <= 1 + (left[0] + MAX_PAIRS - 1) // MAX_PAIRS
    assert {each.schema for each in caught} == {PERMIT, INSURANCE}
    after = standing(reopen(), INSURANCE)
    assert (after.epoch, after.partial) == (newest, None)
    assert after.witness.verified().y == before.witness.y


def test_stopped_in_the_middle_it_goes_on_at_the_next_start(
    composite: CompositeTown, stocked: Vault, reopen: Reopen, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = new_handles(MANY)
    for at in range(0, MANY, MAX_HANDLES):
        newest = composite.town.run(composite.office(INSURANCE).revoke(*handles[at : at + MAX_HANDLES]))
    met = threading.Event()
    keep = type(stocked.composite).keep_partial

    def kept(vault: object, name: str, partial: MembershipWitness | None) -> None:
        keep(vault, name, partial)  # type: ignore[arg-type]
        met.set()
        time.sleep(0.2)  # so that it is stopped before it is done

    monkeypatch.setattr(type(stocked.composite), "keep_partial", kept)
    with following(composite, stocked):
        assert met.wait(20)
    assert standing(reopen(), INSURANCE).partial is not None
    assert standing(reopen(), INSURANCE).witness.verified()
    monkeypatch.undo()
    with following(composite, stocked):
        eventually(lambda: standing(stocked, INSURANCE).epoch == newest)


def test_a_partial_witness_that_is_false_is_dropped_and_the_old_one_goes_on(
    composite: CompositeTown, vault: Vault
) -> None:
    held = composite.claimed(vault, HOUSEHOLD, person=new_id().encode())
    assert held.standing is not None
    newest = composite.town.run(composite.office(HOUSEHOLD).revoke(*new_handles(2)))
    true = held.standing.witness
    false = MembershipWitness(true.y, true.at.V, true.at)
    vault.composite.keep_partial(held.id, false)
    with pytest.raises(Exception, match="WITNESS_INVALID"):
        composite.client().catch_up_all(vault, composite.log)
    assert standing(vault, HOUSEHOLD).partial is None
    composite.client().catch_up_all(vault, composite.log)
    assert standing(vault, HOUSEHOLD).epoch == newest


def test_an_expired_credential_is_followed_no_more(composite: CompositeTown, stocked: Vault) -> None:
    composite.town.city.clock.ahead = dt.timedelta(days=200)
    caught = composite.client().catch_up_all(stocked, composite.log)
    assert [each.schema for each in caught] == [INSURANCE]


def test_nothing_that_is_sent_has_a_handle(
    composite: CompositeTown, stocked: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = list[bytes]()

    def call(method: object, request: object, **options: object) -> object:
        sent.append(request.SerializeToString())  # type: ignore[attr-defined]
        return wire_call(method, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("prover.client.witnesses.call", call)
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(2)))
    composite.client().catch_up_all(stocked, composite.log)
    handles = [each.credential.handle.to_bytes(32) for each in stocked.composite.credentials()]
    assert len(sent) >= 3
    assert not [each for each in sent for handle in handles if handle in each]
