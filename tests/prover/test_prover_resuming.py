"""What was broken off is gone on with, each by itself."""

from dataclasses import replace
from pathlib import Path

import grpc

from prover import Consent, UsageState, Vault
from prover.composite.telling import CompositeConsent
from tests.prover.composite_town import CompositeTown
from tests.prover.making import refused
from tests.prover.proxy import proxied
from wire.client import ServiceError


def agree(_: Consent | CompositeConsent) -> bool:
    return True


def test_a_use_that_the_service_is_at_fault_with_holds_up_no_other(
    composite: CompositeTown, vault: Vault, tmp_path: Path
) -> None:
    """`resume` settles what can be settled, and then tells what could not."""
    stocked = composite.stock(vault)
    (tmp_path / "proxy").mkdir()
    with proxied(composite, tmp_path / "proxy") as proxy:
        holder, first = proxy.client(composite), list[bytes]()
        proxy.refuse["SubmitPresentation"] = grpc.StatusCode.UNAVAILABLE
        for _ in range(2):
            _, link = composite.ask(composite.small())
            there = replace(link, server=proxy.endpoint.server)
            refused(ServiceError, "UNAVAILABLE", holder.answer, there, stocked, composite.log, agree)
        assert [each.state for each in stocked.usages()] == [UsageState.SENT] * 2

        def broken(asked: bytes, answered: bytes) -> bytes:
            first.extend([] if first else [asked])
            if asked == first[0]:
                raise ValueError("the service is at fault with this one")
            return answered

        proxy.refuse.clear()
        proxy.alter["SubmitPresentation"] = broken
        refused(ServiceError, "UNKNOWN", holder.resume, stocked, composite.log)
        assert {each.state for each in stocked.usages()} == {UsageState.SENT, UsageState.ANSWERED}
        proxy.alter.clear()
        holder.resume(stocked, composite.log)
        assert [each.state for each in stocked.usages()] == [UsageState.ANSWERED] * 2
