"""The school of the measurement, in a process of its own: asks when it is told to, and says when it knows.

It reads a line for each question and answers with two: the link, once it watches, and the moment of its
verdict, on the clock that all processes of a machine share.
"""

import datetime as dt
import sys
import threading
import time
from pathlib import Path
from typing import Final

from disclosure import VerifierName
from tlog import Verifier
from verifier import CompositePolicy, keys, load_policy
from verifier.client import CompositeExchange, VerifierClient
from wire.client import Endpoint

SCHOOL: Final = VerifierName("school")
_PATIENCE: Final = dt.timedelta(seconds=30)
_SETTLES: Final = 0.02
"""So long it watches before the family begins: opening its stream is no part of the answer."""


def main() -> None:
    """Ask as often as there are lines; the arguments are server, root, log's key and the files' folder."""
    server, root, log, folder = sys.argv[1:]
    place = Path(folder)
    policy = load_policy(place / "policy.yaml")
    if not isinstance(policy, CompositePolicy):
        raise SystemExit("the question is of the composite form")
    endpoint = Endpoint.at(server, Path(root))
    key = keys.load(place / "school.pem")
    with VerifierClient(endpoint, SCHOOL, key, Verifier.from_string(log)) as client:
        for _ in sys.stdin:
            ask(client, policy)


def ask(client: VerifierClient, policy: CompositePolicy) -> None:
    """Ask, and watch until there is a verdict."""
    opened = client.ask(policy.request(SCHOOL, dt.datetime.now(dt.UTC), client.reader))
    watching = threading.Thread(target=_watch, args=(client, opened))
    watching.start()
    watching.join(_SETTLES)
    _say(opened.link)
    watching.join()


def _watch(client: VerifierClient, opened: CompositeExchange) -> None:
    client.wait(opened, _PATIENCE)
    _say(time.monotonic())


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
