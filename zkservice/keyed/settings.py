"""Settings of a check service: those of the server that concern a process of this kind, and its own two."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from zkservice.config import Settings

DEFAULT_PORT: Final = 8444


class CheckSettings(Settings):
    """What a check service is started with.

    `data` is its own folder, never the server's. Folder, department and curve belong together for ever: the
    key is sealed for them. Which of the server's settings count here: `dev`, `host`, `port`, `public_host`,
    `certificate`, `private_key`, those of `key_provider`, `drain_seconds`, `max_message_octets`,
    `max_concurrent_calls`, `max_connections`, `call_seconds`, `trusted_proxies`, those of rates, bursts and
    calls, `log_level`.
    """

    data: Path
    department: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    """The department whose credentials it issues and checks: the key is sealed for it."""
    curve: Literal["P-256", "SM2"] = "P-256"
    """The curve of its key, P-256 or SM2, for ever."""
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    """The port on which it listens; 0 takes a free one."""
