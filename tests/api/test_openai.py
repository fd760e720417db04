"""OpenAI's moderation endpoint, asked by OpenAI's own client and, where that would never ask so, over HTTP."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from api.app import create_app
from api.routes.openai import HEADS, Category
from api.settings import Settings
from moderation import Comment, Moderator
from moderation.keys import new_key

ABUSE = "You clueless moron, you are a disgusting idiot."
KINDNESS = "Thanks, that was well put."
HATE_AND_THREAT = "All gays should be shot, we will kill every one of you."


@pytest.fixture(scope="module")
def client(service: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.base_url}/v1", api_key="any", max_retries=0) as client:
        yield client


def _post(service: httpx.Client, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return service.post("/v1/moderations", content=content, headers={"Content-Type": "application/json", **headers})


# --- what is answered


def test_abuse_is_flagged_and_kindness_is_not(client: openai.OpenAI) -> None:
    abuse, kindness = client.moderations.create(input=[ABUSE, KINDNESS]).results
    assert abuse.flagged
    assert abuse.categories.harassment
    assert abuse.category_scores.harassment > 0.8
    assert not kindness.flagged
    assert kindness.category_scores.harassment < 0.2


def test_a_threat_against_a_group_is_hate_and_threatening(client: openai.OpenAI) -> None:
    [result] = client.moderations.create(input=HATE_AND_THREAT).results
    assert result.categories.hate
    assert result.categories.hate_threatening
    assert result.categories.harassment_threatening
    assert result.categories.violence


def test_the_three_forms_of_input_get_the_same_scores(client: openai.OpenAI) -> None:
    [alone] = client.moderations.create(input=ABUSE).results
    [listed] = client.moderations.create(input=[ABUSE]).results
    [as_part] = client.moderations.create(
        input=[{"type": "text", "text": ABUSE}], model="omni-moderation-latest"
    ).results
    assert alone == listed == as_part


def test_parts_are_one_comment(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "You are a"}, {"type": "text", "text": "disgusting idiot."}]
    assert (
        client.moderations.create(input=parts).results
        == client.moderations.create(input="You are a\ndisgusting idiot.").results
    )


def test_results_come_in_the_order_of_the_inputs(client: openai.OpenAI) -> None:
    texts = [ABUSE, KINDNESS] * 30
    flagged = [result.flagged for result in client.moderations.create(input=texts).results]
    assert flagged == [True, False] * 30


def test_an_answer_has_an_id_of_its_own_and_names_the_bundle(client: openai.OpenAI, moderator: Moderator) -> None:
    answers = [client.moderations.create(input=KINDNESS) for _ in range(2)]
    assert answers[0].id != answers[1].id
    assert all(re.fullmatch(r"modr-[0-9a-f]{32}", answer.id) for answer in answers)
    assert answers[0].model == moderator.model


def test_scores_are_on_perspectives_scale(service: httpx.Client, bundle_path: Path) -> None:
    [verdict] = Moderator.load(bundle_path, calibration="perspective").score([Comment(ABUSE)])
    [result] = _post(service, {"input": ABUSE}).json()["results"]
    assert result["category_scores"]["harassment"] == pytest.approx(verdict.scores["insult"])
    assert result["category_scores"]["violence"] == pytest.approx(verdict.scores["threat"])


def test_a_category_with_two_labels_needs_both(service: httpx.Client) -> None:
    [result] = _post(service, {"input": "Immigrants are parasites."}).json()["results"]
    scores = result["category_scores"]
    assert scores["hate/threatening"] == min(scores["hate"], scores["harassment/threatening"])


@pytest.mark.parametrize("text", [ABUSE, HATE_AND_THREAT])
def test_every_category_is_there_and_those_without_a_head_are_false_and_zero(service: httpx.Client, text: str) -> None:
    [result] = _post(service, {"input": text}).json()["results"]
    names = {category.value for category in Category}
    assert len(names) == 13
    assert set(result["categories"]) == set(result["category_scores"]) == names
    assert set(result["category_applied_input_types"]) == names
    for name in names - {category.value for category in HEADS}:
        assert result["categories"][name] is False
        assert result["category_scores"][name] == 0
        assert result["category_applied_input_types"][name] == []
    for category in HEADS:
        assert result["category_applied_input_types"][category.value] == ["text"]


def test_flags_are_those_of_the_sites_policy(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[labels.insult]\nflag = 1.0\nreview = 1.0\nreject = 1.0\n", encoding="utf-8")
    lenient = start(create_app(settings.model_copy(update={"policy": policy})))
    [result] = _post(lenient, {"input": ABUSE}).json()["results"]
    assert result["categories"]["harassment"] is False
    assert result["category_scores"]["harassment"] > 0.8


@pytest.mark.parametrize("text", ["", " \n", "\x00", "half an emoji \ud83d", "9" * 20_000])
def test_strange_text_gets_a_result(service: httpx.Client, text: str) -> None:
    assert len(_post(service, {"input": text}).json()["results"]) == 1


def test_no_input_gets_no_result(service: httpx.Client) -> None:
    assert _post(service, {"input": []}).json()["results"] == []


def test_the_example_of_the_documentation_runs(root: Path, service: httpx.Client) -> None:
    documentation = (root / "docs/neighbours.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```$", documentation, re.MULTILINE | re.DOTALL)
    assert "http://127.0.0.1:8000" in example
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(example.replace("http://127.0.0.1:8000", str(service.base_url).rstrip("/")), {})
    assert printed.getvalue() == "[True, False]\n"


# --- what is refused


@pytest.mark.parametrize(
    "input_",
    [
        [{"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}],
        [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
    ],
)
def test_images_are_refused(client: openai.OpenAI, input_: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.moderations.create(input=input_)
    assert refused.value.type == "invalid_request_error"
    assert refused.value.param == "input"
    assert "text only" in refused.value.message


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "null",
        "[]",
        '{"input": null}',
        '{"input": 5}',
        '{"input": {}}',
        '{"input": [1, 2]}',
        '{"input": ["a", {"type": "text", "text": "b"}]}',
        '{"input": [["a"]]}',
        '{"input": [{"type": "text"}]}',
        '{"input": [{"text": "a"}]}',
        '{"input": "a", "model": 7}',
        '{"input": ' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_another_form_is_an_invalid_request(service: httpx.Client, body: str) -> None:
    response = _post(service, body)
    error = response.json()["error"]
    assert response.status_code == 400
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_an_error_names_what_is_wrong_once(service: httpx.Client) -> None:
    error = _post(service, {"input": [1] * 100_000}).json()["error"]
    assert error["param"] == "input"
    assert len(error["message"]) < 300
    assert _post(service, {}).json()["error"]["param"] == "input"
    assert _post(service, {"input": "a", "model": 7}).json()["error"]["param"] == "model"


@pytest.mark.parametrize("body", [b'{"input": "a"', b"input=a", b'{"input": "\xff\xfe"}', b"[" * 100_000])
def test_what_is_not_json_is_an_invalid_request(service: httpx.Client, body: bytes) -> None:
    response = _post(service, body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["param"] is None


def test_another_content_type_is_refused(service: httpx.Client) -> None:
    response = _post(service, b'{"input": "a"}', **{"Content-Type": "text/plain"})
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_content_type"


def test_another_method_is_refused(service: httpx.Client) -> None:
    response = service.get("/v1/moderations")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_supported"


def test_without_a_known_key_nothing_is_answered(
    start: Callable[..., httpx.Client], settings: Settings, tmp_path: Path
) -> None:
    key = new_key(tmp_path / "keys.toml", "forum", per_minute=2)
    service = start(create_app(settings.model_copy(update={"api_keys": tmp_path / "keys.toml"})))
    client = openai.OpenAI(base_url=f"{service.base_url}/v1", api_key=key, max_retries=0)

    with pytest.raises(openai.AuthenticationError) as unknown:
        client.with_options(api_key="sk-unknown").moderations.create(input=ABUSE)
    assert (unknown.value.code, unknown.value.type) == ("invalid_api_key", "invalid_request_error")
    assert "sk-unknown" not in unknown.value.message
    assert _post(service, {"input": ABUSE}).status_code == 401

    for _ in range(2):
        assert client.moderations.create(input=ABUSE).results[0].flagged
    with pytest.raises(openai.RateLimitError) as too_many:
        client.moderations.create(input=ABUSE)
    assert too_many.value.code == "rate_limit_exceeded"


@pytest.fixture(scope="module")
def small(start: Callable[..., httpx.Client], settings: Settings) -> httpx.Client:
    """A service with narrow limits."""
    limits = {"max_comment_bytes": 10, "max_batch": 2, "max_body_bytes": 500}
    return start(create_app(settings.model_copy(update=limits)))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"input": ["a", "b" * 11]}, 400, "string_above_max_length"),
        (
            {"input": [{"type": "text", "text": "a" * 5}, {"type": "text", "text": "b" * 5}]},
            400,
            "string_above_max_length",
        ),
        ({"input": ["a", "b", "c"]}, 400, "array_above_max_length"),
        ({"input": "a" * 500}, 413, None),
    ],
)
def test_what_is_too_long_is_refused(small: httpx.Client, body: Any, status: int, code: str | None) -> None:
    response = _post(small, body)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert "bbb" not in error["message"]


def test_what_is_just_short_enough_is_judged(small: httpx.Client) -> None:
    assert len(_post(small, {"input": ["a" * 10, "b"]}).json()["results"]) == 2


def test_before_the_bundle_is_loaded_the_client_may_try_again(
    start: Callable[..., httpx.Client], settings: Settings
) -> None:
    response = _post(start(create_app(settings), lifespan="off"), {"input": "a"})
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "server_error"


def test_the_service_lives_on_after_every_refusal(service: httpx.Client) -> None:
    assert _post(service, {"input": KINDNESS}).status_code == 200
