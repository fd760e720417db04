"""The service in a process of its own, as a forum runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from moderation.keys import new_key

PER_MINUTE = 2
"""Requests that the limited key may make."""


@dataclass(frozen=True, slots=True)
class Server:
    """What a client needs to know, and what a test looks into.

    Parameters
    ----------
    url : str
        Without a slash at its end.
    key, limited_key : str
        API keys.
    decisions : Path
        Where suggested scores are kept.
    """

    url: str
    key: str
    limited_key: str
    decisions: Path


@contextmanager
def serving(bundle: Path, folder: Path) -> Iterator[Server]:
    """Serve a bundle, with keys and decisions in a folder, until the end of the ``with`` statement."""
    keys, decisions = folder / "keys.toml", folder / "decisions.sqlite3"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"BUNDLE": bundle, "PORT": port, "API_KEYS": keys, "DECISIONS": decisions, "LOG_LEVEL": "error"}
    environment = os.environ | {f"MODERATION_{name}": str(value) for name, value in settings.items()}
    key, limited_key = new_key(keys, "forum"), new_key(keys, "bot", per_minute=PER_MINUTE)
    with subprocess.Popen([sys.executable, "-m", "moderation", "serve"], env=environment) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url)
            yield Server(url, key, limited_key, decisions)
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the service did not come up")
