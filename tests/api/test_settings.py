"""What the environment may hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from api.settings import PREFIX, Settings, SettingsError


def test_the_environment_is_read_with_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_BUNDLE", "/srv/bundle")
    monkeypatch.setenv("MODERATION_MAX_BATCH", "7")
    settings = Settings.from_environment()
    assert (settings.bundle, settings.max_batch, settings.port) == (Path("/srv/bundle"), 7, 8000)


def test_a_given_value_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_PORT", "9000")
    assert Settings.from_environment(port=9001).port == 9001


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_POLICY", "")
    assert Settings.from_environment().policy is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("CALIBRATION", "fair"),
        ("MAX_BODY_BYTES", "16 MiB"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "forum.example.org"),
        ("CORS_ORIGINS", "https://forum.example.org/"),
        ("CORS_ORIGINS", "https://a.example.org,https://b.example.org"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MODERATION_{name}", value)
    with pytest.raises(SettingsError, match=rf"\AMODERATION_{name}: [^\n]+\Z"):
        Settings.from_environment()


@pytest.mark.parametrize("decisions", ["off", Path("/srv/decisions.sqlite3")])
def test_settings_survive_the_way_through_the_environment(
    monkeypatch: pytest.MonkeyPatch, decisions: Path | Literal["off"]
) -> None:
    monkeypatch.setenv("MODERATION_POLICY", "/srv/policy.toml")
    given = Settings(
        bundle=Path("/srv/a bundle"),
        policy=None,
        calibration="balanced",
        workers=2,
        api_keys=Path("keys.toml"),
        cors_origins="https://forum.example.org http://localhost:3000",
        decisions=decisions,
        articles=Path("/srv/articles.sqlite3"),
    )
    for name, value in given.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == given


def test_settings_do_not_change(settings: Settings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_documented_settings_are_the_real_ones(root: Path) -> None:
    rows = re.findall(
        r"^\| `(MODERATION_\w+)` \| (?:`(.*?)`)? *\| (.*) \|$",
        (root / "docs/service.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert sorted(rows) == sorted(
        (f"{PREFIX}{name.upper()}", str(field.default or ""), field.description)
        for name, field in Settings.model_fields.items()
    )
