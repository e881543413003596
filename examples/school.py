"""A school asks one family, waits, and keeps the record: a script that blocks.

    python examples/school.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER POLICY.yaml RECORD.json

The arguments are those of bank_service.py; POLICY.yaml is a registered policy of the plain form. Prints the
link for the family, then what was shown.
"""

import datetime as dt
import json
import sys
from pathlib import Path

from disclosure import VerifierName
from tlog import Verifier
from verifier import Policy, VerifierError, check_policy, keys
from verifier.client import VerifierClient
from wire.client import Endpoint, ServiceError
from wire.failures import UnavailableError

USAGE = "usage: python examples/school.py SERVER ROOT.pem LOG.vkey KEY.pem VERIFIER POLICY.yaml RECORD.json"
ARGUMENTS = 7


def main(
    server: str, root: str, log_key: str, key: str, verifier: str, policy_file: str, record: str
) -> None:
    """Ask, wait, keep, print."""
    name, policy = VerifierName(verifier), Policy.load(Path(policy_file))
    log = Verifier.from_string(Path(log_key).read_text("utf-8").strip())
    with VerifierClient(Endpoint.at(server, Path(root)), name, keys.load(Path(key)), log) as client:
        check_policy(policy, client.directory_for(policy.schemas))
        exchange = client.ask(policy.request(name, dt.datetime.now(dt.UTC)))
        print(exchange.link, flush=True)
        answered = client.wait(exchange, dt.timedelta(minutes=5))
    answered.record.save(Path(record))
    for query in policy.queries:
        shown = answered.verified.credential(query.id)
        print(json.dumps({query.id: {each: str(value) for each, value in shown.values.items()}}))


if __name__ == "__main__":
    if len(sys.argv) != ARGUMENTS + 1:
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    try:
        main(*sys.argv[1:])
    except UnavailableError as error:
        sys.exit(f"the service is not reached, which was tried several times: {error.detail}")
    except (ServiceError, VerifierError) as error:
        sys.exit(str(error))
