"""perspective-api-client for Node.js, whose requests go to another host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

import pytest
from serving import Server

PROJECT = Path(__file__).parent / "node"
RUDE = "You clueless moron, you are a disgusting idiot."
KIND = "Thanks, that was well put."

Answer = dict[str, Any]


def impossible(reason: str) -> NoReturn:
    """End a test that cannot be run here: a user may go without it, our own machines may not."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def installed(root: Path) -> Path:
    """The client with what it depends on, as the lock file says, installed once."""
    if not (shutil.which("node") and shutil.which("npm")):
        impossible("Node.js with npm is not installed")
    digest = sha256(b"".join(path.read_bytes() for path in sorted(PROJECT.iterdir()))).hexdigest()
    folder = root / ".cache" / "node" / digest[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            copy = shutil.copytree(PROJECT, Path(work) / "project")
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                impossible(f"npm cannot install perspective-api-client: {done.stderr[-500:]}")
            if not folder.exists():  # another process may have been faster
                copy.rename(folder)
    return folder


@pytest.fixture(scope="session")
def ask(installed: Path, server: Server) -> Callable[..., list[Answer]]:
    """Have the client make calls, each the arguments of its `analyze`."""

    def ask(*calls: list[Any], key: str = server.key) -> list[Answer]:
        command = ["node", "ask.js", server.url, key, json.dumps(calls)]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            command, cwd=installed, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        answers: list[Answer] = json.loads(done.stdout)
        return answers

    return ask


def value(answer: Answer, name: str = "TOXICITY") -> float:
    score: float = answer["attributeScores"][name]["summaryScore"]["value"]
    return score


def test_comments_are_scored(ask: Callable[..., list[Answer]]) -> None:
    rude, kind = ask([RUDE], [KIND])
    assert value(kind) < 0.2
    assert value(rude) > 0.8
    assert rude["attributeScores"]["TOXICITY"]["spanScores"][0]["end"] == len(RUDE)
    assert rude["languages"] == ["en"]


def test_attributes_options_and_whole_requests_are_understood(ask: Callable[..., list[Answer]]) -> None:
    named = [f"<p>{RUDE}</p>", {"attributes": ["insult", "threat"], "doNotStore": False}]
    whole = [
        {"comment": {"text": RUDE}, "requestedAttributes": {"TOXICITY": {"scoreThreshold": 1}}, "languages": ["en"]}
    ]
    answers = ask(named, whole)
    assert [list(answer["attributeScores"]) for answer in answers] == [["INSULT", "THREAT"], []]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (["", {"validate": False}], "COMMENT_EMPTY", "Comment must be non-empty."),
        (["\N{GRINNING FACE}" * 6000], "COMMENT_TOO_LONG", "Comment text too long."),
        ([RUDE, {"attributes": ["flirtation"]}], "INVALID_REQUEST", "Unknown requested attribute: FLIRTATION"),
    ],
)
def test_a_refusal_is_the_clients_error_with_our_message(
    ask: Callable[..., list[Answer]], call: list[Any], kind: str, message: str
) -> None:
    [refused] = ask(call)
    assert (refused["error"], refused["message"]) == ("ResponseError", message)
    assert refused["body"]["error"]["details"][0]["errorType"] == kind


def test_a_wrong_key_is_refused(ask: Callable[..., list[Answer]]) -> None:
    [refused] = ask([RUDE], key="AIzaWrong")
    assert refused["message"] == "API key not valid. Please pass a valid API key."


@pytest.mark.parametrize(("environment", "end"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_what_cannot_be_tested_is_a_failure_on_our_own_machines_only(
    monkeypatch: pytest.MonkeyPatch, environment: str, end: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", environment)
    with pytest.raises(end, match="no Node.js here"):
        impossible("no Node.js here")
