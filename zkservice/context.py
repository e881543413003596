"""What the services share, put together by the composition root (`server`) and by nothing else."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from zkservice.access import Access
from zkservice.anchored import Anchored
from zkservice.anchoring import Anchoring
from zkservice.apart import Apart
from zkservice.callers import Callers
from zkservice.config import Settings
from zkservice.credentials import Secrets
from zkservice.directory import Directories
from zkservice.fields import Pages
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys
from zkservice.proofs import Proofs
from zkservice.sequencer import Sequencer
from zkservice.sessions import Sessions
from zkservice.signing_keys import SigningKeys
from zkservice.states import StatesReader
from zkservice.storage.database import Database
from zkservice.tokens import Tokens
from zkservice.watching import Watching
from zkservice.workers import Workers


@dataclass(frozen=True)
class Context:
    """The service's parts. `anchoring` asks the witnesses, where a policy demands any. `crypto` runs what
    takes longer than the event loop may be held up; `judges` judge presentations, and `signers` sign
    credentials. `apart` runs what strangers ask for."""

    settings: Settings
    database: Database
    sequencer: Sequencer
    anchored: Anchored
    anchoring: Anchoring | None
    proofs: Proofs
    states: StatesReader
    keys: Keys
    callers: Callers
    secrets: Secrets
    tokens: Tokens
    access: Access
    sessions: Sessions
    signing_keys: SigningKeys
    pages: Pages
    directories: Directories
    watching: Watching
    crypto: Executor
    apart: Apart
    judges: Workers
    signers: Workers
    clock: Callable[[], dt.datetime]
    log_keys: LogKeys

    @property
    def verifier_key(self) -> str:
        """The log's verifier key (C2SP signed-note): the old one while it changes its key."""
        return str(self.log_keys.current)

    def now(self) -> dt.datetime:
        """Return the time."""
        return self.clock()
