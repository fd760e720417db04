"""What all tests share: the shipped bundle, the repository's own files, the command line."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from moderation import Moderator
from moderation.cli import main

Command = Callable[..., CompletedProcess[bytes]]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def bundle_path() -> Path:
    """The shipped bundle."""
    return ROOT / "models" / "default"


@pytest.fixture(scope="session")
def moderator(bundle_path: Path) -> Moderator:
    """The shipped bundle, loaded once."""
    return Moderator.load(bundle_path)


@pytest.fixture(scope="session")
def command() -> Command:
    """Run the real command: its arguments, and where wanted its standard input and its directory."""

    def run(*arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "moderation", *map(str, arguments)],
            input=stdin,
            cwd=cwd,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # threads that wait for each other take ten times as long
            capture_output=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run the command line in this process, which spares its imports: for the many variants of input."""

    def run(*arguments: object, stdin: bytes = b"") -> CompletedProcess[bytes]:
        capsysbinary.readouterr()
        monkeypatch.setattr(sys, "argv", ["moderation", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsysbinary.readouterr()
        return CompletedProcess(sys.argv, int(stop.value.code or 0), out, err)

    return run


@pytest.fixture(params=["missing", "truncated", "altered", "manifest cut short"])
def unusable_bundle(request: pytest.FixtureRequest, bundle_path: Path, tmp_path: Path) -> Path:
    """A bundle that must be refused, in each of the ways in which one gets lost."""
    folder = tmp_path / "damaged"
    if request.param == "missing":
        return folder
    shutil.copytree(bundle_path, folder)
    damaged = folder / ("manifest.json" if request.param == "manifest cut short" else "lexical.joblib")
    content = bytearray(damaged.read_bytes())
    if request.param == "altered":
        content[len(content) // 2] ^= 1
    else:
        del content[len(content) // 2 :]
    damaged.write_bytes(content)
    return folder
