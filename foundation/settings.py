"""Every setting on one page, read once from `KARTOTEKA_*`; the only file that reads the environment.

What staff change while the product runs lives in the database and the console, not here.
"""

import difflib
import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from foundation.errors import Misconfigured

PREFIX = "KARTOTEKA_"
SECRETS = frozenset({"database_url", "redis_url", "key"})  # each also as KARTOTEKA_<NAME>_FILE


class Settings(BaseSettings):
    """What an administrator decides; `description` is what `docs/settings.md` prints."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, validate_default=True
    )

    data: Path = Field(
        Path("kartoteka-data"), description="The data folder: private servers, the key, uploads."
    )
    database_url: str | None = Field(
        None,
        repr=False,
        description="Your PostgreSQL (14 or newer). Unset: a private one in the data folder.",
    )
    redis_url: str | None = Field(
        None, repr=False, description="Your Redis or Valkey. Unset: a private one in the data folder."
    )
    server_user: str = Field(
        "", description="System account for the private servers when started as root. Unset: one is chosen."
    )
    host: str = Field("127.0.0.1", description="The address the web server listens on.")
    port: int = Field(
        8000, ge=0, le=65535, description="The port the web server listens on; 0 takes a free one."
    )
    public_url: str | None = Field(
        None,
        description="The address people and shops reach this installation by, e.g. https://crm.example.org.",
    )
    key: str | None = Field(
        None, repr=False, description="Keys that seal stored credentials, newest first, separated by commas."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important line that is logged; personal data appears at debug only."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for eyes or for machines."
    )
    allow_private_addresses: bool = Field(
        False, description="Whether connectors may call addresses inside your own network."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="How many reverse proxies in front are trusted for the caller's address."
    )
    workers: int | None = Field(
        None, ge=1, le=32, description="Worker processes that `up` runs. Unset: one per core, at most four."
    )
    worker_threads: int = Field(4, ge=1, le=64, description="How many jobs one worker process runs at once.")
    spark: str = Field(
        "",
        description="A Spark master where models of matching are trained, e.g. spark://host:7077 or local[4];"
        " needs kartoteka[spark] and Java. Unset: in the worker, on DuckDB.",
    )
    secure_cookies: bool | None = Field(
        None, description="Send cookies over https only. Unset: yes when public_url is https."
    )

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(
            ("postgresql://", "postgres://", "postgresql+psycopg://")
        ):
            raise ValueError("must start with postgresql://")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address such as https://crm.example.org")
        return value.rstrip("/")

    @property
    def cookies_are_secure(self) -> bool:
        """Whether cookies carry `Secure`."""
        if self.secure_cookies is not None:
            return self.secure_cookies
        return (self.public_url or "").startswith("https://")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Overrides, then `NAME_FILE`, then the environment; no dotenv files."""
        return init_settings, _Files(settings_cls), env_settings


class _Files(EnvSettingsSource):
    """Secrets from files that `KARTOTEKA_<NAME>_FILE` names, as containers hand them over."""

    def __call__(self) -> dict[str, Any]:
        found = {}
        for field in sorted(SECRETS):
            name = variable(field)
            path = os.environ.get(f"{name}_FILE")
            if not path:
                continue
            if os.environ.get(name):
                raise Misconfigured(f"{name} and {name}_FILE are both set; keep one.", setting=name)
            try:
                found[field] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise Misconfigured(f"{name}_FILE: {path} can't be read: {error}", f"{name}_FILE") from error
        return found


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


def load(**overrides: Any) -> Settings:
    """The settings in force; overrides that are `None` count as not given.

    Raises `Misconfigured` naming the first bad setting; a secret's value never stands in the message.
    """
    _refuse_misspelt()
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        said = first["msg"].removeprefix("Value error, ")
        shown = "" if field in SECRETS else f" (it is {str(first['input'])!r})"
        raise Misconfigured(f"{variable(field)}: {said}{shown}.", setting=variable(field)) from None


def _refuse_misspelt() -> None:
    """A variable that looks like a setting but is none would be ignored in silence: refuse it."""
    known = {variable(field) for field in Settings.model_fields}
    known |= {f"{variable(field)}_FILE" for field in SECRETS}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
            if close:
                raise Misconfigured(f"{name} is no setting; did you mean {close[0]}?", setting=name)
