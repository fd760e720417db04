"""`perspective`, the package of that name, with another address in its API client."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError

import pytest
from perspective import PerspectiveAPI
from serving import Server

from moderation import Article, Comment
from moderation.decisions import DecisionStore, LabelScore

RUDE = "You clueless moron, you are a disgusting idiot."
KIND = "Thanks, that was well put."
ARTICLE = "Harbour town votes to keep its night ferry."


def asking(server: Server, key: str) -> PerspectiveAPI:
    api = PerspectiveAPI(key)
    api.api_client.url = f"{server.url}/v1alpha1/{{endpoint}}"
    return api


@pytest.fixture(scope="module")
def api(server: Server) -> PerspectiveAPI:
    return asking(server, server.key)


def error(refused: HTTPError) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(refused.read())["error"]
    return body


def test_scores_come_by_attribute(api: PerspectiveAPI) -> None:
    rude, kind = (api.score(text, tests=["TOXICITY", "INSULT"]) for text in (RUDE, KIND))
    assert list(rude) == ["TOXICITY", "INSULT"]
    assert kind["TOXICITY"] < 0.2
    assert rude["TOXICITY"] > 0.8


def test_every_argument_is_understood(api: PerspectiveAPI) -> None:
    answer = api.analyze_comment(
        RUDE,
        comment_type="PLAIN_TEXT",
        context=[{"text": ARTICLE, "type": "PLAIN_TEXT"}],
        requested_attributes={"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.5}, "OFF_TOPIC": {}},
        span_annotations=True,
        languages=["en"],
        do_not_store=True,
        client_token="comment-17",
        session_id="session",
        community_id="harbour.example",
    )
    assert (answer["languages"], answer["clientToken"]) == (["en"], "comment-17")
    assert list(answer["attributeScores"]) == ["TOXICITY", "OFF_TOPIC"]


def test_a_suggestion_is_kept(api: PerspectiveAPI, server: Server) -> None:
    scores = {"INSULT": {"summaryScore": {"value": 1.0, "type": "PROBABILITY"}}}
    answer = api.suggest_score(
        RUDE, scores, context=[{"text": ARTICLE}], client_token="package", community_id="harbour.example"
    )
    assert answer["clientToken"] == "package"
    kept = {decision.reference: decision for decision in DecisionStore(server.decisions).decisions()}["package"]
    assert (kept.comment, kept.scores) == (Comment(RUDE, Article(text=ARTICLE)), (LabelScore("insult", 1.0),))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"text": ""}, "COMMENT_EMPTY"),
        ({"text": RUDE, "requested_attributes": {"FLIRTATION": {}}}, "INVALID_REQUEST"),
        ({"text": RUDE, "languages": ["de"]}, "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE"),
    ],
)
def test_a_refusal_is_an_http_error_with_googles_body(
    api: PerspectiveAPI, arguments: dict[str, Any], kind: str
) -> None:
    with pytest.raises(HTTPError) as refused:
        api.analyze_comment(**arguments)
    assert refused.value.code == 400
    assert error(refused.value)["details"][0]["errorType"] == kind


def test_a_wrong_key_is_refused(server: Server) -> None:
    with pytest.raises(HTTPError) as refused:
        asking(server, "AIzaWrong").score(RUDE)
    assert error(refused.value)["details"][0]["reason"] == "API_KEY_INVALID"
