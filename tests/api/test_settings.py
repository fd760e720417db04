"""What the environment may hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings, SettingsError


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
    [("PORT", "http"), ("PORT", "70000"), ("WORKERS", "0"), ("CALIBRATION", "fair"), ("MAX_BODY_BYTES", "16 MiB")],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MODERATION_{name}", value)
    with pytest.raises(SettingsError, match=rf"\AMODERATION_{name}: [^\n]+\Z"):
        Settings.from_environment()


def test_settings_survive_the_way_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATION_POLICY", "/srv/policy.toml")
    given = Settings(bundle=Path("/srv/a bundle"), policy=None, calibration="balanced", workers=2)
    for name, value in given.to_environment().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == given


def test_settings_do_not_change(settings: Settings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
