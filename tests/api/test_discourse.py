"""The toxicity classifier of Discourse's AI plugin: a post in, whole percent per label out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import Code, Problem
from api.settings import Settings
from moderation import Comment, Moderator
from moderation.keys import new_key

ABUSE = "You clueless moron, you are a disgusting idiot."
LABELS = ("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit")
"""The plugin compares each with a threshold, and fails where one is missing."""


def classify(service: httpx.Client, content: str, model: str = "unbiased") -> httpx.Response:
    body = json.dumps({"model": model, "content": content})
    headers = {"Content-Type": "application/json", "Referer": "https://forum.example"}
    return service.post("/api/v1/classify", content=body, headers=headers)


def test_a_post_is_classified_in_whole_percent(service: httpx.Client) -> None:
    abuse, kindness = classify(service, ABUSE), classify(service, "Thanks, that was well put.")
    assert abuse.status_code == kindness.status_code == 200
    assert tuple(abuse.json()) == LABELS
    assert all(type(value) is int and 0 <= value <= 100 for value in abuse.json().values())
    assert abuse.json()["toxicity"] >= 80  # the plugin's own threshold
    assert kindness.json()["toxicity"] < 20


def test_scores_are_on_perspectives_scale(service: httpx.Client, bundle_path: Path) -> None:
    text = "What a load of shit this article is, they should hang for it."
    [verdict] = Moderator.load(bundle_path, calibration="perspective").score([Comment(text)])
    answer = classify(service, text).json()
    for label in ("toxicity", "severe_toxicity", "identity_attack", "insult", "threat"):
        assert answer[label] == round(100 * verdict.scores[label])
    assert answer["obscene"] == round(100 * verdict.scores["profanity"])


def test_what_has_no_head_is_zero(service: httpx.Client) -> None:
    assert classify(service, "She took off everything and came to bed with him.").json()["sexual_explicit"] == 0


@pytest.mark.parametrize("model", ["unbiased", "multilingual", "original"])
def test_every_model_for_toxicity_is_the_one_that_there_is(service: httpx.Client, model: str) -> None:
    assert classify(service, ABUSE, model).json() == classify(service, ABUSE).json()


@pytest.mark.parametrize("model", ["sentiment", "emotion", "opennsfw2", ""])
def test_other_models_are_refused_not_guessed(service: httpx.Client, model: str) -> None:
    response = classify(service, ABUSE, model)
    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["field"] == "model"


def test_the_model_may_be_left_out(service: httpx.Client) -> None:
    assert service.post("/api/v1/classify", json={"content": ABUSE}).status_code == 200


@pytest.mark.parametrize("text", ["", " \n", "half an emoji \ud83d", "a\x00b", "9" * 20_000])
def test_strange_text_is_classified(service: httpx.Client, text: str) -> None:
    assert set(classify(service, text).json()) == set(LABELS)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", Code.INVALID_REQUEST),
        ("null", Code.INVALID_REQUEST),
        ("{}", Code.INVALID_REQUEST),
        ('{"content": null}', Code.INVALID_REQUEST),
        ('{"content": ["a"]}', Code.INVALID_REQUEST),
        ('{"content": "a", "model": 5}', Code.INVALID_REQUEST),
        ('{"content": "a"', Code.MALFORMED_JSON),
        (b'{"content": "\xff"}', Code.MALFORMED_JSON),
        ("[" * 100_000, Code.MALFORMED_JSON),
        (json.dumps({"content": "a" * 20_481}), Code.COMMENT_TOO_LARGE),
    ],
)
def test_another_form_is_refused(service: httpx.Client, body: Any, code: Code) -> None:
    response = service.post("/api/v1/classify", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert Problem.model_validate_json(response.content).error.code is code


def test_where_keys_are_needed_the_plugins_header_brings_it(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "keys.toml", "forum")
    service = start(create_app(settings.model_copy(update={"api_keys": tmp_path / "keys.toml"})))
    assert classify(service, ABUSE).status_code == 401
    post = {"content": ABUSE, "model": "unbiased"}
    assert service.post("/api/v1/classify", json=post, headers={"X-API-KEY": key}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_no_refusal_has_status_415_which_the_plugin_takes_for_scores(service: httpx.Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = service.post("/api/v1/classify", content=json.dumps({"content": "a"}), headers=headers)
    assert response.status_code == 422


def test_the_service_lives_on_after_every_refusal(service: httpx.Client) -> None:
    assert classify(service, ABUSE).status_code == 200
