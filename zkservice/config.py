"""Settings: arguments over environment (ZK_...) over the file `zk.toml` in the data folder over defaults."""

import os
import tomllib
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wire.batch import MESSAGE_OCTETS
from zkservice.tenants import networks

DEFAULT_DATA: Final = Path.home() / ".zk" / "server"
DEFAULT_PORT: Final = 8443
_CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Those that this process may use, which a container limits."""


class Settings(BaseSettings):
    """All settings of the server, each with its meaning and unit: docs/settings.md is made from them.

    Raises pydantic's ValidationError, which names the setting. A `ZK_` variable that names no setting is not
    refused, since the `zk` command has variables of its own.
    """

    model_config = SettingsConfigDict(
        env_prefix="ZK_", extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    data: Path = DEFAULT_DATA
    """The folder that holds everything the server keeps, mode 0700."""
    dev: bool = False
    """Make and keep a local certificate authority, and a certificate by it, in the data folder."""
    two_persons: bool | None = None
    """What can harm takes two administrators (docs/administration.md); unless it is said, everywhere but with
    `dev`."""
    host: str = "127.0.0.1"
    """The address on which it listens; 0.0.0.0 and :: are all of the machine's."""
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    """The port on which it listens; 0 takes a free one."""
    public_host: str = "localhost"
    """The name that clients connect to: it stands in links, and in the certificate of `dev`."""
    database: str = Field(default="", repr=False)
    """An SQLAlchemy URL; empty for SQLite in the data folder. A password in it is never shown or logged."""
    certificate: Path | None = None
    """PEM file of the server's certificate, followed by those between it and its authority; instead of
    `dev`'s."""
    private_key: Path | None = None
    """PEM file of the certificate's private key, readable by the server alone: open, or encrypted under the
    keyring by `zk keys protect` (docs/keys.md)."""
    key_provider: Literal["plain", "file", "environment", "command", "plugin"] = "plain"
    """Who wraps the master keys at rest (docs/keys.md); with `plain` they lie in the data folder as they
    are."""
    key_file: Path | None = None
    """With `file`: the file of 32 octets that wraps, mode 0600, outside of the data folder."""
    key_variable: str = "ZK_KEYRING_KEY"
    """With `environment`: the variable that holds the wrapping key in base64."""
    key_command: tuple[str, ...] = ()
    """With `command`: the program and its arguments that wrap and unwrap."""
    key_command_seconds: float = Field(default=10.0, ge=0.1, le=120)
    """Seconds that the command has to answer."""
    key_plugin: str = ""
    """With `plugin`: the factory, as `module:name`."""
    key_plugin_options: dict[str, str] = Field(default_factory=dict, repr=False)
    """What the plugin is given; never shown or logged."""
    log_origin: str = Field(default="zk-disclosure.example/log", pattern=r"^[a-z0-9./-]{1,100}$")
    """The name of the log and of its key, for ever: set it before the first start."""
    policy: Path | None = None
    """A file (C2SP tlog-policy) that names this log, its witnesses with their URLs, and the quorum of them
    that makes a checkpoint anchored."""
    checkpoint_ms: int = Field(default=1000, ge=100, le=60_000)
    """Milliseconds: the witnesses are asked at most so often."""
    witness_seconds: float = Field(default=3.0, ge=0.1, le=30)
    """Seconds that each witness has to answer."""
    witness_roots: Path | None = None
    """PEM file of the only certificate authorities that the witnesses' HTTPS is verified against; without it
    the system's."""
    http_host: str = "127.0.0.1"
    """The address on which the log is served over HTTP."""
    http_port: int | None = Field(default=None, ge=0, le=65535)
    """The port on which the log is served over HTTP, with the server's own certificate; without it the log is
    not served so."""
    http_plain: bool = False
    """Serve the log over HTTP without TLS: behind a proxy that has the certificate, or on loopback."""
    metrics_host: str = "127.0.0.1"
    """The address on which metrics and readiness are served over HTTP, without TLS."""
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """The port of metrics and readiness (docs/observability.md); without it they are not served. Of several
    `servers` on one port each has the next one."""
    trace_endpoint: str = Field(default="", repr=False, pattern=r"^(https?://[!-~]+)?$")
    """URL of an OTLP receiver (HTTP) that gets spans, path included; wants the extra `tracing`."""
    trace_share: float = Field(default=1.0, ge=0, le=1)
    """The share of traces that is exported, 0 to 1."""
    offer_days: int = Field(default=30, ge=1, le=365)
    """Days that an offer lives; a claimed one that no vault acknowledged ends with it too."""
    registration_days: int = Field(default=7, ge=1, le=90)
    """Days that a code for an account can be used."""
    epoch_hours: int = Field(default=24, ge=1, le=720)
    """Hours: a list of revocations that had no new epoch for so long gets one. Keep it below the age that
    policies accept."""
    accept_secrets: bool = True
    """Whether every method takes the secret of an administrator, department, regulator or operator itself;
    with false only the one does that makes a token of it (docs/identity.md)."""
    demand_challenge: bool = False
    """Whether sessions are opened over a challenge of the service's alone (docs/identity.md)."""
    client_port: int | None = Field(default=None, ge=0, le=65535)
    """A second port, on which each connection shows a certificate that names the party that calls."""
    client_ca: Path | None = None
    """PEM file of the authorities that sign the certificates of callers; with `client_port`."""
    client_crl: Path | None = None
    """A file, or a folder of files, with a revocation list (PEM or DER) of each authority in `client_ca`,
    read anew when they change: a certificate that is on it is refused, and every one while there is no list
    that counts."""
    drain_seconds: float = Field(default=10.0, ge=0, le=300)
    """Seconds that calls in flight may take at the end."""
    max_message_octets: int = Field(default=MESSAGE_OCTETS, ge=16 << 10, le=4 << 20)
    """Octets: larger messages are refused as MESSAGE_TOO_LARGE; beyond twice as many (at most 4 MiB) gRPC
    itself ends the call."""
    max_concurrent_calls: int = Field(default=1000, ge=1)
    """Calls at the same time; more are refused by gRPC with RESOURCE_EXHAUSTED. Each kind of watcher has a
    quarter of it at most, all kinds together a half."""
    max_connections: int | None = Field(default=None, ge=1, le=1_000_000)
    """Connections at the same time to each port of gRPC; further ones are closed at once. Header blocks may
    take some 50 MiB of each (docs/limits.md). Without it there are so many, from 16 to 2048, that those of
    all ports and `servers` take half of the memory that the machine or the control group has. Behind a proxy
    set it to what the proxy opens."""
    trusted_proxies: str = ""
    """Networks (CIDR, with commas between them) of the proxies whose `x-forwarded-for` counts."""
    rate_anonymous: float = Field(default=5000, ge=0.001, le=1e9)
    """Units a second (docs/limits.md) that an address may spend that has shown no token."""
    burst_anonymous: float = Field(default=20_000, ge=1, le=1e9)
    """Units that such an address may spend at once."""
    calls_anonymous: int = Field(default=500, ge=1)
    """Calls that such an address may have under way."""
    rate_named: float = Field(default=10_000, ge=0.001, le=1e9)
    """Units a second that whoever has shown a token may spend."""
    burst_named: float = Field(default=50_000, ge=1, le=1e9)
    """Units that whoever has shown a token may spend at once."""
    calls_named: int = Field(default=500, ge=1)
    """Calls that whoever has shown a token may have under way."""
    call_seconds: float = Field(default=120.0, ge=1, le=3600)
    """Seconds that a call may take which is no stream."""
    max_batch: int = Field(default=256, ge=1, le=4096)
    """Entries in a block of the log at most."""
    max_tables: int = Field(default=64, ge=1, le=4096)
    """Tables and lists that each department, and each verifier, may publish: none is ever forgotten."""
    max_deliveries: int = Field(default=500, ge=1, le=100_000)
    """What is sent unasked: so many wait for a recipient at most."""
    max_deliveries_a_minute: int = Field(default=60, ge=1, le=10_000)
    """What is sent unasked: so many come to a recipient in a minute at most."""
    crypto_threads: int = Field(default=2, ge=1, le=256)
    """Threads that make issuer keys and accumulators and compute revocations, and with `processes` 0 verify
    and sign."""
    servers: int = Field(default=1, ge=1, le=64)
    """Server processes that share one port and the workers, on PostgreSQL only (docs/scale-out.md)."""
    processes: int = Field(default=_CORES, ge=0, le=256)
    """Processes that judge presentations, and as many that sign; by default one for each core that the server
    may use. With 0 threads of the server do both."""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    """From which level on a line is logged: debug, info, warning or error. `zk serve` without `--json` takes
    warning unless it is set."""

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        networks(text)
        return text

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment, then `zk.toml` of the data folder."""
        given = {**env_settings(), **init_settings()}
        data = Path(str(given.get("data", DEFAULT_DATA)))
        return init_settings, env_settings, _file(settings_cls, data / "zk.toml")

    @property
    def demands_two_persons(self) -> bool:
        """Whether what can harm takes two persons: as `two_persons` says, else unless `dev`."""
        return not self.dev if self.two_persons is None else self.two_persons

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL: as given, else SQLite in the data folder."""
        return self.database or f"sqlite:///{quote(str(self.data / 'service.sqlite3'))}"


def _file(settings_cls: type[BaseSettings], path: Path) -> TomlConfigSettingsSource:
    """Read a file of settings; a file that cannot be read is refused as a setting that is wrong."""
    try:
        return TomlConfigSettingsSource(settings_cls, path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        fault = PydanticCustomError(
            "toml_invalid", "the file cannot be read: {problem}", {"problem": str(error)}
        )
        raise ValidationError.from_exception_data(
            "Settings", [{"type": fault, "loc": (path.name,), "input": None}]
        ) from None
