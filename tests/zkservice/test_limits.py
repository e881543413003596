"""Buckets, tenants and costs by themselves: what is charged to whom, and what nobody gets around."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkservice import tenants
from zkservice.buckets import Allowance, Buckets
from zkservice.config import Settings
from zkservice.costs import DEAREST, LISTING, NAMED, READ, WRITE, cost_of, cost_of_answer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.services.roster import DESCRIPTORS
from zkservice.status import CODES, RETRY_SECONDS, Code, status_of
from zkservice.supervising import divided
from zkservice.tenants import Call, address_of, networks


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


# Buckets


def test_a_bucket_gives_its_burst_and_then_its_rate(clock: Clock) -> None:
    bucket = Buckets(Allowance(10, 30, 5), 10, clock).of("a")
    assert [bucket.spend(10, clock.now) for _ in range(3)] == [0, 0, 0]
    assert bucket.spend(10, clock.now) == pytest.approx(1.0)
    clock.now += 0.5
    assert bucket.spend(10, clock.now) == pytest.approx(0.5), "what is refused costs nothing"
    clock.now += 0.5
    assert bucket.spend(10, clock.now) == 0


def test_what_costs_more_than_a_bucket_holds_is_paid_off_later(clock: Clock) -> None:
    bucket = Buckets(Allowance(10, 30, 5), 10, clock).of("a")
    assert bucket.spend(100, clock.now) == 0
    assert bucket.spend(1, clock.now) == pytest.approx(7.1)
    clock.now += 7.2
    assert bucket.spend(1, clock.now) == 0


def test_a_clock_that_goes_back_gives_nothing(clock: Clock) -> None:
    bucket = Buckets(Allowance(10, 30, 5), 10, clock).of("a")
    assert bucket.spend(30, clock.now) == 0
    assert bucket.spend(30, clock.now - 100) > 0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 40)), max_size=60))
def test_nobody_gets_more_than_burst_and_rate(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    bucket, begun, taken, dearest = Buckets(Allowance(7, 20, 5), 10, clock).of("a"), clock.now, 0.0, 0.0
    for pause, cost in steps:
        clock.now += pause
        if bucket.spend(cost, clock.now) == 0:
            taken, dearest = taken + cost, max(dearest, cost)
    assert taken <= 20 + 7 * (clock.now - begun) + max(0.0, dearest - 20) + 1e-6


def test_nobody_resets_a_bucket_by_coming_from_many_addresses(clock: Clock) -> None:
    buckets = Buckets(Allowance(1, 100, 5), 50, clock)
    assert buckets.of("victim of its own").spend(100, clock.now) == 0
    for number in range(5000):
        buckets.of(f"address {number}").spend(1, clock.now)
        clock.now += 0.001
    assert len(buckets) == 50
    assert buckets.of("victim of its own").spend(100, clock.now) > 90, "it was not forgotten"


def test_further_tenants_share_few_buckets_and_each_always_the_same(clock: Clock) -> None:
    buckets = Buckets(Allowance(1, 100, 5), 10, clock)
    for number in range(10):
        buckets.of(f"early {number}").spend(50, clock.now)
    late = {id(buckets.of(f"late {number}")) for number in range(3000)}
    assert len(late) <= 64
    assert buckets.of("late 7") is buckets.of("late 7")
    clock.now += 1000  # all are full again
    own = buckets.of("late 7")
    assert own is buckets.of("late 7")
    assert id(own) not in late, "there is room for it now"
    assert len(buckets) == 10


def test_a_tenant_with_calls_under_way_is_never_forgotten(clock: Clock) -> None:
    buckets = Buckets(Allowance(1, 100, 5), 20, clock)
    busy = buckets.of("busy")
    busy.calls = 3
    for number in range(500):
        buckets.of(f"address {number}")
        clock.now += 1
    assert buckets.of("busy") is busy


def test_what_was_done_already_leaves_a_debt_of_a_full_bucket_at_most(clock: Clock) -> None:
    bucket = Buckets(Allowance(10, 30, 5), 10, clock).of("a")
    bucket.owe(10, clock.now)
    assert bucket.spend(20, clock.now) == 0, "it is charged"
    bucket.owe(25, clock.now)
    assert bucket.spend(5, clock.now) == pytest.approx(3.0)
    for _ in range(100):
        bucket.owe(1000, clock.now)
    assert bucket.spend(5, clock.now) == pytest.approx(3.5), "and paid off in the time of a full one"
    assert not bucket.is_idle(clock.now)
    assert bucket.is_idle(clock.now + 6.1)


def test_a_debt_that_is_larger_stays(clock: Clock) -> None:
    bucket = Buckets(Allowance(10, 30, 5), 10, clock).of("a")
    assert bucket.spend(100, clock.now) == 0
    bucket.owe(1, clock.now)
    assert bucket.spend(1, clock.now) == pytest.approx(7.1)


# Tenants


@pytest.mark.parametrize(
    ("peer", "tenant"),
    [
        ("ipv4:192.0.2.1:4000", "address/192.0.2.1"),
        ("ipv6:%5B2001:db8:1:2:3:4:5:6%5D:4000", "address/2001:db8:1:2::/64"),
        ("ipv6:[2001:db8:1:2::9]:1", "address/2001:db8:1:2::/64"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:4000", "address/192.0.2.1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4000", "address/fe80::/64"),
        ("unix:/run/zk.sock", "address/local"),
        ("ipv4:nonsense", "address/local"),
        ("", "address/local"),
    ],
)
def test_a_peer_is_charged_by_its_address(peer: str, tenant: str) -> None:
    assert address_of(peer, (), ()) == (tenant, False)


PROXIES = networks("10.0.0.0/8, 2001:db8:ffff::/48")
FORWARDED = [
    (["203.0.113.9"], "203.0.113.9"),
    (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),  # what stands to the left was written by the client
    (["203.0.113.9, 10.1.1.1"], "203.0.113.9"),
    (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
    (["10.1.1.1, 10.1.1.2"], "10.1.1.1"),
    (["2001:db8:5:6:7::1"], "2001:db8:5:6::/64"),
    (["nonsense"], "10.0.0.1"),
    (["203.0.113.9, nonsense"], "10.0.0.1"),
    (["203.0.113.9:4000"], "10.0.0.1"),
    ([""], "10.0.0.1"),
    ([], "10.0.0.1"),
    ([", ".join(["198.51.100.1"] * 500 + ["10.1.1.1"] * 40)], "10.1.1.1"),
]


@pytest.mark.parametrize(("headers", "address"), FORWARDED)
def test_behind_a_trusted_proxy_the_last_untrusted_address_counts(headers: list[str], address: str) -> None:
    metadata = [("x-forwarded-for", each) for each in headers]
    assert address_of("ipv4:10.0.0.1:5", metadata, PROXIES) == (f"address/{address}", True)
    assert address_of("ipv4:192.0.2.7:5", metadata, PROXIES) == ("address/192.0.2.7", False), "forged"
    assert address_of("ipv4:10.0.0.1:5", metadata, ()) == ("address/10.0.0.1", False)


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_stranger_writes_names_one_tenant(peer: str, header: str) -> None:
    tenant, _ = address_of(peer, [("x-forwarded-for", header)], PROXIES)
    assert tenant.startswith("address/")
    tenant, _ = address_of("ipv4:10.0.0.1:5", [("x-forwarded-for", header)], PROXIES)
    assert tenant.startswith("address/")


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.1/8", "proxy.example", "10.0.0.0/8 ::1"])
def test_networks_that_are_none_are_refused_as_a_setting(text: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=text)


# Costs, and what a refusal says


def test_every_method_has_a_cost_and_no_other_has_one_of_its_own() -> None:
    methods = {f"{each.name}/{method.name}" for each in DESCRIPTORS for method in each.methods}
    assert methods >= NAMED
    for method in methods:
        assert cost_of(f"/zkproto.v1.{method}") >= READ
    assert cost_of("/zkproto.v1.LedgerService/GetCheckpoint") == READ
    assert cost_of("/zkproto.v1.CatalogService/ListSchemas") == LISTING
    assert cost_of("/zkproto.v1.CatalogService/CreateItem") == WRITE
    assert cost_of("/grpc.health.v1.Health/Check") == READ


def details(error: ServiceError) -> dict[str, Any]:
    """Return a status's details by the name of their type."""
    from google.rpc import error_details_pb2

    found = {}
    for each in status_of(error).details:
        name = each.type_url.rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        assert each.Unpack(message)
        found[name] = message
    return found


def test_what_passes_by_itself_says_when_to_try_again() -> None:
    unavailable = {each for each in CODES if CODES[each] is Code.UNAVAILABLE}
    assert {*RETRY_SECONDS} >= unavailable | {"OVERLOADED", "DELIVERIES_FULL", "RATE_LIMITED"}
    for reason in RETRY_SECONDS:
        said = details(ServiceError(ServiceReason(reason), "later"))
        assert said["RetryInfo"].retry_delay.ToMilliseconds() > 0
    own = details(ServiceError(ServiceReason.RATE_LIMITED, "later", retry_seconds=2.25, quota="an address"))
    assert own["RetryInfo"].retry_delay.ToMilliseconds() == 2250
    assert own["QuotaFailure"].violations[0].subject == "an address"
    assert "RetryInfo" not in details(ServiceError(ServiceReason.NOT_FOUND, "no"))
    assert "RetryInfo" not in details(ServiceError(ServiceReason.TOO_MANY_ATTEMPTS, "never again"))


def test_an_answer_costs_by_its_octets_beyond_what_its_call_has_paid() -> None:
    assert cost_of_answer(0) == cost_of_answer(16 << 10) == 0
    assert cost_of_answer(20 << 10) == 1
    assert cost_of_answer(2 << 20) == pytest.approx(508)


def test_what_nobody_is_charged_for_owes_nothing() -> None:
    tenants.owe(1e9)
    free = Call("address/203.0.113.1", "", False, 0, *(lambda _: None,) * 3)
    free.owe(1e9)


@pytest.mark.parametrize("servers", [1, 2, 64])
def test_members_of_one_server_give_together_what_its_settings_say(servers: int) -> None:
    told = Settings(
        servers=servers, rate_anonymous=100, burst_anonymous=1000, rate_named=0.001, burst_named=20
    )
    each = divided(told)
    assert each.rate_anonymous * servers == pytest.approx(100)
    assert each.burst_anonymous == max(DEAREST, 1000 / servers)
    assert each.rate_named == 0.001, "no less than a setting takes"
    assert each.burst_named == 20, "less than the dearest call costs is not divided"
    assert Settings(**each.model_dump()) == each, "a member reads them anew"
    unlike = {name for name in Settings.model_fields if getattr(told, name) != getattr(each, name)}
    assert unlike <= {"rate_anonymous", "burst_anonymous", "rate_named", "burst_named"}
