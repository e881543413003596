"""Settings: arguments over environment (ZK_...) over the file `zk.toml` in the data folder over defaults."""

from pathlib import Path
from typing import Final

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

DEFAULT_DATA: Final = Path.home() / ".zk" / "server"
DEFAULT_PORT: Final = 8443


class Settings(BaseSettings):
    """All settings of the server.

    `data` is the folder that holds everything the server keeps. `dev` lets it make its own certificate
    authority. `public_address` is what clients connect to, for the certificate and for links.
    `log_origin` names the log and its key for ever. Times are seconds unless the name says otherwise.
    """

    model_config = SettingsConfigDict(env_prefix="ZK_", extra="forbid", frozen=True)

    data: Path = DEFAULT_DATA
    dev: bool = False
    host: str = "127.0.0.1"
    port: int = Field(DEFAULT_PORT, ge=0, le=65535)
    public_host: str = "localhost"
    database: str = ""
    certificate: Path | None = None
    private_key: Path | None = None
    log_origin: str = Field("zk-disclosure.example/log", pattern=r"^[a-z0-9./-]{1,100}$")
    offer_days: int = Field(30, ge=1, le=365)
    drain_seconds: float = Field(10.0, ge=0, le=300)
    max_message_octets: int = Field(256 << 10, ge=16 << 10, le=4 << 20)
    max_concurrent_calls: int = Field(1000, ge=1)
    max_batch: int = Field(256, ge=1, le=4096)
    crypto_threads: int = Field(2, ge=1, le=256)
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, data / "zk.toml")

    @property
    def database_url(self) -> str:
        """The database's SQLAlchemy URL: as given, else SQLite in the data folder."""
        return self.database or f"sqlite:///{self.data / 'service.sqlite3'}"
