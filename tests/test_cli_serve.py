"""`moderation serve`: from the command line to the first answer, and to the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest

Command = Callable[..., CompletedProcess[bytes]]


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def serving(port: int, *options: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """The service as it is started by hand, once it is ready; in its environment stands another port."""
    run = [sys.executable, "-m", "moderation", "serve", "--port", str(port), *options]
    process = subprocess.Popen(run, env=os.environ | {"MODERATION_PORT": "1"}, stderr=subprocess.PIPE)
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        try:
            deadline = time.monotonic() + 60
            while not _is_ready(client):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client, process
        finally:
            process.kill()


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_it_serves_the_given_bundle_on_the_given_port_until_it_is_interrupted(
    free_port: int, bundle_path: Path
) -> None:
    with serving(free_port, "--model", str(bundle_path), "--host", "127.0.0.1") as (client, process):
        answer = client.post("/v1/score", json={"comment": {"text": "You clueless idiot, shut up."}}).json()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1].decode()
    assert "insult" in answer["flags"]
    assert process.returncode == 0
    assert "Traceback" not in said


def test_an_unusable_bundle_is_one_line(cli: Command, unusable_bundle: Path) -> None:
    done = cli("serve", "--port", "0", "--model", unusable_bundle)
    [line] = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert line.startswith(f"moderation: {unusable_bundle}")


@pytest.mark.parametrize(("option", "value"), [("port", "65536"), ("workers", "0")])
def test_a_setting_out_of_range_is_one_line_that_names_it(cli: Command, option: str, value: str) -> None:
    done = cli("serve", f"--{option}", value)
    [line] = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert line.startswith(f"moderation: MODERATION_{option.upper()}: ")
