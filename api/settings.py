"""What can be set from outside, through `MODERATION_*` environment variables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from moderation.errors import ModerationError
from moderation.heads.calibration import CalibrationKind

PREFIX = "MODERATION_"
_ORIGIN = re.compile(r"https?://[^/?#@,\s*]+")


class SettingsError(ModerationError):
    """A setting that cannot be used."""


class Settings(BaseSettings):
    """The service's settings; every field can be given as ``MODERATION_<FIELD>``, an empty value means its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    bundle: Path | None = Field(default=None, description="Folder of the bundle to serve; without it the shipped one.")
    calibration: CalibrationKind = Field(
        default=CalibrationKind.SITE,
        description="What scores say: a `site`'s own probabilities, `balanced` ones, or the scale of `perspective`.",
    )
    policy: Path | None = Field(default=None, description="TOML file of thresholds, per site and per community.")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port to listen on; 0 lets the system choose.")
    workers: int = Field(default=1, ge=1, description="Number of server processes.")
    api_keys: Path | None = Field(
        default=None,
        description="File of hashed API keys, made by `moderation keys new`; without it only this machine is answered.",
    )
    cors_origins: str = Field(
        default="", description="Origins whose web pages may call the service, separated by blanks; none by default."
    )

    coral_secrets: str = Field(
        default="",
        repr=False,
        description="Signing secrets of Coral's external moderation phases, separated by blanks; none by default.",
    )

    decisions: Path | Literal["off"] = Field(
        default=Path("decisions.sqlite3"),
        description="SQLite file of suggested scores, made when the first one comes; `off` keeps none.",
    )

    articles: Path = Field(
        default=Path("articles.sqlite3"),
        description="SQLite file of articles given once, made when the first one comes.",
    )
    articles_kept: int = Field(
        default=10_000, ge=1, description="Most articles kept; one more takes the place of the one given first."
    )

    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        default="info", description="Least severe messages to log."
    )

    max_comment_bytes: int = Field(default=20_480, ge=1, description="Longest comment, in bytes of UTF-8.")
    max_article_bytes: int = Field(
        default=200_000, ge=1, description="Longest article (title, text and URL), in bytes of UTF-8."
    )
    max_parent_bytes: int = Field(default=20_480, ge=1, description="Longest parent comment, in bytes of UTF-8.")
    max_batch: int = Field(default=1000, ge=1, description="Most comments in one batch.")
    max_explained: int = Field(default=100, ge=0, description="Most comments in one batch with reasons.")
    max_body_bytes: int = Field(default=16 * 2**20, ge=1, description="Longest request body, in bytes.")

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        wrong = [word for word in value.split() if not _ORIGIN.fullmatch(word)]
        if wrong:
            raise PydanticCustomError(
                "origin", "{word} is no origin; write it like https://forum.example.org", {"word": wrong[0]}
            )
        return value

    @classmethod
    def from_environment(cls, **overrides: Any) -> Self:
        """Read the environment; `overrides`, as from a command line, win over it.

        Raises
        ------
        SettingsError
            If a value cannot be used; the message is one line that names each wrong variable.
        """
        try:
            return cls(**overrides)
        except ValidationError as error:
            problems = (f"{PREFIX}{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False))
            raise SettingsError("; ".join(problems)) from error

    def to_environment(self) -> dict[str, str]:
        """The variables from which another process reads these same settings."""
        return {
            f"{PREFIX}{name.upper()}": "" if value is None else str(value) for name, value in self.model_dump().items()
        }
