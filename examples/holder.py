"""A holder claims what a department offers and answers who asks: a script around a vault.

    python examples/holder.py SERVER ROOT.pem LOG.vkey VAULT claim 'zk://offer?...'
    python examples/holder.py SERVER ROOT.pem LOG.vkey VAULT answer 'zk://present?...'

The vault's passphrase is the first line of standard input; a vault that is not there is made. `answer`
prints what is asked and shows nothing unless the next line is `yes`. What was broken off before is gone on
with first.
"""

import asyncio
import sys
from pathlib import Path

from disclosure import DisclosureError, ExchangeLink, OfferLink
from prover import CompositeConsent, Consent, Vault, VaultError, consent_lines
from prover.aio import AsyncHolderClient, awaiting
from tlog import Verifier
from wire.client import Endpoint, ServiceError

USAGE = "usage: python examples/holder.py SERVER ROOT.pem LOG.vkey VAULT claim|answer LINK"
ARGUMENTS = 6


async def line() -> str:
    """Read a line without holding up the loop."""
    said: str = await asyncio.to_thread(sys.stdin.readline)
    return said.rstrip("\n")


async def agrees(consent: Consent | CompositeConsent) -> bool:
    """Show what is asked, and ask."""
    if isinstance(consent, CompositeConsent):
        return False  # this script shows the plain form; `zk vault present` shows both
    for each in consent_lines(consent, "en"):
        print(each.text)
    print("Show this? (yes/no)", flush=True)
    return await line() == "yes"


async def main(server: str, root: str, log_key: str, file: str, verb: str, link: str) -> None:
    """Open the vault, go on with what was broken off, do what is asked."""
    log = Verifier.from_string(Path(log_key).read_text("utf-8").strip())
    path, passphrase = Path(file), await line()
    opened = await asyncio.to_thread(Vault.open if path.exists() else Vault.create, path, passphrase)
    with opened as vault:
        async with AsyncHolderClient(Endpoint.at(server, Path(root))) as holder:
            await holder.resume(vault, log)
            if verb == "claim":
                held = await holder.claim(OfferLink.parse(link), vault, log)
                print(f"kept {held.credential.schema}")
            else:
                usage = await holder.answer(ExchangeLink.parse(link), vault, log, awaiting(agrees))
                print(f"answered, with receipt: {usage.id}")


if __name__ == "__main__":
    if len(sys.argv) != ARGUMENTS + 1 or sys.argv[5] not in ("claim", "answer"):
        print(USAGE, file=sys.stderr)
        sys.exit(2)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (ServiceError, VaultError, DisclosureError) as error:
        sys.exit(str(error))
