"""Clients of Perspective as they are: only the host that they ask is another.

OpenAI's client is put to the same test in tests/api/test_openai.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Server, serving


@pytest.fixture(scope="session")
def server(bundle_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service, which asks for keys as Google did."""
    with serving(bundle_path, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients ask the service itself, on machines that reach others through a proxy."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
