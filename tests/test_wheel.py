"""The wheel: what is in it, and that it works where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

LIBRARY = """
from moderation import Comment, Moderator
print(Moderator.load().score([Comment("You clueless idiot, shut up.")])[0].flags)
"""
SERVICE = """
from api.app import create_app
print(*create_app().openapi()["paths"])
"""


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, root, cwd=folder)
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def bin_folder(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that holds the pinned requirements, the wheel, and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--require-hashes", "--requirement", root / "requirements.txt", cwd=folder)
    _run(*pip, "--no-deps", wheel, cwd=folder)
    return folder / "bin"


def _run(*words: object, cwd: Path, stdin: str = "") -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MODERATION_"))}
    done = subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_both_packages_and_the_bundle_and_nothing_else(wheel: Path, bundle_path: Path) -> None:
    with ZipFile(wheel) as content:
        names = content.namelist()
    packed = {name.removeprefix("moderation/bundles/default/") for name in names if "/bundles/" in name}
    assert packed == {path.name for path in bundle_path.iterdir()}
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"moderation", "api"}
    assert {"moderation/py.typed", "moderation/cli/app.py", "api/app.py"} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_it_is_smaller_than_30_megabytes(wheel: Path) -> None:
    assert wheel.stat().st_size < 30e6


def test_the_installed_command_scores_standard_input(bin_folder: Path, tmp_path: Path) -> None:
    comments = "text\nYou clueless idiot.\nMy daughter works nights at the hospital.\n"
    out = _run(bin_folder / "moderation", "score", "-", "--format", "csv", "-o", "-", cwd=tmp_path, stdin=comments)
    _, rude, kind = out.splitlines()
    assert "insult" in rude
    assert "insult" not in kind


def test_the_installed_library_scores(bin_folder: Path, tmp_path: Path) -> None:
    assert "'insult'" in _run(bin_folder / "python", "-c", LIBRARY, cwd=tmp_path)


def test_the_installed_bundle_is_whole_and_lies_in_the_package(bin_folder: Path, tmp_path: Path) -> None:
    said = _run(bin_folder / "moderation", "model", "verify", cwd=tmp_path)
    assert said.startswith(str(bin_folder.parent))
    assert "is whole" in said


def test_the_installed_service_can_be_made(bin_folder: Path, tmp_path: Path) -> None:
    assert "/v1/score" in _run(bin_folder / "python", "-c", SERVICE, cwd=tmp_path).split()
