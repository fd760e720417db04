"""What `/v1/score` and `/v1/score/batch` answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from moderation.labels import LABELS, TEXT_LABELS
from moderation.verdict import Action

RUDE: dict[str, Any] = {"comment": {"text": "You are a stupid idiot and everybody knows it."}}
KIND: dict[str, Any] = {"comment": {"text": "Thank you, that was a helpful answer."}}
ARTICLE = {"title": "New bridge", "text": "The council voted to build a bridge.", "url": "https://example.org/bridge"}


def _score(service: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    response = service.post("/v1/score", json=request)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _score_batch(service: httpx.Client, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    response = service.post("/v1/score/batch", json={"comments": requests})
    assert response.status_code == 200, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_a_comment_gets_scores_flags_an_action_and_the_models_name(service: httpx.Client) -> None:
    answer = _score(service, RUDE)
    assert set(answer) == {"scores", "flags", "action", "model"}
    assert tuple(answer["scores"]) == TEXT_LABELS
    assert all(0 <= score <= 1 for score in answer["scores"].values())
    assert set(answer["flags"]) <= set(answer["scores"])
    assert answer["action"] in list(Action)
    assert answer["model"] == service.get("/readyz").json()["model"]


def test_an_insult_scores_higher_than_thanks(service: httpx.Client) -> None:
    assert _score(service, RUDE)["scores"]["toxicity"] > _score(service, KIND)["scores"]["toxicity"]


@pytest.mark.parametrize("place", [{"article": ARTICLE}, {"parent": {"text": "Will the bridge ever be built?"}}])
def test_with_an_article_or_a_parent_there_is_an_off_topic_score(service: httpx.Client, place: dict[str, Any]) -> None:
    assert tuple(_score(service, KIND | place)["scores"]) == LABELS


@pytest.mark.parametrize("place", [{"article": None, "parent": None}, {"article": {}}, {"parent": {"text": " "}}])
def test_an_empty_place_gives_no_off_topic_score(service: httpx.Client, place: dict[str, Any]) -> None:
    assert "off_topic" not in _score(service, KIND | place)["scores"]


def test_a_batch_answers_in_order_and_as_single_requests_would(service: httpx.Client) -> None:
    requests = [RUDE, KIND | {"article": ARTICLE}, KIND, RUDE | {"explain": True}]
    results = _score_batch(service, *requests)
    for request, result in zip(requests, results, strict=True):
        single = _score(service, request)
        assert result["scores"] == pytest.approx(single["scores"], abs=1e-6)
        assert result["flags"] == single["flags"]
        assert result["action"] == single["action"]
        assert result.get("spans") == single.get("spans")


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/v1/score", RUDE),
        ("/v1/score", KIND | {"article": ARTICLE, "parent": {"text": "Will it be built?"}, "community": "any"}),
        ("/v1/score", RUDE | {"explain": True}),
        ("/v1/score", {"comment": {"text": "\N{GRINNING FACE} \x7f \u2028 ``"}}),
        ("/v1/score", KIND | {"article": {"id": "unknown"}}),
        ("/v1/score", KIND | {"comments": []}),
        ("/v1/score", {"comment": {"text": "a" * 20_481}}),
        ("/v1/score/batch", {"comments": [RUDE, KIND | {"article": ARTICLE}]}),
        ("/v1/score/batch", {"comments": [KIND] * 1001}),
        ("/v1/score/batch", {"comments": [KIND | {"explain": True}] * 101}),
        ("/v1/score/batch", {"comments": 5}),
        ("/v1/score/batch", []),
    ],
)
def test_the_short_way_of_a_usual_request_and_the_frameworks_lead_to_one_answer(
    service: httpx.Client, path: str, request_: Any
) -> None:
    short, long = (
        service.post(path, content=json.dumps(request_), headers={"Content-Type": kind})
        for kind in ("application/json", "application/json; charset=utf-8")
    )
    assert short.content == long.content
    assert short.status_code == long.status_code
    assert {**short.headers, "date": ""} == {**long.headers, "date": ""}


def test_an_empty_batch_has_no_results(service: httpx.Client) -> None:
    assert _score_batch(service) == []


def test_a_full_batch_is_answered(service: httpx.Client) -> None:
    assert len(_score_batch(service, *[RUDE, KIND] * 500)) == 1000


def test_answers_about_comments_stay_out_of_caches(service: httpx.Client) -> None:
    assert service.post("/v1/score", json=KIND).headers["cache-control"] == "no-store"
    assert service.post("/v1/score", json={}).headers["cache-control"] == "no-store"


@pytest.fixture(scope="module")
def forum(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> httpx.Client:
    """A service that never flags an insult, save in the community `strict`, which rejects everything as one."""
    policy: Path = tmp_path_factory.mktemp("policy") / "policy.toml"
    policy.write_text("[labels.insult]\nflag = 1.0\n[communities.strict.insult]\nflag = 0.0\nreject = 0.0\n")
    return start(create_app(settings.model_copy(update={"policy": policy})))


def test_a_community_is_judged_by_its_own_thresholds(forum: httpx.Client) -> None:
    answer = _score(forum, KIND | {"community": "strict"})
    assert answer["action"] == "reject"
    assert "insult" in answer["flags"]


@pytest.mark.parametrize("community", [{}, {"community": None}, {"community": "unheard of"}])
def test_other_communities_are_judged_by_the_sites_thresholds(forum: httpx.Client, community: dict[str, Any]) -> None:
    assert "insult" not in _score(forum, KIND | community)["flags"]


def test_a_batch_may_mix_communities(forum: httpx.Client) -> None:
    strict, site = _score_batch(forum, KIND | {"community": "strict"}, KIND)
    assert ("insult" in strict["flags"], "insult" in site["flags"]) == (True, False)
    assert strict["scores"] == pytest.approx(site["scores"], abs=1e-6)


def test_spans_lie_in_the_text_and_speak_for_the_communitys_flags(forum: httpx.Client) -> None:
    strict = _score(forum, RUDE | {"explain": True, "community": "strict"})
    assert "insult" in {span["label"] for span in strict["spans"]}
    assert {span["label"] for span in strict["spans"]} <= set(strict["flags"])
    for span in strict["spans"]:
        assert set(span) == {"start", "end", "label", "weight"}
        assert 0 <= span["start"] < span["end"] <= len(RUDE["comment"]["text"])
        assert span["weight"] > 0
    site = _score(forum, RUDE | {"explain": True})
    assert "insult" not in {span["label"] for span in site["spans"]}


def test_an_explanation_asked_for_is_there_even_where_there_is_nothing_to_explain(forum: httpx.Client) -> None:
    assert _score(forum, {"comment": {"text": ""}, "community": "strict", "explain": True})["spans"] == []


def test_an_explanation_says_what_the_comment_is_closest_to_and_what_looks_away(forum: httpx.Client) -> None:
    article = {"title": "Council approves the bridge", "text": "It will cost three million. Work starts in May."}
    text = "Mods, who deleted my comment about what the bridge will cost?"

    placement = _score(forum, {"comment": {"text": text}, "article": article, "explain": True})["placement"]

    for passage in placement["closest"]:
        assert 0 <= passage["start"] < passage["end"] <= len(article[passage["side"]])
    assert [text[mark["start"] : mark["end"]] for mark in placement["marks"] if mark["kind"] == "site"] == [
        "Mods,",
        "deleted",
        "comment",
    ]
    assert placement["says_little"] is False


@pytest.mark.parametrize("request_", [{"explain": True}, {"article": {"title": "Council approves the bridge"}}])
def test_nothing_is_placed_unasked_or_without_a_context(forum: httpx.Client, request_: dict[str, Any]) -> None:
    assert "placement" not in _score(forum, {"comment": {"text": "It will be worth every cent."}} | request_)
