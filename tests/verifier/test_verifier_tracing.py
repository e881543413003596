"""A verifier's trace goes on in the service, where its process traces; and a span is all that is sent."""

import asyncio
import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_trace_id

from tests.verifier.test_verifier_client import answer, client_of
from tests.zkservice.seeing import receiver, until
from tests.zkservice.support import city
from verifier.client import OpenExchange
from verifier.client.tracing import traceparent


async def test_what_a_verifier_does_is_one_trace_through_the_service(tmp_path: Path) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bank")
    with receiver() as collected:
        async with city(tmp_path / "server", trace_endpoint=collected.url) as town:
            issued = await town.claim(await town.issue())
            with client_of(town) as client:

                def ask() -> tuple[OpenExchange, str]:
                    token = context.attach(baggage.set_baggage("secret-of", "the-bank"))
                    try:
                        with tracer.start_as_current_span("secret-of-the-bank") as span:
                            asked = client.ask(town.request())
                            return asked, format_trace_id(span.get_span_context().trace_id)
                    finally:
                        context.detach(token)

                exchange, trace = await asyncio.to_thread(ask)
                await answer(town, exchange, issued)
                await asyncio.to_thread(client.wait, exchange, dt.timedelta(seconds=60))

        async def told() -> bool:
            return bool(collected.named("PresentationService/CreateExchange"))

        await until(told)
    spans = {each.name: each for each in collected.spans if "Service/" in each.name}
    assert spans["PresentationService/CreateExchange"].trace_id.hex() == trace
    assert spans["PresentationService/CreateExchange"].parent_span_id != b""
    assert spans["PresentationService/WatchExchange"].trace_id.hex() != trace, "no span was current then"
    assert spans["PresentationService/SubmitPresentation"].trace_id.hex() != trace
    assert b"secret-of" not in collected.octets


@pytest.mark.parametrize("sampled", [True, False])
def test_the_form_of_a_trace_context(sampled: bool) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    assert traceparent() is None
    provider = TracerProvider(sampler=ALWAYS_ON if sampled else ALWAYS_OFF, shutdown_on_exit=False)
    with provider.get_tracer("x").start_as_current_span("x"):
        carrier = dict[str, str]()
        TraceContextTextMapPropagator().inject(carrier)
        assert traceparent() == carrier["traceparent"]
    assert traceparent() is None


def test_the_client_does_not_load_opentelemetry_by_itself() -> None:
    program = "import sys, verifier.client; print([each for each in sys.modules if 'opentelemetry' in each])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
