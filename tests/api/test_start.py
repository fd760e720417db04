"""How the process starts, and how it refuses to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.server import serve
from api.settings import Settings

COMMENTS = [{"comment": {"text": "a"}}] * 2


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which a server that did start after all would fail at once, with another exit code."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.fixture
def altered(bundle_path: Path, tmp_path: Path) -> Path:
    """A copy of the bundle with one byte of its largest file changed."""
    copy = shutil.copytree(bundle_path, tmp_path / "altered")
    largest = max(copy.glob("*.joblib"), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    return copy


def _only_line(settings: Settings | None, capfd: pytest.CaptureFixture[str]) -> str:
    """Standard error of a service that refuses to start with exit code 2."""
    with pytest.raises(SystemExit) as stop:
        serve(settings)
    [line] = capfd.readouterr().err.splitlines()
    assert stop.value.code == 2
    return line


def test_a_missing_bundle_is_one_line(tmp_path: Path, taken_port: int, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "nowhere"
    assert str(folder) in _only_line(Settings(bundle=folder, port=taken_port), capfd)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_altered_bundle_is_one_line(
    altered: Path, taken_port: int, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "SHA-256" in _only_line(Settings(bundle=altered, port=taken_port, workers=workers), capfd)


def test_an_unusable_policy_is_one_line(
    settings: Settings, tmp_path: Path, taken_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[labels.rudeness]\nflag = 0.5\n")
    line = _only_line(settings.model_copy(update={"policy": policy, "port": taken_port}), capfd)
    assert "rudeness" in line


def test_an_address_for_strangers_without_keys_is_one_line(
    settings: Settings, taken_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    line = _only_line(settings.model_copy(update={"host": "0.0.0.0", "port": taken_port}), capfd)
    assert "moderation keys new" in line


@pytest.mark.parametrize("name", ["api_keys", "decisions", "articles"])
def test_a_file_that_cannot_be_used_is_one_line(
    bundle_path: Path, tmp_path: Path, taken_port: int, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nowhere" / "file"
    assert str(path) in _only_line(Settings(bundle=bundle_path, port=taken_port, **{name: path}), capfd)


def test_a_wrong_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MODERATION_PORT", "http")
    assert _only_line(None, capfd).startswith("moderation: MODERATION_PORT: ")


def test_without_our_own_command_too_an_altered_bundle_is_logged_in_one_line(altered: Path) -> None:
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.app:create_app", "--port", "0"]
    environment = os.environ | {"MODERATION_BUNDLE": str(altered)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert len([line for line in done.stderr.splitlines() if "SHA-256" in line]) == 1
    assert "Traceback" not in done.stderr


def test_every_worker_serves_with_the_given_settings_until_told_to_stop(bundle_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = (
        "from api.server import serve; from api.settings import Settings; "
        f"serve(Settings(bundle={str(bundle_path)!r}, port={port}, workers=2, max_batch=1))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            answer = _answer(f"http://127.0.0.1:{port}/v1/score/batch", run)
        finally:
            run.send_signal(signal.SIGTERM)
    assert answer.json()["error"]["code"] == "too_many_comments"
    assert run.returncode == 0


def _answer(url: str, run: subprocess.Popen[bytes]) -> httpx.Response:
    """The first answer of a service that is starting."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        try:
            return httpx.post(url, json={"comments": COMMENTS}, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service never answered")
