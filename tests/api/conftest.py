"""The real service, over real HTTP, on free ports of the loopback interface."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.settings import Settings


@contextmanager
def _running(app: FastAPI, lifespan: Literal["on", "off"]) -> Iterator[httpx.Client]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan=lifespan, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        assert server.started
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def settings(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    kept = tmp_path_factory.mktemp("kept")
    return Settings(bundle=bundle_path, decisions=kept / "decisions.sqlite3", articles=kept / "articles.sqlite3")


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[..., httpx.Client]]:
    """Start an application and get a client for it; all are stopped at the end of the session."""
    with ExitStack() as stack:

        def start(app: FastAPI, lifespan: Literal["on", "off"] = "on") -> httpx.Client:
            return stack.enter_context(_running(app, lifespan))

        yield start


@pytest.fixture(scope="session")
def service(start: Callable[..., httpx.Client], settings: Settings) -> httpx.Client:
    """A client of the service with its default settings."""
    return start(create_app(settings))
