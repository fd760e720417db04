"""What `comments:suggestscore` was answered is kept, come what may, unless it said otherwise."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from moderation import Action, Article, Comment
from moderation.decisions import Decision, DecisionStore, LabelScore

SUGGEST = "/v1alpha1/comments:suggestscore"
TOXIC: dict[str, Any] = {"TOXICITY": {"summaryScore": {"value": 1}}}


Kept = Callable[[], list[Decision]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "decisions.sqlite3"


@pytest.fixture(scope="module")
def forum(start: Callable[..., httpx.Client], settings: Settings, path: Path) -> httpx.Client:
    """A service with a store of its own."""
    return start(create_app(settings.model_copy(update={"decisions": path})))


@pytest.fixture
def kept(forum: httpx.Client, path: Path) -> Kept:
    """The decisions that came into the service's store since the test began."""
    store = DecisionStore(path)
    before = len(store.decisions())
    return lambda: store.decisions()[before:]


def suggest(service: httpx.Client, text: str = "You clueless moron.", **fields: Any) -> dict[str, Any]:
    request = {"comment": {"text": text}, "attributeScores": TOXIC, **fields}
    response = service.post(SUGGEST, json=request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def message(service: httpx.Client, **fields: Any) -> str:
    request = {"comment": {"text": "You clueless moron."}, "attributeScores": TOXIC, **fields}
    response = service.post(SUGGEST, content=json.dumps(request), headers={"Content-Type": "application/json"})
    assert response.status_code == 400, response.text
    text: str = response.json()["error"]["message"]
    return text


def test_a_suggestion_is_kept_with_all_that_was_said(forum: httpx.Client, kept: Kept) -> None:
    answer = suggest(
        forum,
        "\N{GRINNING FACE} You clueless moron.",
        context={"entries": [{"text": "New bridge. The council voted."}, {"text": "Will it be built?"}]},
        attributeScores={
            "TOXICITY@6": {"summaryScore": {"value": 1, "type": "PROBABILITY"}},
            "INSULT": {"spanScores": [{"begin": 3, "end": 6, "score": {"value": 0.5}}]},
            "INFLAMMATORY": {"summaryScore": {"value": 0}},
        },
        languages=["en"],
        communityId="c",
        clientToken="t",
        sessionId="s",
    )
    assert answer == {"clientToken": "t", "detectedLanguages": ["en"], "requestedLanguages": ["en"]}
    [decision] = kept()
    article = Article(text="New bridge. The council voted.")
    assert decision.comment == Comment("\N{GRINNING FACE} You clueless moron.", article, "Will it be built?")
    assert decision.scores == (
        LabelScore("toxicity", 1.0),
        LabelScore("insult", 0.5, 2, 5),
        LabelScore("inflammatory", 0.0),
    )
    assert (decision.source, decision.community, decision.reference, decision.languages) == (
        "perspective",
        "c",
        "t",
        ("en",),
    )
    assert decision.model == forum.get("/readyz").json()["model"]


def test_without_languages_and_a_token_the_answer_names_none(forum: httpx.Client) -> None:
    assert suggest(forum) == {"detectedLanguages": ["en"]}


def test_a_comment_in_another_language_is_kept_too(forum: httpx.Client, kept: Kept) -> None:
    text = "Das ist doch gar nicht wahr, der Stadtrat hat noch nie abgestimmt."
    assert suggest(forum, text)["detectedLanguages"] == ["de"]
    assert [decision.comment.text for decision in kept()] == [text]


def test_what_shall_not_be_stored_is_checked_and_forgotten(forum: httpx.Client, kept: Kept) -> None:
    assert suggest(forum, clientToken="t", doNotStore=True)["clientToken"] == "t"
    assert kept() == []
    assert message(forum, doNotStore=True, attributeScores={}) == "Missing attribute_scores"


def test_an_operator_may_keep_nothing(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forgetful = start(create_app(settings.model_copy(update={"decisions": "off"})))
    assert suggest(forgetful, clientToken="t")["clientToken"] == "t"
    assert list(tmp_path.iterdir()) == []


def test_analysing_a_comment_stores_nothing(forum: httpx.Client, kept: Kept) -> None:
    forum.post("/v1alpha1/comments:analyze", json={"comment": {"text": "a"}, "requestedAttributes": {"TOXICITY": {}}})
    assert kept() == []


@pytest.mark.parametrize(("value", "status"), [(0, "APPROVED"), (1, "REJECTED")])
def test_a_decision_in_coral_is_kept_with_the_address_of_its_story(
    forum: httpx.Client, kept: Kept, value: int, status: str
) -> None:
    url = f"https://news.example.org/bridge?commentID={status}"
    story = {"url": url, "reply_to_id_Coral_comment_id": None, "Coral_comment_id": "c1"}
    suggest(
        forum,
        context={"entries": [{"text": json.dumps(story)}]},
        attributeScores={"TOXICITY": {"summaryScore": {"value": value}}},
        communityId="Coral:https://comments.example.org",
    )
    [decision] = kept()
    assert decision.comment.article == Article(url=url)
    assert decision.scores == (LabelScore("toxicity", float(value)),)


@pytest.mark.parametrize("text", ['{"url": 5}', "{", "{" * 10_000, '{"a": 1}', "[]"])
def test_an_article_that_only_looks_like_coral_s_is_an_article(forum: httpx.Client, kept: Kept, text: str) -> None:
    suggest(forum, context={"entries": [{"text": text}]})
    assert [decision.comment.article for decision in kept()] == [Article(text=text)]


@pytest.mark.parametrize(
    ("name", "action"), [("APPROVED", Action.APPROVE), ("HIGHLIGHTED", Action.APPROVE), ("DELETED", Action.REJECT)]
)
def test_an_older_coral_says_what_became_of_the_comment(
    forum: httpx.Client, kept: Kept, name: str, action: Action
) -> None:
    suggest(forum, attributeScores={name: {"summaryScore": {"value": 1}}}, languages="EN")
    [decision] = kept()
    assert (decision.action, decision.scores) == (action, ())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"comment": {"text": ""}}, "Comment must be non-empty."),
        ({"attributeScores": {}}, "Missing attribute_scores"),
        ({"attributeScores": {"TOXICITY": {}}}, "Missing scores of attribute TOXICITY"),
        ({"attributeScores": {"no name": {"summaryScore": {"value": 1}}}}, "Unknown requested attribute: no name"),
        (
            {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1.5}}}},
            "Score of attribute TOXICITY must be from 0 to 1",
        ),
        (
            {"attributeScores": {"TOXICITY": {"summaryScore": {"value": 1, "type": "RAW"}}}},
            "Requested score type RAW is not supported by attribute TOXICITY",
        ),
        *(
            (
                {"attributeScores": {"INSULT": {"spanScores": [{"begin": begin, "end": end, "score": {"value": 1}}]}}},
                f"Span from {begin} to {end} of attribute INSULT is no part of the comment",
            )
            for begin, end in ((0, 99), (-1, 3), (3, 3), (5, 3))
        ),
        (
            {"attributeScores": {"TOXICITY": {"summaryScore": {}}}},
            "Invalid value at 'attributeScores.TOXICITY.summaryScore.value': Field required",
        ),
    ],
)
def test_a_suggestion_that_says_nothing_usable_is_refused(
    forum: httpx.Client, kept: Kept, fields: dict[str, Any], expected: str
) -> None:
    assert message(forum, **fields) == expected
    assert kept() == []


def test_a_span_does_not_cut_a_character_in_two(forum: httpx.Client) -> None:
    half = {"INSULT": {"spanScores": [{"begin": 1, "end": 3, "score": {"value": 1}}]}}
    assert "no part of the comment" in message(forum, comment={"text": "\N{GRINNING FACE} moron"}, attributeScores=half)


def test_a_store_that_fails_is_told_of_and_the_service_goes_on(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    broken = start(create_app(settings.model_copy(update={"decisions": tmp_path / "nowhere" / "d.sqlite3"})))
    response = broken.post(SUGGEST, json={"comment": {"text": "a"}, "attributeScores": TOXIC})
    assert (response.status_code, response.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert str(tmp_path) not in response.text
    assert suggest(broken, doNotStore=True)


# --- kill -9


@contextmanager
def _serving(bundle: Path, path: Path, workers: int) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moderation", "serve", "--model", bundle, "--port", str(port)]
    environment = os.environ | {"MODERATION_DECISIONS": str(path), "MODERATION_WORKERS": str(workers)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        try:
            deadline = time.monotonic() + 60
            while not _is_ready(client):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client, process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_answered_survives_kill_9(bundle_path: Path, tmp_path: Path, workers: int) -> None:
    path = tmp_path / "decisions.sqlite3"
    with _serving(bundle_path, path, workers) as (client, process):
        for number in range(20):
            suggest(client, f"Comment number {number}.")
        os.killpg(process.pid, signal.SIGKILL)
    assert [decision.comment.text for decision in DecisionStore(path).decisions()] == [
        f"Comment number {number}." for number in range(20)
    ]
