"""A check service as a process of its own, over TLS, with the parties that speak to it."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from disclosure import Schema, Value
from disclosure.keyed import (
    CheckKeys,
    KeyedHolding,
    KeyedPresentation,
    KeyedRequest,
    KeyedSecret,
    KeyedVerdict,
    accept_keyed,
    ask_for_keyed,
    present_keyed,
)
from tests.disclosure.keyed.world import (
    COUNTER,
    DEPARTMENT,
    INSURANCE,
    PENSION,
    PENSION_VALUES,
    SCHEMAS,
    VALUES,
)
from tests.disclosure.keyed.world import request as asked_at
from wire.client import Endpoint, ServiceError
from wire.keyed import CheckService, Issuance
from zkservice.keyed.counters import admit

ROOT = Path(__file__).parents[3]


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def fresh(keys: CheckKeys, **changed: Any) -> KeyedRequest:
    """A counter's request of now, with everything in it."""
    asked, moment = asked_at(keys), now()
    queries = tuple(
        replace(each, expiry=type(each.expiry)(moment.date() + dt.timedelta(days=60)))  # type: ignore[call-arg]
        if hasattr(each.expiry, "day")
        else each
        for each in asked.queries
    )
    times = {"created": moment, "expires": moment + dt.timedelta(minutes=10)}
    return replace(asked, queries=queries, **{**times, **changed})


@dataclass(frozen=True)
class Running:
    """A started process, and a channel to it."""

    folder: Path
    pid: int
    address: str
    digest: bytes
    service: CheckService
    counter_token: str = field(repr=False)

    @property
    def staff_token(self) -> str:
        return (self.folder / "admin.token").read_text().strip()

    @property
    def keys(self) -> CheckKeys:
        return self.service.keys(self.digest)

    def endpoint(self) -> Endpoint:
        return Endpoint.at(self.address, self.folder / "ca.pem")

    def issue(
        self, secret: KeyedSecret, keys: CheckKeys, schema: Schema, values: Mapping[str, Value]
    ) -> tuple[KeyedHolding, Issuance]:
        terms = self.service.begin(schema, self.staff_token)
        commitment, pending = ask_for_keyed(terms, secret, schema, keys)
        answer = self.service.issue(terms, commitment, list(values.items()), schema, self.staff_token)
        return accept_keyed(pending, answer.issued, secret, schema, keys), answer


@dataclass(frozen=True)
class Person:
    """A holder with both credentials of a process."""

    holdings: Mapping[str, KeyedHolding]
    keys: CheckKeys

    @classmethod
    def of(cls, running: Running) -> "Person":
        keys = running.keys
        secret = KeyedSecret.generate(keys.curve)
        holdings = {
            "insurance": running.issue(secret, keys, INSURANCE, VALUES)[0],
            "pension": running.issue(secret, keys, PENSION, PENSION_VALUES)[0],
        }
        return cls(holdings, keys)

    def answers(self, asked: KeyedRequest) -> KeyedPresentation:
        return present_keyed(asked, self.holdings, self.keys, SCHEMAS, now())


def command(folder: Path, *arguments: str) -> list[str]:
    base = ["--data", str(folder), "--department", DEPARTMENT, "--dev", "--port", "0"]
    return [sys.executable, "-m", "zkservice.keyed", *base, *arguments]


@contextmanager
def running(folder: Path, *arguments: str, ends: int = 0) -> Iterator[Running]:
    """Run the process until the block ends; its standard error goes to a file beside the folder.

    `ends` is the exit code that it must end with, negative for a signal.
    """
    with folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            command(folder, *arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=log, env=dict(os.environ)
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode().split()
        assert len(line) == 2, folder.with_suffix(".log").read_text()
        endpoint = Endpoint.at(line[0], folder / "ca.pem")
        token = admit(folder, COUNTER)
        with CheckService(endpoint) as service:
            yield Running(folder, process.pid, line[0], bytes.fromhex(line[1]), service, token)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == ends
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def together(*calls: Any) -> list[Any]:
    """Run calls in threads, at the same time."""
    return await asyncio.gather(*(asyncio.to_thread(each) for each in calls), return_exceptions=True)


def refusal(call: Callable[[], Any]) -> str:
    """Return the reason of a refusal, "OK" where there is none."""
    try:
        call()
    except ServiceError as error:
        return error.reason
    return "OK"


def check(running: Running, asked: Any, presented: Any, token: str | None = None) -> KeyedVerdict:
    return running.service.check(asked, presented, SCHEMAS, token or running.counter_token)
