"""A bank's service asks many customers at once, in one loop, and keeps a record of each answer.

    python examples/bank_service.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER POLICY.yaml FOLDER COUNT

SERVER is host:port, ROOT.pem the root of its certificate, LOG.vkey the log's key as the operator gives it,
KEY.pem the key that VERIFIER is registered with, POLICY.yaml a registered policy of either form. Prints a
line of JSON with each customer's link, then one for each outcome as it comes; records go to FOLDER.

Waiting for a customer takes no thread, so one process waits for as many as there are. What is verified runs
in a few threads beside the loop.
"""

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path

from disclosure import Request, VerifierName
from disclosure.composite import CompositeRequest
from tlog import Verifier
from verifier import Policy, VerifierError, check_composite_policy, check_policy, keys, load_policy
from verifier.aio import AsyncVerifierClient
from verifier.client import CompositeAnswered
from wire.client import Calling, Endpoint, ServiceError
from wire.repeating import Policy as RetryPolicy

USAGE = (
    "usage: python examples/bank_service.py "
    "SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER POLICY.yaml FOLDER COUNT"
)
ARGUMENTS = 8
PATIENCE = dt.timedelta(minutes=5)
CALLING = Calling(timeout=15, policy=RetryPolicy(attempts=8, longest=3))


async def request_of(
    client: AsyncVerifierClient, name: VerifierName, file: Path
) -> Request | CompositeRequest:
    """Make a fresh request of a policy, checked against the catalogue."""
    policy, now = load_policy(file), dt.datetime.now(dt.UTC)
    if isinstance(policy, Policy):
        check_policy(policy, await client.directory_for(policy.schemas))
        return policy.request(name, now)
    reader = client.client.reader  # reads what is published, and blocks: so in a thread of the client's
    return await client.run(lambda: check_composite_policy(policy, name, reader, now))


async def ask(client: AsyncVerifierClient, name: VerifierName, file: Path, folder: Path, number: int) -> None:
    """Ask one customer, wait, keep, print; that one fails stops no other."""
    try:
        exchange = await client.ask(await request_of(client, name, file))
        print(json.dumps({"customer": number, "link": str(exchange.link)}), flush=True)
        answered = await client.wait(exchange, PATIENCE)
    except (ServiceError, VerifierError) as error:
        print(json.dumps({"customer": number, "refused": error.reason}), flush=True)
        return
    path = folder / f"{number}.json"
    await asyncio.to_thread(answered.record.save, path)
    form = "composite" if isinstance(answered, CompositeAnswered) else "plain"
    print(json.dumps({"customer": number, "form": form, "record": path.name}), flush=True)


async def main(
    server: str, root: str, log_key: str, key: str, verifier: str, policy: str, folder: str, count: str
) -> None:
    """Ask them all."""
    name, log = VerifierName(verifier), Verifier.from_string(Path(log_key).read_text("utf-8").strip())
    endpoint = Endpoint.at(server, Path(root), CALLING)
    async with (
        AsyncVerifierClient(endpoint, name, keys.load(Path(key)), log) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for number in range(int(count)):
            tasks.create_task(ask(client, name, Path(policy), Path(folder), number))


if __name__ == "__main__":
    if len(sys.argv) != ARGUMENTS + 1:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    asyncio.run(main(*sys.argv[1:]))
