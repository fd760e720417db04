"""Articles given once: comments that name them are judged under them, or refused, and never as if there were none."""

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
from api.errors import Code, Problem
from api.settings import Settings
from moderation import Article
from moderation.keys import new_key

URL = "https://harbour.example/night-ferry"
FERRY = {
    "title": "Harbour town votes to keep its night ferry",
    "text": "The council voted to go on paying.",
    "url": URL,
}
GARDEN = {"title": "How to prune roses in late winter", "text": "Sharp shears, a cut above the bud, and dry weather."}
COMMENT = {"text": "The ferry costs the town a fortune every night."}


@pytest.fixture
def serve(start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path) -> Callable[..., httpx.Client]:
    """Start a service with some settings of its own; several of a test share their articles, as workers do."""

    def serve(**update: Any) -> httpx.Client:
        return start(create_app(settings.model_copy(update={"articles": tmp_path / "articles.sqlite3", **update})))

    return serve


@pytest.fixture(scope="module")
def service(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> httpx.Client:
    """A service that knows two articles."""
    path = tmp_path_factory.mktemp("articles") / "articles.sqlite3"
    service = start(create_app(settings.model_copy(update={"articles": path})))
    put(service, "night-ferry", FERRY)
    put(service, "roses", GARDEN)
    return service


def put(service: httpx.Client, id_: str, article: dict[str, str]) -> None:
    response = service.put(f"/v1/articles/{id_}", json=article)
    assert (response.status_code, response.content) == (204, b""), response.text


def ask(service: httpx.Client, article: Any) -> httpx.Response:
    body = json.dumps({"comment": COMMENT, "article": article})
    return service.post("/v1/score", content=body, headers={"Content-Type": "application/json"})


def off_topic(service: httpx.Client, article: Any) -> float:
    response = ask(service, article)
    assert response.status_code == 200, response.text
    score: float = response.json()["scores"]["off_topic"]
    return score


def refusal(response: httpx.Response) -> tuple[int, Code, list[str]]:
    error = Problem.model_validate_json(response.content).error
    return response.status_code, error.code, [detail.field for detail in error.details]


# --- what a comment is judged under


@pytest.mark.parametrize(
    ("name", "article"), [({"id": "night-ferry"}, FERRY), ({"url": URL}, FERRY), ({"id": "roses"}, GARDEN)]
)
def test_a_named_article_counts_as_if_it_had_been_sent(
    service: httpx.Client, name: dict[str, str], article: dict[str, str]
) -> None:
    assert ask(service, name).json() == ask(service, article).json()
    assert off_topic(service, {"id": "roses"}) > off_topic(service, {"id": "night-ferry"})


def test_fields_without_content_may_stand_beside_an_id(service: httpx.Client) -> None:
    empty = {"id": "night-ferry", "title": "", "text": "", "url": None}
    assert off_topic(service, empty) == off_topic(service, FERRY)


def test_a_batch_may_name_articles_send_them_or_do_without(service: httpx.Client) -> None:
    articles: list[Any] = [{"id": "roses"}, FERRY, {"url": URL}, GARDEN, None]
    entries = [{"comment": COMMENT, "article": article} for article in articles]
    results = service.post("/v1/score/batch", json={"comments": entries}).json()["results"]
    roses, sent, named, sent_roses, without = (result["scores"].get("off_topic") for result in results)
    assert (named, roses, without) == (sent, sent_roses, None)
    assert roses > named


def test_an_article_that_is_sent_is_not_looked_up_by_its_url(service: httpx.Client) -> None:
    assert off_topic(service, GARDEN | {"url": URL}) == off_topic(service, GARDEN)
    assert off_topic(service, GARDEN | {"url": "https://harbour.example/unknown"}) == off_topic(service, GARDEN)


@pytest.mark.parametrize("article", [{}, {"url": None}, {"id": None}, {"title": "", "text": "", "url": URL}])
def test_an_empty_article_is_still_none(service: httpx.Client, article: dict[str, Any]) -> None:
    assert "off_topic" not in ask(service, article).json()["scores"]


# --- what is not known


@pytest.mark.parametrize(
    ("article", "field"),
    [
        ({"id": "NIGHT-FERRY"}, "article.id"),
        ({"id": ""}, "article.id"),
        ({"id": "half an emoji \ud83d"}, "article.id"),
        ({"url": f"{URL}/"}, "article.url"),
        ({"url": ""}, "article.url"),
    ],
)
def test_an_unknown_article_is_refused(service: httpx.Client, article: dict[str, str], field: str) -> None:
    assert refusal(ask(service, article)) == (404, Code.UNKNOWN_ARTICLE, [field])


def test_before_any_article_is_given_all_are_unknown(serve: Callable[..., httpx.Client], tmp_path: Path) -> None:
    assert refusal(ask(serve(), {"id": "night-ferry"})) == (404, Code.UNKNOWN_ARTICLE, ["article.id"])
    assert list(tmp_path.iterdir()) == []


def test_a_batch_says_which_of_its_articles_are_unknown(service: httpx.Client) -> None:
    articles = [{"id": "night-ferry"}, {"id": "unknown"}, FERRY, {"url": "https://harbour.example/unknown"}]
    entries = [{"comment": COMMENT, "article": article} for article in articles]
    response = service.post("/v1/score/batch", json={"comments": entries})
    fields = ["comments.1.article.id", "comments.3.article.url"]
    assert refusal(response) == (404, Code.UNKNOWN_ARTICLE, fields)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_article_can_be_neither_read_nor_deleted(service: httpx.Client, method: str) -> None:
    assert refusal(service.request(method, "/v1/articles/unknown")) == (404, Code.UNKNOWN_ARTICLE, [])


# --- giving, reading, deleting


@pytest.mark.parametrize("id_", ["bridge", "2026/11/bridge", "caf%C3%A9", "a%00b", "x" * 200])
def test_an_article_can_be_read_replaced_and_deleted(service: httpx.Client, id_: str) -> None:
    put(service, id_, GARDEN)
    put(service, id_, FERRY)
    response = service.get(f"/v1/articles/{id_}")
    assert response.json() == {"id": httpx.URL(f"http://a/{id_}").path[1:], **FERRY}
    assert response.headers["cache-control"] == "no-store"
    assert service.delete(f"/v1/articles/{id_}").status_code == 204
    assert service.get(f"/v1/articles/{id_}").status_code == 404


def test_a_comment_under_a_replaced_article_is_judged_by_the_new_text(serve: Callable[..., httpx.Client]) -> None:
    service = serve()
    put(service, "a", FERRY)
    before = off_topic(service, {"id": "a"})
    put(service, "a", GARDEN)
    assert off_topic(service, {"id": "a"}) > before


def test_a_given_article_is_prepared_before_its_first_comment(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    app = create_app(settings.model_copy(update={"articles": tmp_path / "articles.sqlite3"}))
    put(start(app), "night-ferry", FERRY)
    assert Article(**FERRY) in app.state.engine.moderator._articles


def test_another_method_is_answered_with_all_that_there_are(service: httpx.Client) -> None:
    response = service.post("/v1/articles/night-ferry", json=FERRY)
    assert refusal(response) == (405, Code.METHOD_NOT_ALLOWED, [])
    assert response.headers["allow"] == "DELETE, GET, PUT"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, (422, Code.INVALID_REQUEST, ["body"])),
        ({"title": " ", "text": "\n", "url": URL}, (422, Code.INVALID_REQUEST, ["body"])),
        ({**FERRY, "id": "night-ferry"}, (422, Code.INVALID_REQUEST, ["body"])),
        ({"title": 5}, (422, Code.INVALID_REQUEST, ["title"])),
        ({"text": "a" * 200_001}, (413, Code.ARTICLE_TOO_LARGE, ["body"])),
        ({"title": "a", "url": "b" * 200_000}, (413, Code.ARTICLE_TOO_LARGE, ["body"])),
    ],
)
def test_what_is_no_article_is_not_kept(
    service: httpx.Client, body: dict[str, Any], expected: tuple[int, Code, list[str]]
) -> None:
    assert refusal(service.put("/v1/articles/wrong", json=body)) == expected
    assert service.get("/v1/articles/wrong").status_code == 404


@pytest.mark.parametrize("id_", ["", "x" * 201])
def test_an_id_has_a_length_that_can_be_kept(service: httpx.Client, id_: str) -> None:
    assert refusal(service.put(f"/v1/articles/{id_}", json=FERRY)) == (422, Code.INVALID_REQUEST, ["id"])


def test_an_article_must_be_declared_as_json(service: httpx.Client) -> None:
    response = service.put("/v1/articles/wrong", content=b'{"title": "a"}')
    assert refusal(response) == (415, Code.UNSUPPORTED_MEDIA_TYPE, [])


@pytest.mark.parametrize("beside", [{"title": "a"}, {"text": "a"}, {"url": URL}])
def test_an_id_stands_alone(service: httpx.Client, beside: dict[str, str]) -> None:
    assert refusal(ask(service, {"id": "night-ferry", **beside})) == (422, Code.INVALID_REQUEST, ["article"])


# --- who, how many, where


def test_without_a_key_no_article_is_given_read_or_deleted(serve: Callable[..., httpx.Client], tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys.toml", "forum")
    guarded = serve(api_keys=tmp_path / "keys.toml")
    for method in ("PUT", "GET", "DELETE"):
        assert refusal(guarded.request(method, "/v1/articles/a", json=FERRY))[1] is Code.KEY_MISSING
    assert guarded.put("/v1/articles/a", json=FERRY, headers={"X-API-Key": key}).status_code == 204


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_web_pages_of_named_origins_may_give_and_delete(serve: Callable[..., httpx.Client], method: str) -> None:
    origin = "https://cms.example.org"
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    response = serve(cors_origins=origin).options("/v1/articles/a", headers=asked)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == origin


def test_only_so_many_are_kept(serve: Callable[..., httpx.Client]) -> None:
    service = serve(articles_kept=2)
    for id_ in "abc":
        put(service, id_, FERRY)
    assert [ask(service, {"id": id_}).status_code for id_ in "abc"] == [404, 200, 200]


def test_all_services_of_a_file_know_what_any_of_them_was_given(serve: Callable[..., httpx.Client]) -> None:
    one, other = serve(), serve()
    put(one, "a", FERRY)
    assert off_topic(other, {"id": "a"}) == off_topic(one, FERRY)
    put(other, "a", GARDEN)
    assert off_topic(one, {"id": "a"}) == off_topic(one, GARDEN)
    assert one.delete("/v1/articles/a").status_code == 204
    assert refusal(ask(other, {"id": "a"}))[1] is Code.UNKNOWN_ARTICLE


def test_a_file_that_cannot_be_written_is_told_of_and_the_service_goes_on(
    serve: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    broken = serve(articles=tmp_path / "nowhere" / "articles.sqlite3")
    response = broken.put("/v1/articles/a", json=FERRY)
    assert refusal(response) == (503, Code.NOT_KEPT, [])
    assert str(tmp_path) not in response.text
    assert ask(broken, FERRY).status_code == 200


def test_a_file_that_cannot_be_read_is_a_failure_and_not_an_article_less(
    serve: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("These are notes, not a database of any kind. " * 50)
    broken = serve(articles=tmp_path / "notes.txt")
    assert refusal(ask(broken, {"id": "a"})) == (500, Code.INTERNAL_ERROR, [])


# --- processes


@contextmanager
def _serving(bundle: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Two workers that keep articles where they do by default: in the directory that they were started in."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moderation", "serve", "--model", bundle, "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    with process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while not _is_ready(url):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield url, process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_several_workers_share_their_articles_which_survive_kill_9(bundle_path: Path, tmp_path: Path) -> None:
    numbers = [str(number) for number in range(10)]
    with _serving(bundle_path, tmp_path) as (url, process):
        # each request makes a connection of its own, which either worker may take
        for number in numbers:
            given = httpx.put(f"{url}/v1/articles/{number}", json=FERRY | {"title": number}, trust_env=False)
            assert given.status_code == 204
            assert httpx.get(f"{url}/v1/articles/{number}", trust_env=False).json()["title"] == number
        os.killpg(process.pid, signal.SIGKILL)
    with _serving(bundle_path, tmp_path) as (url, _):
        found = [httpx.get(f"{url}/v1/articles/{number}", trust_env=False).json()["title"] for number in numbers]
    assert found == numbers
