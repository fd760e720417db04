"""The documentation holds: its commands run, its figures are the bundle's, its links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fnmatch import fnmatch
from functools import cache
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest
import typer

from moderation.bundle import Manifest
from moderation.cli.app import app
from moderation.report import model_card

Command = Callable[..., CompletedProcess[bytes]]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
WITH_COMMANDS = ("README.md", "CONTRIBUTING.md", "data/README.md", *(f"docs/{path.name}" for path in DOCS.glob("*.md")))
MARKDOWN = (*ROOT.glob("*.md"), *ROOT.glob("data/**/*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("models/**/*.md"))
WITH_EXAMPLES = [path for path in ROOT.glob("moderation/**/*.py") if ">>>" in path.read_text(encoding="utf-8")]
CONFIGURATION = {"caddy", "hosts", "nginx", "sql", "yaml"}
"""Languages of blocks that are for other programs."""
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = ".venv/bin/"


def fenced(document: str, language: str) -> list[str]:
    """The fenced blocks of a document in a language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for found, body in FENCE.findall(text) if found == language]


def commands(block: str) -> Iterator[str]:
    """The commands of a block; one goes on over more lines until its quotes are closed."""
    command = ""
    for line in block.splitlines():
        command += line
        try:
            words = shlex.split(command, comments=True)
        except ValueError:
            command += "\n"
            continue
        if words:
            yield command
        command = ""
    assert not command, f"a quote is never closed: {command}"


def recipe(target: str) -> str:
    """What a target of the Makefile runs; where it only gathers others, what those run."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rule = re.search(rf"^{re.escape(target)}:(.*)\n((?:\t.*\n)*)", makefile, re.MULTILINE)
    assert rule is not None, f"the Makefile has no target {target}"
    return rule[2] or "".join(map(recipe, rule[1].split()))


class Checkout:
    """A copy of what a user has after `make install`, in which documented commands are run, each of them once."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = str(free.getsockname()[1])
        for name in ("Makefile", "pyproject.toml", "requirements.txt"):
            shutil.copy2(ROOT / name, folder)
        for name in ("data", "docs"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copytree(ROOT / "tests/functional", folder / "tests/functional")
        (folder / "models").mkdir()
        (folder / "models" / "default").symlink_to(ROOT / "models" / "default")
        (folder / ".venv").mkdir()
        (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
        (folder / ".venv" / "installed").touch()
        shutil.copy(folder / "data/demo/thread.csv", folder / "comments.csv")  # the file of the examples in --help
        (folder / "logged.csv").write_text("text,score\nYou clueless moron.,0.93\nThank you.,0.02\n", encoding="utf-8")
        self.run = cache(self._run)

    def _run(self, command: str) -> None:
        """Run a command as a reader would type it and check what it does."""
        match shlex.split(command, comments=True):
            case ["make", "demo"]:
                assert "insult" in self._shell(command)
            case ["make", target]:
                assert recipe(target).strip()
            case [program, "serve", "--port", "8000"] if program == f"{BIN}moderation":
                self._serve(command)
            case ["curl", *_]:
                self._ask(command)
            case [program, *arguments] if program in (f"{BIN}moderation", "openssl"):
                self._shell(command)
                written = [word for option, word in pairwise(arguments) if option in ("-o", "--out", "-out", "-keyout")]
                assert all((self._folder / name).exists() for name in written)
            case _:
                pytest.fail(f"no test knows how to run: {command}")

    def _shell(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._folder,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    def _serve(self, command: str) -> None:
        process = subprocess.Popen(
            shlex.split(command.replace("8000", self._port)), cwd=self._folder, stderr=subprocess.DEVNULL
        )
        self._stack.enter_context(process)
        self._stack.callback(process.terminate)
        deadline = time.monotonic() + 60
        while not self._is_ready():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _ask(self, command: str) -> None:
        [path] = re.findall(r" http://127\.0\.0\.1:8000(\S+) ", command)
        said = self._shell(command.replace("8000", self._port))
        if " -X PUT " in command:
            assert said == ""
            assert httpx.get(f"http://127.0.0.1:{self._port}{path}", trust_env=False).status_code == 200
            return
        answer = httpx.Response(200, text=said).json()
        match path:
            case "/v1/score" if "explain" in command:
                assert list(answer) == ["scores", "flags", "action", "spans", "placement", "model"]
                assert "insult" in answer["flags"]
                assert 0 < answer["scores"]["off_topic"] < 1
            case "/v1/score":
                assert "off_topic" in answer["flags"]
            case "/v1alpha1/comments:analyze":
                assert list(answer) == ["attributeScores", "languages", "detectedLanguages"]
                assert list(answer["attributeScores"]) == ["TOXICITY", "OFF_TOPIC"]
                assert len(answer["attributeScores"]["TOXICITY"]["spanScores"]) == 2
            case _:
                pytest.fail(f"no test knows what is answered to: {command}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with ExitStack() as stack:
        yield Checkout(tmp_path_factory.mktemp("checkout"), stack)


# --- commands and code


@pytest.mark.parametrize("document", WITH_COMMANDS)
def test_the_commands_of_a_document_run(checkout: Checkout, document: str) -> None:
    for block in fenced(document, "sh"):
        for command in commands(block):
            checkout.run(command)


@pytest.mark.parametrize("document", WITH_COMMANDS)
def test_every_fenced_block_is_of_a_language_that_is_tested(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert {language for language, _ in FENCE.findall(text)} <= {"sh", "python", "toml"} | CONFIGURATION
    assert len(re.findall(r"^ *(```|~~~)", text, re.MULTILINE)) == 2 * len(FENCE.findall(text))


@pytest.mark.parametrize("language", ["caddy", "hosts", "nginx", "yaml"])
def test_configuration_for_hard_coded_hosts_names_googles_and_leads_to_the_service(language: str) -> None:
    [block] = fenced("docs/migrating-from-perspective.md", language)
    assert "commentanalyzer.googleapis.com" in block
    assert set(re.findall(r"127\.0\.0\.1:\d+", block)) <= {"127.0.0.1:443", "127.0.0.1:8000"}
    assert ("127.0.0.1:8000" in block) == (language in ("caddy", "nginx"))


def test_a_command_that_no_test_knows_is_a_failure(checkout: Checkout) -> None:
    with pytest.raises(pytest.fail.Exception, match="no test knows how to run: rm data"):
        checkout.run("rm data")


def typed(group: typer.core.TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, groups included, as the words that are typed."""
    yield path
    for name, command in group.commands.items():
        if isinstance(command, typer.core.TyperGroup):
            yield from typed(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", list(typed(typer.main.get_command(app))), ids=" ".join)
def test_the_help_of_every_command_shows_an_example_that_runs(
    checkout: Checkout, cli: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = cli(*words, "--help")
    [example] = re.findall(r"Example: (.+)", done.stdout.decode())
    assert done.returncode == 0
    assert example.split()[1 : 1 + len(words)] == list(words)
    checkout.run(BIN + example.strip())


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_that_is_mentioned_does_something(document: Path) -> None:
    for target in re.findall(r"`make ([^`]+)`", document.read_text(encoding="utf-8")):
        assert recipe(target).strip()


def test_every_file_that_the_makefile_runs_or_reads_is_there() -> None:
    recipes = "".join(re.findall(r"^\t(.*\n)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    written = set(re.findall(r"--(?:html|json|output-file) (\S+)", recipes))
    names = set(re.findall(r"[\w./-]+\.(?:py|toml|csv|json|txt)\b", recipes)) - written
    assert {"docs/figures.py", "data/demo/thread.csv", "models/default.toml"} <= names
    assert [name for name in names if not (ROOT / name).is_file()] == []


def test_the_python_of_the_readme_prints_action_flags_and_the_words_behind_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [snippet] = fenced("README.md", "python")
    script = tmp_path / "snippet.py"
    script.write_text(snippet, encoding="utf-8")
    comment = runpy.run_path(str(script))["comment"]

    verdict, *spans = capsys.readouterr().out.splitlines()

    assert re.fullmatch(r"(review|reject) \(.*'off_topic'.*\) [01]\.\d+", verdict)
    assert spans
    for span in spans:
        label, words = span.split(" ", 1)
        assert label in verdict
        assert ast.literal_eval(words) in comment.text


def test_the_python_of_the_guide_to_off_topic_prints_what_is_near_and_what_looks_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [snippet] = fenced("docs/off-topic.md", "python")

    exec(compile(snippet, "docs/off-topic.md", "exec"), {})

    *found, says_little = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in found} >= {"title", "text", "site"}
    assert "site Mods," in found
    assert says_little == "False"


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_of_docstrings_print_what_they_say(path: Path) -> None:
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


# --- what was generated from something else


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.model_validate_json((ROOT / "models/default/manifest.json").read_bytes())


def test_the_figures_of_the_readme_are_those_of_the_shipped_bundle(manifest: Manifest) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with_figures = runpy.run_path(str(ROOT / "docs/figures.py"))["with_figures"]
    assert "<!-- figures:" in readme
    assert with_figures(readme, manifest) == readme, "run `make figures`"


def test_the_model_card_is_that_of_the_shipped_bundle(manifest: Manifest) -> None:
    assert (ROOT / "models/default/README.md").read_text(encoding="utf-8") == model_card(manifest)


def test_the_policy_that_is_explained_is_the_one_in_the_example_file() -> None:
    assert fenced("docs/policy.md", "toml") == [(ROOT / "docs/policy.example.toml").read_text(encoding="utf-8")]


# --- links and addresses


@pytest.mark.parametrize("document", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_to_files(document: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    relative = [target.partition("#")[0] for target in targets if ":" not in target]
    assert [target for target in relative if not (document.parent / target).exists()] == []


def own_files(folder: Path, ignored: list[str]) -> Iterator[Path]:
    """The files of the repository, without what Git is told to ignore."""
    for path in folder.iterdir():
        if any(fnmatch(path.name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield from own_files(path, ignored)
        else:
            yield path


def test_no_file_names_the_host_of_a_package_index() -> None:
    ignored = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split())]
    files = {path: path.read_bytes() for path in own_files(ROOT, ignored)}
    assert ROOT / "requirements.txt" in files
    hosts = re.compile(
        rb"pypi\.(org|python)|pythonhosted\.org|anaconda\.(org|com)|npmjs\.(org|com)|file:/{3}|/opt/(pypi|wheels)"
    )
    assert [str(path) for path, content in files.items() if hosts.search(content)] == []
