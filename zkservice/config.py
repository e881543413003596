"""Settings: arguments over environment (ZK_...) over the file `zk.toml` in the data folder over defaults."""

import os
import tomllib
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pydantic import Field, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wire.batch import MESSAGE_OCTETS

DEFAULT_DATA: Final = Path.home() / ".zk" / "server"
DEFAULT_PORT: Final = 8443
_CORES: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""Those that this process may use, which a container limits."""


class Settings(BaseSettings):
    """All settings of the server.

    `data` is the folder that holds everything the server keeps. `dev` lets it make its own certificate
    authority. `public_host` is the name that clients connect to: it stands in the certificate.
    An offer waits `offer_days`, and for `registration_days` a code for an account can be used.
    `log_origin` names the log and its key for ever. So many `processes` judge presentations, and as many
    sign, beside the server's own; with 0 of them the server's own `crypto_threads` do. `max_tables` is how
    many tables and lists each owner may publish: none of them is ever forgotten. Of what is sent unasked
    `max_deliveries` wait for a recipient at most, and `max_deliveries_a_minute` come to it.
    `policy` is a file (C2SP tlog-policy) that names this log, its witnesses with their URLs and the quorum
    that makes a checkpoint anchored; every `checkpoint_ms` they are asked, and each has `witness_seconds` to
    answer. Their HTTPS is verified against the system's certificate authorities, or `witness_roots` (PEM)
    alone. `http_port` serves the log's tiles over HTTP, with the server's own certificate; `http_plain`
    leaves TLS to the proxy in front, or out on loopback. With `accept_secrets` every method takes a party's
    secret itself; without, only the one that makes tokens of it. With `demand_challenge` sessions are opened
    by a challenge of the service's alone. `client_port` is a second port on which each connection shows a
    certificate of the authorities in `client_ca` (PEM), which names the party that calls. Times are seconds
    unless the name says otherwise.
    Raises pydantic's ValidationError, which names the setting. A `ZK_` variable that names no setting is not
    refused, since the `zk` command has variables of its own.
    """

    model_config = SettingsConfigDict(env_prefix="ZK_", extra="forbid", frozen=True)

    data: Path = DEFAULT_DATA
    dev: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535)
    public_host: str = "localhost"
    database: str = Field(default="", repr=False)
    certificate: Path | None = None
    private_key: Path | None = None
    log_origin: str = Field(default="zk-disclosure.example/log", pattern=r"^[a-z0-9./-]{1,100}$")
    policy: Path | None = None
    checkpoint_ms: int = Field(default=1000, ge=100, le=60_000)
    witness_seconds: float = Field(default=3.0, ge=0.1, le=30)
    witness_roots: Path | None = None
    http_host: str = "127.0.0.1"
    http_port: int | None = Field(default=None, ge=0, le=65535)
    http_plain: bool = False
    offer_days: int = Field(default=30, ge=1, le=365)
    registration_days: int = Field(default=7, ge=1, le=90)
    epoch_hours: int = Field(default=24, ge=1, le=720)
    accept_secrets: bool = True
    demand_challenge: bool = False
    client_port: int | None = Field(default=None, ge=0, le=65535)
    client_ca: Path | None = None
    drain_seconds: float = Field(default=10.0, ge=0, le=300)
    max_message_octets: int = Field(default=MESSAGE_OCTETS, ge=16 << 10, le=4 << 20)
    max_concurrent_calls: int = Field(default=1000, ge=1)
    max_batch: int = Field(default=256, ge=1, le=4096)
    max_tables: int = Field(default=64, ge=1, le=4096)
    max_deliveries: int = Field(default=500, ge=1, le=100_000)
    max_deliveries_a_minute: int = Field(default=60, ge=1, le=10_000)
    crypto_threads: int = Field(default=2, ge=1, le=256)
    processes: int = Field(default=_CORES, ge=0, le=256)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")

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
