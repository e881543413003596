"""What a vault's calls carry besides their messages, as the server sees it over the wire: nothing to link by.

The holder's process has a current span of a real tracer the whole time, as a phone's other parts might.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import grpc
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider

from prover import CompositeConsent, Consent, PresentingError, Vault
from prover.client import HolderClient
from tests.prover.town import Town, running
from verifier.client.tracing import traceparent
from zkservice.observing.carried import CARRYING
from zkservice.observing.interceptor import Observing

TRANSPORT: Final = {"user-agent", "accept-encoding", "grpc-accept-encoding"}
"""What gRPC itself sends with each call; there is no way to ask it not to."""
AGENT: Final = re.compile(r"grpc-python/[0-9.]+ grpc-c/[0-9.]+ \((linux|osx|windows); chttp2\)")
OF_THE_TEST: Final = "grpc-python-asyncio/"
"""The agent of the department and the verifier, which this test plays over another kind of channel."""

USED: Final = (
    "ClaimCredential", "AcknowledgeCredential", "FetchRequest", "SubmitPresentation", "DeclineExchange"
)  # fmt: skip

Seen = list[tuple[str, tuple[tuple[str, str | bytes], ...]]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Record the metadata of every call that a vault makes, before any interceptor has looked at it."""
    calls: Seen = []
    intercept = Observing.intercept_service

    async def recorded(self: Observing, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        metadata = tuple(details.invocation_metadata or ())
        if not any(str(value).startswith(OF_THE_TEST) for _, value in metadata):
            calls.append((details.method, metadata))
        return await intercept(self, continuation, details)

    monkeypatch.setattr(Observing, "intercept_service", recorded)
    return calls


@pytest.fixture
def traced() -> Iterator[None]:
    """Have a current span, with baggage."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("phone")
    token = context.attach(baggage.set_baggage("whose", "mine"))
    try:
        with tracer.start_as_current_span("a whole day"):
            assert traceparent() is not None
            yield
    finally:
        context.detach(token)


@pytest.fixture
def watched(seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with running(tmp_path_factory.mktemp("server")) as town:
        yield town
    assert seen


def agree(_: Consent | CompositeConsent) -> bool:
    return True


@pytest.mark.usefixtures("traced")
def test_no_call_of_a_vault_carries_anything_to_link_it_by(watched: Town, vault: Vault, seen: Seen) -> None:
    client: HolderClient = watched.client()
    client.claim(watched.offer(), vault, watched.log)
    _, link = watched.ask(shown=("district",))
    client.answer(link, vault, watched.log, agree)
    _, declined = watched.ask(shown=("district", "since"))
    with pytest.raises(PresentingError):
        client.answer(declined, vault, watched.log, lambda _: False)
    called = {method.rpartition("/")[2] for method, _ in seen}
    assert called >= set(USED)
    assert not {method for method, _ in seen} & CARRYING
    for method, metadata in seen:
        names = {name for name, _ in metadata}
        assert names <= TRANSPORT, (method, names)
        (agent,) = [str(value) for name, value in metadata if name == "user-agent"]
        assert AGENT.fullmatch(agent), "the transport's own, and nothing of this program or its machine"
    assert trace.get_current_span().get_span_context().is_valid
